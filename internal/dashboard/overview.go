package dashboard

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// Bounds of one page: rows that are shown, and records that are read to sum them.
const (
	rowsShown   = 100
	recordsRead = 1000
)

// overview is the page that says what needs somebody.
type overview struct {
	// Notices are what an operator must know before all else.
	Notices   []string
	Providers []string
	Counts    []counted
	Lists     []list
	Halts     []halted
	Due       *due
}

// counted is how many payments of each provider are in a state.
type counted struct {
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

type halted struct{ Provider, Account, Text string }

type due struct {
	Count  int64
	Oldest stamp
	Age    string
}

// gathered is what one provider adds to the page.
type gathered struct {
	counts  map[idempotency.State]int64
	halts   map[string]string
	records [][]idempotency.Record
	cut     []bool
	err     error
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
		{list{ID: "anomalies", Title: "With an anomaly", About: "Two contradicting facts about one payment. A person decides which holds."},
			idempotency.Filter{Anomalies: true}},
		{list{ID: "held", Title: "Held", About: "Nobody could find out whether these were executed. A person decides."},
			idempotency.Filter{State: idempotency.Held}},
		{list{ID: "in-doubt", Title: "In doubt", About: "These may have been executed. The provider is being asked; most doubts end by themselves."},
			idempotency.Filter{State: idempotency.InDoubt}},
		{list{ID: "blocked", Title: "Blocked", About: "Stopped before their first send, until a person releases or cancels them."},
			idempotency.Filter{State: idempotency.Blocked}},
	}
}

func (p *pages) overview(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	all := p.gatherAll(ctx)
	o := overview{}
	for i, name := range providers.Names() {
		if all[i].err != nil {
			p.Log.Warn().Err(all[i].err).Str("provider", name).Msg("payments page")
			o.Notices = append(o.Notices, "The payments of "+name+" could not all be read: what is shown of it may be incomplete. The log says why.")
		}
	}
	o.count(all)
	o.halt(all)
	for i, s := range sections() {
		o.Lists = append(o.Lists, p.list(s.list, i, all))
	}
	o.Due = p.due(ctx, &o)
	if !slices.ContainsFunc(all, func(g gathered) bool { return g.err != nil }) {
		o.Notices = append(o.Notices, p.queues.notices(ctx)...)
	}
	p.render(w, http.StatusOK, "overview", "Payments", o)
}

// gatherAll asks for all providers at once, so that one that answers slowly costs the page no more than itself.
func (p *pages) gatherAll(ctx context.Context) []gathered {
	names := providers.Names()
	all := make([]gathered, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { all[i] = p.gather(ctx, name) })
	}
	wg.Wait()
	return all
}

func (p *pages) gather(ctx context.Context, provider string) gathered {
	g := gathered{records: make([][]idempotency.Record, len(sections())), cut: make([]bool, len(sections()))}
	if g.counts, g.err = p.Ledger.Counts(ctx, provider); g.err != nil {
		return g
	}
	if g.halts, g.err = p.Ledger.Halts(ctx, provider); g.err != nil {
		return g
	}
	for i, s := range sections() {
		s.filter.Provider = provider
		err := p.Ledger.List(ctx, s.filter, func(r idempotency.Record) bool {
			g.cut[i] = len(g.records[i]) == recordsRead
			if !g.cut[i] {
				r.Updated, r.History = since(r), nil // histories are long, and only this is needed of them
				g.records[i] = append(g.records[i], r)
			}
			return !g.cut[i]
		})
		if err != nil { // what can be read is shown all the same
			g.err = err
		}
	}
	return g
}

// count fills the table of counts, without the providers that have no payment.
func (o *overview) count(all []gathered) {
	var columns []int
	for i, name := range providers.Names() {
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
		c := counted{State: s, Meaning: meaning(s)}
		if s == idempotency.Failed {
			c.Meaning += "; of the last 30 days"
		}
		for _, i := range columns {
			c.Numbers = append(c.Numbers, all[i].counts[s])
		}
		o.Counts = append(o.Counts, c)
	}
}

func (o *overview) halt(all []gathered) {
	for i, name := range providers.Names() {
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
func (p *pages) list(l list, section int, all []gathered) list {
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
	if n := len(records); n > rowsShown {
		l.More = fmt.Sprintf("The %d oldest are shown. %s more are not", rowsShown, strings.Replace(l.Total, fmt.Sprint(n), fmt.Sprint(n-rowsShown), 1))
		records = records[:rowsShown]
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
		Age: age(p.Now().Sub(since(r))), Code: r.Code, Next: nextStep(r),
	}
}

// since is when a payment's anomaly was found, or when it came into its state, as far as its history tells.
func since(r idempotency.Record) time.Time {
	at := r.Updated
	for _, e := range r.History {
		if r.Anomaly != "" && strings.HasPrefix(e.Note, "anomaly: ") {
			return e.At
		}
	}
	for i := len(r.History) - 1; i >= 0 && r.History[i].State == r.State; i-- {
		at = r.History[i].At
	}
	return at
}

// sums adds up the amounts of each currency.
func sums(records []idempotency.Record, cut bool) []string {
	of := map[string]providers.Money{}
	odd := 0
	for _, r := range records {
		m, err := providers.ParseMoney(r.Amount, r.Currency)
		if err == nil {
			m, err = of[r.Currency].Add(m)
		}
		if err != nil {
			odd++
			continue
		}
		of[r.Currency] = m
	}
	var out []string
	for _, c := range slices.Sorted(maps.Keys(of)) {
		text := of[c].String()
		if cut {
			text = "more than " + text
		}
		out = append(out, text)
	}
	if odd > 0 {
		out = append(out, fmt.Sprintf("without %d whose amount cannot be read", odd))
	}
	return out
}

// due asks for the subscriptions, where there are any.
func (p *pages) due(ctx context.Context, o *overview) *due {
	if p.Subscriptions == nil {
		return nil
	}
	n, oldest, err := p.Subscriptions.Due(ctx)
	if err != nil {
		p.Log.Warn().Err(err).Msg("payments page: subscriptions")
		o.Notices = append(o.Notices, "The subscriptions could not be read. The log says why.")
		return nil
	}
	return &due{Count: n, Oldest: stamp{oldest}, Age: age(p.Now().Sub(oldest))}
}

// notices tell of queues that do not work as they should.
func (q *queues) notices(ctx context.Context) []string {
	all, err := q.snapshots(ctx)
	if err != nil {
		return []string{"asynq's queues could not be read."}
	}
	var out []string
	for _, s := range all {
		if s.Paused {
			out = append(out, "The queue "+s.Queue+" is paused: its payments wait until it is resumed on the queues' page.")
		}
		if s.Damaged {
			out = append(out, "In the queue "+s.Queue+" a task has lost its data (evicted, or restored in part). No payment is lost by that: the "+
				"ledger wakes each by itself. The queues' page shows the queue without its age and memory.")
		}
	}
	return out
}
