package schedule

import (
	"testing"
	"time"
)

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := LoadZone(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return z
}

func mustDate(t testing.TB, text string) Date {
	t.Helper()
	d, err := ParseDate(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func mustClock(t testing.TB, text string) TimeOfDay {
	t.Helper()
	at, err := ParseTimeOfDay(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return at
}

func mustCalendar(t testing.TB, every Unit, interval int, start, at, zoneName string) Calendar {
	t.Helper()
	return Calendar{every, interval, mustDate(t, start), mustClock(t, at), mustZone(t, zoneName)}
}

func TestPeriodsFallDueWhenPeopleExpectThem(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		every     Unit
		interval  int
		start, at string
		zone      string
		first     int // the number of the first period of want
		want      []string
	}{
		"the 31st moves to the end of shorter months and returns": {
			Month, 1, "2026-01-31", "09:00", "America/Bogota", 1,
			[]string{"2026-01-31T09:00:00-05:00", "2026-02-28T09:00:00-05:00", "2026-03-31T09:00:00-05:00", "2026-04-30T09:00:00-05:00", "2026-05-31T09:00:00-05:00"},
		},
		"the 31st in a leap year": {
			Month, 1, "2027-12-31", "09:00", "America/Bogota", 1,
			[]string{"2027-12-31T09:00:00-05:00", "2028-01-31T09:00:00-05:00", "2028-02-29T09:00:00-05:00", "2028-03-31T09:00:00-05:00"},
		},
		"29 February returns in the next leap year": {
			Year, 1, "2028-02-29", "09:00", "America/Mexico_City", 1,
			[]string{"2028-02-29T09:00:00-06:00", "2029-02-28T09:00:00-06:00", "2030-02-28T09:00:00-06:00", "2031-02-28T09:00:00-06:00", "2032-02-29T09:00:00-06:00"},
		},
		"29 February is missing in 2100": {
			Year, 4, "2092-02-29", "09:00", "America/Mexico_City", 1,
			[]string{"2092-02-29T09:00:00-06:00", "2096-02-29T09:00:00-06:00", "2100-02-28T09:00:00-06:00", "2104-02-29T09:00:00-06:00"},
		},
		"a quarter from the last day of November": {
			Quarter, 1, "2026-11-30", "00:00", "America/Lima", 1,
			[]string{"2026-11-30T00:00:00-05:00", "2027-02-28T00:00:00-05:00", "2027-05-30T00:00:00-05:00", "2027-08-30T00:00:00-05:00"},
		},
		"every second month": {
			Month, 2, "2026-08-31", "09:00", "America/Bogota", 1,
			[]string{"2026-08-31T09:00:00-05:00", "2026-10-31T09:00:00-05:00", "2026-12-31T09:00:00-05:00", "2027-02-28T09:00:00-05:00"},
		},
		"every second week over the change of clocks": {
			Week, 2, "2026-03-28", "12:00", "America/Santiago", 1,
			[]string{"2026-03-28T12:00:00-03:00", "2026-04-11T12:00:00-04:00", "2026-04-25T12:00:00-04:00"},
		},
		"midnight does not exist on 6 September 2026 in Santiago": {
			Day, 1, "2026-09-05", "00:00", "America/Santiago", 1,
			[]string{"2026-09-05T00:00:00-04:00", "2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"},
		},
		"no time of the skipped hour exists": {
			Day, 1, "2026-09-05", "00:30", "America/Santiago", 1,
			[]string{"2026-09-05T00:30:00-04:00", "2026-09-06T01:00:00-03:00", "2026-09-07T00:30:00-03:00"},
		},
		"the minute behind the skipped hour": {
			Day, 1, "2026-09-05", "01:00", "America/Santiago", 1,
			[]string{"2026-09-05T01:00:00-04:00", "2026-09-06T01:00:00-03:00", "2026-09-07T01:00:00-03:00"},
		},
		"half past eleven comes twice on 4 April 2026 in Santiago": {
			Day, 1, "2026-04-03", "23:30", "America/Santiago", 1,
			[]string{"2026-04-03T23:30:00-03:00", "2026-04-04T23:30:00-03:00", "2026-04-05T23:30:00-04:00"},
		},
		"midnight behind the hour that comes twice": {
			Day, 1, "2026-04-04", "00:00", "America/Santiago", 1,
			[]string{"2026-04-04T00:00:00-03:00", "2026-04-05T00:00:00-04:00"},
		},
		"one in the morning comes twice in Havana": {
			Day, 1, "2026-10-31", "00:30", "America/Havana", 1,
			[]string{"2026-10-31T00:30:00-04:00", "2026-11-01T00:30:00-04:00", "2026-11-02T00:30:00-05:00"},
		},
		"half an hour does not exist in Caracas": {
			Day, 1, "2016-04-30", "02:45", "America/Caracas", 1,
			[]string{"2016-04-30T02:45:00-04:30", "2016-05-01T03:00:00-04:00", "2016-05-02T02:45:00-04:00"},
		},
		"half an hour comes twice in Caracas": {
			Day, 1, "2007-12-08", "02:45", "America/Caracas", 1,
			[]string{"2007-12-08T02:45:00-04:00", "2007-12-09T02:45:00-04:00", "2007-12-10T02:45:00-04:30"},
		},
		"a skip that reaches midnight moves the charge to the next date": {
			Day, 1, "2024-03-29", "23:15", "America/Nuuk", 1,
			[]string{"2024-03-29T23:15:00-02:00", "2024-03-31T00:00:00-01:00", "2024-03-31T23:15:00-01:00"},
		},
		"a day that never was in Samoa": {
			Day, 1, "2011-12-29", "09:00", "Pacific/Apia", 1,
			[]string{"2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00", "2012-01-01T09:00:00+14:00"},
		},
		"a day that never was in Samoa, at midnight": {
			Day, 1, "2011-12-29", "00:00", "Pacific/Apia", 1,
			[]string{"2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T00:01:00+14:00", "2012-01-01T00:00:00+14:00"},
		},
		"a start on the day behind the one that never was": {
			Day, 1, "2011-12-31", "00:00", "Pacific/Apia", 1,
			[]string{"2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"},
		},
		"clocks that followed the sun until 1914 in Bogotá": {
			Day, 1, "1914-11-22", "23:59", "America/Bogota", 1,
			[]string{"1914-11-22T23:59:00-04:56", "1914-11-23T23:59:00-05:00"},
		},
		"a skip that ends within a minute, in Monrovia": {
			Day, 1, "1972-01-06", "00:30", "Africa/Monrovia", 1,
			[]string{"1972-01-06T00:30:00-00:44", "1972-01-07T00:45:00Z", "1972-01-08T00:30:00Z"},
		},
		"the hundredth month": {
			Month, 1, "2026-01-31", "09:00", "America/Santiago", 100,
			[]string{"2034-04-30T09:00:00-04:00", "2034-05-31T09:00:00-04:00"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			c := mustCalendar(t, row.every, row.interval, row.start, row.at, row.zone)
			for i, want := range row.want {
				n := row.first + i
				due := c.Due(n)
				if got := due.Format(time.RFC3339); got != want {
					t.Errorf("period %d is due at %s, want %s", n, got, want)
				}
				if got, ok := c.Period(due); got != n || !ok {
					t.Errorf("%s is of period %d (%t), want %d", want, got, ok, n)
				}
			}
		})
	}
}

func TestTheDateIsTheCalendarsWhereTheClockMovesTheTime(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		zone, start, at string
		date, shown     string // of period 2, by the calendar and on the clock
	}{
		"Santiago skips midnight itself: the date stays":     {"America/Santiago", "2026-09-05", "00:00", "2026-09-06", "2026-09-06"},
		"Nuuk skips the hour before midnight: the next date": {"America/Nuuk", "2024-03-29", "23:00", "2024-03-30", "2024-03-31"},
		"Samoa skips the date":                               {"Pacific/Apia", "2011-12-29", "12:00", "2011-12-30", "2011-12-31"},
	} {
		c := mustCalendar(t, Day, 1, row.start, row.at, row.zone)
		if got := c.Date(2).String(); got != row.date {
			t.Errorf("%s: the calendar says %s, want %s", sentence, got, row.date)
		}
		if got := dateOf(c.Due(2)).String(); got != row.shown {
			t.Errorf("%s: the clock says %s, want %s", sentence, got, row.shown)
		}
	}
}

func TestTheFirstPeriodFromAnInstantOn(t *testing.T) {
	t.Parallel()
	c := mustCalendar(t, Month, 1, "2026-01-31", "09:00", "America/Santiago")
	for sentence, row := range map[string]struct {
		at   string
		want int
	}{
		"long before the start":             {"1999-01-01T00:00:00Z", 1},
		"just before the start":             {"2026-01-31T08:59:59.999999999-03:00", 1},
		"at the start":                      {"2026-01-31T09:00:00-03:00", 1},
		"just behind the start":             {"2026-01-31T09:00:00.000000001-03:00", 2},
		"at the end of a short month":       {"2026-02-28T09:00:00-03:00", 2},
		"just behind it":                    {"2026-02-28T09:00:01-03:00", 3},
		"between two":                       {"2026-03-15T00:00:00Z", 3},
		"in another zone's writing":         {"2026-04-30T13:00:00Z", 4},
		"on the last day, before the hour":  {"2026-04-30T08:59:00-04:00", 4},
		"on the last day, behind the hour":  {"2026-04-30T09:01:00-04:00", 5},
		"a hundred years later":             {"2126-01-31T09:00:00-03:00", 1201},
		"a hundred years later, and a hair": {"2126-01-31T09:00:00.000000001-03:00", 1202},
	} {
		at, err := time.Parse(time.RFC3339Nano, row.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.First(at); got != row.want {
			t.Errorf("%s: %d, want %d", sentence, got, row.want)
		}
	}
}

func TestOnlyDueInstantsBelongToAPeriod(t *testing.T) {
	t.Parallel()
	c := mustCalendar(t, Day, 1, "2026-09-05", "00:00", "America/Santiago")
	for _, near := range []time.Duration{-time.Hour, -time.Minute, -1, 1, time.Second, time.Hour} {
		if n, ok := c.Period(c.Due(2).Add(near)); ok {
			t.Errorf("%s from the due instant of period 2 is taken for that of %d", near, n)
		}
	}
	if n, ok := c.Period(c.Due(0)); ok {
		t.Errorf("the day before the start is period %d", n)
	}
}

func TestWithoutIntervalAndZoneACalendarCountsSingleUnitsInUTC(t *testing.T) {
	t.Parallel()
	c := Calendar{Every: Week, Start: mustDate(t, "2026-05-15"), At: mustClock(t, "09:00")}
	if got := c.Due(2).Format(time.RFC3339); got != "2026-05-22T09:00:00Z" {
		t.Error(got)
	}
}

func TestACalendarWithoutUnitIsAMistakeOfTheProgram(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("it answered")
		}
	}()
	Calendar{Every: "fortnight", Start: mustDate(t, "2026-05-15")}.Due(1)
}

// TestTheLastDayOfALeapYearIsADay: Go's bounds of a zone that goes by a rule are wrong on it, and a
// search by them never ended.
func TestTheLastDayOfALeapYearIsADay(t *testing.T) {
	t.Parallel()
	for _, name := range append(latinAmerica, oddities...) {
		zone, err := LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		c := Calendar{Every: Day, Start: Date{2027, time.December, 31}, At: TimeOfDay{9, 30}, Zone: zone}
		for year := 2028; year <= 2096; year += 4 {
			for _, day := range []Date{{year, time.December, 30}, {year, time.December, 31}, {year + 1, time.January, 1}} {
				n := 1 + day.daysSince(c.Start)
				want := time.Date(day.Year, day.Month, day.Day, 9, 30, 0, 0, zone)
				if got := c.Due(n); !got.Equal(want) {
					t.Errorf("%s: %v falls due at %s, want %s", name, day, got, want)
				}
				if p, ok := c.Period(want); !ok || p != n {
					t.Errorf("%s: period at %s is %d, %t", name, want, p, ok)
				}
			}
		}
	}
}
