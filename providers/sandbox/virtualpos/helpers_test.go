package virtualpos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// clock is moved by the test.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// request is one to the simulated VirtualPOS, with every part open to be spoiled.
type request struct {
	method, path, body string
	key, secret        string
	jwtHeader, payload string
	header             map[string]string
}

func tefOf(reference string) string {
	return fmt.Sprintf(`{"merchant_id":%q,"message":"Retiro","amount":12500,"recipient":{"rut":"12345678-5","name":"Ana Soto","email":"ana@example.cl"},"bank":{"sbif_code":"012","account_number":"12345678"}}`, reference)
}

func create(reference string) request {
	return request{
		method: "POST", path: "/virtualpos/v3/payout", body: `{"tef":` + tefOf(reference) + `}`,
		key: "sandbox-api-key", secret: "sandbox-secret-key", jwtHeader: `{"typ":"JWT","alg":"HS256"}`,
		payload: `{"api_key":"sandbox-api-key","tef":` + tefOf(reference) + `}`,
	}
}

func ask(reference string) request {
	r := create(reference)
	r.method, r.path, r.body = "GET", "/virtualpos/v3/payout/merchant/"+reference, ""
	return r
}

func (r request) build(t *testing.T) *http.Request {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(r.jwtHeader)) + "." + base64.RawURLEncoding.EncodeToString([]byte(r.payload))
	mac := hmac.New(sha256.New, []byte(r.secret))
	mac.Write([]byte(text))
	req := httptest.NewRequestWithContext(t.Context(), r.method, r.path, strings.NewReader(r.body))
	req.Header.Set("Authorization", r.key)
	req.Header.Set("Signature", text+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	req.Header.Set("Content-Type", "application/json")
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	return req
}

// said is the answer's status and its words: the error code, or the payment's status.
func said(t *testing.T, s *sandbox.Provider, r request) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r.build(t))
	var a struct {
		Error  map[string]any `json:"error"`
		Payout map[string]any `json:"payout"`
	}
	if w.Body.Len() > 1<<20 || json.Unmarshal(w.Body.Bytes(), &a) != nil {
		return w.Code, w.Body.String()
	}
	if a.Error != nil {
		return w.Code, fmt.Sprint(a.Error["error_code"])
	}
	return w.Code, fmt.Sprint(a.Payout["status"])
}

func served(t *testing.T, s *sandbox.Provider, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(text)
}
