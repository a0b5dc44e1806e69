package pagandocheck_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/pagandocheck"
)

// provider is a simulator behind a real connection.
type provider struct {
	sim *sandbox.Provider
	url string
}

func serve(t *testing.T, o simulator.Options, faults ...sandbox.Fault) provider {
	t.Helper()
	s := simulator.New(o, sandbox.Options{})
	return provider{s, providertest.Simulate(t, s, faults...)}
}

func TestTheOrderIsKeptBeforeTheMoneyCanMove(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{})
	l := &providertest.CheckpointRecorder{}
	o, err := newTwoStep(t, config(p.url)).Charge(t.Context(), charge(t, "pay-1"), l.Attempt())
	if err != nil || o.Class != providers.Succeeded || o.Code != "72" {
		t.Fatalf("got %+v, %v", o, err)
	}
	if l.ProviderRefs["order_id"] == "" || o.ProviderID != l.ProviderRefs["order_id"] || !slices.Equal(l.MoneyStepNext, []bool{true}) {
		t.Errorf("kept %v, noted %v, the payment's id is %q", l.ProviderRefs, l.MoneyStepNext, o.ProviderID)
	}
	for _, id := range []string{"folio 000001", "reference PAG-000001", "transactionNumber 98000001", "orderNumber A1B2"} {
		if !strings.Contains(o.Message, id) {
			t.Errorf("the message is %q, without %s", o.Message, id)
		}
	}
}

func TestAnAttemptThatOwnsThePaymentNoMoreSendsNothing(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{})
	l := &providertest.CheckpointRecorder{Err: errors.New("not the owner")}
	_, err := newTwoStep(t, config(p.url)).Charge(t.Context(), charge(t, "pay-1"), l.Attempt())
	var notSent *providers.NotSent
	if !errors.As(err, &notSent) || !errors.Is(err, l.Err) || p.sim.ArrivalCount("pay-1") != 0 {
		t.Errorf("got %v, %d charges arrived", err, p.sim.ArrivalCount("pay-1"))
	}
}

func TestAnEarlierAttemptsOrderIsUsedAgain(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{Duplicates: sandbox.Refuse}, sandbox.Fault{Kind: "hang_up_after", Next: 1})
	c, l := newTwoStep(t, config(p.url)), &providertest.CheckpointRecorder{}
	if o, err := c.Charge(t.Context(), charge(t, "pay-1"), l.Attempt()); err != nil || o.Class != providers.InDoubt {
		t.Fatalf("the first attempt: %+v, %v", o, err)
	}
	first := l.ProviderRefs["order_id"]
	o, err := c.Charge(t.Context(), charge(t, "pay-1"), l.Attempt())
	if err != nil || o.Class != providers.Duplicate || o.Code != "SWITCH_4025" {
		t.Errorf("the second attempt: %+v, %v", o, err)
	}
	if l.ProviderRefs["order_id"] != first || !slices.Equal(l.MoneyStepNext, []bool{true, true}) || p.sim.ExecutionCount("pay-1") != 1 {
		t.Errorf("order %q after %q, noted %v, money moved %d times", l.ProviderRefs["order_id"], first, l.MoneyStepNext, p.sim.ExecutionCount("pay-1"))
	}
}

// Whatever becomes of the first step, no money can have moved: it is an error, and the attempt may
// be repeated.
func TestAnOrderWithoutAResponseIsNotADoubt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		kind, reason string
		after        time.Duration
	}{
		{"hang_up_after", "eof", 0},
		{"slow_before", "timeout", 0},
		{"bad_gateway_before", "no_order", 0},
		{"html_after", "no_order", 0},
		{"cut_json_after", "no_order", 0},
		{"cut_body_after", "eof", 0},
		{"huge_after", "too_large", 0},
		{"redirect", "no_order", 0},
		{"throttled", "throttled", 7 * time.Second},
	} {
		p := serve(t, simulator.Options{}, sandbox.Fault{Kind: row.kind, Operation: sandbox.StepOperation, RetryAfter: "7"})
		c, l := config(p.url), &providertest.CheckpointRecorder{}
		if row.kind == "slow_before" {
			c.Wire.Timeout = 300 * time.Millisecond
		}
		o, err := newTwoStep(t, c).Charge(t.Context(), charge(t, "pay-1"), l.Attempt())
		var notSent *providers.NotSent
		if !errors.As(err, &notSent) || notSent.Reason != row.reason || notSent.RetryAfter != row.after {
			t.Errorf("%s: got %+v, %v, want not sent for %s", row.kind, o, err, row.reason)
		}
		if len(l.MoneyStepNext) != 0 || p.sim.ArrivalCount("pay-1") != 0 {
			t.Errorf("%s: noted %v, %d charges arrived", row.kind, l.MoneyStepNext, p.sim.ArrivalCount("pay-1"))
		}
	}
}

