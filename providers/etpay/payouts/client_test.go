package payouts_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay/payouts"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/etpay"
)

// counter is a payout client with its simulator, on one clock that the test moves, and what its
// attempts kept.
type payoutFixture struct {
	t          *testing.T
	s          *sandbox.Provider
	url        string
	client     *payouts.Client
	kept       map[string]string
	moneySteps int
	lost       error
	clock      *providertest.Clock
}

func newPayoutFixture(t *testing.T, faults ...sandbox.Fault) *payoutFixture {
	t.Helper()
	b := &payoutFixture{t: t, clock: providertest.ClockAt(time.Date(2026, 5, 15, 2, 30, 0, 0, time.UTC)), kept: map[string]string{}}
	b.s = simulator.New(simulator.Options{}, sandbox.Options{Now: b.clock.Now})
	b.url = providertest.Simulate(t, b.s, faults...)
	c := config(b.url)
	c.Auth.Now = b.clock.Now
	b.client = newClient(t, c)
	return b
}

func (b *payoutFixture) pay(reference string) (providers.Outcome, error) {
	b.t.Helper()
	return b.client.Pay(b.t.Context(), payout(b.t, reference), providers.Attempt{
		ProviderRefs: maps.Clone(b.kept),
		Checkpoint: func(_ context.Context, h map[string]string, moneySteps bool) error {
			if moneySteps {
				b.moneySteps++
			}
			maps.Copy(b.kept, h)
			return b.lost
		},
	})
}

func (b *payoutFixture) query(reference, id string) (providers.Outcome, error) {
	b.t.Helper()
	p := payout(b.t, reference)
	return b.client.Status(b.t.Context(), providers.StatusQuery{Reference: reference, Amount: p.Amount, Payout: &p, ProviderID: id, ProviderRefs: b.kept})
}

func (b *payoutFixture) want(o providers.Outcome, err error, class providers.Class, code string) {
	b.t.Helper()
	if err != nil || o.Class != class || o.Code != code {
		b.t.Errorf("got %+v, %v; want %s %s", o, err, class, code)
	}
}

func TestAnAttemptOpensRightBeforeThePayout(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t)
	if !b.client.SafeFirstStep() {
		t.Error("an attempt would be open before it has a token")
	}
	b.lost = errors.New("not the owner")
	_, err := b.pay("PO1")
	var notSent *providers.NotSent
	if !errors.As(err, &notSent) || notSent.Reason != "superseded" || b.s.ArrivalCount("PO1") != 0 {
		t.Errorf("got %v, and %d requests", err, b.s.ArrivalCount("PO1"))
	}
	b.lost = nil
	o, err := b.pay("PO1")
	b.want(o, err, providers.Pending, "processing")
	if b.moneySteps != 2 || o.ProviderID == "" || b.kept[payouts.FirstAttemptRef] != "2026-05-15T02:30:00Z" {
		t.Errorf("noted %d times, %q; the outcome is %+v", b.moneySteps, b.kept, o)
	}
}

func TestAPayoutIsListedSinceItsFirstAttempt(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t, sandbox.Fault{Kind: "hang_up_after", Next: 1}, sandbox.Fault{Kind: "bad_gateway_before"})
	o, err := b.pay("PO1")
	b.want(o, err, providers.InDoubt, "eof")
	b.clock.Pass(5 * 24 * time.Hour)
	o, err = b.pay("PO1") // an operator had it sent again
	b.want(o, err, providers.InDoubt, "http_502")
	if b.kept[payouts.FirstAttemptRef] != "2026-05-15T02:30:00Z" {
		t.Errorf("the first attempt is forgotten: %q", b.kept)
	}
	b.clock.Pass(30 * 24 * time.Hour)
	o, err = b.query("PO1", "")
	b.want(o, err, providers.Succeeded, "paid")
	o, err = b.query("PO2", "")
	b.want(o, err, providers.NotFound, "not_listed")
}

func TestWithoutTheDayOfItsFirstAttemptNothingIsConcluded(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t)
	if o, err := b.query("PO1", ""); err == nil {
		t.Errorf("got %+v", o)
	}
}

