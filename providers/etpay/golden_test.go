package etpay_test

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/providertest"
)

var golden = providertest.Golden{
	"initialize":       "28aa76172855eece",
	"initialize-whole": "7b0bb0463bdf4687",
	"initialize-least": "23e051a1aa1bd677",
	"status":           "8813a1be53763376",
}

// bodies stand here as well, as the provider describes them.
var bodies = map[string]string{
	"initialize": `{"merchant_code":"cl_test_co","merchant_api_token":"tok&<1>","merchant_order_id":"OC700104","order_amount":50000,` +
		`"customer_email":"ana@example.cl","metadata":[{"name":"Cuenta <1> & más","value":"30215","show":true},` +
		`{"name":"Interno","value":"x","show":false}],"user_bank_code":"cl_estado","user_rut":"12345678K","is_rut_block":true,` +
		`"payment_webhook_url":"https://example.cl/webhooks/etpay?a=1&b=2"}`,
	"initialize-whole": `{"merchant_code":"cl_test_co","merchant_api_token":"tok&<1>","merchant_order_id":"OC-700104","order_amount":50000,` +
		`"user_rut":"12345678K","is_rut_block":false,"payment_completed_url":"https://tienda.example/ok?a=1&b=2",` +
		`"payment_cancellation_url":"https://tienda.example/no"}`,
	"initialize-least": `{"merchant_code":"cl_test_co","merchant_api_token":"tok&<1>","merchant_order_id":"OC700104","order_amount":50000}`,
	"status":           `{"merchant_code":"cl_test_co","merchant_api_token":"tok&<1>","merchant_order_id":"OC700104"}`,
}

func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	c := charge(t, "OC700104")
	least := c
	least.Details, least.Customer = etpay.Details{}, providers.Customer{}
	whole := c
	whole.Reference, whole.Customer.Email = "OC-700104", ""
	whole.Details = etpay.Details{
		RUTBlock: new(bool), CompletedURL: "https://tienda.example/ok?a=1&b=2", CancellationURL: "https://tienda.example/no",
	}
	for name, send := range map[string]func(t *testing.T, c etpay.Config){
		"initialize": func(t *testing.T, s etpay.Config) {
			s.WebhookURL = "https://example.cl/webhooks/etpay?a=1&b=2"
			_, _ = newClient(t, s).Charge(t.Context(), c, again())
		},
		"initialize-whole": func(t *testing.T, s etpay.Config) { _, _ = newClient(t, s).Charge(t.Context(), whole, again()) },
		"initialize-least": func(t *testing.T, s etpay.Config) { _, _ = newClient(t, s).Charge(t.Context(), least, again()) },
		"status": func(t *testing.T, s etpay.Config) {
			q := providers.StatusQuery{Reference: "OC700104", Amount: c.Amount, ProviderID: "pay_1", Charge: &c}
			_, _ = newClient(t, s).Status(t.Context(), q)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := record(t, send)
			golden.Compare(t, name, got)
			withoutCredentials(t, name, got)
		})
	}
}

// again is an attempt after one that may have been paid: it makes no precheck.
func again() providers.Attempt {
	a := providertest.Attempt()
	a.MayHaveLeft = true
	return a
}

// record is the bytes of the one request that came over the wire.
func record(t *testing.T, send func(t *testing.T, c etpay.Config)) string {
	t.Helper()
	return providertest.Sent(t, func(url string) {
		c := config(url + "/prefix/")
		c.MerchantCode, c.MerchantAPIToken = "cl_test_co", "tok&<1>"
		send(t, c)
	})
}

// withoutCredentials holds that a session's credentials are in the body, and the body is the one
// that was described.
func withoutCredentials(t *testing.T, name, got string) {
	t.Helper()
	head, body, _ := strings.Cut(got, "\n\n")
	if body != bodies[name] {
		t.Errorf("the body is\n%s\nwant\n%s", body, bodies[name])
	}
	if strings.Contains(head, "Authorization") || strings.Contains(head, "tok&") {
		t.Errorf("credentials in the head:\n%s", head)
	}
}
