package faulttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox"
	simulators "github.com/remesa/remesa/providers/sandbox/all"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

const (
	fingerprintKey = "fingerprints-of-tests" // #nosec G101 -- it keys nothing but tests
	noteCanary     = "nota-canary-31"
)

// newSealedFixture is a fixture whose producers and workers have payload keys.
func newSealedFixture(t *testing.T, c *simulatorServer) (*fixture, *seal.Ring) {
	t.Helper()
	key, err := seal.NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.Parse(key)
	if err != nil {
		t.Fatal(err)
	}
	at := defaultTiming()
	at.settle = 15 * time.Second // on a busy machine a search through Redis takes seconds, and must meet payments in doubt
	server := redistest.Start(t, redistest.Appendonly("always"))
	w := newFixtureIn(t, at, server, c.process(t), c.settings(append(pageLogin(), "REMESA_TOKEN_KEY", tokenKey, "REMESA_PAYLOAD_KEYS", key, "REMESA_FINGERPRINT_KEY", fingerprintKey)...)...)
	w.ledger = idempotency.NewRedis(w.rdb, idempotency.Options{FirstWake: 3 * time.Second, Seal: ring})
	w.client = tasks.NewClient(w.ledger, w.rdb, tasks.ClientOptions{FingerprintKey: []byte(fingerprintKey)})
	return w, ring
}

// withCanary is the task with a canary in its metadata.
func withCanary(t *testing.T, task tasks.Task) tasks.Task {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(task.Payload(), &fields); err != nil {
		t.Fatal(err)
	}
	fields["metadata"] = json.RawMessage(`{"note":"` + noteCanary + `"}`)
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tasks.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sealedFaults bring a provider's payments through every state that they can have.
func sealedFaults(provider string) []sandbox.Fault {
	switch provider {
	case virtualpos.Name:
		return []sandbox.Fault{
			{Kind: "latency", Operation: sandbox.SendOperation, Delay: sandbox.Duration(10 * time.Millisecond)},
			{Kind: "decline"}, {Kind: "hang_up_before", Operation: sandbox.SendOperation}, {Kind: "slow_after", Operation: sandbox.SendOperation, Delay: sandbox.Duration(2 * time.Second)},
			{Kind: "pending", Delay: sandbox.Duration(time.Second)}, {Kind: "redirect", Operation: sandbox.SendOperation},
		}
	case etpay.Name: // the first of them nobody pays
		return append([]sandbox.Fault{{Kind: "latency", Operation: sandbox.StatusOperation, Delay: sandbox.Duration(time.Millisecond)}}, chargeFaults(provider)...)
	case pagandocheck.Name: // an order whose charge never arrived stays open there for days
		return chargeFaults(provider)
	default:
		return append(chargeFaults(provider), sandbox.Fault{Kind: "hang_up_before", Operation: sandbox.SendOperation})
	}
}

// TestWithPayloadKeysRedisHoldsNothingOfAPerson searches all of Redis again and again while the
// payments of all providers go through their states, then the files that it keeps, and what the
// processes wrote.
func TestWithPayloadKeysRedisHoldsNothingOfAPerson(t *testing.T) {
	t.Parallel()
	c := startSimulators(t, simulators.Options{})
	w, ring := newSealedFixture(t, c)
	var parts []*providerFixture
	for _, provider := range catalog.Names() {
		b := w.addProvider(c, provider)
		parts = append(parts, b)
		for i, fault := range sealedFaults(provider) {
			reference := fmt.Sprintf("%sk%02d", b.prefix, i)
			task := canaryTask(t, provider, reference, i)
			if provider == virtualpos.Name {
				task = b.canaryPayment(fmt.Sprintf("k%02d", i))
			}
			task = withCanary(t, task)
			b.payments[task.Reference()] = payment{task: task}
			fault.Reference = task.Reference()
			b.addFault(fault)
			b.submit(task)
		}
	}
	w.enqueueSealed(ring, withCanary(t, w.canaryPayment("plain")))
	w.subscribe()
	w.work(2)
	found := w.watchStates(parts, ring)
	for _, state := range []idempotency.State{idempotency.InDoubt, idempotency.Held, idempotency.Pending, idempotency.Failed, idempotency.Succeeded} {
		if !found.states[state] {
			t.Errorf("no payment was ever %s: nothing was searched in that state", state)
		}
	}
	if len(found.secrets)+len(found.messages) < 4 {
		t.Errorf("only %d addresses, session tokens and messages came up", len(found.secrets))
	}
	w.searchPagesOf(parts, found)
	metrics := w.get(w.workers[0], "/metrics")
	logs := w.workers[0].Output() + w.workers[1].Output()
	w.drain()
	for where, text := range map[string]string{
		"/metrics": metrics, "what the workers wrote": logs, "Redis at the end": w.everything(), "the files of Redis": w.redisFiles(),
	} {
		w.search(where, text)
		found.search(t, where, text)
	}
	if n := strings.Count(w.everything(), "s1.test."); n < 50 {
		t.Errorf("only %d sealed texts stand in Redis", n)
	}
}

func (w *fixture) everything() string { return w.dump("*", func(string, string) bool { return false }) }

// redisFiles are the bytes that Redis keeps on disk, uncompressed.
func (w *fixture) redisFiles() string {
	w.t.Helper()
	ctx := context.Background()
	if err := w.rdb.ConfigSet(ctx, "rdbcompression", "no").Err(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.rdb.Save(ctx).Err(); err != nil {
		w.t.Fatal(err)
	}
	dir := w.rdb.ConfigGet(ctx, "dir").Val()["dir"]
	var text strings.Builder
	kinds := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		text.Write(content)
		kinds[filepath.Ext(path)] = true
		return err
	})
	if err != nil || !kinds[".aof"] || !kinds[".rdb"] {
		w.t.Errorf("the files of Redis: %v, %v", kinds, err)
	}
	return text.String()
}

