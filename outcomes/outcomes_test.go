package outcomes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/seal"
)

const (
	virtualpos = "virtualpos"
	patience   = 30 * time.Second
)

// put writes one event of a payment, as a commit of the ledger does.
func put(t testing.TB, rdb redis.UniversalClient, provider, reference string, version int64) string {
	t.Helper()
	return putEntry(t, rdb, provider, kv.OutcomeEvent{
		Key: provider + "/" + reference, Reference: reference, Type: "payout", State: "queued", Event: "state", Version: version,
		Amount: "12500", Currency: "CLP", At: time.UnixMilli(1_779_000_000_123), Metadata: `{"order":"7"}`, Account: "default",
	})
}

func putEntry(t testing.TB, rdb redis.UniversalClient, provider string, e kv.OutcomeEvent) string {
	t.Helper()
	id, err := rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: kv.OutcomesKey(provider), Values: e.Fields()}).Result()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// log is what a handler was given, as "reference:version".
type log struct {
	mu     sync.Mutex
	events []Event
	// fails says whether the handler fails this time.
	fails func(Event) bool
	// errs is what Options.Failed was told.
	errs []error
}

var errHandler = errors.New("the database is gone")

func (l *log) handle(_ context.Context, e Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails != nil && l.fails(e) {
		return errHandler
	}
	l.events = append(l.events, e)
	return nil
}

func (l *log) failed(_ Event, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *log) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := []string{}
	for _, e := range l.events {
		names = append(names, fmt.Sprintf("%s:%d", e.Reference, e.Version))
	}
	return names
}

func (l *log) failures() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.errs)
}

// options are those of one consumer of virtualpos' outcomes.
func (l *log) options(consumer string) Options {
	return Options{Group: "billing", Consumer: consumer, Providers: []string{virtualpos}, Abandoned: time.Minute, Failed: l.failed}
}

func newReader(t testing.TB, rdb redis.UniversalClient, o Options) *Reader {
	t.Helper()
	r, err := New(rdb, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// start runs a reader in the background; the returned function stops it and gives Run's error.
func start(t testing.TB, r *Reader, handle Handler) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, handle) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

// pending is how many events the group has read and not acknowledged.
func pending(t testing.TB, rdb redis.UniversalClient) int64 {
	t.Helper()
	p, err := rdb.XPending(t.Context(), kv.OutcomesKey(virtualpos), "billing").Result()
	if err != nil {
		t.Fatal(err)
	}
	return p.Count
}

// until runs a reader until the log has so many events and nothing is pending.
func until(t testing.TB, rdb redis.UniversalClient, l *log, o Options, events int) {
	t.Helper()
	stop := start(t, newReader(t, rdb, o), l.handle)
	defer func() {
		if f := l.failures(); t.Failed() && len(f) > 0 {
			t.Log(f[:min(5, len(f))])
		}
	}()
	eventually.True(t, patience, fmt.Sprintf("%d events are handled", events), func() bool { return len(l.names()) >= events && pending(t, rdb) == 0 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// during runs a reader for a while.
func during(t testing.TB, rdb redis.UniversalClient, l *log, o Options, d time.Duration) {
	t.Helper()
	stop := start(t, newReader(t, rdb, o), l.handle)
	time.Sleep(d)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, says string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", says, got, want)
	}
}

func TestEventsOfAllProvidersAreHandledOnceAndInOrder(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]redistest.Option{"one server": nil, "a cluster": {redistest.Cluster()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, options...)
			rdb := redis.UniversalClient(s.Client())
			if options != nil {
				rdb = redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
				t.Cleanup(func() { _ = rdb.Close() })
			}
			const each = 250 // more than two batches
			for v := range int64(each) {
				for _, provider := range catalog.Names() {
					put(t, rdb, provider, "a", v+1)
				}
			}
			l := &log{}
			o := l.options("one")
			o.Providers = nil
			all := each * len(catalog.Names())
			stop := start(t, newReader(t, rdb, o), l.handle)
			eventually.True(t, patience, "all are handled", func() bool { return len(l.names()) == all })
			put(t, rdb, virtualpos, "a", each+1)
			eventually.True(t, patience, "a new one is handled", func() bool { return len(l.names()) == all+1 })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			last := map[string]int64{}
			for _, e := range l.events {
				if e.Version != last[e.Provider]+1 || e.Delivery != 1 || e.ID != e.Key+":0:"+strconv.FormatInt(e.Version, 10) {
					t.Fatalf("%s after %d: %+v", e, last[e.Provider], e.Fields)
				}
				last[e.Provider] = e.Version
			}
			want(t, "failures", nil)
			if f := l.failures(); f != nil {
				t.Error(f)
			}
		})
	}
}

