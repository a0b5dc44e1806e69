package main

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/merge"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/providers/catalog"
)

type listCmd struct {
	State     string `enum:",${states}" default:"" placeholder:"S" help:"Only this state: ${states}. Without it all that are open. Of failed only the last 30 days; reversed and succeeded read every record."`
	Provider  string `enum:",${providers}" default:"" placeholder:"P" help:"Only this provider: ${providers}."`
	Anomalies bool   `help:"Only payments with an anomaly, whatever their state."`
	Rejected  bool   `help:"Instead of payments the tasks of plain asynq clients that became none, and why: of the last 30 days, a provider's newest 1,000."`
	Since     string `placeholder:"WHEN" help:"Only what was registered since: a time (RFC 3339), or a duration back such as 24h or 7d."`
	Limit     int    `placeholder:"N" help:"No more than so many."`
	JSON      bool   `name:"json" help:"JSON Lines: the objects of show, without history."`
}

// Validate reads --since, whose duration is measured later, by the store's clock.
func (c *listCmd) Validate() error {
	if c.Limit < 0 {
		return usage("--limit: must not be negative; 0 is no limit")
	}
	_, err := c.start(time.Now())
	return err
}

// start is the time of --since, zero without it.
func (c *listCmd) start(now time.Time) (time.Time, error) {
	if c.Since == "" {
		return time.Time{}, nil
	}
	return pastTime("--since", c.Since, now)
}

// Run prints the payments of all providers by state, the oldest of each first.
func (c *listCmd) Run(a *app) error {
	switch {
	case c.Rejected && (c.State != "" || c.Anomalies):
		return usageError{errors.New("--rejected lists tasks that became no payment: use it without --state and --anomalies")}
	case c.Rejected:
		return c.rejected(a)
	}
	now, err := a.rdb.Time(a.ctx).Result()
	if err != nil {
		return a.failed(err)
	}
	from, err := c.start(now)
	if err != nil {
		return err
	}
	if !c.JSON {
		head := a.tableText().CLI.List
		_, _ = fmt.Fprintln(a.out, a.paint.Strong(fmt.Sprintf(a.row(), head.Key, a.stateCell(head.StateHead), head.Amount, head.Currency, head.Created,
			head.Updated, head.Age, head.Tries, head.Code)))
	}
	printed := 0
	for r, err := range c.records(a) {
		if err != nil {
			return a.failed(err)
		}
		if r.Created.Before(from) {
			continue
		}
		if err := c.print(a, r, now); err != nil {
			return err
		}
		if printed++; printed == c.Limit {
			break
		}
	}
	return a.flush()
}

func (c *listCmd) records(a *app) iter.Seq2[idempotency.Record, error] {
	var lists []iter.Seq2[idempotency.Record, error]
	for _, name := range c.providers() {
		lists = append(lists, c.recordsOf(a, name))
	}
	if c.indexed() {
		return merge.Ordered(older, lists...)
	}
	return sorted(merge.Ordered(older, lists...))
}

func (c *listCmd) providers() []string {
	if c.Provider != "" {
		return []string{c.Provider}
	}
	return catalog.Names()
}

// indexed reports whether the ledger hands the payments out in order; else they are few, or must be
// sorted in memory.
func (c *listCmd) indexed() bool {
	return !c.Anomalies && c.State != string(idempotency.Succeeded) && c.State != string(idempotency.Reversed)
}