// searchFresh searches what the pages show as soon as a payment is in a state that none of its
// provider was in before.
func (w *fixture) searchFresh(found *keyHolder) {
	w.t.Helper()
	if len(found.fresh) == 0 {
		return
	}
	w.searchLists(w.workers[0], found.page(w))
	for _, k := range found.fresh {
		seenOnPages{}.searchPayment(w, w.workers[0], found.page(w), k)
	}
	found.fresh = nil
}

// searchPagesOf searches what the pages of a worker with keys show of all payments, when none is
// open any more.
func (w *fixture) searchPagesOf(parts []*providerFixture, found keyHolder) {
	w.t.Helper()
	for _, b := range parts {
		seen := b.searchPages(w.workers[0], found.page(w))
		seen.assert(w.t, b.provider, idempotency.Failed, idempotency.Succeeded)
		switch b.provider {
		case virtualpos.Name:
			seen.assert(w.t, b.provider, idempotency.Held)
		case etpay.Name: // the session that nobody pays
			seen.assert(w.t, b.provider, idempotency.Pending)
		}
	}
}

// keyHolder is what a holder of the keys read from the ledger meanwhile, and in which states.
type keyHolder struct {
	states   map[idempotency.State]bool
	secrets  map[string]string
	messages map[string]string // of providers, which pages show
	met      seenOnPages       // what the ledger had, by provider
	fresh    []idempotency.Key // those that were met in a state that none before was
}

// watchStates searches Redis until nothing changes any more but the session that nobody pays.
func (w *fixture) watchStates(parts []*providerFixture, ring *seal.Ring) keyHolder {
	w.t.Helper()
	found := keyHolder{states: map[idempotency.State]bool{}, secrets: map[string]string{}, messages: map[string]string{}, met: seenOnPages{}}
	eventually.NoError(w.t, 3*time.Minute, func() error {
		open := int64(0)
		for _, b := range parts {
			n, err := b.open()
			if err != nil {
				return err
			}
			open += n
			found.read(w.t, b)
		}
		text := w.everything()
		w.search("Redis in mid-load", text)
		found.search(w.t, "Redis in mid-load", text)
		w.searchFresh(&found)
		if w.t.Failed() {
			w.t.FailNow()
		}
		if open > 1 {
			return fmt.Errorf("%d payments are open", open)
		}
		return w.ledgerHas(w.prefix + "plain")
	})
	return found
}

func (w *fixture) ledgerHas(reference string) error {
	r, err := w.ledger.Show(context.Background(), key(reference))
	if err == nil && r.State != idempotency.Succeeded {
		err = fmt.Errorf("%s is %s", reference, r.State)
	}
	return err
}

// read notes the states of a provider's payments, and what no dump may show.
func (s *keyHolder) read(t testing.TB, b *providerFixture) {
	t.Helper()
	ctx := context.Background()
	for reference := range b.payments {
		r, err := b.ledger.Show(ctx, b.key(reference))
		if err != nil || r.DecryptErr != nil {
			t.Errorf("%s: %v", reference, errors.Join(err, r.DecryptErr))
			continue
		}
		s.states[r.State] = true
		if s.met.note(b.provider, r.State) {
			s.fresh = append(s.fresh, b.key(reference))
		}
		note(s.secrets, "address of "+reference, r.ActionURL)
		if r.State == idempotency.Failed {
			note(s.messages, "message of "+reference, r.Message)
		}
		if b.provider != etpay.Name {
			continue // the provider references of the others are their ids for a payment
		}
		q, err := b.ledger.StartQuery(ctx, b.key(reference))
		if err != nil || q.DecryptErr != nil {
			t.Errorf("%s: %v", reference, errors.Join(err, q.DecryptErr))
		}
		for name, value := range q.ProviderRefs {
			note(s.secrets, name+" of "+reference, value)
		}
	}
}

