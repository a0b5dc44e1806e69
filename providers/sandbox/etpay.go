package sandbox

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// ETpayOptions says how the simulated ETpay behaves when nothing is wrong. The zero value has the merchant "cl_sandbox_cl" with the token
// "sandbox-merchant-api-token", and opens as many sessions for one order as it is asked for.
//
// Opening a session moves no money: a payer does, at {prefix}/session/{token} (GET shows a form; POST takes result=success, error or
// cancelled). The faults "pending" and "rejected_later" are a payer who acts without being asked, once as many status queries were
// answered or as much time passed as the fault says.
//
// Its payouts are the assumed ones: login, create (which executes a repeated reference), status by id and a listing of days. They stand in
// the same book.
type ETpayOptions struct {
	MerchantCode, MerchantAPIToken string
	// Echoes repeats order and amount beside each payment, which the real one is not known to do.
	Echoes bool

	// PayoutsUsername and PayoutsPassword log in for payouts; "ops@example.cl" and "sandbox-password" unless set.
	PayoutsUsername, PayoutsPassword string
	// TokenField is the answer's field that holds a token, "token" unless set; "data.token" puts it inside an object.
	TokenField string
	// TokenLife is how long a token is good for; an hour unless set.
	TokenLife time.Duration
	// Wrapped puts payouts and their listing inside an object.
	Wrapped bool
}

func (o ETpayOptions) withDefaults() ETpayOptions {
	o.MerchantCode = orDefault(o.MerchantCode, "cl_sandbox_cl")
	o.MerchantAPIToken = orDefault(o.MerchantAPIToken, "sandbox-merchant-api-token")
	o.PayoutsUsername = orDefault(o.PayoutsUsername, "ops@example.cl")
	o.PayoutsPassword = orDefault(o.PayoutsPassword, "sandbox-password")
	o.TokenField = orDefault(o.TokenField, "token")
	if o.TokenLife == 0 {
		o.TokenLife = time.Hour
	}
	return o
}

type etpay struct {
	ETpayOptions
	desk   *Desk
	tokens *tokens
	days   *time.Location

	mu       sync.Mutex
	sessions map[string]*etpaySession
	// byOrder are the sessions of an order, oldest first.
	byOrder map[string][]*etpaySession
	opened  int
	// made are the payouts, oldest first.
	made []etpayMade
}

// etpaySession is an address at which a payer can pay.
type etpaySession struct {
	token, signature string
	order            order
	webhook          string
	// payments are the desk's ids of what was tried here.
	payments []string
}

func newETpay(o ETpayOptions, d *Desk) http.Handler {
	days, err := time.LoadLocation("America/Santiago")
	if err != nil {
		panic(err) // it is built in
	}
	e := &etpay{ETpayOptions: o.withDefaults(), desk: d, days: days}
	e.tokens = newTokens(d.now, e.TokenLife, false)
	d.ids = "etp_%06d"
	d.onReset(e.forget)
	e.forget()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /session/initialize", e.initialize)
	mux.HandleFunc("POST /merchant/check_payment_status", e.status)
	mux.HandleFunc("GET /session/{token}", e.page)
	mux.HandleFunc("POST /session/{token}", e.act)
	mux.HandleFunc("POST /v1/auth/login", e.login)
	mux.HandleFunc("POST /v1/payouts", e.createPayout)
	mux.HandleFunc("GET /v1/payouts", e.listPayouts)
	mux.HandleFunc("GET /v1/payouts/{id}", e.showPayout)
	return mux
}

func (e *etpay) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions, e.byOrder, e.made = map[string]*etpaySession{}, map[string][]*etpaySession{}, nil
}

// initialize counts the request, judges it, and opens a session unless the fault says otherwise.
func (e *etpay) initialize(w http.ResponseWriter, r *http.Request) {
	var sent etpayOrder
	wrong := readStrict(w, r, &sent)
	if err := e.desk.arrive(sent.OrderID); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, etpayError("full", err.Error()))
		return
	}
	delay, f, b := e.desk.fault(Send, sent.OrderID, string(sent.Amount))
	wait(r.Context(), delay)
	if b.reply == unauthorized || b.reply == bodyOnly401 || !e.known(sent.MerchantCode, sent.MerchantAPIToken) {
		writeJSON(w, http.StatusUnauthorized, etpayError("unauthorized", "merchant unknown"))
		return
	}
	if wrong == "" {
		wrong = sent.check(r)
	}
	switch {
	case wrong != "":
		writeJSON(w, http.StatusBadRequest, etpayError("invalid_request", wrong))
	case b.reply == declined || b.reply == rejectedObj:
		writeJSON(w, http.StatusBadRequest, etpayError(orDefault(f.Code, "order_rejected"), "orden rechazada para "+sent.CustomerEmail))
	default:
		deliver(w, r, answer{http.StatusOK, e.open(sent, b, f)}, b.reply, f)
	}
}

