package idempotency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
)

// Options configure a ledger; the zero value has the documented defaults.
type Options struct {
	// Policies are by provider; a provider without one has Default.
	Policies map[string]Policy
	Default  Policy
	// Partitions is how many partitions each provider's payments are kept in. One that it does not
	// name has as many as the store says: 1 where nobody has set another number.
	Partitions Partitions
	// FirstWake is how long after its registration the janitor wakes a payment that no worker has
	// begun; 10 s by default.
	FirstWake time.Duration
	// Replicas is how many replicas must acknowledge, within ReplicaTimeout (1 s by default), what
	// others act on: a Begin before the attempt may send, a registration before it is reported, an
	// intervention. It needs a store in Redis.
	Replicas       int
	ReplicaTimeout time.Duration
	// Seal encrypts the payload, provider references, metadata, message and action URL before they
	// reach the store; nil leaves them in clear.
	Seal *seal.Ring
	// Observe, if set, is called with the duration of each transition, by its operation.
	Observe func(operation string, took time.Duration)
	// TestClock takes the time from the provider's key "clock" (Unix ms) instead of from Redis. For
	// tests.
	TestClock bool
}

// Ledger decides by package rules and writes the decisions to a store. Of its own it remembers only
// what proves that a store has forgotten: see CheckEpoch. It is safe for concurrent use.
type Ledger struct {
	store  Store
	opts   Options
	epochs epochCache
	counts *partitionCounts
}

// NewLedger makes a ledger on a store.
func NewLedger(store Store, o Options) *Ledger {
	o.fill()
	return &Ledger{store: store, opts: o, counts: &partitionCounts{set: o.Partitions}}
}

// NewRedis makes a ledger in Redis 7.0 or newer: a single server, Sentinel or a cluster. The caller
// closes the client.
func NewRedis(client redis.UniversalClient, o Options) *Ledger {
	o.fill()
	counts := &partitionCounts{set: o.Partitions, learns: true}
	return &Ledger{store: newRedisStore(client, o, counts), opts: o, counts: counts}
}

func (o *Options) fill() {
	if o.Default == (Policy{}) {
		o.Default = DefaultPolicy()
	}
	if o.FirstWake == 0 {
		o.FirstWake = 10 * time.Second
	}
	if o.Observe == nil {
		o.Observe = func(string, time.Duration) {}
	}
	if o.ReplicaTimeout == 0 {
		o.ReplicaTimeout = time.Second
	}
}

func (l *Ledger) policy(provider string) Policy {
	if p, ok := l.opts.Policies[provider]; ok {
		return p
	}
	return l.opts.Default
}

// Ping reports whether the store answers.
func (l *Ledger) Ping(ctx context.Context) error { return l.store.Ping(ctx) }

// decide makes the change of one transition from a record as it was read.
type decide func(loaded LoadResult, f rules.Facts) (rules.Change, error)

// maxTries is how often a transition that loses races is decided; after that the janitor wakes the
// payment when it is due.
const maxTries = 6

// payloadMode says whether a transition reads the payload too, to return it or to decide by whether
// there is one.
type payloadMode bool

const (
	withPayload    payloadMode = true
	withoutPayload payloadMode = false
)

// appliedChange is the record as it was read, the change, and the text that was written, if any.
type appliedChange struct {
	loaded LoadResult
	change rules.Change
	text   string
	// sequence is the number of the send that it lets go, if it does.
	sequence int64
}

// Snapshot is a record as an attempt's Begin wrote it. Its Finish decides from it without reading
// the record again. If the record has changed, or the clocks differ by more than the store allows,
// Finish reads it after all.
type Snapshot struct {
	text   string
	record rules.Record
	// now is the store's time when the record was written, at is this process's time then.
	now rules.Time
	at  time.Time
}

// loaded is the snapshot as if it had been read now.
func (s *Snapshot) loaded() LoadResult {
	return LoadResult{Text: s.text, Record: s.record, Now: s.now.Add(time.Since(s.at))}
}

// apply reads a payment, decides and writes, again if another writer was faster, at most maxTries
// times.
func (l *Ledger) apply(ctx context.Context, operation string, k Key, w payloadMode, d decide) (appliedChange, error) {
	return l.applyFrom(ctx, operation, k, w, nil, d)
}

// applyFrom is apply that begins with a snapshot, if there is one.
func (l *Ledger) applyFrom(ctx context.Context, operation string, k Key, w payloadMode, s *Snapshot, d decide) (appliedChange, error) {
	start := time.Now()
	defer func() { l.opts.Observe(operation, time.Since(start)) }()
	if err := l.learnPartitions(ctx, k.Provider); err != nil {
		return appliedChange{}, operationError(operation, k, err)
	}
	for range maxTries {
		loaded, err := l.read(ctx, k, w, s)
		if err != nil {
			return appliedChange{}, operationError(operation, k, err)
		}
		s = nil
		t, again, err := l.tryApply(ctx, k, loaded, d)
		if err != nil {
			return t, operationError(operation, k, err)
		}
		if !again {
			return t, nil
		}
	}
	return appliedChange{}, operationError(operation, k, ErrContended)
}

