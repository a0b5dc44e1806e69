package billing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/schedule"
	"github.com/remesa/remesa/seal"
)

const provider = "pagoseguro"

var ana = billing.Actor{By: "ana", Note: "asked for by mail"}

// storeFixture is a store on a real server, whose clock the test sets.
type storeFixture struct {
	*billing.Store
	t   *testing.T
	rdb redis.UniversalClient
	now time.Time
}

func newStoreFixture(t *testing.T, rdb redis.UniversalClient, o billing.StoreOptions) *storeFixture {
	t.Helper()
	o.TestClock = true
	s := &storeFixture{Store: billing.NewStore(rdb, o), t: t, rdb: rdb}
	s.at("2026-01-01 12:00:00")
	return s
}

// onEach runs a test against one server, against a cluster, where a script must name all its keys
// in one slot, and against the demo's embedded store.
func onEach(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient)) {
	t.Helper()
	t.Parallel()
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		test(t, redistest.Start(t).Client())
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.Start(t, redistest.Cluster()).Addr()}})
		t.Cleanup(func() { _ = rdb.Close() })
		test(t, rdb)
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		test(t, rdb)
	})
}

// onServer runs a test against one server only.
func onServer(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient)) {
	t.Helper()
	t.Parallel()
	test(t, redistest.Start(t).Client())
}

func (s *storeFixture) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *storeFixture) at(text string) {
	s.t.Helper()
	now, err := time.Parse(time.DateTime, text)
	s.must(err)
	s.now = now
	for _, p := range []string{provider, "etpay"} {
		s.must(s.rdb.Set(s.t.Context(), "remesa:{"+p+"}:clock", now.UnixMilli(), 0).Err())
	}
}

// terms are those of 09:00 UTC on the last day of each month.
func terms() billing.Terms {
	return billing.Terms{
		Calendar: schedule.Calendar{
			Every: schedule.Month, Start: schedule.Date{Year: 2026, Month: 1, Day: 31}, At: schedule.TimeOfDay{Hour: 9}, Zone: time.UTC,
		},
		CatchUp: 35 * 24 * time.Hour, Dunning: []time.Duration{24 * time.Hour},
	}
}

func (s *storeFixture) addition(provider, id, content string) billing.Addition {
	return billing.Addition{
		Record: billing.NewRecord(billing.Enrollment{
			ID: id, Provider: provider, Account: "default", Amount: "32900", Currency: "COP", Fingerprint: "v1:" + strings.ReplaceAll(content, " ", "-"), Terms: terms(), Added: s.now,
		}),
		Content: []byte(content),
	}
}

func (s *storeFixture) add(ids ...string) {
	s.t.Helper()
	var as []billing.Addition
	for _, id := range ids {
		as = append(as, s.addition(provider, id, "content of "+id))
	}
	_, err := s.Add(s.t.Context(), as...)
	s.must(err)
}

func (s *storeFixture) load(id string) billing.Stored {
	s.t.Helper()
	got, err := s.Load(s.t.Context(), provider, id)
	s.must(err)
	if len(got) != 1 {
		s.t.Fatalf("%d subscriptions %s", len(got), id)
	}
	return got[0]
}

// write commits one change and wants it to be written.
func (s *storeFixture) write(c billing.Update) {
	s.t.Helper()
	answers, err := s.Commit(s.t.Context(), c)
	s.must(err)
	s.must(answers[0])
}

// step decides about a subscription with what is known of its charges, and writes what follows.
func (s *storeFixture) step(id, charge string, charges ...billing.Charge) billing.Decision {
	s.t.Helper()
	p := s.load(id).Record.Decide(billing.Facts{Now: s.now, Terms: terms(), OpenTerms: terms(), Charges: charges})
	s.write(billing.Update{Decision: p, Charge: charge})
	return p
}

func (s *storeFixture) text(key string) string {
	s.t.Helper()
	text, err := s.rdb.Get(s.t.Context(), key).Result()
	if !errors.Is(err, redis.Nil) {
		s.must(err)
	}
	return text
}

