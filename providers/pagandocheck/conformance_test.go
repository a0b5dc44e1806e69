package pagandocheck_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/pagandocheck"
)

func TestConformanceInTwoSteps(t *testing.T) {
	t.Parallel()
	providertest.Forms(t, map[string]simulator.Options{
		providertest.AsAssumed:                          {},
		"ids in data, codes as text, totals as numbers": {FlatIDs: true, TextCodes: true, NumberTotals: true},
	}, func(o simulator.Options) providertest.Suite {
		s := suite(o, func(t *testing.T, c pagandocheck.Config) any { return newTwoStep(t, c) })
		s.Absent = providers.InDoubt // an order that nobody paid says nothing of a charge under way
		s.Without = append(s.Without, "is not reached, since the time to send has passed")
		s.Extra = append(s.Extra, slices.Concat(orders(), statusRows())...)
		return s
	})
}

func TestConformanceInOneStep(t *testing.T) {
	t.Parallel()
	providertest.Run(t, suite(simulator.Options{}, func(t *testing.T, c pagandocheck.Config) any { return newClient(t, c) }))
}

func suite(o simulator.Options, client func(t *testing.T, c pagandocheck.Config) any) providertest.Suite {
	return providertest.Suite{
		Simulator: func() *sandbox.Provider { return simulator.New(o, sandbox.Options{}) },
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.Base)
			c.Wire = env.Wire
			return client(t, c)
		},
		Charge:      charge,
		DeclineCode: "SWITCH_4051",
		Renews:      true,
		// A charge is made or not: nothing is pending.
		Without: []string{"accepts and pays later", "accepts and declines later"},
		Extra:   ownAttempt(),
	}
}

// ownAttempt are rows about codes that only this provider has; what is queried afterwards is in
// doubt for as long as nothing was approved.
func ownAttempt() []providertest.Row {
	doubt := []providers.Class{providers.InDoubt}
	coded := func(name, code string, want providers.Class) providertest.Row {
		return providertest.Row{Name: name, Faults: []sandbox.Fault{{Kind: "decline", Code: code, Operation: sandbox.SendOperation}}, Want: want, Code: code, Then: doubt}
	}
	expired := func(name, kind, code string) providertest.Row {
		return providertest.Row{
			Name: name, Faults: []sandbox.Fault{{Kind: kind, Code: code, Operation: sandbox.SendOperation, Next: 1}}, Want: providers.Succeeded, Moved: 1,
			Then: []providers.Class{providers.Succeeded}, Finally: 1,
		}
	}
	return []providertest.Row{
		coded("needs the buyer", "71", providers.Refused),
		coded("has no payment settings for the account", "300", providers.Refused),
		coded("misses an order number", "314", providers.Refused),
		coded("could not process the charge", "302", providers.InDoubt),
		coded("answers with an unlisted code", "555", providers.InDoubt),
		coded("says that the order exists already", "SWITCH_4025", providers.Duplicate),
		coded("declines with a key that speaks of a time-out", "SWITCH_TIMEOUT", providers.InDoubt),
		expired("answers the charge with HTTP 401 once", "unauthorized", ""),
		expired("answers code 100 once", "unauthorized_in_body", "100"),
		expired("answers code 100 as a text once", "unauthorized_in_body", `"100"`),
		expired("ends the life of all tokens before the charge", "expire_tokens", ""),
		{
			Name: "answers code 100 to every charge", Faults: []sandbox.Fault{{Kind: "unauthorized_in_body", Operation: sandbox.SendOperation}},
			Want: providertest.NoAct, Then: doubt, Check: credentials("100"),
		},
		{
			Name: "answers code 109 to a charge", Faults: []sandbox.Fault{{Kind: "unauthorized_in_body", Code: "109", Operation: sandbox.SendOperation}},
			Want: providertest.NoAct, Then: doubt, Check: credentials("109"),
		},
	}
}

// orders are rows about the order step, which moves no money: more responses mean there that the
// token was refused.
func orders() []providertest.Row {
	once := func(name, kind string, status int) providertest.Row {
		return providertest.Row{
			Name: name, Faults: []sandbox.Fault{{Kind: kind, Status: status, Operation: sandbox.StepOperation, Next: 1}}, Want: providers.Succeeded, Moved: 1,
			Then: []providers.Class{providers.Succeeded}, Finally: 1,
		}
	}
	return []providertest.Row{
		once("answers code 100 to the order under HTTP 500, once", "unauthorized_in_body", http.StatusInternalServerError),
		once("answers code 100 to the order under HTTP 403, once", "unauthorized_in_body", http.StatusForbidden),
		once("answers a bare 403 to the order, once", "unauthorized", http.StatusForbidden),
		{
			Name:   "answers a bare 403 to every order",
			Faults: []sandbox.Fault{{Kind: "unauthorized", Status: http.StatusForbidden, Operation: sandbox.StepOperation}},
			Want:   providertest.NoAct, Then: []providers.Class{providertest.NoAnswer}, Check: credentials("http_403"),
		},
	}
}

