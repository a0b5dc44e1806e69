package faulttest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/tasks"
)

const partitionsVariable = "REMESA_VIRTUALPOS_PARTITIONS"

// TestTheNumberOfPartitionsIsRaised is the drill of docs/partitions.md with real processes, from
// one partition to three and to six: payments are in every state, the command that moves them is
// killed on the way, a worker was forgotten. Nothing is lost, nothing is paid twice, and whoever
// has another number is turned away meanwhile.
func TestTheNumberOfPartitionsIsRaised(t *testing.T) {
	t.Parallel()
	masters := redistest.StartMasters(t, 3, redistest.Appendonly("always"))
	w := newFixtureAt(t, defaultTiming(), masters.URL(), masters.Client(t), nil, "REMESA_VIRTUALPOS_LIMIT_AMOUNT", "900000")
	w.workReady(2)
	kinds := w.paymentsInEveryState()
	w.refused(2, "serves virtualpos", "partitions", "--provider", w.provider, "--to", "3")
	forgotten := w.forgetAWorker()
	killed := 0
	for _, step := range [][2]int{{1, 3}, {3, 6}} {
		if w.killWhileMoving(step[0], step[1]) {
			killed++
			w.assertNothingIsTwice(masters)
			w.assertOthersAreTurnedAway(step[0], step[1])
		}
		if moved := w.command("partitions", "--provider", w.provider, "--to", strconv.Itoa(step[1])); moved[0]["partitions"] != float64(step[1]) {
			t.Errorf("raised: %v", moved)
		}
		w.relearn(step[1])
	}
	if killed == 0 {
		t.Error("no move was killed before its end")
	}
	w.assertNothingIsTwice(masters)
	forgotten.Cont()
	forgotten.Await(testTimeout, "this process is set to 1", ";")
	w.goOn(kinds)
	w.compareAll(kinds)
	drain(forgotten)
}

// payout is a kind of payments: the beginning of their references, and how many there are.
type payout struct {
	name string
	n    int
	// after is what becomes of them in the end.
	after idempotency.State
}

// paymentsInEveryState makes some in each that a worker or an operator may leave them in, and stops
// all sends.
func (w *fixture) paymentsInEveryState() []payout {
	w.t.Helper()
	kinds := []payout{
		{"paid", 100, idempotency.Succeeded}, {"declined", 10, idempotency.Failed}, {"doubt", 10, idempotency.Succeeded}, {"held", 10, idempotency.Succeeded},
		{"blocked", 5, idempotency.Succeeded}, {"pending", 10, idempotency.Succeeded}, {"ready", 1, idempotency.Succeeded},
		{"queued", 30, idempotency.Succeeded}, {"later", 2500, idempotency.Failed},
	}
	prefix := func(name string) string { return w.prefix + name + "." }
	w.simulator.setFaults(
		sandbox.Fault{Kind: "decline", Reference: prefix("declined")},
		sandbox.Fault{Kind: "hang_up_after", Reference: prefix("doubt")}, sandbox.Fault{Kind: "bare_404", Reference: prefix("doubt")},
		sandbox.Fault{Kind: "hang_up_before", Reference: prefix("held"), Next: 10},
		sandbox.Fault{Kind: "pending", Reference: prefix("pending"), Polls: 5},
		sandbox.Fault{Kind: "throttled", Operation: sandbox.SendOperation, Reference: prefix("ready"), Next: 1, RetryAfter: "3600"},
	)
	w.submitKinds(kinds[:5])
	w.awaitStates(map[idempotency.State]int64{idempotency.InDoubt: 10, idempotency.Held: 10, idempotency.Blocked: 5, idempotency.Failed: 10})
	w.submitKinds(kinds[5:6])
	w.awaitSome(idempotency.Pending, 10)
	w.submitKinds(kinds[6:7])
	w.awaitSome(idempotency.Ready, 1)
	w.command("halt", "--provider", w.provider, "--by", "ana", "--note", "partitions")
	w.submitKinds(kinds[7:])
	w.awaitSome(idempotency.Queued, 2530)
	w.awaitNone(idempotency.Sending)
	return kinds
}

func (w *fixture) submitKinds(kinds []payout) {
	w.t.Helper()
	var ts []tasks.Task
	for _, kind := range kinds {
		for i := range kind.n {
			p := tasks.Payout{MerchantID: fmt.Sprintf("%s%s.%d", w.prefix, kind.name, i)}
			switch kind.name {
			case "blocked":
				p.Amount = strconv.Itoa(900_001 + i)
			case "later":
				p.NotBefore = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
			}
			ts = append(ts, w.newPayout(p))
		}
	}
	w.submit(ts...)
}

