package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

func (d *fixture) lossShown(got commandResult) lossView {
	d.t.Helper()
	wantCode(d.t, "forgot", got, 0)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	var v lossView
	d.must(json.Unmarshal([]byte(lines[len(lines)-1]), &v))
	return v
}

// suspect is a payment that a worker begins while the store is known to have forgotten sends.
func (d *fixture) suspect(key string, queryable bool) idempotency.Key {
	d.t.Helper()
	k := d.queued(key)
	b, err := d.ledger.Begin(d.t.Context(), k, idempotency.BeginParams{Attempt: idempotency.NewAttempt(), Lease: time.Minute, Queryable: queryable})
	d.must(err)
	if b.Decision == idempotency.Send {
		d.t.Fatalf("%s is sent without a query", key)
	}
	return k
}

// notFound has the provider not know a payment, twice.
func (d *fixture) notFound(k idempotency.Key) {
	d.t.Helper()
	for range 40 {
		q, err := d.ledger.StartQuery(d.t.Context(), k)
		d.must(err)
		t, err := d.ledger.RecordStatus(d.t.Context(), k, idempotency.StatusResult{
			Version: q.Version, QueriedAt: q.QueriedAt, Outcome: providers.Outcome{Class: providers.NotFound},
		})
		d.must(err)
		if t.State == idempotency.Held {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	d.t.Fatalf("%s is not held", k)
}

// TestForgot walks through a restored backup: what waits is queried first, and what nobody found is
// sent once the operator has repeated count and sum.
func TestForgot(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.ledger = idempotency.NewRedis(d.server.Client(), idempotency.Options{Default: quickPolicy()})
	waiting := d.queued("virtualpos/waiting")
	v := d.lossShown(d.byHand("forgot open --provider virtualpos --at 3h"))
	if v.Loss == nil || v.Loss.Declared != "Ana: told by the bank" || v.Loss.At == "" || v.Loss.Missing != 0 || v.Waiting != 1 || v.Epoch != 1 {
		t.Fatalf("%+v, loss %+v", v, v.Loss)
	}
	wantCode(t, "a suspect payment is not cancelled", d.byHand("cancel "+waiting.String()), 2)
	d.notFound(d.suspect("virtualpos/absent1", true))
	d.notFound(d.suspect("virtualpos/absent2", true))
	d.suspect("virtualpos/asked", true)
	d.suspect("virtualpos/mute", false)
	v = d.lossShown(d.run("forgot", "show", "--provider", "virtualpos"))
	for fate, n := range map[string]int{suspectNotFound: 2, suspectQueried: 1, suspectUnqueried: 1} {
		if s := v.Suspects[fate]; s == nil || s.Count != n || s.Sums["CLP"] != map[int]string{1: "100", 2: "200"}[n] {
			t.Errorf("%s: %+v, want %d", fate, s, n)
		}
	}
	for _, args := range []string{"", " --expect-count 3 --expect-sum CLP=200", " --expect-count 2", " --expect-count 2 --expect-sum CLP=201",
		" --expect-count 2 --expect-sum CLP=200 --expect-sum MXN=1"} {
		got := d.byHand("forgot close --provider virtualpos --send-not-found" + args)
		wantCode(t, "closed with"+args, got, 2)
		if !strings.Contains(got.err, "--expect-count 2 --expect-sum CLP=200") || got.out != "" {
			t.Errorf("with%q: %s %s", args, got.out, got.err)
		}
	}
	got := d.byHand("forgot close --provider virtualpos --send-not-found --expect-count 2 --expect-sum CLP=200")
	v = d.lossShown(got)
	if v.Loss != nil || strings.Count(got.out, `"state":"ready"`) != 2 || v.Suspects[suspectSentAgain].Count != 2 {
		t.Errorf("%s", got.out)
	}
	wantCode(t, "closed twice", d.byHand("forgot close --provider virtualpos"), 2)
	d.lossShown(d.byHand("forgot close --provider virtualpos --send-unqueried --confirm-count 1 --confirm-sum CLP=100"))
}

func TestForgotUsage(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"forgot open --provider virtualpos --by a", "forgot open --provider nobody --by a --note b", "forgot close --provider virtualpos",
		"forgot open --provider virtualpos --at yesterday --by a --note b", "forgot show",
		"forgot close --provider virtualpos --expect-count 2 --by a --note b",
		"forgot close --provider virtualpos --send-not-found --expect-sum CLP --by a --note b",
	} {
		wantCode(t, args, enqueuePlain(t, environment("REMESA_REDIS_URL=redis://127.0.0.1:1"), nil, strings.Fields(args)...), exitUsage)
	}
}

func quickPolicy() idempotency.Policy {
	p := idempotency.DefaultPolicy()
	p.SettleTime, p.NotFoundInterval = time.Millisecond, time.Millisecond
	return p
}
