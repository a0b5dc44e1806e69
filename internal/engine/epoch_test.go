package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/journal"
	"github.com/remesa/remesa/providers"
)

// forgetAll empties Redis at once, except for the clock of the test.
func (r *fixture) forgetAll() { r.restore(nil) }

// restore makes Redis hold these values and nothing else, at once, except for the clock.
func (r *fixture) restore(held map[string]string) {
	r.t.Helper()
	pipe := r.rdb.TxPipeline()
	for _, name := range r.names() {
		pipe.Del(context.Background(), name)
	}
	for name, value := range held {
		pipe.RestoreReplace(context.Background(), name, 0, value)
	}
	if _, err := pipe.Exec(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// names are the keys in Redis, except for the clock's.
func (r *fixture) names() []string {
	r.t.Helper()
	names, err := r.rdb.Keys(context.Background(), "*").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, ":clock") })
}

// snapshot notes all that Redis holds, except for the clock; restore writes it back.
func (r *fixture) snapshot() (restore func()) {
	r.t.Helper()
	held := map[string]string{}
	for _, name := range r.names() {
		held[name] = r.rdb.Dump(r.t.Context(), name).Val()
	}
	return func() { r.restore(held) }
}

func (r *fixture) loss() *idempotency.Loss { return r.epoch().Loss }

// epoch is the zero Epoch while there is none.
func (r *fixture) epoch() (e idempotency.Epoch) {
	r.t.Helper()
	text := r.rdb.Get(r.t.Context(), "remesa:{virtualpos}:epoch").Val()
	if text == "" {
		return e
	}
	if err := e.Parse(text); err != nil {
		r.t.Fatalf("%q: %v", text, err)
	}
	return e
}

func (r *fixture) awaitAll(s idempotency.State, ks []idempotency.Key) {
	r.t.Helper()
	for _, k := range ks {
		r.awaitState(k, s)
	}
}

func (r *fixture) sentOnce(ks []idempotency.Key) {
	r.t.Helper()
	for _, k := range ks {
		if n := r.provider.sends(k.Reference); n != 1 {
			r.t.Errorf("%s sent %d times", k, n)
		}
	}
}

// TestAnEmptiedStoreIsFilledAgainByItsWorkers: whoever submits the same file again pays nobody
// twice, and the loss ends once the worker has reported each send.
func TestAnEmptiedStoreIsFilledAgainByItsWorkers(t *testing.T) {
	r := newClockFixture(t)
	ks := keys(20, "default")
	r.submit(ks...)
	r.run()
	r.awaitAll(idempotency.Succeeded, ks)
	r.forgetAll()
	r.submit(ks...)
	r.awaitAll(idempotency.Succeeded, ks)
	r.until("the loss has ended", func() bool { return r.loss() == nil })
	later := key("later")
	r.submit(later)
	r.advance(2 * time.Minute)
	r.awaitState(later, idempotency.Succeeded)
	r.sentOnce(append(ks, later))
}

// TestARestoredSnapshotPaysNobodyTwice: the payments wait again as they did before they were sent,
// and halts are forgotten. One worker remembers.
func TestARestoredSnapshotPaysNobodyTwice(t *testing.T) {
	r := newClockFixture(t)
	ks := keys(20, "default")
	r.submit(ks...)
	restore := r.snapshot()
	r.run()
	r.awaitAll(idempotency.Succeeded, ks)
	if err := r.ledger.Halt(t.Context(), "virtualpos", "west", ana); err != nil {
		t.Fatal(err)
	}
	r.until("the worker knows of the halt", func() bool { return len(r.haltsSeen()) > 0 })
	restore()
	r.awaitAll(idempotency.Succeeded, ks)
	r.until("the halt is back", func() bool {
		halts, err := r.ledger.Halts(t.Context(), "virtualpos")
		return err == nil && len(halts) == 1
	})
	r.sentOnce(ks)
}

