package pagandocheck

import (
	"cmp"
	"crypto/subtle"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// This file holds all that is assumed of Pagando Check. Only the login is documented whole; the
// rest is pieced together from its pages and from its own plugins for shops.

// Paths under the base.
const (
	loginPath  = "/v1/pagando/get-token"
	chargePath = "/v1/pagando/orders/create-order"
	orderPath  = "/v1/pagando/orders/create-ecommerce-order"
	infoPath   = "/v1/pagando/orders/get-order-info"
)

// Codes and words.
const (
	needsBuyer     = "71"  // 3-D Secure
	completed      = "72"  // the order was completed
	expiredKey     = "100" // the token expired, or the key behind it was replaced
	badCredentials = "109"
	noSettings     = "300" // the account has no payment settings
	noOrderNumber  = "314" // an order number is missing in the request

	successKey    = "SUCCESS_ORDER"
	successPrefix = "SUCCESS"
	switchType    = "AGREGADOR_SWITCH" // the network of the banks
	switchPrefix  = "SWITCH_"
	existsAlready = "SWITCH_4025"
	approved      = "APPROVED"
)

// referenceTaken is the code of ours for a cart that the provider knows, and that no attempt of
// ours can have charged.
const referenceTaken = "reference_taken"

const buyerMustAct = "the buyer must act: the bank asks for 3-D Secure"

// mappingContext is what the mappings know beside the reply.
type mappingContext struct {
	now             time.Time
	hard, uncertain []string
	// order is the order that was charged or queried, empty in one step.
	order    string
	password providers.Secret
	hide     []string
}

// mapCharge says what a charge came to. Its last line is in doubt.
func mapCharge(r wire.Reply, err error, with mappingContext) (providers.Outcome, error) {
	if err != nil {
		return wire.OutcomeOfFailure(err)
	}
	a, readable := parse(r.Body)
	if code := tokenRefused(r); code != "" {
		return providers.Outcome{}, &providers.CredentialsError{Code: code}
	}
	switch {
	case r.Status == http.StatusTooManyRequests && !a.mayHaveCharged():
		return providers.Outcome{}, r.Throttled(with.now)
	case r.Success() && readable && a.succeeds():
		return with.succeeded(a), nil
	case !isDecisiveStatus(r) || a.contradicts():
		return with.doubt(a, r.Code()), nil
	case a.fromSwitch():
		return with.declined(a), nil
	case a.code == needsBuyer:
		o := with.outcome(a, providers.Refused, needsBuyer)
		o.ProviderID, o.Message, o.Decline = cmp.Or(a.buyerOrder, with.order), buyerMustAct, providers.Hard
		return o, nil
	case a.misconfigured():
		return with.outcome(a, providers.Refused, a.code), nil
	}
	return with.doubt(a, r.Code()), nil
}

// declined is the network's refusal, except where its words leave open whether the card was
// charged.
func (w mappingContext) declined(a response) providers.Outcome {
	code := a.switchCode()
	if code == existsAlready {
		return w.outcome(a, providers.Duplicate, code)
	}
	if code == "" || a.mentions(w.uncertain) {
		return w.outcome(a, providers.InDoubt, code)
	}
	o := w.outcome(a, providers.Refused, code)
	o.Decline = providers.Soft
	if slices.ContainsFunc(w.hard, func(hard string) bool { return strings.EqualFold(hard, code) || strings.EqualFold(hard, a.code) }) {
		o.Decline = providers.Hard
	}
	return o
}

// orderResult is what creating an order came to: its id, or an end for good.
type orderResult struct {
	id      string
	refusal *providers.Outcome
}

func (m orderResult) outcome() providers.Outcome {
	if m.refusal == nil {
		return providers.Outcome{}
	}
	return *m.refusal
}

// mapOrder says what creating an order came to. An order moves no money: whatever is not clear is
// an error, and may be repeated.
func mapOrder(r wire.Reply, err error, with mappingContext) (orderResult, error) {
	if err != nil {
		return orderResult{}, wire.MayRepeat(err)
	}
	a, readable := parse(r.Body)
	if code := tokenRefusedNoMoney(r); code != "" {
		return orderResult{}, &providers.CredentialsError{Code: code}
	}
	switch {
	case r.Status == http.StatusTooManyRequests:
		return orderResult{}, r.Throttled(with.now)
	case r.Success() && readable && !a.failed && a.orderID != "":
		return orderResult{id: a.orderID}, nil
	case isDecisiveStatus(r) && a.misconfigured() && !a.contradicts():
		refusal := with.outcome(a, providers.Refused, a.code)
		return orderResult{refusal: &refusal}, nil
	case isDecisiveStatus(r) && a.fromSwitch() && a.switchCode() == existsAlready && !a.contradicts():
		taken := with.outcome(a, providers.Mismatch, referenceTaken)
		taken.Message = "the provider knows an order of this txnid already, and did not say which"
		return orderResult{refusal: &taken}, nil
	}
	return orderResult{}, &providers.NotSent{Reason: "no_order", Err: fmt.Errorf("an order was answered with %s", a.codeOr(r.Code(), with.hide...))}
}

// mapStatus says what a status query of an order came to. An error means that there is no status
// result. Only an approval decides: every other word is unknown, and the order may yet be paid.
func mapStatus(r wire.Reply, err error, with mappingContext) (providers.Outcome, error) {
	if err != nil {
		return providers.Outcome{}, wire.NoStatusAnswer(err)
	}
	a, readable := parse(r.Body)
	if code := tokenRefusedNoMoney(r); code != "" {
		return providers.Outcome{}, &providers.CredentialsError{Code: code}
	}
	switch {
	case r.Status == http.StatusTooManyRequests:
		return providers.Outcome{}, r.Throttled(with.now)
	case !r.Success() || !readable || a.failed || !a.info.found:
		return providers.Outcome{}, fmt.Errorf("no answer: %s", a.codeOr(r.Code(), with.hide...))
	case !strings.EqualFold(a.info.response, approved):
		return with.found(a, providers.InDoubt, codeOr(a.info.response, "no_response", with.hide...), ""), nil
	case !a.info.isProof(with.password):
		return with.found(a, providers.Mismatch, "unverified", "approved, but the answer's paymentToken is not the one of its total"), nil
	case a.info.cart == "":
		return with.found(a, providers.Mismatch, "unverified", "approved, but the answer does not name the payment"), nil
	}
	o := with.found(a, providers.Succeeded, approved, providers.Message("transaction "+a.info.transaction, with.hide...))
	o.ProviderID = with.order
	return o, nil
}

// isProof: only who knows the password can have made the paymentToken of this total and this
// transaction.
func (i info) isProof(password providers.Secret) bool {
	want := md5hex(password.Reveal(), i.total, i.transaction)
	return i.total != "" && i.transaction != "" &&
		subtle.ConstantTimeCompare([]byte(strings.ToLower(i.paymentToken)), []byte(want)) == 1
}

// tokenRefused is the code of a response to a request that was refused for its token or
// credentials, before the provider looked at the payment; empty where it was not, or where the
// response speaks of a charge all the same.
func tokenRefused(r wire.Reply) string {
	a, _ := parse(r.Body)
	switch {
	case r.Status >= 500 || r.Status == http.StatusTooManyRequests || a.mayHaveCharged() || a.fromSwitch() || a.succeedsInWords():
		return ""
	case a.code == badCredentials, a.code == expiredKey:
		return a.code
	case r.Status == http.StatusUnauthorized && a.code != needsBuyer && a.code != completed && !a.misconfigured():
		return r.Code()
	}
	return ""
}

// tokenRefusedNoMoney is tokenRefused of a request that moves no money. There it costs nothing to
// believe the provider's own codes under any HTTP status, and a 403 that names none.
func tokenRefusedNoMoney(r wire.Reply) string {
	a, _ := parse(r.Body)
	switch {
	case r.Status == http.StatusTooManyRequests || a.fromSwitch():
		return ""
	case a.code == badCredentials, a.code == expiredKey:
		return a.code
	case r.Status == http.StatusForbidden && a.code == "":
		return r.Code()
	}
	return tokenRefused(r)
}

// mayHaveCharged: the response names a charge and does not call it an error, or nobody knows what
// it says.
func (a response) mayHaveCharged() bool { return a.unclear || len(a.ids) > 0 && !a.failed }

// succeedsInWords: the response calls itself a success, whether or not it names a charge.
func (a response) succeedsInWords() bool {
	return a.key == successKey || a.code == completed && !strings.HasPrefix(a.key, switchPrefix)
}

// succeeds: the response calls itself a completed order, names the charge, and nothing in it says
// otherwise.
func (a response) succeeds() bool {
	other := []string{needsBuyer, expiredKey, badCredentials, noSettings, noOrderNumber}
	return (a.key == successKey || a.code == completed) && a.mayHaveCharged() && !a.fromSwitch() && !slices.Contains(other, a.code)
}

// contradicts: a refusal that names a charge, or calls itself a success.
func (a response) contradicts() bool {
	return a.mayHaveCharged() || a.succeedsInWords() || a.fromSwitch() && a.code == completed
}

// fromSwitch: the network of the banks speaks. It has codes of its own, which mean nothing outside
// of it.
func (a response) fromSwitch() bool {
	return strings.HasPrefix(a.key, switchPrefix) || a.kind == switchType && !strings.HasPrefix(a.key, successPrefix)
}

// misconfigured: the account, or the request, can never be charged like this.
func (a response) misconfigured() bool {
	return !a.fromSwitch() && (a.code == noSettings || a.code == noOrderNumber)
}

// switchCode is the network's code in one form; none where it is zero, with which networks approve.
func (a response) switchCode() string {
	code := switchPrefix + a.code
	if strings.HasPrefix(a.key, switchPrefix) || a.code == "" {
		code = a.key
	}
	if strings.Trim(strings.TrimPrefix(code, switchPrefix), "0") == "" {
		return ""
	}
	return code
}

func (a response) mentions(texts []string) bool {
	words := strings.ToLower(a.key + "\n" + a.message)
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(words, strings.ToLower(text)) })
}