// read reads one payment, unless there is a snapshot of it.
func (l *Ledger) read(ctx context.Context, k Key, w payloadMode, s *Snapshot) (LoadResult, error) {
	if s != nil {
		return s.loaded(), nil
	}
	all, err := l.store.Load(ctx, l.partition(k), []LoadRequest{l.loadRequest(k, w)})
	switch {
	case err != nil:
		return LoadResult{}, err
	case all[0].Err != nil:
		return LoadResult{}, all[0].Err
	case all[0].Text == "":
		return LoadResult{}, ErrUnknown
	}
	return all[0], nil
}

func (l *Ledger) loadRequest(k Key, w payloadMode) LoadRequest {
	return LoadRequest{ID: k.id(), Account: k.Account, Payload: bool(w), QueryProof: l.policy(k.Provider).Resend}
}

// tryApply decides from one reading. If a guard did not hold, it decides again with that fact.
func (l *Ledger) tryApply(ctx context.Context, k Key, loaded LoadResult, d decide) (t appliedChange, again bool, err error) {
	epoch, err := l.epoch(ctx, l.PartitionOf(k))
	if err != nil {
		return t, false, err
	}
	facts := rules.Facts{HasPayload: loaded.Payload != nil, QueryProof: loaded.QueryProof}
	for range maxTries {
		facts.Epoch = epoch.epoch
		change, err := d(loaded, facts)
		t = appliedChange{loaded: loaded, change: change}
		if err != nil || change.Empty() {
			return t, false, err
		}
		written, errs := l.store.Commit(ctx, l.partition(k), []CommitRequest{l.commitRequest(k, loaded, change, epoch)})
		switch {
		case errs[0] != nil:
			return t, false, errs[0]
		case written[0].Done:
			t.text, t.sequence = written[0].Text, written[0].Sequence
			if change.CountsSend {
				err = l.epochs.of(l.PartitionOf(k)).counted(epoch, t.sequence)
			}
			return t, false, err
		case written[0].FailedGuard == rules.EpochCurrent:
			if epoch, err = l.refreshEpoch(ctx, l.PartitionOf(k), epoch); err != nil {
				return t, false, err
			}
		case written[0].Changed:
			return t, true, nil
		case written[0].FailedGuard == rules.NotHalted:
			facts.Halted = rules.HaltAccount
			if written[0].Found == AllAccounts {
				facts.Halted = rules.HaltProvider
			}
		case written[0].FailedGuard == rules.QueryNotProbed:
			facts.QueryProof = rules.QueryProbed
		case written[0].FailedGuard.OfBrake():
			facts.BrakeGuard = written[0].FailedGuard
			facts.BrakeMessage = l.sealed(k, fieldMessage, brakeMessage(k, change, written[0]))
		default:
			return t, false, fmt.Errorf("guard %s", written[0].FailedGuard)
		}
	}
	return appliedChange{}, false, ErrContended
}

func (l *Ledger) commitRequest(k Key, loaded LoadResult, c rules.Change, e epochFacts) CommitRequest {
	p := l.policy(k.Provider)
	return CommitRequest{
		Key: k, Change: c, Text: loaded.Text, Now: loaded.Now, Retention: p.Retention, OutcomesRetention: p.OutcomesRetention,
		Epoch: e.text, EpochNumber: e.epoch.Number, RunID: e.epoch.RunID,
	}
}

// transition applies a decision and returns what the transition came to.
func (l *Ledger) transition(ctx context.Context, operation string, k Key, w payloadMode, d decide) (Transition, error) {
	return transitionOf(l.apply(ctx, operation, k, w, d))
}

func transitionOf(t appliedChange, err error) (Transition, error) {
	if err != nil {
		return Transition{}, err
	}
	r := t.change.Record
	return Transition{
		State: r.State, Type: r.Type, Applied: t.change.Applied, StateChanged: t.change.StateChanged, Anomaly: t.change.AnomalyRaised,
		Created: asTime(r.Created), At: asTime(t.loaded.Now),
	}, nil
}

func operationError(operation string, k Key, err error) error {
	return fmt.Errorf("%s %s: %w", operation, k, err)
}

// outcome seals the texts of an outcome on their way into the record.
func (l *Ledger) outcome(k Key, o providers.Outcome, ours bool) rules.Outcome {
	o.Message = l.sealed(k, fieldMessage, o.Message)
	o.ActionURL = l.sealed(k, fieldActionURL, o.ActionURL)
	o.ProviderRefs = l.sealedProviderRefs(k, o.ProviderRefs)
	return rules.Outcome{Outcome: o, Ours: ours}
}

func asTime(t rules.Time) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}

func fromTime(t time.Time) rules.Time {
	if t.IsZero() {
		return 0
	}
	return rules.Time(t.UnixMilli())
}

// positive returns d, or 0 if it is negative.
func positive(d time.Duration) time.Duration { return max(d, 0) }

var errClass = errors.New("an attempt cannot end so")
