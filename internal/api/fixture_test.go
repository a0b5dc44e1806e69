package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/docs"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/apikey"
	"github.com/remesa/remesa/internal/logtest"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// fixture is an interface on a Redis of its own, with a key that may do everything.
type fixture struct {
	t      testing.TB
	api    *API
	server *httptest.Server
	rdb    *redis.Client
	ledger *idempotency.Ledger
	keys   *apikey.Store
	key    string
	log    logtest.Log
}

func newFixture(t testing.TB, vary ...func(*Options)) *fixture {
	t.Helper()
	rdb := redistest.Start(t).Client()
	w := &fixture{t: t, rdb: rdb, ledger: idempotency.NewRedis(rdb, idempotency.Options{}), keys: apikey.NewStore(rdb)}
	client := tasks.NewClient(w.ledger, rdb, tasks.ClientOptions{})
	o := Options{
		Keys: w.keys, Tasks: client, Ledger: w.ledger, Redis: rdb, Log: zerolog.New(&w.log), Rate: 1_000_000, Document: docs.OpenAPI(),
		Subscriptions: billing.NewClient(billing.ClientConfig{Store: billing.NewStore(rdb, billing.StoreOptions{}), Ledger: w.ledger, Intake: client}),
	}
	for _, v := range vary {
		v(&o)
	}
	var err error
	w.api, err = New(o)
	w.must(err)
	w.server = httptest.NewUnstartedServer(nil)
	w.server.Config = w.api.Server()
	w.server.Start()
	t.Cleanup(func() {
		w.api.Drain()
		w.server.Close()
	})
	w.key = w.newKey(apikey.Submit, apikey.Read, apikey.Settle)
	return w
}

// newPartedFixture keeps the payments of virtualpos in partitions.
func newPartedFixture(t testing.TB, partitions int) *fixture {
	t.Helper()
	var ledger *idempotency.Ledger
	w := newFixture(t, func(o *Options) {
		ledger = idempotency.NewRedis(o.Redis, idempotency.Options{Partitions: idempotency.Partitions{"virtualpos": partitions}})
		o.Ledger, o.Tasks = ledger, tasks.NewClient(ledger, o.Redis, tasks.ClientOptions{})
	})
	w.ledger = ledger
	return w
}

func (w *fixture) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *fixture) newKey(scopes ...apikey.Scope) string {
	w.t.Helper()
	_, text, err := w.keys.Create(context.Background(), "billing", scopes)
	w.must(err)
	return text.Reveal()
}

// answerOf is a response that was read to its end.
type answerOf struct {
	status int
	header http.Header
	body   string
}

// call sends a request with the fixture's key; headers come in pairs of name and value.
func (w *fixture) call(method, path, body string, headers ...string) answerOf {
	w.t.Helper()
	return w.send(method, path, strings.NewReader(body), headers...)
}

func (w *fixture) send(method, path string, body io.Reader, headers ...string) answerOf {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, body)
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Content-Type", jsonMedia)
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	reply, err := w.server.Client().Do(r)
	w.must(err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	w.must(err)
	return answerOf{reply.StatusCode, reply.Header, string(text)}
}

// into reads a JSON response of that status.
func (w *fixture) into(v any, status int, a answerOf) {
	w.t.Helper()
	if a.status != status {
		w.t.Fatalf("%d, want %d: %s", a.status, status, a.body)
	}
	w.must(json.Unmarshal([]byte(a.body), v))
}

// payout is a task with these replacements of old by new text.
func payout(reference string, oldnew ...string) string {
	return strings.NewReplacer(oldnew...).Replace(strings.Replace(example("virtualpos"), "tef-0001", reference, 1))
}

// example is one of the task format's.
func example(name string) string {
	text, err := os.ReadFile("../../tasks/testdata/" + name + ".json")
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(text))
}

const payouts = "/v1/payouts"

func keyOf(reference string) idempotency.Key {
	return idempotency.Key{Provider: "virtualpos", Account: "default", Reference: reference}
}

// finish makes a payment final, as a worker does.
func (w *fixture) finish(reference string, o providers.Outcome) {
	w.t.Helper()
	ctx, attempt := context.Background(), idempotency.NewAttempt()
	begun, err := w.ledger.Begin(ctx, keyOf(reference), idempotency.BeginParams{Attempt: attempt, Lease: time.Minute})
	w.must(err)
	if begun.Decision != idempotency.Send {
		w.t.Fatalf("%s: %v", reference, begun.Decision)
	}
	_, err = w.ledger.Finish(ctx, keyOf(reference), idempotency.AttemptResult{Attempt: attempt, Outcome: o})
	w.must(err)
}

// resultLines are the results of a file as one text.
func resultLines(body string) string {
	var all []string
	for line := range strings.Lines(body) {
		var r struct {
			Line               int
			Key, ID, Result    string
			State, Error, Task string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return fmt.Sprintf("%q: %s", line, err)
		}
		text := fmt.Sprintf("%d %s%s %s", r.Line, r.Key, r.ID, r.Result)
		if r.State != "" {
			text += " " + r.State
		}
		if r.Error != "" {
			text += " (" + r.Error[:strings.IndexAny(r.Error+":", ":")] + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}
