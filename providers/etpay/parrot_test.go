package etpay_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/providertest"
)

// thenListed stands between the answer about one payout and that of the listing.
const thenListed = "\n"

func noted() providers.Attempt {
	return providers.Attempt{Note: func(context.Context, map[string]string, bool) error { return nil }}
}

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	c, p := charge(t, "OC700104"), payout(t, "PO700104")
	open := func(t *testing.T, url string) (providers.Outcome, error) {
		return newClient(t, config(url)).Charge(t.Context(), c, noted())
	}
	ask := func(t *testing.T, url string) (providers.Outcome, error) {
		q := providers.Query{Reference: c.Reference, Amount: c.Amount, Charge: &c, Handles: map[string]string{etpay.SignatureToken: "signature-key-1"}}
		return newClient(t, config(url)).Status(t.Context(), q)
	}
	again := func(t *testing.T, url string) (providers.Outcome, error) {
		a := noted()
		a.MayHaveLeft = true
		return newClient(t, config(url)).Charge(t.Context(), c, a)
	}
	inSession := func(t *testing.T, url string) (providers.Outcome, error) {
		q := providers.Query{Reference: c.Reference, Amount: c.Amount, Charge: &c, Handles: map[string]string{
			etpay.SessionToken: "session-1", etpay.SignatureToken: "signature-key-1", "order_unproven": "true",
		}}
		return newClient(t, config(url)).Status(t.Context(), q)
	}
	client := func(t *testing.T, url string) *etpay.PayoutClient {
		settings, payouts := payoutConfig(url)
		return newPayoutClient(t, settings, payouts)
	}
	pay := func(t *testing.T, url string) (providers.Outcome, error) {
		return client(t, url).Pay(t.Context(), p, noted())
	}
	look := func(id string) func(t *testing.T, url string) (providers.Outcome, error) {
		return func(t *testing.T, url string) (providers.Outcome, error) {
			q := providers.Query{
				Reference: p.Reference, Amount: p.Amount, Payout: &p, ProviderID: id,
				Handles: map[string]string{etpay.FirstAttempt: "2026-05-15T09:00:00Z"},
			}
			return client(t, url).Status(t.Context(), q)
		}
	}
	both := func(t *testing.T, url string) (providers.Outcome, error) {
		return client(t, url).Status(t.Context(), providers.Query{
			Reference: p.Reference, Amount: p.Amount, Payout: &p, ProviderID: "1", ByReference: true,
			Handles: map[string]string{etpay.FirstAttempt: "2026-05-15T09:00:00Z"},
		})
	}
	payee := append([]string{"sandbox-password", "ops@example.cl"}, p.Private()...)
	const row = `"merchant_order_id":"PO700104","currency":"CLP"`
	const whole = row + `,"account":{"rut":"12345678K","number":"00123456789","bank_code":"cl_estado","type":"vista"}`
	for name, way := range map[string]struct {
		status int
		answer string
		call   func(t *testing.T, url string) (providers.Outcome, error)
		values []string
	}{
		"as the code of a session":           {400, `{"code":SAID,"message":"x"}`, open, c.Private()},
		"in the words of a session":          {400, `{"code":"E9","message":SAID}`, open, append(c.Private(), "30215")},
		"as the id of what was paid":         {200, `[{"payment_token":SAID,"payment_status":"success"}]`, ask, append(c.Private(), "signature-key-1")},
		"as the second id":                   {200, `[{"payment_token":"!","payment_status":"success"},{"payment_token":SAID,"payment_status":"success"}]`, ask, c.Private()},
		"in the words about a known session": {400, `{"code":"duplicado","message":SAID}`, again, c.Private()},
		"as the code about a known session":  {400, `{"code":SAID,"message":"ya existe"}`, again, c.Private()},
		"as the id of what our session paid": {200, `[{"payment_token":SAID,"payment_status":"success"}]`, inSession, append(c.Private(), "signature-key-1")},
		"as what our session's payer paid":   {200, `[{"payment_token":"!","payment_status":"success"},{"payment_token":SAID,"payment_status":"success"}]`, inSession, c.Private()},
		"in the words about a known payout":  {422, `{"code":"duplicado","message":SAID}`, pay, payee},
		"as another listed payout's id":      {200, `[{"id":SAID,"status":"paid","amount":"12500",` + whole + `}]`, both, payee},
		"as a second payout's id":            {200, `{"data":{"id":"1","status":"paid","amount":"12500",` + whole + `}}` + thenListed + `[{"id":SAID,"status":"paid","amount":"12500",` + whole + `}]`, both, payee},
		"as all that is said of another":     {200, `[{"id":SAID,"status":"paid","amount":"1","merchant_order_id":"PO700104","currency":SAID,"account":{"rut":SAID,"number":SAID,"bank_code":SAID,"type":SAID}}]`, both, payee},
		"as the id of what is wholly ours":   {200, `[{"id":SAID,"status":"paid","amount":"12500",` + whole + `}]`, look(""), payee},
		"as what makes it another's":         {200, `[{"id":SAID,"status":"paid","amount":"12500","merchant_order_id":"PO700104","account":{"rut":SAID,"number":SAID,"bank_code":SAID,"type":SAID}}]`, look(""), payee},
		"as the code of a payout":            {422, `{"code":SAID,"message":"x"}`, pay, payee},
		"in the words of a payout":           {422, `{"code":"E9","message":SAID}`, pay, payee},
		"as a payout's id":                   {201, `{"id":SAID,"status":"pending","amount":"12500",` + row + `}`, pay, payee},
		"as a payout's word when asked":      {200, `{"id":"1","status":SAID,"amount":"12500",` + row + `}`, look("1"), payee},
		"as a listed payout's id":            {200, `[{"id":SAID,"status":"paid","amount":"12500",` + row + `}]`, look(""), payee},
		"as one of two listed ids":           {200, `[{"id":SAID,"status":"paid","amount":"12500",` + row + `},{"id":"2","status":SAID,"amount":"12500",` + row + `}]`, look(""), payee},
		"as the id with another amount":      {200, `[{"id":SAID,"status":"paid","amount":"12501",` + row + `}]`, look(""), payee},
		"as a listed payout's word":          {200, `[{"id":"1","status":SAID,"amount":"12500",` + row + `}]`, look(""), payee},
	} {
		t.Run(name, providertest.Parrot{
			Values: append([]string{"sandbox-merchant-api-token"}, way.values...),
			Answer: func(r *http.Request, said string) (int, string) {
				if strings.HasSuffix(r.URL.Path, "/login") {
					return 200, `{"token":"bearer-token-of-today"}`
				}
				answer, listed, found := strings.Cut(way.answer, thenListed)
				if found && r.URL.Query().Has("from") {
					answer = listed
				}
				return way.status, strings.ReplaceAll(answer, "SAID", said)
			},
			Call: way.call,
		}.Run)
	}
}
