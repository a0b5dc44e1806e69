package dashboard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers/catalog"
)

const bulkPath = paymentsPath + "/bulk"

// Bounds of one step for many payments: how many it takes, and what is read to find them.
const (
	bulkMost  = 1000
	bulkReads = 20_000
	bulkShown = 20
)

// bulkForm is what a list offers to do with its payments.
type bulkForm struct {
	Query   string
	By      string
	Choices []choice
	// Risk is the text of the box that accepts a risk; empty where there is none.
	Risk string
}

// newBulkForm offers what the ledger may allow in the list's state; nil where that is nothing. What
// is said of one payment alone (its id at the provider, an anomaly) is not offered for many.
func newBulkForm(t i18n.PagesStep, q query, login string) *bulkForm {
	f := bulkForm{Query: q.values().Encode(), By: login}
	if q.Anomalies {
		return nil
	}
	switch q.State {
	case idempotency.InDoubt, idempotency.Pending, idempotency.Held:
		for _, c := range resolveChoices(t, q.State) {
			f.Choices = append(f.Choices, choice{interventionResolve + " " + c.Value, c.Label})
		}
	case idempotency.Blocked:
		f.Choices = []choice{{interventionRelease, t.Release}, {interventionCancel, t.Cancel}}
	case idempotency.Queued, idempotency.Ready:
		f.Choices = []choice{{interventionCancel, t.Cancel}}
	case idempotency.Failed:
		f.Choices = []choice{{interventionRetry, t.Retry}}
		f.Risk = t.RiskTwice
	default: // being sent, or final
		return nil
	}
	return &f
}

// bulk is one step for many payments, as a form has it: those with the keys, or all that match.
type bulk struct {
	intervention
	query
	Keys []idempotency.Key
	// Digest and Typed come with the confirmation: what it was about, and the number that was
	// typed.
	Digest, Typed string
}

// parseBulk reads a form. The error is that of a form which no page of ours has.
func parseBulk(v visitor, f url.Values, w words) (b bulk, problems []string, err error) {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	values, err := url.ParseQuery(f.Get("query"))
	if err != nil {
		return b, nil, err
	}
	if b.query, problems = parseQuery(values, w); len(problems) > 0 {
		return b, problems, nil
	}
	b.intervention = intervention{AcceptRisk: get("risk") == "yes", By: get("by"), Note: get("note")}
	b.Kind, b.As, _ = strings.Cut(get("step"), " ")
	b.Actor = v.signed(b.By)
	b.Digest, b.Typed = get("digest"), get("typed")
	t := w.Pages.Bulk
	chosen := "key"
	if get("which") == "page" {
		chosen = "shown"
	}
	if get("which") != "matching" {
		for _, text := range f[chosen] {
			k, err := idempotency.ParseKey(text)
			if err != nil || !slices.Contains(catalog.Names(), k.Provider) {
				return b, nil, fmt.Errorf("key: %w", err)
			}
			b.Keys = append(b.Keys, k)
		}
		if len(b.Keys) == 0 {
			problems = append(problems, t.NoneChosen)
		}
	}
	offered := newBulkForm(w.Pages.Step, b.query, "")
	if offered == nil || !slices.ContainsFunc(offered.Choices, func(c choice) bool { return c.Value == get("step") }) {
		return b, append(problems, t.NoStep), nil
	}
	return b, append(problems, b.actorProblems(w.Pages.Step)...), b.malformed()
}

// collect reads the payments that the step is about, at most bulkMost, in one order, and whether
// there are more.
func (p *pages) collect(ctx context.Context, b bulk) (rs []idempotency.Record, more bool, err error) {
	if len(b.Keys) > 0 {
		rs, err = p.collectKeys(ctx, b)
		return rs, false, err
	}
	read := 0
	for f, err := range p.read(ctx, b.query, groupChunk, nil) {
		if err != nil {
			return nil, false, err
		}
		if len(rs) == bulkMost || read >= bulkReads {
			return rs, true, nil
		}
		read += f.Reads
		if f.Key.Reference != "" {
			rs = append(rs, f.Record)
		}
	}
	return rs, false, nil
}

