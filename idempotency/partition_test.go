package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

func payoutKey(reference string) idempotency.Key {
	return idempotency.Key{Provider: "acme", Account: idempotency.DefaultAccount, Reference: reference}
}

func payout(reference string) idempotency.Registration {
	return idempotency.Registration{
		Key: payoutKey(reference), Type: "payout", Fingerprint: "v1:" + reference, Amount: "1", Currency: "CLP", Payload: []byte("payload of " + reference),
	}
}

// parted is a ledger, as a process with this setting has it.
func parted(rdb redis.UniversalClient, n int) *idempotency.Ledger {
	return idempotency.NewRedis(rdb, idempotency.Options{Partitions: idempotency.Partitions{"acme": n}})
}

// A partition is part of what is stored: the function may never change.
func TestThePartitionOfAKeyNeverChanges(t *testing.T) {
	t.Parallel()
	p := idempotency.Partitions{"acme": 6}
	for key, want := range map[string]string{
		"acme/tef-0001": "acme:1", "acme/tef-0002": "acme:3", "acme/second/tef-0001": "acme:3", "acme/x": "acme:3",
		"acme/SABCDEFGHIPABCDEFGHI": "acme", "other/tef-0001": "other",
	} {
		k, err := idempotency.ParseKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Of(k).String(); got != want {
			t.Errorf("%s is in %s, want %s", key, got, want)
		}
	}
}

// deafStore is one that does not answer about one partition.
type deafStore struct {
	idempotency.Store
	to string
}

