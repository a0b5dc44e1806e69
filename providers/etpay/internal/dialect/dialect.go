// Package dialect holds what ETpay's sessions and payouts have in common: the form of an order id
// and of a RUT, and how a response says that a request failed.
package dialect

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// Codes of ours.
const (
	UnknownStatus  = "unknown_status"  // a word that nobody knows
	ReferenceTaken = "reference_taken" // nothing proves that what stands under our reference is ours
)

// ForeignOutcome is an outcome without an id: a held payment is queried, and nothing of another's
// may be taken for ours.
func ForeignOutcome(message string) providers.Outcome {
	return providers.Outcome{Class: providers.Mismatch, Code: ReferenceTaken, Message: message}
}

// Failure is an error in JSON.
type Failure struct{ Code, Message string }

// ParseFailure reads an error under one of the names that such texts have; of ETpay's own only
// message is known. It reports whether the response is one.
func ParseFailure(body []byte) (Failure, bool) {
	o, ok := wire.ReadObject(body)
	var f Failure
	for _, name := range []string{"code", "error_code"} {
		f.Code = cmp.Or(f.Code, o.TextOrNumber(name))
	}
	for _, name := range []string{"message", "error", "detail"} {
		f.Message = cmp.Or(f.Message, o.Text(name))
	}
	return f, ok && !o.Bad() && f != Failure{}
}

// IsDuplicate guesses from an error's words that the payout, or the order of a session, exists
// already: that refuses a duplicate, and says nothing of ours.
func (f Failure) IsDuplicate() bool {
	text := strings.ToLower(f.Code + " " + f.Message)
	return slices.ContainsFunc([]string{"duplic", "exist", "already", "repeat", "repetid", "ya fue"}, func(part string) bool { return strings.Contains(text, part) })
}

// ErrorBeforeExecution is the error of a request that ETpay refused before it read the payment; nil
// where it did not.
func ErrorBeforeExecution(r wire.Reply, now time.Time) error {
	switch r.Status {
	case http.StatusTooManyRequests:
		return r.Throttled(now)
	case http.StatusUnauthorized, http.StatusForbidden:
		return &providers.CredentialsError{Code: r.Code()}
	}
	return nil
}

// Success reports the two HTTP statuses with which ETpay says that it made something.
func Success(r wire.Reply) bool {
	return r.Status == http.StatusOK || r.Status == http.StatusCreated
}

var idPattern = regexp.MustCompile(`^[\x21-\x7e]{1,256}$`)

// ID reports whether a text can be an id that ETpay gave.
func ID(text string) bool { return idPattern.MatchString(text) }

var orderID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$`)

// OrderID reports whether a reference of ours can be an order id.
func OrderID(reference string) bool { return orderID.MatchString(reference) }

// OrderIDForm completes the sentence for whoever named a reference that cannot.
const OrderIDForm = "must begin with a letter or digit, and have at most 64 letters, digits, dots, dashes and underscores"

// BareRUT has neither dots nor dash.
func BareRUT(document string) string { return rutSigns.Replace(document) }

var rutSigns = strings.NewReplacer(".", "", "-", "")
