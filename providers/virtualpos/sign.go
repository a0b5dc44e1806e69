package virtualpos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// tef is the documented object, in the documented order. There is no account type in it.
type tef struct {
	MerchantID string    `json:"merchant_id"`
	Message    string    `json:"message"`
	Amount     int64     `json:"amount"`
	Recipient  recipient `json:"recipient"`
	Bank       bank      `json:"bank"`
}

type recipient struct {
	RUT   string `json:"rut"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

type bank struct {
	SBIFCode      string `json:"sbif_code"`
	AccountNumber string `json:"account_number"`
}

// encodeTef gives the same bytes for the same payout every time: the body and every signature of a
// payout repeat them.
func encodeTef(p providers.Payout) ([]byte, error) {
	amount, whole := p.Amount.WholeUnits()
	if p.Amount.Currency() != "CLP" || !whole {
		return nil, errors.New("amount: must be whole CLP")
	}
	return wire.JSON(tef{
		MerchantID: p.Reference, Message: p.Description, Amount: amount,
		Recipient: recipient{RUT: p.Recipient.Document, Name: p.Recipient.Name, Email: p.Recipient.Email},
		Bank:      bank{SBIFCode: p.Bank.Code, AccountNumber: p.Bank.AccountNumber},
	})
}

func (c *Client) body(tef []byte) []byte {
	if c.config.Body == Flat {
		return tef
	}
	const wrap = `{"tef":}`
	body := append(make([]byte, 0, len(wrap)+len(tef)), wrap[:len(wrap)-1]...)
	return append(append(body, tef...), '}')
}

// jwtHeader is {"typ":"JWT","alg":"HS256"} as a JWT has it, with the point behind it.
const jwtHeader = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."

// sign makes the Signature header: a JWT over the API key and the tef, without the tef where it is
// nil. The token is put together here because a JWT library writes its own header order and
// rewrites &, < and >.
func (c *Client) sign(tef []byte) (string, error) {
	key, err := wire.JSON(c.config.APIKey.Reveal())
	if err != nil {
		return "", err
	}
	payload := append(make([]byte, 0, len(key)+len(tef)+len(`{"api_key":,"tef":}`)), `{"api_key":`...)
	payload = append(payload, key...)
	if tef != nil {
		payload = append(append(payload, `,"tef":`...), tef...)
	}
	payload = append(payload, '}')
	const sum = 43 // signs of a SHA-256
	token := make([]byte, 0, len(jwtHeader)+base64.RawURLEncoding.EncodedLen(len(payload))+len(".")+sum)
	token = base64.RawURLEncoding.AppendEncode(append(token, jwtHeader...), payload)
	mac := hmac.New(sha256.New, []byte(c.config.SecretKey.Reveal()))
	mac.Write(token) // a hash takes everything
	var room [sha256.Size]byte
	token = base64.RawURLEncoding.AppendEncode(append(token, '.'), mac.Sum(room[:0]))
	return string(token), nil
}
