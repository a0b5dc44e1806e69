// Package webhook takes what providers report by themselves. A report decides nothing: one that
// provably comes from the provider makes the payment due, and a status query follows.
package webhook

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/listen"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/spec"
)

// MaxBody is the largest body that is read.
const MaxBody = 64 << 10

// Limits of all reports together; one address may send half of that. A refused report costs nothing
// but time, because payments are polled as well.
const (
	perSecond     = 50
	burst         = 200
	ledgerTimeout = 5 * time.Second // with the ledger
)

// Ledger is what a report needs of the ledger.
type Ledger interface {
	Find(ctx context.Context, provider, alias string) (idempotency.Key, error)
	StartQuery(ctx context.Context, k idempotency.Key) (idempotency.StatusQuery, error)
	Defer(ctx context.Context, k idempotency.Key, after time.Duration) error
}

// Options of a handler.
type Options struct {
	Ledger Ledger
	Log    zerolog.Logger
	// Registry has the clients of the accounts that this process serves. They verify reports that
	// are signed with an account's own secret; without it the handler refuses those.
	Registry providers.Registry
	// Now is time.Now unless set.
	Now func() time.Time
	// PerSecond and Burst bound the reports that the handler reads; 50 and 200 unless set. One
	// address gets half of that, so that nobody uses up what the provider needs.
	PerSecond float64
	Burst     int
}

// New makes the handler of POST /webhooks/NAME for each of the providers that report by themselves.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PerSecond <= 0 {
		o.PerSecond = perSecond
	}
	if o.Burst <= 0 {
		o.Burst = burst
	}
	limit, mux := newLimiter(o), http.NewServeMux()
	for _, p := range catalog.Providers() {
		if p.Webhook != nil {
			mux.Handle("POST /webhooks/"+p.Name, &handler{o, p, limit})
		}
	}
	return mux
}

// handler serves one provider.
type handler struct {
	Options
	provider spec.Provider
	limit    *limiter
}

// ServeHTTP answers 200 to a report of the provider about a payment of ours. Any other answer says
// nothing of what was wrong.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.limit.allow(listen.CountedAddress(r.RemoteAddr), h.Now()) {
		w.Header().Set("Retry-After", "1")
		respond(w, http.StatusTooManyRequests)
		return
	}
	report, status := h.read(w, r)
	if status != 0 {
		respond(w, status)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ledgerTimeout)
	defer cancel()
	k, err := h.verify(ctx, report)
	if err == nil {
		err = h.Ledger.Defer(ctx, k, 0)
	}
	switch {
	case errors.Is(err, spec.ErrReport), errors.Is(err, idempotency.ErrUnknown):
		h.Log.Debug().Msg("a webhook's message was not " + h.provider.Title + "'s about a payment of ours")
		respond(w, http.StatusBadRequest)
	case err != nil:
		h.Log.Warn().Err(err).Msg("webhook: the ledger does not answer")
		respond(w, http.StatusServiceUnavailable)
	default:
		h.Log.Debug().Stringer("key", k).Msg("webhook: a status query follows")
		respond(w, http.StatusOK)
	}
}

// verify finds the payment by the alias that the report gives, and then compares the report with
// that payment. Its error is spec.ErrReport where the report is to blame.
func (h *handler) verify(ctx context.Context, report spec.Report) (idempotency.Key, error) {
	alias, err := h.provider.Webhook.Read(report)
	if err != nil {
		return idempotency.Key{}, spec.ErrReport
	}
	k, err := h.Ledger.Find(ctx, h.provider.Name, alias)
	if err != nil {
		return k, err
	}
	q, err := h.Ledger.StartQuery(ctx, k)
	if err != nil {
		return k, err
	}
	if q.DecryptErr != nil {
		return k, q.DecryptErr
	}
	amount, err := providers.ParseMoney(q.Amount, q.Currency)
	if err != nil {
		return k, spec.ErrReport
	}
	account, _ := h.Registry.Find(k.Provider, k.Account)
	about := spec.Reported{Reference: k.Reference, Amount: amount, ProviderRefs: q.ProviderRefs, Client: account.Client, Now: h.Now}
	if h.provider.Webhook.Verify(report, about) != nil {
		return k, spec.ErrReport
	}
	return k, nil
}

// read takes the report out of the request, or returns the status that refuses it.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (report spec.Report, refusal int) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(h.provider.Webhook.Media, kind) {
		return report, http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return report, http.StatusRequestEntityTooLarge
	case err != nil:
		return report, http.StatusBadRequest
	}
	return spec.Report{Media: kind, Header: r.Header, Body: body}, 0
}

func respond(w http.ResponseWriter, status int) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, http.StatusText(status)+"\n") //nolint:gosec // fixed words of net/http, sent as plain text
}