// haltsSeen are the halts as they stood after two whole ticks of the janitor.
func (r *fixture) haltsSeen() map[string]string {
	r.t.Helper()
	halts, err := r.ledger.Halts(r.t.Context(), "virtualpos")
	if err != nil {
		r.t.Fatal(err)
	}
	r.ticks(2)
	return halts
}

// ticks waits until the janitor has begun that many ticks.
func (r *fixture) ticks(n int64) {
	r.t.Helper()
	read := func() int64 {
		info := r.rdb.Info(r.t.Context(), "commandstats").Val()
		_, rest, _ := strings.Cut(info, "cmdstat_info:calls=")
		var calls int64
		_, _ = fmt.Sscanf(rest, "%d", &calls)
		return calls
	}
	start, own := read(), int64(0)
	r.until("the janitor ticks", func() bool {
		own++
		return read()-start-own > 2*n
	})
}

// TestWhatNoWorkerRemembersIsQueriedFirst: the worker that sent is gone, and an operator declares
// the loss. What the provider knows is adopted, the rest is held until an operator sends it.
func TestWhatNoWorkerRemembersIsQueriedFirst(t *testing.T) {
	r := newClockFixture(t)
	known, unknown := key("known"), key("unknown")
	r.submit(known, unknown)
	restore := r.snapshot()
	r.provider.behave("known", scriptedReplies{pay: outcome(providers.Succeeded), results: statusResults{statusResult(providers.Succeeded)}})
	stop := r.run()
	r.awaitState(known, idempotency.Succeeded)
	stop()
	sent := r.provider.sends("unknown")
	restore()
	if err := r.ledger.DeclareLoss(t.Context(), "virtualpos", time.Time{}, ana); err != nil {
		t.Fatal(err)
	}
	r.provider.behave("unknown", scriptedReplies{pay: outcome(providers.Succeeded), results: statusResults{statusResult(providers.NotFound)}})
	r.run()
	r.until("the provider was asked about both", func() bool {
		r.advance(time.Minute)
		return r.show(known).State == idempotency.Succeeded && r.show(unknown).State == idempotency.Held
	})
	if n := r.provider.sends("known"); n != 1 {
		t.Errorf("the known one was sent %d times", n)
	}
	if n := r.provider.sends("unknown"); n != sent {
		t.Errorf("the unknown one was sent %d times more", n-sent)
	}
	if _, err := r.ledger.SendForgotten(t.Context(), unknown, r.show(unknown).Version, ana); err != nil {
		t.Fatal(err)
	}
	r.until("it is sent", func() bool {
		r.advance(time.Second)
		return r.show(unknown).State == idempotency.Succeeded
	})
}