func TestAnEventIsDecoded(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	put(t, rdb, virtualpos, "a", 3)
	l := &log{}
	until(t, rdb, l, l.options("one"), 1)
	e := l.events[0]
	if e.ID != "virtualpos/a:0:3" || e.Version != 3 || e.Kind != "state" || e.Key != "virtualpos/a" || e.Provider != virtualpos || e.Account != "default" ||
		e.Reference != "a" || e.Type != "payout" || e.State != "queued" || e.Amount != "12500" || e.Currency != "CLP" || e.Attempt != 0 ||
		!e.At.Equal(time.UnixMilli(1_779_000_000_123)) || e.Metadata["order"] != "7" || e.DecryptErr != nil || e.Fields["event_id"] != e.ID {
		t.Errorf("%+v %v", e.Fields, e.At)
	}
	for _, print := range []string{fmt.Sprint(e), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
		if print != "outcome virtualpos/a:0:3 queued" {
			t.Errorf("prints as %s", print)
		}
	}
}

func TestWhatIsSealedIsOpened(t *testing.T) {
	t.Parallel()
	ring := sealtest.Ring(t, "k1")
	sealed := kv.OutcomeEvent{Key: "etpay/a", Event: "state", Version: 1, State: "pending"}
	sealed.Metadata = ring.SealText(`{"order":"7"}`, "metadata", sealed.Key)
	sealed.Message = ring.SealText("soon", "message", sealed.Key)
	sealed.ActionURL = ring.SealText("https://pay.example", "action_url", sealed.Key)
	for says, row := range map[string]struct {
		ring  *seal.Ring
		opens bool
	}{"with the key": {ring, true}, "with another": {sealtest.Ring(t, "k2"), false}, "with none": {nil, false}} {
		m := redis.XMessage{ID: "1-1", Values: map[string]any{}}
		for i, f := 0, sealed.Fields(); i < len(f); i += 2 {
			m.Values[f[i].(string)] = f[i+1]
		}
		e, err := Decode("etpay", m, row.ring)
		if err != nil {
			t.Fatal(err)
		}
		opened := e.Metadata["order"] == "7" && e.Message == "soon" && e.ActionURL == "https://pay.example"
		nothing := e.Metadata == nil && e.Message == "" && e.ActionURL == ""
		if row.opens != opened || row.opens == nothing || (e.DecryptErr == nil) != row.opens {
			t.Errorf("%s: %v, %v", says, e.Fields, e.DecryptErr)
		}
	}
}

func TestAHandlersErrorHasTheEventComeAgainWhileOthersGoOn(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	for _, reference := range []string{"a", "b", "c"} {
		put(t, rdb, virtualpos, reference, 1)
	}
	l := &log{fails: func(e Event) bool { return e.Reference == "b" && e.Delivery < 3 }}
	o := l.options("one")
	o.Abandoned = 200 * time.Millisecond
	until(t, rdb, l, o, 3)
	want(t, "handled", l.names(), "a:1", "c:1", "b:1")
	if f := l.failures(); len(f) != 2 || !errors.Is(f[0], errHandler) {
		t.Errorf("failures: %v", f)
	}
	if d := l.events[2].Delivery; d != 3 {
		t.Errorf("delivered %d times", d)
	}
}

