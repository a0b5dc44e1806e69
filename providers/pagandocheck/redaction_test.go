package pagandocheck_test

import (
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
)

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
