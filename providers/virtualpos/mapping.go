package virtualpos

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// This file holds all that is assumed of VirtualPOS. Payout statuses and codes are not documented:
// the words are those of its charges.

var words = map[string]providers.Class{
	"pendiente": providers.Pending, "procesando": providers.Pending, "en_proceso": providers.Pending,
	"pagado": providers.Succeeded, "completado": providers.Succeeded, "exitoso": providers.Succeeded,
	"rechazado": providers.Refused, "fallido": providers.Refused, "cancelado": providers.Refused, "anulado": providers.Refused,
}

// credentialCodes are about the key or the signature: the request was refused before anything was
// done.
var credentialCodes = map[string]bool{"E-001": true, "E-002": true, "E-014": true, "E-015": true, "E-016": true}

// unknownCodes say that there is no data for what was queried.
var unknownCodes = map[string]bool{"E-041": true, "E-066": true, "E-082": true}

// refusalStatuses are the HTTP statuses with which a well-formed NOK is a refusal of the payment.
var refusalStatuses = map[int]bool{http.StatusBadRequest: true, http.StatusConflict: true, http.StatusUnprocessableEntity: true}

// duplicate guesses from the text that the reference was used before; the code for it is not known.
func duplicate(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "duplic") || strings.Contains(message, "ya existe")
}

// mappingContext is what the mappings know beside the reply.
type mappingContext struct {
	now       time.Time
	reference string
	// bank and account are the beneficiary's, empty where the payout's details are gone.
	bank, account string
	// noDetails: the status query was signed with the API key alone.
	noDetails bool
	hide      []string
}

// mapPayout says what a create request came to. Its last line is in doubt.
func mapPayout(r wire.Reply, err error, with mappingContext) (providers.Outcome, error) {
	if err != nil {
		return wire.OutcomeOfFailure(err)
	}
	a, _ := parse(r.Body)
	if err := errorBeforeExecution(r, a, with.now); err != nil {
		return providers.Outcome{}, err
	}
	class, known := a.class()
	switch {
	case r.Status == http.StatusCreated && a.isRejection():
		return with.outcome(a, providers.Refused, a.rejection, a.rejectionMessage), nil
	case a.rejection != "":
		return with.doubt(a, r.Code()), nil
	case refusalStatuses[r.Status] && a.isRefusal() && !unknownCodes[a.code] && !duplicate(a.message):
		return with.outcome(a, providers.Refused, a.code, a.message), nil
	case a.isRefusal() && duplicate(a.message) && r.Status < 500:
		return with.outcome(a, providers.Duplicate, "duplicate_reference", a.message), nil
	case a.isRefusal() && r.Status < 500:
		return with.outcome(a, providers.InDoubt, a.code, a.message), nil
	case good(r, a) && known && class == providers.Refused:
		return with.outcome(a, providers.Pending, a.payment.word, ""), nil // accepted only once status queries say so, twice
	case good(r, a) && known:
		return with.outcome(a, class, a.payment.word, ""), nil
	case good(r, a) && a.payment != nil && a.payment.word != "":
		return with.outcome(a, providers.InDoubt, "unknown_status", a.payment.word), nil
	}
	return with.doubt(a, r.Code()), nil
}

// mapStatus says what a status query came to. An error means that there is no status result; its
// last line is in doubt.
func mapStatus(r wire.Reply, err error, with mappingContext) (providers.Outcome, error) {
	if err != nil {
		return providers.Outcome{}, wire.NoStatusAnswer(err)
	}
	a, readable := parse(r.Body)
	if err := errorBeforeExecution(r, a, with.now); err != nil {
		return providers.Outcome{}, with.statusError(err)
	}
	class, known := a.class()
	switch {
	case !readable || a.envelope == noEnvelope || r.Status >= 500:
		return providers.Outcome{}, fmt.Errorf("no answer: %s", r.Code())
	case a.isRefusal() && (r.Status == http.StatusNotFound || r.Success() && unknownCodes[a.code]):
		return with.outcome(a, providers.NotFound, a.code, a.message), nil
	case a.isRefusal():
		return with.outcome(a, providers.InDoubt, a.code, a.message), nil
	case good(r, a) && a.isRejection() && a.payment != nil:
		return with.outcome(a, providers.Refused, a.rejection, a.rejectionMessage), nil
	case good(r, a) && a.rejection == "" && known:
		return with.outcome(a, class, a.payment.word, ""), nil
	case good(r, a) && a.rejection == "" && a.payment != nil && a.payment.word != "":
		return with.outcome(a, providers.InDoubt, "unknown_status", a.payment.word), nil
	}
	return with.doubt(a, r.Code()), nil
}

