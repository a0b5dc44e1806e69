package idempotency_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// TestOnlyAStepThatNeedsTheDetailsReadsThem counts the GETs of each step: one of the record, one
// more of it inside the commit, and one of the payload where the step hands that out.
func TestOnlyAStepThatNeedsTheDetailsReadsThem(t *testing.T) {
	_, b := newLedgerFixture(t)
	b.register("warm") // scripts are loaded once
	ctx, k, attempt := t.Context(), key("a"), idempotency.NewAttempt()
	// The clock of these tests is a GET, too, once beside what is read and once in a commit that
	// has an age.
	for _, row := range []struct {
		operation string
		gets      int
		do        func() error
	}{
		{"register", 4, func() error { _, err := b.store.Register(ctx, registration("a")); return err }},
		{"register again", 2, func() error { _, err := b.store.Register(ctx, registration("a")); return err }},
		{"begin", 5, func() error {
			begun, err := b.store.Begin(ctx, k, idempotency.BeginParams{Attempt: attempt, Lease: time.Minute, Queryable: true})
			if string(begun.Payload) != "payload" {
				t.Errorf("begun with the payload %q", begun.Payload)
			}
			return err
		}},
		{"checkpoint", 4, func() error { return b.store.Checkpoint(ctx, k, attempt, nil, true) }},
		{"finish", 4, func() error {
			_, err := b.store.Finish(ctx, k, idempotency.AttemptResult{Attempt: attempt, Outcome: providers.Outcome{Class: providers.Pending}})
			return err
		}},
		{"start query", 3, func() error {
			q, err := b.store.StartQuery(ctx, k)
			if string(q.Payload) != "payload" {
				t.Errorf("queried with the payload %q", q.Payload)
			}
			return err
		}},
	} {
		b.must(b.rdb.ConfigResetStat(ctx).Err())
		b.must(row.do())
		if got := b.gets(); got != row.gets {
			t.Errorf("%s: %d GETs, want %d", row.operation, got, row.gets)
		}
	}
}

func (b *ledgerFixture) gets() int {
	b.t.Helper()
	info, err := b.rdb.Info(b.t.Context(), "commandstats").Result()
	b.must(err)
	_, rest, _ := strings.Cut(info, "cmdstat_get:calls=")
	number, _, _ := strings.Cut(rest, ",")
	n, err := strconv.Atoi(number)
	b.must(err)
	return n
}