func (s deafStore) Halt(ctx context.Context, partition, account, entry string, halted bool) error {
	if partition == s.to {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Store.Halt(ctx, partition, account, entry, halted)
}

// A partition that does not answer keeps no other from being halted.
func TestAHaltReachesEveryPartitionThatAnswers(t *testing.T) {
	t.Parallel()
	memory := idempotency.NewMemory()
	l := idempotency.NewLedger(deafStore{memory, "acme"}, idempotency.Options{Partitions: idempotency.Partitions{"acme": 3}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := l.Halt(ctx, "acme", "", idempotency.Actor{By: "ana", Note: "x"})
	if err == nil || !strings.Contains(err.Error(), "halt acme:") {
		t.Errorf("got %v", err)
	}
	for _, p := range []string{"acme:1", "acme:2"} {
		if halts, err := memory.Halts(t.Context(), p); err != nil || len(halts) != 1 {
			t.Errorf("%s: %v, %v", p, halts, err)
		}
	}
}

func TestReferencesSpreadOverPartitions(t *testing.T) {
	t.Parallel()
	const n = 30_000
	for _, form := range []string{"tef-%06d", "%d", "2026-11-27.%d.a", "PAY-%010d"} {
		for _, parts := range []int{2, 3, 4, 6, 16, 64} {
			counts := map[string]int{}
			for i := range n {
				counts[idempotency.Partitions{"acme": parts}.Of(payoutKey(fmt.Sprintf(form, i))).String()]++
			}
			for p, got := range counts {
				if len(counts) != parts || got < n/parts*7/10 || got > n/parts*13/10 {
					t.Errorf("%q over %d: %s has %d of %d, in %d partitions", form, parts, p, got, n, len(counts))
				}
			}
		}
	}
}

// The first process to start settles the number, also where many start at a time; another number is
// refused by whatever reads or writes, with what to do.
func TestAnotherNumberOfPartitionsIsRefused(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	var starts sync.WaitGroup
	for i := range 16 {
		starts.Go(func() {
			if _, err := parted(rdb, 3).Register(t.Context(), payout(fmt.Sprint("first-", i))); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	for _, n := range []int{1, 2, 4} {
		l := parted(rdb, n)
		_, register := l.Register(t.Context(), payout("first-1"))
		_, show := l.Show(t.Context(), payoutKey("first-1"))
		_, counts := l.Counts(t.Context(), "acme")
		_, _, due := l.Due(t.Context(), idempotency.Partition{Provider: "acme"}, 1, idempotency.Lanes{})
		for what, err := range map[string]error{
			"register": register, "show": show, "counts": counts, "due": due, "check": l.CheckPartitions(t.Context(), "acme"),
			"halt": l.Halt(t.Context(), "acme", "", idempotency.Actor{By: "ana", Note: "x"}),
			"list": l.List(t.Context(), idempotency.Filter{Provider: "acme"}, func(idempotency.Record) bool { return true }),
		} {
			if !errors.Is(err, idempotency.ErrPartitions) || !strings.Contains(err.Error(), "REMESA_ACME_PARTITIONS=3") {
				t.Errorf("%s with %d: %v", what, n, err)
			}
		}
	}
	if n := len(rdb.Keys(t.Context(), "*:p:*").Val()); n != 16 {
		t.Errorf("%d records, want 16", n)
	}
}

func TestPaymentsFromBeforeThereWerePartitionsAreNotOverlooked(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	one, three := parted(rdb, 1), parted(rdb, 3)
	mustRegister(t, one, "a")
	wantPartitions := func(when string) {
		if err := three.CheckPartitions(t.Context(), "acme"); !errors.Is(err, idempotency.ErrPartitions) {
			t.Errorf("%s: %v", when, err)
		}
	}
	wantPartitions("queued")
	rdb.Del(t.Context(), "remesa:{acme}:states", "remesa:{acme}:due")
	wantPartitions("final")
	rdb.Del(t.Context(), "remesa:{acme}:outcomes")
	wantPartitions("final, and its events gone")
	rdb.Del(t.Context(), "remesa:{acme}:p:a")
	if err := three.CheckPartitions(t.Context(), "acme"); err != nil {
		t.Errorf("an empty store: %v", err)
	}
}

// The safeguard against two records of one payment: a process that runs on while the number is
// raised can neither record a payment again nor halt a part. Without the guard of what makes a
// record this test fails.
func TestAProcessThatRunsOnWithTheOldNumberRecordsNothing(t *testing.T) {
	t.Parallel()
	for _, from := range []int{1, 2} {
		rdb := redistest.Start(t).Client()
		old := parted(rdb, from)
		refs := make([]string, 20)
		for i := range refs {
			refs[i] = fmt.Sprint("pay-", i)
		}
		mustRegister(t, old, refs...)
		if moved, err := old.RaisePartitions(t.Context(), "acme", 3, nil); err != nil || moved == 0 {
			t.Fatalf("%d moved, %v", moved, err)
		}
		for _, ref := range append(refs, "fresh") {
			if before, after := (idempotency.Partitions{"acme": from}), (idempotency.Partitions{"acme": 3}); ref != "fresh" && before.Of(payoutKey(ref)) == after.Of(payoutKey(ref)) {
				continue
			}
			if _, err := old.Register(t.Context(), payout(ref)); !errors.Is(err, idempotency.ErrPartitions) {
				t.Errorf("from %d: register %s: %v", from, ref, err)
			}
			lost := idempotency.RestoredAttempt{Attempt: "x", LeaseEnd: time.Now()}
			if err := old.Restore(t.Context(), payout(ref), lost); !errors.Is(err, idempotency.ErrPartitions) {
				t.Errorf("from %d: restore %s: %v", from, ref, err)
			}
		}
		if err := old.Halt(t.Context(), "acme", "", idempotency.Actor{By: "ana", Note: "x"}); !errors.Is(err, idempotency.ErrPartitions) {
			t.Errorf("from %d: halt: %v", from, err)
		}
		if n := len(rdb.Keys(t.Context(), "*:p:*").Val()); n != len(refs) {
			t.Errorf("from %d: %d records, want %d", from, n, len(refs))
		}
	}
}

func mustRegister(t *testing.T, l *idempotency.Ledger, refs ...string) {
	t.Helper()
	rs := make([]idempotency.Registration, len(refs))
	for i, ref := range refs {
		rs[i] = payout(ref)
	}
	if _, err := l.Register(t.Context(), rs...); err != nil {
		t.Fatal(err)
	}
}

// A halt is in every partition, and an account's too: each Begin reads it in its own step.
func TestAHaltIsInEveryPartition(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l := parted(rdb, 3)
	refs := []string{"a", "b", "c", "d", "e", "f"}
	mustRegister(t, l, refs...)
	by := idempotency.Actor{By: "ana", Note: "x"}
	for _, account := range []string{"", idempotency.DefaultAccount} {
		if err := l.Halt(t.Context(), "acme", account, by); err != nil {
			t.Fatal(err)
		}
		for _, ref := range refs {
			begun, err := l.Begin(t.Context(), payoutKey(ref), idempotency.BeginParams{Attempt: "x" + ref, Lease: time.Minute})
			if err != nil || begun.Decision != idempotency.Wait {
				t.Errorf("%s: %s, %v", ref, begun.Decision, err)
			}
		}
		if h, err := l.HealthStats(t.Context(), "acme"); err != nil || h.Halts != 1 {
			t.Errorf("%d halts, %v", h.Halts, err)
		}
		if err := l.Unhalt(t.Context(), "acme", account, by); err != nil {
			t.Fatal(err)
		}
		if halts, err := l.Halts(t.Context(), "acme"); err != nil || len(halts) != 0 {
			t.Errorf("%v, %v", halts, err)
		}
	}
}

// cutOff is a hook under which no pipeline after so many reaches the store; every second time the
// last one is executed, and only its reply is lost.
type cutOff struct {
	left     int
	executed bool
}

var errCutOff = errors.New("cut off")

func (c *cutOff) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *cutOff) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if c.left <= 0 {
			cmd.SetErr(errCutOff)
			return errCutOff
		}
		return next(ctx, cmd)
	}
}

func (c *cutOff) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if c.left--; c.left > 0 {
			return next(ctx, cmds)
		}
		if c.left == 0 && c.executed {
			_ = next(ctx, cmds)
		}
		for _, cmd := range cmds {
			cmd.SetErr(errCutOff)
		}
		return errCutOff
	}
}

// TestRaisingThePartitionsLosesNothing kills the move at each of its round trips, before and after
// it is executed, and goes on: each payment stays what it was.
func TestRaisingThePartitionsLosesNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := server.Client()
	before := payments(t, rdb)
	moved, cuts := 0, 0
	for done := false; !done; cuts++ {
		if cuts > 200 {
			t.Fatal("the move does not end")
		}
		killed := redis.NewClient(server.Client().Options())
		// Each run gets one round trip further than the one before it.
		killed.AddHook(&cutOff{left: cuts/2 + 1, executed: cuts%2 == 0})
		n, err := parted(killed, 1).RaisePartitions(t.Context(), "acme", 3, nil)
		_ = killed.Close()
		moved, done = moved+n, err == nil
		if err != nil && !errors.Is(err, errCutOff) {
			t.Fatal(err)
		}
		if err := parted(rdb, 1).CheckPartitions(t.Context(), "acme"); cuts > 4 && !errors.Is(err, idempotency.ErrPartitions) {
			t.Errorf("cut %d: a process of the old number starts: %v", cuts, err)
		}
		if err := parted(rdb, 3).CheckPartitions(t.Context(), "acme"); !done && !errors.Is(err, idempotency.ErrPartitions) {
			t.Errorf("cut %d: a process of the new number starts: %v", cuts, err)
		}
	}
	t.Logf("%d runs moved %d payments", cuts, moved)
	after := parted(rdb, 3)
	for ref, want := range before {
		got, err := after.Show(t.Context(), payoutKey(ref))
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		want.Partition, got.Partition = 0, 0
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is\n%+v, was\n%+v", ref, got, want)
		}
	}
	if left := rdb.Keys(t.Context(), "*:moving:*").Val(); len(left) > 0 || len(rdb.Keys(t.Context(), "*:p:*").Val()) != len(before) {
		t.Errorf("left behind: %v", left)
	}
	wantWorks(t, after, before)
}

