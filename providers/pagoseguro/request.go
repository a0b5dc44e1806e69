package pagoseguro

import (
	"cmp"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

type credentials struct {
	AccountID int64  `json:"account_id"`
	APIKey    string `json:"api_key"`
}

type card struct {
	Number json.Number `json:"number"`
	Code   string      `json:"code"`
}

// tokenization is the documented body of a charge, in the documented order.
type tokenization struct {
	Key                     int64       `json:"key"`
	TxnID                   string      `json:"txnid"`
	Amount                  json.Number `json:"amount"`
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
	CallerPhoneNumber       json.Number `json:"callerPhoneNumber"`
}

var phone = regexp.MustCompile(`^[1-9][0-9]{6}(?:[0-9]{3})?$`)

// encode refuses what the provider could not take, or would hash otherwise than we do.
func (c *Client) encode(p providers.Charge) ([]byte, error) {
	amount := p.Amount.Trimmed()
	switch {
	case p.Amount.Currency() != "COP" || len(amount) > 13:
		return nil, errors.New("amount: must be COP with at most 13 characters")
	case p.Reference == "" || len(p.Reference) > 20:
		return nil, errors.New("txnid: must have 1 to 20 characters")
	case !phone.MatchString(p.Customer.Phone):
		return nil, errors.New("customer.phone: must be 7 or 10 digits, the first not 0")
	case strings.Contains(p.Reference+p.Description+p.Customer.Name+p.Customer.Email, "|"):
		return nil, errors.New("txnid, description, customer.name and customer.email: no |, which separates the fields of the hash")
	}
	who, on := p.Customer, p.Card
	return wire.JSON(tokenization{
		Key: c.id, TxnID: p.Reference, Amount: json.Number(amount), ProductInfo: p.Description, FirstName: who.Name, Email: who.Email,
		Hash:  c.hash(p.Reference, amount, p.Description, who.Name, who.Email),
		Quota: on.Installments, Brand: on.Brand, ExpiryMonth: on.ExpiryMonth, ExpiryYear: on.ExpiryYear, Card: on.Token.Reveal(),
		TypeIdentification: who.DocumentType, BillingNumberIdentifier: who.Document, BillingAddress: who.Address,
		BillingNames: who.FirstNames, BillingLastNames: who.LastNames, BillingEmail: cmp.Or(who.BillingEmail, who.Email), City: who.City,
		CallerPhoneNumber: json.Number(who.Phone),
	})
}

// hash is SHA-512 over the texts exactly as the body has them: the amount without trailing zeros,
// as the provider's own plugins write it.
func (c *Client) hash(txnid, amount, product, name, email string) string {
	text := strings.Join([]string{strconv.FormatInt(c.id, 10), txnid, amount, product, name, email, "/payment/process"}, "|") +
		"||||||||||" + c.config.APIKey.Reveal()
	sum := sha512.Sum512([]byte(text))
	return hex.EncodeToString(sum[:])
}

var (
	cardNumber   = regexp.MustCompile(`^[1-9][0-9]{12,18}$`)
	securityCode = regexp.MustCompile(`^[0-9]{3,4}$`)
)

func encodeCard(number, code providers.Secret) ([]byte, error) {
	switch {
	case !cardNumber.MatchString(number.Reveal()):
		return nil, errors.New("card number: must be 13 to 19 digits")
	case !securityCode.MatchString(code.Reveal()):
		return nil, errors.New("security code: must be 3 or 4 digits")
	}
	return wire.JSON(card{json.Number(number.Reveal()), code.Reveal()})
}

// bogota is UTC-5 all year.
var bogota = time.FixedZone("America/Bogota", -5*60*60)

// expired reports whether the card's last month is over in Bogotá. A card without a month is the
// provider's to judge.
func expired(c providers.Card, now time.Time) bool {
	if c.ExpiryMonth < 1 || c.ExpiryMonth > 12 || c.ExpiryYear < 1 || c.ExpiryYear > 99 {
		return false
	}
	return !now.Before(time.Date(2000+c.ExpiryYear, time.Month(c.ExpiryMonth)+1, 1, 0, 0, 0, 0, bogota))
}
