package coordinador_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
)

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
		"paid":         func() (providers.Outcome, error) { return c.Pay(t.Context(), p, providers.Attempt{ProviderRefs: sent}) },
		"asked":        func() (providers.Outcome, error) { return c.Status(t.Context(), q) },
		"looked again": func() (providers.Outcome, error) { return c.Status(t.Context(), again) },
	} {
		o, err := say()
		if got := o.ProviderID + o.SecondID + o.Message; err != nil || strings.Contains(got, account) || !strings.Contains(got, "…") && !strings.Contains(got, "[hidden-") {
			t.Errorf("%s: %+v, %v", how, o, err)
		}
	}
}
