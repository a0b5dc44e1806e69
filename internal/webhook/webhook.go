// Package webhook takes what providers report by themselves. A report settles nothing: one that is
// proven to come from the provider makes the payment due, so that the provider is asked.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/listen"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
)

// MaxBody is the largest body that is read.
const MaxBody = 64 << 10

// Limits of all reports together; one address may send half of that. What is turned away costs
// nothing but time: payments are polled as well.
const (
	perSecond = 50
	burst     = 200
	patience  = 5 * time.Second // with the ledger
)

// Ledger is what a report needs of it.
type Ledger interface {
	Find(ctx context.Context, provider, alias string) (idempotency.Key, error)
	Ask(ctx context.Context, k idempotency.Key) (idempotency.Question, error)
	Defer(ctx context.Context, k idempotency.Key, after time.Duration) error
}

// Options of a handler.
type Options struct {
	Ledger Ledger
	Log    zerolog.Logger
	// Now is time.Now unless set.
	Now func() time.Time
	// PerSecond and Burst bound the reports that are looked at; 50 and 200 unless set. Of one
	// address half as many are, so that nobody uses up what the provider needs.
	PerSecond float64
	Burst     int
}

// New makes the handler of POST /webhooks/etpay.
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
	h := &handler{Options: o, limit: newLimiter(o)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks/etpay", h.etpay)
	return mux
}

type handler struct {
	Options
	limit *limiter
}

// etpay answers 200 where the report is ETpay's about a payment of ours, and tells anybody else
// nothing of what was wrong.
func (h *handler) etpay(w http.ResponseWriter, r *http.Request) {
	if !h.limit.allow(listen.Address(r.RemoteAddr), h.Now()) {
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusTooManyRequests)
		return
	}
	token, status := message(w, r)
	if status != 0 {
		say(w, status)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	k, err := h.verify(ctx, token)
	if err == nil {
		err = h.Ledger.Defer(ctx, k, 0)
	}
	switch {
	case errors.Is(err, etpay.ErrMessage), errors.Is(err, idempotency.ErrUnknown):
		h.Log.Debug().Msg("a webhook's message was not ETpay's about a payment of ours")
		say(w, http.StatusBadRequest)
	case err != nil:
		h.Log.Warn().Err(err).Msg("webhook: the ledger does not answer")
		say(w, http.StatusServiceUnavailable)
	default:
		h.Log.Debug().Stringer("key", k).Msg("webhook: the provider will be asked")
		say(w, http.StatusOK)
	}
}

// verify finds the payment by the session that the message names, and then holds the message
// against that payment's own key.
func (h *handler) verify(ctx context.Context, token string) (idempotency.Key, error) {
	session, err := etpay.MessageSession(token)
	if err != nil {
		return idempotency.Key{}, err
	}
	k, err := h.Ledger.Find(ctx, providers.ETpay, session)
	if err != nil {
		return k, err
	}
	q, err := h.Ledger.Ask(ctx, k)
	if err != nil {
		return k, err
	}
	if q.Unopened != nil {
		return k, q.Unopened
	}
	amount, err := providers.ParseMoney(q.Amount, q.Currency)
	if err != nil {
		return k, etpay.ErrMessage
	}
	_, err = etpay.Verify(token, etpay.Expected{Handles: q.Handles, Reference: k.Reference, Amount: amount, Now: h.Now})
	return k, err
}

// message reads {"payment": "<JWT>"}, or a form with that field; or the status that refuses it.
func message(w http.ResponseWriter, r *http.Request) (token string, refusal int) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/x-www-form-urlencoded" {
		return "", http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", http.StatusRequestEntityTooLarge
	case err != nil:
		return "", http.StatusBadRequest
	}
	if kind == "application/json" {
		token = fromJSON(body)
	} else {
		token = fromForm(body)
	}
	if token == "" {
		return "", http.StatusBadRequest
	}
	return token, 0
}

func fromJSON(body []byte) string {
	var sent struct {
		Payment string `json:"payment"`
	}
	if json.Unmarshal(body, &sent) != nil {
		return ""
	}
	return sent.Payment
}

func fromForm(body []byte) string {
	sent, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return sent.Get("payment")
}

func say(w http.ResponseWriter, status int) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, http.StatusText(status)+"\n")
}
