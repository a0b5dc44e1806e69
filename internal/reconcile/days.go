package reconcile

import (
	"time"

	"github.com/remesa/remesa/internal/statement"
)

// Window says when a line may follow a payment: not before the day on which it was sent, and at
// most so many business days after the one on which it was done. Weekends and Holidays are no
// business days.
type Window struct {
	Payout, Charge int
	Holidays       map[statement.Day]bool
}

// DefaultWindow has room for the posting of the next business days; it has no holidays.
func DefaultWindow() Window { return Window{Payout: 3, Charge: 5} }

// last is the last day of a payment's window.
func (w Window) last(e *entry) statement.Day {
	n := w.Payout
	if e.charge {
		n = w.Charge
	}
	d := e.done
	for !w.business(d) { // what is done on a Saturday is posted as on Monday
		d++
	}
	for ; n > 0; n-- {
		for d++; !w.business(d); d++ {
		}
	}
	return d
}

func (w Window) business(d statement.Day) bool {
	weekday := d.Time().Weekday()
	return weekday != time.Saturday && weekday != time.Sunday && !w.Holidays[d]
}

// holds reports whether a line of that day may be the payment's.
func (w Window) holds(e *entry, d statement.Day) bool { return d >= e.sent && d <= w.last(e) }