// payments makes some in each state, parked, with and without a payload, and returns their records.
func payments(t *testing.T, rdb redis.UniversalClient) map[string]idempotency.Record {
	t.Helper()
	l, ctx := parted(rdb, 1), t.Context()
	for i := range 12 {
		for _, kind := range []string{"queued", "parked", "succeeded", "failed", "in_doubt"} {
			ref := fmt.Sprintf("%s-%d", kind, i)
			mustRegister(t, l, ref)
			k, err := payoutKey(ref), error(nil)
			finish := func(class providers.Class) {
				if _, err = l.Begin(ctx, k, idempotency.BeginParams{Attempt: "a" + ref, Lease: time.Minute, Queryable: true}); err == nil {
					_, err = l.Finish(ctx, k, idempotency.AttemptResult{Attempt: "a" + ref, Outcome: providers.Outcome{Class: class}, QueryAfter: time.Hour})
				}
			}
			switch kind {
			case "parked":
				err = l.Park(ctx, k, "halted")
			case "succeeded":
				finish(providers.Succeeded)
			case "failed":
				finish(providers.Refused)
			case "in_doubt":
				finish(providers.InDoubt)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Halt(ctx, "acme", "second", idempotency.Actor{By: "ana", Note: "x"}); err != nil {
		t.Fatal(err)
	}
	records := map[string]idempotency.Record{}
	for _, text := range rdb.Keys(ctx, "*:p:*").Val() {
		ref := text[strings.LastIndex(text, ":")+1:]
		r, err := l.Show(ctx, payoutKey(ref))
		if err != nil {
			t.Fatal(err)
		}
		records[ref] = r
	}
	return records
}

// wantWorks holds that what was moved can go on: payloads, halts, parked payments, and the
// listings.
func wantWorks(t *testing.T, l *idempotency.Ledger, records map[string]idempotency.Record) {
	t.Helper()
	ctx := t.Context()
	for _, p := range l.Partitions("acme") {
		if halts, err := l.HaltsIn(ctx, p); err != nil || halts["second"] == "" {
			t.Errorf("%s: halts %v, %v", p, halts, err)
		}
	}
	parked, err := l.ParkedCounts(ctx, "acme")
	if err != nil || parked["halted"] != 12 {
		t.Errorf("parked: %v, %v", parked, err)
	}
	counts, err := l.Counts(ctx, "acme")
	if err != nil || counts[idempotency.Queued] != 24 || counts[idempotency.InDoubt] != 12 || counts[idempotency.Failed] != 12 {
		t.Errorf("counts: %v, %v", counts, err)
	}
	last, listed := time.Time{}, 0
	err = l.List(ctx, idempotency.Filter{Provider: "acme", State: idempotency.Queued}, func(r idempotency.Record) bool {
		if r.Created.Before(last) {
			t.Errorf("%s is listed behind a younger one", r.Key)
		}
		last, listed = r.Created, listed+1
		return true
	})
	if err != nil || listed != 24 {
		t.Errorf("%d listed, %v", listed, err)
	}
	for ref := range records {
		if !strings.HasPrefix(ref, "queued") {
			continue
		}
		begun, err := l.Begin(ctx, payoutKey(ref), idempotency.BeginParams{Attempt: "b" + ref, Lease: time.Minute})
		if err != nil || begun.Decision != idempotency.Send || string(begun.Payload) != "payload of "+ref {
			t.Errorf("%s: %s %q, %v", ref, begun.Decision, begun.Payload, err)
		}
	}
}

func TestRaisingRefusesWhatItMust(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	l := parted(rdb, 2)
	mustRegister(t, l, "a")
	if _, err := l.Begin(t.Context(), payoutKey("a"), idempotency.BeginParams{Attempt: "x", Lease: time.Minute}); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[int]string{1: "less than the present 2", 3: "acme/a is being sent"} {
		if _, err := l.RaisePartitions(t.Context(), "acme", to, nil); !errors.Is(err, idempotency.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("to %d: %v", to, err)
		}
	}
	by := idempotency.Actor{By: "ana", Note: "x"}
	if err := l.DeclareLoss(t.Context(), "acme", time.Time{}, by); err != nil {
		t.Fatal(err)
	}
	if _, err := l.RaisePartitions(t.Context(), "acme", 3, nil); !errors.Is(err, idempotency.ErrRefused) || !strings.Contains(err.Error(), "forgotten") {
		t.Errorf("during a loss: %v", err)
	}
	if moved, err := l.RaisePartitions(t.Context(), "acme", 2, nil); err != nil || moved != 0 {
		t.Errorf("to the same: %d, %v", moved, err)
	}
	if err := l.CheckPartitions(t.Context(), "acme"); err != nil {
		t.Errorf("after refusals: %v", err)
	}
}

// standstill is a hook under which a move stands still when the first payments have left their
// partition and are about to come into another.
type standstill struct {
	cutOff
	left         atomic.Bool
	once         sync.Once
	stands, goOn chan struct{}
}

func (s *standstill) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		var text strings.Builder
		for _, cmd := range cmds {
			fmt.Fprint(&text, cmd.Args())
		}
		if strings.Contains(text.String(), ":moving:") {
			s.left.Store(true)
		} else if s.left.Load() && strings.Contains(text.String(), "}:p:") {
			s.once.Do(func() {
				close(s.stands)
				<-s.goOn
			})
		}
		return next(ctx, cmds)
	}
}

// A run that stood still while others moved the payments on brings none of them back: it would be
// recorded twice.
func TestAMoveThatStoodStillBringsNothingBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := server.Client()
	refs := make([]string, 40)
	for i := range refs {
		refs[i] = fmt.Sprint("pay-", i)
	}
	mustRegister(t, parted(rdb, 1), refs...)
	slow := redis.NewClient(server.Client().Options())
	defer slow.Close()
	hook := &standstill{cutOff: cutOff{left: 1}, stands: make(chan struct{}), goOn: make(chan struct{})}
	slow.AddHook(hook)
	ended := make(chan error, 1)
	go func() {
		_, err := parted(slow, 1).RaisePartitions(t.Context(), "acme", 3, nil)
		ended <- err
	}()
	<-hook.stands
	for _, to := range []int{3, 6} {
		if _, err := parted(rdb, 1).RaisePartitions(t.Context(), "acme", to, nil); err != nil {
			t.Error(err)
		}
	}
	close(hook.goOn)
	if err := <-ended; !errors.Is(err, idempotency.ErrPartitions) {
		t.Errorf("the slow move ends with %v", err)
	}
	wantRecords(t, rdb, len(refs))
}

