package rules

import (
	"fmt"
	"time"

	"github.com/remesa/remesa/providers"
)

// Intervention names the version that the operator saw, and the actor and note in the form in which
// the history keeps them.
type Intervention struct {
	Version int64
	Text    string
}

// newIntervention begins an intervention. It returns ErrVersionChanged if the record has changed
// since the operator saw it.
func newIntervention(r Record, p Policy, f Facts, now Time, iv Intervention) (*transition, error) {
	if iv.Version != r.Version {
		return nil, ErrVersionChanged
	}
	t := newTransition(r, p, f, now)
	t.NeedsReplicas = true
	return t, nil
}

// How an operator can resolve a payment.
const (
	AsSucceeded   = "succeeded"
	AsFailed      = "failed"
	AsNotReceived = "not-received"
)

// ResolveParams is what an operator found out about a payment.
type ResolveParams struct {
	Intervention
	// As is AsSucceeded, AsFailed or AsNotReceived.
	As         string
	ProviderID string
	Decline    providers.Decline
	// AcceptRisk, with AsFailed: the operator knows that nothing was executed. The attempts are
	// closed as refused.
	AcceptRisk bool
}

func unresolved(s State) bool { return s == InDoubt || s == Pending || s == Held }

// Resolve makes a payment that is in doubt, pending or held final. With AcceptRisk it also closes
// the attempts of a payment that failed already.
func Resolve(r Record, p Policy, f Facts, now Time, res ResolveParams) (Change, error) {
	t, err := newIntervention(r, p, f, now, res.Intervention)
	if err != nil {
		return Change{}, err
	}
	closing := res.As == AsFailed && res.AcceptRisk
	switch {
	case res.AcceptRisk && res.As != AsFailed:
		return r.refuse(RefusedRiskNeedsFailed, "only failed can be resolved with the double risk accepted")
	case res.As == AsNotReceived:
		return t.notReceived(res)
	case !unresolved(r.State) && !(closing && r.State == Failed && r.MayHaveLeft()):
		return r.refuse(RefusedNotUnresolved, "only a payment that is in_doubt, pending or held can be resolved; this one is %s", r.State)
	case closing && r.Anomaly != nil:
		return r.refuse(RefusedAnomaly, "it has an anomaly; clear that first")
	}
	if res.ProviderID != "" {
		t.record().ProviderID = res.ProviderID
	}
	if closing {
		t.record().refuseAttempts()
	}
	t.setReason("resolved", "", res.Decline)
	t.finalize(State(res.As), res.Text)
	return t.applied(), nil
}

func (t *transition) notReceived(res ResolveParams) (Change, error) {
	r := t.record()
	if r.State != Held {
		return r.refuse(RefusedNotHeld, "only a held payment can be declared not received; this one is %s", r.State)
	}
	if wait := r.lastEnd().Add(t.policy.SettleTime) - t.now; wait > 0 && !leftOutInTest(settleTimeBeforeNotReceived) {
		seconds := int64(wait+999) / 1000
		return Change{}, Refusal{RefusedTooEarly, r.State, seconds, fmt.Sprintf("the settle time has not passed; try again in %d s", seconds)}
	}
	t.setReason("not_received", "", "")
	t.finalize(Failed, res.Text)
	return t.applied(), nil
}

// ClearAnomaly clears the anomaly. A failed payment succeeds with it; with reverse set, a succeeded
// payment is reversed instead. The next status query of a payer's session does not raise a cleared
// anomaly again.
func ClearAnomaly(r Record, p Policy, f Facts, now Time, reverse bool, iv Intervention) (Change, error) {
	t, err := newIntervention(r, p, f, now, iv)
	switch {
	case err != nil:
		return Change{}, err
	case r.Anomaly == nil:
		return r.refuse(RefusedNoAnomaly, "there is no anomaly")
	case reverse && !r.State.Final():
		return r.refuse(RefusedNotFinal, "only a final payment can be reversed; this one is %s", r.State)
	}
	n := t.record()
	id := n.Anomaly.ProviderID
	if n.Anomaly.Difference != "" {
		n.ClearedDifference = n.Anomaly.Difference
	} else {
		n.Cleared = n.Anomaly.Kind + ":" + id
	}
	n.Anomaly = nil
	t.AnomalyCleared = true
	switch {
	case reverse && n.State == Succeeded:
		t.finalize(Reversed, iv.Text)
	case !reverse && n.State == Failed:
		if id != "" {
			n.ProviderID = id
		}
		t.setReason("", "", "")
		t.finalize(Succeeded, iv.Text)
	default:
		t.bumpVersion()
		t.addHistory(n.State, "anomaly cleared "+iv.Text)
	}
	return t.applied(), nil
}