// TestAJournalRemembersForADeadWorker: the worker has ended, and the store forgot what it sent, or
// the whole payment. The next worker of that machine knows.
func TestAJournalRemembersForADeadWorker(t *testing.T) {
	for _, row := range []struct {
		says   string
		forget func(*fixture)
	}{
		{"the store went back", func(r *fixture) { r.submit(key("p")) }},
		{"the store is empty", func(*fixture) {}},
	} {
		t.Run(row.says, func(t *testing.T) {
			r := newClockFixture(t)
			r.provider.behave("p", scriptedReplies{results: statusResults{statusResult(providers.Succeeded)}})
			row.forget(r)
			dir := t.TempDir()
			registered := r.task(key("p")).Registration(nil)
			line, err := json.Marshal(journal.Entry{
				Provider: "virtualpos", Account: "default", Reference: "p", Attempt: "dead", Sequence: 3, Epoch: 1, LeaseEnd: 1, Type: "payout",
				Fingerprint: registered.Fingerprint, Amount: registered.Amount, Currency: registered.Currency, Queryable: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir+"/dead.journal", append(line, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
			kept, err := journal.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			r.run(func(o *Options) { o.Journal = kept })
			r.awaitState(key("p"), idempotency.Succeeded)
			if n := r.provider.sends("p"); n != 0 {
				t.Errorf("sent %d times more", n)
			}
			if loss := r.loss(); loss == nil || loss.Missing() != 3 {
				t.Errorf("loss %+v, want three sends", loss)
			}
			r.until("the journal knows the outcome", func() bool {
				e := kept.Entries()
				return len(e) == 1 && e[0].Class == "in_doubt"
			})
		})
	}
}

// brokenJournal is a disk that takes nothing.
type brokenJournal struct{ Journal }

func (brokenJournal) Intend(journal.Entry) error                  { return errors.New("no space left on device") }
func (brokenJournal) Settle(string, string, string, string) error { return nil }
func (brokenJournal) Entries() []journal.Entry                    { return nil }
func (brokenJournal) Sequences() map[string]int64                 { return nil }

// TestNothingIsSentWithoutTheJournal: what is not on disk does not leave.
func TestNothingIsSentWithoutTheJournal(t *testing.T) {
	r := newFixture(t)
	r.submit(key("p"))
	r.run(func(o *Options) { o.Journal = brokenJournal{} })
	r.until("it was tried", func() bool { return len(r.log.lines("JOURNAL NOT WRITTEN")) > 1 })
	if n := r.provider.sends("p"); n != 0 {
		t.Errorf("sent %d times", n)
	}
	r.until("the attempts count as not executed", func() bool { return !r.show(key("p")).MayHaveLeft })
}

// TestASendUnderWayIsAccountedFor: the store forgets it while the provider has it. Its worker
// reports it when it ends, and the loss ends.
func TestASendUnderWayIsAccountedFor(t *testing.T) {
	r := newClockFixture(t)
	g := newGate()
	r.provider.behave("p", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
	r.submit(key("p"))
	restore := r.snapshot()
	r.run()
	wait(t, "the send", g.entered)
	restore()
	r.until("the loss is proven", func() bool { return r.epoch().Loss != nil })
	close(g.leave)
	r.awaitState(key("p"), idempotency.Succeeded)
	r.until("the loss has ended", func() bool { return r.loss() == nil })
	if n := r.provider.sends("p"); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// TestTheJournalFollowsAPayment: on disk before the send, settled after it.
func TestTheJournalFollowsAPayment(t *testing.T) {
	r := newFixture(t)
	kept, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	g := newGate()
	r.provider.behave("p", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
	r.submit(key("p"))
	r.run(func(o *Options) { o.Journal = kept })
	wait(t, "the send", g.entered)
	if e := kept.Entries(); len(e) != 1 || e[0].Class != "" || e[0].Sequence != 1 || e[0].Fingerprint == "" {
		t.Fatalf("while it is sent: %+v", e)
	}
	close(g.leave)
	r.awaitState(key("p"), idempotency.Succeeded)
	r.until("settled", func() bool { return kept.Entries()[0].Class == "succeeded" })
}

// silentLedger takes no result of an attempt.
type silentLedger struct{ Ledger }

func (silentLedger) Finish(context.Context, idempotency.Key, idempotency.AttemptResult) (idempotency.Transition, error) {
	return idempotency.Transition{}, errors.New("LOADING Redis is loading the dataset in memory")
}

// TestAResultThatWasNotWrittenStaysOpenOnTheJournal: the worker ends before the store takes it, and
// the next one must still report the attempt.
func TestAResultThatWasNotWrittenStaysOpenOnTheJournal(t *testing.T) {
	r := newFixture(t)
	kept, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r.submit(key("p"))
	stop := r.run(func(o *Options) {
		o.Journal, o.Ledger = kept, silentLedger{o.Ledger}
		o.RequestTimeout, o.AttemptDeadline, o.Lease = 100*time.Millisecond, 300*time.Millisecond, 400*time.Millisecond
		o.TaskTimeout, o.ShutdownTimeout = 500*time.Millisecond, 600*time.Millisecond
	})
	r.until("it was sent", func() bool { return r.provider.sends("p") == 1 && len(r.log.lines("result not written yet")) > 0 })
	stop()
	if len(r.log.lines("RESULT NOT WRITTEN")) != 1 {
		t.Fatalf("the worker did not give up: %s", r.log)
	}
	if e := kept.Entries(); len(e) != 1 || e[0].Class != "" {
		t.Errorf("the journal has %+v", e)
	}
}