// awaitStates waits until so many payments are in each state, and no others are open.
func (w *fixture) awaitStates(want map[idempotency.State]int64) {
	w.t.Helper()
	eventually.NoError(w.t, testTimeout, func() error {
		counts, err := w.counts()
		if err != nil {
			return err
		}
		for _, s := range idempotency.States() {
			if counts[s] != want[s] && s != idempotency.Succeeded {
				return fmt.Errorf("%v, want %v", counts, want)
			}
		}
		return nil
	})
}

func (w *fixture) keysOf(prefix string) []idempotency.Key {
	var keys []idempotency.Key
	for reference := range w.payments {
		if strings.HasPrefix(reference, prefix) {
			keys = append(keys, w.key(reference))
		}
	}
	slices.SortFunc(keys, func(a, b idempotency.Key) int { return strings.Compare(a.Reference, b.Reference) })
	return keys
}

func (w *fixture) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// refused runs a command that must end with this code and say this.
func (w *fixture) refused(code int, says string, args ...string) {
	w.t.Helper()
	p := w.enqueue(args...)
	if got := p.Exit(testTimeout); got != code || !strings.Contains(p.Output(), says) {
		w.t.Errorf("enqueue %s: exit %d, want %d and %q\n%s", strings.Join(args, " "), got, code, says, p.Output())
	}
}

// forgetAWorker stops all workers but one, which nobody knows of any more: it is frozen, and asynq
// has forgotten it.
func (w *fixture) forgetAWorker() *processtest.Process {
	w.t.Helper()
	forgotten := w.workers[0]
	w.workers = w.workers[1:]
	w.drain()
	forgotten.Stop()
	inspector := asynq.NewInspectorFromRedisClient(w.rdb)
	eventually.NoError(w.t, testTimeout, func() error {
		servers, err := inspector.Servers()
		if err == nil && len(servers) > 0 {
			err = fmt.Errorf("asynq knows of %d workers", len(servers))
		}
		return err
	})
	return forgotten
}

// killWhileMoving kills the command that raises the number when the first payments have come into
// the newest partition, and reports whether others were still to come.
func (w *fixture) killWhileMoving(from, to int) bool {
	w.t.Helper()
	p := w.enqueue("partitions", "--provider", w.provider, "--to", strconv.Itoa(to))
	newest := idempotency.Partition{Provider: w.provider, Number: to - 1}
	for !p.Gone() && w.rdb.ZCard(w.t.Context(), "remesa:{"+newest.String()+"}:states").Val() == 0 {
		pause(time.Millisecond)
	}
	p.Kill()
	number, err := w.rdb.Get(w.t.Context(), "remesa:{virtualpos}:partitions").Result()
	w.t.Logf("killed while it moved to %d: the number on record is %q, %v", to, number, err)
	return number == fmt.Sprintf("%d>%d", from, to)
}

// assertNothingIsTwice finds each payment in one partition, or on its way out of one.
func (w *fixture) assertNothingIsTwice(masters *redistest.Nodes) {
	w.t.Helper()
	recorded, moving := map[string]int{}, map[string]int{}
	for _, node := range masters.Masters {
		keys, err := node.Client().Keys(w.t.Context(), "remesa:{virtualpos*").Result()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, key := range keys {
			_, rest, _ := strings.Cut(key, "}:")
			if reference, is := strings.CutPrefix(rest, "p:"); is {
				recorded[reference]++
			}
			if reference, is := strings.CutPrefix(rest, "moving:"); is {
				moving[reference]++
			}
		}
	}
	w.t.Logf("%d are recorded, %d on their way", len(recorded), len(moving))
	for reference := range w.payments {
		if n, m := recorded[reference], moving[reference]; n > 1 || m > 1 || n+m == 0 {
			w.t.Errorf("%s is recorded %d times, and %d times on its way", reference, n, m)
		}
	}
	if len(recorded) > len(w.payments) {
		w.t.Errorf("%d are recorded, want %d at most", len(recorded), len(w.payments))
	}
}

