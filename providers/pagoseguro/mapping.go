package pagoseguro

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// This file holds all that is assumed of Pago Seguro. Nothing can be queried of a charge: whatever
// is not clear is in doubt.

const (
	approved = "Aprobado"
	declined = "Rechazado"
	// declineText begins the message of a decline, which comes as status_code 500 like every
	// failure of the server.
	declineText = "Rechaz"
	// credentialText begins the message about an unknown account or key.
	credentialText = "Account Id"
	// longestToken fits a header, maxCardFile a task.
	longestToken = 8192
	longestCard  = 4096
)

// refusalCodes are the envelope's codes for a request that is wrong in itself.
var refusalCodes = map[int]bool{http.StatusBadRequest: true, http.StatusNotFound: true, http.StatusUnprocessableEntity: true}

// duplicatePattern are parts of texts which say that the txnid was used before; nothing is
// documented.
var duplicatePattern = []string{"duplic", "ya existe", "repetid", "already", "taken"}

// duplicate reports a refusal because the txnid was used before.
func (a response) duplicate() bool {
	return slices.ContainsFunc(duplicatePattern, func(word string) bool {
		return strings.Contains(strings.ToLower(a.message), word) || strings.Contains(a.onTxnID, word)
	})
}

// refusesReference reports a refusal for the txnid, in words that leave open whether it was used
// before.
func (a response) refusesReference() bool {
	return strings.Contains(strings.ToLower(a.message), "txnid")
}

// mappingContext is what the mappings know beside the reply.
type mappingContext struct {
	now  time.Time
	hard []string
	hide []string
}

// mapCharge says what a charge came to. Its last line is in doubt.
func mapCharge(r wire.Reply, err error, with mappingContext) (providers.Outcome, error) {
	if err != nil {
		return wire.OutcomeOfFailure(err)
	}
	a, readable := parse(r.Body)
	if err := errorBeforeExecution(r, a, readable, with.now); err != nil {
		return providers.Outcome{}, err
	}
	switch {
	case !readable:
		return with.outcome(providers.InDoubt, r.Code(), ""), nil
	case a.success && a.code == http.StatusOK && r.Success():
		return with.result(a), nil
	case a.success || !isRefusal(r, a):
	case a.code == http.StatusInternalServerError && strings.HasPrefix(a.message, declineText):
		return with.decline(strconv.Itoa(a.code), a.message), nil
	case refusalCodes[a.code] && a.duplicate():
		return with.outcome(providers.Duplicate, strconv.Itoa(a.code), a.message), nil
	case refusalCodes[a.code] && !a.refusesReference():
		return with.outcome(providers.Refused, strconv.Itoa(a.code), a.message), nil
	}
	return with.outcome(providers.InDoubt, "status_code_"+strconv.Itoa(a.code), a.message), nil
}

// result reads what became of a charge that the provider carried out.
func (w mappingContext) result(a response) providers.Outcome {
	word, wordOK := a.field("status")
	id, idOK := a.field("transaction_code")
	amount, amountOK := a.field("amount")
	if !wordOK || !idOK || !amountOK || !idPattern.MatchString(id) {
		return w.outcome(providers.InDoubt, wire.Unreadable, "")
	}
	var o providers.Outcome
	switch word {
	case approved:
		o = w.outcome(providers.Succeeded, word, "")
		o.Message = w.approvalMessage(a)
	case declined:
		o = w.decline(word, a.message)
	case "":
		o = w.outcome(providers.InDoubt, wire.Unreadable, "")
	default:
		o = w.outcome(providers.InDoubt, "unknown_status", word)
	}
	o.ProviderID, o.Echo.Amount = id, amount
	return o
}

// approvalCode is short enough to be no card, and long enough for the numbers that banks give.
var approvalCode = regexp.MustCompile(`^[0-9A-Za-z-]{1,12}$`)

// approvalMessage is what finance reconciles by: the approval's code, and its date as the provider
// wrote it, in no zone that is documented. A redacted message would lose both; what has another
// form is left out.
func (w mappingContext) approvalMessage(a response) string {
	var parts []string
	if code, ok := a.field("code"); ok && approvalCode.MatchString(code) && providers.ID(code, w.hide...) == code {
		parts = append(parts, "approval "+code)
	}
	text, _ := a.field("date")
	if at, err := time.Parse(localTime, strings.Replace(text, " ", "T", 1)); err == nil {
		parts = append(parts, "date "+at.Format(localTime))
	}
	return strings.Join(parts, ", ")
}

const localTime = "2006-01-02T15:04:05"

// decline is soft unless its message, or its word where there is none, is one of the hard ones.
func (w mappingContext) decline(code, message string) providers.Outcome {
	o := w.outcome(providers.Refused, code, message)
	o.Decline = providers.Soft
	text := message
	if text == "" {
		text = code
	}
	if slices.ContainsFunc(w.hard, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), strings.TrimSpace(text)) }) {
		o.Decline = providers.Hard
	}
	return o
}

