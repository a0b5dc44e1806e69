package dashboard

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/csvcell"
)

// exportColumns are what an export has of a payment: nothing about people. Its language and formats
// are the same for everybody.
var exportColumns = []string{"key", "type", "provider", "account", "reference", "state", "code", "decline", "provider_id", "amount", "currency", "attempts",
	"may_have_left", "anomaly", "subscription", "period", "created_at", "since"}

func exportRow(r idempotency.Record, zone *time.Location) []string {
	at := func(t time.Time) string { return t.In(zone).Format(time.RFC3339) }
	return []string{r.Key.String(), r.Type, r.Key.Provider, r.Key.Account, r.Key.Reference, string(r.State), r.Code, r.Decline, r.ProviderID, r.Amount,
		r.Currency, strconv.Itoa(r.Attempts), strconv.FormatBool(r.MayHaveLeft), r.Anomaly, r.Subscription, r.Period, at(r.Created), at(since(r))}
}

// exportChunk is how many payments are read at a time. A client that takes nothing for exportPause
// is not waited for.
const (
	exportChunk = 500
	exportPause = 30 * time.Second
)

// export streams all payments that match, as CSV. Where it cannot be completed, the connection is
// cut, so that no browser keeps a part of it for the whole.
func (p *pages) export(w http.ResponseWriter, r *http.Request) {
	words := p.wordsFor(r)
	q, problems := parseQuery(r.URL.Query(), words)
	zone := words.Zone()
	if len(problems) > 0 {
		refuse(w, http.StatusBadRequest, problems[0])
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+q.stateName()+"-"+p.Now().In(zone).Format("2006-01-02-1504")+`.csv"`)
	out, control := csv.NewWriter(w), http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // when the server's is over, it takes the client for gone
	_ = out.Write(exportColumns)
	abort := func(_ idempotency.Key, err error) {
		p.Log.Warn().Err(err).Msg("payments export cut")
		panic(http.ErrAbortHandler)
	}
	for f, err := range p.read(r.Context(), q, exportChunk, abort) {
		if err != nil {
			abort(idempotency.Key{}, err)
		}
		_ = control.SetWriteDeadline(time.Now().Add(exportPause)) // where it cannot be set, the server's holds
		if f.Key.Reference == "" {
			continue
		}
		cells := exportRow(f.Record, zone)
		for i := range cells {
			cells[i] = csvcell.Literal(cells[i])
		}
		if err := out.Write(cells); err != nil {
			return // the client has gone
		}
	}
	_ = control.SetWriteDeadline(time.Now().Add(exportPause))
	out.Flush()
}
