package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/explain"
	"github.com/remesa/remesa/internal/view"
)

type showCmd struct {
	Key  string `arg:"" help:"${key}."`
	JSON bool   `name:"json" help:"JSON on a terminal too."`
}

// Run prints one payment, for people if stdout is a terminal.
func (c *showCmd) Run(a *app) error {
	k, err := a.findKey(c.Key)
	if err != nil {
		return err
	}
	r, err := a.ledger.Show(a.ctx, k)
	if err != nil {
		return a.failed(err)
	}
	a.sealedHere(r.DecryptErr)
	if !c.JSON && term.IsTerminal(int(os.Stdout.Fd())) {
		a.showToPeople(r)
		return a.flush()
	}
	if err := a.print(view.NewShownPayment(r)); err != nil {
		return err
	}
	return a.flush()
}

// showToPeople writes what a person looks for first; show --json has all.
func (a *app) showToPeople(r idempotency.Record) {
	story := explain.Explain(r)
	_, _ = fmt.Fprintf(a.out, "%s: %s of %s %s, %s\n", r.Key, r.Type, r.Amount, r.Currency, r.State)
	for _, field := range [][2]string{
		{"anomaly", r.Anomaly}, {"code", r.Code}, {"message", r.Message}, {"decline", r.Decline}, {"provider's id", r.ProviderID},
		{"subscription", r.Subscription}, {"period", r.Period}, {"waits for", explain.WaitsFor(r.ParkReason)},
	} {
		if field[1] != "" {
			_, _ = fmt.Fprintf(a.out, "%-14s %s\n", field[0], clean(field[1]))
		}
	}
	for _, h := range r.History {
		_, _ = fmt.Fprintf(a.out, "%s  %-9s  attempt %d  %s\n", h.At.UTC().Format(time.DateTime), h.State, h.Attempt, clean(h.Note))
	}
	_, _ = fmt.Fprintf(a.out, "Next (%s): %s\nWhy: enqueue explain %s. All times are in UTC.\n", story.Next.Who, clean(story.Next.Text), r.Key)
}
