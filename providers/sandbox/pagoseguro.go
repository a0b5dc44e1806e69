package sandbox

import (
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"time"
)

// PagoSeguroOptions says how the simulated Pago Seguro behaves when nothing is wrong. The zero
// value has the account 123456789 with the API key "sandbox-api-key".
type PagoSeguroOptions struct {
	AccountID int64
	APIKey    string
	// TokenLife is an hour unless set.
	TokenLife time.Duration
	// LoginRevokes lets each login end the life of older tokens.
	LoginRevokes bool
	// Always200 sends every envelope with HTTP 200; else the HTTP status repeats the envelope's
	// status_code.
	Always200 bool
	// Duplicates is what a repeated txnid comes to; Execute unless set.
	Duplicates Duplicates
}

func (o PagoSeguroOptions) withDefaults() PagoSeguroOptions {
	if o.AccountID == 0 {
		o.AccountID = 123456789
	}
	if o.APIKey == "" {
		o.APIKey = "sandbox-api-key"
	}
	if o.TokenLife == 0 {
		o.TokenLife = time.Hour
	}
	return o
}

// Pago Seguro has no status query: what is not answered cannot be found out.
type pagoSeguro struct {
	PagoSeguroOptions
	desk   *Desk
	tokens *tokens
}

func newPagoSeguro(o PagoSeguroOptions, d *Desk) http.Handler {
	o = o.withDefaults()
	d.ids = "16%06d"
	p := &pagoSeguro{PagoSeguroOptions: o, desk: d, tokens: newTokens(d.now, o.TokenLife, o.LoginRevokes)}
	const base = "/pagosegurocanal/public/api"
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+base+"/auth/accountlogin", p.login)
	mux.HandleFunc("POST "+base+"/v1/hashcard", p.hashcard)
	mux.HandleFunc("POST "+base+"/v1/tokenization", p.charge)
	return mux
}

func (p *pagoSeguro) login(w http.ResponseWriter, r *http.Request) {
	p.desk.loggingIn()
	delay, f, b := p.desk.fault(Login, "", "")
	wait(r.Context(), delay)
	body, err := read(w, r)
	if err != nil || !p.knows(body) || b.reply == unauthorized || b.reply == declined {
		p.write(w, p.no(http.StatusBadRequest, "Account Id y/o API Key Invalidos"))
		return
	}
	a := p.yes(map[string]any{"access_token": p.tokens.issue(p.token), "token_type": "bearer", "expires_in": int(p.TokenLife.Seconds())})
	deliver(w, r, a, b.reply, f)
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
}

// authorized reads the bearer token; a fault may end it, or refuse it however good it is.
func (p *pagoSeguro) authorized(r *http.Request, f Fault, b behaviour) *answer {
	if b.reply == expireTokens {
		p.tokens.expire()
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	refusal := p.no(http.StatusUnauthorized, "Token Vencido, Genere uno Nuevo")
	switch {
	case b.reply == bodyOnly401:
		refusal.status = orStatus(f.Status, http.StatusOK)
		return &refusal
	case b.reply == unauthorized:
		refusal.status = orStatus(f.Status, refusal.status)
		return &refusal
	case !bearer || !p.tokens.takes(token):
		return &refusal
	}
	return nil
}

// hashcard answers with what looks like the provider's: an envelope of its framework's encryption,
// another one each time. The card is not kept.
func (p *pagoSeguro) hashcard(w http.ResponseWriter, r *http.Request) {
	delay, f, b := p.desk.fault(Step, "", "")
	wait(r.Context(), delay)
	body, err := read(w, r)
	if refusal := p.authorized(r, f, b); refusal != nil {
		p.write(w, *refusal)
		return
	}
	if err != nil || !plainJSON(r) || !isCard(body) {
		p.write(w, p.no(http.StatusBadRequest, map[string]any{"number": []string{"formato no valido"}}))
		return
	}
	deliver(w, r, p.yes(sealedCard()), b.reply, f)
}

func sealedCard() string {
	random := func(n int) string {
		b := make([]byte, n)
		_, _ = rand.Read(b) // it never fails
		return base64.StdEncoding.EncodeToString(b)
	}
	return base64.StdEncoding.EncodeToString(encode(map[string]string{"iv": random(16), "value": random(32), "mac": random(32)}))
}

// charge counts the request, judges it, then does with money and answer what the fault says.
func (p *pagoSeguro) charge(w http.ResponseWriter, r *http.Request) {
	body, err := read(w, r)
	sent, wrong := readTokenization(body)
	if err := p.desk.arrive(sent.TxnID); err != nil {
		p.write(w, p.no(http.StatusServiceUnavailable, err.Error()))
		return
	}
	delay, f, b := p.desk.fault(Send, sent.TxnID, string(sent.Amount))
	wait(r.Context(), delay)
	refusal := p.authorized(r, f, b)
	switch {
	case refusal != nil:
	case err != nil || !plainJSON(r):
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
	deliver(w, r, p.execute(sent, b, f), b.reply, f)
}

func (p *pagoSeguro) execute(sent tokenization, b behaviour, f Fault) answer {
	switch {
	case b.reply == declined:
		// Its text names the person, as texts of banks do.
		return p.no(http.StatusInternalServerError, "Rechazo "+orText(f.Code, "General")+" de "+sent.FirstName)
	case b.reply == rejectedObj:
		return p.yes(map[string]any{"status": "Rechazado", "code": orText(f.Code, "51"), "amount": number(string(sent.Amount))})
	case b.moves == untaken:
		return p.yes(nil) // deliver damages it
	}
	if first, found := p.desk.earlier(sent.TxnID); found && p.Duplicates == Same {
		return p.show(first, b)
	} else if found && p.Duplicates == Refuse {
		return *p.refuse("txnid", "duplicado")
	}
	return p.show(p.desk.take(sent.order(), b, f), b)
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

var pagoSeguroWords = map[state]string{hidden: "En proceso", pending: "En proceso", paid: "Aprobado", rejected: "Rechazado"}

func (p *pagoSeguro) show(o order, b behaviour) answer {
	bogota := time.FixedZone("America/Bogota", -5*60*60)
	data := map[string]any{
		"status": pagoSeguroWords[o.state], "code": 836158, "amount": number(o.Amount), "transaction_code": number(o.ID),
		"date": p.desk.now().In(bogota).Format("2006-01-02T15:04:05"),
	}
	switch b.reply {
	case wrongTypes:
		data["status"], data["transaction_code"], data["amount"] = true, []int{7}, map[string]any{"cop": "x"}
	case oddStatus:
		data["status"] = "En la luna"
	case wrongAmount:
		data["amount"] = number(o.Amount + "0")
	case oddCode:
		return p.no(http.StatusInternalServerError, "Server Error")
	default: // what is wrong, if anything, is not in the words
	}
	return p.yes(data)
}

func (p *pagoSeguro) yes(data any) answer {
	return answer{http.StatusOK, map[string]any{"success": true, "data": data, "status_code": http.StatusOK}}
}

// no is a refusal; its HTTP status is the envelope's, or 200.
func (p *pagoSeguro) no(code int, message any) answer {
	status := code
	if p.Always200 {
		status = http.StatusOK
	}
	return answer{status, map[string]any{"success": false, "message": message, "status_code": code}}
}

func (p *pagoSeguro) refuse(field, problem string) *answer {
	a := p.no(http.StatusBadRequest, map[string]any{field: []string{problem}})
	return &a
}

func (p *pagoSeguro) write(w http.ResponseWriter, a answer) { writeJSON(w, a.status, a.body) }