// What changes in one step with something of the provider's home is refused where it would be in
// another partition.
func TestWhatMustChangeInOneStepIsRefusedElsewhere(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	claims, guarded := payout("b"), payout("b") // whose partition is another
	claims.Object, guarded.ChargeGuard = "instruction:1", "remesa:{acme}:sub:1"
	for what, r := range map[string]idempotency.Registration{"an exclusive object": claims, "a charge of a subscription": guarded} {
		if _, err := parted(rdb, 3).Register(t.Context(), r); !errors.Is(err, idempotency.ErrPartitions) {
			t.Errorf("%s: %v", what, err)
		}
	}
	wantRecords(t, rdb, 0)
}

// learner is a ledger of a process without a setting, such as a producer's.
func learner(rdb redis.UniversalClient) *idempotency.Ledger {
	return idempotency.NewRedis(rdb, idempotency.Options{})
}

func wantRecords(t *testing.T, rdb redis.UniversalClient, want int) {
	t.Helper()
	if n := len(rdb.Keys(t.Context(), "*:p:*").Val()); n != want {
		t.Errorf("%d records, want %d", n, want)
	}
}

func TestAProducerLearnsTheNumberFromRedis(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	worker := parted(rdb, 3)
	if err := worker.CheckPartitions(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	producer := learner(rdb)
	refs := []string{"a", "b", "c", "d", "e", "f"}
	mustRegister(t, producer, refs...)
	for _, ref := range refs {
		for who, l := range map[string]*idempotency.Ledger{"the worker": worker, "another producer": learner(rdb)} {
			if _, err := l.Show(t.Context(), payoutKey(ref)); err != nil {
				t.Errorf("%s: %s: %v", who, ref, err)
			}
		}
	}
	by := idempotency.Actor{By: "ana", Note: "x"}
	if err := learner(rdb).Halt(t.Context(), "acme", "", by); err != nil {
		t.Fatal(err)
	}
	for _, p := range worker.Partitions("acme") {
		if halts, err := worker.HaltsIn(t.Context(), p); err != nil || len(halts) != 1 {
			t.Errorf("%s: halts %v, %v", p, halts, err)
		}
	}
	if parts, err := learner(rdb).KnownPartitions(t.Context(), "acme"); err != nil || len(parts) != 3 {
		t.Errorf("known: %v, %v", parts, err)
	}
	if counts, err := learner(rdb).Counts(t.Context(), "acme"); err != nil || counts[idempotency.Queued] != int64(len(refs)) {
		t.Errorf("counts: %v, %v", counts, err)
	}
}

// A producer that runs on while the number is raised places nothing where nobody looks: it takes
// nothing in during the move, and then goes on with the new number.
func TestAProducerThatRunsOnGoesOnWithTheNewNumber(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := server.Client()
	producer := learner(rdb)
	refs := make([]string, 20)
	for i := range refs {
		refs[i] = fmt.Sprint("pay-", i)
	}
	mustRegister(t, producer, refs...)
	killed := redis.NewClient(server.Client().Options())
	killed.AddHook(&cutOff{left: 12})
	if _, err := parted(killed, 1).RaisePartitions(t.Context(), "acme", 3, nil); !errors.Is(err, errCutOff) {
		t.Fatalf("the move was not cut off: %v", err)
	}
	_ = killed.Close()
	if _, err := producer.Register(t.Context(), payout("during")); !errors.Is(err, idempotency.ErrPartitions) || !strings.Contains(err.Error(), "being moved") {
		t.Errorf("during the move: %v", err)
	}
	if _, err := parted(rdb, 1).RaisePartitions(t.Context(), "acme", 3, nil); err != nil {
		t.Fatal(err)
	}
	var again []idempotency.Registration
	for _, ref := range append(refs, "fresh") {
		again = append(again, payout(ref))
	}
	results, err := producer.Register(t.Context(), again...)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if (r.Result == idempotency.New) != (i == len(refs)) {
			t.Errorf("%s: %s", again[i].Key, r.Result)
		}
	}
	wantRecords(t, rdb, len(refs)+1)
}

