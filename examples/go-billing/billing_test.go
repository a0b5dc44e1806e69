package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

const patience = 30 * time.Second

func open(t *testing.T, redis string) *tasks.Client {
	t.Helper()
	client, err := tasks.Open(redis, tasks.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// settle acts as the worker: the payment is sent and paid.
func settle(t *testing.T, ledger *idempotency.Ledger, reference string) {
	t.Helper()
	key := idempotency.Key{Provider: virtualpos.Name, Account: idempotency.DefaultAccount, Reference: reference}
	begun, err := ledger.Begin(t.Context(), key, idempotency.BeginParams{Attempt: reference, Lease: time.Minute})
	if err != nil || begun.Decision != idempotency.Send {
		t.Fatalf("begin: %+v, %v", begun, err)
	}
	if _, err := ledger.Finish(t.Context(), key, idempotency.AttemptResult{Attempt: reference, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "P-" + reference}, QueryAfter: 0}); err != nil {
		t.Fatal(err)
	}
}

// paid submits payments and settles them.
func paid(t *testing.T, server *redistest.Server, references ...string) {
	t.Helper()
	ledger := idempotency.NewRedis(server.Client(), idempotency.Options{})
	for _, reference := range references {
		if err := run(t.Context(), server.URL(), []string{"submit", reference, "12500"}); err != nil {
			t.Fatal(err)
		}
		settle(t, ledger, reference)
	}
}

// consume runs a consumer until a condition holds.
func consume(t *testing.T, client *tasks.Client, o tasks.OutcomesOptions, handle func(context.Context, tasks.Event) error, done func() bool) {
	t.Helper()
	o.Group = "billing"
	reader, err := client.Outcomes(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- reader.Run(ctx, handle) }()
	eventually.True(t, patience, "the consumer is done", done)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// pending is how many events were read and not acknowledged, or not read; -1 before there is a
// group.
func pending(t *testing.T, rdb *redis.Client) int64 {
	t.Helper()
	groups, err := rdb.XInfoGroups(t.Context(), idempotency.OutcomesKey(virtualpos.Name)).Result()
	if err != nil || len(groups) == 0 {
		return -1
	}
	return groups[0].Lag + groups[0].Pending
}

// want checks that each event of the stream is in the folder once and whole, and that each payment
// is known to be paid.
func want(t *testing.T, rdb *redis.Client, f folder, references ...string) {
	t.Helper()
	entries, err := rdb.XRange(t.Context(), idempotency.OutcomesKey(virtualpos.Name), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(string(f))
	if err != nil || len(files) != len(entries) {
		t.Errorf("%d files for %d events, %v", len(files), len(entries), err)
	}
	paid := map[any]bool{}
	for _, m := range entries {
		text, err := os.ReadFile(filepath.Join(string(f), url.QueryEscape(m.Values["event_id"].(string))+".json"))
		if err != nil || !strings.HasSuffix(string(text), "}") {
			t.Errorf("%s: %v", m.Values["event_id"], err)
		}
		if strings.Contains(string(text), `"state":"succeeded"`) && strings.Contains(string(text), `"amount":"12500"`) {
			paid[m.Values["reference"]] = true
		}
	}
	for _, reference := range references {
		if !paid[reference] {
			t.Errorf("%s is not known to be paid", reference)
		}
	}
}

func TestFromSubmissionToOutcome(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	paid(t, server, "a", "b")
	if err := run(t.Context(), server.URL(), []string{"submit", "a", "12500"}); err != nil {
		t.Errorf("the same order again: %v", err)
	}
	if err := run(t.Context(), server.URL(), []string{"submit", "a", "99"}); !errors.Is(err, tasks.ErrConflict) {
		t.Errorf("the same order with another amount: %v", err)
	}
	if err := run(t.Context(), server.URL(), nil); err == nil {
		t.Error("no arguments are accepted")
	}
	f, rdb := folder(t.TempDir()), server.Client()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, server.URL(), []string{"consume", string(f)}) }()
	eventually.True(t, patience, "all events are handled", func() bool { return pending(t, rdb) == 0 })
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	want(t, rdb, f, "a", "b")
}

// TestACrashBetweenReadingAndAcknowledging: another consumer takes over, and nothing is kept twice.
// The crash is a handler that fails from there on; package outcomes kills real processes.
func TestACrashBetweenReadingAndAcknowledging(t *testing.T) {
	t.Parallel()
	errCrash := errors.New("crash")
	for sentence, crash := range map[string]func(folder, context.Context, tasks.Event) error{
		"before it is kept": func(folder, context.Context, tasks.Event) error { return errCrash },
		"after it is kept":  func(f folder, ctx context.Context, e tasks.Event) error { return errors.Join(f.keep(ctx, e), errCrash) },
		"in the middle of a file": func(f folder, ctx context.Context, e tasks.Event) error {
			name := filepath.Join(string(f), url.QueryEscape(e.ID)+".json")
			return errors.Join(f.keep(ctx, e), os.Truncate(name, 7), errCrash)
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			paid(t, server, "a", "b", "c")
			client, rdb, f := open(t, server.URL()), server.Client(), folder(t.TempDir())
			var calls atomic.Int64
			consume(t, client, tasks.OutcomesOptions{Consumer: "dies", Abandoned: time.Hour}, func(ctx context.Context, e tasks.Event) error {
				if calls.Add(1) >= 3 {
					return crash(f, ctx, e)
				}
				return f.keep(ctx, e)
			}, func() bool { return calls.Load() > 3 })
			if left := pending(t, rdb); left <= 0 {
				t.Fatalf("%d events are pending after the crash", left)
			}
			consume(t, client, tasks.OutcomesOptions{Consumer: "lives", Abandoned: 100 * time.Millisecond}, f.keep, func() bool { return pending(t, rdb) == 0 })
			want(t, rdb, f, "a", "b", "c")
		})
	}
}
