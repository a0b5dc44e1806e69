package rules

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/remesa/remesa/providers"
)

// Record is all that is known of one payment except its payload. A store keeps its JSON text, and
// operators read it. Texts that may be sealed (metadata, message, action URL, provider references,
// operators' notes) are opaque here.
type Record struct {
	State   State `json:"state"`
	Version int64 `json:"version"` // rises with each change of state, outcome or attempt
	// Generation counts wake-ups, so that each has a task id of its own.
	Generation  int64  `json:"generation,omitempty"`
	Type        string `json:"type"`
	Fingerprint string `json:"fingerprint"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	Created     Time   `json:"created"`
	Updated     Time   `json:"updated,omitempty"`
	NotBefore   Time   `json:"not_before,omitempty"`
	// Deadline is when a payment that has not begun fails as expired.
	Deadline     Time   `json:"deadline,omitempty"`
	Metadata     string `json:"metadata,omitempty"`
	Subscription string `json:"subscription,omitempty"`
	Period       string `json:"period,omitempty"`
	// Object is the exclusive object that this payment claims.
	Object string `json:"object,omitempty"`
	// Bulk: while another payment waits to be sent, this one lets it go first.
	Bulk bool `json:"bulk,omitempty"`
	// Queryable: the provider has a status query for the payment.
	Queryable bool `json:"queryable,omitempty"`
	// Traceparent is the W3C text that names the span of the payment's registration. It decides
	// nothing.
	Traceparent string `json:"traceparent,omitempty"`

	ProviderID string            `json:"provider_id,omitempty"`
	Code       string            `json:"code,omitempty"`
	Message    string            `json:"message,omitempty"`
	Decline    providers.Decline `json:"decline,omitempty"`
	// ActionURL is where the payer must go until PayerDeadline. What the payer began by then ends
	// within PayerGrace (in ms) after it.
	ActionURL     string            `json:"action_url,omitempty"`
	PayerDeadline Time              `json:"payer_deadline,omitempty"`
	PayerGrace    Time              `json:"payer_grace,omitempty"`
	ProviderRefs  map[string]string `json:"provider_refs,omitempty"`

	Attempts []Attempt `json:"attempts,omitempty"`
	// AttemptCount counts all attempts ever begun, pruned ones included.
	AttemptCount int `json:"attempt_count,omitempty"`
	// Owner is the attempt that is sending, until LeaseEnd.
	Owner    string `json:"owner,omitempty"`
	LeaseEnd Time   `json:"lease_end,omitempty"`
	// RetryNotBefore is until when a released payment waits.
	RetryNotBefore Time `json:"retry_not_before,omitempty"`
	// QueryFirst: while one attempt was sending, another reported something that the provider must
	// be queried about before anything is sent again.
	QueryFirst bool `json:"query_first,omitempty"`
	// Forgotten is when the loss of sends began for which an attempt was added that the store may
	// have forgotten.
	Forgotten Time `json:"forgotten,omitempty"`
	// RiskAccepted: an operator accepted that the payment may be executed twice. The next "not
	// found" makes it ready.
	RiskAccepted bool `json:"risk_accepted,omitempty"`
	Resends      int  `json:"resends,omitempty"`
	// WakeUps counts the wake-ups in the present state.
	WakeUps int `json:"wake_ups,omitempty"`
	// Woken is when the last wake-up was enqueued that no worker has begun yet.
	Woken Time `json:"woken,omitempty"`
	// ReadyPublished: ready was the last state that was published.
	ReadyPublished bool `json:"ready_published,omitempty"`

	// Counted says, while an attempt is sending, in which bucket of which counters its Begin was
	// counted.
	Counted map[Counter]int64 `json:"counted,omitempty"`
	// Uncertainty says in which sums of uncertain payments the payment is counted.
	Uncertainty Uncertainty `json:"uncertain,omitempty"`
	// ReleasedFrom are the brakes from which an operator has released the payment; they stop it no
	// more.
	ReleasedFrom []string `json:"released_from,omitempty"`

	PollingSince Time `json:"polling_since,omitempty"`
	// Polls counts the status results that decided nothing.
	Polls int `json:"polls,omitempty"`
	// NotFounds counts results of "not found". The last of them was queried at NotFoundAt.
	NotFounds  int  `json:"not_founds,omitempty"`
	NotFoundAt Time `json:"not_found_at,omitempty"`
	// RefusedAt is when the status query was sent that found the first of two refusals.
	RefusedAt Time `json:"refused_at,omitempty"`
	// WatchUntil is until when a final payment is watched.
	WatchUntil Time `json:"watch_until,omitempty"`
	// ProofQueryOnly: it is queried once, to prove that the account's status query works.
	ProofQueryOnly bool `json:"proof_query_only,omitempty"`

	Anomaly *Anomaly `json:"anomaly,omitempty"`
	// Cleared is the anomaly that an operator cleared last, "kind:provider id"; ClearedDifference
	// is the statement's difference that an operator cleared last, by its ID.
	Cleared           string `json:"cleared_anomaly,omitempty"`
	ClearedDifference string `json:"cleared_difference,omitempty"`

	// History has one line an entry: "milliseconds since Created|state|attempt|note". A provider's
	// answer stands behind the attempt's number: see Answer.pack.
	History []string `json:"history"`
}

// Anomaly is a contradiction that an operator must resolve.
type Anomaly struct {
	Kind       string `json:"kind"`
	ProviderID string `json:"provider_id,omitempty"`
	// Difference is the ID of a statement's difference.
	Difference string `json:"difference,omitempty"`
	At         Time   `json:"at"`
}

// Attempt is one try at sending the payment.
type Attempt struct {
	ID string `json:"id"`
	// End is the latest time at which its request may have left: its lease's end, or its late
	// report.
	End  Time `json:"end"`
	Fate Fate `json:"fate"`
	// Inferred: the fate comes from a status result or an operator. The attempt itself has not
	// reported, and may still contradict it.
	Inferred   bool   `json:"inferred,omitempty"`
	ProviderID string `json:"provider_id,omitempty"`
}

// Fate is what became of an attempt.
type Fate string

// The fates of an attempt.
const (
	// MoneyStepAhead: begun, and not yet at its money step.
	MoneyStepAhead Fate = "money_step_ahead"
	// Open: it may have been executed, or may be executed later.
	Open Fate = "open"
	// Duplicated: the provider answered that it knows the reference already. The attempt may have
	// been executed nevertheless, but the provider had something under the reference before it.
	Duplicated Fate = "duplicate"
	// NotExecuted: proven that its request never left, or that it was refused before execution.
	NotExecuted Fate = "not_executed"
	// FateRefused: the provider refused it; the money did not move and will not.
	FateRefused Fate = "refused"
	// FatePending: the provider has it and decides later.
	FatePending Fate = "pending"
	// FateSucceeded: the money moved.
	FateSucceeded Fate = "succeeded"
)

// undecided: it may have been executed; it is unknown whether it was.
func (f Fate) undecided() bool { return f == Open || f == Duplicated }

// knownToProvider: the provider has it.
func (f Fate) knownToProvider() bool { return f == FatePending || f == FateSucceeded }

// mayHaveLeft: it may have been executed, or was.
func (f Fate) mayHaveLeft() bool {
	return f.undecided() || f.knownToProvider() && !leftOutInTest(knownCountsAsOpen)
}

// reported: the attempt itself has reported its fate, which is final.
func (a *Attempt) reported() bool {
	return !a.Inferred && a.Fate != MoneyStepAhead && !a.Fate.undecided()
}

// MayHaveLeft reports whether any attempt may have been executed: it is open, or the provider knows
// it. Then no machine fails the payment, no operator cancels it, and it is sent again only after a
// status query. Transitions, pages and subscriptions all use this one rule.
func (r *Record) MayHaveLeft() bool { return r.countAttempts(Fate.mayHaveLeft, nil) > 0 }

// countAttempts counts the attempts, all but one, whose fate matches.
func (r *Record) countAttempts(is func(Fate) bool, except *Attempt) int {
	n := 0
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a != except && is(a.Fate) {
			n++
		}
	}
	return n
}

// mustQueryFirst: when the owner ends, the provider must be queried about another attempt before
// anything is sent again.
func (r *Record) mustQueryFirst() bool {
	return r.QueryFirst && !leftOutInTest(queryFirstAfterLatePending)
}

func (r *Record) attempt(id string) *Attempt {
	for i := range r.Attempts {
		if r.Attempts[i].ID == id {
			return &r.Attempts[i]
		}
	}
	return nil
}

// openAttempts counts the attempts whose fate is undecided.
func (r *Record) openAttempts() int { return r.countAttempts(Fate.undecided, nil) }

// sourceAttempt is the attempt that the payment's provider id belongs to. Where none has that id,
// it is one that the provider knows without an id.
func (r *Record) sourceAttempt() *Attempt {
	var nameless *Attempt
	for i := range r.Attempts {
		a := &r.Attempts[i]
		switch {
		case !a.Fate.knownToProvider():
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
		if a.Fate != NotExecuted && a.Fate != MoneyStepAhead {
			end = max(end, a.End)
		}
	}
	return end
}

// successOf returns an attempt other than this one that succeeded, or nil.
func (r *Record) successOf(except *Attempt) *Attempt {
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a != except && a.Fate == FateSucceeded {
			return a
		}
	}
	return nil
}

// secondSuccess reports whether two attempts succeeded, and the provider id of the second. They are
// one payment only if both have the same id.
func (r *Record) secondSuccess() (string, bool) {
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

// other returns the one of two ids that is not the recorded one.
func other(recorded, a, b string) string {
	if b == recorded || b == "" {
		return a
	}
	return b
}

// predatesAttempts reports whether the provider had something under our reference before any of our
// attempts may have left: none may have left, or the provider called the reference known to each
// that may have.
func (r *Record) predatesAttempts() bool {
	return r.countAttempts(Fate.mayHaveLeft, nil) == r.countAttempts(func(f Fate) bool { return f == Duplicated }, nil)
}

// AuditEntry is one entry of a record's history.
type AuditEntry struct {
	At      Time
	State   State
	Attempt int
	Note    string
	// Answer is the provider's that the entry tells of; zero if there was none, or an older version
	// wrote the entry.
	Answer Answer
	// Count is how often the same answer came, and Last when it came last; both are zero if it came
	// once. Answer.Took is that of the last one.
	Count int
	Last  Time
}

// AuditTrail parses the history, oldest entry first.
func (r *Record) AuditTrail() []AuditEntry {
	out := make([]AuditEntry, len(r.History))
	for i, line := range r.History {
		parts := strings.SplitN(line, "|", 4)
		for len(parts) < 4 {
			parts = append(parts, "")
		}
		after, _ := strconv.ParseInt(parts[0], 10, 64)
		number, answer, _ := strings.Cut(parts[2], " ")
		attempt, _ := strconv.Atoi(number)
		out[i] = AuditEntry{At: r.Created + Time(after), State: State(parts[1]), Attempt: attempt, Note: parts[3]}
		out[i].unpack(answer, r.Created, r.asked())
	}
	return out
}

// StateSince returns when the payment entered its present state, by the entries at the end of its
// history.
func (r *Record) StateSince() Time {
	at := r.Updated
	entries := r.AuditTrail()
	for i := len(entries) - 1; i >= 0 && entries[i].State == r.State; i-- {
		at = entries[i].At
	}
	return at
}

// clone copies what a transition may change in place.
func (r *Record) clone() Record {
	c := *r
	c.Attempts = append([]Attempt(nil), r.Attempts...)
	c.History = append([]string(nil), r.History...)
	if r.ProviderRefs != nil {
		c.ProviderRefs = make(map[string]string, len(r.ProviderRefs))
		for k, v := range r.ProviderRefs {
			c.ProviderRefs[k] = v
		}
	}
	if r.Anomaly != nil {
		a := *r.Anomaly
		c.Anomaly = &a
	}
	c.Counted = maps.Clone(r.Counted)
	c.ReleasedFrom = slices.Clone(r.ReleasedFrom)
	return c
}

// MayHaveLeftBefore is MayHaveLeft without the named attempt.
func (r *Record) MayHaveLeftBefore(attempt string) bool {
	return r.countAttempts(Fate.mayHaveLeft, r.attempt(attempt)) > 0
}
