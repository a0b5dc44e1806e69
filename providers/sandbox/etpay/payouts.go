package etpay

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the days of the listing are ETpay's, also on a machine that knows no time zones

	"github.com/remesa/remesa/providers/sandbox"
)

// sentPayout is the assumed object of a new payout. Decoding refuses every other field and every
// wrong type.
type sentPayout struct {
	OrderID     string          `json:"merchant_order_id"`
	Amount      json.RawMessage `json:"amount"`
	Currency    string          `json:"currency"`
	Description string          `json:"description"`
	Account     struct {
		RUT      string  `json:"rut"`
		Name     string  `json:"name"`
		Email    *string `json:"email"`
		BankCode string  `json:"bank_code"`
		Type     string  `json:"type"`
		Number   string  `json:"number"`
	} `json:"account"`
}

var accountText = regexp.MustCompile(`^[0-9A-Za-z]+$`)

func (p sentPayout) check() string {
	switch {
	case !orderID.MatchString(p.OrderID):
		return "merchant_order_id: not the form of OC-700104, or longer than 64"
	case !sandbox.WholeNumber(string(p.Amount)):
		return "amount: not a whole number"
	case p.Currency != "CLP":
		return "currency: not CLP"
	case !rut.MatchString(p.Account.RUT):
		return "account.rut: not digits without dots and dash"
	case p.Account.Name == "" || p.Account.Email != nil && *p.Account.Email == "":
		return "account: name missing, or email empty"
	case p.Account.BankCode == "" || !slices.Contains(banks, p.Account.BankCode):
		return "account.bank_code: unknown"
	case !slices.Contains([]string{"corriente", "vista", "ahorro"}, p.Account.Type):
		return "account.type: not corriente, vista or ahorro"
	case !accountText.MatchString(p.Account.Number):
		return "account.number: not letters and digits"
	}
	return ""
}

func (p sentPayout) order() sandbox.Order {
	return sandbox.Order{Execution: sandbox.Execution{
		Reference: p.OrderID, Amount: string(p.Amount), Currency: "CLP",
		Beneficiary: p.Account.RUT + " " + p.Account.BankCode + " " + p.Account.Type + " " + p.Account.Number,
	}}
}

// madePayout is a payout that was taken, with its day.
type madePayout struct {
	id, day string
}

func (e *simulator) day() string { return e.core.Now().In(e.days).Format(time.DateOnly) }

// login takes the documented object and nothing else.
func (e *simulator) login(w http.ResponseWriter, r *http.Request) {
	e.core.CountLogin()
	f, b := e.core.ApplyFaults(r.Context(), sandbox.LoginOperation, "", "")
	var l struct {
		Username string `json:"username"`
		Password string `json:"password"`
		Merchant struct {
			Code     string `json:"code"`
			APIToken string `json:"api_token"`
		} `json:"merchant"`
	}
	wrong := sandbox.ReadStrict(w, r, &l)
	known := sandbox.SameSecret(l.Username, e.PayoutsUsername) && sandbox.SameSecret(l.Password, e.PayoutsPassword) && e.isMerchant(l.Merchant.Code, l.Merchant.APIToken)
	switch {
	case b.Reply == sandbox.Unauthorized || b.Reply == sandbox.Normal && wrong == "" && !known:
		sandbox.WriteJSON(w, http.StatusUnauthorized, failure("unauthorized", "login unknown"))
	case b.Reply != sandbox.Normal:
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, map[string]any{e.TokenField: []int{1}}), b, f)
	case wrong != "":
		sandbox.WriteJSON(w, http.StatusBadRequest, failure("invalid_request", wrong))
	default:
		sandbox.WriteJSON(w, http.StatusOK, e.tokenBody())
	}
}

// tokenBody is a token under its name, inside an object where the name has a dot.
func (e *simulator) tokenBody() any {
	end := e.core.Now().Add(e.TokenLife).Unix()
	token := e.tokens.Issue(func(n int) string { return sandbox.JWT(map[string]any{"n": n, "exp": end}, e.PayoutsPassword) })
	if outer, inner, nested := strings.Cut(e.TokenField, "."); nested {
		return map[string]any{outer: map[string]any{inner: token}}
	}
	return map[string]any{e.TokenField: token}
}

// authorized reports whether the request carries a token that is still good; a fault may end all
// tokens first.
func (e *simulator) authorized(w http.ResponseWriter, r *http.Request, b sandbox.Behaviour) bool {
	if b.Reply == sandbox.ExpireTokens {
		e.tokens.Expire()
	}
	if b.Reply == sandbox.Unauthorized || b.Reply == sandbox.UnauthorizedInBody || !e.tokens.Bearer(r) {
		sandbox.WriteJSON(w, http.StatusUnauthorized, failure("unauthorized", "token unknown or expired"))
		return false
	}
	return true
}

