package idempotency

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/providers"
)

// Register records payments before anything else happens to them. The results are in the order of
// the registrations. After an error none, some or all are recorded; registering them again is safe.
func (l *Ledger) Register(ctx context.Context, rs ...Registration) ([]Registered, error) {
	start := time.Now()
	defer func() { l.opts.Observe("register", time.Since(start)) }()
	out, err := l.registerAll(ctx, rs)
	if errors.Is(err, ErrPartitions) && slices.ContainsFunc(rs, func(r Registration) bool { return !l.counts.isSet(r.Key.Provider) }) {
		out, err = l.registerAll(ctx, rs) // the refusal has told the number
	}
	return out, err
}

func (l *Ledger) registerAll(ctx context.Context, rs []Registration) ([]Registered, error) {
	for _, r := range rs {
		err := l.learnPartitions(ctx, r.Key.Provider)
		if err == nil {
			err = l.placeable(r)
		}
		if err != nil {
			return nil, fmt.Errorf("register %s: %w", r.Key, err)
		}
	}
	out := make([]Registered, len(rs))
	var errs []error
	for err := range l.registerEach(ctx, rs, out) {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	return out, nil
}

// registerEach registers in all partitions at the same time, and hands over what fails: each
// partition's first error.
func (l *Ledger) registerEach(ctx context.Context, rs []Registration, out []Registered) <-chan error {
	parts := l.byPartition(rs)
	failed := make(chan error, len(parts))
	defer close(failed)
	in := func(p Partition, places []int) {
		for at := range slices.Chunk(places, registerAtOnce) {
			if err := l.register(ctx, p, rs, at, out); err != nil {
				failed <- err
				return
			}
		}
	}
	var all sync.WaitGroup
	for p, places := range parts {
		if len(parts) == 1 { // no need of another goroutine
			in(p, places)
			break
		}
		all.Go(func() { in(p, places) })
	}
	all.Wait()
	return failed
}

// Compare says what Register would find of the payments, and writes nothing: New, Duplicate or
// Conflict, in the order of the registrations. What only writing finds out is not compared: who
// holds an exclusive object, a withdrawn charge guard, and the registrations with each other.
func (l *Ledger) Compare(ctx context.Context, rs ...Registration) ([]Registered, error) {
	for _, r := range rs {
		if err := l.learnPartitions(ctx, r.Key.Provider); err != nil {
			return nil, fmt.Errorf("compare %s: %w", r.Key, err)
		}
	}
	out := make([]Registered, len(rs))
	for part, all := range l.byPartition(rs) {
		for at := range slices.Chunk(all, registerAtOnce) {
			_, left, err := l.splitKnown(ctx, part, rs, at, out)
			if err != nil {
				return nil, fmt.Errorf("compare: %w", err)
			}
			for _, p := range left {
				out[p.at].Result = New
			}
		}
	}
	return out, nil
}

// registerAtOnce is how many registrations are read, decided and written together: a decision that
// waits behind too many others is too old to be written.
const registerAtOnce = 256

func (l *Ledger) byPartition(rs []Registration) map[Partition][]int {
	at := map[Partition][]int{}
	for i, r := range rs {
		p := l.PartitionOf(r.Key)
		at[p] = append(at[p], i)
	}
	return at
}

// register records the registrations at the given places. If two have the same key, the first one
// is recorded first.
func (l *Ledger) register(ctx context.Context, p Partition, rs []Registration, at []int, out []Registered) error {
	for try := 0; len(at) > 0; try++ {
		if try >= maxTries {
			return ErrContended
		}
		split := l.splitKnown
		if try == 0 {
			split = l.splitLikelyKnown
		}
		known, left, err := split(ctx, p, rs, at, out)
		if err != nil {
			return err
		}
		if known {
			if err := l.store.AwaitReplicas(ctx, p.String()); err != nil {
				return err
			}
		}
		if at, err = l.writeNew(ctx, p, rs, left, out); err != nil {
			return err
		}
	}
	return nil
}

// pendingRegistration is a registration of a payment that has no record.
type pendingRegistration struct {
	at  int
	now rules.Time
}

// splitLikelyKnown is splitKnown that reads only the first record, and where there is none takes
// the other payments for new, too, as most files' are: nothing is written over a record that is
// there after all, and its registration is tried again.
func (l *Ledger) splitLikelyKnown(ctx context.Context, p Partition, rs []Registration, at []int, out []Registered,
) (known bool, left []pendingRegistration, err error) {
	known, left, err = l.splitKnown(ctx, p, rs, at[:1], out)
	if err != nil || len(at) == 1 {
		return known, left, err
	}
	if known {
		_, left, err = l.splitKnown(ctx, p, rs, at[1:], out)
		return true, left, err
	}
	for _, n := range at[1:] {
		left = append(left, pendingRegistration{n, left[0].now})
	}
	return false, left, nil
}

// splitKnown sets the results of registrations whose payments are on record, and returns the
// others.
func (l *Ledger) splitKnown(ctx context.Context, p Partition, rs []Registration, at []int, out []Registered,
) (known bool, left []pendingRegistration, err error) {
	requests := make([]LoadRequest, len(at))
	for i, n := range at {
		requests[i] = LoadRequest{ID: rs[n].Key.id(), Account: rs[n].Key.Account}
	}
	loaded, err := l.store.Load(ctx, p.String(), requests)
	if err != nil {
		return false, nil, err
	}
	for i, n := range at {
		switch {
		case loaded[i].Err != nil:
			return false, nil, fmt.Errorf("%s: %w", rs[n].Key, loaded[i].Err)
		case loaded[i].Text == "":
			left = append(left, pendingRegistration{n, loaded[i].Now})
		default:
			known = true
			out[n] = registered(loaded[i].Record, rs[n])
			out[n].Partition = p.Number
		}
	}
	return known, left, nil
}

func registered(r rules.Record, reg Registration) Registered {
	out := Registered{Result: Duplicate, State: r.State, Generation: r.Generation}
	switch what := rules.Compare(r, facts(reg)); what {
	case rules.NoConflict:
		return out
	case rules.AmountDiffers, rules.CurrencyDiffers:
		out.Conflict = string(what) + ": differs from the registered payment's"
	default:
		out.Conflict = fmt.Sprintf("fingerprint: %s, registered as %s", reg.Fingerprint, r.Fingerprint)
	}
	out.Result, out.Existing = Conflict, r.Fingerprint
	return out
}

// facts are the fields that rules.Compare uses.
func facts(r Registration) rules.Registration {
	return rules.Registration{Type: r.Type, Fingerprint: r.Fingerprint, Amount: r.Amount, Currency: r.Currency}
}

func (l *Ledger) registration(r Registration) rules.Registration {
	reg := facts(r)
	reg.NotBefore, reg.Deadline = fromTime(r.NotBefore), fromTime(r.Deadline)
	reg.Metadata = l.sealed(r.Key, fieldMetadata, r.Metadata)
	reg.Subscription, reg.Period, reg.Object, reg.ChargeGuard = r.Subscription, r.Period, r.Object, r.ChargeGuard != ""
	reg.Bulk, reg.FirstWake, reg.Traceparent = r.Bulk, l.opts.FirstWake, traceparent(r.Traceparent)
	return reg
}

// traceparent returns the text if it has the form of one, so that a record holds nothing else.
func traceparent(text string) string {
	const length = 55 // 00-32 digits-16 digits-01
	if len(text) != length || strings.Trim(text, "0123456789abcdef-") != "" {
		return ""
	}
	return text
}

// writeNew records new payments, and returns the places of those that another writer changed first.
func (l *Ledger) writeNew(ctx context.Context, part Partition, rs []Registration, left []pendingRegistration, out []Registered,
) ([]int, error) {
	if len(left) == 0 {
		return nil, nil
	}
	epoch, err := l.epoch(ctx, part)
	if err != nil {
		return nil, err
	}
	p := l.policy(part.Provider)
	commits := make([]CommitRequest, len(left))
	for i, n := range left {
		r := rs[n.at]
		commits[i] = l.commitRequest(r.Key, LoadResult{Now: n.now}, rules.Register(p, n.now, l.registration(r)), epoch)
		commits[i].Payload, commits[i].Object, commits[i].ChargeGuard = l.sealedPayload(r), r.Object, r.ChargeGuard
	}
	written, errs := l.store.Commit(ctx, part.String(), commits)
	var again []int
	for i, n := range left {
		reg := rs[n.at]
		switch w := written[i]; {
		case errs[i] != nil:
			return nil, fmt.Errorf("%s: %w", reg.Key, errs[i])
		case w.Done:
			out[n.at] = Registered{
				Result: New, State: Queued, Generation: commits[i].Change.Record.Generation, Partition: part.Number,
			}
		case w.FailedGuard == rules.EpochCurrent:
			again = append(again, n.at)
			if _, err := l.refreshEpoch(ctx, part, epoch); err != nil {
				return nil, err
			}
		case w.FailedGuard == rules.ChargeGuardHeld:
			out[n.at] = Registered{Result: Conflict, Conflict: "permit: withdrawn"}
		case w.FailedGuard == rules.ObjectFree:
			out[n.at] = Registered{
				Result: Conflict, Conflict: fmt.Sprintf("%s is claimed by %s", reg.Object, keyFromID(part.Provider, w.Found)), Existing: w.Found,
			}
		default:
			again = append(again, n.at)
		}
	}
	return again, nil
}

// Restore records again a payment that the store has lost, from what Begin returned to the attempt:
// in doubt, with that attempt open, and its exclusive object claimed unless another payment has
// claimed it meanwhile. If there is a record, Restore changes nothing. The attempt's Finish must
// follow. The registration may come without its payload, where the caller no longer has it.
func (l *Ledger) Restore(ctx context.Context, r Registration, a RestoredAttempt) error {
	res := rules.RestoreParams{
		Registration: l.registration(r), Attempt: rules.Attempt{ID: a.Attempt, End: fromTime(a.LeaseEnd)}, Queryable: a.Queryable,
	}
	if err := l.learnPartitions(ctx, r.Key.Provider); err != nil {
		return operationError("restore", r.Key, err)
	}
	for range maxTries {
		loaded, err := l.store.Load(ctx, l.partition(r.Key), []LoadRequest{l.loadRequest(r.Key, withoutPayload)})
		if err == nil {
			err = loaded[0].Err
		}
		if err != nil {
			return operationError("restore", r.Key, err)
		}
		if loaded[0].Text != "" {
			return nil
		}
		epoch, err := l.epoch(ctx, l.PartitionOf(r.Key))
		if err != nil {
			return operationError("restore", r.Key, err)
		}
		change := rules.Restore(l.policy(r.Key.Provider), loaded[0].Now, res)
		if len(r.Payload) == 0 {
			change.Payload = rules.KeepPayload
		}
		d := l.commitRequest(r.Key, loaded[0], change, epoch)
		d.Payload, d.Object = l.sealedPayload(r), r.Object
		written, errs := l.store.Commit(ctx, l.partition(r.Key), []CommitRequest{d})
		switch {
		case errs[0] != nil:
			return operationError("restore", r.Key, errs[0])
		case written[0].Done:
			return nil
		case written[0].FailedGuard == rules.ObjectFree:
			res.ObjectTaken = true
		case written[0].FailedGuard == rules.EpochCurrent:
			if _, err := l.refreshEpoch(ctx, l.PartitionOf(r.Key), epoch); err != nil {
				return operationError("restore", r.Key, err)
			}
		}
	}
	return operationError("restore", r.Key, ErrContended)
}

// RestoredAttempt is what a worker knows about its own attempt.
type RestoredAttempt struct {
	Attempt   string
	LeaseEnd  time.Time
	Queryable bool
}

// Begin decides what the caller must do with a payment and, with Send, makes the attempt its owner
// until the lease ends. While the attempt owns the payment, repeating Begin returns Send again. If
// too few replicas acknowledge, Begin releases the attempt and returns ErrReplicas.
func (l *Ledger) Begin(ctx context.Context, k Key, b BeginParams) (BeginResult, error) {
	var begun rules.BeginResult
	p := l.policy(k.Provider)
	t, err := l.apply(ctx, "begin", k, withPayload, func(loaded LoadResult, f rules.Facts) (c rules.Change, err error) {
		f.CannotDecrypt = l.decryptErr(loaded) != nil
		c, begun = rules.Begin(loaded.Record, p, f, loaded.Now, b)
		return c, nil
	})
	if err == nil && begun.Decision == Send && t.change.Empty() {
		// The reply to its first Begin was lost, so it is unknown whether replicas have it.
		err = l.awaitReplicas(ctx, "begin", k)
	}
	if errors.Is(err, ErrReplicas) || errors.Is(err, ErrForgot) {
		why := "replicas"
		if errors.Is(err, ErrForgot) {
			why = "the store forgot sends"
		}
		_, releaseErr := l.Release(ctx, k, b.Attempt, why, time.Second)
		return BeginResult{}, errors.Join(err, releaseErr)
	}
	if err != nil {
		return BeginResult{}, err
	}
	return l.beginResult(k, t, begun, b.Attempt), nil
}

func (l *Ledger) awaitReplicas(ctx context.Context, operation string, k Key) error {
	if err := l.store.AwaitReplicas(ctx, l.partition(k)); err != nil {
		return operationError(operation, k, err)
	}
	return nil
}

func (l *Ledger) beginResult(k Key, t appliedChange, b rules.BeginResult, attempt string) BeginResult {
	r := t.change.Record
	out := BeginResult{
		Decision: b.Decision, AlreadyBegun: b.AlreadyBegun, State: r.State, Blocked: b.Blocked, WaitUntil: asTime(b.WaitUntil), Now: asTime(t.loaded.Now),
	}
	out.Transition, _ = transitionOf(t, nil)
	switch b.WaitReason {
	case rules.WaitProviderHalt:
		out.ParkReason = "halted"
	case rules.WaitAccountHalt:
		out.ParkReason = "halted:" + k.Account
	case rules.WaitPaymentType:
		out.ParkReason = "account:" + k.Account + ":" + r.Type
	case rules.WaitKey:
		out.DecryptErr = l.decryptErr(t.loaded)
		out.ParkReason = l.keyReason(out.DecryptErr, t.loaded)
	case rules.WaitQuiet: // it is due when the quiet time ends
	}
	if b.Decision != Send {
		return out
	}
	content := l.open(k, r, t.loaded.Payload)
	out.Sequence = t.sequence
	out.Number, out.LeaseEnd, out.MayHaveLeft = r.AttemptCount, asTime(r.LeaseEnd), r.MayHaveLeftBefore(attempt)
	out.Payload, out.ProviderRefs, out.DecryptErr = content.payload, content.providerRefs, content.err
	if t.text != "" {
		out.Snapshot = &Snapshot{text: t.text, record: r, now: t.loaded.Now, at: time.Now()}
	}
	metadata := r.Metadata
	_ = openShown(l.opts.Seal, fieldMetadata, k.String(), &metadata)
	// Its texts are copies, because a worker keeps it for a while, and they would keep the record's
	// whole text.
	out.Registered = Registration{
		Key: k, Type: strings.Clone(r.Type), Fingerprint: strings.Clone(r.Fingerprint), Amount: strings.Clone(r.Amount),
		Currency: strings.Clone(r.Currency), Payload: content.payload, Object: strings.Clone(r.Object), NotBefore: asTime(r.NotBefore),
		Deadline: asTime(r.Deadline), Metadata: strings.Clone(metadata), Subscription: strings.Clone(r.Subscription),
		Period: strings.Clone(r.Period), Bulk: r.Bulk, Traceparent: strings.Clone(r.Traceparent),
	}
	out.Waited = waited(t.loaded)
	return out
}

// waited is how long the payment, as it was read, could have begun.
func waited(loaded LoadResult) time.Duration {
	r := loaded.Record
	since := max(r.Updated, r.NotBefore, r.RetryNotBefore)
	return positive(time.Duration(loaded.Now-since) * time.Millisecond)
}

// Checkpoint records provider references before the attempt's next step; moneyStepNext says whether
// that is the money step, which the store counts like a begin; sequence is its number. After any
// error the caller must not send. ErrNotOwner means that the attempt no longer owns the payment, or
// that another attempt has succeeded.
func (l *Ledger) Checkpoint(ctx context.Context, k Key, attempt string, refs map[string]string, moneyStepNext bool,
) (sequence int64, err error) {
	p := l.policy(k.Provider)
	cp := rules.CheckpointParams{Attempt: attempt, ProviderRefs: l.sealedProviderRefs(k, refs), MoneyStepNext: moneyStepNext}
	t, err := l.apply(ctx, "checkpoint", k, withoutPayload, func(loaded LoadResult, _ rules.Facts) (rules.Change, error) {
		return rules.Checkpoint(loaded.Record, p, loaded.Now, cp)
	})
	return t.sequence, err
}

// Alias lets Find return a payment's key for a provider's name of it, such as a session token. It
// is kept as long as an outcome event.
func (l *Ledger) Alias(ctx context.Context, k Key, alias string) error {
	if err := l.store.Alias(ctx, k.Provider, alias, k.id(), l.policy(k.Provider).OutcomesRetention); err != nil {
		return operationError("alias", k, err)
	}
	return nil
}

// Find returns the key of an alias, or ErrUnknown.
func (l *Ledger) Find(ctx context.Context, provider, alias string) (Key, error) {
	id, err := l.store.Find(ctx, provider, alias)
	if err != nil {
		return Key{}, err
	}
	return keyFromID(provider, id), nil
}

// Release reports that the attempt was not executed. The payment may begin again after the delay.
// An attempt that is not on record can no longer begin. answer is what the provider said, at most
// one.
func (l *Ledger) Release(ctx context.Context, k Key, attempt, reason string, after time.Duration, answer ...Answer) (Transition, error) {
	p := l.policy(k.Provider)
	rel := rules.ReleaseParams{Attempt: attempt, Reason: reason, After: positive(after)}
	if len(answer) > 0 {
		rel.Answer = answer[0]
	}
	return l.transition(ctx, "release", k, withoutPayload, func(loaded LoadResult, f rules.Facts) (rules.Change, error) {
		return rules.Release(loaded.Record, p, f, loaded.Now, rel), nil
	})
}

// Defer moves the due time of a payment that must wait before Begin, to at most 30 s from now.
func (l *Ledger) Defer(ctx context.Context, k Key, after time.Duration) error {
	p := l.policy(k.Provider)
	_, err := l.apply(ctx, "defer", k, withoutPayload, func(loaded LoadResult, _ rules.Facts) (rules.Change, error) {
		return rules.Defer(loaded.Record, p, loaded.Now, after), nil
	})
	return err
}

// Finish reports an attempt's outcome. It may be repeated: an attempt's reported fate is final. If
// the record lacks the attempt, Finish adds it. If the store has lost the whole record, Finish
// returns ErrUnknown; call Restore first.
func (l *Ledger) Finish(ctx context.Context, k Key, rep AttemptResult) (Transition, error) {
	switch rep.Outcome.Class {
	case providers.Succeeded, providers.Pending, providers.Refused, providers.InDoubt, providers.Mismatch, providers.Duplicate:
	default:
		return Transition{}, operationError("finish", k, fmt.Errorf("%w: %w: %q", ErrRefused, errClass, rep.Outcome.Class))
	}
	p := l.policy(k.Provider)
	fin := rules.FinishParams{
		Attempt: rep.Attempt, Outcome: l.outcome(k, rep.Outcome, false), MoneyStepReached: rep.MoneyStepReached,
		Queryable: rep.Queryable, QueryAfter: positive(rep.QueryAfter), Answer: rep.Answer,
	}
	from := rep.Begin
	if p.Resend {
		from = nil // Finish needs the account's present query proof
	}
	return transitionOf(l.applyFrom(ctx, "finish", k, withoutPayload, from, func(loaded LoadResult, f rules.Facts) (rules.Change, error) {
		return rules.Finish(loaded.Record, p, f, loaded.Now, fin), nil
	}))
}

// StartQuery recovers a lapsed lease and returns what a status query needs.
func (l *Ledger) StartQuery(ctx context.Context, k Key) (StatusQuery, error) {
	var needed bool
	p := l.policy(k.Provider)
	t, err := l.apply(ctx, "start_query", k, withPayload, func(loaded LoadResult, f rules.Facts) (c rules.Change, err error) {
		c, needed = rules.StartQuery(loaded.Record, p, f, loaded.Now)
		return c, nil
	})
	if err != nil {
		return StatusQuery{}, err
	}
	r := t.change.Record
	content := l.open(k, r, t.loaded.Payload)
	return StatusQuery{
		Needed: needed, State: r.State, Version: r.Version, QueriedAt: asTime(t.loaded.Now), ProviderID: r.ProviderID,
		Amount: r.Amount, Currency: r.Currency, Type: r.Type, ProviderRefs: content.providerRefs, Payload: content.payload,
		DecryptErr: content.err, ParkReason: l.keyReason(content.err, t.loaded), Polls: r.Polls,
		Traceparent: r.Traceparent, Created: asTime(r.Created),
	}, nil
}

// RecordStatus records the result of a status query. An outcome of class providers.Mismatch holds
// the payment.
func (l *Ledger) RecordStatus(ctx context.Context, k Key, res StatusResult) (Transition, error) {
	p := l.policy(k.Provider)
	result := rules.StatusResult{
		Version: res.Version, QueriedAt: fromTime(res.QueriedAt), Outcome: l.outcome(k, res.Outcome, res.Ours), QueryAfter: positive(res.QueryAfter),
		Answer: res.Answer,
	}
	return l.transition(ctx, "record_status", k, withoutPayload, func(loaded LoadResult, f rules.Facts) (rules.Change, error) {
		return rules.RecordStatus(loaded.Record, p, f, loaded.Now, result), nil
	})
}

// Rejection says why a payment's payload cannot be used.
type Rejection struct {
	Code, Message string
	// Hold holds the payment even if no attempt may have left.
	Hold bool
}

// Reject stops a payment whose payload cannot be used: it fails if no attempt may have left, and is
// held otherwise.
func (l *Ledger) Reject(ctx context.Context, k Key, why Rejection) (Transition, error) {
	p := l.policy(k.Provider)
	rej := rules.RejectParams{Code: why.Code, Message: l.sealed(k, fieldMessage, why.Message), Hold: why.Hold}
	return l.transition(ctx, "reject", k, withoutPayload, func(loaded LoadResult, f rules.Facts) (rules.Change, error) {
		return rules.Reject(loaded.Record, p, f, loaded.Now, rej), nil
	})
}

// Block stops a queued payment before its first send until an operator releases or cancels it.
func (l *Ledger) Block(ctx context.Context, k Key, code, message string) (Transition, error) {
	p := l.policy(k.Provider)
	message = l.sealed(k, fieldMessage, message)
	return l.transition(ctx, "block", k, withoutPayload, func(loaded LoadResult, _ rules.Facts) (rules.Change, error) {
		return rules.Block(loaded.Record, p, loaded.Now, code, message), nil
	})
}

// Due processes at most limit due payments of a partition: it recovers lapsed leases, advances the
// due times, and returns the wake-ups to enqueue, without those that are still waiting in a lane.
// due is how many payments were due. Wake-ups that come with an error are valid; the error is about
// other payments.
func (l *Ledger) Due(ctx context.Context, p Partition, limit int, lanes Lanes) (wakeups []WakeUp, due int, err error) {
	if limit <= 0 {
		return nil, 0, nil
	}
	start := time.Now()
	defer func() { l.opts.Observe("due", time.Since(start)) }()
	ids, err := l.store.Due(ctx, p.String(), limit)
	if err != nil || len(ids) == 0 {
		return nil, 0, wrapDue(p, err)
	}
	requests := make([]LoadRequest, len(ids))
	for i, id := range ids {
		requests[i] = l.loadRequest(keyFromID(p.Provider, id), withoutPayload)
		requests[i].Due = true
	}
	loaded, err := l.store.Load(ctx, p.String(), requests)
	if err != nil {
		return nil, 0, wrapDue(p, err)
	}
	wakeups, err = l.wakeAll(ctx, p, ids, loaded, lanes.facts())
	return wakeups, len(ids), err
}

// AnyDue reports whether a payment of a partition is due.
func (l *Ledger) AnyDue(ctx context.Context, p Partition) (bool, error) {
	due, err := l.store.AnyDue(ctx, p.String())
	return due, wrapDue(p, err)
}

// Lanes is what Due needs to know about the partition's queues.
type Lanes struct {
	// QueryTimeout is how long a status query may take before the payment is due again.
	QueryTimeout time.Duration
	// Send, Bulk and Query are the time since when each lane's oldest wake-up has been waiting;
	// zero if the lane is empty. They may differ from the store's clock by some seconds.
	Send, Bulk, Query time.Time
}

func (l Lanes) facts() rules.Lanes {
	return rules.Lanes{QueryTimeout: positive(l.QueryTimeout), Send: fromTime(l.Send), Bulk: fromTime(l.Bulk), Query: fromTime(l.Query)}
}

func wrapDue(p Partition, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("due %s: %w", p, err)
}

// recheckAfter is how long a payment whose record cannot be read is postponed.
const recheckAfter = 5 * time.Minute

func (l *Ledger) wakeAll(ctx context.Context, part Partition, ids []string, loaded []LoadResult, lanes rules.Lanes) ([]WakeUp, error) {
	epoch, err := l.epoch(ctx, part)
	if err != nil {
		return nil, wrapDue(part, err)
	}
	p := l.policy(part.Provider)
	var commits []CommitRequest
	var wakeups []WakeUp
	var wanted []rules.Need
	var errs []error
	for i, id := range ids {
		k := keyFromID(part.Provider, id)
		switch got := loaded[i]; {
		case got.Err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", k, got.Err), l.store.Postpone(ctx, part.String(), id, recheckAfter))
		case got.Text != "" && l.PartitionOf(k) != part:
			errs = append(errs, misplaced(k, part, l.PartitionOf(k)), l.store.Postpone(ctx, part.String(), id, recheckAfter))
		case got.Due == 0 || got.Due > got.Now: // another janitor was faster
		case got.Text == "":
			commits = append(commits, CommitRequest{Key: k, Now: got.Now})
			wakeups, wanted = append(wakeups, WakeUp{}), append(wanted, rules.NeedNothing)
		default:
			f := rules.Facts{QueryProof: got.QueryProof, Epoch: epoch.epoch}
			c, w := rules.Wake(got.Record, p, f, got.Now, lanes)
			commits = append(commits, l.commitRequest(k, got, c, epoch))
			wakeups = append(wakeups, WakeUp{
				Key: k, Generation: c.Record.Generation, Query: w == rules.NeedQuery, Bulk: c.Record.Bulk, Partition: part.Number,
			})
			wanted = append(wanted, w)
		}
	}
	written, failed := l.store.Commit(ctx, part.String(), commits)
	var out []WakeUp
	outdated := false
	for i, w := range wakeups {
		switch {
		case failed[i] != nil:
			errs = append(errs, fmt.Errorf("%s: %w", commits[i].Key, failed[i]))
		case written[i].FailedGuard == rules.EpochCurrent:
			outdated = true // what was not written is due still
		case written[i].Done && wanted[i] != rules.NeedNothing:
			out = append(out, w)
		}
	}
	if outdated {
		_, err := l.refreshEpoch(ctx, part, epoch)
		errs = append(errs, err)
	}
	return out, wrapDue(part, errors.Join(errs...))
}
