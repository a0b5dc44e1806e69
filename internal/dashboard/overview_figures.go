package dashboard

import (
	"context"
	"html/template"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/chart"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/totals"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
)

// Totals returns a provider's figures of the hours between two times.
type Totals interface {
	Hours(ctx context.Context, provider string, from, to time.Time) (totals.Hours, error)
}

// The days that the figures are about, today included.
const weekDays, monthDays = 7, 30

// figures are what became of payments, in numbers.
type figures struct {
	Paid []paidRow
	// Notes say what the figures are worth.
	Notes  []string
	Charts []chartView
}

// paidRow is what was paid at one provider in one currency, and in the end what failed.
type paidRow struct {
	Provider, Currency string
	Cells              []amountCell
}

// amountCell is a count and its sum.
type amountCell struct{ Count, Sum, Note string }

// chartView is a chart, and its numbers for whoever does not see it.
type chartView struct {
	ID, Title string
	SVG       template.HTML
	Legend    []string
	Head      []string
	Rows      [][]string
	Empty     bool
}

// daysAgo is the beginning of the day so many days before the one of now, in the reader's zone.
func (w words) daysAgo(now time.Time, days int) time.Time {
	year, month, day := now.In(w.Zone()).Date()
	return w.StartOfDay(time.Date(year, month, day-days, 12, 0, 0, 0, w.Zone()))
}

// figures makes tables and charts of what the providers have; nil where no totals are kept.
func (p *pages) figures(w words, all []providerData) *figures {
	if p.Totals == nil {
		return nil
	}
	f := &figures{}
	var until time.Time
	for i, name := range catalog.Names() {
		if all[i].hoursErr != nil {
			p.Log.Warn().Err(all[i].hoursErr).Str("provider", name).Msg("payments page: totals")
			f.Notes = append(f.Notes, w.Overview.Paid.Unread(name))
			continue
		}
		f.Notes = append(f.Notes, w.worth(name, all[i].hours.Status, w.daysAgo(p.Now(), monthDays-1))...)
		if s := all[i].hours.Status.Until; s.After(until) {
			until = s
		}
	}
	if until.IsZero() {
		f.Notes = append(f.Notes, w.Overview.Paid.NotYet)
	} else {
		f.Notes = append(f.Notes, w.Overview.Paid.Until(w.TimeToSecond(until)))
	}
	f.Paid = w.paid(p.Now(), all)
	f.Charts = []chartView{w.throughput(p.Now(), all), w.outcomes(p.Now(), all), w.times(p.Now(), all), w.rates(p.Now(), all)}
	return f
}

// worth says what a provider's figures lack.
func (w words) worth(provider string, s totals.Status, from time.Time) []string {
	t := w.Overview.Paid
	var notes []string
	if s.Earlier > 0 && s.Since.After(from) {
		notes = append(notes, t.Since(provider, w.Time(s.Since)))
	}
	if s.Missed > 0 && s.MissedAt.After(from) {
		notes = append(notes, t.Missed(provider, i18n.Count(w.Locale, s.Missed)))
	}
	if s.Ahead {
		notes = append(notes, t.Ahead(provider))
	}
	return notes
}

// ofState sums the figures of a state, by currency.
func ofState(b totals.Bucket, s idempotency.State) map[string]totals.Figure {
	sums := map[string]totals.Figure{}
	for series, f := range b {
		if series.State == string(s) {
			sums[series.Currency] = sums[series.Currency].Add(f)
		}
	}
	return sums
}

// paidIn is what succeeded less what was reversed, by currency.
func paidIn(b totals.Bucket) map[string]totals.Figure {
	sums := ofState(b, idempotency.Succeeded)
	for currency, f := range ofState(b, idempotency.Reversed) {
		net := sums[currency].Add(totals.Figure{Count: -f.Count, Sum: -f.Sum})
		net.Unsummed += f.Unsummed
		sums[currency] = net
	}
	return sums
}

