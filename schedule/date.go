package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Date is a day of the calendar, in no particular zone. Its zero value is none.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads "2026-08-31", and refuses a day that its month does not have. The error does not
// repeat the text.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return Date{}, errors.New("not a date such as 2026-08-31")
	}
	return dateOf(t), nil
}

// dateOf is the day that the clock of t's zone shows.
func dateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Compare is negative where d comes before o, zero where they are the same day, positive where d
// comes after o.
func (d Date) Compare(o Date) int {
	return cmp.Or(cmp.Compare(d.Year, o.Year), cmp.Compare(d.Month, o.Month), cmp.Compare(d.Day, o.Day))
}

// Before reports whether d comes before o.
func (d Date) Before(o Date) bool { return d.Compare(o) < 0 }

// addDays counts days of the calendar, which no change of clocks makes shorter or longer.
func (d Date) addDays(n int) Date {
	return dateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// addMonths keeps the day of the month, or takes the last one of a month that is too short for it.
func (d Date) addMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// daysSince is negative where o comes later; so is monthsSince.
func (d Date) daysSince(o Date) int { return int((d.midnightUTC() - o.midnightUTC()) / (24 * 60 * 60)) }

func (d Date) monthsSince(o Date) int { return (d.Year-o.Year)*12 + int(d.Month-o.Month) }

func (d Date) midnightUTC() int64 {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix()
}

// TimeOfDay is a time on the clock of a zone, to the minute. Its zero value is midnight, with which
// a day begins.
type TimeOfDay struct{ Hour, Minute int }

// ParseTimeOfDay reads "09:00", two digits each, up to "23:59". The error does not repeat the text.
func ParseTimeOfDay(text string) (TimeOfDay, error) {
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return TimeOfDay{}, errors.New("not a time of day such as 09:00")
	}
	return TimeOfDay{t.Hour(), t.Minute()}, nil
}

func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", t.Hour, t.Minute) }

func (t TimeOfDay) minutes() int64 { return int64(t.Hour)*60 + int64(t.Minute) }
