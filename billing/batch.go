package billing

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// batch is subscriptions of one provider that share their round trips.
type batch struct {
	provider string
	now      time.Time
	ids      []string
	// updated are the charges of which the ledger reported a change, by subscription.
	updated map[string][]string
}

// batchResult is what a batch came to: how many charges it claimed, and which subscriptions it
// deferred because they could not be read, or changed in between.
type batchResult struct {
	claimed  int
	deferred map[string]bool
}

// candidate is one subscription of a batch.
type candidate struct {
	record Record
	// content is the present one, open that of the open period.
	content, open tasks.Subscription
	decision      Decision
	charges       []Charge
	others        []Charge
	err           error
}

// process decides and does what comes next for each subscription.
func (s *Sweeper) process(ctx context.Context, b batch) (batchResult, error) {
	result := batchResult{deferred: map[string]bool{}}
	loaded, unread := s.Store.Load(ctx, b.provider, b.ids...)
	if unread != nil && len(loaded) == 0 {
		return result, unread
	}
	s.deferUnread(b.ids, loaded, unread, result.deferred)
	candidates := make([]candidate, len(loaded))
	parallel(len(loaded), func(i int) {
		candidates[i] = s.decide(ctx, b.now, loaded[i], b.updated[loaded[i].Record.ID])
	})
	var decided []*candidate
	for i := range candidates {
		if err := candidates[i].err; err != nil {
			s.Log.Warn().Str("subscription", candidates[i].record.ID).Err(err).Msg("not processed; it is due again soon")
			result.deferred[candidates[i].record.ID] = true
			continue
		}
		decided = append(decided, &candidates[i])
	}
	written, err := s.commit(ctx, b.provider, decided, result.deferred)
	if err != nil {
		return result, err
	}
	result.claimed, err = s.registerCharges(ctx, b.provider, written)
	s.cancelCharges(ctx, b.provider, written)
	s.OnFaultPoint(SweepFinished, b.provider)
	return result, err
}

// deferUnread adds the subscriptions that could not be read to deferred, so that their updates come
// again; those that are gone need none.
func (s *Sweeper) deferUnread(ids []string, loaded []Stored, unread error, deferred map[string]bool) {
	if unread == nil {
		return
	}
	s.Log.Error().Err(unread).Msg("subscriptions that cannot be read are left; they are due again soon")
	for _, id := range ids {
		deferred[id] = true
	}
	for _, l := range loaded {
		delete(deferred, l.Record.ID)
	}
}

// decide reads the charges' states from the ledger and decides.
func (s *Sweeper) decide(ctx context.Context, now time.Time, l Stored, updated []string) candidate {
	c := candidate{record: l.Record}
	if errors.Is(l.Err, seal.ErrUnknownKey) || errors.Is(l.Err, seal.ErrNotSealed) {
		c.err = l.Err // left to a worker with the key, or to one without keys
		return c
	}
	if err := c.decode(l); err != nil {
		s.Log.Error().Str("subscription", l.Record.ID).Err(err).Msg("the content of a subscription cannot be read; it is paused")
		c.decision = l.Record.Suspend(now, Unreadable)
		return c
	}
	if c.err = s.readCharges(ctx, &c, updated); c.err != nil {
		return c
	}
	c.decision = l.Record.Decide(Facts{
		Now: now, Terms: termsOf(c.content), OpenTerms: termsOf(c.open), Charges: c.charges, Others: c.others,
	})
	return c
}

func (c *candidate) decode(l Stored) (err error) {
	if l.Err != nil {
		return l.Err
	}
	if c.content, err = tasks.DecodeStoredSubscription(l.Content); err != nil {
		return err
	}
	if bytes.Equal(l.OpenContent, l.Content) { // nothing was changed since the claim
		c.open = c.content
		return nil
	}
	c.open, err = tasks.DecodeStoredSubscription(l.OpenContent)
	return err
}

// termsOf are those of a subscription's content.
func termsOf(s tasks.Subscription) Terms {
	terms := Terms{
		Calendar: s.Calendar(), End: s.End(), Backfill: s.Backfill(), CatchUp: s.CatchUp(), Dunning: s.Dunning(),
	}
	if at, ok := s.CardExpires(); ok {
		terms.CardExpires = at
	}
	return terms
}

// readCharges reads the open period's charges from the ledger, and the others of which it reported
// a change.
func (s *Sweeper) readCharges(ctx context.Context, c *candidate, updated []string) error {
	references := map[string]bool{}
	if open := c.record.Open; open != nil {
		for attempt := range open.Attempt + 1 {
			reference := tasks.TxnID(c.record.ID, open.Period, attempt)
			references[reference] = true
			charge, err := s.readCharge(ctx, c.record, reference, open.Period)
			if err != nil {
				return err
			}
			c.charges = append(c.charges, charge)
		}
	}
	for _, id := range updated {
		k := idempotency.KeyOf(c.record.Provider, id)
		if references[k.Reference] {
			continue
		}
		charge, err := s.readCharge(ctx, c.record, k.Reference, 0)
		if err != nil {
			return err
		}
		c.others = append(c.others, charge)
	}
	return nil
}

