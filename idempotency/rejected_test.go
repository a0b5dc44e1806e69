package idempotency_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/seal"
)

func rejection(n int) idempotency.RejectedTask {
	return idempotency.RejectedTask{
		Provider: provider, Queue: provider, TaskID: fmt.Sprintf("task-%04d", n), Reason: idempotency.RejectInvalid, Message: "amount: must be positive",
	}
}

// rejectAll tells tasks, none of which was told before.
func rejectAll(t *testing.T, l *idempotency.Ledger, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if told, err := l.RejectTask(t.Context(), rejection(n)); err != nil || !told {
			t.Fatalf("%d: told %t, %v", n, told, err)
		}
	}
}

func listed(t *testing.T, l *idempotency.Ledger) []idempotency.RejectedTask {
	t.Helper()
	all, err := l.RejectedTasks(t.Context(), provider)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheListOfRejectedTasksIsBoundedAndTellsEachOnce(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	clock := "remesa:{" + provider + "}:clock"
	if err := rdb.Set(t.Context(), clock, start.UnixMilli(), 0).Err(); err != nil {
		t.Fatal(err)
	}
	memory, at := idempotency.NewMemory(), start
	memory.Now = func() time.Time { return at }
	for name, store := range map[string]struct {
		ledger *idempotency.Ledger
		tick   func() error
	}{
		"redis":  {idempotency.NewRedis(rdb, idempotency.Options{TestClock: true}), func() error { return rdb.Incr(t.Context(), clock).Err() }},
		"memory": {idempotency.NewLedger(memory, idempotency.Options{}), func() error { at = at.Add(time.Millisecond); return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			for n := range 1003 {
				if err := store.tick(); err != nil {
					t.Fatal(err)
				}
				rejectAll(t, store.ledger, n, n+1)
			}
			wantBounded(t, store.ledger)
		})
	}
	if n := rdb.ZCard(t.Context(), "remesa:{"+provider+"}:rejected").Val(); n != 1000 {
		t.Errorf("the index has %d", n)
	}
	if n := rdb.XLen(t.Context(), idempotency.OutcomesKey(provider)).Val(); n != 1004 {
		t.Errorf("%d events", n)
	}
}

// wantBounded tells the last of 1,003 tasks again, then with another fault: only the latter is new.
func wantBounded(t *testing.T, l *idempotency.Ledger) {
	t.Helper()
	if told, err := l.RejectTask(t.Context(), rejection(1002)); told || err != nil {
		t.Errorf("told again: %t, %v", told, err)
	}
	otherwise := rejection(1002)
	otherwise.Message = "currency: must be CLP"
	if told, err := l.RejectTask(t.Context(), otherwise); !told || err != nil {
		t.Errorf("the same id with another fault: told %t, %v", told, err)
	}
	if all := listed(t, l); len(all) != 1000 || all[0].TaskID != "task-0004" || all[0].Field() != "amount" {
		t.Errorf("%d are listed, the first %+v", len(all), all[0])
	}
}

func TestARejectedTaskIsForgottenAfterAMonth(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	clock := "remesa:{" + provider + "}:clock"
	at := func(d time.Duration) {
		if err := rdb.Set(t.Context(), clock, start.Add(d).UnixMilli(), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	at(0)
	l := idempotency.NewRedis(rdb, idempotency.Options{TestClock: true})
	rejectAll(t, l, 0, 1)
	at(idempotency.RejectedRetention)
	if got := listed(t, l); len(got) != 1 || !got[0].At.Equal(start) {
		t.Errorf("after 30 days: %+v", got)
	}
	at(idempotency.RejectedRetention + time.Millisecond)
	if got := listed(t, l); len(got) != 0 {
		t.Errorf("later: %+v", got)
	}
	rejectAll(t, l, 1, 2)
	if n := rdb.HLen(t.Context(), "remesa:{"+provider+"}:rejected:tasks").Val(); n != 1 {
		t.Errorf("%d are kept", n)
	}
}

func TestTheMessageOfARejectedTaskIsSealed(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l := idempotency.NewRedis(rdb, idempotency.Options{Seal: sealtest.Ring(t, "a")})
	rejectAll(t, l, 0, 1)
	if got := listed(t, l); got[0].Message != "amount: must be positive" || got[0].DecryptErr != nil {
		t.Errorf("%+v", got)
	}
	if text := dump(t, rdb); strings.Contains(text, "must be positive") {
		t.Error("the message is open in Redis")
	}
	if got := listed(t, idempotency.NewRedis(rdb, idempotency.Options{})); got[0].Message != "" || !errors.Is(got[0].DecryptErr, seal.ErrUnknownKey) {
		t.Errorf("without the key: %+v", got)
	}
}

// TestAFullRedisTakesNoRejection: nothing is told, and the task keeps its place in the queue.
func TestAFullRedisTakesNoRejection(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l := idempotency.NewRedis(rdb, idempotency.Options{})
	rejectAll(t, l, 0, 1)
	for setting, value := range map[string]string{"maxmemory-policy": "noeviction", "maxmemory": "1"} {
		if err := rdb.ConfigSet(t.Context(), setting, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if told, err := l.RejectTask(t.Context(), rejection(1)); told || !errors.Is(err, idempotency.ErrFull) {
		t.Errorf("told %t, %v", told, err)
	}
	if entries, err := rdb.XRange(t.Context(), idempotency.OutcomesKey(provider), "-", "+").Result(); err != nil || len(entries) != 1 {
		t.Errorf("%d events, %v", len(entries), err)
	}
}