func (s *storeFixture) events() []map[string]any {
	s.t.Helper()
	entries, err := s.rdb.XRange(s.t.Context(), "remesa:{"+provider+"}:outcomes", "-", "+").Result()
	s.must(err)
	var out []map[string]any
	for _, e := range entries {
		out = append(out, e.Values)
	}
	return out
}

func (s *storeFixture) codes() (codes []string) {
	s.t.Helper()
	for _, e := range s.events() {
		codes = append(codes, fmt.Sprint(e["code"]))
	}
	return codes
}

func (s *storeFixture) due(limit int) []string {
	s.t.Helper()
	_, ids, err := s.Due(s.t.Context(), provider, limit)
	s.must(err)
	return ids
}

func same[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

func succeeded() billing.Charge {
	return billing.Charge{Known: true, Final: true, State: "succeeded"}
}

func TestAnIDIsTakenOnce(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		got, err := s.Add(t.Context(), s.addition(provider, "sub-1", "a"), s.addition(provider, "sub-2", "b"), s.addition(provider, "sub-1", "c"))
		s.must(err)
		if !got[0].New || !got[1].New || got[2].New || got[2].Record.Fingerprint != "v1:a" {
			t.Fatalf("two ids, one of them twice: %+v", got)
		}
		again, err := s.Add(t.Context(), s.addition(provider, "sub-2", "other"), s.addition("etpay", "sub-1", "a"), s.addition("etpay", "sub-3", "a"))
		s.must(err)
		if again[0].New || again[0].Provider != provider || again[0].Record.Fingerprint != "v1:b" || again[0].Record.ID != "sub-2" {
			t.Errorf("an id that is taken: %+v", again[0])
		}
		if again[1].New || again[1].Provider != provider {
			t.Errorf("an id that another provider has: %+v", again[1])
		}
		if !again[2].New || again[2].Provider != "etpay" {
			t.Errorf("a new id of another provider: %+v", again[2])
		}
		if got := string(s.load("sub-2").Content); got != "b" {
			t.Errorf("the content is now %q", got)
		}
		if n, err := rdb.Exists(t.Context(), "remesa:{etpay}:s:sub-1").Result(); err != nil || n != 0 {
			t.Errorf("two providers have one id: %d %v", n, err)
		}
		if p, err := s.Find(t.Context(), "sub-3"); err != nil || p != "etpay" {
			t.Errorf("found at %q: %v", p, err)
		}
		if _, err := s.Find(t.Context(), "sub-9"); !errors.Is(err, billing.ErrUnknown) {
			t.Errorf("an unknown id: %v", err)
		}
	})
}

// A producer that died between its two steps has an id that only its provider can use: adding it
// again finishes it.
func TestAnAdditionThatWasCutOffIsFinished(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.must(rdb.SetNX(t.Context(), "remesa:subscription:sub-1", provider, 0).Err())
		got, err := s.Add(t.Context(), s.addition(provider, "sub-1", "a"))
		s.must(err)
		if !got[0].New {
			t.Fatalf("%+v", got[0])
		}
		s.load("sub-1")
	})
}