func TestAnEntryThatIsNoEventHoldsUpNobody(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	if err := rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: kv.OutcomesKey(virtualpos), Values: []any{"key", "x"}}).Err(); err != nil {
		t.Fatal(err)
	}
	put(t, rdb, virtualpos, "a", 1)
	l := &log{}
	stop := start(t, newReader(t, rdb, l.options("one")), l.handle)
	eventually.True(t, patience, "the event is handled", func() bool { return len(l.names()) == 1 && pending(t, rdb) == 1 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if f := l.failures(); len(f) != 1 || !errors.Is(f[0], errNoEvent) {
		t.Errorf("failures: %v", f)
	}
}

func TestAnEventThatStandsThereTwiceIsHandledOnce(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	put(t, rdb, virtualpos, "a", 1)
	put(t, rdb, virtualpos, "a", 1)
	put(t, rdb, virtualpos, "b", 1)
	l := &log{}
	until(t, rdb, l, l.options("one"), 2)
	put(t, rdb, virtualpos, "b", 1) // as from a backup that was read back
	put(t, rdb, virtualpos, "c", 1)
	until(t, rdb, l, l.options("another"), 3)
	want(t, "handled", l.names(), "a:1", "b:1", "c:1")

	other := &log{}
	o := other.options("one")
	o.Group = "ledger"
	stop := start(t, newReader(t, rdb, o), other.handle)
	eventually.True(t, patience, "another group sees all", func() bool { return len(other.names()) == 3 })
	_ = stop()
}

func TestWhatWasHandledIsForgottenInTime(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l := &log{}
	o := l.options("one")
	o.Remember = 300 * time.Millisecond
	put(t, rdb, virtualpos, "a", 1)
	until(t, rdb, l, o, 1)
	eventually.True(t, patience, "the note is gone", func() bool {
		return rdb.Exists(t.Context(), kv.HandledKey(virtualpos, "billing")).Val() == 0
	})
}

// TestMain is also the consumer that is killed: it handles what it gets by printing it, and stops
// at the event that it is told to stop at.
func TestMain(m *testing.M) {
	addr := os.Getenv("OUTCOMES_TEST_REDIS")
	if addr == "" {
		os.Exit(m.Run())
	}
	rdb := redistest.Client(addr)
	r, err := New(rdb, Options{Group: "billing", Consumer: "killed", Providers: []string{virtualpos}, Abandoned: time.Hour})
	if err != nil {
		panic(err)
	}
	err = r.Run(context.Background(), func(_ context.Context, e Event) error {
		fmt.Println(e.Reference)
		if e.Reference == os.Getenv("OUTCOMES_TEST_STOP") {
			select {}
		}
		return nil
	})
	panic(err)
}

// runUntilKilled starts a consumer of its own process and kills it (kill -9) in the middle of an
// event. It returns what it handled, that event included.
func runUntilKilled(t *testing.T, addr, stop string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "OUTCOMES_TEST_REDIS="+addr, "OUTCOMES_TEST_STOP="+stop)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var handled []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		handled = append(handled, lines.Text())
		if lines.Text() == stop {
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return handled
}

func TestWhatAKilledConsumerLeftIsTakenOver(t *testing.T) {
	t.Parallel()
	for says, row := range map[string]struct {
		consumer  string
		abandoned time.Duration
	}{
		"by another one, in time":       {"another", 500 * time.Millisecond},
		"by the same one, started anew": {"killed", time.Hour},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			rdb := s.Client()
			var all []string
			for i := range 10 {
				reference := fmt.Sprintf("r%d", i)
				put(t, rdb, virtualpos, reference, 1)
				all = append(all, reference+":1")
			}
			want(t, "before the kill", runUntilKilled(t, s.Addr(), "r3"), "r0", "r1", "r2", "r3")
			if left := pending(t, rdb); left != 7 {
				t.Fatalf("%d are pending", left)
			}
			l := &log{}
			o := l.options(row.consumer)
			o.Abandoned = row.abandoned
			until(t, rdb, l, o, 7)
			want(t, "after it", l.names(), all[3:]...)
			for _, e := range l.events {
				if e.Delivery != 2 {
					t.Errorf("%s was delivered %d times", e, e.Delivery)
				}
			}
		})
	}
}

// TestAConsumerThatWakesUpLateHandlesNothingTwice: it read a batch, stood still in its first event
// for longer than it may, and others did all of it meanwhile.
func TestAConsumerThatWakesUpLateHandlesNothingTwice(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	for _, reference := range []string{"a", "b", "c"} {
		put(t, rdb, virtualpos, reference, 1)
	}
	asleep, wake := make(chan bool), make(chan bool)
	late, quick := &log{}, &log{}
	o := late.options("late")
	o.Abandoned = 200 * time.Millisecond
	stopLate := start(t, newReader(t, rdb, o), func(ctx context.Context, e Event) error {
		if e.Reference == "a" {
			close(asleep)
			<-wake
		}
		return late.handle(ctx, e)
	})
	<-asleep
	o.Consumer, o.Failed = "quick", quick.failed
	until(t, rdb, quick, o, 3)
	close(wake)
	put(t, rdb, virtualpos, "d", 1)
	eventually.True(t, patience, "the late one goes on", func() bool { return len(late.names()) == 2 })
	if err := stopLate(); err != nil {
		t.Fatal(err)
	}
	want(t, "quick", quick.names(), "a:1", "b:1", "c:1")
	want(t, "late", late.names(), "a:1", "d:1") // what it was in the middle of, and what is new
}

func TestABrokenConnectionLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Appendonly("always"))
	proxy := redistest.NewProxy(t, s.Addr())
	reading := redis.NewClient(&redis.Options{Addr: proxy.Addr(), MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() { _ = reading.Close() })
	rdb := s.Client()
	l := &log{}
	stop := start(t, newReader(t, reading, l.options("one")), l.handle)
	var all []string
	for i, text := range []string{"", "XREADGROUP", "ZADD", "XPENDING", "XINFO", "kill", ""} {
		switch text {
		case "":
		case "kill":
			s.Kill()
			s.Restart()
		default:
			proxy.DropReply(text)
		}
		reference := fmt.Sprintf("r%d", i)
		put(t, rdb, virtualpos, reference, 1)
		all = append(all, reference+":1")
		eventually.True(t, patience, text+": "+reference+" is handled", func() bool { return len(l.names()) == i+1 && pending(t, rdb) == 0 })
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	want(t, "handled", l.names(), all...)
}

func TestAFullRedisStopsNoConsumer(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	for _, reference := range []string{"a", "b"} {
		put(t, rdb, virtualpos, reference, 1)
	}
	l := &log{}
	first := l.options("one")
	until(t, rdb, l, first, 2)
	put(t, rdb, virtualpos, "c", 1)
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	until(t, rdb, l, first, 3)
	want(t, "handled", l.names(), "a:1", "b:1", "c:1")
}

// gaps keeps what Options.Gap is told, and refuses so many of them.
type gaps struct {
	mu     sync.Mutex
	told   []Gap
	refuse int
}

func (g *gaps) tell(_ context.Context, gap *Gap) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = append(g.told, *gap)
	if g.refuse--; g.refuse >= 0 {
		return errHandler
	}
	return nil
}

func (g *gaps) missed() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := []string{}
	for _, gap := range g.told {
		all = append(all, strconv.FormatInt(gap.Missed, 10))
	}
	return all
}

func trimAll(t *testing.T, rdb *redis.Client) {
	t.Helper()
	if err := rdb.XTrimMaxLen(t.Context(), kv.OutcomesKey(virtualpos), 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestAGapIsToldUntilItIsTaken(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l, g := &log{}, &gaps{refuse: 1}
	o := l.options("one")
	put(t, rdb, virtualpos, "a", 1)
	until(t, rdb, l, o, 1)
	for round := range int64(2) { // the second finds only what is new
		put(t, rdb, virtualpos, "lost", 2*round+1)
		put(t, rdb, virtualpos, "lost", 2*round+2)
		trimAll(t, rdb)
		put(t, rdb, virtualpos, "b", round+1)

		err := newReader(t, rdb, o).Run(t.Context(), l.handle) // nobody asks to be told
		if gap, ok := errors.AsType[*Gap](err); !ok || gap.Missed != 2 || gap.Provider != virtualpos || gap.After == "" {
			t.Fatalf("round %d: %v", round, err)
		}
		o.Gap = g.tell
		if round == 0 {
			if err := newReader(t, rdb, o).Run(t.Context(), l.handle); !errors.Is(err, errHandler) {
				t.Fatalf("the gap's error: %v", err)
			}
		}
		until(t, rdb, l, o, int(round)+2)
		o.Gap = nil
		during(t, rdb, l, o, 200*time.Millisecond) // started anew: nothing is told again
	}
	want(t, "gaps", g.missed(), "2", "2", "2")
	want(t, "handled", l.names(), "a:1", "b:1", "b:2")
	if f := l.failures(); f != nil {
		t.Error(f)
	}
}

func TestWhatWasHandledBeforeItWasTrimmedIsNoGap(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l := &log{}
	o := l.options("one")
	put(t, rdb, virtualpos, "a", 1)
	put(t, rdb, virtualpos, "a", 2)
	trimAll(t, rdb)
	put(t, rdb, virtualpos, "a", 3)
	until(t, rdb, l, o, 1) // what was gone before there was a group is none either
	trimAll(t, rdb)
	during(t, rdb, l, o, 200*time.Millisecond)
	put(t, rdb, virtualpos, "a", 4)
	put(t, rdb, virtualpos, "a", 5)
	until(t, rdb, l, o, 3)
	want(t, "handled", l.names(), "a:3", "a:4", "a:5")
}

func TestWhatIsTrimmedWhileSomebodyHasItIsAGap(t *testing.T) {
	t.Parallel()
	for says, row := range map[string]struct {
		consumer  string
		abandoned time.Duration
	}{"its consumer": {"one", time.Hour}, "another": {"two", 100 * time.Millisecond}} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.Start(t).Client()
			l, g := &log{fails: func(e Event) bool { return e.Reference == "bad" }}, &gaps{}
			o := l.options("one")
			o.Gap = g.tell
			put(t, rdb, virtualpos, "bad", 1)
			stop := start(t, newReader(t, rdb, o), l.handle)
			eventually.True(t, patience, "it failed", func() bool { return len(l.failures()) > 0 })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			trimAll(t, rdb)
			put(t, rdb, virtualpos, "a", 1)
			time.Sleep(2 * min(row.abandoned, 100*time.Millisecond)) // it is abandoned
			o.Consumer, o.Abandoned = row.consumer, row.abandoned
			until(t, rdb, l, o, 1)
			want(t, "gaps", g.missed(), "1")
		})
	}
}