func note(in map[string]string, what, text string) {
	const shortest = 8 // a shorter one may be anywhere by chance
	if len(text) >= shortest {
		in[what] = text
	}
}

func (s *keyHolder) search(t testing.TB, where, text string) {
	t.Helper()
	s.searchShown(t, where, text)
	for what, secret := range s.messages {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds the %s", where, what)
		}
	}
}

// page is what may not be on a page.
func (s *keyHolder) page(w *fixture) leakCheck {
	return func(where, text string) {
		w.t.Helper()
		w.search(where, text)
		s.searchShown(w.t, where, text)
	}
}

// searchShown allows messages: whoever may see a payment reads why it failed.
func (s *keyHolder) searchShown(t testing.TB, where, text string) {
	t.Helper()
	if strings.Contains(text, noteCanary) {
		t.Errorf("%s holds metadata", where)
	}
	for what, secret := range s.secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds the %s", where, what)
		}
	}
}

// enqueueSealed is a producer with a plain asynq client.
func (w *fixture) enqueueSealed(ring *seal.Ring, task tasks.Task) {
	w.t.Helper()
	sealed, err := tasks.SealTask(ring, task)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := asynq.NewClientFromRedisClient(w.rdb).Enqueue(sealed); err != nil {
		w.t.Fatal(err)
	}
}

// subscribe adds a subscription that is full of canaries and charged at once.
func (w *fixture) subscribe() {
	w.t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(canaryTask(w.t, pagoseguro.Name, "unused", 0).Payload(), &fields); err != nil {
		w.t.Fatal(err)
	}
	for _, name := range []string{"type", "txnid"} {
		delete(fields, name)
	}
	for name, text := range map[string]string{
		"id": `"sub-0001"`, "start": `"` + time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly) + `"`, "backfill": "true",
		"schedule": `{"every":"month","at":"09:00","timezone":"America/Bogota"}`, "metadata": `{"note":"` + noteCanary + `"}`,
	} {
		fields[name] = json.RawMessage(text)
	}
	line, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.t.TempDir(), "subscription.jsonl")
	if err := os.WriteFile(path, line, 0o600); err != nil {
		w.t.Fatal(err)
	}
	p := w.enqueue("subscription", "add", path)
	if code := p.Exit(testTimeout); code != 0 || !strings.Contains(p.Output(), `"added"`) {
		w.t.Errorf("subscription add: exit code %d\n%s", code, p.Output())
	}
	w.search("enqueue subscription add", p.Output())
}

// TestAWorkerWithKeysTakesNothingOpen: what a producer without keys enqueues or registers is never
// sent.
func TestAWorkerWithKeysTakesNothingOpen(t *testing.T) {
	t.Parallel()
	c := startSimulators(t, simulators.Options{})
	w, _ := newSealedFixture(t, c)
	open := idempotency.NewRedis(w.rdb, idempotency.Options{FirstWake: time.Second})
	registered, enqueued := w.newPayment("registered"), w.newPayment("enqueued")
	careless := tasks.NewClient(open, w.rdb, tasks.ClientOptions{FingerprintKey: []byte(fingerprintKey)})
	if _, err := careless.Submit(t.Context(), registered); err != nil {
		t.Fatal(err)
	}
	w.enqueueRaw("payout", enqueued.Payload())
	good := w.newPayment("good")
	w.submit(good)
	w.work(1)
	w.workers[0].Await(testTimeout, `"reason":"unsealed"`, "\n")
	w.workers[0].Await(testTimeout, "TASK REJECTED", "\n")
	eventually.NoError(t, testTimeout, func() error { return w.ledgerHas(good.Reference()) })
	if r := w.show(registered.Reference()); r.State != idempotency.Queued || r.Attempts != 0 {
		t.Errorf("what was registered open: %s", describe(r))
	}
	if _, err := w.ledger.Show(t.Context(), w.key(enqueued.Reference())); !errors.Is(err, idempotency.ErrUnknown) {
		t.Errorf("what was enqueued open was registered: %v", err)
	}
	for _, x := range c.of(virtualpos.Name).Executions() {
		if x.Reference != good.Reference() {
			t.Errorf("%s was executed", x.Reference)
		}
	}
}
