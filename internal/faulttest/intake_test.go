package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/tasks"
)

// file writes the tasks as JSON Lines.
func file(t testing.TB, ts ...tasks.Task) string {
	t.Helper()
	var lines bytes.Buffer
	for _, task := range ts {
		lines.Write(append(task.Payload(), '\n'))
	}
	path := filepath.Join(t.TempDir(), "payouts.jsonl")
	if err := os.WriteFile(path, lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// results counts the lines of `enqueue submit` by result.
func results(t testing.TB, output string) map[tasks.SubmitResult]int {
	t.Helper()
	n := map[tasks.SubmitResult]int{}
	for line := range strings.Lines(output) {
		var r struct {
			Result tasks.SubmitResult `json:"result"`
		}
		if json.Unmarshal([]byte(line), &r) == nil && r.Result != "" {
			n[r.Result]++
		}
	}
	return n
}

// enqueue runs a command of its own process to its end.
func (w *fixture) enqueue(args ...string) *processtest.Process {
	w.t.Helper()
	w.started++
	return start(w.t, fmt.Sprintf("enqueue-%d", w.started), enqueue, w.settings, args...)
}

func TestASubmitterDiesBeforeItWakesAnybody(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil)
	in, err := os.Open(file(t, w.newPayments(20)...))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := processtest.Command(os.Args[0], map[string]string{roleVariable: dieBeforeWake, addrVariable: w.redis.Addr()})
	cmd.Stdin = in
	p := processtest.Start(t, "submitter", cmd)
	p.Exit(testTimeout)
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGKILL {
		t.Fatalf("the submitter was to be killed: %s\n%s", cmd.ProcessState, p.Output())
	}
	if n, err := w.rdb.Exists(t.Context(), "asynq:{virtualpos}:pending").Result(); err != nil || n > 0 {
		t.Fatalf("it woke somebody before it died: %d %v", n, err)
	}
	w.work(1)
	w.awaitSettled(w.certainty() + 10*time.Second) // the first wake-up by the due index comes after ten seconds
	all(t, w.audit(allowances{}), idempotency.Succeeded)
}

func TestASubmitCommandIsKilled(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil)
	lines := file(t, w.newPayments(either(5000, 50000))...)
	w.work(1)
	p := w.enqueue("submit", lines)
	eventually.NoError(t, testTimeout, func() error {
		if len(results(t, p.Output())) == 0 {
			return errors.New("no result line yet")
		}
		return nil
	})
	p.Kill()
	w.assertReported(p.Output())
	w.enqueue("submit", lines).Exit(either(testTimeout, 10*time.Minute)) // what was not reported may be submitted again
	w.awaitSettled(testTimeout)
	all(t, w.audit(allowances{}), idempotency.Succeeded)
}

// assertReported demands that what submit reported is in the ledger, and that it was killed before
// it had reported everything.
func (w *fixture) assertReported(output string) {
	w.t.Helper()
	n := 0
	for line := range strings.Lines(output) {
		var r struct {
			Key string `json:"key"`
		}
		if json.Unmarshal([]byte(line), &r) != nil || r.Key == "" {
			continue
		}
		n++
		k, err := idempotency.ParseKey(r.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.ledger.Show(context.Background(), k); err != nil {
			w.t.Errorf("reported, and lost: %s", err)
		}
	}
	if n == 0 || n == len(w.payments) {
		w.t.Errorf("%d of %d were reported: it was not killed in mid-file", n, len(w.payments))
	}
}

func TestAFileIsSubmittedThreeTimesAtOnce(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil)
	lines := file(t, w.newPayments(300)...)
	w.work(2)
	var submits []*processtest.Process
	for range 3 {
		submits = append(submits, w.enqueue("submit", lines))
	}
	sum := map[tasks.SubmitResult]int{}
	for _, p := range submits {
		if code := p.Exit(testTimeout); code != 0 {
			t.Errorf("submit: exit code %d\n%s", code, p.Output())
		}
		for outcome, n := range results(t, p.Output()) {
			sum[outcome] += n
		}
	}
	if sum[tasks.Enqueued] != 300 || sum[tasks.Duplicate] != 600 {
		t.Errorf("%v, want 300 enqueued and 600 duplicates", sum)
	}
	w.awaitSettled(time.Minute)
	all(t, w.audit(allowances{}), idempotency.Succeeded)
}

func TestAnotherAmountIsAConflict(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before it is sent", "after it is settled"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, nil)
			task := w.newPayment("a")
			w.submit(task)
			if when == "after it is settled" {
				w.work(1)
				w.awaitSettled(testTimeout)
			}
			other := file(t, task)
			text, err := os.ReadFile(other)
			if err != nil {
				t.Fatal(err)
			}
			changed := bytes.Replace(text, []byte(`"amount":"1001"`), []byte(`"amount":"1002"`), 1)
			if err := os.WriteFile(other, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			p := w.enqueue("submit", other)
			if code := p.Exit(testTimeout); code != 2 || results(t, p.Output())[tasks.Conflict] != 1 {
				t.Errorf("exit code %d, want 2 and a conflict\n%s", code, p.Output())
			}
			w.work(1)
			w.awaitSettled(testTimeout)
			all(t, w.audit(allowances{}), idempotency.Succeeded) // with the first amount
		})
	}
}