func (c *listCmd) recordsOf(a *app, provider string) iter.Seq2[idempotency.Record, error] {
	f := idempotency.Filter{
		Provider: provider, State: idempotency.State(c.State), Anomalies: c.Anomalies,
		Damaged: func(k idempotency.Key, _ error) {
			a.say(a.text.CLI.List.Damaged(k.String()))
		},
	}
	open := c.State == "" && !c.Anomalies
	return func(yield func(idempotency.Record, error) bool) {
		stopped := false
		err := a.ledger.List(a.ctx, f, func(r idempotency.Record) bool {
			r.History = nil
			if open && r.State.Final() { // it became final while the list was read
				return true
			}
			stopped = !yield(r, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(idempotency.Record{}, err)
		}
	}
}

// older orders as the ledger's index does: by state, then by registration, what failed by when it
// did.
func older(a, b idempotency.Record) int {
	order := cmp.Compare(slices.Index(idempotency.States(), a.State), slices.Index(idempotency.States(), b.State))
	return cmp.Or(order, since(a).Compare(since(b)))
}

func since(r idempotency.Record) time.Time {
	if r.State == idempotency.Failed {
		return r.Updated
	}
	return r.Created
}

// sorted holds all records in memory, without their histories.
func sorted(all iter.Seq2[idempotency.Record, error]) iter.Seq2[idempotency.Record, error] {
	return func(yield func(idempotency.Record, error) bool) {
		var records []idempotency.Record
		for r, err := range all {
			if err != nil {
				yield(r, err)
				return
			}
			records = append(records, r)
		}
		slices.SortStableFunc(records, older)
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// The rows of the table, for programs and for people, whose states are longer.
const (
	row       = "%-40s %s %13s %-3s  %-20s  %-20s  %5s  %5v  %s"
	peopleRow = "%-40s %s %15s %-3s  %-20s  %-20s  %5s  %5v  %s"
)

func (a *app) row() string {
	if a.toPeople {
		return peopleRow
	}
	return row
}

// stateCell is a state as wide as its column, before it is coloured.
func (a *app) stateCell(state string) string {
	if a.toPeople {
		return fmt.Sprintf("%-20s", state)
	}
	return fmt.Sprintf("%-9s", state)
}

func (c *listCmd) print(a *app, r idempotency.Record, now time.Time) error {
	if c.JSON {
		a.sealedHere(r.DecryptErr)
		return a.print(view.NewPayment(r))
	}
	words, code := a.tableText(), r.Code
	if r.Anomaly != "" {
		code = a.paint.Bad(words.CLI.List.Anomaly(r.Anomaly, code))
	}
	state := coloured(a.paint, r.State, a.stateCell(words.CLI.List.State(string(r.State), words.State(r).Label)))
	_, err := fmt.Fprintf(a.out, a.row()+"\n", r.Key, state, a.columnAmount(r.Amount, r.Currency), r.Currency,
		a.columnTime(r.Created), a.columnTime(r.Updated), age(now.Sub(r.Created)), r.Attempts, code)
	return err
}

const rejectedRow = "%-20s  %-13s  %-40s  %-14s  %-40s  %s"

// rejected prints the rejected tasks of all providers, the oldest first.
func (c *listCmd) rejected(a *app) error {
	var all []idempotency.RejectedTask
	for _, name := range c.providers() {
		some, err := a.ledger.RejectedTasks(a.ctx, name)
		if err != nil {
			return a.failed(err)
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b idempotency.RejectedTask) int { return a.At.Compare(b.At) })
	if !c.JSON {
		head := a.tableText().CLI.List
		_, _ = fmt.Fprintln(a.out, a.paint.Strong(fmt.Sprintf(rejectedRow, head.At, head.Reason, head.Key, head.Queue, head.Task, head.Message)))
	}
	for _, t := range all {
		if err := c.printRejected(a, view.NewRejected(t), t.DecryptErr); err != nil {
			return err
		}
	}
	return a.flush()
}

func (c *listCmd) printRejected(a *app, r view.Rejected, decryptErr error) error {
	a.sealedHere(decryptErr)
	if c.JSON {
		return a.print(r)
	}
	_, err := fmt.Fprintf(a.out, rejectedRow+"\n", r.At[:19]+"Z", r.Reason, cmp.Or(r.Key, r.Provider+"/?"), r.Queue, r.TaskID, r.Message)
	return err
}

// age is a duration in its largest unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(int(d.Seconds()), 0))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
