package providertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/remesa/remesa/providers"
)

// RedactionTest is a provider that repeats in its responses what it was sent. No text that leaves
// the adapter may.
type RedactionTest struct {
	// Values are the account's secrets and the person's data, as the adapter has them. What the
	// headers Authorization, Signature and Password carried is searched for besides.
	Values []string
	// Response is what the provider says to a request when said, a JSON text, stands in one of its
	// fields.
	Response func(r *http.Request, value string) (status int, body string)
	// Call makes one attempt, or one status query.
	Call func(t *testing.T, url string) (providers.Outcome, error)
}

// Run has the provider repeat every value, in every form.
func (p RedactionTest) Run(t *testing.T) {
	t.Helper()
	values := slices.DeleteFunc(append(p.headers(t), p.Values...), func(value string) bool { return value == "" })
	hidden := 0
	for _, value := range values {
		for how, form := range forms(value) {
			o, err := p.respond(t, form, nil)
			got := fmt.Sprintf("%s %s %s %s %v", o.ProviderID, o.SecondID, o.Code, o.Message, err)
			if holds(got, form) || holds(got, value) {
				t.Errorf("%s is repeated %s: %s", value, how, got)
			}
			if strings.Contains(got, "[…]") || strings.Contains(got, "[hidden-") {
				hidden++
			}
		}
	}
	if hidden == 0 {
		t.Error("nothing was hidden: the answer says nothing where the adapter looks")
	}
}

const shortestWord = 4

// forms are the ways in which a value is repeated.
func forms(value string) map[string]string {
	all := map[string]string{
		"as it is": value, "in capitals": strings.ToUpper(value), "in small letters": strings.ToLower(value), "percent-encoded": url.QueryEscape(value),
	}
	if len(value) > shortestWord { // the base64 of less is like many a word
		all["in base64"] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	return all
}

// holds searches for a form as it is read by people, who do not mind capitals; escapes are no safer
// than what they stand for.
func holds(text, form string) bool {
	open, err := url.QueryUnescape(text)
	if err != nil {
		open = text
	}
	lower := strings.ToLower(form)
	return strings.Contains(strings.ToLower(text), lower) || strings.Contains(strings.ToLower(open), lower)
}

// headers are the secrets that a request carried beside its body.
func (p RedactionTest) headers(t *testing.T) []string {
	t.Helper()
	var m sync.Mutex
	var values []string
	_, _ = p.respond(t, "nothing", func(r *http.Request) {
		m.Lock()
		defer m.Unlock()
		for _, name := range []string{"Authorization", "Signature", "Password"} {
			if value := strings.TrimPrefix(r.Header.Get(name), "Bearer "); value != "" {
				values = append(values, value)
			}
		}
	})
	return values
}

func (p RedactionTest) respond(t *testing.T, text string, watch func(*http.Request)) (providers.Outcome, error) {
	t.Helper()
	value, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if watch != nil {
			watch(r)
		}
		status, body := p.Response(r, string(value))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	return p.Call(t, server.URL)
}

// RespondWith responds to every request with the body, in which SAID stands for what is said, and a
// request to a path that holds one of the keys of logins with that key's value.
func RespondWith(status int, body string, logins map[string]string) func(r *http.Request, value string) (int, string) {
	return func(r *http.Request, value string) (int, string) {
		for path, response := range logins {
			if strings.Contains(r.URL.Path, path) {
				return http.StatusOK, response
			}
		}
		return status, strings.ReplaceAll(body, "SAID", value)
	}
}