func TestAnAccountWithoutPaymentSettingsFailsAtItsOrder(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{}, sandbox.Fault{Kind: "decline", Code: "300", Operation: sandbox.StepOperation})
	l := &providertest.CheckpointRecorder{}
	o, err := newTwoStep(t, config(p.url)).Charge(t.Context(), charge(t, "pay-1"), l.Attempt())
	if err != nil || o.Class != providers.Refused || o.Code != "300" || len(l.MoneyStepNext) != 0 {
		t.Errorf("got %+v, %v, noted %v", o, err, l.MoneyStepNext)
	}
}

func TestACartThatExistsAlreadyIsHeldAndNotCharged(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{}, sandbox.Fault{Kind: "decline", Code: "SWITCH_4025", Operation: sandbox.StepOperation})
	l := &providertest.CheckpointRecorder{}
	o, err := newTwoStep(t, config(p.url)).Charge(t.Context(), charge(t, "pay-1"), l.Attempt())
	if err != nil || o.Class != providers.Mismatch || o.Code != "reference_taken" || len(l.MoneyStepNext) != 0 || p.sim.ArrivalCount("pay-1") != 0 {
		t.Errorf("got %+v, %v, noted %v, %d charges arrived", o, err, l.MoneyStepNext, p.sim.ArrivalCount("pay-1"))
	}
}

func TestTheBuyersTurnKeepsTheOrder(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{}, sandbox.Fault{Kind: "decline", Code: "71"})
	l := &providertest.CheckpointRecorder{}
	o, err := newTwoStep(t, config(p.url)).Charge(t.Context(), charge(t, "pay-1"), l.Attempt())
	if err != nil || o.Class != providers.Refused || o.Code != "71" || o.ProviderID != l.ProviderRefs["order_id"] || o.ProviderID == "" {
		t.Errorf("got %+v, %v, order %q", o, err, l.ProviderRefs["order_id"])
	}
	if o.Decline != providers.Hard || !strings.Contains(o.Message, "3-D Secure") {
		t.Errorf("got decline %q, message %q", o.Decline, o.Message)
	}
}

func TestAStatusQueryTakesTheOrderFromWhereItIsKnown(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{})
	c, l := newTwoStep(t, config(p.url)), &providertest.CheckpointRecorder{}
	ch := charge(t, "pay-1")
	if _, err := c.Charge(t.Context(), ch, l.Attempt()); err != nil {
		t.Fatal(err)
	}
	id := l.ProviderRefs["order_id"]
	for name, q := range map[string]providers.StatusQuery{
		"from the handles":           {ProviderRefs: l.ProviderRefs},
		"from the handles first":     {ProviderRefs: l.ProviderRefs, ProviderID: "ord_other"},
		"from the id, details gone":  {ProviderID: id},
		"from the id, with a charge": {ProviderID: id, Charge: &ch},
	} {
		q.Reference, q.Amount = "pay-1", ch.Amount
		o, err := c.Status(t.Context(), q)
		if err != nil || o.Class != providers.Succeeded || o.ProviderID != id || o.Echo != (providers.Echo{Amount: "149.50", Reference: "pay-1"}) {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
	}
	if o, err := c.Status(t.Context(), providers.StatusQuery{Reference: "pay-1", Amount: ch.Amount}); err == nil {
		t.Errorf("without an order: got %+v", o)
	}
}