// open keeps the session, also where its answer will be damaged: then nobody has its token, and nobody can pay there.
func (e *etpay) open(sent etpayOrder, b behaviour, f Fault) any {
	switch b.reply {
	case wrongTypes:
		return map[string]any{"token": 7, "signature_token": []int{7}, "terms_url": nil}
	case oddStatus, oddCode:
		return map[string]any{"status": "en_la_luna", "code": 777}
	default: // what is wrong, if anything, is not in the words
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.opened++
	s := &etpaySession{
		token: fmt.Sprintf("ses_%06d", e.opened), signature: fmt.Sprintf("sig-%06d-sandbox", e.opened), order: sent.order(), webhook: sent.WebhookURL,
	}
	if b.reply == normal && (b.moves == movesPending || b.moves == rejectsPending || b.moves == movesNever) {
		s.payments = append(s.payments, e.desk.take(s.order, b, f).ID)
	}
	e.sessions[s.token] = s
	e.byOrder[sent.OrderID] = append(e.byOrder[sent.OrderID], s)
	return map[string]any{"token": s.token, "signature_token": s.signature, "terms_url": "https://terms.example/"}
}

// status answers with an array of what was tried for an order, in a session, or of one payment.
func (e *etpay) status(w http.ResponseWriter, r *http.Request) {
	var sent etpayQuestion
	wrong := readStrict(w, r, &sent)
	reference := e.reference(sent)
	delay, f, b := e.desk.fault(Ask, reference, "")
	wait(r.Context(), delay)
	switch {
	case b.reply == unauthorized || b.reply == bodyOnly401 || !e.known(sent.MerchantCode, sent.MerchantAPIToken):
		writeJSON(w, http.StatusUnauthorized, etpayError("unauthorized", "merchant unknown"))
	case wrong != "":
		writeJSON(w, http.StatusBadRequest, etpayError("invalid_request", wrong))
	case sent.OrderID == "" && sent.SessionToken == "" && sent.PaymentToken == "":
		writeJSON(w, http.StatusBadRequest, etpayError("invalid_request", "no filter"))
	default:
		deliver(w, r, answer{http.StatusOK, e.list(sent, b)}, b.reply, f)
	}
}

// list leaves out what nobody tried yet.
func (e *etpay) list(sent etpayQuestion, b behaviour) []any {
	all := []any{}
	if b.reply == absent {
		return all
	}
	for _, s := range e.asked(sent) {
		for _, id := range s.payments {
			o, found := e.desk.find(id, "")
			if !found || o.state == pending || sent.PaymentToken != "" && sent.PaymentToken != id {
				continue
			}
			all = append(all, e.show(s, o, b))
		}
	}
	return all
}

var etpayWords = map[state]string{paid: "success", rejected: "error"}

func (e *etpay) show(s etpaySession, o order, b behaviour) any {
	item := map[string]any{"payment_token": o.ID, "payment_status": etpayWords[o.state]}
	if e.Echoes || b.reply == wrongAmount {
		item["merchant_order_id"], item["session_token"], item["order_amount"] = o.Reference, s.token, number(o.Amount)
	}
	switch b.reply {
	case wrongTypes:
		item["payment_token"], item["payment_status"] = []int{7}, true
	case oddStatus:
		item["payment_status"] = "en_la_luna"
	case wrongAmount:
		item["order_amount"] = number(o.Amount + "0")
	default: // what is wrong, if anything, is not in the words
	}
	return item
}

// asked are copies of the sessions in question.
func (e *etpay) asked(sent etpayQuestion) []etpaySession {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []etpaySession
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

func (e *etpay) reference(sent etpayQuestion) string {
	if sent.OrderID != "" {
		return sent.OrderID
	}
	for _, s := range e.asked(sent) {
		return s.order.Reference
	}
	return ""
}

func (e *etpay) known(code, token string) bool {
	return code == e.MerchantCode && token == e.MerchantAPIToken
}

func etpayError(code, message string) any { return map[string]any{"code": code, "message": message} }
