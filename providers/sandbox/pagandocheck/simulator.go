// Package pagandocheck simulates Pagando Check (Mexico).
package pagandocheck

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// Name is the provider's; it is served below a slash and its name.
const Name = "pagandocheck"

// Options says how the simulated Pagando Check behaves when nothing is wrong. The zero
// value has the credentials "sandbox-user" and "sandbox-password", answers as the newest of its
// known clients reads it, and charges an order as often as it is told.
//
// The code of a "decline" fault is the provider's: 71, 300, 302, 314 or any other number, or
// SWITCH_4051 and its like. That of "unauthorized_in_body" is a code in JSON: 100 (as without one),
// "100" or 109.
type Options struct {
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
	Duplicates sandbox.Duplicates
	// TokenLifetime is 24 hours unless set; LoginRevokesTokens ends older tokens with each login.
	TokenLifetime      time.Duration
	LoginRevokesTokens bool
}

const path = "/v1/pagando"

type simulator struct {
	Options
	core   *sandbox.Simulator
	tokens *sandbox.Tokens

	mu     sync.Mutex
	orders map[string]*cart
	made   int
}

// cart is an order before anybody charges it.
type cart struct {
	id, reference, total string
	// charge is the simulator's id of the first charge of it.
	charge string
}

// New is a simulated Pagando Check.
func New(o Options, core sandbox.Options) *sandbox.Provider {
	o.User = cmp.Or(o.User, "sandbox-user")
	o.Password = cmp.Or(o.Password, "sandbox-password")
	o.TokenHeader = cmp.Or(o.TokenHeader, "Authorization: Bearer ")
	o.TokenLifetime = cmp.Or(o.TokenLifetime, 24*time.Hour)
	p := &simulator{Options: o, core: sandbox.NewSimulator("pyt_%06d", core), orders: map[string]*cart{}}
	p.tokens = sandbox.NewTokens(p.core, o.TokenLifetime, o.LoginRevokesTokens)
	p.core.OnReset(p.forget)
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path+"/get-token", p.login)
	mux.HandleFunc("POST "+path+"/orders/create-ecommerce-order", p.order)
	mux.HandleFunc("POST "+path+"/orders/create-order", p.charge)
	mux.HandleFunc("GET "+path+"/orders/get-order-info", p.info)
	return sandbox.NewProvider("pagandocheck", p.core, mux, p.settings)
}

// forget drops the orders; tokens stay good.
func (p *simulator) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders = map[string]*cart{}
}

func (p *simulator) settings(base string) []sandbox.Setting {
	return []sandbox.Setting{
		{Name: "REMESA_PAGANDOCHECK_BASE_URL", Value: base}, {Name: "REMESA_PAGANDOCHECK_USER", Value: p.User},
		{Name: "REMESA_PAGANDOCHECK_PASSWORD", Value: p.Password},
	}
}

// login gives out tokens that say nothing of their end.
func (p *simulator) login(w http.ResponseWriter, r *http.Request) {
	p.core.CountLogin()
	var sent struct {
		User     string `json:"user"`
		Password string `json:"password"`
	}
	wrong := sandbox.ReadStrict(w, r, &sent)
	f, b := p.core.ApplyFaults(r.Context(), sandbox.LoginOperation, "", "")
	switch {
	case wrong != "":
		sandbox.WriteJSON(w, http.StatusBadRequest, p.envelope("API_AUTHENTICATION", "INVALID_REQUEST", wrong, "110", nil))
	case b.Reply == sandbox.Unauthorized:
		sandbox.WriteJSON(w, http.StatusOK, p.refused(f, "109"))
	case sent.User != p.User || sent.Password != p.Password:
		sandbox.WriteJSON(w, http.StatusOK, p.refused(f, "109"))
	default:
		data := map[string]any{"token": p.tokens.Issue(signed), "key": "sandbox-encryption-key"}
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, p.envelope("API_AUTHENTICATION", "TOKEN", "Success", "0", data)), b, f)
	}
}

// signed makes a token that is no JWT: the provider does not say what its tokens are.
func signed(n int) string { return fmt.Sprintf("pagando-token-%06d", n) }

// hasValidToken checks the token's header.
func (p *simulator) hasValidToken(r *http.Request) bool {
	name, scheme, _ := strings.Cut(p.TokenHeader, ": ")
	token, found := strings.CutPrefix(r.Header.Get(name), scheme)
	return found && p.tokens.Accepts(token)
}

// refuse is the response to a request whose token is no good, or which a fault treats as such.
func (p *simulator) refuse(r *http.Request, f sandbox.Fault, b sandbox.Behaviour) *sandbox.Response {
	if b.Reply == sandbox.ExpireTokens {
		p.tokens.Expire()
	}
	switch {
	case b.Reply == sandbox.Unauthorized:
		return sandbox.Refusal(sandbox.OrStatus(f.Status, http.StatusUnauthorized), map[string]any{"message": "Unauthorized"})
	case b.Reply == sandbox.UnauthorizedInBody:
		return sandbox.Refusal(sandbox.OrStatus(f.Status, http.StatusOK), p.refused(f, "100"))
	case !p.hasValidToken(r):
		return sandbox.Refusal(http.StatusOK, p.refused(f, "100"))
	}
	return nil
}

// refused carries neither data nor error, as the provider's own refusal of a login.
func (p *simulator) refused(f sandbox.Fault, code string) any {
	code = cmp.Or(f.Code, code)
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

func (p *simulator) code(code string) any {
	if p.TextCodes {
		return code
	}
	return json.Number(code)
}

func (p *simulator) envelope(kind, key, message, code string, data any) map[string]any {
	return map[string]any{"type": kind, "key": key, "message": message, "code": p.code(code), "data": data}
}

func (p *simulator) failure(key, message, code string) any {
	body := p.envelope("API_ORDERS", key, message, code, nil)
	body["error"] = true
	return body
}
