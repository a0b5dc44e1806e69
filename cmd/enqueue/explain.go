package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/explain"
	"github.com/remesa/remesa/internal/view"
)

type explainCmd struct {
	Key  string `arg:"" help:"${key}."`
	JSON bool   `name:"json" help:"As one JSON object."`
}

// explanation is what explain --json prints.
type explanation struct {
	Key      string            `json:"key"`
	State    idempotency.State `json:"state"`
	Happened []told            `json:"happened"`
	Now      string            `json:"now"`
	Next     nextStep          `json:"next"`
}

type told struct {
	At    string            `json:"at"`
	State idempotency.State `json:"state"`
	Text  string            `json:"text"`
}

type nextStep struct {
	Who  explain.Who `json:"who"`
	Text string      `json:"text"`
	// At is when remesa looks at the payment again; null if it does not.
	At *string `json:"at"`
}

// Run tells what happened to a payment, from its history.
func (c *explainCmd) Run(a *app) error {
	k, err := a.findKey(c.Key)
	if err != nil {
		return err
	}
	r, err := a.ledger.Show(a.ctx, k)
	if err != nil {
		return a.failed(err)
	}
	a.sealedHere(r.DecryptErr)
	if c.JSON {
		if err := a.print(newExplanation(r, explain.InEnglish().Explain(r))); err != nil {
			return err
		}
		return a.flush()
	}
	a.tell(r)
	return a.flush()
}

func newExplanation(r idempotency.Record, story explain.Story) explanation {
	out := explanation{Key: r.Key.String(), State: r.State, Happened: []told{}, Now: story.Now, Next: nextStep{Who: story.Next.Who, Text: story.Next.Text}}
	for _, s := range story.Sentences {
		out.Happened = append(out.Happened, told{view.Stamp(s.At), s.State, s.Text})
	}
	if !story.Next.At.IsZero() {
		out.Next.At = new(view.Stamp(story.Next.At))
	}
	return out
}

// tell writes the story for people; what cannot be written, the flush that follows tells.
func (a *app) tell(r idempotency.Record) {
	teller, words := explain.In(a.text), a.text.CLI.Show
	story := teller.Explain(r)
	line := func(text string) { _, _ = fmt.Fprintln(a.out, text) }
	line(a.paint.Strong(words.Title(r.Key.String(), a.text.PaymentType(r.Type), a.text.Money(r.Amount, r.Currency))))
	line("")
	for _, s := range story.Sentences {
		line(a.text.TimeInColumn(s.At) + "  " + clean(s.Text))
	}
	line("")
	line(coloured(a.paint, r.State, words.Now(clean(story.Now))))
	line(a.paint.Strong(words.Next(teller.Label(story.Next.Who), clean(story.Next.Text))))
	if !story.Next.At.IsZero() {
		line(a.withZone(words.LooksAgain(a.text.TimeInColumn(story.Next.At))))
	}
}

// clean leaves out what would move a terminal's cursor or change its colours.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}
