package pagoseguro_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
)

func TestNothingThatWasSentIsRepeated(t *testing.T) {
	t.Parallel()
	c := charge(t, "SO0001")
	for name, answer := range map[string]string{
		"in the words of a decline":   `{"success":false,"message":SAID,"data":null,"status_code":422}`,
		"as the name of a field":      `{"success":false,"message":{SAID:"x"},"data":null,"status_code":422}`,
		"as the charge's word":        `{"success":true,"data":{"status":SAID,"amount":32900.50,"transaction_code":16526683},"status_code":200}`,
		"as the charge's id":          `{"success":true,"data":{"status":"Aprobado","amount":32900.50,"transaction_code":SAID},"status_code":200}`,
		"in the words of a rejection": `{"success":true,"message":SAID,"data":{"status":"Rechazado","amount":32900.50,"transaction_code":1},"status_code":200}`,
	} {
		t.Run(name, providertest.Parrot{
			Values: append([]string{"sandbox-api-key"}, c.Private()...),
			Answer: func(r *http.Request, said string) (int, string) {
				if strings.HasSuffix(r.URL.Path, "accountlogin") {
					return 200, `{"success":true,"data":{"access_token":"bearer-token-of-today","expires_in":3600},"status_code":200}`
				}
				return 200, strings.ReplaceAll(answer, "SAID", said)
			},
			Call: func(t *testing.T, url string) (providers.Outcome, error) {
				return newClient(t, config(url)).Charge(t.Context(), c, providers.Attempt{})
			},
		}.Run)
	}
}