// assertOthersAreTurnedAway starts what must not work while payments are moved: workers of either
// number, and a producer that submits again what was taken in.
func (w *fixture) assertOthersAreTurnedAway(from, to int) {
	w.t.Helper()
	for _, number := range []int{from, to} {
		p := start(w.t, "another worker", worker, w.with(partitionsVariable, strconv.Itoa(number)), "run")
		if code := p.Exit(testTimeout); code != 1 || !strings.Contains(p.Output(), "being moved") {
			w.t.Errorf("a worker with %d partitions: exit %d\n%s", number, code, p.Output())
		}
	}
	var again []tasks.Task
	for _, k := range w.keysOf(w.prefix + "paid.") {
		again = append(again, w.payments[k.Reference].task)
	}
	w.refused(1, "being moved", "submit", file(w.t, again...))
}

// relearn forgets the number of partitions that this process knows, and sets it for workers.
func (w *fixture) relearn(n int) {
	w.t.Helper()
	w.settings[partitionsVariable] = strconv.Itoa(n)
	w.ledger = idempotency.NewRedis(w.rdb, idempotency.Options{FirstWake: 3 * time.Second, Partitions: idempotency.Partitions{w.provider: n}})
	w.client = tasks.NewClient(w.ledger, w.rdb, tasks.ClientOptions{})
}

// goOn starts workers with the new number, and has an operator decide what waits for one.
func (w *fixture) goOn(kinds []payout) {
	w.t.Helper()
	by := []string{"--by", "ana", "--note", "after the move"}
	many := func(kind payout, command ...string) {
		var lines strings.Builder
		sum := 0
		for _, k := range w.keysOf(w.prefix + kind.name + ".") {
			fmt.Fprintln(&lines, k)
			amount, _ := strconv.Atoi(w.payments[k.Reference].amount)
			sum += amount
		}
		command = append(command, "--file", w.write(kind.name, lines.String()), "--confirm-count", strconv.Itoa(kind.n), "--confirm-sum", "CLP="+strconv.Itoa(sum))
		if done := w.command(append(command, by...)...); len(done) != kind.n {
			w.t.Errorf("enqueue %s: %d of %d", strings.Join(command, " "), len(done), kind.n)
		}
	}
	w.simulator.call(http.MethodDelete, "/_faults", nil)
	w.workReady(2)
	for _, kind := range kinds {
		switch kind.name {
		case "blocked":
			many(kind, "release")
		case "later":
			many(kind, "cancel")
		case "ready": // it keeps the time that the provider gave it, unless an operator lets it go
			w.command(append([]string{"retry", w.key(w.prefix + "ready.0").String()}, by...)...)
		case "held":
			many(kind, "resolve", "--as", "not-received")
			many(kind, "retry", "--accept-double-risk")
		}
	}
	w.command(append([]string{"unhalt", "--provider", w.provider}, by...)...)
	// A worker that was forgotten, or a halt, may have used up two wake-ups of a payment.
	w.awaitSettled(w.certainty() + thirdWakeUp)
}

// compareAll compares what the provider executed, what the ledger has, what the streams of all
// partitions tell, and what is counted and exported of them.
func (w *fixture) compareAll(kinds []payout) {
	w.t.Helper()
	states := map[idempotency.State]int{}
	found := w.audit(allowances{})
	for _, kind := range kinds {
		states[kind.after] += kind.n
		for _, k := range w.keysOf(w.prefix + kind.name + ".") {
			if f := found[k.Reference]; f.record.State != kind.after {
				w.t.Errorf("%s, want %s\n%s", k, kind.after, f)
			}
		}
	}
	succeeded := states[idempotency.Succeeded]
	if executed := len(w.simulator.book().Executions); executed != succeeded {
		w.t.Errorf("the provider executed %d payments, want %d", executed, succeeded)
	}
	if told := len(w.command("watch", "--from", "0", "--no-follow", "--provider", w.provider)); told < len(w.stream()) {
		w.t.Errorf("watch tells %d events, the streams have %d", told, len(w.stream()))
	}
	exported := w.enqueue("export", "--provider", w.provider)
	if code, n := exported.Exit(testTimeout), strings.Count(exported.Output(), `{"hash":`); code != 0 || n != len(w.payments) {
		w.t.Errorf("export: exit %d, %d payments of %d", code, n, len(w.payments))
	}
	w.awaitCounted(succeeded)
}

// awaitCounted waits until workers have counted that many successes.
func (w *fixture) awaitCounted(want int) {
	w.t.Helper()
	eventually.NoError(w.t, testTimeout, func() error {
		n := 0.0
		for _, figure := range w.command("totals", "--from", time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly), "--provider", w.provider) {
			if count, is := figure["count"].(float64); is && figure["state"] == "succeeded" {
				n += count
			}
		}
		if n != float64(want) {
			return fmt.Errorf("%.0f successes are counted, want %d", n, want)
		}
		return nil
	})
}