func TestAChangeOfWhatMovedIsRefusedAsAWhole(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.add("sub-1", "sub-2")
		s.at("2026-01-31 09:00:00")
		stale := s.load("sub-1").Record.Decide(billing.Facts{Now: s.now, Terms: terms(), OpenTerms: terms()})
		if !stale.Claimed {
			t.Fatalf("%+v", stale)
		}
		p, err := s.load("sub-1").Record.Cancel(s.now, ana)
		s.must(err)
		s.write(billing.Update{Decision: p})
		before := s.load("sub-1")

		other := s.load("sub-2").Record.Decide(billing.Facts{Now: s.now, Terms: terms(), OpenTerms: terms()})
		answers, err := s.Commit(t.Context(), billing.Update{Decision: stale, Charge: "SX", Content: []byte("new")}, billing.Update{Decision: other, Charge: "SY"})
		s.must(err)
		if !errors.Is(answers[0], billing.ErrVersionChanged) || answers[1] != nil {
			t.Fatalf("the stale one and the other: %v", answers)
		}
		if after := s.load("sub-1"); fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) {
			t.Errorf("%+v became %+v", before, after)
		}
		if got := s.text(billing.ChargeGuardKey(provider, "sub-1")); got != "" {
			t.Errorf("the stale claim guards %q", got)
		}
		same(t, "events", s.codes(), []string{"cancelled"})
		if got := s.load("sub-2").Record; got.Version != 1 || got.Open == nil || s.text(billing.ChargeGuardKey(provider, "sub-2")) != "SY" {
			t.Errorf("the other was not written: %+v", got)
		}
		gone := stale
		gone.Record.ID = "sub-9"
		if answers, err = s.Commit(t.Context(), billing.Update{Decision: gone}); err != nil || !errors.Is(answers[0], billing.ErrVersionChanged) {
			t.Errorf("one that is not there: %v %v", answers, err)
		}
	})
}

// A store that forgot can come to the same version again, with another subscription under it.
func TestAChangeOfWhatWasForgottenIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.add("sub-1")
		s.at("2026-01-31 09:00:00")
		decision := s.load("sub-1").Record.Decide(billing.Facts{Now: s.now, Terms: terms(), OpenTerms: terms()})
		s.must(rdb.Del(t.Context(), "remesa:{"+provider+"}:s:sub-1", "remesa:{"+provider+"}:sc:sub-1").Err())
		_, err := s.Add(t.Context(), s.addition(provider, "sub-1", "another card"))
		s.must(err)
		answers, err := s.Commit(t.Context(), billing.Update{Decision: decision, Charge: "S1"})
		if err != nil || !errors.Is(answers[0], billing.ErrVersionChanged) {
			t.Errorf("%v %v", answers, err)
		}
		if l := s.load("sub-1"); l.Record.Open != nil || string(l.Content) != "another card" || s.text(billing.ChargeGuardKey(provider, "sub-1")) != "" {
			t.Errorf("written all the same: %+v", l)
		}
	})
}

// What was never read cannot be changed, though its change would fit where nothing is.
func TestAChangeOfWhatNobodyReadIsRefused(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		decision, err := s.addition(provider, "sub-1", "a").Record.Pause(s.now, ana)
		s.must(err)
		answers, err := s.Commit(t.Context(), billing.Update{Decision: decision})
		if err != nil || !errors.Is(answers[0], billing.ErrVersionChanged) {
			t.Errorf("%v %v", answers, err)
		}
		if got := s.text("remesa:{" + provider + "}:s:sub-1"); got != "" {
			t.Errorf("written: %s", got)
		}
	})
}

func TestAnOpenPeriodKeepsItsContent(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.add("sub-1")
		change := func(content string) {
			t.Helper()
			p, err := s.load("sub-1").Record.Change(s.now, "40000", ana)
			s.must(err)
			s.write(billing.Update{Decision: p, Content: []byte(content)})
		}
		contents := func(present, open string) {
			t.Helper()
			l := s.load("sub-1")
			if string(l.Content) != present || string(l.OpenContent) != open || l.Err != nil {
				t.Fatalf("%q, %q for the open period: %v", l.Content, l.OpenContent, l.Err)
			}
		}
		change("second")
		contents("second", "second")
		s.at("2026-01-31 09:00:00")
		s.step("sub-1", "S1")
		change("third")
		contents("third", "second")
		change("fourth")
		contents("fourth", "second")
		s.step("sub-1", "", billing.Charge{Known: true, State: "sending"})
		contents("fourth", "second")
		s.step("sub-1", "", succeeded())
		contents("fourth", "fourth")
		s.at("2026-02-28 09:00:00")
		s.step("sub-1", "S2")
		contents("fourth", "fourth")
	})
}

