package export

import (
	"errors"
	"time"
)

// Day is a date, such as 2026-11-27.
type Day struct {
	year  int
	month time.Month
	day   int
}

// ParseDay reads YYYY-MM-DD.
func ParseDay(text string) (Day, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Day{}, errors.New("must be a date such as 2026-11-27")
	}
	return dayOf(t), nil
}

// DayAt is the date that a zone's clock shows at an instant.
func DayAt(t time.Time, zone *time.Location) Day { return dayOf(t.In(zone)) }

func dayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day{y, m, d}
}

func (d Day) String() string { return d.utc().Format(time.DateOnly) }

func (d Day) utc() time.Time { return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC) }

// Add is the date that many days later.
func (d Day) Add(days int) Day { return dayOf(d.utc().AddDate(0, 0, days)) }

// Before reports whether d is earlier.
func (d Day) Before(o Day) bool { return d.utc().Before(o.utc()) }

// Begins is the first instant of the date in a zone. Where the clock skips midnight that is later
// than 00:00, and where 23:00 comes twice, after the second time.
func (d Day) Begins(zone *time.Location) time.Time {
	t := d.utc().Add(-36 * time.Hour) // before the date has begun anywhere
	for {
		_, offset := t.In(zone).Zone()
		midnight := d.utc().Add(-time.Duration(offset) * time.Second)
		_, change := t.In(zone).ZoneBounds()
		switch {
		case midnight.Before(t): // skipped by the change at t
			return t.In(zone)
		case change.IsZero() || !change.After(t) || midnight.Before(change):
			return midnight.In(zone)
		}
		t = change
	}
}
