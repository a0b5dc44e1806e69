package dashboard

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
)

const (
	// bulkAtOnce is how many payments of one step are changed side by side.
	bulkAtOnce = 8
	// bulkTimeout bounds one step for many payments, and how long its results may take to be read.
	bulkTimeout = 2 * time.Minute
)

// applyBulk does what was confirmed, if it still is what was confirmed: number, sums and versions
// of the payments are read again first. Each payment's step is written by itself, with its version,
// so that a step which is cut off is continued from the list: what was not done is still in it. The
// results are written as they come.
func (p *pages) applyBulk(w http.ResponseWriter, r *http.Request) {
	b, words, ok := p.parseBulkForm(w, r)
	if !ok {
		return
	}
	// The operator has confirmed: a browser that goes away ends nothing.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), bulkTimeout)
	defer cancel()
	rs, _, err := p.collect(ctx, b)
	t := words.Pages.Bulk
	switch {
	case err != nil:
		p.Log.Warn().Err(err).Msg("payments of one step")
		p.ledgerAway(w, r)
	case digest(rs) != b.Digest:
		p.render(w, r, http.StatusConflict, "message", t.Changed, message{Title: t.Changed, Text: t.ChangedText, Back: b.back()})
	case b.Typed != strconv.Itoa(len(rs)) && b.Typed != words.count(len(rs)).Text:
		p.renderBulk(ctx, w, r, http.StatusUnprocessableEntity, b, words, []string{t.NotTyped})
	default:
		v := visitorOf(ctx)
		p.Log.Info().Str("intervention", b.Kind+" "+b.As).Int("payments", len(rs)).Str("by", b.By).Str("login", v.login).Str("from", v.from).
			Msg("taken by hand on the payments page, for many payments")
		p.writeResults(ctx, w, r, b, rs, words)
	}
}

// resultPage is the page of results, of which the rows are written by themselves.
type resultPage struct {
	What, Back string
	Done, All  i18n.Number
	Cut        bool
}

// result is what became of one payment.
type result struct {
	ID, Link, Amount, Why string
	OK                    bool
}

// writeResults changes the payments, and writes a row for each as soon as it is done.
func (p *pages) writeResults(ctx context.Context, w http.ResponseWriter, r *http.Request, b bulk, rs []idempotency.Record, words words) {
	control, view := http.NewResponseController(w), p.view("result", words)
	_ = control.SetWriteDeadline(time.Now().Add(bulkTimeout)) // where it cannot be set, the server's holds
	body := resultPage{Back: b.back(), All: words.count(len(rs))}
	body.What, _, _ = b.describe(words, rs[0])
	page := p.page(r, words, words.Pages.Bulk.ConfirmTitle(body.What, body.All), body, "")
	pageHeaders(w)
	write := func(name string, data any) {
		if err := view.ExecuteTemplate(w, name, data); err != nil {
			p.Log.Debug().Err(err).Msg("results of one step not written") // its reader has gone
		}
	}
	write("start", page)
	done, told := 0, 0
	for row := range p.results(ctx, b, rs, words) {
		if row.OK {
			done++
		}
		if write("row", row); told%bulkAtOnce == 0 {
			_ = control.Flush()
		}
		told++
	}
	body.Done, body.Cut = words.count(done), told < len(rs) || ctx.Err() != nil
	page.Body = body
	write("end", page)
}

// results changes the payments, several side by side, and returns what became of each, in order.
func (p *pages) results(ctx context.Context, b bulk, rs []idempotency.Record, words words) <-chan result {
	slots := make(chan chan result, bulkAtOnce)
	out := make(chan result)
	go func() {
		defer close(slots)
		for _, rec := range rs {
			slot := make(chan result, 1)
			slots <- slot
			go func() { slot <- p.applyOne(ctx, b, rec, words) }()
		}
	}()
	go func() {
		defer close(out)
		for slot := range slots {
			out <- <-slot
		}
	}()
	return out
}

func (p *pages) applyOne(ctx context.Context, b bulk, r idempotency.Record, words words) result {
	in := b.intervention
	in.Key, in.Version = r.Key, r.Version
	out := result{ID: r.Key.String(), Link: linkTo(r.Key.String()), Amount: words.Money(r.Amount, r.Currency)}
	if ctx.Err() != nil { // the step as a whole took too long
		out.Why = words.Pages.Bulk.Cut
		return out
	}
	_, err := in.apply(ctx, p.Ledger)
	switch {
	case err == nil:
		out.OK = true
	case errors.Is(err, idempotency.ErrVersionChanged):
		out.Why = words.Pages.Bulk.Moved
	case errors.Is(err, idempotency.ErrRefused):
		out.Why = words.refusal(err)
	default:
		p.Log.Warn().Err(err).Stringer("key", r.Key).Msg("one payment of a step for many")
		out.Why = words.Pages.Problem.Unread
	}
	return out
}