// In a catch-up one step settles a period and claims the next, which is charged with the present
// content.
func TestTheNextPeriodHasThePresentContent(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.add("sub-1")
		s.at("2026-02-28 09:00:00")
		s.step("sub-1", "S1")
		p, err := s.load("sub-1").Record.Change(s.now, "40000", ana)
		s.must(err)
		s.write(billing.Update{Decision: p, Content: []byte("new")})
		if p := s.step("sub-1", "S2", succeeded()); !p.Claimed || !p.DropFrozen {
			t.Fatalf("%+v", p)
		}
		if l := s.load("sub-1"); string(l.OpenContent) != "new" || l.Record.Open.Period != 2 || s.text(billing.ChargeGuardKey(provider, "sub-1")) != "S2" {
			t.Errorf("period %+v is charged with %q", l.Record.Open, l.OpenContent)
		}
	})
}

func TestTheGuardNamesTheChargeThatMayBegin(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		charge := func(want string) {
			t.Helper()
			if got := s.text(billing.ChargeGuardKey(provider, "sub-1")); got != want {
				t.Fatalf("guarded is %q, want %q", got, want)
			}
		}
		s.add("sub-1")
		charge("")
		s.at("2026-01-31 09:00:00")
		s.step("sub-1", "S1")
		charge("S1")
		s.step("sub-1", "never", billing.Charge{})
		charge("S1")
		p, err := s.load("sub-1").Record.Pause(s.now, ana)
		s.must(err)
		s.write(billing.Update{Decision: p})
		charge("S1")
		p, err = s.load("sub-1").Record.Resume(s.now, ana)
		s.must(err)
		s.write(billing.Update{Decision: p})
		soft := billing.Charge{Known: true, Final: true, State: "failed", Decline: "soft", FinalAt: s.now}
		s.step("sub-1", "", soft)
		s.at("2026-02-01 09:00:00")
		s.step("sub-1", "S2", soft)
		charge("S2")
		p, err = s.load("sub-1").Record.Cancel(s.now, ana)
		s.must(err)
		s.write(billing.Update{Decision: p})
		charge("")
		s.step("sub-1", "", soft, billing.Charge{})
		charge("")
		if l := s.load("sub-1"); l.Record.Open != nil || l.Record.State != billing.Ended {
			t.Errorf("%+v", l.Record)
		}
	})
}

func TestAClosedPeriodGuardsNothing(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.add("sub-1")
		s.at("2026-01-31 09:00:00")
		s.step("sub-1", "S1")
		s.step("sub-1", "", succeeded())
		if got := s.text(billing.ChargeGuardKey(provider, "sub-1")); got != "" {
			t.Errorf("guarded is %q", got)
		}
	})
}

func TestTheNewestThousandPeriodsAreKept(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{OutcomesRetention: 20 * 365 * 24 * time.Hour})
		daily := terms()
		daily.Calendar.Every = schedule.Day
		r := billing.NewRecord(billing.Enrollment{
			ID: "sub-1", Provider: provider, Account: "default", Amount: "32900", Currency: "COP", Fingerprint: "v1:f", Terms: daily, Added: s.now,
		})
		_, err := s.Add(t.Context(), billing.Addition{Record: r, Content: []byte("c")})
		s.must(err)
		s.at("2030-01-01 00:00:00")
		for p := (billing.Decision{}); !p.Claimed; {
			p = s.load("sub-1").Record.Decide(billing.Facts{Now: s.now, Terms: daily, OpenTerms: daily})
			s.write(billing.Update{Decision: p, Charge: "S1"})
		}
		got, err := s.Periods(t.Context(), provider, "sub-1")
		s.must(err)
		last := s.load("sub-1").Record.Open.Period - 1
		if len(got) != 1000 || got[0].Number != last-999 || got[999].Number != last || got[0].State != "missed" || got[0].Due == 0 {
			t.Errorf("%d periods, from %+v to %+v, of %d", len(got), got[0], got[len(got)-1], last)
		}
		events := s.events()
		if len(events) != last {
			t.Fatalf("%d events of %d periods", len(events), last)
		}
		for i, e := range events {
			// One commit has a hundred of them, and yet each is known to be later than the one
			// before.
			if e["period"] != fmt.Sprint(i+1) || e["code"] != "period_missed" || e["event_id"] != fmt.Sprintf("subscription:sub-1:0:%d", i+1) {
				t.Fatalf("event %d: %v", i, e)
			}
		}
	})
}

