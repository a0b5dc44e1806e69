package etpay_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/etpay"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Forms(t, map[string]simulator.Options{providertest.AsAssumed: {}, "order and amount repeated": {Echoes: true}}, suite)
}

func suite(o simulator.Options) providertest.Suite {
	return providertest.Suite{
		Simulator: func() *sandbox.Provider { return simulator.New(o, sandbox.Options{}) },
		Client: func(t *testing.T, env providertest.Env) any {
			c := config(env.Base)
			c.Wire = env.Wire
			return newClient(t, c)
		},
		Charge: charge, Sessions: true,
		Extra: []providertest.Row{
			{
				Name: "opens a session, and the payer's first try fails at once", Faults: []sandbox.Fault{{Kind: "rejected_word"}},
				Want: providers.Pending, Then: []providers.Class{providers.Pending},
			},
			{
				Name: "says an unknown word of a payment", Faults: []sandbox.Fault{{Kind: "pending"}, {Kind: "unknown_status_after", Operation: sandbox.StatusOperation}},
				Want: providers.Pending, Then: []providers.Class{providers.Pending}, Finally: 1,
			},
			{
				Name: "answers the status query with wrong types", Faults: []sandbox.Fault{{Kind: "pending"}, {Kind: "wrong_types_after", Operation: sandbox.StatusOperation}},
				Want: providers.Pending, Then: []providers.Class{providertest.NoAnswer}, Finally: 1,
			},
		},
	}
}

func config(url string) etpay.Config {
	return etpay.Config{BaseURL: url, PaymentURL: url, MerchantCode: "cl_sandbox_cl", MerchantAPIToken: "sandbox-merchant-api-token"}
}

func newClient(t *testing.T, c etpay.Config) *etpay.Client {
	return providertest.Open(t, etpay.New, c)
}

func charge(t *testing.T, reference string) providers.Charge {
	return providers.Charge{
		Payment: providers.Payment{
			Provider: etpay.Name, Account: "default", Reference: reference, Amount: providertest.Amount(t, "50000", "CLP"), Description: "Cuenta gas",
		},
		Details: etpay.Details{UserBankCode: "cl_estado", Metadata: []etpay.NamedText{
			{Name: "Cuenta <1> & más", Value: "30215", Show: true}, {Name: "Interno", Value: "x"},
		}},
		Customer: providers.Customer{Email: "ana@example.cl", Document: "12345678-K"},
	}
}

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	c := charge(t, "OC700104")
	open := func(t *testing.T, url string) (providers.Outcome, error) {
		return newClient(t, config(url)).Charge(t.Context(), c, providertest.Attempt())
	}
	ask := func(t *testing.T, url string) (providers.Outcome, error) {
		q := providers.StatusQuery{Reference: c.Reference, Amount: c.Amount, Charge: &c, ProviderRefs: map[string]string{etpay.SignatureTokenRef: "signature-key-1"}}
		return newClient(t, config(url)).Status(t.Context(), q)
	}
	again := func(t *testing.T, url string) (providers.Outcome, error) {
		a := providertest.Attempt()
		a.MayHaveLeft = true
		return newClient(t, config(url)).Charge(t.Context(), c, a)
	}
	inSession := func(t *testing.T, url string) (providers.Outcome, error) {
		q := providers.StatusQuery{Reference: c.Reference, Amount: c.Amount, Charge: &c, ProviderRefs: map[string]string{
			etpay.SessionTokenRef: "session-1", etpay.SignatureTokenRef: "signature-key-1", "order_unproven": "true",
		}}
		return newClient(t, config(url)).Status(t.Context(), q)
	}
	for name, way := range map[string]struct {
		status   int
		response string
		call     func(t *testing.T, url string) (providers.Outcome, error)
		values   []string
	}{
		"as the code of a session":           {400, `{"code":SAID,"message":"x"}`, open, c.PrivateTexts()},
		"in the words of a session":          {400, `{"code":"E9","message":SAID}`, open, append(c.PrivateTexts(), "30215")},
		"as the id of what was paid":         {200, `[{"payment_token":SAID,"payment_status":"success"}]`, ask, append(c.PrivateTexts(), "signature-key-1")},
		"as the second id":                   {200, `[{"payment_token":"!","payment_status":"success"},{"payment_token":SAID,"payment_status":"success"}]`, ask, c.PrivateTexts()},
		"in the words about a known session": {400, `{"code":"duplicado","message":SAID}`, again, c.PrivateTexts()},
		"as the code about a known session":  {400, `{"code":SAID,"message":"ya existe"}`, again, c.PrivateTexts()},
		"as the id of what our session paid": {200, `[{"payment_token":SAID,"payment_status":"success"}]`, inSession, append(c.PrivateTexts(), "signature-key-1")},
		"as what our session's payer paid":   {200, `[{"payment_token":"!","payment_status":"success"},{"payment_token":SAID,"payment_status":"success"}]`, inSession, c.PrivateTexts()},
	} {
		t.Run(name, providertest.RedactionTest{
			Values: append([]string{"sandbox-merchant-api-token"}, way.values...),
			Response: func(_ *http.Request, value string) (int, string) {
				return way.status, strings.ReplaceAll(way.response, "SAID", value)
			},
			Call: way.call,
		}.Run)
	}
}
