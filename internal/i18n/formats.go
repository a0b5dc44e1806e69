package i18n

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Formats are the words of ages and durations.
type Formats struct {
	JustNow string
	Days    func(n Number) string
	Hours   func(n Number) string
	Minutes func(n Number) string
	Seconds func(n Number) string
}

// Number is a count: N chooses between singular and plural, Text is how it is written.
type Number struct {
	N    int64
	Text string
}

// String is the number as it is written.
func (n Number) String() string { return n.Text }

// of is the number with its noun.
func (n Number) of(one, many string) string {
	if n.N == 1 {
		return n.Text + " " + one
	}
	return n.Text + " " + many
}

// Integer is any integer that counts something.
type Integer interface{ ~int | ~int64 | ~uint64 }

// Count writes a count with its thousands grouped.
func Count[I Integer](l Locale, n I) Number {
	return Number{int64(n), separatorsOf(l.tag.String()).group(strconv.FormatInt(int64(n), 10))}
}

// currencyCountry is where a currency's amounts are written as its people do, for those whose
// language says no country.
var currencyCountry = map[string]string{"CLP": "CL", "COP": "CO", "MXN": "MX"}

// amountForm is an amount as records hold it.
var amountForm = regexp.MustCompile(`^(-?)([0-9]+)(?:\.([0-9]+))?$`)

// Money writes an amount with every digit that it has, thousands grouped, and its currency behind
// it: "$13.160.000 CLP", "-$1.500 CLP", "$32.900,50 COP", "$149.50 MXN"; in English "13,160,000
// CLP". amount is a decimal number as records hold it, such as "32900.50"; anything else is shown
// as it is. Without a country the currency's own decides how it is grouped. Pages keep it on one
// line (white-space: nowrap).
func (l Locale) Money(amount, currency string) string {
	return strings.TrimSuffix(l.amount(amount, currency, l.row.signs[currency])+" "+currency, " ")
}

// Amount is Money without sign and currency, for columns that have the currency in one of their
// own.
func (l Locale) Amount(amount, currency string) string { return l.amount(amount, currency, "") }

func (l Locale) amount(amount, currency, sign string) string {
	parts := amountForm.FindStringSubmatch(amount)
	if parts == nil {
		return amount
	}
	minus, whole, fraction := parts[1], parts[2], parts[3]
	t := l.tag
	if t.Country == "" && t.Language != English.Language {
		t.Country = currencyCountry[currency]
	}
	s := separatorsOf(t.String())
	text := minus + sign + s.group(whole)
	if fraction != "" {
		text += s.decimal + fraction
	}
	return text
}

// separators stand between the thousands, and before the decimals.
type separators struct{ thousands, decimal string }

// group puts the separator between each three digits; a minus stays before them.
func (s separators) group(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return sign + strings.Join(append([]string{digits}, groups...), s.thousands)
}

// known caches what the tables of x/text say; tags are few.
var known sync.Map

// separatorsOf are those of CLDR, as x/text has it. Nothing else of a number is left to x/text: its
// formatter of currencies rounds, and counts decimals by the currency.
func separatorsOf(tag string) separators {
	if s, ok := known.Load(tag); ok {
		return s.(separators) //nolint:forcetypeassert // nothing else is stored
	}
	const one = "1" // of 1111111.11
	parts := strings.Split(message.NewPrinter(language.Make(tag)).Sprint(number.Decimal(1111111.11, number.Scale(2))), one)
	var marks []string
	for _, p := range parts {
		if p != "" {
			marks = append(marks, p)
		}
	}
	s := separators{marks[0], marks[len(marks)-1]}
	known.Store(tag, s)
	return s
}

// Date is a day in the locale's zone: "27-11-2026", in Colombia and Mexico "27/11/2026", in English
// "2026-11-27".
func (l Locale) Date(t time.Time) string { return t.In(l.zone).Format(l.dateLayout()) }

// Time is a date and time to the minute, with the zone's offset: "27-11-2026 14:05 (UTC-03:00)".
func (l Locale) Time(t time.Time) string { return l.clock(t, "15:04") }

// TimeToSecond is Time to the second: "27-11-2026 14:05:09 (UTC-03:00)".
func (l Locale) TimeToSecond(t time.Time) string { return l.clock(t, time.TimeOnly) }

// TimeInColumn is TimeToSecond for tables and lists: in UTC it leaves the offset to a line below
// them. Any other zone may change its offset from one line to the next.
func (l Locale) TimeInColumn(t time.Time) string {
	if l.zone == time.UTC {
		return t.In(l.zone).Format(l.dateLayout() + " " + time.TimeOnly)
	}
	return l.TimeToSecond(t)
}

func (l Locale) clock(t time.Time, layout string) string {
	t = t.In(l.zone)
	offset := "UTC"
	if _, seconds := t.Zone(); seconds != 0 {
		offset += t.Format("-07:00")
	}
	return t.Format(l.dateLayout()+" "+layout) + " (" + offset + ")"
}

func (l Locale) dateLayout() string { return l.row.dates[l.tag.Country] }

// StartOfDay is the first instant of t's day in the locale's zone. It is not always midnight: where
// the clock jumps then, the day begins an hour later.
func (l Locale) StartOfDay(t time.Time) time.Time {
	t = t.In(l.zone)
	year, month, day := t.Date()
	start := time.Date(year, month, day, 0, 0, 0, 0, l.zone)
	if start.Day() != day { // midnight does not exist, and this is an hour before the jump
		_, start = start.ZoneBounds()
	}
	return start.In(l.zone)
}

// Age is how long ago something was, in at most two units: "just now", "4 min", "3 h 20 min", "12
// days".
func (l Locale) Age(d time.Duration) string {
	switch {
	case d < time.Second:
		return l.Formats.JustNow
	case d < time.Minute:
		return Count(l, int(d.Seconds())).Text + " s"
	case d < time.Hour:
		return Count(l, int(d.Minutes())).Text + " min"
	case d < 48*time.Hour:
		return Count(l, int(d.Hours())).Text + " h " + Count(l, int(d.Minutes())%60).Text + " min"
	}
	return l.Formats.Days(Count(l, int(d.Hours()/24)))
}

// Duration is a length of time in words, exact to the second: "3 days", "1 hour 30 minutes".
func (l Locale) Duration(d time.Duration) string {
	var words []string
	for _, unit := range []struct {
		length time.Duration
		of     func(Number) string
	}{{24 * time.Hour, l.Formats.Days}, {time.Hour, l.Formats.Hours}, {time.Minute, l.Formats.Minutes}, {time.Second, l.Formats.Seconds}} {
		if n := d / unit.length; n > 0 || unit.length == time.Second && len(words) == 0 {
			words = append(words, unit.of(Count(l, int64(n))))
			d -= n * unit.length
		}
	}
	return strings.Join(words, " ")
}
