package dashboard

import (
	"context"
	"net/http"
	"slices"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers/catalog"
)

const (
	listPath   = paymentsPath + "/list"
	exportPath = paymentsPath + "/list.csv"
	groupsPath = paymentsPath + "/groups"
)

// Bounds of one list page: rows that are shown, what is read to find them, and how much at once.
const (
	listRows  = 50
	listReads = 2000
	// settledReads is for events of the outcome stream, which cost less than records.
	settledReads = 5000
	listChunk    = 100
)

// listPage is a list of payments in one state.
type listPage struct {
	query
	// Current is the label of its state.
	Current   string
	Tabs      []tab
	Providers []string
	// Problems are what is wrong with the filter.
	Problems []string
	Rows     []listRow
	// Shown is the number of Rows.
	Shown i18n.Number
	Sums  []string
	// Next leads to the next page; Searched is how many were read without filling the page.
	Next     string
	Searched i18n.Number
	// First leads back to the beginning.
	First, Export, Groups string
	// Partial: not everything could be read.
	Partial bool
	// Settled: the list is read from the outcome stream.
	Settled bool
	// Unsorted is the most that a list by amount may have, where this one has more.
	Unsorted i18n.Number
	Bulk     *bulkForm
}

// Filtered reports whether the list wants less than all, or was meant to.
func (v listPage) Filtered() bool { return v.filtered() || len(v.Problems) > 0 }

// Later reports whether this is not the list's first page.
func (v listPage) Later() bool { return v.After != (place{}) }

// Address is the state as addresses name it.
func (v listPage) Address() string { return v.stateName() }

// tab leads to the list of a state.
type tab struct {
	State   string
	Link    string
	Count   string
	Current bool
}

// listRow is one payment in a list.
type listRow struct {
	ID, Link, Amount, Code, Words string
	Since                         stamp
	Age                           string
	Next                          string
}

func (p *pages) listPayments(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	words := p.wordsFor(r)
	q, problems := parseQuery(r.URL.Query(), words)
	v := listPage{query: q, Current: words.state(q.stateName()), Problems: problems, Providers: catalog.Names(), First: listPath + "?" + q.values().Encode(), Export: exportPath + "?" + q.values().Encode(),
		Settled: q.settled()}
	if q.State == idempotency.Held || q.State == idempotency.Failed {
		v.Groups = groupsPath + "?" + q.values().Encode()
	}
	v.Tabs, v.Partial = p.tabs(ctx, q, words)
	damaged := func(idempotency.Key, error) { v.Partial = true }
	var rs []idempotency.Record
	var next place
	var err error
	read, sorted := 0, false
	if q.Amounts != "" {
		rs, next, sorted, err = p.readByAmount(ctx, q, damaged)
		if !sorted {
			v.Unsorted = words.count(sortReads)
		}
	}
	if !sorted && err == nil {
		rs, next, read, err = p.readPage(ctx, q, damaged)
	}
	if err != nil {
		p.Log.Warn().Err(err).Msg("payments list")
		p.ledgerAway(w, r)
		return
	}
	for _, rec := range rs {
		v.Rows = append(v.Rows, p.listRow(rec, words))
	}
	v.Sums, v.Shown = tallyOf(rs).sums(words), words.count(len(rs))
	if next != (place{}) {
		values := q.values()
		values.Set("after", next.text())
		v.Next = listPath + "?" + values.Encode()
		if !sorted && len(rs) < listRows {
			v.Searched = words.count(read)
		}
	}
	if p.Writable && len(rs) > 0 {
		v.Bulk = newBulkForm(words.Pages.Step, q, visitorOf(r.Context()).login)
	}
	p.render(w, r, http.StatusOK, "list", words.Pages.List.Title(v.Current), v)
}

// stateName is the state as addresses and texts name it.
func (q query) stateName() string {
	if q.Anomalies {
		return anomalies
	}
	return string(q.State)
}

// readPage reads the payments of a page, and returns the place where the next begins, the zero
// place where none does, and how many were read. It reads a bounded number, whatever the filter.
func (p *pages) readPage(ctx context.Context, q query, damaged func(idempotency.Key, error)) (rs []idempotency.Record, next place, read int, err error) {
	last, most := place{}, listReads
	if q.settled() {
		most = settledReads
	}
	for f, err := range p.read(ctx, q, listChunk, damaged) {
		if err != nil {
			return nil, place{}, read, err
		}
		if len(rs) == listRows || read >= most {
			return rs, last, read, nil
		}
		read += f.Reads
		last = f.place
		if f.Key.Reference != "" {
			rs = append(rs, f.Record)
		}
	}
	return rs, place{}, read, nil
}

