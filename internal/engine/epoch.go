package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/journal"
	"github.com/remesa/remesa/providers"
)

const (
	// keepReports is how long a worker remembers what it reported, and maxReports how many of a
	// partition's reports it keeps: they are reported again if the store forgets.
	keepReports = 2 * time.Minute
	maxReports  = 20_000
	// reportsAtOnce is how many are reported again at a time, so that they share round trips.
	reportsAtOnce = 64
)

// sentReport is what an attempt reported, with what its worker needs to report it again to a store
// that has lost it. It holds no payload.
type sentReport struct {
	owned ownedAttempt
	// result is nil if the attempt was released: nothing of it needs to be reported again.
	result *idempotency.AttemptResult
	at     time.Time
	// epoch is the store's epoch in which it is known to be on record.
	epoch int64
}

func (s *sentReport) key() idempotency.Key { return s.owned.registered.Key }

// sentReports are a partition's latest reports, the oldest first.
type sentReports struct {
	mu   sync.Mutex
	list []*keptReport
	// epoch is the one that the janitor has seen last.
	epoch int64
}

// remember keeps a report that the store has acknowledged. Its epoch is that of its attempt: if the
// store has been restarted since, the report is made again, and its sends are accounted for.
func (r *sentReports) remember(s sentReport) {
	s.epoch = s.owned.epoch
	kept := keep(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	old := 0
	for old < len(r.list) && (len(r.list)-old >= maxReports || s.at.Sub(r.list[old].at) > keepReports) {
		old++
	}
	r.list = append(r.list[old:], kept)
}

// unconfirmed returns the reports that may not be on record in an epoch.
func (r *sentReports) unconfirmed(epoch int64) []*keptReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.epoch = epoch
	var out []*keptReport
	for _, s := range r.list {
		if s.epoch < epoch {
			out = append(out, s)
		}
	}
	return out
}

// checkEpoch notices that the partition's store was restarted, or has forgotten. In a new epoch the
// worker reports again what it reported last: recorded fates make that a no-op where nothing was
// lost. It then tells the store which of the missing sends are on record again.
func (e *Engine) checkEpoch(ctx context.Context, p idempotency.Partition) error {
	epoch, sequence, restored, err := e.Ledger.CheckEpoch(ctx, p)
	if err != nil {
		return err
	}
	reports := e.reports[p]
	for _, account := range restored {
		e.Log.Error().Stringer("partition", p).Str("account", account).Msg("HALT RESTORED: the store had lost it; an operator must look")
	}
	e.Metrics.Epoch(p.String(), epoch, sequence)
	before := reports.epoch
	again := reports.unconfirmed(epoch.Number)
	if before != 0 && before != epoch.Number {
		l := e.Log.Warn()
		if epoch.Loss != nil {
			l = e.Log.Error()
		}
		l.Stringer("partition", p).Int64("epoch", epoch.Number).Bool("forgot", epoch.Loss != nil).Int("reports", len(again)).
			Msg("NEW EPOCH of the store: nothing is sent for a lease and 10 s; reporting again what was reported last")
	}
	if len(again) == 0 {
		return nil
	}
	return e.reportAgain(ctx, p, epoch, again)
}

// reportAgain makes the reports again, and accounts for those that are on record then.
func (e *Engine) reportAgain(ctx context.Context, p idempotency.Partition, epoch idempotency.Epoch, again []*keptReport) error {
	slots := make(chan struct{}, reportsAtOnce)
	failed := make([]error, len(again))
	onRecord := make([][]int64, len(again))
	var wg sync.WaitGroup
	for i, kept := range again {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			s := kept.report()
			if failed[i] = e.confirm(ctx, s); failed[i] == nil {
				kept.epoch = epoch.Number // only the janitor reads and writes it
				onRecord[i] = s.owned.sequences
				e.settle(s)
			}
		})
	}
	wg.Wait()
	sequences := slices.Concat(onRecord...)
	accounted, err := e.Ledger.AccountFor(ctx, p, sequences)
	if epoch.Loss != nil {
		e.Log.Warn().Stringer("partition", p).Int64("missing", epoch.Loss.Missing()).Int64("accounted_for", accounted).
			Msg("the store has forgotten sends")
	}
	return errors.Join(append(failed, err)...)
}

