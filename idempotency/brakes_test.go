package idempotency_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

// Four workers, each with its own connections, go on until every payment was sent or blocked; some
// attempts are not executed and are released. At no time is more counted as executed, or in doubt,
// than the limits allow.
func TestFourWorkersAtTheLimitNeverExceedIt(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	const payments, most, doubt = 60, 20, 3
	limits := idempotency.Limits{Hour: idempotency.Window{Sum: most * 12500_00}, Doubt: doubt * 12500_00}
	var references []string
	for n := range payments {
		references = append(references, fmt.Sprintf("p%d", n))
	}
	f := open(t, s, s.Client(), idempotency.Options{})
	f.register(references...)
	var mu sync.Mutex
	executed, sending, worst := 0, 0, 0
	work := func(l *idempotency.Ledger, n int) error {
		k := key(references[n])
		for try := 0; ; try++ {
			id := idempotency.NewAttempt()
			b, err := l.Begin(t.Context(), k, idempotency.BeginParams{Attempt: id, Lease: lease, Queryable: true, Limits: limits})
			switch {
			case errors.Is(err, idempotency.ErrContended):
				continue
			case err != nil:
				return err
			case b.Decision == idempotency.Done:
				return nil
			case b.Decision == idempotency.Wait: // others are being sent
				continue
			}
			mu.Lock()
			sending++
			worst = max(worst, sending)
			mu.Unlock()
			if _, err := l.Show(t.Context(), k); err != nil { // in place of the request
				return err
			}
			released := try == 0 && n%3 == 0
			mu.Lock()
			if sending--; !released {
				executed++
			}
			mu.Unlock()
			if released {
				_, err = l.Release(t.Context(), k, id, "no byte left", 0)
			} else {
				_, err = l.Finish(t.Context(), k, idempotency.AttemptResult{Attempt: id, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: id}})
			}
			if err != nil || !released {
				return err
			}
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, 4*payments)
	for w := range 4 {
		l := idempotency.NewRedis(s.Client(), idempotency.Options{TestClock: true})
		for n := w; n < payments; n += 4 {
			wg.Go(func() { errs[n] = work(l, n) })
		}
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	counts, err := f.store.Counts(t.Context(), provider)
	if err != nil {
		t.Fatal(err)
	}
	// A payment that came while others had the room, and would have given it back, is blocked too.
	if executed > most || executed == 0 || worst > doubt || int(counts[idempotency.Blocked]) != payments-executed {
		t.Errorf("%d executed of %d, %d at a time of %d; %v", executed, most, worst, doubt, counts)
	}
}

func TestALookalikeStandsInTheWayForItsTimeAndInNoClearText(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	f.register("a", "b")
	limits := idempotency.Limits{Lookalike: 10 * time.Minute}
	for reference, want := range map[string]idempotency.Decision{"a": idempotency.Send} {
		b, err := f.store.Begin(t.Context(), key(reference), idempotency.BeginParams{Attempt: "1", Lease: lease, Limits: limits})
		if err != nil || b.Decision != want {
			t.Fatalf("%s: %s, %v", reference, b.Decision, err)
		}
	}
	keys := f.rdb.Keys(t.Context(), "*lookalike*").Val()
	if len(keys) != 1 || !strings.HasSuffix(keys[0], "default:v1:f") {
		t.Fatalf("keys %v", keys)
	}
	if ttl := f.rdb.PTTL(t.Context(), keys[0]).Val(); ttl <= 9*time.Minute || ttl > 10*time.Minute {
		t.Errorf("it stays for %s", ttl)
	}
	if err := f.rdb.Del(t.Context(), keys[0]).Err(); err != nil { // as when its time is over
		t.Fatal(err)
	}
	b, err := f.store.Begin(t.Context(), key("b"), idempotency.BeginParams{Attempt: "2", Lease: lease, Limits: limits})
	if err != nil || b.Decision != idempotency.Send {
		t.Errorf("after its time: %s, %v", b.Decision, err)
	}
}

func TestInMemoryALookalikeStandsInTheWayForItsTime(t *testing.T) {
	t.Parallel()
	m := idempotency.NewMemory()
	now := start
	m.Now = func() time.Time { return now }
	l := idempotency.NewLedger(m, idempotency.Options{})
	if _, err := l.Register(t.Context(), registration("a"), registration("b"), registration("c")); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		reference string
		after     time.Duration
		want      idempotency.Decision
	}{{"a", 0, idempotency.Send}, {"b", time.Minute - time.Millisecond, idempotency.Done}, {"c", time.Millisecond, idempotency.Send}} {
		now = now.Add(row.after)
		b, err := l.Begin(t.Context(), key(row.reference), idempotency.BeginParams{
			Attempt: row.reference, Lease: lease, Limits: idempotency.Limits{Lookalike: time.Minute},
		})
		if err != nil || b.Decision != row.want {
			t.Errorf("%s: %s, %v; want %s", row.reference, b.Decision, err, row.want)
		}
	}
}