// isDecisiveStatus: the HTTP status is one under which a refusal is believed. The status of a
// refusal is not documented.
func isDecisiveStatus(r wire.Reply) bool { return r.Success() || r.Status >= 400 && r.Status < 500 }

var codePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)

// codeOr is the text if it can be a code.
func codeOr(text, otherwise string, hide ...string) string {
	if !codePattern.MatchString(text) {
		return otherwise
	}
	return providers.Code(text, hide...)
}

func (a response) codeOr(otherwise string, hide ...string) string {
	return codeOr(a.code, otherwise, hide...)
}

func (w mappingContext) doubt(a response, code string) providers.Outcome {
	return w.outcome(a, providers.InDoubt, a.codeOr(code)) // which hides
}

func (w mappingContext) outcome(a response, class providers.Class, code string) providers.Outcome {
	return providers.Outcome{Class: class, Code: codeOr(code, wire.Unreadable, w.hide...), Message: providers.Message(a.message, w.hide...)}
}

// succeeded keeps every id that the provider may want to hear: which one a refund takes is not
// documented.
func (w mappingContext) succeeded(a response) providers.Outcome {
	var ids []string
	for _, id := range a.ids {
		ids = append(ids, id.name+" "+providers.ID(id.value, w.hide...))
	}
	return providers.Outcome{
		Class: providers.Succeeded, ProviderID: cmp.Or(w.order, a.ids[0].value), Code: a.codeOr(completed, w.hide...), Message: whole(ids),
	}
}

// whole joins as many of the texts as fit into a message.
func whole(texts []string) string {
	joined := ""
	for _, text := range texts {
		longer := strings.TrimPrefix(joined+", "+text, ", ")
		if len(longer) > 120 {
			break
		}
		joined = longer
	}
	return joined
}

// found carries what the response repeats of the order.
func (w mappingContext) found(a response, class providers.Class, code, message string) providers.Outcome {
	return providers.Outcome{
		Class: class, Code: code, Message: message, Echo: providers.Echo{Amount: a.info.total, Reference: a.info.cart},
	}
}
