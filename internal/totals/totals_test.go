package totals

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/redistest"
)

const owner = "virtualpos"

func stateOf(name string) idempotency.State { return idempotency.State(name) }

func newTotals(client redis.UniversalClient) *Totals {
	return New(Options{Redis: client, Streams: map[string][]string{owner: {owner}, "etpay": {"etpay", "etpay:1"}}})
}

// written is a stream as a test writes it, and what its entries come to.
type writtenStream struct {
	t       testing.TB
	client  redis.UniversalClient
	owner   string
	at      time.Time
	n       int
	counted map[time.Time]Bucket // by hour
}

func newStream(t testing.TB, client redis.UniversalClient, owner string, at time.Time) *writtenStream {
	return &writtenStream{t: t, client: client, owner: owner, at: at, counted: map[time.Time]Bucket{}}
}

// add writes an event that comes so much later than the one before.
func (s *writtenStream) add(later time.Duration, kind, state, amount, currency, code string) {
	s.t.Helper()
	s.at, s.n = s.at.Add(later), s.n+1
	e := kv.OutcomeEvent{Key: s.owner + "/p" + strconv.Itoa(s.n), Type: "payout", State: state, Amount: amount, Currency: currency, Code: code, Event: kind,
		Account: "default", Epoch: 1, Version: int64(s.n), At: s.at}
	id := strconv.FormatInt(s.at.UnixMilli(), 10) + "-" + strconv.Itoa(s.n)
	if err := s.client.XAdd(s.t.Context(), &redis.XAddArgs{Stream: kv.OutcomesKey(s.owner), ID: id, Values: e.Fields()}).Err(); err != nil {
		s.t.Fatal(err)
	}
}

// addRandom writes a random event, and counts it by rules of its own.
func (s *writtenStream) addRandom(r *rand.Rand) {
	s.t.Helper()
	later := time.Duration(r.IntN(1000)) * time.Millisecond
	if r.IntN(20) == 0 {
		later = time.Duration(r.IntN(7200)) * time.Second
	}
	state := []string{"queued", "succeeded", "failed", "held", "in_doubt", "reversed"}[r.IntN(6)]
	code := []string{"", "51", "expired"}[r.IntN(3)]
	cents := int64(1 + r.IntN(10_000_000))
	kind := "state"
	switch r.IntN(10) {
	case 0:
		kind = Anomaly
	case 1:
		kind = "subscription"
	}
	s.add(later, kind, state, fmt.Sprintf("%d.%02d", cents/100, cents%100), "MXN", code)
	series := Series{"default", "payout", "MXN", state, code}
	if kind == Anomaly {
		series.State, series.Code = Anomaly, ""
	}
	hour := s.at.UTC().Truncate(time.Hour)
	if s.counted[hour] == nil {
		s.counted[hour] = Bucket{}
	}
	if kind != "subscription" {
		f := s.counted[hour][series]
		s.counted[hour][series] = Figure{Count: f.Count + 1, Sum: f.Sum + cents}
	}
}

// matches holds that hours and days have what was counted, each once.
func (s *writtenStream) matches(got *Totals, from time.Time) {
	s.t.Helper()
	hours, err := got.Hours(s.t.Context(), s.owner, from, s.at)
	if err != nil {
		s.t.Fatal(err)
	}
	all := Bucket{}
	for i, b := range hours.Buckets {
		counted := s.counted[hours.From.Add(time.Duration(i)*time.Hour)]
		all.Merge(counted)
		want := counted.coarse()
		if len(b) != len(want) || len(b) > 0 && !maps.Equal(b, want) {
			s.t.Errorf("hour %s: %v, want %v", hours.From.Add(time.Duration(i)*time.Hour), b, want)
		}
	}
	days, err := got.Days(s.t.Context(), s.owner, from, s.at)
	if err != nil {
		s.t.Fatal(err)
	}
	byDay := Bucket{}
	for _, b := range days {
		byDay.Merge(b)
	}
	if !maps.Equal(all, byDay) {
		s.t.Errorf("the days have %v, want %v", byDay, all)
	}
	if hours.Status.Behind != 0 || hours.Status.Ahead || hours.Status.Missed != 0 {
		s.t.Errorf("%+v", hours.Status)
	}
}

// errCrash is what a process sees that dies: nothing of what it asks for is answered.
var errCrash = errors.New("the process died")

