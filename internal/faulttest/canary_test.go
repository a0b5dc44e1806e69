package faulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

// canaries are values that may be nowhere but in the payload and on their way to the provider.
func canaries() map[string]string {
	return map[string]string{
		"API key": apiKey, "secret key": secretKey, "refused API key": "canary-key-5521", "refused secret key": "canary-secret-7734",
		"account number": "90817263544", "document": "17654321", "name": "Canariona", "e-mail": "canary.mail", "description": "Regalo secreto",
		"password": password, "merchant token": merchantToken, "refused password": "canary-password-9913", "payer's phone": "3109988776",
		"card token": canaryCard, "card on file": "cd_canary-000777", "antifraud token": "aft-canary", "payer's address": "Calle Canaria",
		"password of the pages": pagePassword, "payer's id": "5d1c0b1e-2f6a-4a1e-9a55-0ca9a21e0001",
		"webhooks' secret": webhookSecret, "webhooks' path": webhookPath,
	}
}

// canaryPayment has a canary in every field that describes a person.
func (w *fixture) canaryPayment(reference string) tasks.Task {
	w.t.Helper()
	p := tasks.Payout{
		Provider: virtualpos.Name, MerchantID: w.prefix + reference, Amount: "4321", Currency: "CLP", Description: "Regalo secreto",
		Recipient: providers.Recipient{Document: rut(17_654_321), Name: "Canariona Soto", Email: "canary.mail@example.cl"},
		Bank:      providers.Bank{Code: "012", AccountNumber: "90817263544"},
	}
	task, err := p.Task()
	if err != nil {
		w.t.Fatal(err)
	}
	w.payments[p.MerchantID] = payment{amount: p.Amount, beneficiary: p.Recipient.Document + " 012 " + p.Bank.AccountNumber, task: task}
	return task
}

func TestNothingPrivateIsWrittenAnywhere(t *testing.T) {
	t.Parallel()
	traces, b := newCollector(t), newBillingSystem(t)
	w := newFixture(t, nil, append(pageLogin(), "OTEL_EXPORTER_OTLP_ENDPOINT", traces.url, "REMESA_WEBHOOKS_FILE", b.file())...)
	for _, c := range providerFaults() {
		task := w.canaryPayment(c.name)
		for _, f := range c.faults {
			f.Reference = task.Reference()
			w.simulator.setFaults(f)
		}
		w.submit(task)
	}
	w.unreadableTasks()
	w.searchIntake()
	w.settings["REMESA_VIRTUALPOS_SECRET_KEY"] = "canary-secret-7734"
	stranger := w.startWorker(worker, "REMESA_VIRTUALPOS_API_KEY", "canary-key-5521")
	stranger.Await(testTimeout, `to":"open"`, "\n")
	drain(stranger)
	w.searchCheck(1, "REMESA_VIRTUALPOS_API_KEY", "canary-key-5521")
	w.settings["REMESA_VIRTUALPOS_SECRET_KEY"] = secretKey
	w.acceptIdentity()
	w.searchCheck(0)
	w.work(1)
	w.search("asynq's keys in mid-load", w.asynqKeys())
	w.searchWaiting(w.workers[0], w.search)
	w.awaitSettled(w.certainty() + 10*time.Second)
	w.search("/metrics", w.get(w.workers[0], "/metrics"))
	p := w.workers[0]
	seen := w.searchPages(p, w.search)
	seen.assert(t, w.provider, idempotency.Held, idempotency.Failed, idempotency.Succeeded)
	b.awaitSome()
	w.search("enqueue webhook list", w.enqueueOutput("webhook", "list", "--json"))
	w.search("enqueue webhook test", w.enqueueOutput("webhook", "test"))
	w.drain()
	b.setDown(true)
	w.search("enqueue webhook test, refused", w.enqueueOutput("webhook", "test"))
	w.search("the webhooks", b.got())
	w.search("what the worker wrote", p.Output())
	w.search("what the refused worker wrote", stranger.Output())
	w.search("asynq's keys", w.asynqKeys())
	w.search("the ledger but for its payloads", w.ledgerKeys())
	for _, reference := range []string{"none", "decline", "redirect"} {
		w.search("enqueue show", w.enqueueOutput("show", "virtualpos/"+w.prefix+reference))
	}
	w.search("enqueue list", w.enqueueOutput("list", "--json"))
	w.search("enqueue watch", w.enqueueOutput("watch", "--from", "0", "--no-follow"))
	w.search("what the collector of traces got", traces.text())
	traces.assertHas(t, "register", "file", "attempt", "begin", "exchange", "finish", "ask", "remesa.class", "in_doubt", "virtualpos/"+w.prefix)
	w.audit(allowances{mayHold: func(auditedPayment) error { return nil }})
}

// collector keeps what it gets of traces, in the bytes of the protocol, in which texts stand as
// they are.
type collector struct {
	url string
	mu  sync.Mutex
	got bytes.Buffer
}

