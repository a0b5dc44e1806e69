package dashboard

import (
	"cmp"
	"context"
	"math/big"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
)

// No index has the amounts: a list by amount is read whole and sorted for each of its pages. A
// longer list than this is not.
const sortReads = 5000

// readByAmount reads a page of a list by amount, and the place where the next begins. The list is
// not whole if it is too long to be sorted; then there is no page.
func (p *pages) readByAmount(ctx context.Context, q query, damaged func(idempotency.Key, error)) (rs []idempotency.Record, next place, whole bool, err error) {
	if long, err := p.tooLong(ctx, q); long || err != nil {
		return nil, place{}, false, err
	}
	byTime := q
	byTime.Amounts, byTime.After = "", place{}
	var all []priced
	read := 0
	for f, err := range p.read(ctx, byTime, groupChunk, damaged) {
		if err != nil {
			return nil, place{}, false, err
		}
		if read += f.Reads; read > sortReads {
			return nil, place{}, false, nil
		}
		if f.Key.Reference != "" {
			all = append(all, newPriced(f.Record))
		}
	}
	slices.SortFunc(all, q.compareAmounts)
	if after := q.After; after.Currency != "" {
		border := priced{place: after, amount: rat(after.Amount)}
		all = slices.DeleteFunc(all, func(r priced) bool { return q.compareAmounts(r, border) <= 0 })
	}
	for _, r := range all[:min(listRows, len(all))] {
		rs, next = append(rs, r.Record), r.place
	}
	if len(all) <= listRows {
		next = place{}
	}
	return rs, next, true, nil
}

// tooLong reports whether the index already says that a list is too long to be sorted, whatever of
// it the filter leaves. What dates leave of it must be read.
func (p *pages) tooLong(ctx context.Context, q query) (bool, error) {
	if q.Anomalies || !q.from.IsZero() || !q.to.IsZero() {
		return false, nil
	}
	var n int64
	for _, provider := range q.providers() {
		counts, err := p.Ledger.Counts(ctx, provider)
		if err != nil {
			return false, err
		}
		n += counts[q.State]
	}
	return n > sortReads, nil
}

// priced is a payment with its place in a list by amount.
type priced struct {
	idempotency.Record
	place
	amount *big.Rat
}

func newPriced(r idempotency.Record) priced {
	out := priced{Record: r, place: place{ID: r.Key.ID(), Provider: r.Key.Provider, Currency: r.Currency, Amount: r.Amount}, amount: new(big.Rat)}
	if amountForm.MatchString(r.Amount) {
		out.amount = rat(r.Amount)
	}
	return out
}

// compareAmounts orders by currency first: amounts of two cannot be compared.
func (q query) compareAmounts(a, b priced) int {
	order := a.amount.Cmp(b.amount)
	if q.Amounts == largestFirst {
		order = -order
	}
	return cmp.Or(strings.Compare(a.place.Currency, b.place.Currency), order, strings.Compare(a.place.Provider, b.place.Provider), strings.Compare(a.ID, b.ID))
}
