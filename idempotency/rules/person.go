package rules

import (
	"fmt"
	"time"

	"github.com/remesa/remesa/providers"
)

// Hand is a step by hand: the version that the person saw, and who says what, as the history keeps
// it.
type Hand struct {
	Version int64
	Text    string
}

func refuse(format string, args ...any) (Change, error) {
	return Change{}, fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// hand begins a step by hand; one decided about an older version is refused.
func hand(r Record, p Policy, f Facts, now Time, h Hand) (*step, error) {
	if h.Version != r.Version {
		return nil, ErrMoved
	}
	s := begin(r, p, f, now)
	s.Intent = true
	return s, nil
}

// Verdict words of a person.
const (
	AsSucceeded   = "succeeded"
	AsFailed      = "failed"
	AsNotReceived = "not-received"
)

// ResolveStep is a person's verdict on a doubtful payment.
type ResolveStep struct {
	Hand
	// As is AsSucceeded, AsFailed or AsNotReceived.
	As         string
	ProviderID string
	Decline    providers.Decline
	// AcceptRisk, with AsFailed: the person knows that nothing was executed; the attempts are
	// closed.
	AcceptRisk bool
}

func doubtful(s State) bool { return s == InDoubt || s == Pending || s == Held }

// Resolve settles a payment in doubt, pending or held. Where a person who knows closes the attempts
// of one that failed already, that is a resolution too.
func Resolve(r Record, p Policy, f Facts, now Time, res ResolveStep) (Change, error) {
	s, err := hand(r, p, f, now, res.Hand)
	if err != nil {
		return Change{}, err
	}
	closing := res.As == AsFailed && res.AcceptRisk
	switch {
	case res.AcceptRisk && res.As != AsFailed:
		return refuse("only failed can be resolved with the double risk accepted")
	case res.As == AsNotReceived:
		return s.notReceived(res)
	case !doubtful(r.State) && !(closing && r.State == Failed && r.MayHaveLeft()):
		return refuse("only a payment that is in_doubt, pending or held can be resolved; this one is %s", r.State)
	case closing && r.Anomaly != nil:
		return refuse("it has an anomaly; clear that first")
	}
	if res.ProviderID != "" {
		s.r().ProviderID = res.ProviderID
	}
	if closing {
		s.r().refuseAttempts()
	}
	s.word("resolved", "", res.Decline)
	s.settle(State(res.As), res.Text)
	return s.done(), nil
}

func (s *step) notReceived(res ResolveStep) (Change, error) {
	r := s.r()
	if r.State != Held {
		return refuse("only a held payment can be declared not received; this one is %s", r.State)
	}
	if wait := r.lastEnd().Add(s.p.Settle) - s.now; wait > 0 && !off(settleTimeBeforeByHand) {
		return refuse("the settle time has not passed; try again in %d s", (wait+999)/1000)
	}
	s.word("not_received", "", "")
	s.settle(Failed, res.Text)
	return s.done(), nil
}

// ClearAnomaly accepts what the anomaly says, or has it reversed: accept makes failed into
// succeeded, reverse makes succeeded into reversed. What a person cleared is not raised again by
// the next question.
func ClearAnomaly(r Record, p Policy, f Facts, now Time, reverse bool, h Hand) (Change, error) {
	s, err := hand(r, p, f, now, h)
	switch {
	case err != nil:
		return Change{}, err
	case r.Anomaly == nil:
		return refuse("there is no anomaly")
	case reverse && !r.State.Final():
		return refuse("only a settled payment can be reversed; this one is %s", r.State)
	}
	n := s.r()
	id := n.Anomaly.ProviderID
	n.Cleared, n.Anomaly = n.Anomaly.Kind+":"+id, nil
	s.Cleared = true
	switch {
	case reverse && n.State == Succeeded:
		s.settle(Reversed, h.Text)
	case !reverse && n.State == Failed:
		if id != "" {
			n.ProviderID = id
		}
		s.word("", "", "")
		s.settle(Succeeded, h.Text)
	default:
		s.changed()
		s.remember(n.State, "anomaly cleared "+h.Text)
	}
	return s.done(), nil
}

// Retry makes a failed payment ready again, and has a ready one go at once. After "not received",
// the provider is asked first where it can be.
func Retry(r Record, p Policy, f Facts, now Time, acceptRisk bool, h Hand) (Change, error) {
	s, err := hand(r, p, f, now, h)
	if err != nil {
		return Change{}, err
	}
	left := r.MayHaveLeft() && !off(retryNeedsNothingLeft)
	switch {
	case r.State == Ready: // it goes at once, whatever it was told to wait
		s.r().NotAgainBefore = 0
		s.changed()
		s.remember(Ready, h.Text)
		s.wake(now)
		return s.done(), nil
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
	n := s.r()
	n.WatchUntil, n.ProofOnly, n.Deadline, n.ProviderID = 0, false, 0, ""
	s.word("", "", "")
	if left && n.Askable {
		s.doubt(h.Text)
		n.RiskAccepted = true
	} else {
		s.ready(0, h.Text)
	}
	return s.done(), nil
}

// Unblock lets a blocked payment go on.
func Unblock(r Record, p Policy, f Facts, now Time, h Hand) (Change, error) {
	s, err := hand(r, p, f, now, h)
	if err != nil {
		return Change{}, err
	}
	if r.State != Blocked {
		return refuse("only a blocked payment can be released; this one is %s", r.State)
	}
	s.r().Code, s.r().Message = "", ""
	s.move(Queued, h.Text)
	s.wake(max(now, r.NotBefore))
	return s.done(), nil
}

// Cancel stops what was never sent.
func Cancel(r Record, p Policy, f Facts, now Time, h Hand) (Change, error) {
	s, err := hand(r, p, f, now, h)
	switch {
	case err != nil:
		return Change{}, err
	case r.State != Queued && r.State != Ready && r.State != Blocked:
		return refuse("too late to cancel; the payment is %s", r.State)
	case r.MayHaveLeft() && !off(cancelNeedsNothingLeft):
		return refuse("too late to cancel; an attempt may have been executed")
	}
	s.word("cancelled", "", "")
	s.settle(Failed, h.Text)
	return s.done(), nil
}

// RejectStep stops a payment whose payload cannot be used.
type RejectStep struct {
	Code, Message string
	// Hold gives it to a person even where it never left: what it says may be somebody's attempt.
	Hold bool
}

// Reject fails what never left, and holds the rest.
func Reject(r Record, p Policy, f Facts, now Time, rej RejectStep) Change {
	s := begin(r, p, f, now)
	if r.State != Queued && r.State != Ready && r.State != InDoubt && r.State != Pending {
		return unchanged(r)
	}
	s.word(rej.Code, rej.Message, "")
	if (r.State == Queued || r.State == Ready) && !r.MayHaveLeft() && !rej.Hold {
		s.settle(Failed, "")
	} else {
		s.hold("", "")
	}
	return s.done()
}

// Block stops a payment before its first send until a person releases or cancels it.
func Block(r Record, p Policy, now Time, code, message string) Change {
	s := begin(r, p, Facts{}, now)
	if r.State != Queued {
		return unchanged(r)
	}
	s.r().Code, s.r().Message = code, message
	s.move(Blocked, "")
	s.wake(0)
	return s.done()
}

// Since is how long before now an instant was; zero for none.
func Since(now, at Time) time.Duration {
	if at == 0 {
		return 0
	}
	return time.Duration(now-at) * time.Millisecond
}
