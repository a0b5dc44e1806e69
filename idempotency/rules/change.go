package rules

// Change is the whole effect of one step. A store writes all of it or nothing of it, and only if
// the record is still the one that was read and every guard holds. It is data: tests compare it, a
// search replays it.
type Change struct {
	// Record is the payment's record after the step. Where Written is unset it is as it was, and
	// only Due, Waiting and Lookup may differ.
	Record        Record
	RecordChanged bool
	Payload       Payload
	Due           Due
	// ParkReason, if set, is the reason for which the payment is parked: it is let go when that ends.
	ParkReason string
	// Events are told to the outcome stream, in this order.
	Events []Event
	// ChargeUpdate: the sweeper of subscriptions must look at this charge.
	ChargeUpdate bool
	// QueryProof, if set, is written for the payment's account.
	QueryProof QueryProof
	// Claim: the exclusive object becomes this payment's; Permit: the permit is used up.
	Claim, ChargeGuard bool
	Guards             []Guard
	// RefusedWhenFull: the change only makes the store fuller, and is refused when that is full. All others
	// report something.
	RefusedWhenFull bool
	// NeedsReplicas: others rely on the change once it is acknowledged, so that replicas must have it
	// where they are asked for.
	NeedsReplicas bool

	// What the step did: it said something new, changed the state, or found an anomaly of this
	// kind.
	Applied       bool
	StateChanged  bool
	AnomalyRaised string
	// AnomalyCleared: a person cleared the payment's anomaly.
	AnomalyCleared bool
}

// Empty reports whether there is nothing to write.
func (c *Change) Empty() bool {
	return !c.RecordChanged && c.Due.Keep && c.QueryProof == "" && c.ParkReason == ""
}

// Guard is what must hold at the moment of writing.
type Guard string

// The guards.
const (
	// NotHalted: no person has stopped new sends of the provider or the account.
	NotHalted Guard = "not_halted"
	// ChargeGuardHeld: the permit names this payment.
	ChargeGuardHeld Guard = "permit_held"
	// ObjectFree: the exclusive object is nobody's, or this payment's.
	ObjectFree Guard = "object_free"
	// QueryNotProbed: nobody has looked up this account's first success yet.
	QueryNotProbed Guard = "lookup_not_asked"
)

// Payload is what becomes of the payment's details.
type Payload string

// What may become of the details.
const (
	KeepPayload Payload = ""
	SetPayload  Payload = "set"
	DropPayload Payload = "drop"
	// ExpirePayload keeps them as long as a failed payment can be tried again.
	ExpirePayload Payload = "expire"
	// RevivePayload keeps them for good again.
	RevivePayload Payload = "revive"
)

// Due is when somebody must look at the payment next.
type Due struct {
	// Keep leaves it as it is. Otherwise At counts; zero: nobody needs to look.
	Keep bool
	At   Time
}

// EventKind says what an event is about.
type EventKind string

// Kinds of events.
const (
	StateEvent   EventKind = "state"
	AnomalyEvent EventKind = "anomaly"
)

// Event is an entry of the outcome stream: the payment as it was at that moment.
type Event struct {
	Kind    EventKind
	Payment Record
}

// Expires reports whether the record needs to be kept only for the retention: it is settled for
// good.
func (r *Record) Expires() bool { return r.State.Final() && r.WatchUntil == 0 && r.Anomaly == nil }