// mortal is a hook that ends a process before or after one of its commands.
type mortal struct {
	left atomic.Int64 // round trips until then
	// loses: the last one is executed, and only its reply is lost.
	loses bool
}

func (m *mortal) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *mortal) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := m.around(func() error { return next(ctx, cmd) })
		if errors.Is(err, errCrash) {
			cmd.SetErr(err)
		}
		return err
	}
}

func (m *mortal) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := m.around(func() error { return next(ctx, cmds) })
		if errors.Is(err, errCrash) {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		}
		return err
	}
}

func (m *mortal) around(send func() error) error {
	left := m.left.Add(-1)
	if left < 0 {
		return errCrash
	}
	err := send()
	if left == 0 && m.loses {
		return errCrash
	}
	return err
}

func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("REMESA_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("REMESA_TEST_SEED: %s", err)
		}
	}
	t.Logf("REMESA_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// Two workers fold the same stream, and die again and again between any two commands, while it is
// being written.
func TestEachEventCountsOnceWhoeverFoldsAndDies(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := seeded(t)
	begin := dayOf(time.Now()).Add(-90 * time.Minute)
	s := newStream(t, server.Client(), owner, begin)
	var group sync.WaitGroup
	var lives, done atomic.Int64
	for range 2 {
		r := rand.New(rand.NewPCG(r.Uint64(), 2))
		group.Go(func() {
			for done.Load() == 0 {
				m := &mortal{loses: r.IntN(2) == 0}
				m.left.Store(int64(r.IntN(14)))
				client := redistest.Client(server.Addr())
				client.AddHook(m)
				w := newTotals(client)
				for done.Load() == 0 && w.FoldAll(t.Context()) == nil {
				}
				lives.Add(1)
				_ = client.Close()
			}
		})
	}
	for range 3000 {
		s.addRandom(r)
	}
	done.Store(1)
	group.Wait()
	reader := newTotals(server.Client())
	if err := reader.FoldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.matches(reader, begin)
	t.Logf("%d lives", lives.Load())
}

// pausing is a hook that stops before the first commit.
type pausing struct {
	mortal
	reached, goOn chan struct{}
	once          sync.Once
}

func (p *pausing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "evalsha" {
			p.once.Do(func() {
				close(p.reached)
				<-p.goOn
			})
		}
		return next(ctx, cmds)
	}
}

func (p *pausing) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// paused folds until right before its first commit, has something happen, and goes on.
func paused(t *testing.T, addr string, happens func()) error {
	t.Helper()
	p := &pausing{reached: make(chan struct{}), goOn: make(chan struct{})}
	client := redistest.Client(addr)
	t.Cleanup(func() { _ = client.Close() })
	client.AddHook(p)
	end := make(chan error, 1)
	go func() {
		_, err := newTotals(client).fold(t.Context(), owner)
		end <- err
	}()
	<-p.reached
	happens()
	close(p.goOn)
	return <-end
}

func TestWhoWasOvertakenCountsNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	begin := hourOf(time.Now())
	s := newStream(t, server.Client(), owner, begin)
	r := seeded(t)
	for range 20 {
		s.addRandom(r)
	}
	reader := newTotals(server.Client())
	err := paused(t, server.Addr(), func() {
		for range 20 {
			s.addRandom(r)
		}
		if err := reader.FoldAll(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s.matches(reader, begin)
}

// What the server had forgotten by then is not counted: it will be told anew.
func TestNothingIsCountedThatTheStoreForgotMeanwhile(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Appendonly("always"))
	begin := hourOf(time.Now())
	s := newStream(t, server.Client(), owner, begin)
	s.add(0, "state", "succeeded", "1.00", "MXN", "")
	mark := server.Written()
	for range 3 {
		s.add(time.Second, "state", "succeeded", "1.00", "MXN", "")
	}
	_ = paused(t, server.Addr(), func() {
		server.Kill()
		server.Forget(mark)
		server.Restart()
	})
	reader := newTotals(redistest.Client(server.Addr()))
	if err := reader.FoldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	hours, err := reader.Hours(t.Context(), owner, begin, begin)
	if err != nil || hours.Buckets[0][Series{Currency: "MXN", State: "succeeded"}] != (Figure{1, 100, 0}) {
		t.Errorf("%v: %v", hours.Buckets, err)
	}
}

func TestAHeadBeyondTheStreamIsSaid(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	begin := hourOf(time.Now())
	s := newStream(t, server.Client(), owner, begin)
	s.add(0, "state", "held", "1.00", "MXN", "")
	w := newTotals(server.Client())
	fold := func() Hours {
		t.Helper()
		if err := w.FoldAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		hours, err := w.Hours(t.Context(), owner, begin, begin)
		if err != nil {
			t.Fatal(err)
		}
		return hours
	}
	if h := fold(); h.Status.Ahead || h.Status.Since != begin || h.Status.Until != begin {
		t.Errorf("%+v", h.Status)
	}
	server.Client().Del(t.Context(), kv.OutcomesKey(owner))
	if h := fold(); !h.Status.Ahead {
		t.Errorf("the stream is gone: %+v", h.Status)
	}
	s.add(time.Second, "state", "held", "1.00", "MXN", "")
	h := fold()
	if h.Status.Ahead || h.Buckets[0][Series{Currency: "MXN", State: "held"}].Count != 2 {
		t.Errorf("what comes afterwards: %+v", h)
	}
}

func TestSeveralStreamsOfAProviderAddUp(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	begin := hourOf(time.Now())
	for _, owner := range []string{"etpay", "etpay:1"} {
		newStream(t, server.Client(), owner, begin).add(0, "state", "succeeded", "7", "CLP", "")
	}
	w := newTotals(server.Client())
	if err := w.FoldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	hours, err := w.Hours(t.Context(), "etpay", begin.Add(-time.Hour), begin)
	if err != nil || hours.Between(begin, begin.Add(time.Hour))[Series{Currency: "CLP", State: "succeeded"}] != (Figure{2, 14, 0}) {
		t.Errorf("%v: %v", hours, err)
	}
	if hours.Status.Succeeded != begin {
		t.Errorf("%+v", hours.Status)
	}
}

// Past hours are read once, until the store forgets.
func TestPastHoursAreReadOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	begin := hourOf(time.Now()).Add(30 * time.Minute)
	s := newStream(t, server.Client(), owner, begin)
	s.add(0, "state", "held", "1.00", "MXN", "")
	s.add(time.Hour, "state", "held", "1.00", "MXN", "")
	w := newTotals(server.Client())
	if err := w.FoldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts := func() [2]int {
		t.Helper()
		hours, err := w.Hours(t.Context(), owner, begin, begin.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return [2]int{len(hours.Buckets[0]), len(hours.Buckets[1])}
	}
	if got := counts(); got != [2]int{1, 1} {
		t.Fatal(got)
	}
	server.Client().Del(t.Context(), kv.TotalsHourKey(owner, begin), kv.TotalsHourKey(owner, begin.Add(time.Hour)))
	if got := counts(); got != [2]int{1, 0} {
		t.Errorf("the past hour was read again, or the present one was not: %v", got)
	}
	server.Client().Set(t.Context(), kv.EpochKey(owner), `{"epoch":2}`, 0)
	if got := counts(); got != [2]int{0, 0} {
		t.Errorf("in another epoch: %v", got)
	}
}

// counting counts commands.
type counting struct {
	mortal
	n atomic.Int64
}

func (c *counting) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

func TestAnIdleStreamCostsOneCommand(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	newStream(t, client, owner, time.Now()).add(0, "state", "held", "1.00", "MXN", "")
	c := &counting{}
	w := New(Options{Redis: client, Streams: map[string][]string{owner: {owner}}})
	for range 2 {
		if err := w.FoldAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	client.AddHook(c)
	for range 5 {
		if err := w.FoldAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if c.n.Load() != 5 {
		t.Errorf("%d commands in 5 rounds", c.n.Load())
	}
}

func TestAQuietStreamIsLookedAtLessOften(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	w := New(Options{Redis: client, Streams: map[string][]string{owner: {owner}}})
	looks := func() (n int) {
		for i := range quietEvery {
			if w.looksAt(owner, i) {
				n++
			}
		}
		return n
	}
	fold := func() {
		t.Helper()
		if err := w.FoldAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range quietLooks {
		if n := looks(); n != quietEvery {
			t.Fatalf("after %d looks: %d of %d", i, n, quietEvery)
		}
		fold()
	}
	if n := looks(); n != 1 {
		t.Errorf("at a quiet stream: %d of %d", n, quietEvery)
	}
	newStream(t, client, owner, time.Now()).add(0, "state", "held", "1.00", "MXN", "")
	fold()
	if n := looks(); n != quietEvery {
		t.Errorf("after an event: %d of %d", n, quietEvery)
	}
}

func TestFiguresGoWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	now := time.Now()
	s := newStream(t, client, owner, now.Add(-HoursKept-48*time.Hour))
	s.add(0, "state", "held", "1.00", "MXN", "")
	old := s.at
	s.add(now.Sub(old), "state", "held", "1.00", "MXN", "")
	if err := newTotals(client).FoldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	ttl := func(key string) time.Duration { return client.PTTL(t.Context(), key).Val() }
	if got := ttl(kv.TotalsHourKey(owner, old)); got != -2 {
		t.Errorf("the old hour goes in %s", got)
	}
	for key, kept := range map[string]time.Duration{
		kv.TotalsDayKey(owner, old):  DaysKept - HoursKept - 48*time.Hour,
		kv.TotalsHourKey(owner, now): HoursKept,
		kv.TotalsDayKey(owner, now):  DaysKept,
	} {
		if got := ttl(key); got < kept-time.Minute || got > kept+25*time.Hour {
			t.Errorf("%s goes in %s, want about %s", key, got, kept)
		}
	}
	if got := ttl(kv.TotalsKey(owner)); got != -1 {
		t.Errorf("the head goes in %s", got)
	}
}

func TestTheEmbeddedStoreAndAClusterCountToo(t *testing.T) {
	t.Parallel()
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.Start(t, redistest.Cluster()).Addr()}})
	defer func() { _ = cluster.Close() }()
	for name, client := range map[string]redis.UniversalClient{"embedded": redistest.Client(miniredis.RunT(t).Addr()), "cluster": cluster} {
		begin := hourOf(time.Now())
		s := newStream(t, client, owner, begin)
		r := seeded(t)
		for range 300 {
			s.addRandom(r)
		}
		w := newTotals(client)
		if err := w.FoldAll(t.Context()); err != nil {
			t.Fatal(name, err)
		}
		s.matches(w, begin)
	}
}

