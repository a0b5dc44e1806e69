// Package pagoseguro simulates Pago Seguro (Colombia).
package pagoseguro

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// Name is the provider's; it is served below a slash and its name.
const Name = "pagoseguro"

// Options says how the simulated Pago Seguro behaves when nothing is wrong. The zero
// value has the account 123456789 with the API key "sandbox-api-key".
type Options struct {
	AccountID int64
	APIKey    string
	// TokenLife is an hour unless set.
	TokenLife time.Duration
	// LoginRevokesTokens lets each login end the life of older tokens.
	LoginRevokesTokens bool
	// Always200 sends every envelope with HTTP 200; else the HTTP status repeats the envelope's
	// status_code.
	Always200 bool
	// Duplicates is what a repeated txnid comes to; Execute unless set.
	Duplicates sandbox.Duplicates
}

func (o Options) withDefaults() Options {
	o.AccountID = cmp.Or(o.AccountID, 123456789)
	o.APIKey = cmp.Or(o.APIKey, "sandbox-api-key")
	o.TokenLife = cmp.Or(o.TokenLife, time.Hour)
	return o
}

// Pago Seguro has no status query: what has no response cannot be found out.
type simulator struct {
	Options
	core   *sandbox.Simulator
	tokens *sandbox.Tokens
}

// New is a simulated Pago Seguro.
func New(o Options, core sandbox.Options) *sandbox.Provider {
	p := &simulator{Options: o.withDefaults(), core: sandbox.NewSimulator("16%06d", core)}
	p.tokens = sandbox.NewTokens(p.core, p.TokenLife, p.LoginRevokesTokens)
	const base = "/pagosegurocanal/public/api"
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+base+"/auth/accountlogin", p.login)
	mux.HandleFunc("POST "+base+"/v1/hashcard", p.hashcard)
	mux.HandleFunc("POST "+base+"/v1/tokenization", p.charge)
	return sandbox.NewProvider("pagoseguro", p.core, mux, p.settings)
}

func (p *simulator) settings(base string) []sandbox.Setting {
	return []sandbox.Setting{
		{Name: "REMESA_PAGOSEGURO_BASE_URL", Value: base}, {Name: "REMESA_PAGOSEGURO_ACCOUNT_ID", Value: strconv.FormatInt(p.AccountID, 10)},
		{Name: "REMESA_PAGOSEGURO_API_KEY", Value: p.APIKey},
	}
}

func (p *simulator) login(w http.ResponseWriter, r *http.Request) {
	p.core.CountLogin()
	f, b := p.core.ApplyFaults(r.Context(), sandbox.LoginOperation, "", "")
	body, err := sandbox.ReadBody(w, r)
	if err != nil || !p.isLogin(body) || b.Reply == sandbox.Unauthorized || b.Reply == sandbox.Declined {
		p.write(w, p.reject(http.StatusBadRequest, "Account Id y/o API Key Invalidos"))
		return
	}
	a := p.accept(map[string]any{"access_token": p.tokens.Issue(p.token), "token_type": "bearer", "expires_in": int(p.TokenLife.Seconds())})
	sandbox.SendResponse(w, r, a, b, f)
}

// authorized reads the bearer token; a fault may end it, or refuse it however good it is.
func (p *simulator) authorized(r *http.Request, f sandbox.Fault, b sandbox.Behaviour) *sandbox.Response {
	if b.Reply == sandbox.ExpireTokens {
		p.tokens.Expire()
	}
	refusal := p.reject(http.StatusUnauthorized, "Token Vencido, Genere uno Nuevo")
	switch {
	case b.Reply == sandbox.UnauthorizedInBody:
		refusal.Status = sandbox.OrStatus(f.Status, http.StatusOK)
		return &refusal
	case b.Reply == sandbox.Unauthorized:
		refusal.Status = sandbox.OrStatus(f.Status, refusal.Status)
		return &refusal
	case !p.tokens.Bearer(r):
		return &refusal
	}
	return nil
}

// hashcard answers with what looks like the provider's: an envelope of its framework's encryption,
// another one each time. The card is not kept.
func (p *simulator) hashcard(w http.ResponseWriter, r *http.Request) {
	f, b := p.core.ApplyFaults(r.Context(), sandbox.StepOperation, "", "")
	body, err := sandbox.ReadBody(w, r)
	if refusal := p.authorized(r, f, b); refusal != nil {
		p.write(w, *refusal)
		return
	}
	if err != nil || !isPlain(r) || !isCard(body) {
		p.write(w, p.reject(http.StatusBadRequest, map[string]any{"number": []string{"formato no valido"}}))
		return
	}
	sandbox.SendResponse(w, r, p.accept(sealedCard()), b, f)
}

