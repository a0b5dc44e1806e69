package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	exact "github.com/remesa/remesa/internal/cents"
	"github.com/remesa/remesa/internal/reconcile"
	"github.com/remesa/remesa/internal/statement"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/tasks"
)

type reconcileCmd struct {
	Provider   string   `enum:",${providers}" default:"" placeholder:"P" help:"Whose payments: ${providers}."`
	Statement  string   `placeholder:"FILE" help:"The statement, CSV or XLSX; a regular file, which is read several times."`
	Account    string   `placeholder:"A" help:"Only payments of this account."`
	Map        string   `placeholder:"FILE" help:"A mapping of one's own, beside those that are known (--mappings lists them)."`
	Mapping    string   `placeholder:"NAME" help:"Read it by this mapping, and by no other."`
	Mappings   bool     `help:"List the known layouts, and end."`
	From       string   `placeholder:"DATE" help:"The first day that the statement is about; without it that of its first line."`
	To         string   `placeholder:"DATE" help:"The last day; without it that of its last line."`
	DayFirst   bool     `help:"Dates that can be read in two ways have the day first."`
	PayoutDays int      `default:"3" placeholder:"N" help:"How many business days after a payout its line may come."`
	ChargeDays int      `default:"5" placeholder:"N" help:"How many business days after a charge its line may come."`
	Holiday    []string `placeholder:"DATE" help:"No business day, beside weekends; may be repeated."`
	JSON       bool     `name:"json" help:"One JSON object."`
	CSV        bool     `name:"csv" help:"Differences and proposals as CSV."`
	Propose    string   `placeholder:"FILE" help:"Write the payments that the statement has and nobody resolved into FILE, for enqueue resolve --file FILE --as succeeded."`

	Recording recordFlags `embed:""`
}

// Validate refuses what means nothing.
func (c *reconcileCmd) Validate() error {
	switch {
	case c.Mappings:
		return nil
	case c.Provider == "" || c.Statement == "":
		return usage("--provider and --statement are required")
	case c.JSON && c.CSV:
		return usage("give either --json or --csv")
	case c.PayoutDays < 0 || c.ChargeDays < 0 || c.PayoutDays > 60 || c.ChargeDays > 60:
		return usage("--payout-days and --charge-days: from 0 to 60")
	case c.CSV && c.Recording.Record:
		return usage("--record goes with the table or with --json")
	}
	if err := c.Recording.Validate(); err != nil {
		return err
	}
	for _, text := range append([]string{c.From, c.To}, c.Holiday...) {
		if _, err := dayOf(text); err != nil {
			return err
		}
	}
	if c.From != "" && c.To != "" && c.To < c.From {
		return usage("--from, --to: must be in this order")
	}
	return nil
}

// dayOf reads a date; none for no text.
func dayOf(text string) (statement.Day, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, usage("--from, --to, --holiday: must be a date such as 2026-11-27")
	}
	return statement.DayOf(t, time.UTC), nil
}

// littleGarbage: the book is large and holds no pointers, so that collecting often costs little and
// saves half of the memory.
const littleGarbage = 20

// Run holds the statement against the ledger.
func (c *reconcileCmd) Run(a *app) error {
	debug.SetGCPercent(littleGarbage)
	known, err := c.mappings()
	if err != nil {
		return err
	}
	if c.Mappings {
		return a.listMappings(known)
	}
	o, err := c.statementOptions(known)
	if err != nil {
		return err
	}
	now, err := a.rdb.Time(a.ctx).Result()
	if err != nil {
		return a.failed(err)
	}
	o.Latest = statement.DayOf(now, time.UTC) + postedAhead
	file, err := statement.Open(c.Statement, o)
	switch {
	case errors.Is(err, statement.ErrUnknown), errors.Is(err, statement.ErrDates):
		a.notice("%s", clean(filepath.Base(c.Statement)+": "+err.Error()))
		return exitError(exitRefused)
	case err != nil:
		return err
	}
	if file.Mapping.Assumed {
		a.notice("warning: the columns of %s are assumed: nobody has seen such a file yet", file.Mapping.Name)
	}
	return c.match(a, file, newReconcileReport(a, c, file))
}

