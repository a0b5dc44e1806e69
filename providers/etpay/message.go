package etpay

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// ErrMessage is every failure of Verify: who sent a bad message learns nothing of what was wrong
// with it.
var ErrMessage = errors.New("the message is not ETpay's about this session")

// Message is what ETpay said about a session, to the payer's browser or to the webhook. It proves
// who spoke, not that the money moved: only a status query decides that.
type Message struct {
	SessionToken  string
	PaymentToken  string
	PaymentStatus string
}

// Expected is what a message must be about.
type Expected struct {
	// ProviderRefs are those that Charge kept.
	ProviderRefs map[string]string
	// Reference and Amount must equal the message's where it has them.
	Reference string
	Amount    providers.Money
	// Now is time.Now unless set; a message that says when it ends must not have ended.
	Now func() time.Time
}

// claims are those that are relied on, and those that are compared where they are there.
type claims struct {
	SessionToken  string `json:"session_token"`
	PaymentToken  string `json:"payment_token"`
	PaymentStatus string `json:"payment_status"`
	OrderID       string `json:"merchant_order_id"`
	// OrderAmount and Amount may be numbers or texts.
	OrderAmount json.RawMessage `json:"order_amount"`
	Amount      json.RawMessage `json:"amount"`
	jwt.RegisteredClaims
}

// MessageSession reads the session token of a message without any proof: it only serves to find the
// payment whose provider references can verify it.
func MessageSession(token string) (string, error) {
	var c claims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil || !tokenPattern.MatchString(c.SessionToken) {
		return "", ErrMessage
	}
	return c.SessionToken, nil
}

// Verify reads a message (a JWT) that is signed with the session's own key by HS256, and by nothing
// else, and that is about that session.
func Verify(token string, e Expected) (Message, error) {
	key := e.ProviderRefs[SignatureTokenRef]
	if key == "" || e.ProviderRefs[SessionTokenRef] == "" {
		return Message{}, ErrMessage
	}
	var c claims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithTimeFunc(e.now()))
	if _, err := parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return []byte(key), nil }); err != nil {
		return Message{}, ErrMessage
	}
	if !c.match(e) {
		return Message{}, ErrMessage
	}
	return Message{SessionToken: c.SessionToken, PaymentToken: c.PaymentToken, PaymentStatus: c.PaymentStatus}, nil
}

func (e Expected) now() func() time.Time {
	if e.Now == nil {
		return time.Now
	}
	return e.Now
}

func (c claims) match(e Expected) bool {
	if subtle.ConstantTimeCompare([]byte(c.SessionToken), []byte(e.ProviderRefs[SessionTokenRef])) != 1 {
		return false
	}
	if c.OrderID != "" && c.OrderID != e.Reference {
		return false
	}
	return amountMatches(c.OrderAmount, e.Amount) && amountMatches(c.Amount, e.Amount)
}

// amountMatches reports whether an amount is not there, or is ours.
func amountMatches(raw json.RawMessage, m providers.Money) bool {
	if len(raw) == 0 || string(raw) == "null" {
		return true
	}
	text, ok := wire.TextOrNumber(raw)
	return ok && m.Is(text)
}
