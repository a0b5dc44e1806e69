package providers

import "time"

// Class says what a response means for the payment.
type Class string

// The classes of an outcome. Whatever cannot be read is InDoubt, never Refused.
const (
	// Succeeded: the provider says that the money moved.
	Succeeded Class = "succeeded"
	// Pending: the provider has the payment and decides later, or the payer must act.
	Pending Class = "pending"
	// Refused: a well-formed refusal; the money did not move and will not.
	Refused Class = "refused"
	// NotFound is the provider's own word that it does not know the payment. Only a status query
	// yields it, and it proves nothing yet.
	NotFound Class = "not_found"
	// InDoubt: the provider may have acted (an attempt), or gave no response that can be read (a
	// status query).
	InDoubt Class = "in_doubt"
	// Duplicate: the provider refused an attempt because it knows the reference already, and
	// nothing says whose payment it has. It proves neither that the attempt was executed nor that
	// it was not. Only an attempt yields it; the provider is queried next, and what it has is taken
	// for ours only where an earlier attempt may have left, or where the response repeats
	// everything (Echo.Complete).
	Duplicate Class = "duplicate"
	// Mismatch: what the provider has is not ours, or is more than ours. An operator must look; an
	// attempt may end so only where it sent nothing that can move money.
	Mismatch Class = "mismatch"
)

// Decline tells a refusal that may succeed later from one that will not.
type Decline string

// Kinds of decline; empty where the provider does not tell.
const (
	Soft Decline = "soft"
	Hard Decline = "hard"
)

// Outcome is what an attempt or a status query came to. Texts carry no personal data, no account
// number and no secret.
type Outcome struct {
	Class Class
	// ProviderID is the provider's id of the payment, where it gave one.
	ProviderID string
	// SecondID is the provider's id of a second success for the same payment, which only an
	// operator can resolve.
	SecondID string
	// Code is the provider's raw code or status word; for doubt a word of ours: timeout, reset,
	// unreadable, unknown_status, http_502.
	Code    string
	Message string
	Decline Decline
	// ActionURL is where the payer must go. The payer has ActionWithin from then on, or until the
	// payment's own deadline where it has one; ActionGrace later what was under way by then is
	// over, and the provider is queried for the last time.
	ActionURL                 string
	ActionWithin, ActionGrace time.Duration
	// ProviderRefs are kept with the payment until it is final.
	ProviderRefs map[string]string
	Echo         Echo
}

// Echo holds the fields that the provider repeated in its response; an empty field was not
// repeated. The engine compares them with the payment: a response about something else is never
// accepted.
type Echo struct {
	// Amount is the decimal text as the provider wrote it.
	Amount    string
	Currency  string
	Reference string
	// Beneficiary is the recipient's document or account as repeated, in our canonical form.
	Beneficiary string
	// Complete is true where the response repeated every field of the payment's meaning,
	// beneficiary or card included, so that equal fields prove the payment to be ours and not
	// another system's under the same reference.
	Complete bool
}
