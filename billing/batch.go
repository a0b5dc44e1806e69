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

// subject is one subscription of a batch.
type subject struct {
	record Record
	// content is the present one, open that of the open period.
	content, open tasks.Subscription
	plan          Plan
	charges       []Charge
	others        []Charge
	err           error
}

// done is what a batch came to: how many charges it claimed, and which subscriptions it left
// because they could not be read, or moved on in between.
type done struct {
	claimed int
	left    map[string]bool
}

// look decides and does what comes next for each subscription. told are the charges of which the
// ledger told, by subscription.
func (s *Sweeper) look(ctx context.Context, provider string, now time.Time, ids []string, told map[string][]string) (done, error) {
	d := done{left: map[string]bool{}}
	loaded, unread := s.Store.Load(ctx, provider, ids...)
	if unread != nil && len(loaded) == 0 {
		return d, unread
	}
	s.leave(ids, loaded, unread, d.left)
	subjects := make([]subject, len(loaded))
	parallel(len(loaded), func(i int) {
		subjects[i] = s.study(ctx, now, loaded[i], told[loaded[i].Record.ID])
	})
	var changed []*subject
	for i := range subjects {
		if err := subjects[i].err; err != nil {
			s.Log.Warn().Str("subscription", subjects[i].record.ID).Err(err).Msg("not looked at; it is due again soon")
			d.left[subjects[i].record.ID] = true
			continue
		}
		changed = append(changed, &subjects[i])
	}
	written, err := s.commit(ctx, provider, changed, d.left)
	if err != nil {
		return d, err
	}
	d.claimed, err = s.charge(ctx, provider, written)
	s.cancel(ctx, provider, written)
	s.OnStep(SweepFinished, provider)
	return d, err
}

// leave notes which subscriptions were not read, so that their news comes again; those that are
// gone need none.
func (s *Sweeper) leave(ids []string, loaded []Subscription, unread error, left map[string]bool) {
	if unread == nil {
		return
	}
	s.Log.Error().Err(unread).Msg("subscriptions that cannot be read are left; they are due again soon")
	for _, id := range ids {
		left[id] = true
	}
	for _, l := range loaded {
		delete(left, l.Record.ID)
	}
}

// study reads what the ledger knows and decides.
func (s *Sweeper) study(ctx context.Context, now time.Time, l Subscription, told []string) subject {
	c := subject{record: l.Record}
	if errors.Is(l.Err, seal.ErrUnknownKey) || errors.Is(l.Err, seal.ErrNotSealed) {
		c.err = l.Err // a worker with the key, or one without keys, will look
		return c
	}
	if err := c.decode(l); err != nil {
		s.Log.Error().Str("subscription", l.Record.ID).Err(err).Msg("the content of a subscription cannot be read; it is paused")
		c.plan = l.Record.Stop(now, Unreadable)
		return c
	}
	if c.err = s.consult(ctx, &c, told); c.err != nil {
		return c
	}
	c.plan = l.Record.Step(now, termsOf(c.content), termsOf(c.open), c.charges, c.others)
	return c
}

func (c *subject) decode(l Subscription) (err error) {
	if l.Err != nil {
		return l.Err
	}
	if c.content, err = tasks.DecodeStoredSubscription(l.Content); err != nil {
		return err
	}
	if bytes.Equal(l.Open, l.Content) { // nothing was changed since the claim
		c.open = c.content
		return nil
	}
	c.open, err = tasks.DecodeStoredSubscription(l.Open)
	return err
}

// termsOf are those of a subscription's content.
func termsOf(t tasks.Subscription) Terms {
	terms := Terms{
		Calendar: t.Calendar(), End: t.End(), Backfill: t.Backfill(), CatchUp: t.CatchUp(), Dunning: t.Dunning(),
	}
	if at, ok := t.CardExpires(); ok {
		terms.CardExpires = at
	}
	return terms
}

// consult asks the ledger about the open period's charges, and about the others of which it told.
func (s *Sweeper) consult(ctx context.Context, c *subject, told []string) error {
	references := map[string]bool{}
	if open := c.record.Open; open != nil {
		for attempt := range open.Attempt + 1 {
			reference := tasks.TxnID(c.record.ID, open.Period, attempt)
			references[reference] = true
			charge, err := s.view(ctx, c.record, reference, open.Period)
			if err != nil {
				return err
			}
			c.charges = append(c.charges, charge)
		}
	}
	for _, id := range told {
		k := idempotency.KeyOf(c.record.Provider, id)
		if references[k.Reference] {
			continue
		}
		charge, err := s.view(ctx, c.record, k.Reference, 0)
		if err != nil {
			return err
		}
		c.others = append(c.others, charge)
	}
	return nil
}

