package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
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
	wholeNumber = regexp.MustCompile(`^[1-9][0-9]*$`)
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
	case !wholeNumber.Match(t.Amount):
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

func (t tef) order(raw []byte) order {
	return order{digest: sha256.Sum256(raw), Execution: Execution{
		Reference: t.MerchantID, Amount: string(t.Amount), Currency: "CLP",
		Beneficiary: t.Recipient.RUT + " " + t.Bank.SBIFCode + " " + t.Bank.AccountNumber,
	}}
}

// beneficiary takes apart what order put together: document, bank and account.
func beneficiary(e Execution) (rut, bank, account string) {
	parts := strings.Fields(e.Beneficiary)
	return parts[0], parts[1], parts[2]
}

func number(text string) json.Number { return json.Number(text) }

// readTef reads what it can of a body; wrong is what would make a strict provider refuse it.
func (v *virtualPOS) readTef(body []byte) (raw []byte, t tef, wrong error) {
	raw = body
	if !v.FlatBody {
		var wrapped map[string]json.RawMessage
		if err := json.Unmarshal(body, &wrapped); err != nil || len(wrapped) != 1 || wrapped["tef"] == nil {
			return nil, tef{}, errors.New("body: not an object with tef alone")
		}
		raw = wrapped["tef"]
	}
	if err := strictJSON(raw, &t); err != nil {
		return raw, t, errors.New("tef: an unknown field or a wrong type")
	}
	return raw, t, t.check()
}

func strictJSON(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

func (v *virtualPOS) refuseCreate(r *http.Request, raw []byte, wrong error) *answer {
	signed, refusal := v.credentials(r)
	if refusal != nil {
		return refusal
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind != "application/json":
		return &answer{http.StatusBadRequest, nok("E-100", "Content-Type no es application/json")}
	case r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "":
		return &answer{http.StatusBadRequest, nok("E-100", "Idempotency-Key no existe aquí")}
	case wrong != nil:
		return &answer{http.StatusUnprocessableEntity, nok("E-100", wrong.Error())}
	case !bytes.Equal(signed, raw):
		return &answer{http.StatusUnauthorized, nok("E-002", "la firma no es de este tef")}
	}
	return nil
}

// refuseStatus accepts a signature over the tef that is asked about, or, unless it is told not to,
// over the API key alone.
func (v *virtualPOS) refuseStatus(r *http.Request, id, reference string) *answer {
	signed, refusal := v.credentials(r)
	if refusal != nil || signed == nil && !v.SignedQuestions {
		return refusal
	}
	var t tef
	o, found := v.desk.known(id)
	if id == "" {
		o, found = v.desk.earlier(reference)
	}
	if strictJSON(signed, &t) != nil || v.SignedQuestions && t.check() != nil || id == "" && t.MerchantID != reference || found && o.digest != sha256.Sum256(signed) {
		return &answer{http.StatusUnauthorized, nok("E-002", "la firma no es de este tef")}
	}
	return nil
}

// credentials checks the two headers; signed is the tef inside the signature, nil where there is
// none.
func (v *virtualPOS) credentials(r *http.Request) (signed []byte, refusal *answer) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(v.APIKey)) != 1 {
		return nil, &answer{http.StatusUnauthorized, nok("E-001", "api_key desconocida")}
	}
	signed, ok := v.verify(r.Header.Get("Signature"))
	if !ok {
		return nil, &answer{http.StatusUnauthorized, nok("E-002", "firma incorrecta")}
	}
	return signed, nil
}

// verify accepts a JWT whose header is exactly typ JWT and alg HS256, and whose payload is exactly
// api_key and, or without, tef.
func (v *virtualPOS) verify(token string) (signed []byte, ok bool) {
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
