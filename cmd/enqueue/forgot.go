package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/providers"
)

// forgotCmd is for a store that has forgotten sends: a restored backup, a failover without the last
// writes, an append-only file without its end.
type forgotCmd struct {
	Open  forgotOpenCmd  `cmd:"" help:"Declare that the store has forgotten sends, because a backup was restored for example: what waits is queried before it is sent."`
	Show  forgotShowCmd  `cmd:"" help:"What the store has forgotten, and what became of the payments in question (JSON)."`
	Close forgotCloseCmd `cmd:"" help:"End it: what waits is sent again without a query. Can also send what was held because of it."`
}

type forgotOpenCmd struct {
	Provider string     `required:"" enum:"${providers}" placeholder:"P" help:"${providers}."`
	At       string     `placeholder:"WHEN" help:"The time of the restored backup, such as 2026-05-15T09:00:00-04:00, or how long ago, such as 3h; only noted."`
	Actor    actorFlags `embed:""`
}

// Validate checks --at, and who and why.
func (c *forgotOpenCmd) Validate() error {
	if _, err := c.at(time.Now()); err != nil {
		return err
	}
	return c.Actor.Validate()
}

func (c *forgotOpenCmd) at(now time.Time) (time.Time, error) {
	if c.At == "" {
		return time.Time{}, nil
	}
	return pastTime("--at", c.At, now)
}

// Run declares the loss and shows it.
func (c *forgotOpenCmd) Run(a *app) error {
	at, err := c.at(time.Now())
	if err != nil {
		return err
	}
	if err := a.ledger.DeclareLoss(a.ctx, c.Provider, at, c.Actor.actor()); err != nil {
		return a.failed(err)
	}
	return a.showLoss(c.Provider)
}

type forgotShowCmd struct {
	Provider string `required:"" enum:"${providers}" placeholder:"P" help:"${providers}."`
}

// Run prints one object.
func (c *forgotShowCmd) Run(a *app) error { return a.showLoss(c.Provider) }

// lossView is what forgot show prints.
type lossView struct {
	Provider string `json:"provider"`
	Epoch    int64  `json:"epoch"`
	// EpochSince is when the server was started, or took over, or lost what it had.
	EpochSince string `json:"epoch_since"`
	Sequence   int64  `json:"sequence"`
	// Loss is left out while the store is not known to have forgotten anything.
	Loss *openLoss `json:"loss,omitempty"`
	// Waiting are the payments that wait to be sent, and are queried first while there is a loss.
	Waiting int64 `json:"waiting"`
	// Suspects are the payments that were queried because of a loss, by what became of them.
	Suspects map[string]*suspects `json:"suspects"`
}

type openLoss struct {
	Since string `json:"since"`
	// Missing is how many sends the store is proven to lack; 0 where nobody knows.
	Missing  int64  `json:"missing"`
	At       string `json:"at,omitempty"`
	Declared string `json:"declared,omitempty"`
}

type suspects struct {
	Count int               `json:"count"`
	Sums  map[string]string `json:"sums"`

	tally
	keys []idempotency.Record
}

// What became of a suspect payment.
const (
	suspectQueried    = "being_queried"
	suspectFound      = "found"
	suspectNotFound   = "not_found"
	suspectUnqueried  = "cannot_be_queried"
	suspectHeld       = "held"
	suspectSentAgain  = "sent_again"
	codeNotFound      = "not_found"
	codeForgottenSend = "forgotten_send"
)

func fateOf(r idempotency.Record) string {
	switch {
	case r.State == idempotency.InDoubt:
		return suspectQueried
	case r.State == idempotency.Held && r.Code == codeNotFound:
		return suspectNotFound
	case r.State == idempotency.Held && r.Code == codeForgottenSend:
		return suspectUnqueried
	case r.State == idempotency.Held:
		return suspectHeld
	case r.State == idempotency.Queued || r.State == idempotency.Ready || r.State == idempotency.Sending:
		return suspectSentAgain
	}
	return suspectFound
}

func (a *app) showLoss(provider string) error {
	view, err := a.lossView(provider)
	if err != nil {
		return a.failed(err)
	}
	if err := a.print(view); err != nil {
		return err
	}
	if view.Loss != nil {
		a.say(a.text.CLI.Forgot.Open(provider))
	}
	return a.flush()
}

func (a *app) lossView(provider string) (*lossView, error) {
	view := &lossView{Provider: provider}
	parts, err := a.ledger.KnownPartitions(a.ctx, provider)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		epoch, sequence, _, err := a.ledger.CheckEpoch(a.ctx, p)
		if err != nil {
			return nil, err
		}
		view.add(epoch, sequence)
	}
	counts, err := a.ledger.Counts(a.ctx, provider)
	if err != nil {
		return nil, err
	}
	view.Waiting = counts[idempotency.Queued] + counts[idempotency.Ready]
	view.Suspects, err = a.suspects(provider)
	return view, err
}

// add adds what one partition says: the latest epoch, the first loss, and the sums.
func (v *lossView) add(epoch idempotency.Epoch, sequence int64) {
	since := storeTime(int64(epoch.Since))
	v.Epoch, v.EpochSince, v.Sequence = max(v.Epoch, epoch.Number), max(v.EpochSince, since), v.Sequence+sequence
	l := epoch.Loss
	switch {
	case l == nil:
	case v.Loss == nil:
		v.Loss = &openLoss{Since: storeTime(int64(l.Since)), Missing: l.Missing(), At: storeTime(int64(l.At)), Declared: l.Declared}
	default:
		v.Loss.Since, v.Loss.Missing = min(v.Loss.Since, storeTime(int64(l.Since))), v.Loss.Missing+l.Missing()
	}
}

