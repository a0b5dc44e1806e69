package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
)

// Update is a decision on its way into the store.
type Update struct {
	Decision Decision
	// Charge is the ID of the key of the charge that a claim allows to be registered.
	Charge string
	// Content replaces the present one; nil leaves it.
	Content []byte
}

// keptPeriods is how many closed periods of a subscription are kept.
const keptPeriods = 1000

// Commit writes decisions, each in one step of its own. It returns an error for each: nil,
// ErrVersionChanged, or why that decision was not written, which concerns no other. Its second
// error means that none, some or all were written; the sweeper finds again what was not.
func (s *Store) Commit(ctx context.Context, updates ...Update) ([]error, error) {
	commits := make([]*kv.Commit, len(updates))
	epochs := map[string]int64{}
	for i, u := range updates {
		if u.Decision.Record.text == "" {
			continue // of a record that nobody read
		}
		epoch, err := s.epoch(ctx, epochs, u.Decision)
		if err != nil {
			return nil, err
		}
		if commits[i], err = s.commit(u, epoch); err != nil {
			return nil, err
		}
	}
	results, errs := s.write(ctx, commits)
	out := make([]error, len(updates))
	for i, u := range updates {
		err := errs[i]
		switch {
		case err == nil && results[i].Done:
			continue
		case err == nil:
			err = ErrVersionChanged
		case !redis.HasErrorPrefix(err, ""): // no response
			return nil, fmt.Errorf("subscriptions: %w", err)
		}
		out[i] = fmt.Errorf("%s: %w", u.Decision.Record.ID, err)
	}
	return out, nil
}

// epoch returns the number of the provider's epoch, and reads it once if there are events to
// publish.
func (s *Store) epoch(ctx context.Context, known map[string]int64, d Decision) (int64, error) {
	provider := d.Record.Provider
	if number, ok := known[provider]; ok || len(d.Events) == 0 {
		return number, nil
	}
	number, err := s.db.EpochNumber(ctx, provider)
	if err != nil {
		return 0, fmt.Errorf("subscriptions: %w", err)
	}
	known[provider] = number
	return number, nil
}

// write writes each commit by itself, those of one provider in one round trip. The results are in
// order; a nil commit has the zero result.
func (s *Store) write(ctx context.Context, commits []*kv.Commit) ([]kv.Result, []error) {
	results, errs := make([]kv.Result, len(commits)), make([]error, len(commits))
	places := map[string][]int{}
	for i, c := range commits {
		if c != nil {
			places[c.Owner] = append(places[c.Owner], i)
		}
	}
	for owner, at := range places {
		some := make([]*kv.Commit, len(at))
		for n, i := range at {
			some[n] = commits[i]
		}
		r, e := s.batcher.Commit(ctx, owner, some...)
		for n, i := range at {
			results[i], errs[i] = r[n], e[n]
		}
	}
	return results, errs
}

// commit writes a decision down. It is refused when Redis is full, as is the charge that it claims.
func (s *Store) commit(u Update, epoch int64) (*kv.Commit, error) {
	d, r := u.Decision, u.Decision.Record
	out := kv.NewCommit(r.Provider, recordKey(r.Provider, r.ID), r.text, 0)
	out.WhenFull = kv.RefuseWhenFull
	r.Version += int64(max(1, len(d.Events))) // each event has a version of its own
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if d.FreezeContent {
		out.Copy(contentKey(r.Provider, r.ID), frozenKey(r.Provider, r.ID))
	}
	out.Write("SET", recordKey(r.Provider, r.ID), text)
	if d.DropFrozen {
		out.Write("DEL", frozenKey(r.Provider, r.ID))
	}
	if len(u.Content) > 0 {
		out.Write("SET", contentKey(r.Provider, r.ID), s.opts.Seal.Seal(u.Content, "subscription", r.ID))
	}
	if d.Due.IsZero() {
		out.Write("ZREM", dueKey(r.Provider), r.ID)
	} else {
		out.Write("ZADD", dueKey(r.Provider), d.Due.UnixMilli(), r.ID)
	}
	writeChargeGuard(out, u, r)
	writeClosed(out, d, r)
	for i, e := range d.Events {
		out.Append(e.entry(r, epoch, d.Record.Version+1+int64(i), d.now), s.opts.OutcomesRetention)
	}
	return out, nil
}

// writeChargeGuard names the charge that a claim allows; without an open period, or with one that
// is being stopped, there is none.
func writeChargeGuard(out *kv.Commit, u Update, r Record) {
	switch {
	case u.Decision.Claimed && u.Charge != "":
		out.Write("SET", ChargeGuardKey(r.Provider, r.ID), u.Charge)
	case r.Open == nil || r.Open.Stop:
		out.Write("DEL", ChargeGuardKey(r.Provider, r.ID))
	}
}

func writeClosed(out *kv.Commit, d Decision, r Record) {
	for _, period := range d.Closed {
		text, _ := json.Marshal(period) // numbers and plain words
		out.Write("RPUSH", closedKey(r.Provider, r.ID), text)
	}
	if len(d.Closed) > 0 {
		out.Write("LTRIM", closedKey(r.Provider, r.ID), -keptPeriods, -1)
	}
}

// entry is the event as every entry of the outcome stream. As with payments, the event id is key,
// epoch and version: it tells repetitions apart, and which of two events is the later one.
func (e Event) entry(r Record, epoch, version int64, at time.Time) kv.OutcomeEvent {
	period := ""
	if e.Period > 0 {
		period = strconv.Itoa(e.Period)
	}
	return kv.OutcomeEvent{
		Key: "subscription:" + r.ID, Type: "subscription", State: string(e.State), Reference: r.ID,
		Code: e.Code, Message: e.Message, Decline: e.Decline, Amount: r.Amount, Currency: r.Currency,
		Attempt: e.Attempt, At: at, Event: "subscription", Epoch: epoch, Version: version, Account: r.Account,
		Subscription: r.ID, Period: period,
	}
}