// mappings are those that remesa brings along, then one's own.
func (c *reconcileCmd) mappings() ([]statement.Mapping, error) {
	all, err := statement.Mappings()
	if err != nil {
		return nil, err
	}
	if c.Map != "" {
		text, err := os.ReadFile(c.Map)
		if err != nil {
			return nil, usage("--map: %w", err)
		}
		own, err := statement.ParseMapping(text)
		if err != nil {
			return nil, usage("--map: %w", err)
		}
		return []statement.Mapping{own}, nil
	}
	return all, nil
}

func (a *app) listMappings(all []statement.Mapping) error {
	for _, m := range all {
		assumed := ""
		if m.Assumed {
			assumed = " (assumed)"
		}
		a.printf("%-24s %-7s %s  %s%s\n", m.Name, m.Kind, m.Version, m.Title, assumed)
	}
	return a.flush()
}

func (c *reconcileCmd) statementOptions(known []statement.Mapping) (statement.Options, error) {
	o := statement.Options{DayFirst: c.DayFirst}
	o.From, _ = dayOf(c.From)
	o.Until, _ = dayOf(c.To)
	if p, _ := catalog.Find(c.Provider); len(p.Payments) > 0 {
		o.Currency = p.Payments[0].Currency
	}
	for _, m := range known {
		if (m.Provider == "" || m.Provider == c.Provider) && (c.Mapping == "" || m.Name == c.Mapping) {
			o.Mappings = append(o.Mappings, m)
		}
	}
	if len(o.Mappings) == 0 {
		return o, usage("--mapping: no layout of this name is known for %s; --mappings lists them", c.Provider)
	}
	return o, nil
}

// match reads the statement twice against the ledger, and reports.
func (c *reconcileCmd) match(a *app, file *statement.File, r *reconcileReport) error {
	from, until := c.period(file)
	book, err := c.book(a, file, from, until)
	if err != nil {
		return err
	}
	m := reconcile.NewMatcher(book, c.options(a, file, r, from, until))
	r.begin(from, until, book.Len())
	if err := file.Read(m.First); err != nil {
		return err
	}
	n := 0
	if err := file.Read(func(l statement.Line) error { n++; return m.Second(n-1, l) }); err != nil {
		return err
	}
	summary, err := m.Finish()
	if err != nil {
		return err
	}
	if r.recorded, err = r.recorder.record(a, r.name, file.SHA256); err != nil {
		return errors.Join(err, r.end(summary))
	}
	if err := r.end(summary); err != nil {
		return err
	}
	if len(summary.Differences)+len(summary.Proposals) > 0 || file.Gap {
		return exitError(exitRefused)
	}
	return nil
}

func (c *reconcileCmd) period(file *statement.File) (from, until statement.Day) {
	from, _ = dayOf(c.From)
	until, _ = dayOf(c.To)
	return cmp.Or(from, file.First), cmp.Or(until, file.Last)
}

// postedAhead is how many days ahead a bank may date what it posts, over a long weekend.
const postedAhead = 10

// before is how long before the statement's first day a payment may have ended that a line of it is
// about: it is then outside its window, and still known.
const before = 60

// book reads the provider's payments of about the period.
func (c *reconcileCmd) book(a *app, file *statement.File, from, until statement.Day) (*reconcile.Book, error) {
	book := reconcile.NewBook(c.Provider)
	zone := file.Mapping.Location()
	f := idempotency.Filter{Provider: c.Provider, Damaged: func(k idempotency.Key, _ error) {
		a.notice("warning: %s is left out: its record is damaged; see the runbook", k)
	}}
	for cursor := ""; ; {
		rs, next, err := a.ledger.Scan(a.ctx, f, cursor)
		if err != nil {
			return nil, a.failed(err)
		}
		for _, r := range rs {
			if c.Account != "" && r.Key.Account != c.Account {
				continue
			}
			p, err := paymentOf(r, zone)
			if err != nil {
				a.notice("warning: %s is left out: its amount cannot be read; see the runbook", r.Key)
				continue
			}
			if p.Sent > until || p.Done < from-before {
				continue
			}
			book.Add(p)
		}
		if cursor = next; cursor == "" {
			return book, nil
		}
	}
}

