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
	LoginRevokes bool
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

// Pago Seguro has no status query: what is not answered cannot be found out.
type simulator struct {
	Options
	desk   *sandbox.Simulator
	tokens *sandbox.Tokens
}

// New is a simulated Pago Seguro.
func New(o Options, desk sandbox.Options) *sandbox.Provider {
	p := &simulator{Options: o.withDefaults(), desk: sandbox.NewSimulator("16%06d", desk)}
	p.tokens = sandbox.NewTokens(p.desk, p.TokenLife, p.LoginRevokes)
	const base = "/pagosegurocanal/public/api"
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+base+"/auth/accountlogin", p.login)
	mux.HandleFunc("POST "+base+"/v1/hashcard", p.hashcard)
	mux.HandleFunc("POST "+base+"/v1/tokenization", p.charge)
	return sandbox.NewProvider("pagoseguro", p.desk, mux, p.settings)
}

func (p *simulator) settings(base string) []sandbox.Setting {
	return []sandbox.Setting{
		{Name: "REMESA_PAGOSEGURO_BASE_URL", Value: base}, {Name: "REMESA_PAGOSEGURO_ACCOUNT_ID", Value: strconv.FormatInt(p.AccountID, 10)},
		{Name: "REMESA_PAGOSEGURO_API_KEY", Value: p.APIKey},
	}
}

func (p *simulator) login(w http.ResponseWriter, r *http.Request) {
	p.desk.LoggingIn()
	f, b := p.desk.Meet(r.Context(), sandbox.LoginOperation, "", "")
	body, err := sandbox.ReadBody(w, r)
	if err != nil || !p.knows(body) || b.Reply == sandbox.Unauthorized || b.Reply == sandbox.Declined {
		p.write(w, p.no(http.StatusBadRequest, "Account Id y/o API Key Invalidos"))
		return
	}
	a := p.yes(map[string]any{"access_token": p.tokens.Issue(p.token), "token_type": "bearer", "expires_in": int(p.TokenLife.Seconds())})
	sandbox.Deliver(w, r, a, b, f)
}

// authorized reads the bearer token; a fault may end it, or refuse it however good it is.
func (p *simulator) authorized(r *http.Request, f sandbox.Fault, b sandbox.Behaviour) *sandbox.Answer {
	if b.Reply == sandbox.ExpireTokens {
		p.tokens.Expire()
	}
	refusal := p.no(http.StatusUnauthorized, "Token Vencido, Genere uno Nuevo")
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
	f, b := p.desk.Meet(r.Context(), sandbox.StepOperation, "", "")
	body, err := sandbox.ReadBody(w, r)
	if refusal := p.authorized(r, f, b); refusal != nil {
		p.write(w, *refusal)
		return
	}
	if err != nil || !isPlain(r) || !isCard(body) {
		p.write(w, p.no(http.StatusBadRequest, map[string]any{"number": []string{"formato no valido"}}))
		return
	}
	sandbox.Deliver(w, r, p.yes(sealedCard()), b, f)
}

func sealedCard() string {
	random := func(n int) string {
		b := make([]byte, n)
		_, _ = rand.Read(b) // it never fails
		return base64.StdEncoding.EncodeToString(b)
	}
	return base64.StdEncoding.EncodeToString(sandbox.Encode(map[string]string{"iv": random(16), "value": random(32), "mac": random(32)}))
}

// charge counts the request, judges it, then does with money and answer what the fault says.
func (p *simulator) charge(w http.ResponseWriter, r *http.Request) {
	body, err := sandbox.ReadBody(w, r)
	sent, wrong := readTokenization(body)
	if err := p.desk.Arrive(sent.TxnID); err != nil {
		p.write(w, p.no(http.StatusServiceUnavailable, err.Error()))
		return
	}
	f, b := p.desk.Meet(r.Context(), sandbox.SendOperation, sent.TxnID, string(sent.Amount))
	refusal := p.authorized(r, f, b)
	switch {
	case refusal != nil:
	case err != nil || !isPlain(r):
		refusal = p.refuse("body", "no es application/json")
	case wrong != nil:
		refusal = p.refuse(wrong.field, wrong.problem)
	case sent.Key != p.AccountID || sent.Hash != p.hash(sent):
		refusal = p.refuse("hash", "no corresponde")
	}
	if refusal != nil {
		p.write(w, *refusal)
		return
	}
	sandbox.Deliver(w, r, p.execute(sent, b, f), b, f)
}

func (p *simulator) execute(sent tokenization, b sandbox.Behaviour, f sandbox.Fault) sandbox.Answer {
	switch {
	case b.Reply == sandbox.Declined:
		// Its text names the person, as texts of banks do.
		return p.no(http.StatusInternalServerError, "Rechazo "+cmp.Or(f.Code, "General")+" de "+sent.FirstName)
	case b.Reply == sandbox.RejectedObject:
		return p.yes(map[string]any{"status": "Rechazado", "code": cmp.Or(f.Code, "51"), "amount": json.Number(string(sent.Amount))})
	case b.Moves == sandbox.Untaken:
		return p.yes(nil) // deliver damages it
	}
	if first, found := p.desk.Earlier(sent.TxnID); found && p.Duplicates == sandbox.Same {
		return p.show(first, b)
	} else if found && p.Duplicates == sandbox.Refuse {
		return *p.refuse("txnid", "duplicado")
	}
	return p.show(p.desk.Take(sent.order(), b, f), b)
}

var words = map[sandbox.State]string{sandbox.Hidden: "En proceso", sandbox.Pending: "En proceso", sandbox.Paid: "Aprobado", sandbox.Rejected: "Rechazado"}

func (p *simulator) show(o sandbox.Order, b sandbox.Behaviour) sandbox.Answer {
	bogota := time.FixedZone("America/Bogota", -5*60*60)
	data := map[string]any{
		"status": words[o.State], "code": 836158, "amount": json.Number(o.Amount), "transaction_code": json.Number(o.ID),
		"date": p.desk.Now().In(bogota).Format("2006-01-02T15:04:05"),
	}
	switch b.Reply {
	case sandbox.WrongTypes:
		data["status"], data["transaction_code"], data["amount"] = true, []int{7}, map[string]any{"cop": "x"}
	case sandbox.UnknownStatus:
		data["status"] = "En la luna"
	case sandbox.WrongAmount:
		data["amount"] = json.Number(o.Amount + "0")
	case sandbox.UnknownCode:
		return p.no(http.StatusInternalServerError, "Server Error")
	default: // what is wrong, if anything, is not in the words
	}
	return p.yes(data)
}

func (p *simulator) yes(data any) sandbox.Answer {
	return sandbox.Say(http.StatusOK, map[string]any{"success": true, "data": data, "status_code": http.StatusOK})
}

// no is a refusal; its HTTP status is the envelope's, or 200.
func (p *simulator) no(code int, message any) sandbox.Answer {
	status := code
	if p.Always200 {
		status = http.StatusOK
	}
	return sandbox.Say(status, map[string]any{"success": false, "message": message, "status_code": code})
}

func (p *simulator) refuse(field, problem string) *sandbox.Answer {
	a := p.no(http.StatusBadRequest, map[string]any{field: []string{problem}})
	return &a
}

func (p *simulator) write(w http.ResponseWriter, a sandbox.Answer) {
	sandbox.WriteJSON(w, a.Status, a.Body)
}