// paid is the table of what was paid: a row for each provider and currency, and one of all
// providers for a currency that several have.
func (w words) paid(now time.Time, all []providerData) []paidRow {
	type name struct{ provider, currency string }
	rows, several := map[name][]totals.Figure{}, map[string]int{}
	const columns = 4
	add := func(n name, column int, f totals.Figure) {
		if rows[n] == nil {
			rows[n] = make([]totals.Figure, columns)
		}
		rows[n][column] = rows[n][column].Add(f)
	}
	end := now.Add(time.Hour)
	for i, provider := range catalog.Names() {
		currencies := map[string]bool{}
		for column, days := range []int{1, weekDays, monthDays, monthDays} {
			b := all[i].hours.Between(w.daysAgo(now, days-1), end)
			figures := paidIn(b)
			if column == columns-1 {
				figures = ofState(b, idempotency.Failed)
			}
			for currency, f := range figures {
				add(name{provider, currency}, column, f)
				add(name{"", currency}, column, f)
				currencies[currency] = true
			}
		}
		for c := range currencies {
			several[c]++
		}
	}
	var out []paidRow
	for _, provider := range append(catalog.Names(), "") {
		for _, currency := range slices.Sorted(maps.Keys(several)) {
			figures := rows[name{provider, currency}]
			if figures == nil || provider == "" && several[currency] < 2 {
				continue
			}
			row := paidRow{Provider: provider, Currency: currency}
			for _, f := range figures {
				row.Cells = append(row.Cells, w.amountCell(f, currency))
			}
			out = append(out, row)
		}
	}
	return out
}

func (w words) amountCell(f totals.Figure, currency string) amountCell {
	c := amountCell{Count: i18n.Count(w.Locale, f.Count).Text, Sum: w.Money(providers.MinorText(f.Sum, currency), currency)}
	if f.Unsummed > 0 {
		c.Note = w.Overview.Paid.Unsummed(i18n.Count(w.Locale, f.Unsummed))
	}
	return c
}

// times24 are the hours of the last day, oldest first.
const times24 = 24

// counts adds up, over all currencies, how often each of some states was entered.
func counts(b totals.Bucket, states ...idempotency.State) float64 {
	n := int64(0)
	for series, f := range b {
		if slices.Contains(states, idempotency.State(series.State)) {
			n += f.Count
		}
	}
	return float64(n)
}

// span is a piece of a chart's axis, with its label there and its name in the table.
type span struct {
	from, to    time.Time
	label, name string
}

func (w words) lastHours(now time.Time) []span {
	var spans []span
	for i := times24 - 1; i >= 0; i-- {
		from := now.UTC().Truncate(time.Hour).Add(-time.Duration(i) * time.Hour)
		hour := from.In(w.Zone()).Format("15:04")
		spans = append(spans, span{from, from.Add(time.Hour), hour, hour})
	}
	return spans
}

func (w words) lastDays(now time.Time) []span {
	var spans []span
	for i := monthDays - 1; i >= 0; i-- {
		from := w.daysAgo(now, i)
		spans = append(spans, span{from, w.daysAgo(now, i-1), w.shortDate(from), w.Date(from)})
	}
	return spans
}

// shortDate is a date without its year.
func (w words) shortDate(t time.Time) string {
	return strings.Trim(strings.Replace(w.Date(t), t.In(w.Zone()).Format("2006"), "", 1), "-/")
}

func labels(spans []span) []string {
	var all []string
	for _, s := range spans {
		all = append(all, s.label)
	}
	return all
}

func names(spans []span) []string {
	var all []string
	for _, s := range spans {
		all = append(all, s.name)
	}
	return all
}

// sum adds up what all providers have in a span.
func sum(all []providerData, s span) totals.Bucket {
	b := totals.Bucket{}
	for _, g := range all {
		b.Merge(g.hours.Between(s.from, s.to))
	}
	return b
}

func (w words) throughput(now time.Time, all []providerData) chartView {
	t := w.Overview.Charts
	c := chart.Chart{ID: "throughput", Title: t.Throughput, Series: []chart.Series{{Name: t.TakenIn}, {Name: t.Settled}}}
	hours := w.lastHours(now)
	c.Labels = labels(hours)
	for _, s := range hours {
		b := sum(all, s)
		c.Series[0].Values = append(c.Series[0].Values, counts(b, idempotency.Queued))
		c.Series[1].Values = append(c.Series[1].Values, counts(b, idempotency.Succeeded, idempotency.Failed))
	}
	return w.view(c, t.Hour, names(hours), chart.Chart.Lines)
}