// The fields are those of every entry of the outcome stream, in their order.
func TestEventsHaveTheFieldsOfTheStream(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		r := billing.NewRecord(billing.Enrollment{
			ID: "sub-1", Provider: provider, Account: "west", Amount: "32900", Currency: "COP", Fingerprint: "v1:f", Terms: terms(), Added: s.now,
		})
		_, err := s.Add(t.Context(), billing.Addition{Record: r, Content: []byte("c")})
		s.must(err)
		s.at("2026-01-31 09:00:00")
		s.step("sub-1", "S1")
		s.step("sub-1", "", billing.Charge{Known: true, Final: true, State: "failed", Decline: "hard", FinalAt: s.now})
		s.at("2026-02-28 09:00:00")
		s.step("sub-1", "")
		want := []map[string]any{
			{
				"key": "subscription:sub-1", "type": "subscription", "state": "paused", "reference": "sub-1", "code": "hard_decline",
				"decline": "hard", "amount": "32900", "currency": "COP", "at": "2026-01-31T09:00:00.000Z",
				"event": "subscription", "event_id": "subscription:sub-1:0:2", "account": "west",
				"subscription": "sub-1", "period": "1",
			}, {
				"key": "subscription:sub-1", "type": "subscription", "state": "paused", "reference": "sub-1", "code": "period_skipped",
				"message": "due 2026-02-28T09:00:00Z", "amount": "32900", "currency": "COP",
				"at": "2026-02-28T09:00:00.000Z", "event": "subscription",
				"event_id": "subscription:sub-1:0:3", "account": "west", "subscription": "sub-1", "period": "2",
			},
		}
		got := s.events()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v\nwant\n%v", got, want)
		}
	})
}

// A consumer reads payments and subscriptions from one stream: what every entry has, both have.
func TestEventsOfSubscriptionsAndPaymentsHaveTheSameFields(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		ledger := idempotency.NewRedis(rdb, idempotency.Options{TestClock: true})
		k := idempotency.Key{Provider: provider, Account: idempotency.DefaultAccount, Reference: "S1"}
		_, err := ledger.Register(t.Context(), idempotency.Registration{Key: k, Type: "charge", Fingerprint: "v1:f", Amount: "1", Currency: "COP", Payload: []byte("p")})
		s.must(err)
		s.add("sub-1")
		p, err := s.load("sub-1").Record.Pause(s.now, ana)
		s.must(err)
		s.write(billing.Update{Decision: p})
		events := s.events()
		if len(events) != 2 {
			t.Fatalf("%v", events)
		}
		for _, event := range events {
			for _, name := range []string{"account", "amount", "at", "currency", "event", "event_id", "key", "reference", "state", "type"} {
				if event[name] == "" {
					t.Errorf("no %s in %v", name, event)
				}
			}
		}
	})
}

func TestOldEventsGoAsNewOnesCome(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{OutcomesRetention: 24 * time.Hour})
		s.add("sub-1")
		stream := "remesa:{" + provider + "}:outcomes"
		pipe := rdb.Pipeline()
		for n := range 300 { // trimmed by whole nodes of a hundred
			pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, ID: fmt.Sprintf("1000-%d", n+1), Values: []any{"code", "old"}})
		}
		_, err := pipe.Exec(t.Context())
		s.must(err)
		p, err := s.load("sub-1").Record.Pause(s.now, ana)
		s.must(err)
		s.write(billing.Update{Decision: p})
		if n := len(s.events()); n > 100 {
			t.Errorf("%d events are kept", n)
		}
		if codes := s.codes(); codes[len(codes)-1] != "person" {
			t.Errorf("the newest event is %s", codes[len(codes)-1])
		}
	})
}

