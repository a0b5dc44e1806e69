package etpay_test

import (
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/etpay"
)

// chargeFixture is a client with its simulator, and what its attempts kept, in order.
type chargeFixture struct {
	t      *testing.T
	s      *sandbox.Provider
	url    string
	client *etpay.Client
	kept   map[string]string
	steps  []string
	// checkpointErr and aliasErr are what the ledger returns, left that an earlier attempt may have
	// been paid.
	checkpointErr, aliasErr error
	left                    bool
}

func newChargeFixture(t *testing.T) *chargeFixture {
	t.Helper()
	s := simulator.New(simulator.Options{}, sandbox.Options{})
	b := &chargeFixture{t: t, s: s, url: providertest.Simulate(t, s)}
	b.client = newClient(t, config(b.url))
	return b
}

func (b *chargeFixture) charge(reference string) (providers.Outcome, error) {
	b.t.Helper()
	return b.client.Charge(b.t.Context(), charge(b.t, reference), providers.Attempt{
		MayHaveLeft: b.left, ProviderRefs: maps.Clone(b.kept),
		Checkpoint: func(_ context.Context, refs map[string]string, moneyStepNext bool) error {
			if b.kept == nil {
				b.kept = map[string]string{}
			}
			maps.Copy(b.kept, refs)
			b.steps = append(b.steps, map[bool]string{false: "checkpoint", true: "checkpoint of the money step"}[moneyStepNext])
			return b.checkpointErr
		},
		Alias: func(_ context.Context, alias string) error {
			b.steps = append(b.steps, "alias "+alias)
			return b.aliasErr
		},
	})
}

func (b *chargeFixture) status(reference, recorded string) (providers.Outcome, error) {
	b.t.Helper()
	c := charge(b.t, reference)
	return b.client.Status(b.t.Context(), providers.StatusQuery{Reference: reference, Amount: c.Amount, ProviderID: recorded, ProviderRefs: b.kept})
}

// elsewhere is another system at the same merchant's account, which opens a session of its own
// and has it paid.
func (b *chargeFixture) elsewhere(reference, result string) {
	b.t.Helper()
	o, err := newClient(b.t, config(b.url)).Charge(b.t.Context(), charge(b.t, reference), providertest.Attempt())
	if err != nil {
		b.t.Fatal(err)
	}
	b.pay(o.ActionURL, result)
}

func (b *chargeFixture) faults(faults ...sandbox.Fault) {
	b.t.Helper()
	if err := b.s.AddFaults(faults...); err != nil {
		b.t.Fatal(err)
	}
}

func TestWhatStandsUnderOurOrderBeforeWeOpenIsAnothers(t *testing.T) {
	t.Parallel()
	for _, result := range []string{"success", "error"} {
		b := newChargeFixture(t)
		b.elsewhere("OC1", result)
		arrived := b.s.ArrivalCount("OC1")
		o, err := b.charge("OC1")
		if err != nil || o.Class != providers.Mismatch || o.Code != "reference_taken" || o.Message == "" || o.ProviderID != "" || o.ActionURL != "" {
			t.Errorf("%s: got %+v, %v", result, o, err)
		}
		if n := b.s.ArrivalCount("OC1"); n != arrived || len(b.steps) != 0 {
			t.Errorf("%s: %d sessions were asked for, noted %q", result, n-arrived, b.steps)
		}
		b.left = true // now it may be ours, and the status queries decide
		if o, err := b.charge("OC1"); err != nil || o.Class != providers.Pending {
			t.Errorf("%s, after an attempt that may have left: got %+v, %v", result, o, err)
		}
	}
}

// A held payment is queried every day: what is another's must not decide it then.
func TestAnothersPaymentsDecideNothingLater(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(b *chargeFixture){
		"at the first attempt": func(*chargeFixture) {},
		"at the second attempt, after a session of ours that nobody was given": func(b *chargeFixture) {
			b.aliasErr = errors.New("redis is full")
			if o, err := b.charge("OC1"); err == nil {
				b.t.Fatalf("got %+v", o)
			}
			b.aliasErr = nil
		},
	} {
		b := newChargeFixture(t)
		before(b)
		b.elsewhere("OC1", "success")
		o, err := b.charge("OC1")
		if err != nil || o.Class != providers.Mismatch {
			t.Fatalf("%s: got %+v, %v", name, o, err)
		}
		if b.kept == nil {
			b.kept = map[string]string{}
		}
		maps.Copy(b.kept, o.ProviderRefs) // as the ledger does
		if o, err := b.status("OC1", ""); err != nil || o.Class != providers.Mismatch || o.Code != "reference_taken" || o.ProviderID != "" {
			t.Errorf("%s: asked, it is %+v, %v", name, o, err)
		}
	}
}

