// Package etpay simulates ETpay (Chile): its sessions, its payers and its assumed payouts.
package etpay

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// Name is the provider's; it is served below a slash and its name.
const Name = "etpay"

// Options says how the simulated ETpay behaves when nothing is wrong. The zero value has the
// merchant "cl_sandbox_cl" with the token "sandbox-merchant-api-token", and opens as many sessions
// for one order as it is asked for.
//
// Opening a session moves no money: a payer does, at {prefix}/session/{token} (GET shows a form;
// POST takes result=success, error or cancelled). The faults "pending" and "rejected_later" are a
// payer who acts by himself, once as many status queries came or as much time passed as the fault
// says.
//
// Its payouts are the assumed ones: login, create (which executes a repeated reference), status by
// id and a listing of days. They stand in the same book.
type Options struct {
	MerchantCode, MerchantAPIToken string
	// Echoes repeats order and amount beside each payment, which the real one is not known to do.
	Echoes bool

	// PayoutsUsername and PayoutsPassword log in for payouts; "ops@example.cl" and
	// "sandbox-password" unless set.
	PayoutsUsername, PayoutsPassword string
	// TokenField is the response's field that holds a token, "token" unless set; "data.token" puts
	// it inside an object.
	TokenField string
	// TokenLife is how long a token is good for; an hour unless set.
	TokenLife time.Duration
	// Wrapped puts payouts and their listing inside an object.
	Wrapped bool
}

type simulator struct {
	Options
	core   *sandbox.Simulator
	tokens *sandbox.Tokens
	days   *time.Location

	mu       sync.Mutex
	sessions map[string]*session
	// byOrder are the sessions of an order, oldest first.
	byOrder map[string][]*session
	opened  int
	// made are the payouts, oldest first.
	made []madePayout
}

// session is an address at which a payer can pay.
type session struct {
	token, signature string
	order            sandbox.Order
	webhook          string
	// payments are the simulator's ids of what was tried here.
	payments []string
}

// New is a simulated ETpay.
func New(o Options, core sandbox.Options) *sandbox.Provider {
	days, err := time.LoadLocation("America/Santiago")
	if err != nil {
		panic(err) // it is built in
	}
	e := &simulator{Options: o.withDefaults(), core: sandbox.NewSimulator("etp_%06d", core), days: days}
	e.tokens = sandbox.NewTokens(e.core, e.TokenLife, false)
	e.core.OnReset(e.forget)
	e.forget()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /session/initialize", e.initialize)
	mux.HandleFunc("POST /merchant/check_payment_status", e.status)
	mux.HandleFunc("GET /session/{token}", e.page)
	mux.HandleFunc("POST /session/{token}", e.payerActs)
	mux.HandleFunc("POST /v1/auth/login", e.login)
	mux.HandleFunc("POST /v1/payouts", e.createPayout)
	mux.HandleFunc("GET /v1/payouts", e.listPayouts)
	mux.HandleFunc("GET /v1/payouts/{id}", e.showPayout)
	return sandbox.NewProvider("etpay", e.core, mux, e.settings)
}

func (o Options) withDefaults() Options {
	o.MerchantCode, o.MerchantAPIToken = cmp.Or(o.MerchantCode, "cl_sandbox_cl"), cmp.Or(o.MerchantAPIToken, "sandbox-merchant-api-token")
	o.PayoutsUsername, o.PayoutsPassword = cmp.Or(o.PayoutsUsername, "ops@example.cl"), cmp.Or(o.PayoutsPassword, "sandbox-password")
	o.TokenField = cmp.Or(o.TokenField, "token")
	o.TokenLife = cmp.Or(o.TokenLife, time.Hour)
	return o
}

func (e *simulator) settings(base string) []sandbox.Setting {
	return []sandbox.Setting{
		{Name: "REMESA_ETPAY_BASE_URL", Value: base}, {Name: "REMESA_ETPAY_PAYMENT_URL", Value: base},
		{Name: "REMESA_ETPAY_MERCHANT_CODE", Value: e.MerchantCode}, {Name: "REMESA_ETPAY_MERCHANT_API_TOKEN", Value: e.MerchantAPIToken},
		{Name: "REMESA_ETPAY_PAYOUTS_URL", Value: base}, {Name: "REMESA_ETPAY_PAYOUTS_USERNAME", Value: e.PayoutsUsername},
		{Name: "REMESA_ETPAY_PAYOUTS_PASSWORD", Value: e.PayoutsPassword},
	}
}

func (e *simulator) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions, e.byOrder, e.made = map[string]*session{}, map[string][]*session{}, nil
}

// initialize counts the request, judges it, and opens a session unless the fault says otherwise.
func (e *simulator) initialize(w http.ResponseWriter, r *http.Request) {
	var sent sentOrder
	wrong := sandbox.ReadStrict(w, r, &sent)
	f, b, full := e.arrive(w, r, sent.OrderID, string(sent.Amount))
	if full {
		return
	}
	if b.Reply == sandbox.Unauthorized || b.Reply == sandbox.UnauthorizedInBody || !e.isMerchant(sent.MerchantCode, sent.MerchantAPIToken) {
		sandbox.WriteJSON(w, http.StatusUnauthorized, failure("unauthorized", "merchant unknown"))
		return
	}
	if wrong == "" {
		wrong = sent.check(r)
	}
	switch {
	case wrong != "":
		sandbox.WriteJSON(w, http.StatusBadRequest, failure("invalid_request", wrong))
	case b.Reply == sandbox.Declined || b.Reply == sandbox.RejectedObject:
		sandbox.WriteJSON(w, http.StatusBadRequest, failure(cmp.Or(f.Code, "order_rejected"), "orden rechazada para "+sent.CustomerEmail))
	default:
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, e.open(sent, b, f)), b, f)
	}
}

