package idempotency

import "github.com/remesa/remesa/providers"

// The model is a second, plain reading of the ledger's rules, written without looking at the scripts. It is a comparable value, so that
// the exhaustive search can tell the states it has been in. Attempts and provider ids are small numbers.

// modelFate is what is known of one attempt.
type modelFate string

const (
	fateUnopened    modelFate = "unopened" // begun with a step that cannot move money
	fateOpen        modelFate = "open"
	fateNotExecuted modelFate = "not executed"
	fateRefused     modelFate = "refused"
	fateNamed       modelFate = "named" // the provider's id, or its word that this attempt was executed
)

func (f modelFate) recorded() bool { return f != fateUnopened && f != fateOpen }

type modelAttempt struct {
	id   uint8
	end  int64
	fate modelFate
	pid  uint8
}

const modelAttempts = 12

// modelClass adds to the providers' classes what Release reports.
type modelClass = providers.Class

const notSent modelClass = "not_sent"

type modelOutcome struct {
	class modelClass
	pid   uint8
}

// modelRules are a policy, in milliseconds of the virtual clock.
type modelRules struct {
	lease, settle, every, pollDeadline int64
	confirm, resends                   int
	resend, askable                    bool
	// forgetFates leaves out the rule that a report of an attempt whose fate is recorded changes nothing: the search must then fail.
	forgetFates bool
}

// modelRecord is the record of one payment.
type modelRecord struct {
	state    State
	at       [modelAttempts]modelAttempt
	n        int
	owner    uint8
	leaseEnd int64

	pid      uint8 // the provider's id of the payment, as known
	from     uint8 // the attempt that a pending or succeeded record came from, 0 where nobody knows
	code     string
	byPerson bool // a person said succeeded

	// What was reported late while another attempt was sending.
	evidence modelEvidence

	refusals, notFounds int
	counted             int64 // when the last not-found that counts was asked, 0 before
	firstRefusal        bool
	resent              int
	risk                bool // a person accepted the double risk: not found makes it ready
	since               int64
	deadline            int64 // not begun by then: expired; 0 for none
	anomaly             bool

	halted bool // of the provider
	proven bool // its lookup has found something
}

type modelEvidence struct {
	succeeded, pending bool
	pid                uint8
}

func (r *modelRecord) attempt(id uint8) *modelAttempt {
	for i := range r.n {
		if r.at[i].id == id {
			return &r.at[i]
		}
	}
	return nil
}

func (r *modelRecord) mayHaveLeft() bool { return r.openBut(0) }

// openBut reports whether an attempt other than this one is open.
func (r *modelRecord) openBut(id uint8) bool {
	for _, a := range r.at[:r.n] {
		if a.id != id && a.fate == fateOpen {
			return true
		}
	}
	return false
}

// unclearBut reports whether an attempt other than this one is open or known to the provider: only one that was not executed or was
// refused lets the payment begin again.
func (r *modelRecord) unclearBut(id uint8) bool {
	for _, a := range r.at[:r.n] {
		if a.id != id && (a.fate == fateOpen || a.fate == fateNamed) {
			return true
		}
	}
	return false
}

func (r *modelRecord) onlyOpen() *modelAttempt {
	var found *modelAttempt
	for i := range r.n {
		if r.at[i].fate == fateOpen {
			if found != nil {
				return nil
			}
			found = &r.at[i]
		}
	}
	return found
}

func (r *modelRecord) lastEnd() int64 {
	var end int64
	for _, a := range r.at[:r.n] {
		end = max(end, a.end)
	}
	return end
}

func (r *modelRecord) open() bool {
	switch r.state {
	case Succeeded, Failed, Reversed:
		return false
	}
	return true
}
