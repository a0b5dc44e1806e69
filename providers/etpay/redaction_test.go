package etpay_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/providertest"
)

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
