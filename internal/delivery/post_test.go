package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/receiver"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
)

func poster(t testing.TB, to receiver.Receiver) *Poster {
	t.Helper()
	p, err := NewPoster(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// resultOf is the result of one attempt, whose text must hold nothing of where it went.
func resultOf(t testing.TB, to receiver.Receiver) string {
	t.Helper()
	result, text := Result(poster(t, to).Post(t.Context(), "virtualpos/a:0:1", []byte(`{}`), time.Now()))
	for _, private := range []string{"CANARY", "127.0.0.1", "localhost"} {
		if strings.Contains(text, private) {
			t.Errorf("%q holds %s", text, private)
		}
	}
	return result
}

// TestTheSignatureIsTheStandards: its own library is the judge, with each of two secrets.
func TestTheSignatureIsTheStandards(t *testing.T) {
	t.Parallel()
	one, two := secret("one"), secret("two")
	for says, row := range map[string]struct {
		signs []providers.Secret
		knows providers.Secret
		takes bool
	}{
		"the same":                      {[]providers.Secret{one}, one, true},
		"another":                       {[]providers.Secret{one}, two, false},
		"two, and the receiver the old": {[]providers.Secret{one, two}, two, true},
		"two, and the receiver the new": {[]providers.Secret{one, two}, one, true},
		"two, and the receiver neither": {[]providers.Secret{one, two}, secret("three"), false},
	} {
		billing := newSystem(t, nil)
		p := poster(t, at("billing", billing.URL, func(r *receiver.Receiver) { r.Secrets = row.signs }))
		id, content := "virtualpos/ref.1:0:3", []byte(`{"event_id":"virtualpos/ref.1:0:3","amount":"1"}`)
		if err := p.Post(t.Context(), id, content, time.Now()); err != nil {
			t.Fatal(err)
		}
		judge, err := webhooks.NewWebhook(row.knows.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		head := billing.heads[id]
		if err := judge.Verify(billing.raw[id], head); (err == nil) != row.takes {
			t.Errorf("%s: %v", says, err)
		}
		if err := judge.Verify(append([]byte(" "), content...), head); err == nil {
			t.Errorf("%s: a changed body is taken", says)
		}
		if head.Get("Content-Type") != "application/json" || !strings.HasPrefix(head.Get("User-Agent"), "remesa/") || head.Get("webhook-id") != id {
			t.Errorf("%v", head)
		}
		if n := len(strings.Split(head.Get("webhook-signature"), " ")); n != len(row.signs) {
			t.Errorf("%s: %d signatures", says, n)
		}
	}
}

func TestTheTimestampIsThatOfTheAttempt(t *testing.T) {
	t.Parallel()
	billing := newSystem(t, nil)
	now := time.Unix(1_800_000_000, 0)
	if err := poster(t, at("billing", billing.URL)).Post(t.Context(), "a:0:1", []byte(`{}`), now); err != nil {
		t.Fatal(err)
	}
	if got := billing.heads["a:0:1"].Get("webhook-timestamp"); got != strconv.FormatInt(now.Unix(), 10) {
		t.Error(got)
	}
}

func TestWhatAReceiverAnswers(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{
		200: Delivered, 201: Delivered, 202: Delivered, 204: Delivered, 301: Refused, 302: Refused, 307: Refused, 308: Refused,
		400: Refused, 401: Refused, 404: Refused, 410: Refused, 429: Refused, 500: Refused, 503: Refused,
	} {
		moved := newSystem(t, nil)
		billing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", moved.URL+"/CANARY")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(code)
		}))
		defer billing.Close()
		if got := resultOf(t, at("billing", billing.URL+"/CANARY")); got != want {
			t.Errorf("HTTP %d: %s, want %s", code, got, want)
		}
		if moved.requests() != 0 {
			t.Errorf("HTTP %d: the redirect was followed", code)
		}
		err := poster(t, at("billing", billing.URL)).Post(t.Context(), "a:0:1", nil, time.Now())
		if failed, ok := errors.AsType[*attemptError](err); ok && failed.after != 7*time.Second {
			t.Errorf("HTTP %d: comes again after %s", code, failed.after)
		}
	}
}

