package virtualpos_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/virtualpos"
)

var golden = providertest.Golden{
	"create":                "7b2aad4e51a6dbed",
	"create-flat":           "4d3f25047c3d8034",
	"status-by-id":          "df1bd52a91ef69a2",
	"status-by-merchant":    "f6cdabbe875d7cb5",
	"status-signed-by-key":  "775b81c655324ffb",
	"status-details-gone":   "88a3de1e2b2a9b8f",
	"status-strange-letter": "c5e9b6727bb07392",
}

func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	p := payout(t, "tef-0001")
	query := providers.StatusQuery{Reference: "tef-0001", Amount: p.Amount, Payout: &p}
	byID := query
	byID.ProviderID = "pyt_7f3a"
	gone := byID
	gone.Payout = nil
	strange := gone
	strange.ProviderID = "pyt/7?f=3#a ñ"
	for name, send := range map[string]func(t *testing.T, c virtualpos.Config){
		"create":                pay(p),
		"create-flat":           func(t *testing.T, c virtualpos.Config) { c.Body = virtualpos.Flat; pay(p)(t, c) },
		"status-by-id":          status(byID),
		"status-by-merchant":    status(query),
		"status-signed-by-key":  signedByKey(query),
		"status-details-gone":   signedByKey(gone),
		"status-strange-letter": signedByKey(strange),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verify(t, name, record(t, send))
		})
	}
}

func pay(p providers.Payout) func(t *testing.T, c virtualpos.Config) {
	return func(t *testing.T, c virtualpos.Config) {
		_, _ = newClient(t, c).Pay(t.Context(), p, providers.Attempt{})
	}
}

func status(q providers.StatusQuery) func(t *testing.T, c virtualpos.Config) {
	return func(t *testing.T, c virtualpos.Config) {
		_, _ = newClient(t, c).Status(t.Context(), q)
	}
}

func signedByKey(q providers.StatusQuery) func(t *testing.T, c virtualpos.Config) {
	return func(t *testing.T, c virtualpos.Config) {
		c.StatusSignature = virtualpos.SignAPIKey
		status(q)(t, c)
	}
}

// record is the bytes of the one request that came over the wire.
func record(t *testing.T, send func(t *testing.T, c virtualpos.Config)) string {
	t.Helper()
	return providertest.Sent(t, func(url string) {
		c := config(url + "/prefix/")
		c.APIKey, c.SecretKey = "vp_test_key&<1>", "sëcret key"
		send(t, c)
	})
}

const exampleTef = `{"merchant_id":"tef-0001","message":"Devolución <1> & más","amount":12500,` +
	`"recipient":{"rut":"12345678-5","name":"Ana Soto Ñuñoa","email":"ana@example.cl"},"bank":{"sbif_code":"012","account_number":"00123456789"}}`

// verify checks a request against its file, and without any code of the adapter or of a JWT
// library.
func verify(t *testing.T, name, request string) {
	t.Helper()
	golden.Compare(t, name, request)
	signature := regexp.MustCompile(`(?m)^Signature: (\S+)$`).FindStringSubmatch(request)
	if signature == nil {
		t.Fatal("no Signature header")
	}
	part := strings.Split(signature[1], ".")
	if len(part) != 3 {
		t.Fatalf("the signature has %d parts", len(part))
	}
	if head := unbase64(t, part[0]); head != `{"typ":"JWT","alg":"HS256"}` {
		t.Errorf("the JWT's header is %s", head)
	}
	want := `{"api_key":"vp_test_key&<1>","tef":` + exampleTef + `}`
	if strings.HasSuffix(name, "-key") || strings.HasSuffix(name, "-gone") || strings.HasSuffix(name, "-letter") {
		want = `{"api_key":"vp_test_key&<1>"}`
	}
	if payload := unbase64(t, part[1]); payload != want {
		t.Errorf("the JWT's payload is\n%s\nwant\n%s", payload, want)
	}
	mac := hmac.New(sha256.New, []byte("sëcret key"))
	mac.Write([]byte(part[0] + "." + part[1]))
	if unbase64(t, part[2]) != string(mac.Sum(nil)) {
		t.Error("the JWT's signature is not HMAC-SHA256 of its two first parts under the secret")
	}
	if !strings.Contains(request, "\nAuthorization: vp_test_key&<1>\n") {
		t.Error("Authorization is not the raw API key")
	}
	_, body, _ := strings.Cut(request, "\n\n")
	if bodies := map[string]string{"create": `{"tef":` + exampleTef + `}`, "create-flat": exampleTef}; body != bodies[name] {
		t.Errorf("the body is\n%s\nwant\n%s", body, bodies[name])
	}
}

func unbase64(t *testing.T, text string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
