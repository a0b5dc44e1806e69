package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the days of the listing are ETpay's, also on a machine that knows no time zones
)

// etpayPayout is the assumed object of a new payout. Decoding refuses every other field and every
// wrong type.
type etpayPayout struct {
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

func (p etpayPayout) check() string {
	switch {
	case !etpayOrderID.MatchString(p.OrderID):
		return "merchant_order_id: not the form of OC-700104, or longer than 64"
	case !wholeNumber.Match(p.Amount):
		return "amount: not a whole number"
	case p.Currency != "CLP":
		return "currency: not CLP"
	case !etpayRUT.MatchString(p.Account.RUT):
		return "account.rut: not digits without dots and dash"
	case p.Account.Name == "" || p.Account.Email != nil && *p.Account.Email == "":
		return "account: name missing, or email empty"
	case p.Account.BankCode == "" || !slices.Contains(etpayBanks, p.Account.BankCode):
		return "account.bank_code: unknown"
	case !slices.Contains([]string{"corriente", "vista", "ahorro"}, p.Account.Type):
		return "account.type: not corriente, vista or ahorro"
	case !accountText.MatchString(p.Account.Number):
		return "account.number: not letters and digits"
	}
	return ""
}

func (p etpayPayout) order() order {
	return order{Execution: Execution{
		Reference: p.OrderID, Amount: string(p.Amount), Currency: "CLP",
		Beneficiary: p.Account.RUT + " " + p.Account.BankCode + " " + p.Account.Type + " " + p.Account.Number,
	}}
}

// etpayMade is a payout that was taken, with its day.
type etpayMade struct {
	id, day string
}

func (e *etpay) day() string { return e.desk.now().In(e.days).Format(time.DateOnly) }

// login takes the documented object and nothing else.
func (e *etpay) login(w http.ResponseWriter, r *http.Request) {
	e.desk.loggingIn()
	delay, f, b := e.desk.fault(Login, "", "")
	wait(r.Context(), delay)
	var l struct {
		Username string `json:"username"`
		Password string `json:"password"`
		Merchant struct {
			Code     string `json:"code"`
			APIToken string `json:"api_token"`
		} `json:"merchant"`
	}
	wrong := readStrict(w, r, &l)
	known := sameSecret(l.Username, e.PayoutsUsername) && sameSecret(l.Password, e.PayoutsPassword) && e.known(l.Merchant.Code, l.Merchant.APIToken)
	switch {
	case b.reply == unauthorized || b.reply == normal && wrong == "" && !known:
		writeJSON(w, http.StatusUnauthorized, etpayError("unauthorized", "login unknown"))
	case b.reply != normal:
		deliver(w, r, answer{http.StatusOK, map[string]any{e.TokenField: []int{1}}}, b.reply, f)
	case wrong != "":
		writeJSON(w, http.StatusBadRequest, etpayError("invalid_request", wrong))
	default:
		writeJSON(w, http.StatusOK, e.granted())
	}
}

// granted is a token under its name, inside an object where the name has a dot.
func (e *etpay) granted() any {
	end := e.desk.now().Add(e.TokenLife).Unix()
	token := e.tokens.issue(func(n int) string { return coordinadorJWT(map[string]any{"n": n, "exp": end}, e.PayoutsPassword) })
	if outer, inner, nested := strings.Cut(e.TokenField, "."); nested {
		return map[string]any{outer: map[string]any{inner: token}}
	}
	return map[string]any{e.TokenField: token}
}

// enters reports whether the request carries a token that is still good; a fault may end all tokens
// first.
func (e *etpay) enters(w http.ResponseWriter, r *http.Request, b behaviour) bool {
	if b.reply == expireTokens {
		e.tokens.expire()
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if b.reply == unauthorized || b.reply == bodyOnly401 || !ok || !e.tokens.takes(token) {
		writeJSON(w, http.StatusUnauthorized, etpayError("unauthorized", "token unknown or expired"))
		return false
	}
	return true
}

// createPayout counts the request, judges it, then does with money and answer what the fault says.
func (e *etpay) createPayout(w http.ResponseWriter, r *http.Request) {
	var sent etpayPayout
	wrong := readStrict(w, r, &sent)
	if err := e.desk.arrive(sent.OrderID); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, etpayError("full", err.Error()))
		return
	}
	delay, f, b := e.desk.fault(Send, sent.OrderID, string(sent.Amount))
	wait(r.Context(), delay)
	if !e.enters(w, r, b) {
		return
	}
	if wrong == "" {
		wrong = sent.check()
	}
	switch {
	case wrong != "":
		writeJSON(w, http.StatusBadRequest, etpayError("invalid_request", wrong))
	case b.reply == declined || b.reply == rejectedObj:
		text := "transferencia rechazada: " + sent.Account.Name + ", cuenta " + sent.Account.Number
		writeJSON(w, http.StatusUnprocessableEntity, etpayError(orDefault(f.Code, "payout_rejected"), text))
	default:
		deliver(w, r, e.execute(sent, b, f), b.reply, f)
	}
}