func TestAnotherAmountIsRepeatedAsItIs(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{}, sandbox.Fault{Kind: "wrong_amount"})
	c, l := newTwoStep(t, config(p.url)), &providertest.CheckpointRecorder{}
	if _, err := c.Charge(t.Context(), charge(t, "pay-1"), l.Attempt()); err != nil {
		t.Fatal(err)
	}
	o, err := c.Status(t.Context(), providers.StatusQuery{Reference: "pay-1", ProviderRefs: l.ProviderRefs})
	if err != nil || o.Echo.Amount != "1149.50" {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestWhatTheTwoFormsCanDoShowsInTheirTypes(t *testing.T) {
	t.Parallel()
	one, two := any(newClient(t, config("https://pay.example"))), any(newTwoStep(t, config("https://pay.example")))
	if _, can := one.(providers.StatusChecker); can {
		t.Error("the one-step form says that it can be queried")
	}
	if _, late := one.(providers.TwoStep); late {
		t.Error("the one-step form says that its first step cannot move money")
	}
	if late, ok := two.(providers.TwoStep); !ok || !late.SafeFirstStep() {
		t.Error("the two-step form does not open late")
	}
	if _, can := two.(providers.StatusChecker); !can {
		t.Error("the two-step form cannot be asked")
	}
}

func TestTheTokensHeaderIsASetting(t *testing.T) {
	t.Parallel()
	for setting, taken := range map[string]string{
		"": "Authorization: Bearer ", "Authorization:": "Authorization: ", "authorization": "Authorization: ", "Autorization: Bearer": "Autorization: Bearer ",
		"X-Api-Token: Token": "X-Api-Token: Token ",
	} {
		p := serve(t, simulator.Options{TokenHeader: taken})
		c := config(p.url)
		c.TokenHeader = setting
		if o, err := newTwoStep(t, c).Charge(t.Context(), charge(t, "pay-1"), (&providertest.CheckpointRecorder{}).Attempt()); err != nil || o.Class != providers.Succeeded {
			t.Errorf("%q: got %+v, %v", setting, o, err)
		}
	}
	for _, bad := range []string{" ", ": Bearer", "Authorization: Bearer x", "Authorization\r\nX: y", "Authorization : Bearer"} {
		c := config("https://pay.example")
		c.TokenHeader = bad
		if _, err := pagandocheck.New(c); err == nil || !strings.HasPrefix(err.Error(), "REMESA_PAGANDOCHECK_TOKEN_HEADER: ") {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestCheckSaysWhatTheAccountMayDo(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		options simulator.Options
		faults  []sandbox.Fault
		one     bool
		wrong   string
		refused bool
		says    string
		warns   bool
	}{
		{name: "all is well", says: "an order can be queried"},
		{name: "all is well, totals as numbers", options: simulator.Options{NumberTotals: true}, says: "may use the two-step order"},
		{name: "no orders", options: simulator.Options{NoOrders: true}, wrong: "REMESA_PAGANDOCHECK_TWO_STEP=false"},
		{name: "no payment settings", faults: []sandbox.Fault{{Kind: "decline", Code: "300", Operation: sandbox.StepOperation}}, wrong: "code 300"},
		{name: "orders that cannot be queried", faults: []sandbox.Fault{{Kind: "not_found"}}, says: "cannot be queried", warns: true},
		{name: "another password", options: simulator.Options{Password: "another"}, wrong: "109", refused: true},
		{name: "another password, in one step", options: simulator.Options{Password: "another"}, one: true, wrong: "109", refused: true},
		{name: "another header", options: simulator.Options{TokenHeader: "Autorization: Bearer "}, wrong: "header or scheme?", refused: true},
		{
			name: "a bare 403 to orders", faults: []sandbox.Fault{{Kind: "unauthorized", Status: http.StatusForbidden, Operation: sandbox.StepOperation}},
			wrong: "REMESA_PAGANDOCHECK_TWO_STEP=false", refused: true,
		},
		{name: "a bare token", options: simulator.Options{TokenHeader: "Authorization: "}, one: true, wrong: "REMESA_PAGANDOCHECK_TOKEN_HEADER", refused: true},
		{name: "one step", one: true, says: "is held for an operator", warns: true},
	} {
		p := serve(t, row.options, row.faults...)
		var checker providers.Checker = newTwoStep(t, config(p.url))
		if row.one {
			checker = newClient(t, config(p.url))
		}
		found, err := checker.Check(t.Context())
		var credentials *providers.CredentialsError
		if (err != nil) != (row.wrong != "") || err != nil && !strings.Contains(err.Error(), row.wrong) || errors.As(err, &credentials) != row.refused {
			t.Errorf("%s: got %v", row.name, err)
		}
		if i := slices.IndexFunc(found, func(f providers.Finding) bool { return strings.Contains(f.Text, row.says) }); row.says != "" && (i < 0 || found[i].Warn != row.warns) {
			t.Errorf("%s: found %+v", row.name, found)
		}
		if len(p.sim.Arrivals()) != 0 {
			t.Errorf("%s: a request that can move money arrived", row.name)
		}
	}
}

func TestRefusedCredentialsStopAfterOneLogin(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{Password: "another"})
	c := newTwoStep(t, config(p.url))
	for range 10 {
		var credentials *providers.CredentialsError
		if err := c.Prepare(t.Context()); !errors.As(err, &credentials) || credentials.Code != "109" {
			t.Fatalf("prepare: got %v", err)
		}
		if _, err := c.Charge(t.Context(), charge(t, "pay-1"), (&providertest.CheckpointRecorder{}).Attempt()); !errors.As(err, &credentials) {
			t.Fatalf("charge: got %v", err)
		}
	}
	if n := p.sim.Logins(); n != 1 {
		t.Errorf("%d logins, want 1", n)
	}
}

func TestRefusedCredentialsAreNotTriedAgainWithinAnAttempt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name            string
		fault           sandbox.Fault
		logins, arrived int
	}{
		{"at the charge", sandbox.Fault{Kind: "unauthorized_in_body", Code: "109", Operation: sandbox.SendOperation}, 1, 1},
		{"at the login, as a replaced key", sandbox.Fault{Kind: "unauthorized", Code: "100", Operation: sandbox.LoginOperation}, 1, 0},
	} {
		p := serve(t, simulator.Options{}, row.fault)
		c := config(p.url)
		c.Auth.Cooldown = time.Nanosecond
		var credentials *providers.CredentialsError
		_, err := newClient(t, c).Charge(t.Context(), charge(t, "pay-1"), providers.Attempt{})
		if !errors.As(err, &credentials) || p.sim.Logins() != row.logins || p.sim.ArrivalCount("pay-1") != row.arrived {
			t.Errorf("%s: %d logins, %d charges, %v", row.name, p.sim.Logins(), p.sim.ArrivalCount("pay-1"), err)
		}
	}
}

