package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// latinAmerica lists the zones in which the providers' customers live, islands and the Caribbean
// included.
var latinAmerica = []string{
	"America/Araguaina", "America/Argentina/Buenos_Aires", "America/Argentina/Catamarca", "America/Argentina/Cordoba", "America/Argentina/Jujuy",
	"America/Argentina/La_Rioja", "America/Argentina/Mendoza", "America/Argentina/Rio_Gallegos", "America/Argentina/Salta",
	"America/Argentina/San_Juan", "America/Argentina/San_Luis", "America/Argentina/Tucuman", "America/Argentina/Ushuaia", "America/Asuncion",
	"America/Bahia", "America/Bahia_Banderas", "America/Barbados", "America/Belem", "America/Belize", "America/Boa_Vista", "America/Bogota",
	"America/Campo_Grande", "America/Cancun", "America/Caracas", "America/Cayenne", "America/Chihuahua", "America/Ciudad_Juarez",
	"America/Costa_Rica", "America/Coyhaique", "America/Cuiaba", "America/Curacao", "America/Eirunepe", "America/El_Salvador",
	"America/Fortaleza", "America/Guadeloupe", "America/Guatemala", "America/Guayaquil", "America/Guyana", "America/Havana",
	"America/Hermosillo", "America/Jamaica", "America/La_Paz", "America/Lima", "America/Maceio", "America/Managua", "America/Manaus",
	"America/Martinique", "America/Matamoros", "America/Mazatlan", "America/Merida", "America/Mexico_City", "America/Monterrey",
	"America/Montevideo", "America/Nassau", "America/Noronha", "America/Ojinaga", "America/Panama", "America/Paramaribo",
	"America/Port-au-Prince", "America/Port_of_Spain", "America/Porto_Velho", "America/Puerto_Rico", "America/Punta_Arenas", "America/Recife",
	"America/Rio_Branco", "America/Santarem", "America/Santiago", "America/Santo_Domingo", "America/Sao_Paulo", "America/Tegucigalpa",
	"America/Tijuana", "Pacific/Easter", "Pacific/Galapagos",
}

// oddities skipped or repeated whole days, moved by halves of an hour, skip the end of a day, or
// followed the sun for long.
var oddities = []string{
	"America/Nuuk", "America/Scoresbysund", "America/Juneau", "America/St_Johns", "Africa/Monrovia", "Africa/Casablanca", "Asia/Kathmandu",
	"Asia/Manila", "Asia/Pyongyang", "Asia/Tehran", "Australia/Lord_Howe", "Antarctica/Troll", "Atlantic/Azores", "Europe/Dublin",
	"Pacific/Apia", "Pacific/Fakaofo", "Pacific/Kiritimati", "Pacific/Kwajalein", "UTC",
}

// TestEveryDayOfThirtyYears charges daily, in each zone, at times around those at which clocks
// change. Every other calendar's due instants are among these, so none of them doubles or goes back
// either. The days beside a change are looked at in full, of the others one a month.
func TestEveryDayOfThirtyYears(t *testing.T) {
	t.Parallel()
	for _, name := range append(latinAmerica, oddities...) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, at := range []string{"00:00", "00:30", "02:15", "23:30"} {
				c := mustCalendar(t, Day, 1, "2006-01-01", at, name)
				before, changed := c.Due(1), false
				checkPeriod(t, c, 1, before)
				for n := 2; n <= 30*366; n++ {
					due := c.Due(n)
					apart := due.Sub(before)
					if apart <= 0 || apart > 36*time.Hour {
						t.Fatalf("%s: period %d is due at %s, its predecessor at %s", at, n, due, before)
					}
					if apart != 24*time.Hour || changed || n%31 == 0 {
						checkPeriod(t, c, n, due)
					}
					before, changed = due, apart != 24*time.Hour
				}
			}
		})
	}
}

