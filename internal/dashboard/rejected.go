package dashboard

import (
	"context"
	"net/http"
	"slices"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers/catalog"
)

const rejectedPath = paymentsPath + "/rejected"

// mostRejected is how many rejected tasks their page shows.
const mostRejected = 500

// rejectedPage is the tasks that became no payment, the newest first.
type rejectedPage struct {
	Provider, Reason string
	Providers        []string
	Reasons          []choice
	Rows             []rejectedRow
	Shown, All       i18n.Number
	Partial          bool
}

func (p *pages) rejectedTasks(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	words := p.wordsFor(r)
	v := rejectedPage{Provider: r.URL.Query().Get("provider"), Reason: r.URL.Query().Get("reason"), Providers: catalog.Names()}
	for _, reason := range idempotency.RejectReasons() {
		v.Reasons = append(v.Reasons, choice{string(reason), words.Pages.Rejected.Reasons[string(reason)]})
	}
	var tasks []idempotency.RejectedTask
	for _, provider := range v.Providers {
		if v.Provider != "" && v.Provider != provider {
			continue
		}
		some, err := p.Ledger.RejectedTasks(ctx, provider)
		if err != nil {
			p.Log.Warn().Err(err).Str("provider", provider).Msg("rejected tasks page")
			v.Partial = true
		}
		tasks = append(tasks, some...)
	}
	tasks = slices.DeleteFunc(tasks, func(t idempotency.RejectedTask) bool { return v.Reason != "" && string(t.Reason) != v.Reason })
	slices.SortStableFunc(tasks, func(a, b idempotency.RejectedTask) int { return b.At.Compare(a.At) })
	v.All = words.count(len(tasks))
	tasks = tasks[:min(len(tasks), mostRejected)]
	v.Shown = words.count(len(tasks))
	for _, t := range tasks {
		v.Rows = append(v.Rows, p.rejectedRow(t, words))
	}
	p.render(w, r, http.StatusOK, "rejected", words.Pages.Rejected.Title, v)
}

func (p *pages) rejectedRow(t idempotency.RejectedTask, words words) rejectedRow {
	row := rejectedRow{
		Name: t.Provider, Task: t.Queue + " " + t.TaskID, Message: t.Message, Reason: t.Reason, Words: words.Pages.Rejected.Reasons[string(t.Reason)],
		Since: stamp{t.At}, Age: words.Age(p.Now().Sub(t.At)),
	}
	if t.DecryptErr != nil {
		row.Message = words.Pages.Rejected.Sealed
	}
	if t.Key.Reference != "" {
		row.Name = t.Key.String()
	}
	if t.Reason == idempotency.RejectConflict { // the payment that has the reference
		row.Link = linkTo(row.Name)
	}
	return row
}