func TestTwoPayoutsOfOneReferenceAreForAnOperator(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t)
	for range 2 {
		o, err := b.pay("PO1")
		b.want(o, err, providers.Pending, "processing")
	}
	o, err := b.query("PO1", "")
	b.want(o, err, providers.Mismatch, "several_rows")
	if o.ProviderID != "" || o.Message != "payout etp_000001: 12500 paid; payout etp_000002: 12500 paid" {
		t.Errorf("a person is told %q of %q", o.Message, o.ProviderID)
	}
	o, err = b.query("PO1", "etp_000002")
	b.want(o, err, providers.Succeeded, "paid")
}

// mustQuery queries the payout of that id, and what else stands under its reference.
func (b *payoutFixture) mustQuery(reference, id string) (providers.Outcome, error) {
	b.t.Helper()
	return b.client.Status(b.t.Context(), providers.StatusQuery{
		Reference: reference, Amount: payout(b.t, reference).Amount, ProviderID: id, ByReference: true, ProviderRefs: b.kept,
	})
}

func TestASecondPayoutUnderAnotherIDIsFound(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t)
	o, err := b.pay("PO1")
	b.want(o, err, providers.Pending, "processing")
	o, err = b.mustQuery("PO1", "etp_000001")
	if b.want(o, err, providers.Succeeded, "paid"); o.ProviderID != "etp_000001" || o.SecondID != "" {
		t.Errorf("one payout: %+v", o)
	}
	o, err = b.pay("PO1")
	b.want(o, err, providers.Pending, "processing")
	b.clock.Pass(5 * 24 * time.Hour)
	for id, second := range map[string]string{"etp_000001": "etp_000002", "etp_000002": "etp_000001"} {
		o, err = b.mustQuery("PO1", id)
		if b.want(o, err, providers.Succeeded, "paid"); o.ProviderID != id || o.SecondID != second {
			t.Errorf("two payouts: %+v, want %s and %s", o, id, second)
		}
	}
}

func TestALaterPayoutBesideARejectedOneIsFound(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t, sandbox.Fault{Kind: "rejected_word", Next: 1})
	if o, err := b.pay("PO1"); err != nil || o.ProviderID != "etp_000001" {
		t.Fatalf("got %+v, %v", o, err)
	}
	o, err := b.mustQuery("PO1", "etp_000001")
	b.want(o, err, providers.Refused, "rejected")
	if o, err := b.pay("PO1"); err != nil || o.ProviderID != "etp_000002" {
		t.Fatalf("got %+v, %v", o, err)
	}
	o, err = b.mustQuery("PO1", "etp_000001")
	if b.want(o, err, providers.Succeeded, "paid"); o.ProviderID != "etp_000002" || o.SecondID != "" {
		t.Errorf("got %+v", o)
	}
}

// Where the listing cannot be read, a success under the known id is still one; nothing else is a
// response.
func TestAQueryWithoutAListing(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		made, queried []sandbox.Fault
		listing       string
		want          providers.Class
	}{
		"paid by its id":         {nil, nil, "/v1/all", providers.Succeeded},
		"rejected by its id":     {[]sandbox.Fault{{Kind: "rejected_word"}}, nil, "/v1/all", ""},
		"not known, not listed":  {nil, []sandbox.Fault{{Kind: "not_found"}}, "", ""},
		"paid, and listed alone": {nil, nil, "", providers.Succeeded},
	} {
		b := newPayoutFixture(t, row.made...)
		c := config(b.url)
		c.Auth.Now, c.RangePath = b.clock.Now, row.listing
		b.client = newClient(t, c)
		made, err := b.pay("PO1")
		if err != nil {
			t.Fatal(err)
		}
		providertest.Fault(t, b.s, row.queried...)
		if o, err := b.mustQuery("PO1", made.ProviderID); (err == nil) != (row.want != "") || o.Class != row.want {
			t.Errorf("%s: got %+v, %v, want %s", name, o, err, row.want)
		}
	}
}

func TestAWatchThatKnowsNoFirstDayQueriesByTheID(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t)
	made, err := b.pay("PO1")
	if err != nil {
		t.Fatal(err)
	}
	p := payout(t, "PO1")
	o, err := b.client.Status(t.Context(), providers.StatusQuery{Reference: "PO1", Amount: p.Amount, Payout: &p, ProviderID: made.ProviderID, ByReference: true})
	b.want(o, err, providers.Succeeded, "paid")
}

