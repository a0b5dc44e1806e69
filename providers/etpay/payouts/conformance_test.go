package payouts_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/etpay/payouts"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/etpay"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Forms(t, map[string]simulator.Options{
		providertest.AsAssumed: {}, "token, payouts and listing inside objects": {TokenField: "data.accessToken", Wrapped: true},
	}, suite)
}

func suite(o simulator.Options) providertest.Suite {
	then := func(classes ...providers.Class) []providers.Class { return classes }
	lost := sandbox.Fault{Kind: "hang_up_after"}
	return providertest.Suite{
		Simulator: func() *sandbox.Provider { return simulator.New(o, sandbox.Options{}) },
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.Base)
			c.Wire = env.Wire
			return providertest.Ready(t, newClient(t, c))
		},
		Payout: payout, Paid: providers.Pending, Renews: true,
		Extra: []providertest.Row{
			{
				Name: "answers rejected at once", Faults: []sandbox.Fault{{Kind: "rejected_word"}}, Want: providers.Pending, Code: "rejected",
				Then: then(providers.Refused, providers.Refused),
			},
			{
				Name: "lists another amount", Faults: []sandbox.Fault{lost, {Kind: "wrong_amount"}}, Want: providers.InDoubt, Moved: 1,
				Then: then(providers.Mismatch), Finally: 1,
			},
			{
				Name: "shows another amount", Faults: []sandbox.Fault{{Kind: "wrong_amount"}}, Want: providers.Pending, Moved: 1,
				Then: then(providers.Mismatch), Finally: 1,
			},
			{
				Name: "lists an unknown word", Faults: []sandbox.Fault{lost, {Kind: "unknown_status_after", Operation: sandbox.StatusOperation}}, Want: providers.InDoubt,
				Moved: 1, Then: then(providers.InDoubt), Finally: 1,
			},
			{
				Name: "lists wrong types", Faults: []sandbox.Fault{lost, {Kind: "wrong_types_after", Operation: sandbox.StatusOperation}}, Want: providers.InDoubt,
				Moved: 1, Then: then(providertest.NoAnswer), Finally: 1,
			},
			{
				Name: "lists nothing yet", Faults: []sandbox.Fault{lost, {Kind: "not_found", Next: 1}}, Want: providers.InDoubt,
				Moved: 1, Then: then(providers.NotFound, providers.Succeeded), Finally: 1,
			},
			{
				Name: "does not know its own id any more", Faults: []sandbox.Fault{{Kind: "not_found"}}, Want: providers.Pending,
				Moved: 1, Then: then(providertest.NoAnswer), Finally: 1,
			},
			{
				Name: "ends all tokens when it is queried", Faults: []sandbox.Fault{lost, {Kind: "expire_tokens", Operation: sandbox.StatusOperation, Next: 1}},
				Want: providers.InDoubt, Moved: 1, Then: then(providers.Succeeded), Finally: 1,
			},
			{
				Name: "ends all tokens before the payout", Faults: []sandbox.Fault{{Kind: "expire_tokens", Operation: sandbox.SendOperation, Next: 1}},
				Want: providers.Pending, Moved: 1, Then: then(providers.Succeeded), Finally: 1,
			},
		},
	}
}

func config(url string) payouts.Config {
	return payouts.Config{
		URL: url, Username: "ops@example.cl", Password: "sandbox-password", MerchantCode: "cl_sandbox_cl",
		MerchantAPIToken: "sandbox-merchant-api-token", Auth: auth.Options{Account: "etpay/default"},
	}
}

func newClient(t *testing.T, c payouts.Config) *payouts.Client {
	return providertest.Open(t, payouts.New, c)
}

func payout(t *testing.T, reference string) providers.Payout {
	return providers.Payout{
		Payment: providers.Payment{
			Provider: etpay.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "12500", "CLP"),
			Description: "Retiro <1> & más",
		},
		Recipient: providers.Recipient{Document: "12345678-K", Name: "Ana Soto Ñuñoa", Email: "ana@example.cl"},
		Bank:      providers.Bank{Code: "cl_estado", AccountNumber: "00123456789", AccountType: "vista"},
	}
}

