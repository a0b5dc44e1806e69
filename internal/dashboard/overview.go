package dashboard

import (
	"context"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers/catalog"
)

// Bounds of one page: rows that are shown, and records that are read to sum them.
const (
	maxRows    = 100
	maxRecords = 1000
)

// liveSeconds is how often a page that somebody asked to be live renews itself.
const liveSeconds = "15"

// overview is the page of what was paid, what is under way, and what needs an operator.
type overview struct {
	// Notices are what an operator must know before all else.
	Notices []string
	// Partial: not everything could be read, so that nothing can be said to be none.
	Partial bool
	// Live: the page renews itself.
	Live bool
	// Figures is nil where no totals are kept.
	Figures   *figures
	Providers []string
	Counts    []stateCount
	Health    []healthRow
	Worker    string
	Lists     []list
	Rejected  rejected
	Halts     []halted
	Losses    []loss
	Due       *due
}

// stateCount is how many payments of each provider are in a state.
type stateCount struct {
	State   idempotency.State
	Link    string
	Meaning string
	Numbers []string
	// Sums are empty where the amounts are not read.
	Sums []string
}

// list is what needs an operator for one reason.
type list struct {
	ID, Title, About string
	// Link leads to all of them.
	Link  string
	Rows  []row
	Total string
	More  string
	Sums  []string
}

// row is one payment in a list.
type row struct {
	Key, Link, Amount, Currency string
	State                       idempotency.State
	Since                       stamp
	Age                         string
	Code                        string
	Next                        string
}

// rejected are the tasks that became no payment, the newest first.
type rejected struct {
	Total string
	All   int
	Rows  []rejectedRow
}

type rejectedRow struct {
	// Name is the payment's key, or the provider where the task names none; Link is empty there.
	Name, Link, Task, Message string
	// Words say the reason.
	Words  string
	Reason idempotency.RejectReason
	Since  stamp
	Age    string
}

type halted struct{ Provider, Account, Text string }

// loss is a provider whose store has forgotten sends.
type loss struct {
	Provider, Missing, Declared string
	Since                       stamp
}

type due struct {
	Count i18n.Number
	Text  string
}

func (p *pages) overview(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	words := p.wordsFor(r)
	all := p.loadProviders(ctx, words)
	o := overview{Live: r.URL.Query().Get("live") != "", Worker: p.Worker}
	for i, name := range catalog.Names() {
		if all[i].err != nil {
			p.Log.Warn().Err(all[i].err).Str("provider", name).Msg("payments page")
			o.Partial = true
			o.Notices = append(o.Notices, words.Overview.Attention.Partial(name))
		}
	}
	if !slices.ContainsFunc(all, func(g providerData) bool { return g.counts != nil }) {
		p.ledgerAway(w, r)
		return
	}
	o.Figures = p.figures(words, all)
	o.Health = p.health(words, all)
	o.count(words, all)
	o.halt(words, all)
	o.forgot(words, all)
	for i, s := range sections() {
		if !s.counted {
			o.Lists = append(o.Lists, p.list(words, s, i, all, o.Partial))
		}
	}
	o.Rejected = p.rejected(words, all)
	o.Due = p.due(ctx, words, &o)
	if !o.Partial {
		o.Notices = append(o.Notices, p.queues.notices(ctx)...)
	}
	if o.Live {
		w.Header().Set("Refresh", liveSeconds)
	}
	p.render(w, r, http.StatusOK, "overview", words.Pages.Layout.Overview, o)
}

// section is one reason for which payments are read.
type section struct {
	id     string
	filter idempotency.Filter
	// texts are its title, and what it says.
	texts func(i18n.OverviewAttention) (title, about string)
	// counted: its payments are summed, and not listed.
	counted bool
}

// sections are the lists, in the order of their urgency, and the states that are only summed.
func sections() []section {
	return []section{
		{"anomalies", idempotency.Filter{Anomalies: true}, func(t i18n.OverviewAttention) (string, string) { return t.Anomalies, t.AnomaliesAbout }, false},
		{"held", idempotency.Filter{State: idempotency.Held}, func(t i18n.OverviewAttention) (string, string) { return t.Held, t.HeldAbout }, false},
		{"in-doubt", idempotency.Filter{State: idempotency.InDoubt}, func(t i18n.OverviewAttention) (string, string) { return t.InDoubt, t.InDoubtAbout }, false},
		{"blocked", idempotency.Filter{State: idempotency.Blocked}, func(t i18n.OverviewAttention) (string, string) { return t.Blocked, t.BlockedAbout }, false},
		{id: "queued", filter: idempotency.Filter{State: idempotency.Queued}, counted: true},
		{id: "sending", filter: idempotency.Filter{State: idempotency.Sending}, counted: true},
		{id: "ready", filter: idempotency.Filter{State: idempotency.Ready}, counted: true},
		{id: "pending", filter: idempotency.Filter{State: idempotency.Pending}, counted: true},
	}
}

// count fills the table of counts, without the providers that have no payment.
func (o *overview) count(w words, all []providerData) {
	var columns []int
	for i, name := range catalog.Names() {
		for _, n := range all[i].counts {
			if n > 0 && !slices.Contains(columns, i) {
				columns = append(columns, i)
				o.Providers = append(o.Providers, name)
			}
		}
	}
	for _, s := range idempotency.States() {
		if s == idempotency.Succeeded || s == idempotency.Reversed {
			continue // not counted by the ledger: the totals have them
		}
		c := stateCount{State: s, Meaning: w.meaning(s), Link: listPath + "?state=" + url.QueryEscape(string(s))}
		if s == idempotency.Failed {
			c.Meaning += w.Overview.Now.FailedMonth
		}
		for _, i := range columns {
			c.Numbers = append(c.Numbers, i18n.Count(w.Locale, all[i].counts[s]).Text)
		}
		if at := slices.IndexFunc(sections(), func(x section) bool { return x.filter.State == s && !x.filter.Anomalies }); at >= 0 {
			c.Sums = w.sums(sumAll(all, at))
		}
		o.Counts = append(o.Counts, c)
	}
}