// A process that has looked at an empty store keeps no right to write there with its number.
func TestTheFirstStartShutsOutWhoLookedBefore(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	one := parted(rdb, 1)
	if _, _, _, err := one.CheckEpoch(t.Context(), idempotency.Partition{Provider: "acme"}); err != nil {
		t.Fatal(err)
	}
	if err := parted(rdb, 3).CheckPartitions(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Register(t.Context(), payout("a")); !errors.Is(err, idempotency.ErrPartitions) {
		t.Errorf("registered with another number: %v", err)
	}
	wantRecords(t, rdb, 0)
}

// With one partition nothing of all this has a key in Redis.
func TestOnePartitionHasNoKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	mustRegister(t, parted(rdb, 1), "a", "b")
	mustRegister(t, learner(rdb), "c")
	if keys := rdb.Keys(t.Context(), "*partitions*").Val(); len(keys) > 0 {
		t.Errorf("there are %v", keys)
	}
	if keys := rdb.Keys(t.Context(), "remesa:{acme:*").Val(); len(keys) > 0 {
		t.Errorf("there are %v", keys)
	}
}

// What a version without partitions recorded in the wrong one is reported, not sent, and holds up
// nobody.
func TestAPaymentInTheWrongPartitionIsReported(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	at := start
	tick := func(d time.Duration) {
		at = at.Add(d)
		for _, p := range (idempotency.Partitions{"acme": 3}).All("acme") {
			if err := rdb.Set(t.Context(), "remesa:{"+p.String()+"}:clock", at.UnixMilli(), 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	ledger := func(n int) *idempotency.Ledger {
		return idempotency.NewRedis(rdb, idempotency.Options{Partitions: idempotency.Partitions{"acme": n}, TestClock: true})
	}
	tick(0)
	refs, here := []string{"a", "b", "c", "d", "e", "f"}, 0
	mustRegister(t, ledger(1), refs...)
	home := idempotency.Partition{Provider: "acme"}
	for _, p := range (idempotency.Partitions{"acme": 3}).All("acme") { // as if there had been three all the time
		if err := rdb.Set(t.Context(), "remesa:{"+p.String()+"}:partitions", 3, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, ref := range refs {
		if (idempotency.Partitions{"acme": 3}).Of(payoutKey(ref)) == home {
			here++
		}
	}
	tick(time.Hour)
	three := ledger(3)
	wakeups, _, err := three.Due(t.Context(), home, 100, idempotency.Lanes{QueryTimeout: time.Minute})
	if !errors.Is(err, idempotency.ErrPartitions) || !strings.Contains(err.Error(), "belongs in acme:") || len(wakeups) != here || here == len(refs) {
		t.Errorf("%d woken, want %d of %d: %v", len(wakeups), here, len(refs), err)
	}
	if _, due, err := three.Due(t.Context(), home, 100, idempotency.Lanes{QueryTimeout: time.Minute}); due != 0 || err != nil {
		t.Errorf("at once again: %d are due, %v", due, err)
	}
}