// arrive counts a request, and says what its fault is. Where there are too many it responds itself.
func (e *simulator) arrive(w http.ResponseWriter, r *http.Request, order, amount string) (f sandbox.Fault, b sandbox.Behaviour, full bool) {
	if err := e.core.Arrive(order); err != nil {
		sandbox.WriteJSON(w, http.StatusServiceUnavailable, failure("full", err.Error()))
		return f, b, true
	}
	f, b = e.core.ApplyFaults(r.Context(), sandbox.SendOperation, order, amount)
	return f, b, false
}

// open keeps the session, also where its response will be damaged: then nobody has its token, and
// nobody can pay there.
func (e *simulator) open(sent sentOrder, b sandbox.Behaviour, f sandbox.Fault) any {
	switch b.Reply {
	case sandbox.WrongTypes:
		return map[string]any{"token": 7, "signature_token": []int{7}, "terms_url": nil}
	case sandbox.UnknownStatus, sandbox.UnknownCode:
		return map[string]any{"status": "en_la_luna", "code": 777}
	default: // what is wrong, if anything, is not in the words
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.opened++
	s := &session{
		token: fmt.Sprintf("ses_%06d", e.opened), signature: fmt.Sprintf("sig-%06d-sandbox", e.opened), order: sent.order(), webhook: sent.WebhookURL,
	}
	if b.Reply == sandbox.Normal && (b.Effect == sandbox.MovesPending || b.Effect == sandbox.RejectsPending || b.Effect == sandbox.MovesNever) {
		s.payments = append(s.payments, e.core.Take(s.order, b, f).ID)
	}
	e.sessions[s.token] = s
	e.byOrder[sent.OrderID] = append(e.byOrder[sent.OrderID], s)
	return map[string]any{"token": s.token, "signature_token": s.signature, "terms_url": "https://terms.example/"}
}

// status responds with an array of what was tried for an order, in a session, or of one payment.
func (e *simulator) status(w http.ResponseWriter, r *http.Request) {
	var sent sentStatusRequest
	wrong := sandbox.ReadStrict(w, r, &sent)
	reference := e.reference(sent)
	f, b := e.core.ApplyFaults(r.Context(), sandbox.StatusOperation, reference, "")
	switch {
	case b.Reply == sandbox.Unauthorized || b.Reply == sandbox.UnauthorizedInBody || !e.isMerchant(sent.MerchantCode, sent.MerchantAPIToken):
		sandbox.WriteJSON(w, http.StatusUnauthorized, failure("unauthorized", "merchant unknown"))
	case wrong != "":
		sandbox.WriteJSON(w, http.StatusBadRequest, failure("invalid_request", wrong))
	case sent.OrderID == "" && sent.SessionToken == "" && sent.PaymentToken == "":
		sandbox.WriteJSON(w, http.StatusBadRequest, failure("invalid_request", "no filter"))
	default:
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, e.list(sent, b)), b, f)
	}
}

// list leaves out what nobody tried yet.
func (e *simulator) list(sent sentStatusRequest, b sandbox.Behaviour) []any {
	all := []any{}
	if b.Reply == sandbox.NotFound {
		return all
	}
	for _, s := range e.matchingSessions(sent) {
		for _, id := range s.payments {
			o, found := e.core.Find(id, "")
			if !found || o.State == sandbox.Pending || sent.PaymentToken != "" && sent.PaymentToken != id {
				continue
			}
			all = append(all, e.show(s, o, b))
		}
	}
	return all
}

var sessionWords = map[sandbox.State]string{sandbox.Paid: "success", sandbox.Rejected: "error"}

func (e *simulator) show(s session, o sandbox.Order, b sandbox.Behaviour) any {
	item := map[string]any{"payment_token": o.ID, "payment_status": sessionWords[o.State]}
	if e.Echoes || b.Reply == sandbox.WrongAmount {
		item["merchant_order_id"], item["session_token"], item["order_amount"] = o.Reference, s.token, json.Number(o.Amount)
	}
	spoil(item, o, b, "payment_token", "payment_status", "order_amount")
	return item
}

// spoil damages the fields of a response as the fault says.
func spoil(item map[string]any, o sandbox.Order, b sandbox.Behaviour, id, word, amount string) {
	switch b.Reply {
	case sandbox.WrongTypes:
		item[id], item[word] = []int{7}, true
	case sandbox.UnknownStatus:
		item[word] = "en_la_luna"
	case sandbox.WrongAmount:
		item[amount] = json.Number(o.Amount + "0")
	default: // what is wrong, if anything, is not in the words
	}
}

// matchingSessions are copies of the sessions that the request names.
func (e *simulator) matchingSessions(sent sentStatusRequest) []session {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []session
	for order, sessions := range e.byOrder {
		for _, s := range sessions {
			if (sent.OrderID == "" || sent.OrderID == order) && (sent.SessionToken == "" || sent.SessionToken == s.token) {
				c := *s
				c.payments = append([]string(nil), s.payments...)
				all = append(all, c)
			}
		}
		if sent.OrderID == order {
			break
		}
	}
	return all
}

func (e *simulator) reference(sent sentStatusRequest) string {
	if sent.OrderID != "" {
		return sent.OrderID
	}
	for _, s := range e.matchingSessions(sent) {
		return s.order.Reference
	}
	return ""
}

func (e *simulator) isMerchant(code, token string) bool {
	return code == e.MerchantCode && token == e.MerchantAPIToken
}

func failure(code, message string) any { return map[string]any{"code": code, "message": message} }
