package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// coordinadorPayment is the documented object of payments/create. Decoding refuses every other field and every wrong type.
type coordinadorPayment struct {
	Debtor          int64            `json:"debtor"`
	Creditor        int64            `json:"creditor"`
	Amount          json.Number      `json:"amount"`
	PaymentDate     string           `json:"payment_dt"`
	TransactionType int              `json:"transaction_type"`
	ActualCollector *string          `json:"actual_collector"`
	Instructions    [][2]json.Number `json:"instruction_amount_tuples"`
	DTEs            *[]int64         `json:"dtes"`
	ERPA            string           `json:"erp_a"`
	ERPB            *string          `json:"erp_b"`
}

func (r coordinadorPayment) instruction() int64 {
	if len(r.Instructions) == 0 {
		return 0
	}
	id, _ := r.Instructions[0][0].Int64()
	return id
}

func (r coordinadorPayment) order() order {
	return order{Execution: Execution{
		Reference: r.ERPA, Amount: r.Amount.String(), Currency: "CLP", Beneficiary: fmt.Sprintf("instruction %d", r.instruction()),
	}}
}

// echo is what is registered, in the words in which it was sent.
func (r coordinadorPayment) echo() any {
	return map[string]any{"debtor": r.Debtor, "creditor": r.Creditor, "amount": r.Amount, "payment_dt": r.PaymentDate, "erp_a": r.ERPA}
}

func (r coordinadorPayment) check() error {
	_, dateErr := time.Parse(time.DateOnly, r.PaymentDate)
	switch {
	case r.Debtor <= 0 || r.Creditor <= 0 || r.instruction() <= 0:
		return errors.New("debtor, creditor o instruction: falta")
	case len(r.Instructions) != 1:
		return errors.New("instruction_amount_tuples: una instrucción")
	case !wholeNumber.MatchString(r.Amount.String()) || r.Instructions[0][1] != r.Amount:
		return errors.New("amount: no es el mismo número entero en ambos lugares")
	case dateErr != nil:
		return errors.New("payment_dt: no es YYYY-MM-DD")
	case r.TransactionType != 3:
		return errors.New("transaction_type: no es 3")
	case r.ActualCollector == nil || *r.ActualCollector != "" || r.ERPB == nil || r.DTEs == nil:
		return errors.New("actual_collector, erp_b o dtes: falta")
	case r.ERPA == "":
		return errors.New("erp_a: falta")
	}
	return nil
}

// readRegistration reads what it can of a body; wrong is what would make a strict provider refuse it.
func readCoordinadorPayment(body []byte) (sent coordinadorPayment, wrong error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form) != 1 || len(form["data"]) != 1 {
		return coordinadorPayment{}, errors.New("no es un formulario con data y nada más")
	}
	if err := strictJSON([]byte(form.Get("data")), &sent); err != nil {
		return sent, errors.New("data: un campo desconocido o de otro tipo")
	}
	return sent, sent.check()
}

func (v *coordinador) refuse(r *http.Request, wrong error) *answer {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case !v.bearer(r):
		return &answer{http.StatusUnauthorized, coordinadorDetail("Token inválido o expirado")}
	case !sameSecret(r.Header.Get("username"), v.Username) || !sameSecret(r.Header.Get("password"), v.Password):
		return &answer{http.StatusForbidden, coordinadorDetail("username o password incorrectos")}
	case kind != "application/x-www-form-urlencoded":
		return &answer{http.StatusUnsupportedMediaType, coordinadorDetail("Content-Type no soportado")}
	case r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "":
		return &answer{http.StatusBadRequest, coordinadorDetail("Idempotency-Key no existe aquí")}
	case wrong != nil:
		return &answer{http.StatusOK, map[string]any{"result": nil, "errors": []string{wrong.Error()}, "operation": 0}}
	}
	return nil
}

func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

type coordinadorLogin struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

func (v *coordinador) obtain(w http.ResponseWriter, r *http.Request) {
	var l coordinadorLogin
	if v.entered(w, r, &l, func() bool { return sameSecret(l.Email, v.Username) && sameSecret(l.Password, v.Password) }) {
		v.issue(w)
	}
}

// refresh takes the login and, where it is given, the refresh text of an earlier token.
func (v *coordinador) refresh(w http.ResponseWriter, r *http.Request) {
	var l struct {
		coordinadorLogin
		Refresh string `json:"refresh"`
	}
	if !v.entered(w, r, &l, func() bool { return sameSecret(l.Email, v.Username) && sameSecret(l.Password, v.Password) }) {
		return
	}
	v.mu.Lock()
	v.refreshed++
	v.mu.Unlock()
	v.issue(w)
}

// entered reads a login and refuses it where it must.
func (v *coordinador) entered(w http.ResponseWriter, r *http.Request, into any, right func() bool) bool {
	v.desk.loggingIn()
	delay, f, b := v.desk.fault(Login, "", "")
	wait(r.Context(), delay)
	wrong := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(into) != nil
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case b.reply != normal && b.reply != unauthorized:
		deliver(w, r, answer{http.StatusOK, map[string]any{v.TokenField: []int{1}}}, b.reply, f)
		return false
	case b.reply == unauthorized || wrong || !right():
		writeJSON(w, http.StatusUnauthorized, coordinadorDetail("No active account found with the given credentials"))
		return false
	case kind != "application/json":
		writeJSON(w, http.StatusUnsupportedMediaType, coordinadorDetail("Content-Type no soportado"))
		return false
	}
	return true
}

// issue gives out a JWT and, as some portals do, a text to refresh it with.
func (v *coordinador) issue(w http.ResponseWriter) {
	end := v.desk.now().Add(v.TokenLife)
	var number int
	token := v.tokens.issue(func(n int) string {
		number = n
		return coordinadorJWT(map[string]any{"user_id": n, "exp": end.Unix(), "refresh_exp": end.Add(v.RefreshLife).Unix()}, v.Password)
	})
	writeJSON(w, http.StatusOK, map[string]any{v.TokenField: token, "refresh": "refresh-" + strconv.Itoa(number)})
}

func coordinadorJWT(claims map[string]any, key string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(encode(claims))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (v *coordinador) bearer(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && v.tokens.takes(token)
}

// CoordinadorRow puts a row into the simulated portal that nobody registered through it, as a person's own registration would be.
func (s *Sandbox) CoordinadorRow(instruction int64, amount string) {
	v := s.coordinador
	v.mu.Lock()
	defer v.mu.Unlock()
	v.elsewhere = append(v.elsewhere, newCoordinadorRow(instruction, 900_001+int64(len(v.elsewhere)), amount, false, v.desk.now()))
}

// CoordinadorRefreshed is how many tokens were given out for an older one.
func (s *Sandbox) CoordinadorRefreshed() int {
	s.coordinador.mu.Lock()
	defer s.coordinador.mu.Unlock()
	return s.coordinador.refreshed
}