// execute books the payout as the fault says, once more for each time that it is told to, and says
// that it was accepted: its final word is another question's.
func (e *etpay) execute(sent etpayPayout, b behaviour, f Fault) answer {
	if b.moves == untaken {
		return answer{http.StatusOK, map[string]any{}}
	}
	o := e.desk.take(sent.order(), b, f)
	e.mu.Lock()
	e.made = append(e.made, etpayMade{id: o.ID, day: e.day()})
	e.mu.Unlock()
	if b.reply == oddCode {
		return answer{http.StatusOK, map[string]any{"code": 777, "estado": "algo pasó"}}
	}
	shown := e.payout(o, b)
	if shown["status"] == etpayPayoutWords[paid] {
		shown["status"] = etpayPayoutWords[pending]
	}
	return answer{http.StatusCreated, e.wrap(shown)}
}

// listPayouts answers the payouts of some days. What waits for a question moves on.
func (e *etpay) listPayouts(w http.ResponseWriter, r *http.Request) {
	delay, f, b := e.desk.fault(Ask, "", "")
	wait(r.Context(), delay)
	if !e.enters(w, r, b) {
		return
	}
	q := r.URL.Query()
	from, to := q.Get("from"), q.Get("to")
	_, err := time.Parse(time.DateOnly, from)
	_, err2 := time.Parse(time.DateOnly, to)
	if err != nil || err2 != nil || from > to || len(q) != 2 {
		writeJSON(w, http.StatusBadRequest, etpayError("invalid_request", "from or to: not two days in order"))
		return
	}
	rows := []any{}
	for _, m := range e.between(from, to) {
		if o, found := e.desk.find(m.id, ""); found && b.reply != absent {
			rows = append(rows, e.payout(o, b))
		}
	}
	deliver(w, r, answer{http.StatusOK, e.wrapList(rows)}, b.reply, f)
}

func (e *etpay) between(from, to string) []etpayMade {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []etpayMade
	for _, m := range e.made {
		if from <= m.day && m.day <= to {
			all = append(all, m)
		}
	}
	return all
}

// showPayout answers about one payout, by ETpay's id alone.
func (e *etpay) showPayout(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	known, _ := e.desk.known(id)
	delay, f, b := e.desk.fault(Ask, known.Reference, "")
	wait(r.Context(), delay)
	if !e.enters(w, r, b) {
		return
	}
	o, found := e.desk.find(id, "")
	if !found || b.reply == absent || !e.isPayout(id) {
		deliver(w, r, answer{http.StatusNotFound, etpayError("not_found", "no such payout")}, b.reply, f)
		return
	}
	deliver(w, r, answer{http.StatusOK, e.wrap(e.payout(o, b))}, b.reply, f)
}

func (e *etpay) isPayout(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.made, func(m etpayMade) bool { return m.id == id })
}

var etpayPayoutWords = map[state]string{hidden: "processing", pending: "processing", paid: "paid", rejected: "rejected"}

func (e *etpay) payout(o order, b behaviour) map[string]any {
	to := strings.Fields(o.Beneficiary)
	row := map[string]any{
		"id": o.ID, "merchant_order_id": o.Reference, "status": etpayPayoutWords[o.state], "amount": number(o.Amount), "currency": o.Currency,
		"account": map[string]any{"rut": to[0], "bank_code": to[1], "type": to[2], "number": to[3]},
	}
	switch b.reply {
	case wrongTypes:
		row["id"], row["status"] = []int{7}, true
	case oddStatus:
		row["status"] = "en_la_luna"
	case wrongAmount:
		row["amount"] = number(o.Amount + "0")
	default: // what is wrong, if anything, is not in the words
	}
	return row
}

func (e *etpay) wrap(row map[string]any) any {
	if e.Wrapped {
		return map[string]any{"status": "success", "data": row}
	}
	return row
}

func (e *etpay) wrapList(rows []any) any {
	if e.Wrapped {
		return map[string]any{"data": rows, "total": len(rows)}
	}
	return rows
}
