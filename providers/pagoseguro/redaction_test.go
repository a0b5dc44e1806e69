package pagoseguro_test

import (
	"net/http"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
)

// logins are answered with a token.
var logins = map[string]string{
	"accountlogin": `{"success":true,"data":{"access_token":"bearer-token-of-today","expires_in":3600},"status_code":200}`,
}

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	c := charge(t, "SO0001")
	c.Customer.BillingEmail = "facturas@example.com"
	for name, response := range map[string]string{
		"in the words of a decline":   `{"success":false,"message":SAID,"data":null,"status_code":422}`,
		"as the name of a field":      `{"success":false,"message":{SAID:"x"},"data":null,"status_code":422}`,
		"as the charge's word":        `{"success":true,"data":{"status":SAID,"amount":32900.50,"transaction_code":16526683},"status_code":200}`,
		"as the charge's id":          `{"success":true,"data":{"status":"Aprobado","amount":32900.50,"transaction_code":SAID},"status_code":200}`,
		"as the approval's code":      `{"success":true,"data":{"status":"Aprobado","amount":32900.50,"transaction_code":SAID,"code":SAID},"status_code":200}`,
		"as the approval's date":      `{"success":true,"data":{"status":"Aprobado","amount":32900.50,"transaction_code":SAID,"code":836158,"date":SAID},"status_code":200}`,
		"about the txnid":             `{"success":false,"message":{"txnid":SAID,SAID:"duplicado"},"data":null,"status_code":422}`,
		"in the words of a rejection": `{"success":true,"message":SAID,"data":{"status":"Rechazado","amount":32900.50,"transaction_code":1},"status_code":200}`,
	} {
		t.Run(name, providertest.RedactionTest{
			Values:   append([]string{"sandbox-api-key", "facturas@example.com"}, c.PrivateTexts()...),
			Response: providertest.RespondWith(200, response, logins),
			Call: func(t *testing.T, url string) (providers.Outcome, error) {
				return newClient(t, config(url)).Charge(t.Context(), c, providers.Attempt{})
			},
		}.Run)
	}
}

// Finance reads both, whatever numbers the customer has.
func TestAnApprovalStaysReadable(t *testing.T) {
	t.Parallel()
	c := charge(t, "SO0001")
	c.Customer.ID, c.Agreement, c.Customer.Document = "28", "13", "20200529"
	response := `{"success":true,"data":{"status":"Aprobado","amount":32900.50,"transaction_code":16526683,"code":836158,"date":"2020-05-29T10:28:13"},"status_code":200}`
	says := providertest.RespondWith(200, response, logins)
	server := providertest.Record(t, func(r *http.Request) (int, string) { return says(r, "") })
	o, err := newClient(t, config(server.URL)).Charge(t.Context(), c, providers.Attempt{})
	if err != nil || o.Class != providers.Succeeded || o.ProviderID != "16526683" {
		t.Fatalf("got %+v, %v", o, err)
	}
	if o = providers.Redact(o, c.PrivateTexts()...); o.Message != "approval 836158, date 2020-05-29T10:28:13" {
		t.Errorf("finance reads %q", o.Message)
	}
}
