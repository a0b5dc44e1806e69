package dashboard

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/explain"
	"github.com/remesa/remesa/providers/catalog"
)

// Bounds of one page: rows that are shown, and records that are read to sum them.
const (
	maxRows    = 100
	maxRecords = 1000
)

// overview is the page of what needs an operator.
type overview struct {
	// Notices are what an operator must know before all else.
	Notices []string
	// Partial: not everything could be read, so that nothing can be said to be none.
	Partial   bool
	Providers []string
	Counts    []stateCount
	Lists     []list
	Rejected  rejected
	Halts     []halted
	Losses    []loss
	Due       *due
}

// stateCount is how many payments of each provider are in a state.
type stateCount struct {
	State   idempotency.State
	Meaning string
	Numbers []int64
}

type list struct {
	ID, Title, About string
	Rows             []row
	Total            string
	More             string
	Sums             []string
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
	Total int
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
	Count  int64
	Oldest stamp
	Age    string
}

// sections are the lists, in the order of their urgency.
func sections() []struct {
	list
	filter idempotency.Filter
} {
	type section = struct {
		list
		filter idempotency.Filter
	}
	return []section{
		{list{ID: "anomalies", Title: "With an anomaly", About: "Two contradicting facts about one payment. An operator decides which holds."},
			idempotency.Filter{Anomalies: true}},
		{list{ID: "held", Title: "Held", About: "No machine could find out whether these were executed. An operator decides."},
			idempotency.Filter{State: idempotency.Held}},
		{list{ID: "in-doubt", Title: "In doubt", About: "These may have been executed. The provider is being queried; most doubts end by themselves."},
			idempotency.Filter{State: idempotency.InDoubt}},
		{list{ID: "blocked", Title: "Blocked", About: "Stopped before their first send, until an operator releases or cancels them."},
			idempotency.Filter{State: idempotency.Blocked}},
	}
}

func (p *pages) overview(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	all := p.loadProviders(ctx)
	o := overview{}
	for i, name := range catalog.Names() {
		if all[i].err != nil {
			p.Log.Warn().Err(all[i].err).Str("provider", name).Msg("payments page")
			o.Partial = true
			o.Notices = append(o.Notices, "The payments of "+name+" could not all be read: what is shown of it may be incomplete. The log says why.")
		}
	}
	if !slices.ContainsFunc(all, func(g providerData) bool { return g.counts != nil }) {
		p.ledgerAway(w, r)
		return
	}
	o.count(all)
	o.halt(all)
	o.forgot(all)
	for i, s := range sections() {
		l := p.list(s.list, i, all)
		if o.Partial {
			l.Total = "at least " + strings.TrimPrefix(l.Total, "more than ")
		}
		o.Lists = append(o.Lists, l)
	}
	o.Rejected = p.rejected(all)
	o.Due = p.due(ctx, &o)
	if !o.Partial {
		o.Notices = append(o.Notices, p.queues.notices(ctx)...)
	}
	p.render(w, r, http.StatusOK, "overview", p.wordsFor(r).Pages.Layout.Overview, o)
}

// count fills the table of counts, without the providers that have no payment.
func (o *overview) count(all []providerData) {
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
			continue // not counted by the ledger: the metrics have them
		}
		c := stateCount{State: s, Meaning: explain.Meaning(s)}
		if s == idempotency.Failed {
			c.Meaning += "; of the last 30 days"
		}
		for _, i := range columns {
			c.Numbers = append(c.Numbers, all[i].counts[s])
		}
		o.Counts = append(o.Counts, c)
	}
}

func (o *overview) forgot(all []providerData) {
	for i, name := range catalog.Names() {
		l := all[i].epoch.Loss
		if l == nil {
			continue
		}
		shown := loss{Provider: name, Declared: l.Declared, Since: stamp{time.UnixMilli(int64(l.Since)).UTC()}}
		if n := l.Missing(); n > 0 {
			shown.Missing = fmt.Sprint(n)
		}
		o.Losses = append(o.Losses, shown)
	}
}

func (o *overview) halt(all []providerData) {
	for i, name := range catalog.Names() {
		for _, account := range slices.Sorted(maps.Keys(all[i].halts)) {
			h := halted{name, "account " + account, all[i].halts[account]}
			if account == idempotency.AllAccounts {
				h.Account = "all accounts"
			}
			o.Halts = append(o.Halts, h)
		}
	}
}

// list merges what the providers have, the oldest first.
func (p *pages) list(l list, section int, all []providerData) list {
	var records []idempotency.Record
	cut := false
	for _, g := range all {
		if g.records != nil {
			records = append(records, g.records[section]...)
			cut = cut || g.cut[section]
		}
	}
	slices.SortStableFunc(records, func(a, b idempotency.Record) int { return since(a).Compare(since(b)) })
	l.Total = fmt.Sprint(len(records))
	if cut {
		l.Total = "more than " + l.Total
	}
	l.Sums = sums(records, cut)
	if n := len(records); n > maxRows {
		l.More = fmt.Sprintf("The %d oldest are shown. %s more are not", maxRows, strings.Replace(l.Total, fmt.Sprint(n), fmt.Sprint(n-maxRows), 1))
		records = records[:maxRows]
	}
	for _, r := range records {
		l.Rows = append(l.Rows, p.row(r))
	}
	return l
}

func (p *pages) row(r idempotency.Record) row {
	k := r.Key.String()
	return row{
		Key: k, Link: linkTo(k), Amount: r.Amount, Currency: r.Currency, State: r.State, Since: stamp{since(r)},
		Age: age(p.Now().Sub(since(r))), Code: r.Code, Next: explain.Advice(r),
	}
}

// rejected merges the providers' rejected tasks, and shows the newest.
func (p *pages) rejected(all []providerData) rejected {
	var tasks []idempotency.RejectedTask
	for _, g := range all {
		tasks = append(tasks, g.rejected...)
	}
	slices.SortStableFunc(tasks, func(a, b idempotency.RejectedTask) int { return b.At.Compare(a.At) })
	r := rejected{Total: len(tasks)}
	for _, t := range tasks[:min(len(tasks), maxRows)] {
		row := rejectedRow{
			Name: t.Provider, Task: t.Queue + " " + t.TaskID, Message: t.Message, Reason: t.Reason, Since: stamp{t.At}, Age: age(p.Now().Sub(t.At)),
		}
		if t.DecryptErr != nil {
			row.Message = "sealed with a key that is not here"
		}
		if t.Key.Reference != "" {
			row.Name = t.Key.String()
		}
		if t.Reason == idempotency.RejectConflict { // the payment that has the reference
			row.Link = linkTo(row.Name)
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}
