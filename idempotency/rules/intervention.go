package rules

import (
	"fmt"
	"time"

	"github.com/remesa/remesa/providers"
)

// Intervention is a step by hand: the version that the person saw, and who says what, as the history keeps
// it.
type Intervention struct {
	Version int64
	Text    string
}

func refuse(format string, args ...any) (Change, error) {
	return Change{}, fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// newIntervention begins a step by hand; one decided about an older version is refused.
func newIntervention(r Record, p Policy, f Facts, now Time, h Intervention) (*transition, error) {
	if h.Version != r.Version {
		return nil, ErrVersionChanged
	}
	s := newTransition(r, p, f, now)
	s.NeedsReplicas = true
	return s, nil
}

// Verdict words of a person.
const (
	AsSucceeded   = "succeeded"
	AsFailed      = "failed"
	AsNotReceived = "not-received"
)

// ResolveParams is a person's verdict on a doubtful payment.
type ResolveParams struct {
	Intervention
	// As is AsSucceeded, AsFailed or AsNotReceived.
	As         string
	ProviderID string
	Decline    providers.Decline
	// AcceptRisk, with AsFailed: the person knows that nothing was executed; the attempts are
	// closed.
	AcceptRisk bool
}

func unresolved(s State) bool { return s == InDoubt || s == Pending || s == Held }

// Resolve settles a payment in doubt, pending or held. Where a person who knows closes the attempts
// of one that failed already, that is a resolution too.
func Resolve(r Record, p Policy, f Facts, now Time, res ResolveParams) (Change, error) {
	s, err := newIntervention(r, p, f, now, res.Intervention)
	if err != nil {
		return Change{}, err
	}
	closing := res.As == AsFailed && res.AcceptRisk
	switch {
	case res.AcceptRisk && res.As != AsFailed:
		return refuse("only failed can be resolved with the double risk accepted")
	case res.As == AsNotReceived:
		return s.notReceived(res)
	case !unresolved(r.State) && !(closing && r.State == Failed && r.MayHaveLeft()):
		return refuse("only a payment that is in_doubt, pending or held can be resolved; this one is %s", r.State)
	case closing && r.Anomaly != nil:
		return refuse("it has an anomaly; clear that first")
	}
	if res.ProviderID != "" {
		s.record().ProviderID = res.ProviderID
	}
	if closing {
		s.record().refuseAttempts()
	}
	s.setReason("resolved", "", res.Decline)
	s.finalize(State(res.As), res.Text)
	return s.applied(), nil
}

func (s *transition) notReceived(res ResolveParams) (Change, error) {
	r := s.record()
	if r.State != Held {
		return refuse("only a held payment can be declared not received; this one is %s", r.State)
	}
	if wait := r.lastEnd().Add(s.policy.SettleTime) - s.now; wait > 0 && !leftOutInTest(settleTimeBeforeNotReceived) {
		return refuse("the settle time has not passed; try again in %d s", (wait+999)/1000)
	}
	s.setReason("not_received", "", "")
	s.finalize(Failed, res.Text)
	return s.applied(), nil
}

// ClearAnomaly accepts what the anomaly says, or has it reversed: accept makes failed into
// succeeded, reverse makes succeeded into reversed. What a person cleared is not raised again by
// the next question.
func ClearAnomaly(r Record, p Policy, f Facts, now Time, reverse bool, h Intervention) (Change, error) {
	s, err := newIntervention(r, p, f, now, h)
	switch {
	case err != nil:
		return Change{}, err
	case r.Anomaly == nil:
		return refuse("there is no anomaly")
	case reverse && !r.State.Final():
		return refuse("only a settled payment can be reversed; this one is %s", r.State)
	}
	n := s.record()
	id := n.Anomaly.ProviderID
	n.Cleared, n.Anomaly = n.Anomaly.Kind+":"+id, nil
	s.AnomalyCleared = true
	switch {
	case reverse && n.State == Succeeded:
		s.finalize(Reversed, h.Text)
	case !reverse && n.State == Failed:
		if id != "" {
			n.ProviderID = id
		}
		s.setReason("", "", "")
		s.finalize(Succeeded, h.Text)
	default:
		s.bumpVersion()
		s.addHistory(n.State, "anomaly cleared "+h.Text)
	}
	return s.applied(), nil
}

// Retry makes a failed payment ready again, and has a ready one go at once. After "not received",
// the provider is asked first where it can be.
func Retry(r Record, p Policy, f Facts, now Time, acceptRisk bool, h Intervention) (Change, error) {
	s, err := newIntervention(r, p, f, now, h)
	if err != nil {
		return Change{}, err
	}
	left := r.MayHaveLeft() && !leftOutInTest(retryNeedsNothingLeft)
	switch {
	case r.State == Ready: // it goes at once, whatever it was told to wait
		s.record().RetryNotBefore = 0
		s.bumpVersion()
		s.addHistory(Ready, h.Text)
		s.setDue(now)
		return s.applied(), nil
	case r.State != Failed:
		return refuse("only a failed or a ready payment can be retried; this one is %s", r.State)
	case r.Anomaly != nil:
		return refuse("it has an anomaly; clear that first")
	case r.Subscription != "":
		return refuse("a charge of a subscription is not retried by hand; its dunning makes new charges")
	case !f.HasPayload:
		return refuse("its details are no longer kept; submit it under a new reference")
	case left && r.Code != "not_received":
		return refuse("an attempt may have been executed")
	case left && !acceptRisk:
		return refuse("an attempt may have been executed; --accept-double-risk takes that risk")
	}
	s.Payload = RevivePayload
	n := s.record()
	n.WatchUntil, n.ProofQueryOnly, n.Deadline, n.ProviderID = 0, false, 0, ""
	s.setReason("", "", "")
	if left && n.Queryable {
		s.toInDoubt(h.Text)
		n.RiskAccepted = true
	} else {
		s.toReady(0, h.Text)
	}
	return s.applied(), nil
}

// Unblock lets a blocked payment go on.
func Unblock(r Record, p Policy, f Facts, now Time, h Intervention) (Change, error) {
	s, err := newIntervention(r, p, f, now, h)
	if err != nil {
		return Change{}, err
	}
	if r.State != Blocked {
		return refuse("only a blocked payment can be released; this one is %s", r.State)
	}
	s.record().Code, s.record().Message = "", ""
	s.setState(Queued, h.Text)
	s.setDue(max(now, r.NotBefore))
	return s.applied(), nil
}

// Cancel stops what was never sent.
func Cancel(r Record, p Policy, f Facts, now Time, h Intervention) (Change, error) {
	s, err := newIntervention(r, p, f, now, h)
	switch {
	case err != nil:
		return Change{}, err
	case r.State != Queued && r.State != Ready && r.State != Blocked:
		return refuse("too late to cancel; the payment is %s", r.State)
	case r.MayHaveLeft() && !leftOutInTest(cancelNeedsNothingLeft):
		return refuse("too late to cancel; an attempt may have been executed")
	}
	s.setReason("cancelled", "", "")
	s.finalize(Failed, h.Text)
	return s.applied(), nil
}

// RejectParams stops a payment whose payload cannot be used.
type RejectParams struct {
	Code, Message string
	// Hold gives it to a person even where it never left: what it says may be somebody's attempt.
	Hold bool
}

// Reject fails what never left, and holds the rest.
func Reject(r Record, p Policy, f Facts, now Time, rej RejectParams) Change {
	s := newTransition(r, p, f, now)
	if r.State != Queued && r.State != Ready && r.State != InDoubt && r.State != Pending {
		return noChange(r)
	}
	s.setReason(rej.Code, rej.Message, "")
	if (r.State == Queued || r.State == Ready) && !r.MayHaveLeft() && !rej.Hold {
		s.finalize(Failed, "")
	} else {
		s.toHeld("", "")
	}
	return s.applied()
}

// Block stops a payment before its first send until a person releases or cancels it.
func Block(r Record, p Policy, now Time, code, message string) Change {
	s := newTransition(r, p, Facts{}, now)
	if r.State != Queued {
		return noChange(r)
	}
	s.record().Code, s.record().Message = code, message
	s.setState(Blocked, "")
	s.setDue(0)
	return s.applied()
}

// Since is how long before now an instant was; zero for none.
func Since(now, at Time) time.Duration {
	if at == 0 {
		return 0
	}
	return time.Duration(now-at) * time.Millisecond
}