func TestWhatIsDueIsHandedOutOnce(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.add("sub-1", "sub-2", "sub-3")
		s.at("2026-01-31 08:59:59")
		same(t, "a second before", s.due(10), nil)
		s.at("2026-01-31 09:00:00")
		now, ids, err := s.Due(t.Context(), provider, 2)
		s.must(err)
		same(t, "no more than two", ids, []string{"sub-1", "sub-2"})
		if !now.Equal(s.now) {
			t.Errorf("the store's time is %s", now)
		}
		same(t, "the third", s.due(2), []string{"sub-3"})
		same(t, "nothing is left", s.due(2), nil)
		if n, lag, err := s.Backlog(t.Context(), provider); err != nil || n != 0 || lag != 0 {
			t.Errorf("a backlog of %d, %s: %v", n, lag, err)
		}
		s.step("sub-2", "S2")
		s.at("2026-01-31 09:00:29")
		same(t, "before the half minute is over", s.due(10), nil)
		s.at("2026-01-31 09:00:30")
		same(t, "who took it died; sub-2 is due as its claim says", s.due(10), []string{"sub-1", "sub-3", "sub-2"})
		s.at("2026-01-31 09:02:00")
		if n, lag, err := s.Backlog(t.Context(), provider); err != nil || n != 3 || lag.Round(time.Second) != time.Minute {
			t.Errorf("a backlog of %d, %s: %v", n, lag, err)
		}
		p, err := s.load("sub-1").Record.Cancel(s.now, ana)
		s.must(err)
		s.write(billing.Update{Decision: p})
		s.step("sub-1", "")
		same(t, "what has ended is never due", s.due(10), []string{"sub-2", "sub-3"})
	})
}

func TestTheStoresClockIsThatOfRedis(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		store := billing.NewStore(rdb, billing.StoreOptions{})
		before := time.Now().Add(-time.Minute)
		r := billing.NewRecord(billing.Enrollment{
			ID: "sub-1", Provider: provider, Account: "default", Amount: "1", Currency: "COP", Fingerprint: "v1:f", Terms: terms(), Added: before,
		})
		r.NextDue = before.UnixMilli()
		if _, err := store.Add(t.Context(), billing.Addition{Record: r, Content: []byte("c")}); err != nil {
			t.Fatal(err)
		}
		now, err := store.Now(t.Context(), provider)
		if err != nil || now.Before(before) || now.After(before.Add(time.Hour)) {
			t.Errorf("%s: %v", now, err)
		}
		now, ids, err := store.Due(t.Context(), provider, 10)
		if err != nil || len(ids) != 1 || now.Before(before) || now.After(before.Add(time.Hour)) {
			t.Errorf("%s, %v: %v", now, ids, err)
		}
	})
}

// report writes what the ledger writes in the same step in which a charge ends.
func (s *storeFixture) report(member string, at time.Time) {
	s.t.Helper()
	s.must(s.rdb.ZAdd(s.t.Context(), idempotency.ChargeUpdatesKey(provider), redis.Z{Score: float64(at.UnixMilli()), Member: member}).Err())
}

func (s *storeFixture) updates(limit int) []billing.ChargeUpdate {
	s.t.Helper()
	_, updates, err := s.ChargeUpdates(s.t.Context(), provider, limit)
	s.must(err)
	return updates
}

func TestUpdatesComeUntilTheyAreAcknowledged(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.report("sub-1|S1", s.now)
		s.report("sub-2|west/S2", s.now)
		first := s.updates(10)
		if len(first) != 2 || first[0].Subscription != "sub-1" || first[0].Charge != "S1" || first[1].Charge != "west/S2" {
			t.Fatalf("%+v", first)
		}
		if got := s.updates(10); len(got) != 0 {
			t.Fatalf("handed out twice: %+v", got)
		}
		s.must(s.Acknowledge(t.Context(), provider, first[0]))
		s.at("2026-01-01 12:00:30")
		again := s.updates(10)
		if len(again) != 1 || again[0].Subscription != "sub-2" {
			t.Fatalf("who heard the rest died: %+v", again)
		}
		s.must(s.Acknowledge(t.Context(), provider, first[1])) // the one who took it first wakes up
		if n, err := rdb.ZCard(t.Context(), idempotency.ChargeUpdatesKey(provider)).Result(); err != nil || n != 1 {
			t.Fatalf("what another has in hand is gone: %d %v", n, err)
		}
		s.must(s.Acknowledge(t.Context(), provider, again...))
		if n, err := rdb.Exists(t.Context(), idempotency.ChargeUpdatesKey(provider)).Result(); err != nil || n != 0 {
			t.Errorf("heard, and still there: %d %v", n, err)
		}
		s.must(s.Acknowledge(t.Context(), provider))
	})
}