func (p *pages) listRow(r idempotency.Record, words words) listRow {
	id := r.Key.String()
	at := since(r)
	row := listRow{
		ID: id, Link: linkTo(id), Amount: words.Money(r.Amount, r.Currency), Code: r.Code, Words: words.reason(r),
		Since: stamp{at}, Age: words.Age(p.Now().Sub(at)), Next: words.advice(r),
	}
	return row
}

// tabs leads to the list of each state, with its number of payments where an index has it.
func (p *pages) tabs(ctx context.Context, q query, words words) (tabs []tab, partial bool) {
	counts := map[idempotency.State]int64{}
	for _, provider := range catalog.Names() {
		of, err := p.Ledger.Counts(ctx, provider)
		partial = partial || err != nil
		for s, n := range of {
			counts[s] += n
		}
	}
	order := []idempotency.State{anomalies, idempotency.Held, idempotency.InDoubt, idempotency.Blocked, idempotency.Failed, idempotency.Pending,
		idempotency.Queued, idempotency.Sending, idempotency.Ready, idempotency.Succeeded, idempotency.Reversed}
	for _, s := range order {
		to := query{State: s, Newest: s.Final()}
		t := tab{State: words.state(string(s)), Link: listPath + "?" + to.values().Encode(), Current: string(s) == q.stateName()}
		if n, counted := counts[s]; counted {
			t.Count = words.count(int(n)).Text
		}
		tabs = append(tabs, t)
	}
	return tabs, partial
}

// groupReads bounds how many payments are read to group them.
const groupReads = 10_000

// groupsPage is what a state's payments have in common.
type groupsPage struct {
	query
	// Name is the label of the state.
	Name   string
	States []tab
	Groups []group
	// Cut: only the first that were read are grouped.
	Cut     i18n.Number
	Partial bool
	All     string
}

// group is the payments of one provider with one code.
type group struct {
	Provider, Code, Words, Link string
	n                           int
	Count                       string
	Sums                        []string
}

func (p *pages) groups(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	words := p.wordsFor(r)
	q, _ := parseQuery(r.URL.Query(), words)
	q.After = place{}
	v := groupsPage{query: q, Name: words.state(q.stateName()), All: listPath + "?" + q.values().Encode()}
	for _, s := range []idempotency.State{idempotency.Held, idempotency.Failed, idempotency.InDoubt, idempotency.Blocked} {
		to := query{State: s, Newest: s.Final()}
		v.States = append(v.States, tab{State: words.state(string(s)), Link: groupsPath + "?" + to.values().Encode(), Current: s == q.State && !q.Anomalies})
	}
	of, read := map[[2]string]*tally{}, 0
	for f, err := range p.read(ctx, q, groupChunk, func(idempotency.Key, error) { v.Partial = true }) {
		if err != nil {
			p.Log.Warn().Err(err).Msg("payments in groups")
			p.ledgerAway(w, r)
			return
		}
		if read >= groupReads {
			v.Cut = words.count(groupReads)
			break
		}
		read += f.Reads
		if f.Key.Reference == "" {
			continue
		}
		name := [2]string{f.Key.Provider, f.Code}
		if of[name] == nil {
			of[name] = &tally{example: f.Record}
		}
		of[name].add(f.Record)
	}
	for name, t := range of {
		narrow := q
		narrow.Provider, narrow.Code = name[0], name[1]
		v.Groups = append(v.Groups, group{
			Provider: name[0], Code: name[1], Words: words.reason(t.example), Link: listPath + "?" + narrow.values().Encode(), n: t.n,
			Count: words.count(t.n).Text, Sums: t.sums(words),
		})
	}
	slices.SortFunc(v.Groups, func(a, b group) int {
		if a.n != b.n {
			return b.n - a.n
		}
		return slices.Compare([]string{a.Provider, a.Code}, []string{b.Provider, b.Code})
	})
	p.render(w, r, http.StatusOK, "groups", words.Pages.Groups.Title(v.Name), v)
}

const groupChunk = 500
