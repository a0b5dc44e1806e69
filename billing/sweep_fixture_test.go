package billing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// line is a subscription of 09:00 in Bogotá, with fields replaced.
func line(t *testing.T, id string, change map[string]any) tasks.Subscription {
	t.Helper()
	fields := map[string]any{
		"id": id, "provider": provider, "amount": "32900", "currency": "COP", "description": "Suscripción Canal", "start": "2026-01-31",
		"schedule": map[string]any{"every": "month", "at": "09:00", "timezone": "America/Bogota"},
		"dunning":  []string{"1m"}, "catch_up": "366d",
		"customer": map[string]any{
			"name": "Ana Ruiz", "email": "ana@example.com", "document_type": 1, "document": "100000000", "phone": "3100000000",
			"address": "Calle 10 # 10-99", "city": "Bogotá", "first_names": "Ana", "last_names": "Ruiz",
		},
		"card": map[string]any{"token": "eyJpdiI6", "brand": "MasterCard", "expiry_month": 6, "expiry_year": 31, "installments": 1},
	}
	maps.Copy(fields, change)
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	s, err := tasks.DecodeSubscription(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sweepFixture is a real Redis with its ledger, its subscriptions and its queue. The test is the
// worker, and sets the clock.
type sweepFixture struct {
	t      *testing.T
	rdb    *redis.Client
	store  *billing.Store
	ledger *idempotency.Ledger
	client *tasks.Client
	now    time.Time
	// sent counts the requests to the provider by reference.
	sent map[string]int
	// answer is what the provider says; a success where nil.
	answer func(r idempotency.Record) providers.Outcome
}

func newSweepFixture(t *testing.T, options ...redistest.Option) *sweepFixture {
	t.Helper()
	t.Parallel()
	rdb := redistest.Start(t, options...).Client()
	o := &sweepFixture{
		t: t, rdb: rdb, store: billing.NewStore(rdb, billing.StoreOptions{TestClock: true, OutcomesRetention: 3650 * 24 * time.Hour}),
		ledger: idempotency.NewRedis(rdb, idempotency.Options{
			TestClock: true, Default: idempotency.Policy{Retention: 400 * 24 * time.Hour, OutcomesRetention: 3650 * 24 * time.Hour},
		}),
		sent: map[string]int{},
	}
	o.client = tasks.NewClient(o.ledger, rdb, tasks.ClientOptions{})
	o.at("2026-01-01 00:00:00")
	return o
}

func (o *sweepFixture) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *sweepFixture) at(text string) {
	o.t.Helper()
	now, err := time.Parse(time.DateTime, text)
	o.must(err)
	o.now = now
	o.wait(0)
}

func (o *sweepFixture) wait(d time.Duration) {
	o.t.Helper()
	o.now = o.now.Add(d)
	o.must(o.rdb.Set(o.t.Context(), "remesa:{"+provider+"}:clock", o.now.UnixMilli(), 0).Err())
}

func (o *sweepFixture) add(ss ...tasks.Subscription) {
	o.t.Helper()
	var as []billing.Addition
	for _, s := range ss {
		as = append(as, billing.NewAddition(s, nil, o.now))
	}
	got, err := o.store.Add(o.t.Context(), as...)
	o.must(err)
	for i, a := range got {
		if !a.New {
			o.t.Fatalf("%s was not added", ss[i].ID())
		}
	}
}

func (o *sweepFixture) sweeper(vary ...func(*billing.SweeperConfig)) *billing.Sweeper {
	options := billing.SweeperConfig{Store: o.store, Ledger: o.ledger, Intake: o.client, Providers: []string{provider}, Log: zerolog.Nop()}
	for _, v := range vary {
		v(&options)
	}
	return billing.NewSweeper(options)
}

// sweep sweeps once.
func (o *sweepFixture) sweep(s *billing.Sweeper) {
	o.t.Helper()
	_, err := s.Sweep(o.t.Context(), provider)
	o.must(err)
}

// dying sweeps, and reports whether the process outlived it: a hook may end it by runtime.Goexit.
func (o *sweepFixture) dying(s *billing.Sweeper) bool {
	o.t.Helper()
	alive := false
	var err error
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, err = s.Sweep(o.t.Context(), provider)
		alive = true
	}()
	<-gone
	o.must(err)
	return alive
}

// diesAt ends the process when it comes to a step for the nth time.
func diesAt(step billing.SweepPoint, nth int) func(*billing.SweeperConfig) {
	return func(o *billing.SweeperConfig) {
		o.OnFaultPoint = func(s billing.SweepPoint, _ string) {
			if s != step {
				return
			}
			if nth--; nth == 0 {
				runtime.Goexit()
			}
		}
	}
}

// once does something when a step is first reached.
func once(step billing.SweepPoint, do func()) func(*billing.SweeperConfig) {
	return func(o *billing.SweeperConfig) {
		o.OnFaultPoint = func(s billing.SweepPoint, _ string) {
			if s == step && do != nil {
				now := do
				do = nil
				now()
			}
		}
	}
}

func key(reference string) idempotency.Key {
	return idempotency.Key{Provider: provider, Account: idempotency.DefaultAccount, Reference: reference}
}

