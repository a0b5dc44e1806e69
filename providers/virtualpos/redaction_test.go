package virtualpos_test

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
)

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	p := payout(t, "tef-0001")
	values := append([]string{"sandbox-api-key", "sandbox-secret-key"}, p.PrivateTexts()...)
	pay := func(t *testing.T, url string) (providers.Outcome, error) {
		return newClient(t, config(url)).Pay(t.Context(), p, providers.Attempt{})
	}
	ask := func(t *testing.T, url string) (providers.Outcome, error) {
		return newClient(t, config(url)).Status(t.Context(), providers.StatusQuery{Reference: p.Reference, Amount: p.Amount, Payout: &p})
	}
	for name, response := range map[string]string{
		"as the code of a refusal":          `{"status":"NOK","code":400,"error":{"error_code":SAID,"message":"x"}}`,
		"in the words of a refusal":         `{"status":"NOK","code":400,"error":{"error_code":"E-9","message":SAID}}`,
		"as the code of a rejection":        `{"status":"OK","code":201,"payout":{"id":"pyt_1","status":"rechazado"},"rejected_object":{"code":SAID,"message":SAID}}`,
		"as the code of a rejected payment": `{"status":"OK","code":201,"payment":{"order":{"uuid":SAID,"status":"rechazado"}},"rejected_object":{"code":SAID,"message":SAID}}`,
		"beside a code that says success":   `{"status":"OK","code":200,"payout":{"id":SAID,"status":"pagado"},"error":{"error_code":"0","message":SAID},"rejected_object":{"code":"0","message":SAID}}`,
		"as the id of an order":             `{"status":"OK","code":200,"payment":{"order":{"uuid":SAID,"merchant_internal_code":"tef-0001","status":"pagado","amount":12500}}}`,
		"as all that is read of an order":   `{"status":"OK","code":200,"payment":{"order":{"uuid":SAID,"merchant_internal_code":SAID,"status":SAID,"amount":SAID,"currency":SAID,"bank":{"sbif_code":SAID,"account_number":SAID},"recipient":{"rut":SAID}}}}`,
		"as the reference of a rejection":   `{"status":"OK","code":201,"payout":{"id":SAID,"merchant_id":SAID,"status":"rechazado"},"rejected_object":{"code":SAID}}`,
		"as the words of a duplicate":       `{"status":"NOK","code":400,"error":{"error_code":"duplicado ya existe","message":SAID}}`,
		"as the payment's id":               `{"status":"OK","code":200,"payout":{"id":SAID,"merchant_id":"tef-0001","status":"pagado","amount":12500}}`,
		"as the payment's word":             `{"status":"OK","code":200,"payout":{"id":"pyt_1","merchant_id":"tef-0001","status":SAID,"amount":12500}}`,
	} {
		status := 200
		if strings.Contains(response, "400") {
			status = 400
		} else if strings.Contains(response, "201") {
			status = 201
		}
		redaction := providertest.RedactionTest{Values: values, Call: pay, Response: providertest.RespondWith(status, response, nil)}
		t.Run(name+" of a payout", redaction.Run)
		redaction.Call = ask
		t.Run(name+" when queried", redaction.Run)
	}
}