// Where nobody said whether the order was free, a success counts as ours only in our session.
func TestWithoutAPrecheckOnlyOurSessionProves(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name             string
		others, ours     string
		class            providers.Class
		code, id, second string
	}{
		{"nobody paid", "error", "", providers.Pending, "error", "", ""},
		{"another was paid", "success", "", providers.Mismatch, "reference_taken", "", ""},
		{"we were paid", "error", "success", providers.Succeeded, "success", "etp_000002", ""},
		{"both were paid", "success", "success", providers.Succeeded, "success", "etp_000002", "etp_000001"},
	} {
		b := newChargeFixture(t)
		b.elsewhere("OC1", row.others)
		b.faults(sandbox.Fault{Kind: "bare_404", Next: 1})
		made, err := b.charge("OC1")
		if err != nil || made.Class != providers.Pending {
			t.Fatalf("%s: got %+v, %v", row.name, made, err)
		}
		if row.ours != "" {
			b.pay(made.ActionURL, row.ours)
		}
		o, err := b.status("OC1", "")
		if err != nil || o.Class != row.class || o.Code != row.code || o.ProviderID != row.id || o.SecondID != row.second {
			t.Errorf("%s: got %+v, %v, want %+v", row.name, o, err, row)
		}
	}
}

func TestALaterPrecheckProvesTheOrderFree(t *testing.T) {
	t.Parallel()
	b := newChargeFixture(t)
	b.faults(sandbox.Fault{Kind: "bare_404", Next: 1}, sandbox.Fault{Kind: "hang_up_before", Next: 1})
	if o, err := b.charge("OC1"); err == nil {
		t.Fatalf("got %+v", o)
	}
	b.faults(sandbox.Fault{Kind: "bare_404", Next: 1})
	b.aliasErr = errors.New("redis is full") // the tokens are kept, and given to nobody
	if o, err := b.charge("OC1"); err == nil {
		t.Fatalf("got %+v", o)
	}
	b.aliasErr = nil
	made, err := b.charge("OC1")
	if err != nil {
		t.Fatal(err)
	}
	b.pay(made.ActionURL, "success")
	b.wantStatus("OC1", "", providers.Succeeded, "etp_000001", "")
	if b.kept["order_unproven"] == "true" {
		t.Errorf("kept %q", b.kept)
	}
}

// A precheck that says something of the account, or that did not arrive, ends the attempt as the
// session's own request would.
func TestAPrecheckThatIsRefusedOpensNothing(t *testing.T) {
	t.Parallel()
	b := newChargeFixture(t)
	b.faults(sandbox.Fault{Kind: "throttled", Operation: sandbox.StatusOperation, RetryAfter: "7", Next: 1}, sandbox.Fault{Kind: "unauthorized", Operation: sandbox.StatusOperation, Next: 1})
	var notSent *providers.NotSent
	if _, err := b.charge("OC1"); !errors.As(err, &notSent) || notSent.Reason != "throttled" || notSent.RetryAfter != 7*time.Second {
		t.Errorf("throttled: got %v", err)
	}
	if _, err := b.charge("OC1"); !errors.As(err, new(*providers.CredentialsError)) {
		t.Errorf("refused: got %v", err)
	}
	if n := b.s.ArrivalCount("OC1"); n != 0 {
		t.Errorf("%d sessions were asked for", n)
	}
}

// A second success is found by the order, whichever id is on record.
func TestASecondSessionsSuccessIsFoundByTheOrder(t *testing.T) {
	t.Parallel()
	b := newChargeFixture(t)
	first, err := b.charge("OC1")
	if err != nil {
		t.Fatal(err)
	}
	b.pay(first.ActionURL, "success")
	b.left = true
	second, err := b.charge("OC1")
	if err != nil {
		t.Fatal(err)
	}
	b.pay(second.ActionURL, "success")
	c := charge(t, "OC1")
	for recorded, other := range map[string]string{"etp_000001": "etp_000002", "etp_000002": "etp_000001"} {
		o, err := b.client.Status(t.Context(), providers.StatusQuery{Reference: "OC1", Amount: c.Amount, ProviderID: recorded, ByReference: true})
		if err != nil || o.Class != providers.Succeeded || o.ProviderID != recorded || o.SecondID != other {
			t.Errorf("got %+v, %v, want %s and %s", o, err, recorded, other)
		}
	}
}

// pay is a payer at the address.
func (b *chargeFixture) pay(address, result string) {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.t.Context(), "POST", u.Path, strings.NewReader("result="+result))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	b.s.ServeHTTP(w, r)
	if w.Code != 200 {
		b.t.Fatalf("the payer was answered %d %s", w.Code, w.Body)
	}
}

func TestTokensAreKeptBeforeTheAddressIsGivenOut(t *testing.T) {
	t.Parallel()
	b := newChargeFixture(t)
	o, err := b.charge("OC1")
	if err != nil || o.Class != providers.Pending || o.ActionURL != b.url+"/session/ses_000001" || o.ProviderID != "" {
		t.Fatalf("got %+v, %v", o, err)
	}
	if want := []string{"checkpoint", "alias ses_000001"}; !slices.Equal(b.steps, want) {
		t.Errorf("the steps were %q, want %q", b.steps, want)
	}
	want := map[string]string{etpay.SessionTokenRef: "ses_000001", etpay.SignatureTokenRef: "sig-000001-sandbox"}
	if !maps.Equal(b.kept, want) || !maps.Equal(o.ProviderRefs, want) {
		t.Errorf("kept %q and told %q, want %q", b.kept, o.ProviderRefs, want)
	}
	if !b.client.SafeFirstStep() {
		t.Error("an attempt would be open before a payer can pay")
	}
}

