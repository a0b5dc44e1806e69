package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/schedule"
	"github.com/remesa/remesa/tasks"
)

// demoSubscription is monthly since the 31st of a month four to five months ago, and was added
// then. No worker ran until the demo starts. Its first period is too old by now, its third charge
// is declined once.
type demoSubscription struct {
	terms   tasks.Subscription
	started time.Time
}

const (
	subscriptionID = "demo-monthly"
	declinedPeriod = 3
	demoDunning    = "400ms"
)

func newDemoSubscription(now time.Time) (demoSubscription, error) {
	zone, err := schedule.LoadZone("America/Bogota")
	if err != nil {
		return demoSubscription{}, err
	}
	start := lastDayOfALongMonth(now.In(zone).AddDate(0, -5, 1-now.In(zone).Day()))
	old := now.Sub(start.Add(9 * time.Hour))
	line, err := json.Marshal(map[string]any{
		"id": subscriptionID, "provider": pagoseguro.Name, "amount": "32900", "currency": "COP", "description": "Plan mensual de prueba",
		"start": start.Format(time.DateOnly), "schedule": map[string]any{"every": "month", "at": "09:00", "timezone": "America/Bogota"},
		"catch_up": fmt.Sprintf("%dd", old/(24*time.Hour)), "dunning": []string{demoDunning}, "customer": demoCustomer(), "card": demoTokenized(),
	})
	if err != nil {
		return demoSubscription{}, err
	}
	terms, err := tasks.DecodeSubscription(line)
	return demoSubscription{terms, start}, err
}

// lastDayOfALongMonth is the 31st of the month that begins with first, or of the one after it: of
// two months, one has 31 days.
func lastDayOfALongMonth(first time.Time) time.Time {
	midnight := time.Date(first.Year(), first.Month(), 31, 0, 0, 0, 0, first.Location())
	if midnight.Day() == 31 {
		return midnight
	}
	return time.Date(first.Year(), first.Month()+1, 31, 0, 0, 0, 0, first.Location())
}

// fault declines one charge of it, softly.
func (s demoSubscription) fault() sandbox.Fault {
	return sandbox.Fault{Kind: "decline", Reference: tasks.TxnID(subscriptionID, declinedPeriod, 0)}
}

// add keeps it as if it had been added when it started.
func (s demoSubscription) add(ctx context.Context, store *billing.Store) error {
	_, err := store.Add(ctx, billing.NewAddition(s.terms, nil, s.started))
	return err
}

// await waits until it is caught up.
func (s demoSubscription) await(ctx context.Context, store *billing.Store) error {
	for ctx.Err() == nil {
		loaded, err := store.Load(ctx, s.terms.Provider(), subscriptionID)
		if err == nil && len(loaded) == 1 && loaded[0].Record.Open == nil && loaded[0].Record.NextDue > time.Now().UnixMilli() {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil // the table at the end says what is missing
}

// summary prints its periods. The provider must have charged each exactly once, the missed one not
// at all.
func (s demoSubscription) summary(ctx context.Context, d *demo) error {
	periods, err := d.worker.Subscriptions.Periods(ctx, s.terms.Provider(), subscriptionID)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	words := d.text.CLI.Demo
	fmt.Fprintf(w, "\n%s\t%s\t%s\t%s\t%s\t%s\t\n", words.Subscription(subscriptionID), words.Due, words.Happens, words.State, words.Charges, words.Paid)
	failed := error(nil)
	if len(periods) < declinedPeriod+1 {
		failed = errUnexpected
	}
	for _, p := range periods {
		charges, paid := 0, 0
		for attempt := range p.Attempt + 1 {
			reference := tasks.TxnID(subscriptionID, p.Number, attempt)
			charges, paid = charges+1, paid+d.sandbox.Find(s.terms.Provider()).ExecutionCount(reference)
		}
		description, state, moved := s.describePeriod(p.Number)
		check := d.text.Say("as expected")
		if p.State != state || paid != moved {
			check, failed = d.text.Say(fmt.Sprintf("EXPECTED %s, %d", state, moved)), errUnexpected
		}
		if p.State == billing.PeriodStateMissed {
			charges = 0
		}
		due := time.UnixMilli(p.Due).In(s.started.Location())
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", words.Period(strconv.Itoa(p.Number)), due.Format(time.RFC3339), d.text.Say(description), d.periodState(p.State), charges,
			paid, check)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return failed
}

// periodState is how a period ended: as its charge did, or missed.
func (d *demo) periodState(state string) string {
	if state == billing.PeriodStateMissed {
		return d.text.Say(state)
	}
	return d.state(idempotency.State(state))
}

// describePeriod returns what happens to a period, how it ends, and how often it is paid.
func (s demoSubscription) describePeriod(period int) (description, state string, moved int) {
	switch {
	case period == 1:
		return "older than catch_up: reported, not charged", billing.PeriodStateMissed, 0
	case period == declinedPeriod:
		return "missed, then declined: charged again after the dunning delay", "succeeded", 1
	case s.terms.Calendar().Date(period).Day != 31:
		return "missed: caught up; its month has no 31st", "succeeded", 1
	default:
		return "missed: caught up", "succeeded", 1
	}
}