// checkPeriod holds what is true of every period of every calendar.
func checkPeriod(t rapid.TB, c Calendar, n int, due time.Time) {
	t.Helper()
	if got, ok := c.Period(due); got != n || !ok {
		t.Fatalf("period %d is due at %s, which is taken for that of %d (%t)", n, due, got, ok)
	}
	if got := c.First(due.Add(1)); got != n+1 {
		t.Fatalf("behind period %d comes %d", n, got)
	}
	date, at := dateOf(due), TimeOfDay{due.Hour(), due.Minute()}
	if date == c.Date(n) && at == c.At {
		return
	}
	// The clock skipped the time: it shows nothing from there to the due instant. Two periods on
	// one instant are the exception.
	wall := func(t time.Time) int64 {
		return dateOf(t).midnightUTC() + int64(t.Hour())*3600 + int64(t.Minute())*60 + int64(t.Second())
	}
	wanted := c.Date(n).midnightUTC() + 60*c.At.minutes()
	if twin := due.Add(-time.Minute); n > 1 && twin.Equal(c.Due(n-1)) {
		due = twin
	}
	if last := wall(due.Add(-time.Second)); last >= wanted || wall(due) < wanted {
		t.Fatalf("period %d of %s at %s is due at %s, before which the clock showed %s", n, c.Date(n), c.At, due, time.Unix(last, 0).UTC())
	}
}

// The model is what a person does with a paper calendar: from Start on, month by month or day by
// day.
func modelDate(c Calendar, n int) Date {
	d := c.Start
	for i := 1; i < n; i++ {
		for range c.Interval {
			switch c.Every {
			case Day:
				d = dayAfter(d)
			case Week:
				for range 7 {
					d = dayAfter(d)
				}
			case Month:
				d = monthAfter(d)
			case Quarter:
				d = monthAfter(monthAfter(monthAfter(d)))
			case Year:
				d.Year++
			}
		}
	}
	if c.Every != Day && c.Every != Week {
		d.Day = min(c.Start.Day, lengthOf(d.Year, d.Month))
	}
	return d
}

func dayAfter(d Date) Date {
	if d.Day++; d.Day > lengthOf(d.Year, d.Month) {
		d = monthAfter(Date{d.Year, d.Month, 1})
	}
	return d
}

func monthAfter(d Date) Date {
	if d.Month++; d.Month > time.December {
		d.Year, d.Month = d.Year+1, time.January
	}
	return d
}

func lengthOf(year int, month time.Month) int {
	switch {
	case month == time.February && (year%4 != 0 || year%100 == 0 && year%400 != 0):
		return 28
	case month == time.February:
		return 29
	case month == time.April || month == time.June || month == time.September || month == time.November:
		return 30
	}
	return 31
}

func anyCalendar(t *rapid.T) Calendar {
	name := rapid.SampledFrom(append(latinAmerica, oddities...)).Draw(t, "zone")
	z, err := LoadZone(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	year, month := rapid.IntRange(1996, 2026).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month"))
	return Calendar{
		Every:    rapid.SampledFrom(Units()).Draw(t, "every"),
		Interval: rapid.IntRange(1, 5).Draw(t, "interval"),
		Start:    Date{year, month, rapid.IntRange(1, lengthOf(year, month)).Draw(t, "day")},
		At:       TimeOfDay{rapid.SampledFrom([]int{0, 1, 2, 3, 9, 22, 23}).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")},
		Zone:     z,
	}
}

func TestAnyCalendar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCalendar(t)
		n := rapid.IntRange(1, 400).Draw(t, "period")
		due := c.Due(n)
		if got, want := c.Date(n), modelDate(c, n); got != want {
			t.Fatalf("period %d is of %s, want %s", n, got, want)
		}
		if following := c.Due(n + 1); !following.After(due) {
			t.Fatalf("period %d is due at %s, period %d at %s", n, due, n+1, following)
		}
		checkPeriod(t, c, n, due)
	})
}

func TestTheFirstPeriodIsTheLeast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCalendar(t)
		at := time.Unix(rapid.Int64Range(0, 2_500_000_000).Draw(t, "instant"), 0)
		n := c.First(at)
		if n < 1 || c.Due(n).Before(at) || n > 1 && !c.Due(n-1).Before(at) {
			t.Fatalf("from %s on the first is %d, due at %s", at, n, c.Due(n))
		}
	})
}

func TestTheAnchorReturns(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"2026-01-28", "2026-01-29", "2026-01-30", "2026-01-31", "2028-02-29"} {
		c := mustCalendar(t, Month, 1, start, "09:00", "America/Santiago")
		for n := 1; n <= 360; n++ {
			d := c.Date(n)
			if want := min(c.Start.Day, lengthOf(d.Year, d.Month)); d.Day != want {
				t.Errorf("from %s: period %d is on %s, want day %d", start, n, d, want)
			}
		}
	}
}
