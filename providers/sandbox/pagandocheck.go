package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// PagandoCheckOptions says how the simulated Pagando Check behaves when nothing is wrong. The zero
// value has the credentials "sandbox-user" and "sandbox-password", answers as the newest of its
// known clients reads it, and charges an order as often as it is told.
//
// The code of a "decline" fault is the provider's: 71, 300, 302, 314 or any other number, or
// SWITCH_4051 and its like. That of "unauthorized_in_body" is a code in JSON: 100 (as without one),
// "100" or 109.
type PagandoCheckOptions struct {
	User, Password string
	// TokenHeader is the header's name and what stands before the token, "Authorization: Bearer "
	// unless set.
	TokenHeader string
	// NoOrders: the account may not create orders.
	NoOrders bool
	// FlatIDs puts the ids of a charge into data instead of data.data.
	FlatIDs bool
	// TextCodes writes every code as a text.
	TextCodes bool
	// NumberTotals writes the total of an order as a number.
	NumberTotals bool
	// Duplicates is what a second charge of an order comes to; Execute unless set.
	Duplicates Duplicates
	// TokenLifetime is 24 hours unless set; LoginRevokes ends older tokens with each login.
	TokenLifetime time.Duration
	LoginRevokes  bool
}

const pagandoPath = "/v1/pagando"

type pagandoCheck struct {
	PagandoCheckOptions
	desk   *Desk
	tokens *tokens

	mu     sync.Mutex
	orders map[string]*cart
	made   int
}

// cart is an order before anybody charges it.
type cart struct {
	id, reference, total string
	// charge is the desk's id of the first charge of it.
	charge string
}

func newPagandoCheck(o PagandoCheckOptions, d *Desk) http.Handler {
	if o.User == "" {
		o.User = "sandbox-user"
	}
	if o.Password == "" {
		o.Password = "sandbox-password"
	}
	o.TokenHeader = orDefault(o.TokenHeader, "Authorization: Bearer ")
	if o.TokenLifetime == 0 {
		o.TokenLifetime = 24 * time.Hour
	}
	p := &pagandoCheck{PagandoCheckOptions: o, desk: d, orders: map[string]*cart{}, tokens: newTokens(d.now, o.TokenLifetime, o.LoginRevokes)}
	d.onReset(p.forget)
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pagandoPath+"/get-token", p.login)
	mux.HandleFunc("POST "+pagandoPath+"/orders/create-ecommerce-order", p.order)
	mux.HandleFunc("POST "+pagandoPath+"/orders/create-order", p.charge)
	mux.HandleFunc("GET "+pagandoPath+"/orders/get-order-info", p.info)
	return mux
}

// forget drops the orders; tokens stay good.
func (p *pagandoCheck) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders = map[string]*cart{}
}

// login gives out tokens that say nothing of their end.
func (p *pagandoCheck) login(w http.ResponseWriter, r *http.Request) {
	p.desk.loggingIn()
	var sent struct {
		User     string `json:"user"`
		Password string `json:"password"`
	}
	wrong := readStrict(w, r, &sent)
	delay, f, b := p.desk.fault(Login, "", "")
	wait(r.Context(), delay)
	switch {
	case wrong != "":
		writeJSON(w, http.StatusBadRequest, p.envelope("API_AUTHENTICATION", "INVALID_REQUEST", wrong, "110", nil))
	case b.reply == unauthorized:
		writeJSON(w, http.StatusOK, p.refused(f, "109"))
	case sent.User != p.User || sent.Password != p.Password:
		writeJSON(w, http.StatusOK, p.refused(f, "109"))
	default:
		data := map[string]any{"token": p.tokens.issue(signed), "key": "sandbox-encryption-key"}
		deliver(w, r, answer{http.StatusOK, p.envelope("API_AUTHENTICATION", "TOKEN", "Success", "0", data)}, b.reply, f)
	}
}

// signed makes a token that is no JWT: the provider does not say what its tokens are.
func signed(n int) string { return fmt.Sprintf("pagando-token-%06d", n) }

// good judges the token's header.
func (p *pagandoCheck) good(r *http.Request) bool {
	name, scheme, _ := strings.Cut(p.TokenHeader, ": ")
	token, found := strings.CutPrefix(r.Header.Get(name), scheme)
	return found && p.tokens.takes(token)
}

// refuse is the answer to a request whose token is no good, or which a fault treats as such.
func (p *pagandoCheck) refuse(r *http.Request, f Fault, b behaviour) *answer {
	if b.reply == expireTokens {
		p.tokens.expire()
	}
	switch {
	case b.reply == unauthorized:
		return &answer{orStatus(f.Status, http.StatusUnauthorized), map[string]any{"message": "Unauthorized"}}
	case b.reply == bodyOnly401:
		return &answer{orStatus(f.Status, http.StatusOK), p.refused(f, "100")}
	case !p.good(r):
		return &answer{http.StatusOK, p.refused(f, "100")}
	}
	return nil
}

// refused carries neither data nor error, as the provider's own refusal of a login.
func (p *pagandoCheck) refused(f Fault, code string) any {
	code = orDefault(f.Code, code)
	key, message := "API_KEY_EXPIRED", "API key has expired"
	if strings.Trim(code, `"`) == "109" {
		key, message = "INVALID_CREDENTIALS", "the credentials provided are invalid"
	}
	body := map[string]any{"type": "API_AUTHENTICATION", "key": key, "message": message, "code": p.code(code)}
	if strings.HasPrefix(code, `"`) {
		body["code"] = strings.Trim(code, `"`)
	}
	return body
}

func (p *pagandoCheck) code(code string) any {
	if p.TextCodes {
		return code
	}
	return json.Number(code)
}

func (p *pagandoCheck) envelope(kind, key, message, code string, data any) map[string]any {
	return map[string]any{"type": kind, "key": key, "message": message, "code": p.code(code), "data": data}
}

func (p *pagandoCheck) failure(key, message, code string) any {
	body := p.envelope("API_ORDERS", key, message, code, nil)
	body["error"] = true
	return body
}