// createPayout counts the request, checks it, then moves money and responds as the fault says.
func (e *simulator) createPayout(w http.ResponseWriter, r *http.Request) {
	var sent sentPayout
	wrong := sandbox.ReadStrict(w, r, &sent)
	f, b, full := e.arrive(w, r, sent.OrderID, string(sent.Amount))
	if full || !e.authorized(w, r, b) {
		return
	}
	if wrong == "" {
		wrong = sent.check()
	}
	switch {
	case wrong != "":
		sandbox.WriteJSON(w, http.StatusBadRequest, failure("invalid_request", wrong))
	case b.Reply == sandbox.Declined || b.Reply == sandbox.RejectedObject:
		text := "transferencia rechazada: " + sent.Account.Name + ", cuenta " + sent.Account.Number
		sandbox.WriteJSON(w, http.StatusUnprocessableEntity, failure(cmp.Or(f.Code, "payout_rejected"), text))
	default:
		sandbox.SendResponse(w, r, e.execute(sent, b, f), b, f)
	}
}

// execute books the payout as the fault says, once more for each time that it is told to, and says
// that it was accepted: its final word comes with a later status query.
func (e *simulator) execute(sent sentPayout, b sandbox.Behaviour, f sandbox.Fault) sandbox.Response {
	if b.Effect == sandbox.Untaken {
		return sandbox.NewResponse(http.StatusOK, map[string]any{})
	}
	o := e.core.Take(sent.order(), b, f)
	e.mu.Lock()
	e.made = append(e.made, madePayout{id: o.ID, day: e.day()})
	e.mu.Unlock()
	if b.Reply == sandbox.UnknownCode {
		return sandbox.NewResponse(http.StatusOK, map[string]any{"code": 777, "estado": "algo pasó"})
	}
	shown := e.payout(o, b)
	if shown["status"] == payoutWords[sandbox.Paid] {
		shown["status"] = payoutWords[sandbox.Pending]
	}
	return sandbox.NewResponse(http.StatusCreated, e.wrap(shown))
}

// listPayouts responds with the payouts of some days. What waits for a status query moves on.
func (e *simulator) listPayouts(w http.ResponseWriter, r *http.Request) {
	f, b := e.core.ApplyFaults(r.Context(), sandbox.StatusOperation, "", "")
	if !e.authorized(w, r, b) {
		return
	}
	q := r.URL.Query()
	from, to := q.Get("from"), q.Get("to")
	_, err := time.Parse(time.DateOnly, from)
	_, err2 := time.Parse(time.DateOnly, to)
	if err != nil || err2 != nil || from > to || len(q) != 2 {
		sandbox.WriteJSON(w, http.StatusBadRequest, failure("invalid_request", "from or to: not two days in order"))
		return
	}
	rows := []any{}
	for _, m := range e.between(from, to) {
		if o, found := e.core.Find(m.id, ""); found && b.Reply != sandbox.NotFound {
			rows = append(rows, e.payout(o, b))
		}
	}
	sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, e.wrapList(rows)), b, f)
}

func (e *simulator) between(from, to string) []madePayout {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []madePayout
	for _, m := range e.made {
		if from <= m.day && m.day <= to {
			all = append(all, m)
		}
	}
	return all
}

// showPayout responds with one payout, by ETpay's id alone.
func (e *simulator) showPayout(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	known, _ := e.core.Known(id)
	f, b := e.core.ApplyFaults(r.Context(), sandbox.StatusOperation, known.Reference, "")
	if !e.authorized(w, r, b) {
		return
	}
	o, found := e.core.Find(id, "")
	if !found || b.Reply == sandbox.NotFound || !e.isPayout(id) {
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusNotFound, failure("not_found", "no such payout")), b, f)
		return
	}
	sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, e.wrap(e.payout(o, b))), b, f)
}

func (e *simulator) isPayout(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.made, func(m madePayout) bool { return m.id == id })
}

var payoutWords = map[sandbox.State]string{sandbox.Hidden: "processing", sandbox.Pending: "processing", sandbox.Paid: "paid", sandbox.Rejected: "rejected"}

func (e *simulator) payout(o sandbox.Order, b sandbox.Behaviour) map[string]any {
	to := strings.Fields(o.Beneficiary)
	row := map[string]any{
		"id": o.ID, "merchant_order_id": o.Reference, "status": payoutWords[o.State], "amount": json.Number(o.Amount), "currency": o.Currency,
		"account": map[string]any{"rut": to[0], "bank_code": to[1], "type": to[2], "number": to[3]},
	}
	spoil(row, o, b, "id", "status", "amount")
	return row
}

func (e *simulator) wrap(row map[string]any) any {
	if e.Wrapped {
		return map[string]any{"status": "success", "data": row}
	}
	return row
}

func (e *simulator) wrapList(rows []any) any {
	if e.Wrapped {
		return map[string]any{"data": rows, "total": len(rows)}
	}
	return rows
}