// storeTime formats a time of the store (Unix ms), "" for none.
func storeTime(ms int64) string {
	if ms == 0 {
		return ""
	}
	return view.Stamp(time.UnixMilli(ms))
}

// suspects reads the payments that a loss has put in question, by what became of them.
func (a *app) suspects(provider string) (map[string]*suspects, error) {
	out := map[string]*suspects{}
	err := a.ledger.List(a.ctx, idempotency.Filter{Provider: provider, Suspected: true}, func(r idempotency.Record) bool {
		fate := fateOf(r)
		if out[fate] == nil {
			out[fate] = &suspects{Sums: map[string]string{}}
		}
		s := out[fate]
		s.Count++
		if m, err := providers.ParseMoney(r.Amount, r.Currency); err == nil {
			s.addMoney(m)
			s.Sums[r.Currency] = s.sum(r.Currency).text()
		}
		if fate == suspectNotFound || fate == suspectUnqueried {
			r.History = nil
			s.keys = append(s.keys, r)
		}
		return true
	})
	return out, err
}

type forgotCloseCmd struct {
	Provider      string     `required:"" enum:"${providers}" placeholder:"P" help:"${providers}."`
	SendNotFound  bool       `help:"Also send the payments that the provider was asked about twice and does not know. You take the risk that one was executed."`
	SendUnqueried bool       `help:"Also send the held payments of a provider that cannot be queried. Check its statement first: you take the risk that one was executed."`
	ExpectCount   *int       `aliases:"confirm-count" placeholder:"N" help:"With --send-...: how many payments that sends; required."`
	ExpectSum     []string   `aliases:"confirm-sum" sep:"none" placeholder:"CUR=AMOUNT" help:"With --send-...: their sum, once for each currency; required."`
	Actor         actorFlags `embed:""`

	sums map[string]sum
}

func (c *forgotCloseCmd) sends() bool { return c.SendNotFound || c.SendUnqueried }

// Validate reads the expected sums.
func (c *forgotCloseCmd) Validate() error {
	if !c.sends() && (c.ExpectCount != nil || len(c.ExpectSum) > 0) {
		return usage("--expect-count and --expect-sum go with --send-not-found or --send-unqueried")
	}
	var err error
	if c.sums, err = parseSums("--expect-sum", c.ExpectSum); err != nil {
		return err
	}
	return c.Actor.Validate()
}

// Run sends what is asked for, a line for each payment, and ends the loss.
func (c *forgotCloseCmd) Run(a *app) error {
	all, err := a.suspects(c.Provider)
	if err != nil {
		return a.failed(err)
	}
	if c.sends() {
		if err := c.send(a, all); err != nil {
			return err
		}
	}
	view, err := a.lossView(c.Provider)
	if err != nil {
		return a.failed(err)
	}
	if view.Loss != nil || !c.sends() {
		if err := a.ledger.CloseLoss(a.ctx, c.Provider, c.Actor.actor()); err != nil {
			return a.failed(err)
		}
	}
	return a.showLoss(c.Provider)
}

// send makes the chosen payments ready, after the count and the sums have been repeated.
func (c *forgotCloseCmd) send(a *app, all map[string]*suspects) error {
	var chosen []idempotency.Record
	var found tally
	for fate, wanted := range map[string]bool{suspectNotFound: c.SendNotFound, suspectUnqueried: c.SendUnqueried} {
		if s := all[fate]; wanted && s != nil {
			chosen = append(chosen, s.keys...)
		}
	}
	for _, r := range chosen {
		if m, err := providers.ParseMoney(r.Amount, r.Currency); err == nil {
			found.addMoney(m)
		}
	}
	if !c.expected(&found) {
		a.say(a.text.CLI.Forgot.WouldSend(countOf(a.text, found.payments), a.sums(found.sums), found.flags()))
		return exitError(exitRefused)
	}
	refusedSome := false
	for _, r := range chosen {
		t, err := a.ledger.SendForgotten(a.ctx, r.Key, r.Version, c.Actor.actor())
		if refused(err) {
			a.say(r.Key.String() + ": " + a.describe(err))
			refusedSome = true
			continue
		}
		if err != nil {
			return a.failed(err)
		}
		if err := a.print(interventionResult{r.Key.String(), t.State}); err != nil {
			return err
		}
	}
	if refusedSome {
		a.say(a.text.CLI.Forgot.Changed)
		return exitError(exitRefused)
	}
	return nil
}

func (c *forgotCloseCmd) expected(found *tally) bool {
	if c.ExpectCount == nil || *c.ExpectCount != found.payments || len(c.sums) != len(found.sums) {
		return false
	}
	for currency, want := range c.sums {
		if !want.equal(found.sum(currency)) {
			return false
		}
	}
	return true
}

// flags are the tally as the command line repeats it.
func (t *tally) flags() string {
	parts := []string{fmt.Sprintf("--expect-count %d", t.payments)}
	for _, currency := range slices.Sorted(maps.Keys(t.sums)) {
		parts = append(parts, fmt.Sprintf("--expect-sum %s=%s", currency, t.sums[currency].text()))
	}
	return strings.Join(parts, " ")
}
