package rules

import "fmt"

// Refusal says why a record does not allow an intervention. It is an ErrRefused.
type Refusal struct {
	// Reason is a word that never changes its meaning; Error tells it in English.
	Reason RefusalReason
	// State is the payment's.
	State State
	// Seconds is after how long to try again, with RefusedTooEarly.
	Seconds int64

	text string
}

func (r Refusal) Error() string { return ErrRefused.Error() + ": " + r.text }

// Is reports that a refusal is ErrRefused.
func (r Refusal) Is(target error) bool { return target == ErrRefused }

// RefusalReason is why an intervention was refused.
type RefusalReason string

// The reasons.
const (
	// RefusedRiskNeedsFailed: a double risk can be accepted with failed only.
	RefusedRiskNeedsFailed RefusalReason = "risk_needs_failed"
	// RefusedNotUnresolved: the payment is not in doubt, pending or held.
	RefusedNotUnresolved RefusalReason = "not_unresolved"
	// RefusedAnomaly: the payment has an anomaly, which comes first.
	RefusedAnomaly RefusalReason = "anomaly"
	// RefusedNotHeld: only a held payment can be declared not received.
	RefusedNotHeld RefusalReason = "not_held"
	// RefusedTooEarly: the settle time has not passed.
	RefusedTooEarly RefusalReason = "too_early"
	// RefusedNoAnomaly: there is no anomaly to clear.
	RefusedNoAnomaly RefusalReason = "no_anomaly"
	// RefusedNotFinal: only a final payment can be reversed.
	RefusedNotFinal RefusalReason = "not_final"
	// RefusedNotRetriable: only a failed or a ready payment can be retried.
	RefusedNotRetriable RefusalReason = "not_retriable"
	// RefusedSubscription: a charge of a subscription is not retried.
	RefusedSubscription RefusalReason = "subscription"
	// RefusedPayloadGone: the payment's details are no longer kept.
	RefusedPayloadGone RefusalReason = "payload_gone"
	// RefusedMayHaveLeft: an attempt may have been executed.
	RefusedMayHaveLeft RefusalReason = "may_have_left"
	// RefusedRisk: an attempt may have been executed, and the risk was not accepted.
	RefusedRisk RefusalReason = "risk_not_accepted"
	// RefusedNotBlocked: only a blocked payment can be released.
	RefusedNotBlocked RefusalReason = "not_blocked"
	// RefusedTooLate: the payment's state does not allow to cancel it.
	RefusedTooLate RefusalReason = "too_late"
	// RefusedTooLateLeft: it may not be cancelled, because an attempt may have been executed.
	RefusedTooLateLeft RefusalReason = "too_late_left"
	// RefusedMaybeForgotten: the store may have forgotten a send.
	RefusedMaybeForgotten RefusalReason = "maybe_forgotten"
	// RefusedNotForgotten: the payment is not held because the store forgot sends.
	RefusedNotForgotten RefusalReason = "not_forgotten"
)

// RefusalReasons lists all reasons.
func RefusalReasons() []RefusalReason {
	return []RefusalReason{
		RefusedRiskNeedsFailed, RefusedNotUnresolved, RefusedAnomaly, RefusedNotHeld, RefusedTooEarly, RefusedNoAnomaly, RefusedNotFinal,
		RefusedNotRetriable, RefusedSubscription, RefusedPayloadGone, RefusedMayHaveLeft, RefusedRisk, RefusedNotBlocked, RefusedTooLate,
		RefusedTooLateLeft, RefusedMaybeForgotten, RefusedNotForgotten,
	}
}

func (r Record) refuse(reason RefusalReason, format string, args ...any) (Change, error) {
	return Change{}, Refusal{Reason: reason, State: r.State, text: fmt.Sprintf(format, args...)}
}