// statusRows are rows about the status query alone.
func statusRows() []providertest.Row {
	statusRow := func(name string, want providers.Class, f sandbox.Fault) providertest.Row {
		f.Operation = sandbox.StatusOperation
		return providertest.Row{
			Name: name, Faults: []sandbox.Fault{f}, Want: providers.Succeeded, Moved: 1, Then: []providers.Class{want}, Finally: 1,
		}
	}
	return []providertest.Row{
		statusRow("answers code 100 to the question once", providers.Succeeded, sandbox.Fault{Kind: "unauthorized_in_body", Next: 1}),
		statusRow("answers code 100 to every question", providertest.NoAnswer, sandbox.Fault{Kind: "unauthorized_in_body"}),
		statusRow("answers 429 to the question", providertest.NoAnswer, sandbox.Fault{Kind: "throttled"}),
		statusRow("does not find the order", providertest.NoAnswer, sandbox.Fault{Kind: "not_found"}),
		{
			Name: "charges later, having said that it cannot", Faults: []sandbox.Fault{{Kind: "pending", Polls: 1}}, Want: providers.InDoubt,
			Code: "302", Then: []providers.Class{providers.InDoubt, providers.Succeeded}, Finally: 1,
		},
		{
			Name: "says a word that nobody knows", Faults: []sandbox.Fault{{Kind: "rejected_word"}}, Want: providers.InDoubt,
			Then: []providers.Class{providers.InDoubt, providers.InDoubt},
		},
	}
}

func credentials(code string) func(err error) string {
	return func(err error) string {
		var e *providers.CredentialsError
		if !errors.As(err, &e) || e.Code != code {
			return fmt.Sprintf("the error is %v, want refused credentials with code %s", err, code)
		}
		return ""
	}
}

func config(url string) pagandocheck.Config {
	return pagandocheck.Config{BaseURL: url, User: "sandbox-user", Password: "sandbox-password"}
}

func newClient(t *testing.T, c pagandocheck.Config) *pagandocheck.Client {
	return providertest.Open(t, pagandocheck.New, c)
}

func newTwoStep(t *testing.T, c pagandocheck.Config) *pagandocheck.TwoStep {
	return providertest.Open(t, pagandocheck.NewTwoStep, c)
}

func charge(t *testing.T, reference string) providers.Charge {
	return providers.Charge{
		Payment: providers.Payment{
			Provider: pagandocheck.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "149.50", "MXN"),
			Description: "Plan <mensual> & más",
		},
		Customer:  providers.Customer{ID: "5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10"},
		Card:      providers.Card{Token: "cd_example-000001"},
		Agreement: "CONTRATO-000812",
		Details:   pagandocheck.Details{AntifraudToken: "aft-0001"},
	}
}

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	c := charge(t, "PAY-0000000042")
	attempt := providertest.Attempt()
	one := func(t *testing.T, url string) (providers.Outcome, error) {
		return newClient(t, config(url)).Charge(t.Context(), c, attempt)
	}
	two := func(t *testing.T, url string) (providers.Outcome, error) {
		return newTwoStep(t, config(url)).Charge(t.Context(), c, attempt)
	}
	ask := func(t *testing.T, url string) (providers.Outcome, error) {
		q := providers.StatusQuery{Reference: c.Reference, Amount: c.Amount, Charge: &c, ProviderRefs: map[string]string{"order_id": "ord-1"}}
		return newTwoStep(t, config(url)).Status(t.Context(), q)
	}
	for name, row := range map[string]struct {
		response string
		call     func(t *testing.T, url string) (providers.Outcome, error)
	}{
		"as the code":            {`{"error":true,"code":SAID,"message":"x"}`, one},
		"in the words":           {`{"error":true,"code":"300","message":SAID}`, one},
		"as the network's key":   {`{"error":true,"type":"AGREGADOR_SWITCH","key":SAID,"message":SAID}`, one},
		"as the charge's id":     {`{"error":false,"key":"SUCCESS_ORDER","code":"72","data":{"folio":SAID,"reference":SAID}}`, one},
		"as the buyer's order":   {`{"error":true,"code":"71","data":{"object":{"id":SAID}}}`, one},
		"as the order's code":    {`{"error":true,"code":SAID,"message":SAID}`, two},
		"as the order's words":   {`{"error":true,"code":"300","message":SAID}`, two},
		"as the order's id":      {`{"error":false,"key":"SUCCESS_ORDER","code":"72","data":{"orderId":SAID,"folio":"1"}}`, two},
		"as an id within":        {`{"error":false,"key":"SUCCESS_ORDER","code":"72","data":{"data":{"orderNumber":SAID,"transactionNumber":SAID}}}`, one},
		"about a known cart":     {`{"error":true,"key":"SWITCH_4025","code":SAID,"message":SAID}`, one},
		"as the word within":     {`{"error":false,"data":{"data":{"cartId":"PAY-0000000042","total":SAID,"transactionId":SAID,"payResponse":SAID}}}`, ask},
		"as the word when asked": {`{"error":false,"data":{"cartId":"PAY-0000000042","total":"149.50","transactionId":"1","payResponse":SAID}}`, ask},
		"as the code when asked": {`{"error":true,"code":SAID,"message":SAID}`, ask},
	} {
		t.Run(name, providertest.RedactionTest{
			Values:   append([]string{"sandbox-password", "sandbox-user", "aft-0001"}, c.PrivateTexts()...),
			Response: providertest.RespondWith(200, row.response, map[string]string{"/get-token": `{"error":false,"data":{"token":"bearer-token-of-today"}}`}),
			Call:     row.call,
		}.Run)
	}
}
