package rules

import (
	"strconv"
	"strings"

	"github.com/remesa/remesa/providers"
)

// Record is all that is known of one payment but for its payload. Its JSON text is what a store
// keeps, and what an operator reads. Texts that may be sealed (metadata, message, action URL,
// handles, notes) are opaque here.
type Record struct {
	State   State `json:"state"`
	Version int64 `json:"version"` // grows with each change of state, outcome or attempt
	// Generation counts wake-ups, so that each has a task id of its own.
	Generation  int64  `json:"generation,omitempty"`
	Type        string `json:"type"`
	Fingerprint string `json:"fingerprint"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	Created     Time   `json:"created"`
	Updated     Time   `json:"updated,omitempty"`
	NotBefore   Time   `json:"not_before,omitempty"`
	// Deadline: not begun by then, the payment fails as expired.
	Deadline     Time   `json:"deadline,omitempty"`
	Metadata     string `json:"metadata,omitempty"`
	Subscription string `json:"subscription,omitempty"`
	Period       string `json:"period,omitempty"`
	// Object is claimed exclusively by this payment.
	Object string `json:"object,omitempty"`
	// Askable: the provider can be asked what became of the payment.
	Askable bool `json:"askable,omitempty"`

	ProviderID string            `json:"provider_id,omitempty"`
	Code       string            `json:"code,omitempty"`
	Message    string            `json:"message,omitempty"`
	Decline    providers.Decline `json:"decline,omitempty"`
	// ActionURL is where a payer must go, until PayerUntil.
	ActionURL  string            `json:"action_url,omitempty"`
	PayerUntil Time              `json:"payer_until,omitempty"`
	Handles    map[string]string `json:"handles,omitempty"`

	Attempts []Attempt `json:"attempts,omitempty"`
	// AttemptCount counts all attempts ever begun, forgotten ones included.
	AttemptCount int `json:"attempt_count,omitempty"`
	// Owner is the attempt that is sending, until LeaseEnd.
	Owner    string `json:"owner,omitempty"`
	LeaseEnd Time   `json:"lease_end,omitempty"`
	// NotAgainBefore: a released payment waits until then.
	NotAgainBefore Time `json:"not_again_before,omitempty"`
	// AskFirst: while another attempt was sending, one was reported that the provider must be asked
	// about before anything is sent again.
	AskFirst bool `json:"ask_first,omitempty"`
	// RiskAccepted: a person accepted that the payment may be sent twice; not found makes it ready.
	RiskAccepted bool `json:"risk_accepted,omitempty"`
	Resends      int  `json:"resends,omitempty"`
	// Wakes counts the wake-ups in the present state.
	Wakes int `json:"wakes,omitempty"`
	// Woken is when the last wake-up was enqueued that nobody has begun by.
	Woken Time `json:"woken,omitempty"`
	// ReadyTold: the outcome stream was told ready, and nothing else since.
	ReadyTold bool `json:"ready_told,omitempty"`

	PollingSince Time `json:"polling_since,omitempty"`
	// Polls counts the answers that decided nothing.
	Polls int `json:"polls,omitempty"`
	// NotFounds counts answers of "not found", the last of which was asked at NotFoundAt.
	NotFounds  int  `json:"not_founds,omitempty"`
	NotFoundAt Time `json:"not_found_at,omitempty"`
	// RefusedAt is when the question was asked whose answer was the first of two refusals.
	RefusedAt Time `json:"refused_at,omitempty"`
	// WatchUntil: a settled payment is looked at until then.
	WatchUntil Time `json:"watch_until,omitempty"`
	// ProofOnly: it is looked at once, as a proof that the account's lookup works.
	ProofOnly bool `json:"proof_only,omitempty"`

	Anomaly *Anomaly `json:"anomaly,omitempty"`
	// Cleared is the anomaly that a person cleared last, "kind:provider id".
	Cleared string `json:"cleared_anomaly,omitempty"`

	// History is a line an entry: "milliseconds since created|state|attempt|note".
	History []string `json:"history"`
}

// Anomaly is a contradiction that a person must look at.
type Anomaly struct {
	Kind       string `json:"kind"`
	ProviderID string `json:"provider_id,omitempty"`
	At         Time   `json:"at"`
}

// Attempt is one try at sending the payment.
type Attempt struct {
	ID string `json:"id"`
	// End is when its request may have left at the latest: its lease's end, or a late report.
	End  Time `json:"end"`
	Fate Fate `json:"fate"`
	// Heard: the fate is what the provider, or a person, said of it; the attempt itself has not
	// reported, and may yet contradict.
	Heard      bool   `json:"heard,omitempty"`
	ProviderID string `json:"provider_id,omitempty"`
}

// Fate is what became of an attempt.
type Fate string

// The fates of an attempt.
const (
	// NotYet: begun, and not yet at a step that can move money.
	NotYet Fate = "not_yet"
	// Open: it may have been executed, or may yet be.
	Open Fate = "open"
	// Duplicated: the provider called its reference known. It may have been executed all the same,
	// but what the provider has under the reference was there before it.
	Duplicated Fate = "duplicate"
	// NotExecuted: proven that nothing left, or refused before execution.
	NotExecuted Fate = "not_executed"
	// FateRefused: well-formed refusal; the money did not move and will not.
	FateRefused Fate = "refused"
	// FatePending: the provider has it and decides later.
	FatePending Fate = "pending"
	// FateSucceeded: the money moved.
	FateSucceeded Fate = "succeeded"
)

// Fates lists them all.
func Fates() []Fate {
	return []Fate{NotYet, Open, Duplicated, NotExecuted, FateRefused, FatePending, FateSucceeded}
}

// undecided: it may have been executed and nobody knows.
func (f Fate) undecided() bool { return f == Open || f == Duplicated }

// known: the provider has it.
func (f Fate) known() bool { return f == FatePending || f == FateSucceeded }

// mayHaveLeft: it may have been executed, or was.
func (f Fate) mayHaveLeft() bool { return f.undecided() || f.known() && !off(knownCountsAsOpen) }

// reported: the attempt itself has said what became of it, which is final.
func (a *Attempt) reported() bool {
	return !a.Heard && a.Fate != NotYet && !a.Fate.undecided()
}

// MayHaveLeft reports whether any attempt may have been executed: it is open, or the provider knows
// it. Then the payment is never called failed by a machine, cancelled, or sent again without the
// provider's word. This is the one rule for it: for steps, pages and subscriptions.
func (r *Record) MayHaveLeft() bool { return r.count(Fate.mayHaveLeft, nil) > 0 }

// count counts the attempts, but for one, with such a fate.
func (r *Record) count(is func(Fate) bool, except *Attempt) int {
	n := 0
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a != except && is(a.Fate) {
			n++
		}
	}
	return n
}

// askFirst: when the owner ends, the provider must be asked about another attempt before anything
// is sent again.
func (r *Record) askFirst() bool { return r.AskFirst && !off(askFirstAfterLatePending) }

func (r *Record) attempt(id string) *Attempt {
	for i := range r.Attempts {
		if r.Attempts[i].ID == id {
			return &r.Attempts[i]
		}
	}
	return nil
}

// open counts the attempts of which nobody knows whether they were executed.
func (r *Record) open() int { return r.count(Fate.undecided, nil) }

// source is the attempt that the provider's known id belongs to; one that the provider has without
// an id stands in where none has that id.
func (r *Record) source() *Attempt {
	var nameless *Attempt
	for i := range r.Attempts {
		a := &r.Attempts[i]
		switch {
		case !a.Fate.known():
		case a.ProviderID == r.ProviderID:
			return a
		case a.ProviderID == "":
			nameless = a
		}
	}
	return nameless
}

// lastEnd is the end of the latest attempt that may have reached the provider.
func (r *Record) lastEnd() Time {
	var end Time
	for _, a := range r.Attempts {
		if a.Fate != NotExecuted && a.Fate != NotYet {
			end = max(end, a.End)
		}
	}
	return end
}

// successOf returns the success of another attempt than this one, nil where there is none.
func (r *Record) successOf(except *Attempt) *Attempt {
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a != except && a.Fate == FateSucceeded {
			return a
		}
	}
	return nil
}

// twoSuccesses returns the id of the second of two attempts that both succeeded, and whether there
// are two. Only the same id, given for both, makes them one payment.
func (r *Record) twoSuccesses() (string, bool) {
	var first *Attempt
	for i := range r.Attempts {
		a := &r.Attempts[i]
		switch {
		case a.Fate != FateSucceeded:
		case first == nil:
			first = a
		case a.ProviderID == "" || a.ProviderID != first.ProviderID:
			return other(r.ProviderID, first.ProviderID, a.ProviderID), true
		}
	}
	return "", false
}

// other is the one of two ids that is not on record.
func other(recorded, a, b string) string {
	if b == recorded || b == "" {
		return a
	}
	return b
}

// foreign reports whether what the provider has under our reference was there before any attempt of
// ours may have left: none may have, or each that may have was told that the reference is known.
func (r *Record) foreign() bool {
	return r.count(Fate.mayHaveLeft, nil) == r.count(func(f Fate) bool { return f == Duplicated }, nil)
}

// Entry is one entry of a record's history.
type Entry struct {
	At      Time
	State   State
	Attempt int
	Note    string
}

// Entries reads the history.
func (r *Record) Entries() []Entry {
	out := make([]Entry, len(r.History))
	for i, line := range r.History {
		parts := strings.SplitN(line, "|", 4)
		for len(parts) < 4 {
			parts = append(parts, "")
		}
		after, _ := strconv.ParseInt(parts[0], 10, 64)
		attempt, _ := strconv.Atoi(parts[2])
		out[i] = Entry{r.Created + Time(after), State(parts[1]), attempt, parts[3]}
	}
	return out
}

// Entered is when the payment came into its present state, by the entries at the end of its
// history.
func (r *Record) Entered() Time {
	at := r.Updated
	entries := r.Entries()
	for i := len(entries) - 1; i >= 0 && entries[i].State == r.State; i-- {
		at = entries[i].At
	}
	return at
}

// clone copies what a step may change in place.
func (r *Record) clone() Record {
	c := *r
	c.Attempts = append([]Attempt(nil), r.Attempts...)
	c.History = append([]string(nil), r.History...)
	if r.Handles != nil {
		c.Handles = make(map[string]string, len(r.Handles))
		for k, v := range r.Handles {
			c.Handles[k] = v
		}
	}
	if r.Anomaly != nil {
		a := *r.Anomaly
		c.Anomaly = &a
	}
	return c
}

// MayHaveLeftBefore is MayHaveLeft of all attempts but this one.
func (r *Record) MayHaveLeftBefore(attempt string) bool {
	return r.count(Fate.mayHaveLeft, r.attempt(attempt)) > 0
}
