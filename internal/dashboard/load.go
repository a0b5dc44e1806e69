package dashboard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
)

// providerData is what one provider adds to the page.
type providerData struct {
	counts  map[idempotency.State]int64
	halts   map[string]string
	epoch   idempotency.Epoch
	records [][]idempotency.Record
	cut     []bool
	err     error
}

// loadProviders reads all providers at once, so that a slow one delays the page no more
// than itself.
func (p *pages) loadProviders(ctx context.Context) []providerData {
	names := catalog.Names()
	all := make([]providerData, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { all[i] = p.loadProvider(ctx, name) })
	}
	wg.Wait()
	return all
}

func (p *pages) loadProvider(ctx context.Context, provider string) providerData {
	g := providerData{records: make([][]idempotency.Record, len(sections())), cut: make([]bool, len(sections()))}
	if g.counts, g.err = p.Ledger.Counts(ctx, provider); g.err != nil {
		return g
	}
	if g.halts, g.err = p.Ledger.Halts(ctx, provider); g.err != nil {
		return g
	}
	if g.epoch, g.err = p.Ledger.Epoch(ctx, provider); g.err != nil {
		return g
	}
	for i, s := range sections() {
		s.filter.Provider = provider
		s.filter.Damaged = func(_ idempotency.Key, err error) { g.err = err } // the page says that something is missing
		err := p.Ledger.List(ctx, s.filter, func(r idempotency.Record) bool {
			g.cut[i] = len(g.records[i]) == maxRecords
			if !g.cut[i] {
				r.Updated, r.History = since(r), nil // histories are long, and only this is needed of them
				g.records[i] = append(g.records[i], r)
			}
			return !g.cut[i]
		})
		if err != nil { // what can be read is shown all the same
			g.err = err
		}
	}
	return g
}

// due reads how many subscriptions are due, where there are any.
func (p *pages) due(ctx context.Context, o *overview) *due {
	if p.Subscriptions == nil {
		return nil
	}
	n, oldest, err := p.Subscriptions.Due(ctx)
	if err != nil {
		p.Log.Warn().Err(err).Msg("payments page: subscriptions")
		o.Notices = append(o.Notices, "The subscriptions could not be read. The log says why.")
		return nil
	}
	return &due{Count: n, Oldest: stamp{oldest}, Age: age(p.Now().Sub(oldest))}
}

// since is when a payment's anomaly was found, or when it came into its state, as far as its
// history has it.
func since(r idempotency.Record) time.Time {
	at := r.Updated
	for _, e := range r.History {
		if r.Anomaly != "" && strings.HasPrefix(e.Note, "anomaly: ") {
			return e.At
		}
	}
	for i := len(r.History) - 1; i >= 0 && r.History[i].State == r.State; i-- {
		at = r.History[i].At
	}
	return at
}

// sums adds up the amounts of each currency.
func sums(records []idempotency.Record, cut bool) []string {
	of := map[string]providers.Money{}
	odd := 0
	for _, r := range records {
		m, err := providers.ParseMoney(r.Amount, r.Currency)
		if err == nil {
			m, err = of[r.Currency].Add(m)
		}
		if err != nil {
			odd++
			continue
		}
		of[r.Currency] = m
	}
	var out []string
	for _, c := range slices.Sorted(maps.Keys(of)) {
		text := of[c].String()
		if cut {
			text = "more than " + text
		}
		out = append(out, text)
	}
	if odd > 0 {
		out = append(out, fmt.Sprintf("without %d whose amount cannot be read", odd))
	}
	return out
}