// work sends every charge that may be sent, once, and settles it. It returns how many there were.
func (o *sweepFixture) work() int {
	o.t.Helper()
	var open []idempotency.Record
	o.must(o.ledger.List(o.t.Context(), idempotency.Filter{Provider: provider, State: idempotency.Queued}, func(r idempotency.Record) bool {
		open = append(open, r)
		return true
	}))
	for _, r := range open {
		outcome := providers.Outcome{Class: providers.Succeeded, ProviderID: "id-" + r.Key.Reference}
		if o.answer != nil {
			outcome = o.answer(r)
		}
		o.send(r.Key.Reference, outcome)
	}
	return len(open)
}

func (o *sweepFixture) send(reference string, outcome providers.Outcome) {
	o.t.Helper()
	k, attempt := key(reference), idempotency.NewAttempt()
	b, err := o.ledger.Begin(o.t.Context(), k, idempotency.BeginParams{Attempt: attempt, Lease: time.Minute, Queryable: true})
	o.must(err)
	if b.Decision != idempotency.Send {
		o.t.Fatalf("%s: verdict %s in %s", reference, b.Decision, b.State)
	}
	o.sent[reference]++
	_, err = o.ledger.Finish(o.t.Context(), k, idempotency.AttemptResult{Attempt: attempt, Outcome: outcome, QueryAfter: time.Second})
	o.must(err)
}

// byHand takes a step by hand.
func (o *sweepFixture) byHand(id string, step func(billing.Record) (billing.Decision, error), content ...byte) {
	o.t.Helper()
	p, err := step(o.load(id).Record)
	o.must(err)
	answers, err := o.store.Commit(o.t.Context(), billing.Update{Decision: p, Content: content})
	o.must(err)
	o.must(answers[0])
}

func (o *sweepFixture) cancel(r billing.Record) (billing.Decision, error) {
	return r.Cancel(o.now, ana)
}
func (o *sweepFixture) resume(r billing.Record) (billing.Decision, error) {
	return r.Resume(o.now, ana)
}
func (o *sweepFixture) change(amount string) func(billing.Record) (billing.Decision, error) {
	return func(r billing.Record) (billing.Decision, error) { return r.Change(o.now, amount, ana) }
}

func (o *sweepFixture) load(id string) billing.Stored {
	o.t.Helper()
	got, err := o.store.Load(o.t.Context(), provider, id)
	o.must(err)
	if len(got) != 1 {
		o.t.Fatalf("%d subscriptions %s", len(got), id)
	}
	return got[0]
}

func (o *sweepFixture) state(id, want string) {
	o.t.Helper()
	r := o.load(id).Record
	got := strings.TrimSpace(string(r.State) + " " + r.Reason)
	if r.Open != nil {
		got += fmt.Sprintf(", open %d.%d", r.Open.Period, r.Open.Attempt)
	}
	if got != want {
		o.t.Fatalf("%s is %s, want %s", id, got, want)
	}
}

// periods are the closed ones, such as "1.0 succeeded".
func (o *sweepFixture) periods(id string) (out []string) {
	o.t.Helper()
	ps, err := o.store.Periods(o.t.Context(), provider, id)
	o.must(err)
	for _, p := range ps {
		out = append(out, fmt.Sprintf("%d.%d %s", p.Number, p.Attempt, p.State))
	}
	return out
}

func (o *sweepFixture) wantPeriods(id string, want ...string) {
	o.t.Helper()
	if got := o.periods(id); !slices.Equal(got, want) {
		o.t.Fatalf("the periods of %s: %v, want %v", id, got, want)
	}
}

// events are the codes of a subscription's events, in order.
func (o *sweepFixture) events(id string) (codes []string) {
	o.t.Helper()
	entries, err := o.rdb.XRange(o.t.Context(), "remesa:{"+provider+"}:outcomes", "-", "+").Result()
	o.must(err)
	for _, e := range entries {
		if e.Values["key"] == "subscription:"+id {
			codes = append(codes, fmt.Sprint(e.Values["code"]))
		}
	}
	return codes
}

func (o *sweepFixture) wantEvents(id string, want ...string) {
	o.t.Helper()
	if got := o.events(id); !slices.Equal(got, want) {
		o.t.Fatalf("the events of %s: %v, want %v", id, got, want)
	}
}

// charge is what the ledger has of a period's charge; nil where it has none.
func (o *sweepFixture) charge(id string, period, attempt int) *idempotency.Record {
	o.t.Helper()
	r, err := o.ledger.Show(o.t.Context(), key(tasks.TxnID(id, period, attempt)))
	if errors.Is(err, idempotency.ErrUnknown) {
		return nil
	}
	o.must(err)
	return &r
}

// sentOnce wants exactly these charges, each "id period.attempt", to have been sent, and each once.
func (o *sweepFixture) sentOnce(want ...string) {
	o.t.Helper()
	names := map[string]string{}
	for _, w := range want {
		var id string
		var period, attempt int
		if _, err := fmt.Sscanf(strings.ReplaceAll(w, ".", " "), "%s %d %d", &id, &period, &attempt); err != nil {
			o.t.Fatal(err)
		}
		names[tasks.TxnID(id, period, attempt)] = w
	}
	for reference, n := range o.sent {
		if n != 1 || names[reference] == "" {
			o.t.Errorf("%s (%s) was sent %d times", reference, names[reference], n)
		}
		delete(names, reference)
	}
	for _, w := range names {
		o.t.Errorf("%s was not sent", w)
	}
}
