// Package quipu simulates Quipu, a provider that does not exist.
package quipu

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// Options says how the simulated Quipu behaves when nothing is wrong. The zero value has the
// credentials "sandbox-client", "sandbox-client-secret" and "sandbox-webhook-secret", and executes
// a repeated idempotency key: only then does a test prove the adapter's care.
type Options struct {
	ClientID, ClientSecret, WebhookSecret string
	// ReportAfter is how long after a transfer its report is sent; 200 ms unless set.
	ReportAfter time.Duration
}

type simulator struct {
	Options
	core   *sandbox.Simulator
	tokens *sandbox.Tokens
}

// New is a simulated Quipu.
func New(o Options, core sandbox.Options) *sandbox.Provider {
	o.ClientID = cmp.Or(o.ClientID, "sandbox-client")
	o.ClientSecret = cmp.Or(o.ClientSecret, "sandbox-client-secret")
	o.WebhookSecret = cmp.Or(o.WebhookSecret, "sandbox-webhook-secret")
	o.ReportAfter = cmp.Or(o.ReportAfter, 200*time.Millisecond)
	q := &simulator{Options: o, core: sandbox.NewSimulator("qp_%06d", core)}
	q.tokens = sandbox.NewTokens(q.core, time.Hour, false)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", q.login)
	mux.HandleFunc("POST /v1/transfers", q.create)
	mux.HandleFunc("GET /v1/transfers/{id}", q.status)
	mux.HandleFunc("GET /v1/transfers/by-reference/{reference}", q.status)
	return sandbox.NewProvider("quipu", q.core, mux, q.settings)
}

func (q *simulator) settings(base string) []sandbox.Setting {
	return []sandbox.Setting{
		{Name: "REMESA_QUIPU_BASE_URL", Value: base}, {Name: "REMESA_QUIPU_CLIENT_ID", Value: q.ClientID},
		{Name: "REMESA_QUIPU_CLIENT_SECRET", Value: q.ClientSecret}, {Name: "REMESA_QUIPU_WEBHOOK_SECRET", Value: q.WebhookSecret},
	}
}

func failure(code, message string) any {
	return map[string]any{"error": map[string]any{"code": code, "message": message}}
}

func (q *simulator) login(w http.ResponseWriter, r *http.Request) {
	q.core.CountLogin()
	f, b := q.core.ApplyFaults(r.Context(), sandbox.LoginOperation, "", "")
	var l struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	wrong := sandbox.ReadStrict(w, r, &l)
	known := sandbox.SameSecret(l.ID, q.ClientID) && sandbox.SameSecret(l.Secret, q.ClientSecret)
	switch {
	case b.Reply == sandbox.Unauthorized || wrong == "" && !known:
		sandbox.WriteJSON(w, http.StatusUnauthorized, failure("unauthorized", "client unknown"))
	case wrong != "":
		sandbox.WriteJSON(w, http.StatusBadRequest, failure("invalid_request", wrong))
	default:
		token := q.tokens.Issue(func(n int) string { return fmt.Sprintf("quipu-token-%06d", n) })
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, map[string]any{"access_token": token}), b, f)
	}
}

// sent is the documented object. Decoding refuses every other field and every wrong type.
type sent struct {
	Reference   string          `json:"reference"`
	Amount      json.RawMessage `json:"amount"`
	Currency    string          `json:"currency"`
	Description string          `json:"description"`
	Purpose     string          `json:"purpose"`
	Document    string          `json:"document"`
	Name        string          `json:"name"`
	Bank        string          `json:"bank"`
	Account     string          `json:"account"`
	CallbackURL string          `json:"callback_url"`
}

func (s sent) check(key string) string {
	switch {
	case s.Reference == "" || key != s.Reference:
		return "Idempotency-Key: not the transfer's reference"
	case !sandbox.WholeNumber(string(s.Amount)) || s.Currency != "CLP":
		return "amount: not whole CLP"
	case s.Document == "" || s.Name == "" || s.Bank == "" || s.Account == "":
		return "document, name, bank or account: missing"
	}
	return ""
}

