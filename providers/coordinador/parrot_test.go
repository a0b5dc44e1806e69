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
	for name, answer := range map[string]string{
		"as the first error":  `{"errors":[SAID],"result":null,"operation":0}`,
		"as the second error": `{"errors":["monto",{"detalle":SAID}],"result":null,"operation":0}`,
	} {
		t.Run(name, providertest.Parrot{
			Values: []string{"sandbox-password", "pagos@empresa.example"},
			Answer: func(r *http.Request, said string) (int, string) {
				switch {
				case r.Method == http.MethodGet:
					return 200, `{"count":0,"results":[]}`
				case strings.Contains(r.URL.Path, "token"):
					return 200, `{"token":"bearer-token-of-today"}`
				}
				return 200, strings.ReplaceAll(answer, "SAID", said)
			},
			Call: func(t *testing.T, url string) (providers.Outcome, error) {
				return newClient(t, config(url)).Pay(t.Context(), payoutOf(t, "PAY-42", 3456789), new(record).attempt())
			},
		}.Run)
	}
}
