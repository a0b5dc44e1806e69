package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// keyHeaders make net/http take a POST for repeatable.
var keyHeaders = []string{"Idempotency-Key", "X-Idempotency-Key"}

func TestAnIdempotencyKeyArrivesAsItWasSet(t *testing.T) {
	t.Parallel()
	for _, name := range keyHeaders {
		var got []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Values(name)
			ok(w, r)
		}))
		t.Cleanup(s.Close)
		r := post(s.URL)
		r.Header = http.Header{name: {"tef-0001"}}
		if _, err := client(t, Options{}).Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, []string{"tef-0001"}) {
			t.Errorf("%s arrived as %q", name, got)
		}
		if r.Header.Get(name) != "tef-0001" {
			t.Errorf("%s was taken from the caller's own header", name)
		}
	}
}

// A connection that dies right after it took a request is where net/http would send it again by
// itself.
func TestARequestWithAnIdempotencyKeyIsSentOnce(t *testing.T) {
	t.Parallel()
	everyway(t, func(t *testing.T, secure, reused bool) {
		for _, name := range keyHeaders {
			for _, body := range []string{"", `{"amount":1}`} {
				var m sync.Mutex
				var keys []string
				p := serve(t, secure, afterWarm(func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					m.Lock()
					keys = append(keys, r.Header.Get(name))
					m.Unlock()
					panic(http.ErrAbortHandler)
				}))
				c := client(t, Options{CAFile: p.caFile})
				if reused {
					warm(t, c, p.URL)
				}
				r := post(p.URL)
				r.Body, r.Header = []byte(body), http.Header{name: {"tef-0001"}}
				_, err := c.Do(t.Context(), r)
				if e := failed(t, err); !e.Sent {
					t.Errorf("%s, body %q: %v, want sent", name, body, e)
				}
				m.Lock()
				if !slices.Equal(keys, []string{"tef-0001"}) {
					t.Errorf("%s, body %q: arrived with %q, want once with the key", name, body, keys)
				}
				m.Unlock()
			}
		}
	})
}
