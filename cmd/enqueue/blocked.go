package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
)

// blockedFlags select blocked payments of a provider, and repeat how many they are and what they
// sum up to.
type blockedFlags struct {
	All      bool         `help:"Every blocked payment of --provider, instead of keys."`
	Provider string       `enum:",${providers}" default:"" placeholder:"P" help:"With --all: ${providers}."`
	Account  string       `placeholder:"A" help:"With --all: only this account."`
	Code     string       `placeholder:"C" help:"With --all: only what this brake blocked: limit_amount, limit_hour, limit_day, limit_doubt or lookalike."`
	Confirm  confirmFlags `embed:""`
}

// confirmFlags repeat how many payments are meant, and what they sum up to.
type confirmFlags struct {
	ConfirmCount *int     `aliases:"expect-count" placeholder:"N" help:"Of many at once: how many they are. Without it they are only counted."`
	ConfirmSum   []string `aliases:"expect-sum" sep:"none" placeholder:"CUR=AMOUNT" help:"Of many at once: what they sum up to in this currency; once for each currency."`

	sums map[string]sum
}

// given reports whether either flag was.
func (c *confirmFlags) given() bool { return c.ConfirmCount != nil || len(c.ConfirmSum) > 0 }

func (c *confirmFlags) validate() error {
	if (c.ConfirmCount != nil) != (len(c.ConfirmSum) > 0) {
		return usage("--confirm-count and --confirm-sum go together")
	}
	var err error
	c.sums, err = parseSums("--confirm-sum", c.ConfirmSum)
	return err
}

// validate wants one way to name payments, and these flags with no other. A file may be confirmed,
// too.
func (b *blockedFlags) validate(keys bool, file string) error {
	switch ways := []bool{keys, file != "", b.All}; {
	case count(ways) != 1:
		return usage("give either keys, --file or --all")
	case b.All && b.Provider == "":
		return usage("--all needs --provider")
	case !b.All && (b.Provider != "" || b.Account != "" || b.Code != ""):
		return usage("--provider, --account and --code go with --all")
	case keys && b.Confirm.given():
		return usage("--confirm-count and --confirm-sum go with --file or --all")
	case b.Account != "" && !accountForm.MatchString(b.Account):
		return usage("--account: must be 1 to 32 lower-case letters, digits and dashes")
	}
	return b.Confirm.validate()
}

// count is how many are true.
func count(of []bool) (n int) {
	for _, is := range of {
		if is {
			n++
		}
	}
	return n
}

// countedPayment is a payment as it was counted.
type countedPayment struct {
	key     idempotency.Key
	version int64
}

// each intervenes in every payment that was counted, in the version that was counted. It does
// nothing unless count and sums are those that were repeated.
func (b *blockedFlags) each(a *app, do intervention) error {
	found, sums, err := b.count(a)
	if err != nil {
		return a.failed(err)
	}
	if !b.Confirm.confirmed(len(found), sums) {
		b.Confirm.explain(a, a.text.CLI.Bulk.NoneBlocked, a.text.CLI.Bulk.RepeatBlocked, len(found), sums)
		return exitError(exitRefused)
	}
	var worst error
	if err := a.interveneCounted(&worst, found, do); err != nil {
		return err
	}
	return worst
}

// interveneCounted intervenes in each payment in the version that was counted, also where another
// one refuses; it keeps the worst exit code.
func (a *app) interveneCounted(worst *error, found []countedPayment, do intervention) error {
	for _, p := range found {
		t, err := do(p.key, p.version)
		if err == nil {
			err = a.print(interventionResult{p.key.String(), t.State})
		} else {
			err = a.goOn(worst, a.failed(named(p.key.String(), err)))
		}
		if err != nil {
			return err
		}
	}
	return a.flush()
}

func (b *blockedFlags) count(a *app) ([]countedPayment, map[string]*sum, error) {
	var found []countedPayment
	sums := map[string]*sum{}
	damaged := 0
	f := idempotency.Filter{Provider: b.Provider, State: idempotency.Blocked, Damaged: func(idempotency.Key, error) { damaged++ }}
	err := a.ledger.List(a.ctx, f, func(r idempotency.Record) bool {
		if b.Account != "" && r.Key.Account != b.Account || b.Code != "" && r.Code != b.Code {
			return true
		}
		if !sumForm.MatchString(r.Amount) {
			damaged++
			return true
		}
		found = append(found, countedPayment{r.Key, r.Version})
		addTo(sums, r)
		return true
	})
	if damaged > 0 {
		a.say(a.text.CLI.Bulk.Damaged(countOf(a.text, damaged)))
	}
	return found, sums, err
}

func addTo(sums map[string]*sum, r idempotency.Record) {
	if sums[r.Currency] == nil {
		sums[r.Currency] = &sum{}
	}
	sums[r.Currency].addText(r.Amount)
}

func (c *confirmFlags) confirmed(count int, sums map[string]*sum) bool {
	if c.ConfirmCount == nil || *c.ConfirmCount != count || len(c.sums) != len(sums) {
		return false
	}
	for currency, got := range sums {
		want, given := c.sums[currency]
		if !given || !got.equal(want) {
			return false
		}
	}
	return true
}

// explain says what to repeat, or that there is nothing.
func (c *confirmFlags) explain(a *app, none string, repeat func(n i18n.Number, sums, flags string) string, count int, sums map[string]*sum) {
	if count == 0 {
		a.say(none)
		return
	}
	flags := []string{fmt.Sprintf("--confirm-count %d", count)}
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		flags = append(flags, fmt.Sprintf("--confirm-sum %s=%s", currency, sums[currency].text()))
	}
	a.say(repeat(countOf(a.text, count), a.sums(sums), strings.Join(flags, " ")))
}

// sums are sums for a person: "$12.500 CLP y $149.50 MXN".
func (a *app) sums(of map[string]*sum) string {
	var all []string
	for _, currency := range slices.Sorted(maps.Keys(of)) {
		all = append(all, a.text.Money(of[currency].text(), currency))
	}
	if last := len(all) - 1; last > 0 {
		return strings.Join(all[:last], ", ") + a.text.CLI.Bulk.And + all[last]
	}
	return strings.Join(all, "")
}