// collectKeys reads the chosen payments that still are in the list's state.
func (p *pages) collectKeys(ctx context.Context, b bulk) (rs []idempotency.Record, err error) {
	for _, provider := range catalog.Names() {
		of := slices.DeleteFunc(slices.Clone(b.Keys), func(k idempotency.Key) bool { return k.Provider != provider })
		some, err := p.Ledger.ShowAll(ctx, provider, of, nil)
		if err != nil {
			return nil, err
		}
		for _, r := range some {
			if r.State == b.State {
				rs = append(rs, r)
			}
		}
	}
	return rs, nil
}

// digest names payments as they are now: any that comes, goes or changes changes it.
func digest(rs []idempotency.Record) string {
	h := sha256.New()
	for _, r := range rs {
		_, _ = fmt.Fprintf(h, "%s|%d|%s|%s|%s\n", r.Key, r.Version, r.State, r.Amount, r.Currency)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// bulkConfirmation is the page that repeats what will happen to which money.
type bulkConfirmation struct {
	bulk
	Step          string
	Payments      i18n.Number
	Sums          []string
	What, Follow  string
	Digest, Query string
	// First are some of the payments, Filter what chose them.
	First  []listRow
	Filter string
	// Most is the most that one step takes, where there are more.
	Most     i18n.Number
	More     bool
	Problems []string
	Back     string
}

// confirmBulk changes nothing.
func (p *pages) confirmBulk(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	if b, words, ok := p.parseBulkForm(w, r); ok {
		p.renderBulk(ctx, w, r, http.StatusOK, b, words, nil)
	}
}

// parseBulkForm reads a form. Where it is not right, it writes the response and returns false.
func (p *pages) parseBulkForm(w http.ResponseWriter, r *http.Request) (bulk, words, bool) {
	words := p.wordsFor(r)
	b, problems, err := bulk{}, []string(nil), r.ParseForm()
	if err == nil {
		b, problems, err = parseBulk(visitorOf(r.Context()), r.PostForm, words)
	}
	switch {
	case err != nil:
		p.notOurForm(w, r)
	case len(problems) > 0:
		p.render(w, r, http.StatusUnprocessableEntity, "message", words.Pages.Bulk.Title,
			message{Title: words.Pages.Bulk.Title, Text: strings.Join(problems, " "), Back: b.back()})
	default:
		return b, words, true
	}
	return b, words, false
}

// back leads to the list.
func (b bulk) back() string { return listPath + "?" + b.values().Encode() }

func (p *pages) renderBulk(ctx context.Context, w http.ResponseWriter, r *http.Request, code int, b bulk, words words, problems []string) {
	rs, more, err := p.collect(ctx, b)
	if err != nil {
		p.Log.Warn().Err(err).Msg("payments of one step")
		p.ledgerAway(w, r)
		return
	}
	t := words.Pages.Bulk
	if len(rs) == 0 {
		p.render(w, r, http.StatusConflict, "message", t.NoneLeft, message{Title: t.NoneLeft, Text: t.NoneLeftText, Back: b.back()})
		return
	}
	c := bulkConfirmation{
		bulk: b, Step: strings.TrimSpace(b.Kind + " " + b.As), Payments: words.count(len(rs)), Sums: tallyOf(rs).sums(words), Digest: digest(rs),
		Query: b.values().Encode(), Most: words.count(bulkMost), More: more, Problems: problems, Back: b.back(), Filter: b.describeFilter(words),
	}
	c.What, c.Follow, _ = b.describe(words, rs[0])
	for _, rec := range rs[:min(bulkShown, len(rs))] {
		c.First = append(c.First, p.listRow(rec, words))
	}
	p.render(w, r, code, "bulk", t.ConfirmTitle(c.What, c.Payments), c)
}

// describeFilter tells what chose the payments.
func (b bulk) describeFilter(w words) string {
	if len(b.Keys) > 0 {
		return w.Pages.Bulk.Selected
	}
	t := w.Pages.Filter
	var parts []string
	for _, part := range [][2]string{{t.Provider, b.Provider}, {t.Account, b.Account}, {t.Code, b.Code}, {t.Reference, b.Reference}, {t.Fingerprint, b.Fingerprint},
		{t.Currency, b.Currency}, {t.Least, b.Least}, {t.Most, b.Most}, {t.From, b.From}, {t.To, b.To}} {
		if part[1] != "" {
			parts = append(parts, part[0]+": "+part[1])
		}
	}
	if len(parts) == 0 {
		return w.Pages.Bulk.FilterNone
	}
	return strings.Join(parts, "; ")
}
