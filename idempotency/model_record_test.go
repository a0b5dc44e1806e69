package idempotency

import "github.com/remesa/remesa/providers"

// The model is a second, plain reading of the ledger's rules, apart from the scripts. It is a comparable value, so that the exhaustive
// search can tell where it has been. Attempts and provider ids are small numbers, 0 is none; times are milliseconds of a virtual clock.

// modelFate is what is known of one attempt. An attempt's own report is final; a status answer is not, its own report may yet contradict.
type modelFate byte

const (
	fateUnopened     modelFate = 'i' // begun with a step that cannot move money
	fateOpen         modelFate = 'o'
	fateNotExecuted  modelFate = 'n'
	fateRefused      modelFate = 'r'
	fateKnown        modelFate = '=' // the provider has it, by the attempt's own report
	fateRefusedHeard modelFate = 'R'
	fateKnownHeard   modelFate = '~'
)

func (f modelFate) recorded() bool { return f == fateNotExecuted || f == fateRefused || f == fateKnown }

func (f modelFate) known() bool { return f == fateKnown || f == fateKnownHeard }

type modelAttempt struct {
	id   uint8
	pid  uint8
	fate modelFate
	end  int64
}

const modelAttempts = 10

// modelClass adds to the providers' classes what Release reports.
type modelClass = providers.Class

const notSent modelClass = "not_sent"

type modelOutcome struct {
	class modelClass
	pid   uint8
}

// modelRules are a provider's policy.
type modelRules struct {
	lease, settle, every, pollDeadline int64
	confirm, resends                   int
	resend, askable                    bool
	// forgetFates leaves out the rule that a report of an attempt whose fate is recorded changes nothing: for the search.
	forgetFates bool
}

// modelRecord is the record of one payment.
type modelRecord struct {
	state    State
	at       [modelAttempts]modelAttempt
	n        int
	owner    uint8
	leaseEnd int64

	pid  uint8 // the provider's id of the payment, as known
	code string
	// What was reported late while another attempt was sending.
	evidence modelEvidence

	refusal   int64 // when a refusal was first read, -1 before
	notFounds int
	counted   int64 // when the last not-found that counts was asked, -1 before
	resent    int
	risk      bool // a person accepted the double risk: not found makes it ready
	polling   bool
	since     int64 // of polling
	notAgain  int64 // not to be begun before
	deadline  int64 // not begun by then: expired; 0 for none
	anomaly   bool
	contrary  uint8 // the id that the newest anomaly is about
	moves     int   // changes of state, the registration included

	halted bool // of the provider
	proven bool // its lookup has found something

	// openOnly leaves out the rule that an attempt which the provider is known to have counts like an open one. For the search.
	openOnly bool
}

type modelEvidence struct {
	succeeded, pending bool
	pid                uint8
}

func newModelRecord(deadline int64) modelRecord {
	return modelRecord{state: Queued, refusal: -1, counted: -1, deadline: deadline, moves: 1}
}

func (r *modelRecord) move(s State) {
	r.state = s
	r.moves++
}

func (r *modelRecord) attempt(id uint8) *modelAttempt {
	for i := range r.n {
		if r.at[i].id == id {
			return &r.at[i]
		}
	}
	return nil
}

// count counts the attempts, but for one, whose fate is one of these.
func (r *modelRecord) count(except uint8, is func(modelFate) bool) int {
	n := 0
	for _, a := range r.at[:r.n] {
		if a.id != except && is(a.fate) {
			n++
		}
	}
	return n
}

// unclear: it may have been executed, or may yet be.
func (r *modelRecord) unclearFate(f modelFate) bool {
	return f == fateOpen || (f.known() && !r.openOnly)
}

func isOpen(f modelFate) bool { return f == fateOpen }

func isRefused(f modelFate) bool { return f == fateRefused || f == fateRefusedHeard }

func (r *modelRecord) mayHaveLeft() bool { return r.count(0, isOpen) > 0 }

// unclear: some attempt may have been executed or may yet be, so that the payment must neither begin again nor be called failed.
func (r *modelRecord) unclear() bool { return r.count(0, r.unclearFate) > 0 }

// lastEnd is the end of the latest attempt that may have reached the provider.
func (r *modelRecord) lastEnd() int64 {
	var end int64
	for _, a := range r.at[:r.n] {
		if a.fate != fateNotExecuted && a.fate != fateUnopened {
			end = max(end, a.end)
		}
	}
	return end
}

// source is the attempt that the known id belongs to, or that the provider knows without an id.
func (r *modelRecord) source() *modelAttempt {
	var nameless *modelAttempt
	for i := range r.n {
		a := &r.at[i]
		switch {
		case a.fate.known() && a.pid == r.pid:
			return a
		case a.fate.known() && a.pid == 0:
			nameless = a
		}
	}
	return nameless
}

func (r *modelRecord) learn(pid uint8) {
	if pid != 0 {
		r.pid = pid
	}
}

func (r *modelRecord) flag(pid uint8) { r.anomaly, r.contrary = true, pid }

func (r *modelRecord) forgetCounts() { r.refusal, r.notFounds, r.counted = -1, 0, -1 }

func (r *modelRecord) leave(s State) {
	r.owner, r.leaseEnd = 0, 0
	r.move(s)
}

func (r *modelRecord) settle(s State, code string) {
	r.leave(s)
	r.code, r.evidence, r.resent, r.risk, r.polling, r.since, r.notAgain = code, modelEvidence{}, 0, false, false, 0, 0
	r.forgetCounts()
}

func (r *modelRecord) ready(now, after int64) {
	r.leave(Ready)
	r.risk, r.polling, r.since, r.notAgain = false, false, 0, 0
	if after > 0 {
		r.notAgain = now + after
	}
}

func (r *modelRecord) hold() {
	r.leave(Held)
	r.risk = false
}

// doubt is what an attempt leaves that nobody knows the end of.
func (r *modelRecord) doubt(p modelRules, now int64) {
	if !p.askable {
		r.hold()
		return
	}
	r.leave(InDoubt)
	r.polling, r.since = true, now
}

func (r *modelRecord) await(now int64) {
	if !r.polling {
		r.polling, r.since = true, now
	}
	r.leave(Pending)
	r.risk = false
}