// confirm makes sure that a report is on record.
func (e *Engine) confirm(ctx context.Context, s *sentReport) error {
	if s.result == nil {
		return nil
	}
	t, err := e.finishOrRestore(ctx, s.key(), s.owned, *s.result)
	if err == nil && t.Applied {
		e.transitioned(s.key(), s.result.Outcome, t)
	}
	if permanent(err) {
		logLost(e.Log.Error(), s.key(), "report again", s.result.Outcome).Err(err).Msg("RESULT REFUSED by the ledger: an operator must look")
		return nil
	}
	return err
}

// recallJournal takes over what earlier workers of this machine left on the journal. An attempt
// without an outcome there may have been executed: it is reported in doubt, which changes nothing
// where the store knows more.
func (e *Engine) recallJournal() {
	if e.Journal == nil {
		return
	}
	seen := e.Journal.Sequences()
	for p := range e.reports {
		if n := seen[p.String()]; n > 0 {
			e.Ledger.Witness(p, n)
		}
	}
	for _, entry := range e.Journal.Entries() {
		s := reportOf(entry, e.Now())
		p := e.Ledger.PartitionOf(s.key())
		if p.String() != entry.Store() {
			s.owned.sequences = nil // the payment has moved, and is not among the sends of that partition
		}
		if r := e.reports[p]; r != nil {
			r.list = append(r.list, keep(*s))
		}
	}
}

// reportOf is what an entry of the journal has to tell the store.
func reportOf(entry journal.Entry, now time.Time) *sentReport {
	k := idempotency.Key{Provider: entry.Provider, Account: entry.Account, Reference: entry.Reference}
	s := &sentReport{at: now, owned: ownedAttempt{id: entry.Attempt, queryable: entry.Queryable, sequences: []int64{entry.Sequence}}}
	s.owned.leaseEnd = time.UnixMilli(entry.LeaseEnd)
	s.owned.registered = idempotency.Registration{
		Key: k, Type: entry.Type, Fingerprint: entry.Fingerprint, Amount: entry.Amount, Currency: entry.Currency, Object: entry.Object,
	}
	class := providers.Class(entry.Class)
	switch class {
	case classReleased:
		return s
	case "":
		class = providers.InDoubt
	default:
		s.epoch = entry.Epoch
	}
	o := providers.Outcome{Class: class, ProviderID: entry.ProviderID, Code: entry.Code}
	if entry.Class == "" {
		o.Code = "worker_ended"
	}
	s.result = &idempotency.AttemptResult{Attempt: entry.Attempt, Outcome: o, MoneyStepReached: true, Queryable: entry.Queryable}
	return s
}

// classReleased is the journal's word for an attempt that was not executed.
const classReleased = "released"

// intend has the attempt on this worker's disk, where there is a journal. After an error it must
// not send.
func (e *Engine) intend(k idempotency.Key, owned *ownedAttempt, sequence int64) error {
	if e.Journal == nil {
		return nil
	}
	r := owned.registered
	p := e.Ledger.PartitionOf(k)
	err := e.Journal.Intend(journal.Entry{
		Provider: k.Provider, Partition: p.Number, Account: k.Account, Reference: k.Reference, Attempt: owned.id, Sequence: sequence,
		Epoch: owned.epoch, LeaseEnd: owned.leaseEnd.UnixMilli(),
		Type: r.Type, Fingerprint: r.Fingerprint, Amount: r.Amount, Currency: r.Currency,
		Object: r.Object, Queryable: owned.queryable,
	})
	if err != nil {
		e.Log.Error().Stringer("key", k).Err(err).Msg("JOURNAL NOT WRITTEN: nothing is sent")
	}
	return err
}

// settle writes into the journal what is on record now.
func (e *Engine) settle(s *sentReport) {
	if e.Journal == nil {
		return
	}
	class, o := classReleased, providers.Outcome{}
	if s.result != nil {
		o = s.result.Outcome
		class = string(o.Class)
	}
	if err := e.Journal.Settle(s.owned.id, class, o.ProviderID, o.Code); err != nil {
		e.Log.Error().Stringer("key", s.key()).Err(err).Msg("journal not written; the result is on record")
	}
}

// seen is the epoch that the janitor has seen last.
func (r *sentReports) seen() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch
}

// reported keeps a report that the store has acknowledged, for the case that it forgets it.
func (e *Engine) reported(s sentReport) {
	e.settle(&s)
	e.reports[e.Ledger.PartitionOf(s.key())].remember(s)
}