func TestWhatARetryAfterMayBe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "999999": mostRetryAfter, "99999999999999999999": 0} {
		if got := retryAfter(http.Header{"Retry-After": {text}}); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// TestPrivateAddressesAreRefusedAfterTheNameIsResolved: nothing arrives.
func TestPrivateAddressesAreRefusedAfterTheNameIsResolved(t *testing.T) {
	t.Parallel()
	billing := newSystem(t, nil)
	at := func(address string, private bool) receiver.Receiver {
		return at("billing", strings.Replace(billing.URL, "127.0.0.1", address, 1), func(r *receiver.Receiver) { r.AllowPrivate = private })
	}
	for _, name := range []string{"127.0.0.1", "localhost"} {
		if got := resultOf(t, at(name, false)); got != Forbidden || billing.requests() != 0 {
			t.Errorf("%s: %s, and %d requests arrived", name, got, billing.requests())
		}
	}
	if got := resultOf(t, at("localhost", true)); got != Delivered {
		t.Errorf("allowed: %s", got)
	}
	if transport, ok := poster(t, at("localhost", true)).client.Transport.(*http.Transport); !ok || transport.Proxy != nil {
		t.Error("there is a proxy, whose address would be checked in place of the receiver's")
	}
}

func TestWhoGivesNoAnswer(t *testing.T) {
	t.Parallel()
	if got := resultOf(t, at("billing", "http://"+nobody(t)+"/CANARY")); got != Unreachable {
		t.Errorf("nobody listens: %s", got)
	}
	if got := resultOf(t, at("billing", "http://CANARY.invalid/")); got != Unreachable {
		t.Errorf("no such name: %s", got)
	}
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	defer untrusted.Close()
	if got := resultOf(t, at("billing", untrusted.URL)); got != Unreachable {
		t.Errorf("a certificate of its own: %s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	silent := newSystem(t, func(string) int { <-ctx.Done(); return http.StatusOK })
	result, text := Result(poster(t, at("billing", silent.URL)).Post(ctx, "a:0:1", nil, time.Now()))
	if result != Unreachable || !strings.HasPrefix(text, "no answer within") {
		t.Errorf("silent: %s, %s", result, text)
	}
}

// TestAResponseWithoutAnEndIsLeft: only its beginning is read.
func TestAResponseWithoutAnEndIsLeft(t *testing.T) {
	t.Parallel()
	written := make(chan int, 1)
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := 0
		for chunk := make([]byte, 32<<10); ; n += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				break
			}
		}
		written <- n
	}))
	defer endless.Close()
	if got := resultOf(t, at("billing", endless.URL)); got != Delivered {
		t.Error(got)
	}
	<-written
}

// TestWhatIsSealedIsLeftOutUnlessTheReceiverGetsItOpen, and a worker without the key delivers
// nothing that lacks what the receiver is to get.
func TestWhatIsSealedIsLeftOutUnlessTheReceiverGetsItOpen(t *testing.T) {
	t.Parallel()
	ring := sealtest.Ring(t, "k1")
	sealed := event("tef-1", 1)
	sealed.Metadata = ring.SealText(`{"order":"CANARY"}`, "metadata", sealed.Key)
	sealed.Message = ring.SealText("CANARY", "message", sealed.Key)
	sealed.ActionURL = ring.SealText("https://CANARY.example", "action_url", sealed.Key)
	for says, row := range map[string]struct {
		event kv.OutcomeEvent
		ring  *seal.Ring
		open  bool
		want  string
	}{
		"left out":                  {sealed, ring, false, ""},
		"left out, without the key": {sealed, nil, false, ""},
		"opened":                    {sealed, ring, true, "action_url message metadata"},
		"to be opened, with no key": {sealed, nil, true, Sealed},
		"to be opened, another key": {sealed, sealtest.Ring(t, "k2"), true, Sealed},
		"not sealed, where none is": {event("tef-1", 1), nil, false, "metadata"},
		"older than the keys":       {event("tef-1", 1), ring, false, "metadata"},
	} {
		rdb := client(t)
		billing := newSystem(t, nil)
		o := options(rdb, at("billing", billing.URL, func(r *receiver.Receiver) { r.OpenSealed = row.open }))
		o.Ring = row.ring
		l := openWith(t, o, row.event)
		err := l.handle(t.Context(), task(t, l.all(t)[0], time.Now()))
		got := billing.body("virtualpos/tef-1:0:1")
		if row.want == Sealed {
			if failed, ok := errors.AsType[*attemptError](err); !ok || failed.result != Sealed || got != nil {
				t.Errorf("%s: %v, %v", says, err, got)
			}
			continue
		}
		var names []string
		for _, name := range []string{"action_url", "message", "metadata"} {
			if got[name] != nil {
				names = append(names, name)
			}
		}
		if err != nil || strings.Join(names, " ") != row.want || strings.Contains(string(billing.raw["virtualpos/tef-1:0:1"]), "s1.") {
			t.Errorf("%s: %v, %v", says, err, got)
		}
	}
}

// TestAReceiverOverTLS gets its events by its own name.
func TestAReceiverOverTLS(t *testing.T) {
	t.Parallel()
	billing := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	defer billing.Close()
	u, err := url.Parse(billing.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := poster(t, at("billing", u.String()))
	trusted := x509.NewCertPool()
	trusted.AddCert(billing.Certificate())
	p.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	if err := p.Post(t.Context(), "a:0:1", []byte(`{}`), time.Now()); err != nil {
		t.Error(err)
	}
}