func (w words) outcomes(now time.Time, all []providerData) chartView {
	t := w.Overview.Charts
	c := chart.Chart{ID: "outcomes", Title: t.Outcomes}
	states := []idempotency.State{idempotency.Succeeded, idempotency.Failed, idempotency.Reversed}
	for _, s := range states {
		c.Series = append(c.Series, chart.Series{Name: w.StateLabel(s)})
	}
	days := w.lastDays(now)
	c.Labels = labels(days)
	for _, s := range days {
		b := sum(all, s)
		for i, state := range states {
			c.Series[i].Values = append(c.Series[i].Values, counts(b, state))
		}
	}
	return w.view(c, t.Day, names(days), chart.Chart.Bars)
}

// times is how long payments took to their outcome.
func (w words) times(now time.Time, all []providerData) chartView {
	t := w.Overview.Charts
	b := sum(all, span{from: w.daysAgo(now, weekDays-1), to: now.Add(time.Hour)})
	of := map[string]float64{}
	for series, f := range b {
		if series.State == totals.TimeToOutcome {
			of[series.Code] += float64(f.Count)
		}
	}
	c := chart.Chart{ID: "times", Title: t.Times, Series: []chart.Series{{Name: t.Payments}}}
	bounds := totals.TimeBounds()
	for _, bound := range bounds {
		c.Labels = append(c.Labels, t.Within(short(bound)))
		c.Series[0].Values = append(c.Series[0].Values, of[bound.String()])
	}
	c.Labels = append(c.Labels, t.Above(short(bounds[len(bounds)-1])))
	c.Series[0].Values = append(c.Series[0].Values, of[totals.LongerTime])
	return w.view(c, t.Took, c.Labels, chart.Chart.Bars)
}

// short writes a bound in one unit, whose sign is the same in every language.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	case d >= time.Minute:
		return strconv.Itoa(int(d.Minutes())) + " min"
	}
	return strconv.Itoa(int(d.Seconds())) + " s"
}

// rates is the share of outcomes that succeeded, by provider; a gap where a day had none.
func (w words) rates(now time.Time, all []providerData) chartView {
	t := w.Overview.Charts
	days := w.lastDays(now)
	c := chart.Chart{ID: "rates", Title: t.Rate, Top: 1, Format: w.percent, Labels: labels(days)}
	for i, provider := range catalog.Names() {
		values, any := make([]float64, len(days)), false
		for day, s := range days {
			b := all[i].hours.Between(s.from, s.to)
			good, all := counts(b, idempotency.Succeeded), counts(b, idempotency.Succeeded, idempotency.Failed)
			values[day] = math.NaN()
			if all > 0 {
				values[day], any = good/all, true
			}
		}
		if any {
			c.Series = append(c.Series, chart.Series{Name: provider, Values: values})
		}
	}
	v := w.view(c, t.Day, names(days), chart.Chart.Lines)
	v.Empty = len(c.Series) == 0
	return v
}

// percent writes a share with one decimal at most.
func (w words) percent(share float64) string {
	text := strconv.FormatFloat(math.Round(1000*share)/10, 'f', -1, 64)
	return w.Overview.Charts.Percent(w.Amount(text, ""))
}

// view adds the numbers to a chart; names are those of its labels in the table.
func (w words) view(c chart.Chart, head string, names []string, draw func(chart.Chart) template.HTML) chartView {
	if c.Format == nil {
		c.Format = func(v float64) string { return i18n.Count(w.Locale, int64(v)).Text }
	}
	v := chartView{ID: c.ID, Title: c.Title, Empty: c.Empty(), Head: []string{head}}
	for _, s := range c.Series {
		v.Head, v.Legend = append(v.Head, s.Name), append(v.Legend, s.Name)
	}
	for i, name := range names {
		row := []string{name}
		for _, s := range c.Series {
			if math.IsNaN(s.Values[i]) {
				row = append(row, w.Overview.Charts.NoOutcome)
				continue
			}
			row = append(row, c.Format(s.Values[i]))
		}
		v.Rows = append(v.Rows, row)
	}
	if !v.Empty {
		v.SVG = draw(c)
	}
	return v
}
