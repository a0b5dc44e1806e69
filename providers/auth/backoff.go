package auth

import (
	"errors"
	"time"

	"github.com/remesa/remesa/providers"
)

// loginBackoff spaces out failed logins: the login is not called again before until, and then by
// one caller.
type loginBackoff struct {
	until time.Time
	err   error
	// failures counts logins in a row that came to nothing.
	failures int
	// quickRejections counts tokens in a row that were rejected soon after their login.
	quickRejections int
}

const (
	firstWait = time.Second
	// quickRejection is how soon after its login a rejected token speaks against renewing it once
	// more.
	quickRejection = time.Second
	// freeQuickRejections is how many such tokens are replaced at once.
	freeQuickRejections = 10
)

// check returns the error that stands for a login until it may be called again.
func (b *loginBackoff) check(now time.Time) error {
	if b.err == nil || !now.Before(b.until) {
		return nil
	}
	var refused *providers.CredentialsError
	if errors.As(b.err, &refused) {
		return refused
	}
	notSent := toNotSent(b.err)
	if notSent.RetryAfter > 0 {
		notSent.RetryAfter = b.until.Sub(now)
	}
	return notSent
}

// recordFailure records a failed renewal and returns the error for those who waited on it. Refused
// credentials count from the login's beginning, so that a circuit which opened on them finds the
// backoff over when it probes.
func (b *loginBackoff) recordFailure(o Options, began time.Time, err error) error {
	b.err = err
	var refused *providers.CredentialsError
	if errors.As(err, &refused) {
		b.until = began.Add(o.Cooldown)
		return refused
	}
	b.failures++
	notSent := toNotSent(err)
	b.until = o.Now().Add(max(o.wait(b.failures), notSent.RetryAfter))
	return notSent
}

// recordRejection records a token that the provider rejected. Where it rejects one fresh token
// after another, logins are spaced out.
func (b *loginBackoff) recordRejection(o Options, obtained time.Time) {
	now := o.Now()
	if now.Sub(obtained) >= quickRejection {
		b.quickRejections = 0
		return
	}
	if b.quickRejections++; b.quickRejections > freeQuickRejections {
		b.err, b.until = errFreshTokenRejected, now.Add(o.wait(b.quickRejections-freeQuickRejections))
	}
}

var errFreshTokenRejected = errors.New("the provider rejects the tokens that it has just given out")

func (b *loginBackoff) reset() { b.err, b.failures = nil, 0 }

// wait is the n-th wait: doubled each time, the cooldown at most, half of it at random.
func (o Options) wait(n int) time.Duration {
	d := firstWait
	for range n - 1 {
		if d *= 2; d >= o.Cooldown {
			break
		}
	}
	d = min(d, o.Cooldown)
	return d/2 + time.Duration(o.Random()*float64(d/2))
}

// toNotSent keeps the reason of a login that says why it came to nothing.
func toNotSent(err error) *providers.NotSent {
	var e *providers.NotSent
	if errors.As(err, &e) {
		kept := *e
		return &kept
	}
	return &providers.NotSent{Reason: noToken, Err: err}
}
