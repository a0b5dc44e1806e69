package pagoseguro

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/remesa/remesa/providers/sandbox"
)

// tokenization is the documented body of a charge. Decoding refuses every other field and every
// wrong type.
type tokenization struct {
	Key                     int64       `json:"key"`
	TxnID                   string      `json:"txnid"`
	Amount                  exactNumber `json:"amount"`
	ProductInfo             string      `json:"productinfo"`
	FirstName               string      `json:"firstname"`
	Email                   string      `json:"email"`
	Hash                    string      `json:"hash"`
	Quota                   int         `json:"quota"`
	Brand                   string      `json:"brand"`
	ExpiryMonth             int         `json:"expiryMonth"`
	ExpiryYear              int         `json:"expiryYear"`
	Card                    string      `json:"card"`
	TypeIdentification      int         `json:"typeIdentification"`
	BillingNumberIdentifier string      `json:"billingNumberIdentifier"`
	BillingAddress          string      `json:"billingAddress"`
	BillingNames            string      `json:"billingNames"`
	BillingLastNames        string      `json:"billingLastNames"`
	BillingEmail            string      `json:"billingEmail"`
	City                    string      `json:"city"`
	CallerPhoneNumber       int64       `json:"callerPhoneNumber"`
}

// exactNumber is a JSON number as it was written.
type exactNumber string

func (n *exactNumber) UnmarshalJSON(text []byte) error {
	*n = exactNumber(text)
	return nil
}

type wrongField struct{ field, problem string }

// shortestAmount is an amount as the provider's own plugins hash it: without trailing zeros.
var shortestAmount = regexp.MustCompile(`^(?:[1-9][0-9]*|(?:0|[1-9][0-9]*)\.[0-9]?[1-9])$`)

// readTokenization reads what it can of a body; wrong is what would make a strict provider refuse
// it.
func readTokenization(body []byte) (t tokenization, wrong *wrongField) {
	if sandbox.StrictJSON(body, &t) != nil {
		return t, &wrongField{"body", "un campo desconocido o de otro tipo"}
	}
	return t, t.check()
}

func (t tokenization) check() *wrongField {
	phone := len(strconv.FormatInt(t.CallerPhoneNumber, 10))
	for _, rule := range []struct {
		field string
		holds bool
	}{
		{"txnid", within(t.TxnID, 20)},
		{"amount", shortestAmount.MatchString(string(t.Amount)) && len(t.Amount) <= 13},
		{"productinfo", within(t.ProductInfo, 40)},
		{"firstname", within(t.FirstName, 40)},
		{"email", within(t.Email, 254)},
		{"quota", upTo(t.Quota, 36)},
		{"brand", within(t.Brand, 40)},
		{"expiryMonth", upTo(t.ExpiryMonth, 12)},
		{"expiryYear", upTo(t.ExpiryYear, 99)},
		{"card", isSealedCard(t.Card)},
		{"typeIdentification", upTo(t.TypeIdentification, 3)},
		{"billingNumberIdentifier", within(t.BillingNumberIdentifier, 20)},
		{"billingAddress", within(t.BillingAddress, 200)},
		{"billingNames", within(t.BillingNames, 200)},
		{"billingLastNames", within(t.BillingLastNames, 200)},
		{"billingEmail", within(t.BillingEmail, 254)},
		{"city", within(t.City, 200)},
		{"callerPhoneNumber", phone == 7 || phone == 10},
	} {
		if !rule.holds {
			return &wrongField{rule.field, "formato no valido"}
		}
	}
	return nil
}

func within(text string, longest int) bool {
	return text != "" && utf8.RuneCountInString(text) <= longest
}

func upTo(n, most int) bool { return 1 <= n && n <= most }

func (t tokenization) order() sandbox.Order {
	return sandbox.Order{Execution: sandbox.Execution{
		Reference: t.TxnID, Amount: string(t.Amount), Currency: "COP", Beneficiary: fmt.Sprint(t.TypeIdentification, " ", t.BillingNumberIdentifier),
	}}
}

// hash is what the request's hash must be, over the texts exactly as they came.
func (p *simulator) hash(t tokenization) string {
	text := strconv.FormatInt(t.Key, 10)
	for _, part := range []string{t.TxnID, string(t.Amount), t.ProductInfo, t.FirstName, t.Email, "/payment/process"} {
		text += "|" + part
	}
	for range 10 {
		text += "|"
	}
	sum := sha512.Sum512([]byte(text + p.APIKey))
	return hex.EncodeToString(sum[:])
}

// isLogin checks the body of a login.
func (p *simulator) isLogin(body []byte) bool {
	var sent struct {
		AccountID exactNumber `json:"account_id"`
		APIKey    string      `json:"api_key"`
	}
	return sandbox.StrictJSON(body, &sent) == nil && string(sent.AccountID) == strconv.FormatInt(p.AccountID, 10) && sent.APIKey == p.APIKey
}

var (
	cardNumber   = regexp.MustCompile(`^[1-9][0-9]{12,18}$`)
	securityCode = regexp.MustCompile(`^[0-9]{3,4}$`)
)

// isCard checks the body of hashcard: the number as a number, the code as a text.
func isCard(body []byte) bool {
	var sent struct {
		Number exactNumber `json:"number"`
		Code   string      `json:"code"`
	}
	return sandbox.StrictJSON(body, &sent) == nil && cardNumber.MatchString(string(sent.Number)) && securityCode.MatchString(sent.Code)
}

// isSealedCard knows the form of what hashcard gives out: base64 of iv, value and mac.
func isSealedCard(card string) bool {
	text, err := base64.StdEncoding.DecodeString(card)
	if err != nil {
		return false
	}
	var sealed struct{ IV, Value, MAC string }
	return sandbox.StrictJSON(text, &sealed) == nil && sealed.IV != "" && sealed.Value != "" && sealed.MAC != ""
}

// token is a JWT with the claims that the provider's own have.
func (p *simulator) token(n int) string {
	now := p.core.Now()
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(sandbox.Encode(v)) }
	text := part(map[string]string{"typ": "JWT", "alg": "HS512"}) + "." + part(map[string]any{
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(p.TokenLife).Round(time.Second).Unix(), "jti": strconv.Itoa(n), "sub": 52,
	})
	mac := hmac.New(sha512.New, []byte("simulated "+p.APIKey))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func isPlain(r *http.Request) bool {
	return sandbox.IsType(r, "application/json") && !sandbox.HasIdempotencyKey(r)
}