// sectionSum is what the payments of a section come to. Where some of it was counted in the
// background, From and To say when.
type sectionSum struct {
	openSum
	// cut: there are more, and their sum is not known yet.
	cut bool
}

// sumAll sums what all providers have in a section.
func sumAll(all []providerData, section int) sectionSum {
	s := sectionSum{openSum: openSum{tally: &tally{}}}
	for _, g := range all {
		switch {
		case g.records == nil:
		case g.sums[section].tally != nil:
			known := g.sums[section]
			s.merge(known.tally)
			if s.From.IsZero() || known.From.Before(s.From) {
				s.From = known.From
			}
			if known.To.After(s.To) {
				s.To = known.To
			}
		default:
			for _, r := range g.records[section] {
				s.add(r)
			}
			s.cut = s.cut || g.cut[section]
			s.counting = s.counting || g.sums[section].counting
		}
	}
	return s
}

// sums are a section's sums, which say where there is more, and when they were counted.
func (w words) sums(s sectionSum) []string {
	t, sums := w.Overview.Now, s.tally.sums(w)
	if s.cut {
		for i := range len(s.sum) { // what cannot be read comes behind them
			sums[i] = t.MoreThan(sums[i])
		}
	}
	if s.counting {
		sums = append(sums, t.Counting)
	}
	if !s.From.IsZero() {
		sums = append(sums, t.Counted(w.TimeToSecond(s.From), w.TimeToSecond(s.To)))
	}
	return sums
}

func (o *overview) forgot(w words, all []providerData) {
	for i, name := range catalog.Names() {
		l := all[i].epoch.Loss
		if l == nil {
			continue
		}
		shown := loss{Provider: name, Declared: l.Declared, Since: stamp{time.UnixMilli(int64(l.Since)).UTC()}, Missing: w.Overview.Attention.MissingUnknown}
		if n := l.Missing(); n > 0 {
			shown.Missing = w.Overview.Attention.Missing(i18n.Count(w.Locale, n))
		}
		o.Losses = append(o.Losses, shown)
	}
}

func (o *overview) halt(w words, all []providerData) {
	t := w.Overview.Attention
	for i, name := range catalog.Names() {
		for _, account := range slices.Sorted(maps.Keys(all[i].halts)) {
			h := halted{name, t.HaltedAccount(account), all[i].halts[account]}
			if account == idempotency.AllAccounts {
				h.Account = t.AllAccounts
			}
			o.Halts = append(o.Halts, h)
		}
	}
}

// list merges what the providers have, the oldest first.
func (p *pages) list(w words, s section, at int, all []providerData, partial bool) list {
	t := w.Overview.Attention
	var records []idempotency.Record
	for _, g := range all {
		if g.records != nil {
			records = append(records, g.records[at]...)
		}
	}
	slices.SortStableFunc(records, func(a, b idempotency.Record) int { return since(a).Compare(since(b)) })
	sum := sumAll(all, at)
	cut := slices.ContainsFunc(all, func(g providerData) bool { return g.cut != nil && g.cut[at] })
	l := list{ID: s.id, Total: w.count(len(records)).Text, Sums: w.sums(sum), Link: listPath + "?state=" + anomalies}
	if !s.filter.Anomalies {
		l.Link = listPath + "?state=" + url.QueryEscape(string(s.filter.State))
	}
	l.Title, l.About = s.texts(t)
	if n := len(records); n > maxRows {
		rest := w.count(n - maxRows).Text
		if cut {
			rest = t.MoreThan(rest)
		}
		l.More = t.Shown(w.count(maxRows), rest)
		records = records[:maxRows]
	}
	switch {
	case partial:
		l.Total = t.AtLeast(l.Total)
	case cut:
		l.Total = t.MoreThan(l.Total)
	}
	for _, r := range records {
		l.Rows = append(l.Rows, p.row(w, r))
	}
	return l
}

func (p *pages) row(w words, r idempotency.Record) row {
	k := r.Key.String()
	return row{
		Key: k, Link: linkTo(k), Amount: r.Amount, Currency: r.Currency, State: r.State, Since: stamp{since(r)},
		Age: w.Age(p.Now().Sub(since(r))), Code: r.Code, Next: w.advice(r),
	}
}

// rejected merges the providers' rejected tasks, and shows the newest.
func (p *pages) rejected(w words, all []providerData) rejected {
	var tasks []idempotency.RejectedTask
	for _, g := range all {
		tasks = append(tasks, g.rejected...)
	}
	slices.SortStableFunc(tasks, func(a, b idempotency.RejectedTask) int { return b.At.Compare(a.At) })
	r := rejected{Total: w.count(len(tasks)).Text, All: len(tasks)}
	for _, t := range tasks[:min(len(tasks), maxRows)] {
		r.Rows = append(r.Rows, p.rejectedRow(t, w))
	}
	return r
}

// code marks what stands between backquotes as something to type.
func code(text string) template.HTML {
	var out strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		out.WriteString(part)
	}
	return template.HTML(out.String()) // #nosec G203 -- each part is escaped
}