// errorBeforeExecution is the error of a request that the provider refused before it read what was
// asked for; nil where it did not.
func errorBeforeExecution(r wire.Reply, a response, readable bool, now time.Time) error {
	switch {
	case a.unclear:
		return nil
	case tokenRefused(r) != "":
		return &providers.CredentialsError{Code: tokenRefused(r)}
	case !readable && r.Status == http.StatusTooManyRequests:
		return r.Throttled(now)
	case !readable || !isRefusal(r, a):
		return nil
	case a.code == http.StatusTooManyRequests:
		return r.Throttled(now)
	case a.code == http.StatusBadRequest && strings.HasPrefix(a.message, credentialText):
		return &providers.CredentialsError{Code: strconv.Itoa(a.code)}
	}
	return nil
}

// tokenRefused is the code of a response that refuses the token, and so did not read the request;
// empty where it does not.
func tokenRefused(r wire.Reply) string {
	a, readable := parse(r.Body)
	if readable && a.tokenEnded() || !readable && !a.unclear && r.Status == http.StatusUnauthorized {
		return strconv.Itoa(http.StatusUnauthorized)
	}
	return ""
}

// isRefusal reports an envelope that says no without contradicting itself: with no data, and under
// HTTP 200 or the very status that it names. Whether the two are the same is not documented.
func isRefusal(r wire.Reply, a response) bool {
	return a.refused() && (r.Status == http.StatusOK || r.Status == a.code)
}

// tokenEnded reports the documented word for a token that has ended, whatever the HTTP status: that
// one is not documented, and the envelope says by itself that the request was not read.
func (a response) tokenEnded() bool { return a.refused() && a.code == http.StatusUnauthorized }

// refused reports an envelope that says no, with no data to contradict it.
func (a response) refused() bool { return !a.success && a.empty() }

// mapLogin reads a token. An error without a word about the credentials says nothing about them.
func mapLogin(r wire.Reply, err error, now time.Time) (auth.Token, error) {
	if err != nil {
		return auth.Token{}, fmt.Errorf("login: %w", wire.NoStatusAnswer(err))
	}
	a, readable := parse(r.Body)
	if err := refusedLogin(r, a, readable, now); err != nil {
		return auth.Token{}, err
	}
	value, valueOK := a.field("access_token")
	if !readable || !a.success || !r.Success() || !valueOK || !matchesForm(value, tokenPattern, longestToken) {
		return auth.Token{}, fmt.Errorf("login: no answer: %s", r.Code())
	}
	t := auth.Token{Value: providers.Secret(value)}
	t.Expires = earliest(auth.JWTExpires(t.Value, now), lifetime(a, now))
	return t, nil
}

// refusedLogin believes the envelope under any HTTP status: a login moves nothing.
func refusedLogin(r wire.Reply, a response, readable bool, now time.Time) error {
	switch {
	case r.Status == http.StatusTooManyRequests:
		return r.Throttled(now)
	case readable && a.refused() && (a.code == http.StatusBadRequest || a.code == http.StatusUnauthorized):
		return &providers.CredentialsError{Code: strconv.Itoa(a.code)}
	case !readable && (r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden):
		return &providers.CredentialsError{Code: r.Code()}
	}
	return nil
}

// lifetime is the end that expires_in gives, zero where there is none.
func lifetime(a response, now time.Time) time.Time {
	text, _ := a.field("expires_in")
	seconds, err := strconv.ParseInt(text, 10, 32)
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(seconds) * time.Second)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// mapTokenization reads the token of a card.
func mapTokenization(r wire.Reply, err error, with mappingContext, number, code providers.Secret) (providers.Secret, error) {
	if err != nil {
		return "", fmt.Errorf("card: %w", wire.NoStatusAnswer(err))
	}
	a, readable := parse(r.Body)
	if err := errorBeforeExecution(r, a, readable, with.now); err != nil {
		return "", err
	}
	switch {
	case readable && a.success && a.code == http.StatusOK && r.Success() && matchesForm(a.text, cardPattern, longestCard):
		return providers.Secret(a.text), nil
	case readable && !a.success:
		hide := append([]string{number.Reveal(), code.Reveal()}, with.hide...)
		return "", fmt.Errorf("card: refused with %d: %s", a.code, providers.Message(a.message, hide...))
	}
	return "", fmt.Errorf("card: no answer: %s", r.Code())
}

func (w mappingContext) outcome(class providers.Class, code, message string) providers.Outcome {
	return providers.Outcome{Class: class, Code: providers.Code(code, w.hide...), Message: providers.Message(message, w.hide...)}
}