func newCollector(t testing.TB) *collector {
	t.Helper()
	c := &collector{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = c.got.ReadFrom(r.Body)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got.String()
}

func (c *collector) assertHas(t testing.TB, parts ...string) {
	t.Helper()
	text := c.text()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("the collector got no %s", part)
		}
	}
}

// unreadableTasks are tasks that no worker can read, with canaries in them.
func (w *fixture) unreadableTasks() {
	w.t.Helper()
	for _, text := range []string{
		`{"type":"payout","provider":"virtualpos","merchant_id":"x","amount":"90817263544x","currency":"CLP","recipient":{"name":"Canariona"}}`,
		`Canariona canary.mail 90817263544`,
	} {
		w.enqueueRaw("payout", []byte(text))
		w.enqueueRaw(tasks.TypeWakeUp, []byte(text))
	}
}

func (w *fixture) search(where, text string) {
	w.t.Helper()
	if len(text) == 0 {
		w.t.Errorf("%s: nothing to search", where)
	}
	for what, canary := range canaries() {
		if i := strings.Index(text, canary); i >= 0 {
			w.t.Errorf("%s holds the %s: …%s…", where, what, text[max(0, i-200):min(len(text), i+60)])
		}
	}
}

func (w *fixture) searchCheck(code int, more ...string) {
	w.t.Helper()
	for _, args := range [][]string{{"check"}, {"check", "--json"}} {
		p := start(w.t, "check", worker, w.with(more...), args...)
		if got := p.Exit(testTimeout); got != code {
			w.t.Errorf("worker check: exit code %d, want %d\n%s", got, code, p.Output())
		}
		w.search("worker check", p.Output())
	}
}

// acceptIdentity lets the right credentials follow the refused ones under the same name.
func (w *fixture) acceptIdentity() {
	w.t.Helper()
	p := start(w.t, "check", worker, w.settings, "check", "--accept-identity", "virtualpos/default", "--by", "ana", "--note", "a typo")
	if code := p.Exit(testTimeout); code != 0 {
		w.t.Fatalf("worker check --accept-identity: exit code %d\n%s", code, p.Output())
	}
	w.search("worker check --accept-identity", p.Output())
}

func (w *fixture) enqueueOutput(args ...string) string {
	w.t.Helper()
	p := w.enqueue(args...)
	p.Exit(testTimeout)
	return p.Output()
}

// get reads a page of a worker.
func (w *fixture) get(p *processtest.Process, path string) string {
	w.t.Helper()
	code, text := page(w.t, p, path)
	if code != http.StatusOK {
		w.t.Errorf("GET %s: %d %s", path, code, text)
	}
	return text
}

func page(t testing.TB, p *processtest.Process, path string) (int, string) {
	t.Helper()
	addr := p.Await(testTimeout, `{"level":"info","http":"`, `"`)
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(pageUser, pagePassword)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(text)
}

// asynqKeys is every key and value of asynq's, without the unreadable tasks.
func (w *fixture) asynqKeys() string { return w.dump("asynq:*", w.isUnreadable) }

// ledgerKeys is every key and value of the ledger's but the payloads.
func (w *fixture) ledgerKeys() string {
	return w.dump("remesa:*", func(key, _ string) bool { return strings.HasPrefix(key, "remesa:{") && strings.Contains(key, "}:d:") })
}

func (w *fixture) isUnreadable(_, value string) bool {
	return strings.Contains(value, "Canariona canary") || strings.Contains(value, `"x","amount"`)
}

func (w *fixture) dump(pattern string, skip func(key, value string) bool) string {
	w.t.Helper()
	ctx, text := context.Background(), ""
	for keys := w.rdb.Scan(ctx, 0, pattern, 1000).Iterator(); keys.Next(ctx); {
		k := keys.Val()
		value, err := w.value(ctx, k)
		if err != nil {
			w.t.Error(err)
		}
		if !skip(k, value) {
			text += k + " " + value + "\n"
		}
	}
	return text
}

func (w *fixture) value(ctx context.Context, k string) (string, error) {
	kind, err := w.rdb.Type(ctx, k).Result()
	if err != nil {
		return "", err
	}
	switch kind {
	case "string":
		v, err := w.rdb.Get(ctx, k).Result()
		if errors.Is(err, redis.Nil) {
			return "", nil // gone meanwhile
		}
		return v, err
	case "hash":
		v, err := w.rdb.HGetAll(ctx, k).Result()
		return fmt.Sprint(v), err
	case "list":
		v, err := w.rdb.LRange(ctx, k, 0, -1).Result()
		return fmt.Sprint(v), err
	case "zset":
		v, err := w.rdb.ZRange(ctx, k, 0, -1).Result()
		return fmt.Sprint(v), err
	case "set":
		v, err := w.rdb.SMembers(ctx, k).Result()
		return fmt.Sprint(v), err
	case "stream":
		v, err := w.rdb.XRange(ctx, k, "-", "+").Result()
		return fmt.Sprint(v), err
	default:
		return "", nil // gone meanwhile
	}
}
