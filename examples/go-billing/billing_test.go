package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

// settle plays the worker: the payment is sent and paid.
func settle(t *testing.T, ledger *idempotency.Ledger, reference string) {
	t.Helper()
	key := idempotency.Key{Provider: provider, Account: idempotency.DefaultAccount, Reference: reference}
	begun, err := ledger.Begin(t.Context(), key, idempotency.BeginRequest{Attempt: reference, Lease: time.Minute})
	if err != nil || begun.Verdict != idempotency.Send {
		t.Fatalf("begin: %+v, %v", begun, err)
	}
	if _, err := ledger.Finish(t.Context(), key, idempotency.Report{Attempt: reference, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "P-" + reference}, Next: 0}); err != nil {
		t.Fatal(err)
	}
}

// paid submits payments and settles them.
func paid(t *testing.T, rdb *redis.Client, references ...string) {
	t.Helper()
	ledger := idempotency.NewRedis(rdb, idempotency.Options{})
	for _, reference := range references {
		if err := submit(t.Context(), rdb, reference, "12500"); err != nil {
			t.Fatal(err)
		}
		settle(t, ledger, reference)
	}
}

func newConsumer(rdb *redis.Client, name string, handle func(event) error) consumer {
	return consumer{rdb: rdb, stream: idempotency.OutcomesKey(provider), group: "billing", name: name,
		abandoned: time.Millisecond, wait: 20 * time.Millisecond, handle: handle}
}

func open(t *testing.T, path string) *journal {
	t.Helper()
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.close() })
	return j
}

// until runs a consumer until a condition holds.
func until(t *testing.T, c consumer, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case err := <-ended:
			t.Fatalf("the consumer ended: %v", err)
		case <-ctx.Done():
			t.Fatal("not done in time")
		case <-tick.C:
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// pending is how many events were read and not acknowledged, -1 before there is a group.
func pending(t *testing.T, rdb *redis.Client) int64 {
	t.Helper()
	groups, err := rdb.XInfoGroups(t.Context(), idempotency.OutcomesKey(provider)).Result()
	if err != nil || len(groups) == 0 {
		return -1
	}
	if groups[0].Lag > 0 {
		return groups[0].Lag
	}
	return groups[0].Pending
}

// want checks that each event of the stream is in the journal once, and that each payment is known
// to be paid.
func want(t *testing.T, rdb *redis.Client, path string, references ...string) {
	t.Helper()
	entries, err := rdb.XRange(t.Context(), idempotency.OutcomesKey(provider), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines != len(entries) {
		t.Errorf("%d lines for %d events", lines, len(entries))
	}
	j := open(t, path)
	for _, m := range entries {
		if id := m.Values["event_id"].(string); !j.seen[id] {
			t.Errorf("%s is missing", id)
		}
	}
	for _, reference := range references {
		if e := j.latest[provider+"/"+reference]; e.State != "succeeded" || e.Amount != "12500" {
			t.Errorf("%s: %+v", reference, e)
		}
	}
}

func TestFromSubmissionToOutcome(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	paid(t, rdb, "a", "b")
	if err := submit(t.Context(), rdb, "a", "12500"); err != nil {
		t.Errorf("the same order again: %v", err)
	}
	if err := submit(t.Context(), rdb, "a", "99"); err == nil {
		t.Error("the same order with another amount is accepted")
	}
	path := filepath.Join(t.TempDir(), "journal")
	until(t, newConsumer(rdb, "one", open(t, path).write), func() bool { return pending(t, rdb) == 0 })
	want(t, rdb, path, "a", "b")
}

// TestACrashBetweenReadingAndAcknowledging: somebody else takes over, and nothing is kept twice.
func TestACrashBetweenReadingAndAcknowledging(t *testing.T) {
	t.Parallel()
	errCrash := errors.New("crash")
	for sentence, crash := range map[string]func(*journal, event) error{
		"before it is written down": func(*journal, event) error { return errCrash },
		"after it is written down":  func(j *journal, e event) error { return errors.Join(j.write(e), errCrash) },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.Start(t).Client()
			paid(t, rdb, "a", "b", "c")
			path := filepath.Join(t.TempDir(), "journal")
			j := open(t, path)
			n := 0
			dies := newConsumer(rdb, "dies", func(e event) error {
				if n++; n == 3 {
					return crash(j, e)
				}
				return j.write(e)
			})
			dies.abandoned = time.Hour
			if err := dies.run(t.Context()); !errors.Is(err, errCrash) {
				t.Fatalf("%v", err)
			}
			if left := pending(t, rdb); left <= 0 {
				t.Fatalf("%d events are pending after the crash", left)
			}
			until(t, newConsumer(rdb, "lives", open(t, path).write), func() bool { return pending(t, rdb) == 0 })
			want(t, rdb, path, "a", "b", "c")
		})
	}
}

// TestACrashInTheMiddleOfALine: what was cut short comes again.
func TestACrashInTheMiddleOfALine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	for n := range 2 {
		if err := j.write(event{ID: fmt.Sprintf("virtualpos/a:%d", n+1), Key: "virtualpos/a", State: "queued"}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-5); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	if !again.seen["virtualpos/a:1"] || again.seen["virtualpos/a:2"] {
		t.Errorf("%v", again.seen)
	}
	if err := again.write(event{ID: "virtualpos/a:2", Key: "virtualpos/a", State: "sending"}); err != nil {
		t.Fatal(err)
	}
	if last := open(t, path); len(last.seen) != 2 || last.latest["virtualpos/a"].State != "sending" {
		t.Errorf("%+v", last)
	}
}

// TestWhatIsTakenOverLateChangesNoState: the highest version counts, not the last to come.
func TestWhatIsTakenOverLateChangesNoState(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "journal"))
	for _, e := range []event{{ID: "virtualpos/a:10", Key: "virtualpos/a", State: "succeeded"}, {ID: "virtualpos/a:9", Key: "virtualpos/a", State: "sending"}} {
		if err := j.write(e); err != nil {
			t.Fatal(err)
		}
	}
	if e := j.latest["virtualpos/a"]; e.State != "succeeded" {
		t.Errorf("%+v", e)
	}
}

func TestAnEventWithoutAVersionIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := eventOf(redis.XMessage{Values: map[string]any{"event_id": "nonsense"}}); err == nil {
		t.Error("accepted")
	}
}
