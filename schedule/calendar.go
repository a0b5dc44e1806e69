// Package schedule is the billing calendar: which periods of a subscription fall due when, in its
// time zone, past short months and changes of clocks. It is pure arithmetic, and knows neither the
// present time nor what was charged; package billing does.
package schedule

import (
	"fmt"
	"slices"
	"time"
)

// Unit is what the periods of a calendar are counted in.
type Unit string

// The units.
const (
	Day     Unit = "day"
	Week    Unit = "week"
	Month   Unit = "month"
	Quarter Unit = "quarter"
	Year    Unit = "year"
)

// Units lists the units, the shortest first.
func Units() []Unit { return []Unit{Day, Week, Month, Quarter, Year} }

// Valid reports whether u is one of Units.
func (u Unit) Valid() bool { return slices.Contains(Units(), u) }

// Calendar says when the periods of a subscription fall due. Periods are numbered from 1, the one
// on Start itself; each later one is counted from Start and not from its predecessor, so that the
// day of Start returns after a month too short for it.
type Calendar struct {
	// Every must be one of Units.
	Every Unit
	// Interval is how many units apart the periods are; anything below 1 means 1.
	Interval int
	Start    Date
	// At is a time on the clock of Zone; nil means UTC.
	At   TimeOfDay
	Zone *time.Location
}

// Date is the day on which period n falls due as the calendar names it: the day of Start, or the
// last day of a month that is shorter.
func (c Calendar) Date(n int) Date {
	days, months := c.step()
	if months > 0 {
		return c.Start.addMonths((n - 1) * months)
	}
	return c.Start.addDays((n - 1) * days)
}

// Due is when period n falls due: the first instant at which the clock of the zone has reached the
// period's date and time. A time that the clock skips thus moves forward to the first minute that
// exists, of the next day where the skip reaches midnight; of a time that the clock shows twice the
// earlier one counts. Later periods are due later, in every zone.
//
// Where a zone once skipped a whole day (Samoa, 30 December 2011), the period of that day is due
// when the next day begins; if the next period would be due at that very instant, it follows a
// minute later.
func (c Calendar) Due(n int) time.Time {
	due := c.reached(n)
	if days, _ := c.step(); n > 1 && days == 1 && due.Equal(c.reached(n-1)) {
		return due.Add(time.Minute)
	}
	return due
}

// First is the number of the first period that is due at t or later.
func (c Calendar) First(t time.Time) int {
	n := max(1, c.guess(t))
	for n > 1 && !c.Due(n-1).Before(t) {
		n--
	}
	for c.Due(n).Before(t) {
		n++
	}
	return n
}

// Period is the number of the period that is due at that instant; false where none is.
func (c Calendar) Period(due time.Time) (int, bool) {
	n := c.First(due)
	return n, c.Due(n).Equal(due)
}

// guess is at most a few periods off: what clocks and short months change is less than a month.
func (c Calendar) guess(t time.Time) int {
	today := dateOf(t.In(c.zone()))
	days, months := c.step()
	if months > 0 {
		return 1 + today.monthsSince(c.Start)/months
	}
	return 1 + today.daysSince(c.Start)/days
}

// step is the distance of two periods, in days or in months.
func (c Calendar) step() (days, months int) {
	interval := max(1, c.Interval)
	switch c.Every {
	case Day:
		return interval, 0
	case Week:
		return 7 * interval, 0
	case Month:
		return 0, interval
	case Quarter:
		return 0, 3 * interval
	case Year:
		return 0, 12 * interval
	}
	panic(fmt.Sprintf("schedule: a calendar with the unit %q", c.Every))
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// reached is the first instant at which the zone's clock shows the date of period n at c.At, or
// anything later.
func (c Calendar) reached(n int) time.Time {
	wanted := c.Date(n).midnightUTC() + 60*c.At.minutes()
	// No zone's clock is a day ahead of UTC, so a day before the same reading in UTC the time has
	// not come yet.
	t := time.Unix(wanted-24*60*60, 0).In(c.zone())
	for {
		_, offset := t.Zone()
		exact := time.Unix(wanted-int64(offset), 0)
		_, change := t.ZoneBounds()
		if !change.IsZero() && !change.After(t) {
			// Go takes the last day of a leap year for the first of the next one, where a zone's
			// rule goes on for ever, and has that day end before it begins. No zone changes its
			// clock on it.
			change = t.Add(24 * time.Hour)
		}
		switch {
		case exact.Before(t):
			return wholeMinute(t) // skipped by the change at t
		case change.IsZero() || exact.Before(change):
			return exact.In(c.zone())
		}
		t = change
	}
}

// wholeMinute moves to the next full minute of the clock; clocks that followed the sun changed at
// odd seconds.
func wholeMinute(t time.Time) time.Time {
	return t.Add(time.Duration((60-t.Second())%60) * time.Second)
}
