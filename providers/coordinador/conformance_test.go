package coordinador_test

import (
	"hash/crc32"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/coordinador"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Forms(t, map[string]simulator.Options{
		providertest.AsAssumed: {},
		"a token under another name, amounts taken for net ones, short pages": {TokenField: "token", Net: true, PageSize: 1},
	}, suite)
}

func suite(o simulator.Options) providertest.Suite {
	found, none := []providers.Class{providers.Succeeded}, []providers.Class{providers.NotFound}
	return providertest.Suite{
		Simulator: func() *sandbox.Provider { return simulator.New(o, sandbox.Options{}).Provider },
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.Base)
			c.Wire = env.Wire
			return providertest.Ready(t, newClient(t, c))
		},
		Payout: payout, Renews: true, QueriesFirst: true,
		Without: []string{"accepts and pays later", "accepts and declines later"}, // there is no word for either
		Extra: []providertest.Row{
			{
				Name: "accepts and shows nothing yet", Faults: []sandbox.Fault{{Kind: "pending", Polls: 2}}, Want: providers.Pending,
				Then: []providers.Class{providers.NotFound, providers.NotFound, providers.Succeeded}, Finally: 1,
			},
			{
				Name: "accepts and never shows anything", Faults: []sandbox.Fault{{Kind: "rejected_later"}}, Want: providers.Pending,
				Then: []providers.Class{providers.NotFound, providers.NotFound},
			},
			{
				Name: "calls the payment a duplicate", Faults: []sandbox.Fault{{Kind: "duplicate"}}, Want: providers.Duplicate, Code: "duplicate",
				Then: none,
			},
			{
				Name: "registers another amount", Faults: []sandbox.Fault{{Kind: "wrong_amount"}}, Want: providers.Pending, Moved: 1,
				Then: []providers.Class{providers.Mismatch}, Finally: 1,
			},
			{
				Name: "accepts, and cannot be queried at once", Faults: []sandbox.Fault{{Kind: "bad_gateway_before", Operation: sandbox.StatusOperation, Next: 1}},
				Want: providers.Pending, Moved: 1, Then: found, Finally: 1,
			},
			{
				Name:   "answers 401 once to the registration alone",
				Faults: []sandbox.Fault{{Kind: "unauthorized", Operation: sandbox.SendOperation, Next: 1}}, Want: providers.Succeeded, Moved: 1, Then: found, Finally: 1,
			},
			{
				Name:   "answers 401 to every registration",
				Faults: []sandbox.Fault{{Kind: "unauthorized", Operation: sandbox.SendOperation}}, Want: providertest.NoAct, Then: none,
			},
			{
				Name:   "forgets its tokens right before the registration",
				Faults: []sandbox.Fault{{Kind: "expire_tokens", Operation: sandbox.SendOperation, Next: 1}}, Want: providers.Succeeded, Moved: 1, Then: found, Finally: 1,
			},
			{
				Name:   "forgets its tokens and takes no login",
				Faults: []sandbox.Fault{{Kind: "expire_tokens", Next: 1}, {Kind: "unauthorized", Operation: sandbox.LoginOperation}},
				Want:   providertest.NoAct, Then: []providers.Class{providertest.NoAnswer},
			},
			unread("hangs up on the look before", "hang_up_before"),
			unread("answers the look before with a page", "login_page"),
			unread("answers the look before with a bare 404", "bare_404"),
			unread("answers the look before with 502", "bad_gateway_before"),
			unread("answers the look before without a count", "unknown_status_after"),
		},
	}
}

// unread is a row in which the query before the registration comes to nothing: nothing may be sent
// then.
func unread(name, kind string) providertest.Row {
	return providertest.Row{
		Name: name, Faults: []sandbox.Fault{{Kind: kind, Operation: sandbox.StepOperation, Next: 1}}, Want: providertest.NoAct,
		Then: []providers.Class{providers.NotFound},
	}
}

func config(base string) coordinador.Config {
	return coordinador.Config{
		Auth: auth.Options{Account: "coordinador/default"}, PortalURL: base, GatewayURL: base + simulator.Gateway,
		Username: "pagos@empresa.example", Password: "sandbox-password",
	}
}

func newClient(t *testing.T, c coordinador.Config) *coordinador.Client {
	return providertest.Open(t, coordinador.New, c)
}

