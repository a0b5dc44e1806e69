package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
)

// Change is a plan on its way into the store.
type Change struct {
	Plan Plan
	// Permit is the ID of the key of the charge that a claim allows to be registered.
	Permit string
	// Content replaces the present one; nil leaves it.
	Content []byte
}

// keptPeriods is how many settled periods of a subscription are kept.
const keptPeriods = 1000

// changeArg is ARGV[4] of commit.lua.
type changeArg struct {
	Due      *int64     `json:"due,omitempty"`
	Freeze   bool       `json:"freeze,omitempty"`
	Thaw     bool       `json:"thaw,omitempty"`
	Permit   string     `json:"permit,omitempty"`
	Withdraw bool       `json:"withdraw,omitempty"`
	Settled  []string   `json:"settled,omitempty"`
	Events   [][]string `json:"events,omitempty"`
	Oldest   string     `json:"oldest"`
	Keep     int        `json:"keep"`
}

// Commit writes plans, each in one step of its own. The answers are nil, ErrMoved, or why that plan was not written, which says nothing
// of the others; an error beside them means that none, some or all were written. The sweeper finds again what was not.
func (s *Store) Commit(ctx context.Context, changes ...Change) ([]error, error) {
	runs := make([]run, len(changes))
	for i, c := range changes {
		var err error
		if runs[i], err = s.commit(c); err != nil {
			return nil, err
		}
	}
	cmds, err := s.pipeline(ctx, "commit", runs)
	if err != nil && (cmds == nil || !redis.HasErrorPrefix(err, "")) { // nobody answered
		return nil, fmt.Errorf("subscriptions: %w", err)
	}
	out := make([]error, len(changes))
	for i, c := range changes {
		written, err := cmds[i].Int()
		if err == nil && written == 0 {
			err = ErrMoved
		}
		if err != nil {
			out[i] = fmt.Errorf("%s: %w", c.Plan.Record.ID, err)
		}
	}
	return out, nil
}

func (s *Store) commit(c Change) (run, error) {
	r := c.Plan.Record
	read := r.Version
	r.Version += int64(max(1, len(c.Plan.Events))) // each event has a version of its own
	text, err := json.Marshal(r)
	if err != nil {
		return run{}, err
	}
	arg, err := json.Marshal(s.arg(c, r))
	if err != nil {
		return run{}, err
	}
	keys := []string{
		recordKey(r.Provider, r.ID), contentKey(r.Provider, r.ID), dueKey(r.Provider), frozenKey(r.Provider, r.ID),
		PermitKey(r.Provider, r.ID), settledKey(r.Provider, r.ID), prefix(r.Provider) + "outcomes",
	}
	content := s.opts.Seal.Seal(c.Content, "subscription", r.ID)
	return run{keys, []any{r.ID, read, text, arg, content}}, nil
}

func (s *Store) arg(c Change, r Record) changeArg {
	p := c.Plan
	a := changeArg{
		Freeze: p.Freeze, Thaw: p.Thaw, Keep: keptPeriods,
		Oldest: strconv.FormatInt(p.now.Add(-s.opts.OutcomesRetention).UnixMilli(), 10),
	}
	if !p.Due.IsZero() {
		a.Due = new(p.Due.UnixMilli())
	}
	if p.Claimed {
		a.Permit = c.Permit
	}
	a.Withdraw = r.Open == nil || r.Open.Stop
	for _, period := range p.Settled {
		text, _ := json.Marshal(period) // numbers and plain words
		a.Settled = append(a.Settled, string(text))
	}
	for i, e := range p.Events {
		a.Events = append(a.Events, e.fields(r, p.Record.Version+1+int64(i), p.now))
	}
	return a
}

// fields are those of every entry of the outcome stream. As with payments, the event id is key and version: it tells repetitions apart,
// and which of two events is the later one.
func (e Event) fields(r Record, version int64, at time.Time) []string {
	period := ""
	if e.Period > 0 {
		period = strconv.Itoa(e.Period)
	}
	entry := kv.Entry{
		Key: "subscription:" + r.ID, Type: "subscription", State: string(e.State), Reference: r.ID, Code: e.Code, Message: e.Message,
		Decline: e.Decline, Amount: r.Amount, Currency: r.Currency, Attempt: e.Attempt, At: at, Event: "subscription", Version: version,
		Account: r.Account, Subscription: r.ID, Period: period,
	}
	var fields []string
	for _, field := range entry.Fields() {
		fields = append(fields, fmt.Sprint(field))
	}
	return fields
}