func TestANewerUpdateOutlivesTheOlderOne(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		for name, later := range map[string]time.Duration{
			"at once": time.Millisecond, "in the same millisecond": 0, "when the older one would come again": 30 * time.Second,
		} {
			s.at("2026-01-01 12:00:00")
			s.report("sub-1|S1", s.now)
			first := s.updates(10)
			s.report("sub-1|S1", s.now.Add(later)) // the charge ended, now it has an anomaly
			s.must(s.Acknowledge(t.Context(), provider, first...))
			s.at("2026-01-01 12:00:30")
			second := s.updates(10)
			if len(second) != 1 {
				t.Fatalf("%s: the newer update is lost", name)
			}
			s.must(s.Acknowledge(t.Context(), provider, second...))
		}
	})
}

const (
	oldKey = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	newKey = "new:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
)

// dump is all that Redis holds, as somebody reads it who has Redis and no key.
func (s *storeFixture) dump() string {
	s.t.Helper()
	var all strings.Builder
	keys, err := s.rdb.Keys(s.t.Context(), "*").Result()
	s.must(err)
	for _, k := range keys {
		kind, err := s.rdb.Type(s.t.Context(), k).Result()
		s.must(err)
		if kind == "string" {
			all.WriteString(k + "=" + s.text(k) + "\n")
		}
	}
	return all.String()
}

func TestSealedContentIsUnreadableAndStaysWhereItBelongs(t *testing.T) {
	onServer(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{Seal: sealtest.RingOf(t, oldKey)})
		s.add("sub-1", "sub-2")
		s.at("2026-01-31 09:00:00")
		s.step("sub-1", "S1")
		p, err := s.load("sub-1").Record.Change(s.now, "40000", ana)
		s.must(err)
		s.write(billing.Update{Decision: p, Content: []byte("content, changed")})
		if all := s.dump(); strings.Contains(all, "content of") || strings.Contains(all, "content, changed") {
			t.Errorf("readable in Redis:\n%s", all)
		}
		if l := s.load("sub-1"); string(l.Content) != "content, changed" || string(l.OpenContent) != "content of sub-1" || l.Err != nil {
			t.Errorf("%q, %q: %v", l.Content, l.OpenContent, l.Err)
		}

		both := newStoreFixture(t, rdb, billing.StoreOptions{Seal: sealtest.RingOf(t, newKey+","+oldKey)})
		if l := both.load("sub-1"); string(l.Content) != "content, changed" || l.Err != nil {
			t.Errorf("after a change of keys: %q %v", l.Content, l.Err)
		}
		for name, other := range map[string]*seal.Ring{"without keys": nil, "with another key": sealtest.RingOf(t, newKey)} {
			if l := newStoreFixture(t, rdb, billing.StoreOptions{Seal: other}).load("sub-1"); l.Content != nil || !errors.Is(l.Err, seal.ErrUnknownKey) {
				t.Errorf("%s: %q %v", name, l.Content, l.Err)
			}
		}
		s.must(rdb.Set(t.Context(), "remesa:{"+provider+"}:sc:sub-2", s.text("remesa:{"+provider+"}:sc:sub-1"), 0).Err())
		if l := s.load("sub-2"); !errors.Is(l.Err, seal.ErrTampered) || l.Content != nil {
			t.Errorf("another's content: %q %v", l.Content, l.Err)
		}
		s.must(rdb.Set(t.Context(), "remesa:{"+provider+"}:sf:sub-1", "unsealed", 0).Err())
		if l := s.load("sub-1"); !errors.Is(l.Err, seal.ErrNotSealed) {
			t.Errorf("an unsealed frozen content: %v", l.Err)
		}
	})
}