// payout is one of an instruction of its own for each reference.
func payout(t *testing.T, reference string) providers.Payout {
	return payoutOf(t, reference, int64(crc32.ChecksumIEEE([]byte(reference))))
}

func payoutOf(t *testing.T, reference string, instruction int64) providers.Payout {
	t.Helper()
	return providers.Payout{
		Payment: providers.Payment{Provider: coordinador.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "119000", "CLP")},
		Details: coordinador.Details{Debtor: 101, Creditor: 202, Instruction: instruction, DTEs: []int64{2285813}, PaidOn: "2026-05-15"},
	}
}

// stage is a simulator with a client.
type fixture struct {
	*simulator.Simulator
	config coordinador.Config
	client *coordinador.Client
}

func newFixture(t *testing.T, o simulator.Options, faults ...sandbox.Fault) fixture {
	t.Helper()
	s := simulator.New(o, sandbox.Options{})
	c := config(providertest.Simulate(t, s.Provider, faults...))
	return fixture{s, c, newClient(t, c)}
}

func (s fixture) pay(t *testing.T, p providers.Payout, r *providertest.CheckpointRecorder) (providers.Outcome, error) {
	t.Helper()
	return s.client.Pay(t.Context(), p, r.Attempt())
}

func (s fixture) query(t *testing.T, p providers.Payout, r *providertest.CheckpointRecorder) (providers.Outcome, error) {
	t.Helper()
	return s.client.Status(t.Context(), providers.StatusQuery{Reference: p.Reference, Amount: p.Amount, Payout: &p, ProviderRefs: r.ProviderRefs})
}

func discardLogger() *log.Logger { return log.New(io.Discard, "", 0) }

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]string{
		"as the first error":  `{"errors":[SAID],"result":null,"operation":0}`,
		"as a duplicate's":    `{"errors":["ya existe",SAID],"result":null,"operation":0}`,
		"as the second error": `{"errors":["monto",{"detalle":SAID}],"result":null,"operation":0}`,
	} {
		t.Run(name, providertest.RedactionTest{
			Values: []string{"sandbox-password", "pagos@empresa.example"},
			Response: providertest.RespondWith(200, response, map[string]string{
				"payment-instructions": `{"count":0,"results":[]}`, "token": `{"token":"bearer-token-of-today"}`,
			}),
			Call: func(t *testing.T, url string) (providers.Outcome, error) {
				return newClient(t, config(url)).Pay(t.Context(), payoutOf(t, "PAY-42", 3456789), new(providertest.CheckpointRecorder).Attempt())
			},
		}.Run)
	}
}

// An execution's number is a number of the payee's where the portal says so.
func TestNoExecutionIsNamedByAnAccount(t *testing.T) {
	t.Parallel()
	const account = "123456789"
	response := `{"count":2,"results":[{"id":1,"instruction":3456789,"execution":123456789,"amount":119000},{"id":2,"instruction":3456789,"execution":7,"amount":119000}]}`
	says := providertest.RespondWith(200, response, map[string]string{"token": `{"token":"bearer-token-of-today"}`})
	server := providertest.Record(t, func(r *http.Request) (int, string) { return says(r, "") })
	p, sent := payoutOf(t, "PAY-42", 3456789), map[string]string{"sent": "1"}
	p.Bank.AccountNumber = account
	c := newClient(t, config(server.URL))
	q := providers.StatusQuery{Reference: p.Reference, Amount: p.Amount, Payout: &p, ProviderRefs: sent}
	again := q
	again.ByReference = true
	for how, say := range map[string]func() (providers.Outcome, error){
		"paid":          func() (providers.Outcome, error) { return c.Pay(t.Context(), p, providers.Attempt{ProviderRefs: sent}) },
		"queried":       func() (providers.Outcome, error) { return c.Status(t.Context(), q) },
		"queried again": func() (providers.Outcome, error) { return c.Status(t.Context(), again) },
	} {
		o, err := say()
		if got := o.ProviderID + o.SecondID + o.Message; err != nil || strings.Contains(got, account) || !strings.Contains(got, "…") && !strings.Contains(got, "[hidden-") {
			t.Errorf("%s: %+v, %v", how, o, err)
		}
	}
}