func sealedCard() string {
	random := func(n int) string {
		b := make([]byte, n)
		_, _ = rand.Read(b) // it never fails
		return base64.StdEncoding.EncodeToString(b)
	}
	return base64.StdEncoding.EncodeToString(sandbox.Encode(map[string]string{"iv": random(16), "value": random(32), "mac": random(32)}))
}

// charge counts the request, checks it, then moves money and responds as the fault says.
func (p *simulator) charge(w http.ResponseWriter, r *http.Request) {
	body, err := sandbox.ReadBody(w, r)
	sent, wrong := readTokenization(body)
	if err := p.core.Arrive(sent.TxnID); err != nil {
		p.write(w, p.reject(http.StatusServiceUnavailable, err.Error()))
		return
	}
	f, b := p.core.ApplyFaults(r.Context(), sandbox.SendOperation, sent.TxnID, string(sent.Amount))
	refusal := p.authorized(r, f, b)
	switch {
	case refusal != nil:
	case err != nil || !isPlain(r):
		refusal = p.rejectField("body", "no es application/json")
	case wrong != nil:
		refusal = p.rejectField(wrong.field, wrong.problem)
	case sent.Key != p.AccountID || sent.Hash != p.hash(sent):
		refusal = p.rejectField("hash", "no corresponde")
	}
	if refusal != nil {
		p.write(w, *refusal)
		return
	}
	sandbox.SendResponse(w, r, p.execute(sent, b, f), b, f)
}

func (p *simulator) execute(sent tokenization, b sandbox.Behaviour, f sandbox.Fault) sandbox.Response {
	switch {
	case b.Reply == sandbox.Declined:
		// Its text names the person, as texts of banks do.
		return p.reject(http.StatusInternalServerError, "Rechazo "+cmp.Or(f.Code, "General")+" de "+sent.FirstName)
	case b.Reply == sandbox.RejectedObject:
		return p.accept(map[string]any{"status": "Rechazado", "code": cmp.Or(f.Code, "51"), "amount": json.Number(string(sent.Amount))})
	case b.Effect == sandbox.Untaken:
		return p.accept(nil) // deliver damages it
	}
	if first, found := p.core.Earlier(sent.TxnID); found && p.Duplicates == sandbox.Same {
		return p.show(first, b)
	} else if found && p.Duplicates == sandbox.Refuse {
		return *p.rejectField("txnid", "duplicado")
	}
	return p.show(p.core.Take(sent.order(), b, f), b)
}

var words = map[sandbox.State]string{sandbox.Hidden: "En proceso", sandbox.Pending: "En proceso", sandbox.Paid: "Aprobado", sandbox.Rejected: "Rechazado"}

func (p *simulator) show(o sandbox.Order, b sandbox.Behaviour) sandbox.Response {
	bogota := time.FixedZone("America/Bogota", -5*60*60)
	data := map[string]any{
		"status": words[o.State], "code": 836158, "amount": json.Number(o.Amount), "transaction_code": json.Number(o.ID),
		"date": p.core.Now().In(bogota).Format("2006-01-02T15:04:05"),
	}
	switch b.Reply {
	case sandbox.WrongTypes:
		data["status"], data["transaction_code"], data["amount"] = true, []int{7}, map[string]any{"cop": "x"}
	case sandbox.UnknownStatus:
		data["status"] = "En la luna"
	case sandbox.WrongAmount:
		data["amount"] = json.Number(o.Amount + "0")
	case sandbox.UnknownCode:
		return p.reject(http.StatusInternalServerError, "Server Error")
	default: // what is wrong, if anything, is not in the words
	}
	return p.accept(data)
}

func (p *simulator) accept(data any) sandbox.Response {
	return sandbox.NewResponse(http.StatusOK, map[string]any{"success": true, "data": data, "status_code": http.StatusOK})
}

// reject is a refusal; its HTTP status is the envelope's, or 200.
func (p *simulator) reject(code int, message any) sandbox.Response {
	status := code
	if p.Always200 {
		status = http.StatusOK
	}
	return sandbox.NewResponse(status, map[string]any{"success": false, "message": message, "status_code": code})
}

func (p *simulator) rejectField(field, problem string) *sandbox.Response {
	a := p.reject(http.StatusBadRequest, map[string]any{field: []string{problem}})
	return &a
}

func (p *simulator) write(w http.ResponseWriter, a sandbox.Response) {
	sandbox.WriteJSON(w, a.Status, a.Body)
}