// key is that of a charge.
func (r Record) key(reference string) idempotency.Key {
	return idempotency.Key{Provider: r.Provider, Account: r.Account, Reference: reference}
}

// owns reports whether a payment is the subscription's charge of a period; 0 is any period.
func (r Record) owns(p idempotency.Record, period int) bool {
	return p.Subscription == r.ID && (period == 0 || p.Period == strconv.Itoa(period))
}

// readCharge reads a charge from the ledger; period is 0 for one of any period.
func (s *Sweeper) readCharge(ctx context.Context, r Record, reference string, period int) (Charge, error) {
	p, err := s.Ledger.Show(ctx, r.key(reference))
	if errors.Is(err, idempotency.ErrUnknown) {
		return Charge{}, nil
	}
	if err != nil {
		return Charge{}, err
	}
	return Charge{
		Known: true, Foreign: !r.owns(p, period), Final: p.State.Final(), State: string(p.State), Code: p.Code,
		Decline: p.Decline, MayHaveLeft: p.MayHaveLeft, Anomaly: p.Anomaly != "", FinalAt: p.Updated,
	}, nil
}

// commit writes the decisions and returns the candidates whose decision was written; the others
// changed meanwhile and are deferred.
func (s *Sweeper) commit(ctx context.Context, provider string, candidates []*candidate, deferred map[string]bool) ([]*candidate, error) {
	updates := make([]Update, len(candidates))
	for i, c := range candidates {
		updates[i].Decision = c.decision
		if c.decision.Claimed {
			updates[i].Charge = c.charge().ID()
		}
	}
	s.OnFaultPoint(SweepCommit, provider)
	errs, err := s.Store.Commit(ctx, updates...)
	if err != nil {
		return nil, err
	}
	var written []*candidate
	for i, err := range errs {
		if err == nil {
			written = append(written, candidates[i])
			continue
		}
		deferred[candidates[i].record.ID] = true
		if !errors.Is(err, ErrVersionChanged) {
			s.Log.Error().Str("subscription", candidates[i].record.ID).Err(err).Msg("what comes next was not written; it is due again soon")
		}
	}
	return written, nil
}

// charge is the key of the open period's latest charge.
func (c *candidate) charge() idempotency.Key {
	open := c.decision.Record.Open
	return c.record.key(tasks.TxnID(c.record.ID, open.Period, open.Attempt))
}

// task is the open period's charge. A period that this decision opened has the present content.
func (c *candidate) task() (tasks.Period, error) {
	open, content := c.decision.Record.Open, c.open
	if c.record.Open == nil || c.record.Open.Period != open.Period {
		content = c.content
	}
	t, err := content.Charge(c.charge().Reference)
	return tasks.Period{
		Task: t, Subscription: c.record.ID, Number: open.Period, ChargeGuard: ChargeGuardKey(c.record.Provider, c.record.ID),
	}, err
}

// registerCharges registers what was claimed, and wakes workers. It returns how many periods were
// claimed.
func (s *Sweeper) registerCharges(ctx context.Context, provider string, candidates []*candidate) (claimed int, unmade error) {
	var periods []tasks.Period
	for _, c := range candidates {
		if !c.decision.Register {
			continue
		}
		p, err := c.task()
		if err != nil {
			s.Log.Error().Str("subscription", c.record.ID).Err(err).Msg("no charge can be made of a subscription's content")
			unmade = err
			continue
		}
		periods = append(periods, p)
		if c.decision.Claimed {
			claimed++
		}
	}
	if len(periods) == 0 {
		return 0, unmade
	}
	s.OnFaultPoint(SweepClaimed, provider)
	receipts, err := s.Intake.SubmitPeriods(ctx, periods...)
	s.OnFaultPoint(SweepCharged, provider)
	for _, r := range receipts {
		if r.Result == tasks.Conflict {
			s.Log.Warn().Stringer("key", r.Key).Str("problem", r.Problem).Msg("a period's charge was not registered")
		}
	}
	return claimed, errors.Join(unmade, err)
}

// cancelCharges stops charges that have not begun. Where one has, its outcome counts.
func (s *Sweeper) cancelCharges(ctx context.Context, provider string, candidates []*candidate) {
	for _, c := range candidates {
		if !c.decision.Cancel {
			continue
		}
		s.OnFaultPoint(SweepCancel, provider)
		k := c.charge()
		r, err := s.Ledger.Show(ctx, k)
		if err == nil {
			_, err = s.Ledger.Cancel(ctx, k, r.Version, idempotency.Actor{By: "remesa", Note: "its subscription ended"})
		}
		if err != nil && !errors.Is(err, idempotency.ErrRefused) && !errors.Is(err, idempotency.ErrVersionChanged) {
			s.Log.Warn().Stringer("key", k).Err(err).Msg("not cancelled; trying again")
		}
	}
}

// parallelism is how many subscriptions of a batch are decided at a time: each reads from the
// ledger once or more.
const parallelism = 16

func parallel(n int, do func(i int)) {
	var wg sync.WaitGroup
	for w := range min(parallelism, n) {
		wg.Go(func() {
			for i := w; i < n; i += parallelism {
				do(i)
			}
		})
	}
	wg.Wait()
}
