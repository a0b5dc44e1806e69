package coordinador

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// payment is the documented object of payments/create. Decoding refuses every other field and every
// wrong type.
type payment struct {
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

func (r payment) instruction() int64 {
	if len(r.Instructions) == 0 {
		return 0
	}
	id, _ := r.Instructions[0][0].Int64()
	return id
}

func (r payment) order() sandbox.Order {
	return sandbox.Order{Execution: sandbox.Execution{
		Reference: r.ERPA, Amount: r.Amount.String(), Currency: "CLP", Beneficiary: fmt.Sprintf("instruction %d", r.instruction()),
	}}
}

// echo is what is registered, in the words in which it was sent.
func (r payment) echo() any {
	return map[string]any{"debtor": r.Debtor, "creditor": r.Creditor, "amount": r.Amount, "payment_dt": r.PaymentDate, "erp_a": r.ERPA}
}

func (r payment) check() error {
	_, dateErr := time.Parse(time.DateOnly, r.PaymentDate)
	switch {
	case r.Debtor <= 0 || r.Creditor <= 0 || r.instruction() <= 0:
		return errors.New("debtor, creditor o instruction: falta")
	case len(r.Instructions) != 1:
		return errors.New("instruction_amount_tuples: una instrucción")
	case !sandbox.WholeNumber(r.Amount.String()) || r.Instructions[0][1] != r.Amount:
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

// readPayment reads what it can of a body; wrong is what would make a strict provider refuse it.
func readPayment(body []byte) (sent payment, wrong error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form) != 1 || len(form["data"]) != 1 {
		return payment{}, errors.New("no es un formulario con data y nada más")
	}
	if err := sandbox.StrictJSON([]byte(form.Get("data")), &sent); err != nil {
		return sent, errors.New("data: un campo desconocido o de otro tipo")
	}
	return sent, sent.check()
}

func (v *simulator) refuse(r *http.Request, wrong error) *sandbox.Response {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case !v.tokens.Bearer(r):
		return sandbox.Refusal(http.StatusUnauthorized, detail("Token inválido o expirado"))
	case !sandbox.SameSecret(r.Header.Get("username"), v.Username) || !sandbox.SameSecret(r.Header.Get("password"), v.Password):
		return sandbox.Refusal(http.StatusForbidden, detail("username o password incorrectos"))
	case kind != "application/x-www-form-urlencoded":
		return sandbox.Refusal(http.StatusUnsupportedMediaType, detail("Content-Type no soportado"))
	case r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "":
		return sandbox.Refusal(http.StatusBadRequest, detail("Idempotency-Key no existe aquí"))
	case wrong != nil:
		return sandbox.Refusal(http.StatusOK, map[string]any{"result": nil, "errors": []string{wrong.Error()}, "operation": 0})
	}
	return nil
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

func (v *simulator) obtain(w http.ResponseWriter, r *http.Request) {
	var l credentials
	if v.acceptsLogin(w, r, &l, func() bool {
		return sandbox.SameSecret(l.Email, v.Username) && sandbox.SameSecret(l.Password, v.Password)
	}) {
		v.issue(w)
	}
}

// refresh takes the login and, where it is given, the refresh text of an earlier token.
func (v *simulator) refresh(w http.ResponseWriter, r *http.Request) {
	var l struct {
		credentials
		Refresh string `json:"refresh"`
	}
	if !v.acceptsLogin(w, r, &l, func() bool {
		return sandbox.SameSecret(l.Email, v.Username) && sandbox.SameSecret(l.Password, v.Password)
	}) {
		return
	}
	v.mu.Lock()
	v.refreshed++
	v.mu.Unlock()
	v.issue(w)
}

// acceptsLogin reads a login and refuses it where it must.
func (v *simulator) acceptsLogin(w http.ResponseWriter, r *http.Request, into any, right func() bool) bool {
	v.core.CountLogin()
	f, b := v.core.ApplyFaults(r.Context(), sandbox.LoginOperation, "", "")
	wrong := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(into) != nil
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case b.Reply != sandbox.Normal && b.Reply != sandbox.Unauthorized:
		sandbox.SendResponse(w, r, sandbox.NewResponse(http.StatusOK, map[string]any{v.TokenField: []int{1}}), b, f)
		return false
	case b.Reply == sandbox.Unauthorized || wrong || !right():
		sandbox.WriteJSON(w, http.StatusUnauthorized, detail("No active account found with the given credentials"))
		return false
	case kind != "application/json":
		sandbox.WriteJSON(w, http.StatusUnsupportedMediaType, detail("Content-Type no soportado"))
		return false
	}
	return true
}

// issue gives out a JWT and, as some portals do, a text to refresh it with.
func (v *simulator) issue(w http.ResponseWriter) {
	end := v.core.Now().Add(v.TokenLife)
	var number int
	token := v.tokens.Issue(func(n int) string {
		number = n
		return sandbox.JWT(map[string]any{"user_id": n, "exp": end.Unix(), "refresh_exp": end.Add(v.RefreshLife).Unix()}, v.Password)
	})
	sandbox.WriteJSON(w, http.StatusOK, map[string]any{v.TokenField: token, "refresh": "refresh-" + strconv.Itoa(number)})
}
