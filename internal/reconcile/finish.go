package reconcile

import (
	"slices"

	"github.com/remesa/remesa/idempotency"
)

// Finish says of each payment whether statement and ledger agree, and returns what became of all.
func (m *Matcher) Finish() (*Summary, error) {
	if err := m.deposits(); err != nil {
		return nil, err
	}
	for i := range uint32(m.Len()) { //nolint:gosec // as many as fit into memory
		e := m.at(i)
		err := error(nil)
		if e.line == 0 {
			err = m.without(e)
		} else {
			err = m.with(e)
		}
		if err != nil {
			return nil, err
		}
	}
	return m.sums, nil
}

// without judges a payment that has no line. A line of a bank may still come until the window is
// over; no line proves nothing about what is not known to have succeeded.
func (m *Matcher) without(e *entry) error {
	currency := m.currencies[e.currency]
	switch within := e.done >= m.o.From && e.done <= m.o.Until; {
	case e.named || !within:
		return nil
	case open(m.state(e)):
		count(m.sums.HeldNotFound, currency, e.amount)
		return nil
	case m.state(e) != idempotency.Succeeded:
		return nil
	case !m.o.Report && m.o.Window.last(e) > m.o.Until:
		count(m.sums.Waiting, currency, e.amount)
		return nil
	}
	d := m.about(NotOnStatement, e)
	d.Day, d.Currency = e.done, currency
	return m.report(d)
}

// open: it may have been executed, and nobody knows.
func open(s idempotency.State) bool {
	return s == idempotency.InDoubt || s == idempotency.Held || s == idempotency.Pending || s == idempotency.Sending
}

// with judges a payment that has lines.
func (m *Matcher) with(e *entry) error {
	forward, back := m.linesOf(e)
	if len(forward) > 1 {
		// The one that is as expected is the payment's, or else the first.
		best := max(0, slices.IndexFunc(forward, func(n uint32) bool { a := m.line(n); return a.amount == e.amount && a.currency == e.currency }))
		for i, n := range forward {
			if i == best {
				continue
			}
			d := m.difference(PaidTwice, e, n)
			d.OtherRow = int(m.line(forward[best]).row)
			if err := m.report(d); err != nil {
				return err
			}
		}
		forward = forward[best : best+1]
	}
	switch s := m.state(e); {
	case (s == idempotency.Succeeded || open(s)) && len(back) > 0:
		return m.report(m.difference(ReturnedThere, e, back[0]))
	case s == idempotency.Succeeded:
		return m.agrees(e, forward[0], false)
	case len(back) > 0: // nothing is left there, as nothing was executed here, or it came back
		count(m.sums.Matched, m.currencies[e.currency], e.amount)
		return nil
	case open(s):
		return m.agrees(e, forward[0], true)
	}
	return m.report(m.difference(PaidButFailed, e, forward[0]))
}

// linesOf are the payment's lines, in the order of the file.
func (m *Matcher) linesOf(e *entry) (forward, back []uint32) {
	for n := e.line; n != 0; n = m.line(n).before {
		if m.line(n).flags&opposite != 0 {
			back = append(back, n)
			continue
		}
		forward = append(forward, n)
	}
	slices.Reverse(forward)
	slices.Reverse(back)
	return forward, back
}

// agrees holds a payment against its line. One that is open is proposed if all agrees.
func (m *Matcher) agrees(e *entry, n uint32, open bool) error {
	a := m.line(n)
	var kinds []Kind
	switch {
	case a.currency != e.currency:
		kinds = append(kinds, CurrencyDiffers)
	case a.flags&grouped != 0 || a.amount == e.amount:
	case a.flags&feeExact != 0:
		kinds = append(kinds, FeeNetted)
	default:
		kinds = append(kinds, AmountDiffers)
	}
	if a.flags&beneficiary != 0 {
		kinds = append(kinds, BeneficiaryDiffers)
	}
	// When an open payment was executed is not known.
	if !open && !m.o.Window.holds(e, a.day) || open && a.day < e.sent {
		kinds = append(kinds, OutsideWindow)
	}
	for _, k := range kinds {
		if err := m.report(m.difference(k, e, n)); err != nil {
			return err
		}
	}
	switch currency := m.currencies[e.currency]; {
	case len(kinds) > 0:
		return nil
	case !open:
		count(m.sums.Matched, currency, e.amount)
		return nil
	default:
		count(m.sums.Proposals, currency, e.amount)
		return m.o.Proposal(Proposal{
			Key: m.keyOf(e), State: m.state(e), Row: int(a.row), Day: a.day, Amount: a.amount, Currency: currency, BankID: m.ids[n],
		})
	}
}

func (m *Matcher) difference(k Kind, e *entry, n uint32) Difference {
	a, d := m.line(n), m.about(k, e)
	d.Row, d.Day, d.Line, d.Currency, d.BankID = int(a.row), a.day, a.amount, m.currencies[a.currency], m.ids[n]
	return d
}

// about is a difference of one payment.
func (m *Matcher) about(k Kind, e *entry) Difference {
	return Difference{Kind: k, Key: m.keyOf(e), Version: e.version, State: m.state(e), Ledger: e.amount, LedgerCurrency: m.currencies[e.currency]}
}