func TestScriptsThatRedisForgotAreSentAgain(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		forget := func() { t.Helper(); s.must(rdb.ScriptFlush(context.WithoutCancel(t.Context())).Err()) }
		s.add("sub-1")
		s.at("2026-01-31 09:00:00")
		forget()
		s.add("sub-1", "sub-2")
		forget()
		same(t, "due", s.due(10), []string{"sub-1", "sub-2"})
		forget()
		s.step("sub-1", "S1")
		s.report("sub-1|S1", s.now)
		forget()
		updates := s.updates(1)
		forget()
		s.must(s.Acknowledge(t.Context(), provider, updates...))
		if n, err := rdb.Exists(t.Context(), idempotency.ChargeUpdatesKey(provider)).Result(); err != nil || n != 0 {
			t.Errorf("heard, and still there: %d %v", n, err)
		}
	})
}

// One record that somebody damaged keeps no other from being read or written.
func TestADamagedSubscriptionHarmsNoOther(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.add("sub-1", "sub-2", "sub-3")
		s.at("2026-01-31 09:00:00")
		decisions := map[string]billing.Decision{}
		for _, id := range []string{"sub-1", "sub-2", "sub-3"} {
			decisions[id] = s.load(id).Record.Decide(billing.Facts{Now: s.now, Terms: terms(), OpenTerms: terms()})
		}
		s.must(rdb.Set(t.Context(), "remesa:{"+provider+"}:s:sub-1", "{", 0).Err())
		got, err := s.Load(t.Context(), provider, "sub-1", "sub-2", "sub-9", "sub-3")
		if err == nil || !strings.Contains(err.Error(), "sub-1") || len(got) != 2 || got[0].Record.ID != "sub-2" || got[1].Record.ID != "sub-3" {
			t.Errorf("read: %+v, %v", got, err)
		}
		answers, err := s.Commit(t.Context(), billing.Update{Decision: decisions["sub-1"], Charge: "S1"}, billing.Update{Decision: decisions["sub-2"], Charge: "S2"})
		if err != nil || !errors.Is(answers[0], billing.ErrVersionChanged) || answers[1] != nil {
			t.Errorf("written: %v, %v", answers, err)
		}
		if s.load("sub-2").Record.Open == nil {
			t.Error("the other was not written")
		}
	})
}

// A frozen content that cannot be read is not taken for one that is not there: the period would be
// charged with the new amount.
func TestAFrozenContentThatCannotBeReadIsAnError(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		s.add("sub-1", "sub-2")
		s.must(rdb.RPush(t.Context(), "remesa:{"+provider+"}:sf:sub-2", "not a text").Err())
		got, err := s.Load(t.Context(), provider, "sub-1", "sub-2")
		if err == nil || len(got) != 1 || got[0].Record.ID != "sub-1" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestSubscriptionsAreListedOldestFirst(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newStoreFixture(t, rdb, billing.StoreOptions{})
		var want []string
		for n := range 1201 {
			want = append(want, fmt.Sprintf("sub-%04d", n))
		}
		s.add(want...)
		s.now = s.now.Add(time.Hour)
		s.add("a-later-one")
		var got []string
		s.must(s.List(t.Context(), provider, func(r billing.Record) bool {
			got = append(got, r.ID)
			return true
		}))
		same(t, "all", got, append(want, "a-later-one"))
		n := 0
		s.must(s.List(t.Context(), provider, func(billing.Record) bool { n++; return n < 7 }))
		if n != 7 {
			t.Errorf("%d were listed after the caller had enough", n)
		}
		s.must(s.List(t.Context(), "etpay", func(billing.Record) bool { t.Error("another provider has none"); return false }))
	})
}