func TestASessionThatIsNotKeptIsNotGivenOut(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(b *chargeFixture){
		"checkpoint": func(b *chargeFixture) { b.checkpointErr = errors.New("not the owner") },
		"alias":      func(b *chargeFixture) { b.aliasErr = errors.New("redis is full") },
	} {
		b := newChargeFixture(t)
		spoil(b)
		o, err := b.charge("OC1")
		var notSent *providers.NotSent
		if !errors.As(err, &notSent) || notSent.Reason != "checkpoint_refused" || o.ActionURL != "" {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
	}
}

func TestWhatCannotBeExpressedIsRefusedUnsent(t *testing.T) {
	t.Parallel()
	b := newChargeFixture(t)
	cents, err := providers.ParseMoney("10.50", "MXN")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *providers.Charge){
		"amount": func(c *providers.Charge) { c.Amount = cents },
		"txnid":  func(c *providers.Charge) { c.Reference = "-OC1" },
		"details.is_rut_block": func(c *providers.Charge) {
			c.Details, c.Customer.Document = etpay.Details{RUTBlock: new(true)}, ""
		},
	} {
		c := charge(t, "OC1")
		change(&c)
		o, err := b.client.Charge(t.Context(), c, providertest.Attempt())
		if err != nil || o.Class != providers.Refused || o.Code != "invalid" || !strings.HasPrefix(o.Message, name) {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
	}
	if n := len(b.s.Arrivals()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestAPayersWay(t *testing.T) {
	t.Parallel()
	b := newChargeFixture(t)
	first, err := b.charge("OC1")
	if err != nil {
		t.Fatal(err)
	}
	b.wantStatus("OC1", "", providers.Pending, "", "")
	b.pay(first.ActionURL, "error")
	b.wantStatus("OC1", "", providers.Pending, "", "")
	b.pay(first.ActionURL, "success")
	b.wantStatus("OC1", "", providers.Succeeded, "etp_000002", "")
	b.left = true
	second, err := b.charge("OC1")
	if err != nil {
		t.Fatal(err)
	}
	b.pay(second.ActionURL, "success")
	b.wantStatus("OC1", "", providers.Succeeded, "etp_000002", "etp_000003")
	b.wantStatus("OC1", "etp_000003", providers.Succeeded, "etp_000003", "etp_000002")
	b.wantStatus("OC2", "", providers.Pending, "", "")
	if n := b.s.ExecutionCount("OC1"); n != 2 {
		t.Errorf("money moved %d times", n)
	}
}

func (b *chargeFixture) wantStatus(reference, recorded string, class providers.Class, id, another string) {
	b.t.Helper()
	o, err := b.status(reference, recorded)
	if err != nil || o.Class != class || o.ProviderID != id || o.SecondID != another {
		b.t.Errorf("%s: got %+v, %v; want %s %q %q", reference, o, err, class, id, another)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	b := newChargeFixture(t)
	found, err := b.client.Check(t.Context())
	if err != nil || len(found) != 1 || found[0].Warn || !strings.Contains(found[0].Text, "polling alone") {
		t.Errorf("without a webhook: %+v, %v", found, err)
	}
	c := config(b.url)
	c.WebhookURL = "https://example.cl/webhooks/etpay"
	found, err = newClient(t, c).Check(t.Context())
	if err != nil || len(found) != 1 || found[0].Text != "credentials accepted" {
		t.Errorf("with a webhook: %+v, %v", found, err)
	}
	c.MerchantAPIToken = "wrong"
	var refused *providers.CredentialsError
	if _, err = newClient(t, c).Check(t.Context()); !errors.As(err, &refused) {
		t.Errorf("with a wrong token: %v", err)
	}
	if n := len(b.s.Arrivals()); n != 0 {
		t.Errorf("a check opened %d sessions", n)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	providertest.Settings(t, "REMESA_ETPAY_", etpay.New, config("https://api.example"), providertest.WrongSettings[etpay.Config]{
		{"BASE_URL:", func(c *etpay.Config) { c.BaseURL = "" }},
		{"BASE_URL:", func(c *etpay.Config) { c.BaseURL = "http://api.example" }},
		{"PAYMENT_URL:", func(c *etpay.Config) { c.PaymentURL = "" }},
		{"MERCHANT_CODE:", func(c *etpay.Config) { c.MerchantCode = "" }},
		{"MERCHANT_API_TOKEN:", func(c *etpay.Config) { c.MerchantAPIToken = "" }},
		{"MERCHANT_API_TOKEN:", func(c *etpay.Config) { c.MerchantAPIToken = "canary\n" }},
		{"WEBHOOK_URL:", func(c *etpay.Config) { c.WebhookURL = "example" }},
	})
}