func key(r Record, reference string) idempotency.Key {
	return idempotency.Key{Provider: r.Provider, Account: r.Account, Reference: reference}
}

// view is what the ledger knows of a charge; period is 0 for one of any period.
func (s *Sweeper) view(ctx context.Context, r Record, reference string, period int) (Charge, error) {
	p, err := s.Ledger.Show(ctx, key(r, reference))
	if errors.Is(err, idempotency.ErrUnknown) {
		return Charge{}, nil
	}
	if err != nil {
		return Charge{}, err
	}
	return Charge{
		Known: true, Foreign: p.Subscription != r.ID || period > 0 && p.Period != strconv.Itoa(period),
		Final: p.State.Final(), State: string(p.State), Code: p.Code, Decline: p.Decline, MayHaveLeft: p.MayHaveLeft,
		Anomaly: p.Anomaly != "", Settled: p.Updated,
	}, nil
}

// commit writes the plans and returns those that were written; the others moved on and are left.
func (s *Sweeper) commit(ctx context.Context, provider string, subjects []*subject, left map[string]bool) ([]*subject, error) {
	changes := make([]Change, len(subjects))
	for i, c := range subjects {
		changes[i].Plan = c.plan
		if c.plan.Claimed {
			changes[i].Permit = c.charge().ID()
		}
	}
	s.OnStep(SweepCommit, provider)
	answers, err := s.Store.Commit(ctx, changes...)
	if err != nil {
		return nil, err
	}
	var written []*subject
	for i, err := range answers {
		if err == nil {
			written = append(written, subjects[i])
			continue
		}
		left[subjects[i].record.ID] = true
		if !errors.Is(err, ErrMoved) {
			s.Log.Error().Str("subscription", subjects[i].record.ID).Err(err).Msg("what comes next was not written; it is due again soon")
		}
	}
	return written, nil
}

// charge is the key of the open period's latest charge.
func (c *subject) charge() idempotency.Key {
	open := c.plan.Record.Open
	return key(c.record, tasks.TxnID(c.record.ID, open.Period, open.Attempt))
}

// task is the open period's charge. A period that this step claimed has the present content.
func (c *subject) task() (tasks.Period, error) {
	open, content := c.plan.Record.Open, c.open
	if c.record.Open == nil || c.record.Open.Period != open.Period {
		content = c.content
	}
	t, err := content.Charge(c.charge().Reference)
	return tasks.Period{
		Task: t, Subscription: c.record.ID, Number: open.Period, Permit: PermitKey(c.record.Provider, c.record.ID),
	}, err
}

// charge registers what was claimed, and wakes workers. It returns how many periods were claimed.
func (s *Sweeper) charge(ctx context.Context, provider string, subjects []*subject) (claimed int, failed error) {
	var periods []tasks.Period
	for _, c := range subjects {
		if !c.plan.Register {
			continue
		}
		p, err := c.task()
		if err != nil {
			s.Log.Error().Str("subscription", c.record.ID).Err(err).Msg("no charge can be made of a subscription's content")
			failed = err
			continue
		}
		periods = append(periods, p)
		if c.plan.Claimed {
			claimed++
		}
	}
	if len(periods) == 0 {
		return 0, failed
	}
	s.OnStep(SweepClaimed, provider)
	receipts, err := s.Intake.SubmitPeriods(ctx, periods...)
	s.OnStep(SweepCharged, provider)
	for _, r := range receipts {
		if r.Outcome == tasks.Conflict {
			s.Log.Warn().Stringer("key", r.Key).Str("problem", r.Problem).Msg("a period's charge was not registered")
		}
	}
	return claimed, errors.Join(failed, err)
}

// cancel stops charges that have not begun. Where one has, its outcome counts.
func (s *Sweeper) cancel(ctx context.Context, provider string, subjects []*subject) {
	for _, c := range subjects {
		if !c.plan.Cancel {
			continue
		}
		s.OnStep(SweepCancel, provider)
		k := c.charge()
		r, err := s.Ledger.Show(ctx, k)
		if err == nil {
			_, err = s.Ledger.Cancel(ctx, k, r.Version, idempotency.Person{By: "remesa", Note: "its subscription ended"})
		}
		if err != nil && !errors.Is(err, idempotency.ErrRefused) && !errors.Is(err, idempotency.ErrMoved) {
			s.Log.Warn().Stringer("key", k).Err(err).Msg("not cancelled; trying again")
		}
	}
}

// workers is how many subscriptions of a batch are studied at a time: each asks the ledger once or
// more.
const workers = 16

func parallel(n int, do func(i int)) {
	var wg sync.WaitGroup
	for w := range min(workers, n) {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	wg.Wait()
}