// Retry makes a failed payment ready again, and a ready one due at once. If an attempt may have
// left, it needs acceptRisk and a payment resolved as not received, and the provider is queried
// first where it can be.
func Retry(r Record, p Policy, f Facts, now Time, acceptRisk bool, iv Intervention) (Change, error) {
	t, err := newIntervention(r, p, f, now, iv)
	if err != nil {
		return Change{}, err
	}
	left := r.MayHaveLeft() && !leftOutInTest(retryNeedsNothingLeft)
	switch {
	case r.State == Ready: // it is due at once, whatever it waits for
		t.record().RetryNotBefore = 0
		t.bumpVersion()
		t.addHistory(Ready, iv.Text)
		t.setDue(now)
		return t.applied(), nil
	case r.State != Failed:
		return r.refuse(RefusedNotRetriable, "only a failed or a ready payment can be retried; this one is %s", r.State)
	case r.Anomaly != nil:
		return r.refuse(RefusedAnomaly, "it has an anomaly; clear that first")
	case r.Subscription != "":
		return r.refuse(RefusedSubscription, "a charge of a subscription is not retried; its dunning makes new charges")
	case !f.HasPayload:
		return r.refuse(RefusedPayloadGone, "its details are no longer kept; submit it under a new reference")
	case left && r.Code != "not_received":
		return r.refuse(RefusedMayHaveLeft, "an attempt may have been executed")
	case left && !acceptRisk:
		return r.refuse(RefusedRisk, "an attempt may have been executed; --accept-double-risk takes that risk")
	}
	t.Payload = RevivePayload
	n := t.record()
	n.WatchUntil, n.ProofQueryOnly, n.Deadline, n.ProviderID = 0, false, 0, ""
	t.setReason("", "", "")
	if left && n.Queryable {
		t.toInDoubt(iv.Text)
		n.RiskAccepted = true
	} else {
		t.toReady(0, iv.Text)
	}
	return t.applied(), nil
}

// Unblock queues a blocked payment. What blocked it blocks it no more.
func Unblock(r Record, p Policy, f Facts, now Time, iv Intervention) (Change, error) {
	t, err := newIntervention(r, p, f, now, iv)
	if err != nil {
		return Change{}, err
	}
	if r.State != Blocked {
		return r.refuse(RefusedNotBlocked, "only a blocked payment can be released; this one is %s", r.State)
	}
	if !r.releasedFrom(Brake(r.Code)) {
		t.record().ReleasedFrom = append(t.record().ReleasedFrom, r.Code)
	}
	t.setReason("", "", "")
	t.setState(Queued, iv.Text)
	t.setDue(max(now, r.NotBefore))
	return t.applied(), nil
}

// Cancel fails a queued, ready or blocked payment of which no attempt may have left.
func Cancel(r Record, p Policy, f Facts, now Time, iv Intervention) (Change, error) {
	t, err := newIntervention(r, p, f, now, iv)
	switch {
	case err != nil:
		return Change{}, err
	case r.State != Queued && r.State != Ready && r.State != Blocked:
		return r.refuse(RefusedTooLate, "too late to cancel; the payment is %s", r.State)
	case r.MayHaveLeft() && !leftOutInTest(cancelNeedsNothingLeft):
		return r.refuse(RefusedTooLateLeft, "too late to cancel; an attempt may have been executed")
	case t.maybeForgotten():
		return r.refuse(RefusedMaybeForgotten, "the store may have forgotten that it was sent; the provider is queried first, see: enqueue forgot show")
	}
	t.setReason("cancelled", "", "")
	t.finalize(Failed, iv.Text)
	return t.applied(), nil
}

// RejectParams is why a payment's payload cannot be used.
type RejectParams struct {
	Code, Message string
	// Hold holds the payment even if no attempt may have left, because its payload may have been
	// tampered with.
	Hold bool
}

// Reject fails a payment of which no attempt may have left, and holds any other.
func Reject(r Record, p Policy, f Facts, now Time, rej RejectParams) Change {
	t := newTransition(r, p, f, now)
	if r.State != Queued && r.State != Ready && r.State != InDoubt && r.State != Pending {
		return noChange(r)
	}
	t.setReason(rej.Code, rej.Message, "")
	if (r.State == Queued || r.State == Ready) && !r.MayHaveLeft() && !t.maybeForgotten() && !rej.Hold {
		t.finalize(Failed, "")
	} else {
		t.toHeld("", "")
	}
	return t.applied()
}

// Block stops a queued payment until an operator releases or cancels it, for a reason outside this
// package.
func Block(r Record, p Policy, now Time, code, message string) Change {
	t := newTransition(r, p, Facts{}, now)
	if r.State != Queued {
		return noChange(r)
	}
	t.block(Brake(code), message)
	return t.applied()
}

// Since returns how long before now an instant was; zero for none.
func Since(now, at Time) time.Duration {
	if at == 0 {
		return 0
	}
	return time.Duration(now-at) * time.Millisecond
}