func TestAGroupMayBeginNow(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l := &log{}
	o := l.options("one")
	o.FromNow = true
	put(t, rdb, virtualpos, "before", 1)
	put(t, rdb, virtualpos, "before", 2)
	trimOne(t, rdb)
	stop := start(t, newReader(t, rdb, o), l.handle)
	eventually.True(t, patience, "there is a group", func() bool { return len(rdb.XInfoGroups(t.Context(), kv.OutcomesKey(virtualpos)).Val()) == 1 })
	put(t, rdb, virtualpos, "after", 1)
	eventually.True(t, patience, "the new one is handled", func() bool { return len(l.names()) == 1 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	want(t, "handled", l.names(), "after:1")
}

func trimOne(t *testing.T, rdb *redis.Client) {
	t.Helper()
	if err := rdb.XTrimMaxLen(t.Context(), kv.OutcomesKey(virtualpos), 1).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestAGroupIsJoinedBeforeThereIsAnyEvent(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l := &log{}
	stop := start(t, newReader(t, rdb, l.options("one")), l.handle)
	eventually.True(t, patience, "there is a group", func() bool { return len(rdb.XInfoGroups(t.Context(), kv.OutcomesKey(virtualpos)).Val()) == 1 })
	put(t, rdb, virtualpos, "a", 1)
	eventually.True(t, patience, "the event is handled", func() bool { return len(l.names()) == 1 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestAStreamThatIsGoneBeginsAnew(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l := &log{}
	o := l.options("one")
	o.FromNow = true // of a group that never was; it skips nothing of what comes later
	stop := start(t, newReader(t, rdb, o), l.handle)
	eventually.True(t, patience, "there is a group", func() bool { return len(rdb.XInfoGroups(t.Context(), kv.OutcomesKey(virtualpos)).Val()) == 1 })
	put(t, rdb, virtualpos, "a", 1)
	eventually.True(t, patience, "the first is handled", func() bool { return len(l.names()) == 1 })
	if err := rdb.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	put(t, rdb, virtualpos, "b", 1)
	eventually.True(t, patience, "the next is handled", func() bool { return len(l.names()) == 2 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	for _, id := range []string{"nonsense", "virtualpos/a:", "virtualpos/a:x", "virtualpos/a:1", "virtualpos/a:1:x", "virtualpos/b:1:2"} {
		if _, err := Decode(virtualpos, redis.XMessage{ID: "1-1", Values: map[string]any{"key": "virtualpos/a", "event_id": id}}, nil); !errors.Is(err, errNoEvent) {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, o := range []Options{{}, {Group: "a b"}, {Group: "a", Providers: []string{"nobody"}}} {
		if _, err := New(rdb, o); err == nil || !strings.HasPrefix(err.Error(), "outcomes: Options.") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	r := newReader(t, rdb, Options{Group: "a"})
	if r.opts.Consumer == "" || len(r.opts.Providers) != len(catalog.Names()) {
		t.Errorf("%+v", r.opts)
	}
	if err := r.Run(t.Context(), (&log{}).handle); err == nil || !strings.HasPrefix(err.Error(), "outcomes of ") {
		t.Errorf("without Redis: %v", err)
	}
}
