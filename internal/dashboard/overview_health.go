package dashboard

import (
	"slices"
	"strconv"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers/catalog"
)

// Circuit is the state of an account's circuit.
type Circuit string

// The states of a circuit.
const (
	CircuitClosed  Circuit = "closed"
	CircuitOpen    Circuit = "open"
	CircuitProbing Circuit = "half-open"
)

// AccountHealth is what one worker knows of an account at its provider.
type AccountHealth struct {
	Provider, Account string
	Circuit           Circuit
	// TokenSince is when the present token was obtained, TokenRenewal when it will be renewed; zero
	// where there is none.
	TokenSince, TokenRenewal time.Time
	// Rate is how many requests a second all workers may make of the provider; 0 without a limit.
	Rate float64
}

// healthRow is one account in the table of providers.
type healthRow struct {
	Account                               string
	Circuit, Token, LastSuccess, Failures string
	Rate, Halted                          string
	// Bad: somebody should look at it.
	Bad bool
}

// health is the table of providers; empty where this worker does not know.
func (p *pages) health(w words, all []providerData) []healthRow {
	if p.Health == nil {
		return nil
	}
	t := w.Overview.Health
	var rows []healthRow
	for _, a := range p.Health() {
		row := healthRow{Account: a.Provider + "/" + a.Account, Token: t.NoToken, Rate: t.NoRate, Halted: t.NotHalted, LastSuccess: t.NoneYet, Failures: t.NoOutcome}
		row.Circuit = map[Circuit]string{CircuitOpen: t.Open, CircuitProbing: t.Probing}[a.Circuit]
		if row.Bad = row.Circuit != ""; !row.Bad {
			row.Circuit = t.Closed
		}
		if !a.TokenSince.IsZero() {
			row.Token = t.TokenRenewed(w.Age(p.Now().Sub(a.TokenSince)), w.TimeToSecond(a.TokenRenewal))
		}
		if a.Rate > 0 {
			row.Rate = t.PerSecond(w.Amount(strconv.FormatFloat(a.Rate, 'f', -1, 64), ""))
		}
		p.providerHealth(w, &row, a, all[slices.Index(catalog.Names(), a.Provider)])
		rows = append(rows, row)
	}
	return rows
}

// providerHealth adds what is known of the account from its provider's figures and halts.
func (p *pages) providerHealth(w words, row *healthRow, a AccountHealth, g providerData) {
	t := w.Overview.Health
	for _, name := range []string{a.Account, idempotency.AllAccounts} {
		if text := g.halts[name]; text != "" {
			row.Halted, row.Bad = text, true
		}
	}
	if at := g.hours.Status.Succeeded; !at.IsZero() {
		row.LastSuccess = t.LastAt(w.Time(at), w.Age(p.Now().Sub(at)))
	}
	if p.Totals == nil {
		return
	}
	b := g.hours.Between(p.Now().Add(-(times24-1)*time.Hour), p.Now().Add(time.Hour))
	failed, settled := counts(b, idempotency.Failed), counts(b, idempotency.Failed, idempotency.Succeeded)
	if settled > 0 {
		row.Failures = t.Failed(i18n.Count(w.Locale, int64(failed)), i18n.Count(w.Locale, int64(settled)), w.percent(failed/settled))
	}
	if doubts := counts(b, idempotency.InDoubt); doubts > 0 {
		row.Failures += ", " + t.Doubts(i18n.Count(w.Locale, int64(doubts)))
	}
}
