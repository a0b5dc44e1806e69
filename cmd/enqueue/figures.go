package main

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/remesa/remesa/idempotency"
	daily "github.com/remesa/remesa/internal/totals"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
)

type totalsCmd struct {
	From     string `placeholder:"DAY" help:"The first day of UTC, such as 2026-11-01; today by default. Days are kept for 400 days."`
	To       string `placeholder:"DAY" help:"The last day of UTC; today by default."`
	Provider string `enum:",${providers}" default:"" placeholder:"P" help:"Only this provider: ${providers}."`
}

// figure is one line: how often payments entered a state on a day, and the sum.
type figure struct {
	Day      string `json:"day"`
	Provider string `json:"provider"`
	Account  string `json:"account"`
	Type     string `json:"type,omitempty"`
	Currency string `json:"currency,omitempty"`
	State    string `json:"state"`
	Code     string `json:"code,omitempty"`
	Count    int64  `json:"count"`
	// Sum is a decimal text; Milliseconds stands in its place for times to the outcome.
	Sum          string `json:"sum,omitempty"`
	Milliseconds int64  `json:"milliseconds,omitempty"`
	Unsummed     int64  `json:"unsummed,omitempty"`
}

// Validate checks the days.
func (c *totalsCmd) Validate() error {
	_, _, err := c.days(time.Now())
	return err
}

func (c *totalsCmd) days(now time.Time) (from, to time.Time, err error) {
	read := func(flag, text string) (time.Time, error) {
		day, err := time.Parse(time.DateOnly, cmp.Or(text, now.UTC().Format(time.DateOnly)))
		if err != nil {
			return day, usage("%s: must be a day such as 2026-11-27", flag)
		}
		return day, nil
	}
	from, err = read("--from", c.From)
	to, toErr := read("--to", c.To)
	if err := errors.Join(err, toErr); err != nil {
		return from, to, err
	}
	if to.Before(from) || to.Sub(from) >= daily.DaysKept {
		return from, to, usage("--from, --to: must be at most 400 days, in this order")
	}
	return from, to, nil
}

// Run prints a JSON line for each figure: by day, provider, account, type, currency, state and
// code.
func (c *totalsCmd) Run(a *app) error {
	from, to, err := c.days(time.Now())
	if err != nil {
		return err
	}
	names := catalog.Names()
	if c.Provider != "" {
		names = []string{c.Provider}
	}
	var all []figure
	for _, name := range names {
		parts, err := idempotency.StoredPartitions(a.ctx, a.rdb, name)
		if err != nil {
			return a.failed(err)
		}
		streams := map[string][]string{}
		for _, p := range parts {
			streams[name] = append(streams[name], p.String())
		}
		days, err := daily.New(daily.Options{Redis: a.rdb, Streams: streams}).Days(a.ctx, name, from, to)
		if err != nil {
			return a.failed(err)
		}
		for i, b := range days {
			all = append(all, figuresOf(from.AddDate(0, 0, i), name, b)...)
		}
	}
	slices.SortFunc(all, figure.compare)
	for _, f := range all {
		if err := a.print(f); err != nil {
			return err
		}
	}
	return a.flush()
}

func figuresOf(day time.Time, provider string, b daily.Bucket) []figure {
	var all []figure
	for s, f := range b {
		line := figure{
			Day: day.Format(time.DateOnly), Provider: provider, Account: s.Account, Type: s.Type, Currency: s.Currency, State: s.State, Code: s.Code,
			Count: f.Count, Unsummed: f.Unsummed,
		}
		switch {
		case s.State == daily.TimeToOutcome:
			line.Milliseconds = f.Sum
		case f.Count > f.Unsummed:
			line.Sum = providers.MinorText(f.Sum, s.Currency)
		}
		all = append(all, line)
	}
	return all
}

// compare orders figures as the command prints them.
func (f figure) compare(g figure) int {
	return slices.Compare([]string{f.Day, f.Provider, f.Account, f.Type, f.Currency, f.State, f.Code},
		[]string{g.Day, g.Provider, g.Account, g.Type, g.Currency, g.State, g.Code})
}