// thenListed stands between the response about one payout and that of the listing.
const thenListed = "\n"

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	p := payout(t, "PO700104")
	pay := func(t *testing.T, url string) (providers.Outcome, error) {
		return newClient(t, config(url)).Pay(t.Context(), p, providertest.Attempt())
	}
	query := func(id string) func(t *testing.T, url string) (providers.Outcome, error) {
		return func(t *testing.T, url string) (providers.Outcome, error) {
			q := providers.StatusQuery{
				Reference: p.Reference, Amount: p.Amount, Payout: &p, ProviderID: id,
				ProviderRefs: map[string]string{payouts.FirstAttemptRef: "2026-05-15T09:00:00Z"},
			}
			return newClient(t, config(url)).Status(t.Context(), q)
		}
	}
	both := func(t *testing.T, url string) (providers.Outcome, error) {
		return newClient(t, config(url)).Status(t.Context(), providers.StatusQuery{
			Reference: p.Reference, Amount: p.Amount, Payout: &p, ProviderID: "1", ByReference: true,
			ProviderRefs: map[string]string{payouts.FirstAttemptRef: "2026-05-15T09:00:00Z"},
		})
	}
	payee := append([]string{"sandbox-password", "ops@example.cl"}, p.PrivateTexts()...)
	const row = `"merchant_order_id":"PO700104","currency":"CLP"`
	const whole = row + `,"account":{"rut":"12345678K","number":"00123456789","bank_code":"cl_estado","type":"vista"}`
	for name, way := range map[string]struct {
		status   int
		response string
		call     func(t *testing.T, url string) (providers.Outcome, error)
	}{
		"in the words about a known payout": {422, `{"code":"duplicado","message":SAID}`, pay},
		"as another listed payout's id":     {200, `[{"id":SAID,"status":"paid","amount":"12500",` + whole + `}]`, both},
		"as a second payout's id":           {200, `{"data":{"id":"1","status":"paid","amount":"12500",` + whole + `}}` + thenListed + `[{"id":SAID,"status":"paid","amount":"12500",` + whole + `}]`, both},
		"as all that is said of another":    {200, `[{"id":SAID,"status":"paid","amount":"1","merchant_order_id":"PO700104","currency":SAID,"account":{"rut":SAID,"number":SAID,"bank_code":SAID,"type":SAID}}]`, both},
		"as the id of what is wholly ours":  {200, `[{"id":SAID,"status":"paid","amount":"12500",` + whole + `}]`, query("")},
		"as what makes it another's":        {200, `[{"id":SAID,"status":"paid","amount":"12500","merchant_order_id":"PO700104","account":{"rut":SAID,"number":SAID,"bank_code":SAID,"type":SAID}}]`, query("")},
		"as the code of a payout":           {422, `{"code":SAID,"message":"x"}`, pay},
		"in the words of a payout":          {422, `{"code":"E9","message":SAID}`, pay},
		"as a payout's id":                  {201, `{"id":SAID,"status":"pending","amount":"12500",` + row + `}`, pay},
		"as a payout's word when asked":     {200, `{"id":"1","status":SAID,"amount":"12500",` + row + `}`, query("1")},
		"as a listed payout's id":           {200, `[{"id":SAID,"status":"paid","amount":"12500",` + row + `}]`, query("")},
		"as one of two listed ids":          {200, `[{"id":SAID,"status":"paid","amount":"12500",` + row + `},{"id":"2","status":SAID,"amount":"12500",` + row + `}]`, query("")},
		"as the id with another amount":     {200, `[{"id":SAID,"status":"paid","amount":"12501",` + row + `}]`, query("")},
		"as a listed payout's word":         {200, `[{"id":"1","status":SAID,"amount":"12500",` + row + `}]`, query("")},
	} {
		t.Run(name, providertest.RedactionTest{
			Values: append([]string{"sandbox-merchant-api-token"}, payee...),
			Response: func(r *http.Request, value string) (int, string) {
				if strings.HasSuffix(r.URL.Path, "/login") {
					return 200, `{"token":"bearer-token-of-today"}`
				}
				response, listed, found := strings.Cut(way.response, thenListed)
				if found && r.URL.Query().Has("from") {
					response = listed
				}
				return way.status, strings.ReplaceAll(response, "SAID", value)
			},
			Call: way.call,
		}.Run)
	}
}
