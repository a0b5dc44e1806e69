package rules

// Change is the whole effect of one transition. A store writes all of it or nothing, and only if
// the record is still the one that was read and every guard holds. It is plain data, so that tests
// can compare and replay it.
type Change struct {
	// Record is the record after the transition. Unless RecordChanged is set it is as it was, and
	// only Due, ParkReason and QueryProof may change.
	Record        Record
	RecordChanged bool
	Payload       Payload
	Due           Due
	// ParkReason, if set, is why the payment is parked. It is unparked when the reason ends.
	ParkReason string
	// Events are published in this order.
	Events []Event
	// ChargeUpdate: the sweeper must process what became of this charge.
	ChargeUpdate bool
	// QueryProof, if set, is written for the payment's account.
	QueryProof QueryProof
	// Claim: the exclusive object becomes this payment's. ChargeGuard: the charge guard is used up.
	Claim, ChargeGuard bool
	Guards             []Guard
	// RefusedWhenFull: a store that is full refuses the change. It accepts all other changes,
	// because they report what happened.
	RefusedWhenFull bool
	// NeedsReplicas: others act on the change once it is acknowledged, so replicas must have it
	// first where the settings require replicas.
	NeedsReplicas bool
	// CountsSend: the change lets an attempt send. The store counts it, and returns the number.
	CountsSend bool
	// Suspected: the payment may be one of the sends that the store forgot.
	Suspected bool

	// Applied: the transition took effect. StateChanged: it entered a state. AnomalyRaised is the
	// kind of the anomaly that it raised, if any.
	Applied       bool
	StateChanged  bool
	AnomalyRaised string
	// AnomalyCleared: an operator cleared the payment's anomaly.
	AnomalyCleared bool
}

// Empty reports whether there is nothing to write.
func (c *Change) Empty() bool {
	return !c.RecordChanged && c.Due.Keep && c.QueryProof == "" && c.ParkReason == ""
}

// Guard is a condition that must hold at the moment when the change is written.
type Guard string

// The guards.
const (
	// EpochCurrent: the store is in the epoch from which the change was decided. It holds for every
	// change. A change that others act on also requires that the server is still in the same run.
	EpochCurrent Guard = "epoch_current"
	// NotHalted: no operator has stopped new sends of the provider or the account.
	NotHalted Guard = "not_halted"
	// ChargeGuardHeld: the charge guard names this payment.
	ChargeGuardHeld Guard = "charge_guard_held"
	// ObjectFree: the exclusive object is unclaimed, or this payment's.
	ObjectFree Guard = "object_free"
	// QueryNotProbed: no payment of this account has been queried as a query proof yet.
	QueryNotProbed Guard = "query_not_probed"
)

// Payload is what a store must do with the payload.
type Payload string

// What a store may do with the payload.
const (
	KeepPayload Payload = ""
	SetPayload  Payload = "set"
	DropPayload Payload = "drop"
	// ExpirePayload keeps it for the RetryWindow.
	ExpirePayload Payload = "expire"
	// RevivePayload keeps it without an end again.
	RevivePayload Payload = "revive"
)

// Due is when the payment must be processed next.
type Due struct {
	// Keep leaves the due time as it is. Otherwise At is the new one; zero removes the payment from
	// the due index.
	Keep bool
	At   Time
}

// EventKind is what an event reports.
type EventKind string

// Kinds of events.
const (
	StateEvent   EventKind = "state"
	AnomalyEvent EventKind = "anomaly"
)

// Event is an outcome event, with the payment's record at that moment.
type Event struct {
	Kind    EventKind
	Payment Record
}

// Expires reports whether a store may drop the record after the retention: it is final, not
// watched, and has no anomaly.
func (r *Record) Expires() bool { return r.State.Final() && r.WatchUntil == 0 && r.Anomaly == nil }