// registeredBefore is a ledger in which each payment but one was registered so long ago.
type registeredBefore struct {
	at      time.Time
	unknown string
}

func (l registeredBefore) RegisteredAt(_ context.Context, _ string, keys []idempotency.Key) (map[idempotency.Key]time.Time, error) {
	out := map[idempotency.Key]time.Time{}
	for _, k := range keys {
		if k.Reference != l.unknown {
			out[k] = l.at
		}
	}
	return out, nil
}

func TestHowLongPaymentsTookIsCountedWhereItIsKnown(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	begin := hourOf(time.Now())
	s := newStream(t, client, owner, begin)
	for _, state := range []string{"queued", "succeeded", "failed", "reversed", "succeeded"} {
		s.add(time.Second, "state", state, "5", "CLP", "")
	}
	w := New(Options{Redis: client, Streams: map[string][]string{owner: {owner}}, Ledger: registeredBefore{begin.Add(-58 * time.Second), "p5"}})
	if err := w.FoldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	hours, err := w.Hours(t.Context(), owner, begin, begin)
	if err != nil {
		t.Fatal(err)
	}
	series := Series{Currency: "CLP", State: TimeToOutcome, Code: "1m0s"}
	if f := hours.Buckets[0][series]; f != (Figure{1, 60_000, 0}) {
		t.Errorf("%+v", f)
	}
	series.Code = "5m0s"
	if f := hours.Buckets[0][series]; f != (Figure{1, 61_000, 0}) || len(hours.Buckets[0]) != 6 {
		t.Errorf("%+v of %v", f, hours.Buckets[0])
	}
}

// TestAReaderThatGivesUpLooksAtNothing: what its pipeline reads belongs to the pipeline until that
// has ended. The race detector sees who looks earlier.
func TestAReaderThatGivesUpLooksAtNothing(t *testing.T) {
	totals := newTotals(redistest.Start(t).Client())
	ended, end := context.WithCancel(t.Context())
	end()
	for range 50 {
		if _, err := totals.readBuckets(ended, owner, []string{"a", "b"}); !errors.Is(err, context.Canceled) {
			t.Fatalf("readBuckets: %v", err)
		}
		if _, err := totals.position(ended, owner); !errors.Is(err, context.Canceled) {
			t.Fatalf("position: %v", err)
		}
	}
}
