package dashboard

import (
	"maps"
	"slices"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// tally counts payments, and sums each currency.
type tally struct {
	n   int
	sum map[string]providers.Money
	odd int // payments whose amount cannot be read
	// example is one of them.
	example idempotency.Record
}

func (t *tally) add(r idempotency.Record) {
	t.n++
	if t.sum == nil {
		t.sum = map[string]providers.Money{}
	}
	m, err := providers.ParseMoney(r.Amount, r.Currency)
	if old, ok := t.sum[r.Currency]; ok && err == nil {
		m, err = old.Add(m)
	}
	if err != nil {
		t.odd++
		return
	}
	t.sum[r.Currency] = m
}

// merge adds what another tally has.
func (t *tally) merge(o *tally) {
	t.n, t.odd = t.n+o.n, t.odd+o.odd
	if t.sum == nil {
		t.sum = map[string]providers.Money{}
	}
	for currency, sum := range o.sum {
		m, err := sum, error(nil)
		if old, ok := t.sum[currency]; ok {
			m, err = old.Add(sum)
		}
		if err != nil {
			t.odd += o.n - o.odd // more than an amount can be
			continue
		}
		t.sum[currency] = m
	}
}

func tallyOf(rs []idempotency.Record) *tally {
	t := &tally{}
	for _, r := range rs {
		t.add(r)
	}
	return t
}

// sums are the sums in words, by currency.
func (t *tally) sums(w words) []string {
	var out []string
	for _, c := range slices.Sorted(maps.Keys(t.sum)) {
		out = append(out, w.Money(t.sum[c].Text(), c))
	}
	if t.odd > 0 {
		out = append(out, w.Pages.List.WithoutUnread(w.count(t.odd)))
	}
	return out
}