// create counts the request, checks it, then moves money and responds as the fault says.
func (q *simulator) create(w http.ResponseWriter, r *http.Request) {
	var s sent
	body, err := sandbox.ReadBody(w, r)
	if err == nil {
		err = sandbox.StrictJSON(body, &s)
	}
	if full := q.core.Arrive(s.Reference); full != nil {
		sandbox.WriteJSON(w, http.StatusServiceUnavailable, failure("full", full.Error()))
		return
	}
	f, b := q.core.ApplyFaults(r.Context(), sandbox.SendOperation, s.Reference, string(s.Amount))
	wrong := s.check(r.Header.Get("Idempotency-Key"))
	switch {
	case !q.enters(w, r, b):
	case err != nil || wrong != "" || !sandbox.IsType(r, "application/json"):
		sandbox.WriteJSON(w, http.StatusBadRequest, failure("invalid_request", cmp.Or(wrong, "an unknown field or a wrong type")))
	case b.Reply == sandbox.Declined || b.Reply == sandbox.RejectedObject:
		sandbox.WriteJSON(w, http.StatusUnprocessableEntity, failure(cmp.Or(f.Code, "insufficient_funds"), "rejected: "+s.Name+", account "+s.Account))
	case b.Reply == sandbox.Duplicate:
		sandbox.WriteJSON(w, http.StatusConflict, failure("duplicate_reference", "known already"))
	case b.Effect == sandbox.Untaken:
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, map[string]any{}), b, f)
	default:
		o := q.core.Take(sandbox.Order{Execution: sandbox.Execution{
			Reference: s.Reference, Amount: string(s.Amount), Currency: "CLP", Beneficiary: s.Document + " " + s.Bank + " " + s.Account,
		}}, b, f)
		q.report(o, s.CallbackURL)
		sandbox.SendResponse(w, r, show(o, b), b, f)
	}
}

// authorized reports whether the request carries a token that is still good; a fault may end all
// tokens first.
func (q *simulator) enters(w http.ResponseWriter, r *http.Request, b sandbox.Behaviour) bool {
	if b.Reply == sandbox.ExpireTokens {
		q.tokens.Expire()
	}
	if b.Reply == sandbox.Unauthorized || !q.tokens.Bearer(r) {
		sandbox.WriteJSON(w, http.StatusUnauthorized, failure("unauthorized", "token unknown or expired"))
		return false
	}
	return true
}

// report tells the merchant, once and signed, that there is something to query.
func (q *simulator) report(o sandbox.Order, callback string) {
	if callback == "" {
		return
	}
	time.AfterFunc(q.ReportAfter, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		body := sandbox.Encode(map[string]any{"id": o.ID, "reference": o.Reference, "status": "paid"})
		mac := hmac.New(sha256.New, []byte(q.WebhookSecret))
		mac.Write(body)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, callback, bytes.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Quipu-Signature", hex.EncodeToString(mac.Sum(nil)))
		if answer, err := http.DefaultClient.Do(r); err == nil {
			_ = answer.Body.Close()
		}
	})
}

// status answers by id or by reference. A fault that damages the response leaves the transfer as it
// is.
func (q *simulator) status(w http.ResponseWriter, r *http.Request) {
	id, reference := r.PathValue("id"), r.PathValue("reference")
	known, _ := q.core.Known(id)
	f, b := q.core.ApplyFaults(r.Context(), sandbox.StatusOperation, cmp.Or(reference, known.Reference), "")
	if !q.enters(w, r, b) {
		return
	}
	o, found := q.core.Find(id, reference)
	if !found || b.Reply == sandbox.NotFound {
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusNotFound, failure("transfer_not_found", "no such transfer")), b, f)
		return
	}
	sandbox.SendResponse(w, r, show(o, b), b, f)
}

var words = map[sandbox.State]string{
	sandbox.Hidden: "processing", sandbox.Pending: "processing", sandbox.Paid: "paid", sandbox.Rejected: "rejected",
}

func show(o sandbox.Order, b sandbox.Behaviour) sandbox.Response {
	t := map[string]any{
		"id": o.ID, "reference": o.Reference, "status": words[o.State], "amount": json.Number(o.Amount), "currency": o.Currency,
	}
	switch b.Reply {
	case sandbox.WrongTypes:
		t["status"], t["id"] = true, []int{7}
	case sandbox.UnknownStatus:
		t["status"] = "on_the_moon"
	case sandbox.WrongAmount:
		t["amount"] = json.Number(o.Amount + "0")
	case sandbox.UnknownCode:
		return sandbox.NewResponse(http.StatusOK, failure("odd", "something happened"))
	case sandbox.RejectionBeside:
		t["error"] = map[string]any{"code": "insufficient_funds", "message": "no money"}
	default: // what is wrong, if anything, is not in the words
	}
	return sandbox.NewResponse(http.StatusCreated, t)
}