// A provider may repeat what it was sent, the token among it.
func TestATokenThatIsRepeatedDoesNotShow(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "get-token") {
			_, _ = w.Write([]byte(`{"code":0,"data":{"token":"canary-token"}}`))
			return
		}
		_, _ = fmt.Fprintf(w, `{"key":"SWITCH_4051","message":"declined %s","code":"4051"}`, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	o, err := newClient(t, config(server.URL)).Charge(t.Context(), charge(t, "pay-1"), providers.Attempt{})
	if err != nil || o.Class != providers.Refused || !strings.HasPrefix(o.Message, "declined") || strings.Contains(o.Message, "canary") {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestALoginThatComesToNothingIsNotNow(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"bad_gateway_before", "html_before", "hang_up_before", "throttled", "cut_json_after", "redirect"} {
		p := serve(t, simulator.Options{}, sandbox.Fault{Kind: kind, Operation: sandbox.LoginOperation})
		err := newClient(t, config(p.url)).Prepare(t.Context())
		var credentials *providers.CredentialsError
		var notSent *providers.NotSent
		if errors.As(err, &credentials) || !errors.As(err, &notSent) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

func TestOneTokenServesManyCharges(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{LoginRevokesTokens: true}, sandbox.Fault{Kind: "expire_tokens", Operation: sandbox.SendOperation, Reference: "pay-5"})
	c := newTwoStep(t, config(p.url))
	for i := range 4 {
		reference := fmt.Sprintf("pay-%d", i+1)
		if o, err := c.Charge(t.Context(), charge(t, reference), (&providertest.CheckpointRecorder{}).Attempt()); err != nil || o.Class != providers.Succeeded {
			t.Fatalf("%s: got %+v, %v", reference, o, err)
		}
	}
	if n := p.sim.Logins(); n != 1 {
		t.Errorf("%d logins for four charges, want 1", n)
	}
	var credentials *providers.CredentialsError
	if _, err := c.Charge(t.Context(), charge(t, "pay-5"), (&providertest.CheckpointRecorder{}).Attempt()); !errors.As(err, &credentials) || credentials.Code != "100" {
		t.Errorf("a charge whose tokens all end at once: got %v", err)
	}
	if n, arrived := p.sim.Logins(), p.sim.ArrivalCount("pay-5"); n != 2 || arrived != 2 || p.sim.ExecutionCount("pay-5") != 0 {
		t.Errorf("%d logins and %d charges, want two of each", n, arrived)
	}
}

// Nothing of a charge's payer or card or of the account's secrets shows in an outcome, an error or
// a provider reference, whatever the provider does.
func TestNoOutcomeCarriesPersonalDataOrSecrets(t *testing.T) {
	t.Parallel()
	secrets := []string{"sandbox-user", "sandbox-password", "cd_example", "5d1c0b1e", "CONTRATO", "aft-0001", "pagando-token"}
	providertest.SecretsStayHidden(t, secrets, []string{""}, func(t *testing.T, f sandbox.Fault) string {
		f.Next = 2
		p := serve(t, simulator.Options{}, f)
		c, l := newTwoStep(t, config(p.url)), &providertest.CheckpointRecorder{}
		ch := charge(t, "pay-1")
		o, err := c.Charge(t.Context(), ch, l.Attempt())
		queried, queryErr := c.Status(t.Context(), providers.StatusQuery{Reference: "pay-1", Amount: ch.Amount, Charge: &ch, ProviderRefs: l.ProviderRefs})
		found, checkErr := c.Check(t.Context())
		return fmt.Sprintf("%+v %v %+v %v %+v %v %v", o, err, queried, queryErr, found, checkErr, l.ProviderRefs)
	})
}

func TestBadSettingsAreNamedWithoutTheirValues(t *testing.T) {
	t.Parallel()
	providertest.Settings(t, "REMESA_PAGANDOCHECK_", pagandocheck.NewTwoStep, config("https://pay.example"), providertest.WrongSettings[pagandocheck.Config]{
		{"BASE_URL: must be https", func(c *pagandocheck.Config) { c.BaseURL = "http://canary.example" }},
		{"USER: must be set", func(c *pagandocheck.Config) { c.User = "" }},
		{"PASSWORD: must be set", func(c *pagandocheck.Config) { c.Password = "" }},
		{"ORIGIN: must be a word", func(c *pagandocheck.Config) { c.Origin = "canary\n" }},
		{"HARD_DECLINES: has an empty code", func(c *pagandocheck.Config) { c.HardDeclines = []string{"canary", " "} }},
		{"UNCERTAIN_DECLINES: has an empty text", func(c *pagandocheck.Config) { c.UncertainDeclines = []string{""} }},
		{"CA_FILE: certificate authorities", func(c *pagandocheck.Config) { c.Wire.CAFile = "nowhere.pem" }},
	})
}

func TestWhatCannotBeExpressedIsRefusedUnsent(t *testing.T) {
	t.Parallel()
	p := serve(t, simulator.Options{})
	one, two := newClient(t, config(p.url)), newTwoStep(t, config(p.url))
	for name, spoil := range map[string]func(ch *providers.Charge){
		"another currency": func(ch *providers.Charge) { ch.Amount = providertest.Amount(t, "149", "CLP") },
		"no amount":        func(ch *providers.Charge) { ch.Amount = providers.Money{} },
		"no reference":     func(ch *providers.Charge) { ch.Reference = "" },
		"no customer":      func(ch *providers.Charge) { ch.Customer.ID = "" },
		"no card":          func(ch *providers.Charge) { ch.Card.Token = "" },
		"no agreement":     func(ch *providers.Charge) { ch.Agreement = "" },
	} {
		for form, c := range map[string]providers.Charger{"one step": one, "two steps": two} {
			ch := charge(t, "pay-1")
			spoil(&ch)
			o, err := c.Charge(t.Context(), ch, (&providertest.CheckpointRecorder{}).Attempt())
			if err != nil || o.Class != providers.Refused || o.Code != "invalid" || o.Message == "" {
				t.Errorf("%s, %s: got %+v, %v", name, form, o, err)
			}
		}
	}
	if n := len(p.sim.Arrivals()) + p.sim.Logins(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}
