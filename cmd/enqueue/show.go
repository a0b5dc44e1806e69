package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

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
	if !c.JSON && a.toPeople {
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
	teller, words := explain.In(a.text), a.text.CLI.Show
	story := teller.Explain(r)
	line := func(text string) { _, _ = fmt.Fprintln(a.out, text) }
	line(words.TitleState(r.Key.String(), a.text.PaymentType(r.Type), a.text.Money(r.Amount, r.Currency), coloured(a.paint, r.State, a.stateWord(r))))
	for _, field := range [][2]string{
		{words.Anomaly, r.Anomaly}, {words.Code, r.Code}, {words.Message, r.Message}, {words.Decline, r.Decline}, {words.ProviderID, r.ProviderID},
		{words.Subscription, r.Subscription}, {words.Period, r.Period}, {words.WaitsFor, teller.WaitsFor(r.ParkReason)},
	} {
		if field[1] != "" {
			_, _ = fmt.Fprintf(a.out, "%-14s %s\n", field[0], clean(field[1]))
		}
	}
	for _, h := range r.History {
		about := slices.DeleteFunc([]string{clean(h.Note), a.text.Answer(h)}, func(s string) bool { return s == "" })
		state := coloured(a.paint, h.State, fmt.Sprintf("%-9s", h.State))
		_, _ = fmt.Fprintf(a.out, "%s  %s  %s  %s\n", a.text.TimeInColumn(h.At), state, words.Attempt(countOf(a.text, h.Attempt)), strings.Join(about, "; "))
	}
	line(a.paint.Strong(words.Next(teller.Label(story.Next.Who), clean(story.Next.Text))))
	line(a.withZone(words.Why(r.Key.String())))
}

// stateWord is a state as show and list say it.
func (a *app) stateWord(r idempotency.Record) string {
	return a.text.CLI.List.State(string(r.State), a.text.State(r).Label)
}

// withZone says which zone the times are in, where they do not say it themselves.
func (a *app) withZone(text string) string {
	if a.text.Zone() == time.UTC {
		return text + " " + a.text.CLI.Show.UTC
	}
	return text
}