func TestATokenIsRenewedOnceWithinAnAttempt(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t, sandbox.Fault{Kind: "expire_tokens", Operation: sandbox.SendOperation, Next: 1})
	o, err := b.pay("PO1")
	b.want(o, err, providers.Pending, "processing")
	if n := b.s.Logins(); n != 2 || b.s.ExecutionCount("PO1") != 1 {
		t.Errorf("%d logins, money moved %d times", n, b.s.ExecutionCount("PO1"))
	}
	providertest.Fault(t, b.s, sandbox.Fault{Kind: "unauthorized"})
	_, err = b.pay("PO2")
	if n := b.s.ArrivalCount("PO2"); !errors.As(err, new(*providers.CredentialsError)) || n != 2 {
		t.Errorf("got %v after %d requests", err, n)
	}
	b.s.ClearFaults()
	b.clock.Pass(2 * time.Hour) // tokens live for an hour
	o, err = b.pay("PO3")
	b.want(o, err, providers.Pending, "processing")
}

func TestARefusedLoginSendsNothing(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t, sandbox.Fault{Kind: "unauthorized", Operation: sandbox.LoginOperation})
	for range 3 {
		if _, err := b.pay("PO1"); !errors.As(err, new(*providers.CredentialsError)) {
			t.Errorf("got %v", err)
		}
	}
	if n := b.s.Logins(); n != 1 || b.moneySteps != 0 {
		t.Errorf("%d logins, %d notes", n, b.moneySteps)
	}
}

func TestAPayoutThatCannotBeExpressedIsRefusedUnsent(t *testing.T) {
	t.Parallel()
	b := newPayoutFixture(t)
	cents, err := providers.ParseMoney("10.50", "MXN")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(p *providers.Payout){
		"amount":            func(p *providers.Payout) { p.Amount = cents },
		"merchant_id":       func(p *providers.Payout) { p.Reference = "-PO1" },
		"recipient":         func(p *providers.Payout) { p.Recipient.Document = "" },
		"bank":              func(p *providers.Payout) { p.Bank.AccountNumber = "" },
		"bank.account_type": func(p *providers.Payout) { p.Bank.AccountType = "checking" },
	} {
		p := payout(t, "PO1")
		change(&p)
		o, err := b.client.Pay(t.Context(), p, providertest.Attempt())
		if err != nil || o.Class != providers.Refused || o.Code != "invalid" || !strings.HasPrefix(o.Message, name+":") {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
	}
	if n := len(b.s.Arrivals()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	providertest.Settings(t, "REMESA_ETPAY_", payouts.New, config("https://api.example"), providertest.WrongSettings[payouts.Config]{
		{"PAYOUTS_URL:", func(c *payouts.Config) { c.URL = "" }},
		{"PAYOUTS_URL:", func(c *payouts.Config) { c.URL = "http://api.example" }},
		{"PAYOUTS_USERNAME:", func(c *payouts.Config) { c.Username = "" }},
		{"PAYOUTS_PASSWORD:", func(c *payouts.Config) { c.Password = "" }},
		{"PAYOUTS_CREATE_PATH:", func(c *payouts.Config) { c.CreatePath = "payouts" }},
		{"PAYOUTS_STATUS_PATH:", func(c *payouts.Config) { c.StatusPath = "/v1/payouts" }},
		{"PAYOUTS_RANGE_PATH:", func(c *payouts.Config) { c.RangePath = "/v1/payouts?from=x" }},
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	last := func(b *payoutFixture) (string, bool, error) {
		found, err := b.client.Check(t.Context())
		f := found[len(found)-1]
		return f.Text, f.Warn, err
	}
	b := newPayoutFixture(t)
	if text, warn, err := last(b); err != nil || warn || text != "the listing of payouts can be read" {
		t.Errorf("got %q, %t, %v", text, warn, err)
	}
	c := config(b.url)
	c.RangePath = "/v1/all"
	b.client = newClient(t, c)
	if text, warn, err := last(b); err != nil || !warn || !strings.Contains(text, "cannot be read") || !strings.Contains(text, "http_404") {
		t.Errorf("without a listing: %q, %t, %v", text, warn, err)
	}
	c.Password = "wrong"
	b.client = newClient(t, c)
	if _, err := b.client.Check(t.Context()); !errors.As(err, new(*providers.CredentialsError)) {
		t.Errorf("with a wrong password: %v", err)
	}
}