// paymentOf is what reconciliation needs of a record.
func paymentOf(r idempotency.Record, zone *time.Location) (reconcile.Payment, error) {
	amount, err := exact.Parse(r.Amount)
	sent, done := r.Created, r.Updated
	if i := slices.IndexFunc(r.History, func(h idempotency.AuditEntry) bool { return h.State == idempotency.Sending }); i >= 0 {
		sent = r.History[i].At
	}
	for i := len(r.History) - 1; i >= 0 && r.History[i].State == r.State; i-- {
		done = r.History[i].At
	}
	return reconcile.Payment{
		Key: r.Key, Version: r.Version, Type: r.Type, State: r.State, Amount: amount, Currency: r.Currency, ProviderID: r.ProviderID,
		Sent: statement.DayOf(sent, zone), Done: statement.DayOf(done, zone), Fingerprint: r.Fingerprint,
	}, err
}

func (c *reconcileCmd) options(a *app, file *statement.File, r *reconcileReport, from, until statement.Day) reconcile.Options {
	p, _ := catalog.Find(c.Provider)
	o := reconcile.Options{
		Window:  reconcile.Window{Payout: c.PayoutDays, Charge: c.ChargeDays, Holidays: map[statement.Day]bool{}},
		Payouts: p.Takes(spec.Payout), Charges: p.Takes(spec.Charge), Report: file.Mapping.Kind == "report", From: from, Until: until,
		Difference: r.difference, Proposal: r.proposal,
	}
	for _, text := range c.Holiday {
		d, _ := dayOf(text)
		o.Window.Holidays[d] = true
	}
	columns := file.Mapping.Columns
	if len(columns["beneficiary"]) > 0 || len(columns["document"]) > 0 && len(columns["account"]) > 0 {
		o.Fingerprint = c.fingerprint([]byte(a.config.FingerprintKey.Reveal()))
	}
	return o
}

// fingerprint computes what the ledger would have on record for the beneficiary of a line.
func (c *reconcileCmd) fingerprint(key []byte) func(string, exact.Amount, string, statement.Line, bool) string {
	paths := map[string][]string{"payout": tasks.MeaningPaths(c.Provider, "payout"), "charge": tasks.MeaningPaths(c.Provider, "charge")}
	return func(kind string, amount exact.Amount, currency string, l statement.Line, keyed bool) string {
		values := valuesOf(paths[kind], l)
		money, err := moneyOf(amount, currency)
		if len(values) == 0 || err != nil || keyed && len(key) == 0 {
			return ""
		}
		if !keyed {
			return tasks.FingerprintOf(c.Provider, kind, money, values, nil)
		}
		return tasks.FingerprintOf(c.Provider, kind, money, values, key)
	}
}

// valuesOf are those of the line for the fields of a payment's meaning; none where one is missing.
func valuesOf(paths []string, l statement.Line) []string {
	if l.Beneficiary != "" {
		return strings.Fields(l.Beneficiary)
	}
	var values []string
	for _, path := range paths {
		value := ""
		switch {
		case strings.HasSuffix(path, ".document"):
			value = l.Document
		case path == "bank.code":
			value = l.Bank
		case path == "bank.account_number":
			value = l.Account
		}
		if value == "" {
			return nil
		}
		values = append(values, value)
	}
	return values
}

// moneyOf writes the amount with the decimals that the currency needs.
func moneyOf(amount exact.Amount, currency string) (providers.Money, error) {
	m, err := providers.ParseMoney(amount.String(), currency)
	if err != nil {
		return providers.ParseMoney(amount.String()+".00", currency)
	}
	return m, nil
}

// mustRaw is a value as JSON; the values of reports can all be written.
func mustRaw(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}