// errorBeforeExecution is the error of a request that the provider refused before it read the
// payment; nil where it did not, or where the response speaks of a payment all the same.
func errorBeforeExecution(r wire.Reply, a response, now time.Time) error {
	switch {
	case a.namesPayment || r.Status >= 500:
		return nil
	case r.Status == http.StatusTooManyRequests:
		return r.Throttled(now)
	case a.envelope == envelopeNOK && credentialCodes[a.code]:
		return &providers.CredentialsError{Code: a.code}
	case r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden:
		return &providers.CredentialsError{Code: r.Code()}
	}
	return nil
}

// statusError is the error of a refused status query. Where the payout did not sign it the refusal
// says nothing of the credentials: the provider's page wants the payout in every signature.
func (w mappingContext) statusError(err error) error {
	var credentials *providers.CredentialsError
	if w.noDetails && errors.As(err, &credentials) {
		return fmt.Errorf("no answer: a status query signed with the API key alone was refused, code %s", credentials.Code)
	}
	return err
}

// class is what the payment's own word means.
func (a response) class() (providers.Class, bool) {
	if a.payment == nil {
		return "", false
	}
	class, known := words[a.payment.word]
	return class, known
}

// isRefusal reports a well-formed NOK: with a code, and without a payment that would contradict it.
func (a response) isRefusal() bool {
	return a.envelope == envelopeNOK && a.code != "" && !a.namesPayment
}

// isRejection reports a rejected_object that the envelope does not contradict, beside no payment or
// one whose own word rejects, too: the object alone stands beside payments that were paid.
func (a response) isRejection() bool {
	class, _ := a.class()
	return a.rejection != "" && a.envelope != noEnvelope && (a.payment == nil || class == providers.Refused)
}

func good(r wire.Reply, a response) bool { return r.Success() && a.envelope == envelopeOK }

func (w mappingContext) doubt(a response, code string) providers.Outcome {
	return w.outcome(a, providers.InDoubt, code, a.message)
}

func (w mappingContext) outcome(a response, class providers.Class, code, message string) providers.Outcome {
	o := providers.Outcome{Class: class, Code: providers.Code(code, w.hide...), Message: providers.Message(message, w.hide...)}
	if a.payment != nil {
		o.ProviderID, o.Echo = a.payment.id, a.payment.echo
		o.Echo.Beneficiary, o.Echo.Complete = w.beneficiary(*a.payment), w.complete(*a.payment)
	}
	if class == providers.Refused && o.Echo.Reference != "" && o.Echo.Reference != w.reference {
		o.Class, o.Code = providers.InDoubt, "other_reference"
	}
	return o
}

// beneficiary is the repeated document, or the repeated account where that is all there is, or
// where it, or its bank, is not the one we sent to: a comparison of either with the payment then
// shows the difference.
func (w mappingContext) beneficiary(p payment) string {
	switch {
	case p.bank != "" && w.bank != "" && !sameCode(p.bank, w.bank):
		return p.bank + " " + p.account
	case p.account != "" && (p.echo.Beneficiary == "" || w.account != "" && p.account != w.account):
		return p.account
	}
	return p.echo.Beneficiary
}

// complete reports a response that repeats everything that makes a payout what it is, and that we
// can compare: the currency is always CLP.
func (w mappingContext) complete(p payment) bool {
	return w.account != "" && p.echo.Reference != "" && p.echo.Amount != "" && p.echo.Beneficiary != "" && p.bank != "" && p.account != ""
}

// sameCode compares banks: a code that became a number on the way has lost its zeros.
func sameCode(a, b string) bool { return strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0") }
