package virtualpos

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/remesa/remesa/providers/sandbox"
)

// tef is the documented payout object. Decoding refuses every other field and every wrong type.
type tef struct {
	MerchantID string          `json:"merchant_id"`
	Message    *string         `json:"message"`
	Amount     json.RawMessage `json:"amount"`
	Recipient  struct {
		RUT   string  `json:"rut"`
		Name  string  `json:"name"`
		Email *string `json:"email"`
	} `json:"recipient"`
	Bank struct {
		SBIFCode      string `json:"sbif_code"`
		AccountNumber string `json:"account_number"`
	} `json:"bank"`
}

var (
	rut         = regexp.MustCompile(`^[0-9]{1,8}-[0-9K]$`)
	bankCode    = regexp.MustCompile(`^[0-9]{3}$`)
	accountText = regexp.MustCompile(`^[0-9A-Za-z]+$`)
)

func (t tef) check() error {
	switch {
	case t.MerchantID == "":
		return errors.New("merchant_id: missing")
	case t.Message == nil:
		return errors.New("message: missing")
	case !sandbox.WholeNumber(string(t.Amount)):
		return errors.New("amount: not a whole number")
	case !rut.MatchString(t.Recipient.RUT):
		return errors.New("recipient.rut: not body, dash and check digit")
	case t.Recipient.Name == "" || t.Recipient.Email == nil:
		return errors.New("recipient: name or email missing")
	case !bankCode.MatchString(t.Bank.SBIFCode):
		return errors.New("bank.sbif_code: not three digits")
	case !accountText.MatchString(t.Bank.AccountNumber):
		return errors.New("bank.account_number: not letters and digits")
	}
	return nil
}

func (t tef) order(raw []byte) sandbox.Order {
	return sandbox.Order{Digest: sha256.Sum256(raw), Execution: sandbox.Execution{
		Reference: t.MerchantID, Amount: string(t.Amount), Currency: "CLP",
		Beneficiary: t.Recipient.RUT + " " + t.Bank.SBIFCode + " " + t.Bank.AccountNumber,
	}}
}

// beneficiary takes apart what order put together: document, bank and account.
func beneficiary(e sandbox.Execution) (rut, bank, account string) {
	parts := strings.Fields(e.Beneficiary)
	return parts[0], parts[1], parts[2]
}

// readTef reads what it can of a body; wrong is what would make a strict provider refuse it.
func (v *simulator) readTef(body []byte) (raw []byte, t tef, wrong error) {
	raw = body
	if !v.FlatBody {
		var wrapped map[string]json.RawMessage
		if err := json.Unmarshal(body, &wrapped); err != nil || len(wrapped) != 1 || wrapped["tef"] == nil {
			return nil, tef{}, errors.New("body: not an object with tef alone")
		}
		raw = wrapped["tef"]
	}
	if err := sandbox.StrictJSON(raw, &t); err != nil {
		return raw, t, errors.New("tef: an unknown field or a wrong type")
	}
	return raw, t, t.check()
}

func (v *simulator) refuseCreate(r *http.Request, raw []byte, wrong error) *sandbox.Response {
	signed, refusal := v.credentials(r)
	if refusal != nil {
		return refusal
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind != "application/json":
		return sandbox.Refusal(http.StatusBadRequest, nok("E-100", "Content-Type no es application/json"))
	case r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "":
		return sandbox.Refusal(http.StatusBadRequest, nok("E-100", "Idempotency-Key no existe aquí"))
	case wrong != nil:
		return sandbox.Refusal(http.StatusUnprocessableEntity, nok("E-100", wrong.Error()))
	case !bytes.Equal(signed, raw):
		return sandbox.Refusal(http.StatusUnauthorized, nok("E-002", "la firma no es de este tef"))
	}
	return nil
}

// refuseStatus accepts a signature over the tef that is queried or, unless SignedQueries is set,
// over the API key alone.
func (v *simulator) refuseStatus(r *http.Request, id, reference string) *sandbox.Response {
	signed, refusal := v.credentials(r)
	if refusal != nil || signed == nil && !v.SignedQueries {
		return refusal
	}
	var t tef
	o, found := v.core.Known(id)
	if id == "" {
		o, found = v.core.Earlier(reference)
	}
	if sandbox.StrictJSON(signed, &t) != nil || v.SignedQueries && t.check() != nil || id == "" && t.MerchantID != reference || found && o.Digest != sha256.Sum256(signed) {
		return sandbox.Refusal(http.StatusUnauthorized, nok("E-002", "la firma no es de este tef"))
	}
	return nil
}

// credentials checks the two headers; signed is the tef inside the signature, nil where there is
// none.
func (v *simulator) credentials(r *http.Request) (signed []byte, refusal *sandbox.Response) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(v.APIKey)) != 1 {
		return nil, sandbox.Refusal(http.StatusUnauthorized, nok("E-001", "api_key desconocida"))
	}
	signed, ok := v.verify(r.Header.Get("Signature"))
	if !ok {
		return nil, sandbox.Refusal(http.StatusUnauthorized, nok("E-002", "firma incorrecta"))
	}
	return signed, nil
}

// verify accepts a JWT whose header is exactly typ JWT and alg HS256, and whose payload is exactly
// api_key and, or without, tef.
func (v *simulator) verify(token string) (signed []byte, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	mac := hmac.New(sha256.New, []byte(v.SecretKey))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	given, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return nil, false
	}
	header, payload := segment(parts[0]), segment(parts[1])
	var key string
	if len(header) != 2 || string(header["typ"]) != `"JWT"` || string(header["alg"]) != `"HS256"` {
		return nil, false
	}
	if json.Unmarshal(payload["api_key"], &key) != nil || key != v.APIKey {
		return nil, false
	}
	signed, withTef := payload["tef"]
	return signed, len(payload) == 1 || len(payload) == 2 && withTef
}

func segment(text string) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	return fields
}