// A Begin whose reply was lost has counted what it opened, and nothing else: the counters and the
// record are written in one step.
func TestABeginThatWasCutOffCountsTooMuchAtMost(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	f.register("a", "b")
	limits := idempotency.Limits{Hour: idempotency.Window{Count: 1}}
	if _, err := f.store.Begin(t.Context(), key("a"), idempotency.BeginParams{Attempt: "lost", Lease: lease, Queryable: true, Limits: limits}); err != nil {
		t.Fatal(err)
	}
	// The worker is killed here. Nobody sent a byte, and nobody can know that.
	b, err := f.store.Begin(t.Context(), key("b"), idempotency.BeginParams{Attempt: "b", Lease: lease, Limits: limits})
	if err != nil || b.Blocked != idempotency.HourBrake {
		t.Errorf("%s, blocked by %q: %v", b.Decision, b.Blocked, err)
	}
}

func TestWithoutLimitsABeginTouchesNoCounter(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	f.register("a", "b", "c")
	for _, reference := range []string{"a", "b"} {
		if _, err := f.store.Begin(t.Context(), key(reference), idempotency.BeginParams{Attempt: reference, Lease: lease}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.store.Finish(t.Context(), key("a"), idempotency.AttemptResult{Attempt: "a", Outcome: providers.Outcome{Class: providers.Succeeded}}); err != nil {
		t.Fatal(err)
	}
	if keys := append(f.rdb.Keys(t.Context(), "*limit*").Val(), f.rdb.Keys(t.Context(), "*lookalike*").Val()...); len(keys) > 0 {
		t.Errorf("keys %v", keys)
	}
}

// The counters keep no more buckets than their windows have.
func TestOldBucketsAreDropped(t *testing.T) {
	t.Parallel()
	_, f := newLedgerFixture(t)
	limits := idempotency.Limits{Hour: idempotency.Window{Count: 1000, Sum: 1 << 52}, Day: idempotency.Window{Count: 1000, Sum: 1 << 52}}
	for n := range 60 {
		reference := fmt.Sprintf("p%d", n)
		f.register(reference)
		if _, err := f.store.Begin(t.Context(), key(reference), idempotency.BeginParams{Attempt: reference, Lease: lease, Limits: limits}); err != nil {
			t.Fatal(err)
		}
		f.Advance(31 * time.Minute)
	}
	lens := map[string]int64{}
	for _, name := range f.rdb.Keys(t.Context(), "*limit*").Val() {
		lens[name[strings.LastIndex(name, ":")+1:]] = f.rdb.HLen(t.Context(), name).Val()
	}
	if len(lens) != 4 || lens["hour_sum"] > 14 || lens["hour_count"] > 14 || lens["day_sum"] > 26 || lens["day_count"] > 26 {
		t.Errorf("buckets %v", lens)
	}
}
