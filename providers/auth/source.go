package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/remesa/remesa/providers"
)

// Source hands out one account's token. It is safe for concurrent use.
type Source struct {
	o Options

	mu      sync.Mutex
	current cachedToken
	renewal *renewal
	backoff loginBackoff
}

// cachedToken is a token with what this process knows of it.
type cachedToken struct {
	Token
	obtained time.Time
	// renewAt is when it is renewed, ends when it is not handed out any more.
	renewAt, ends time.Time
	rejected      bool
	// version names it in the shared store; zero where it never was there.
	version int64
}

// renewal is one renewal that any number of callers wait for.
type renewal struct {
	done  chan struct{}
	token Token
	err   error
}

// New makes a source; it dials nothing. Options that Check refuses make one whose every Token is an
// error.
func New(o Options) *Source {
	return &Source{o: o.withDefaults()}
}

// Token returns a token that is good for an attempt, renewing it first where it must. The error is
// a *providers.CredentialsError where the provider refuses the credentials, else a
// *providers.NotSent: there is no token now. A caller whose ctx ends leaves the renewal to the
// others.
func (s *Source) Token(ctx context.Context) (Token, error) {
	if err := s.o.Check(); err != nil {
		return Token{}, &providers.NotSent{Reason: noToken, Err: err}
	}
	token, f, err := s.tokenOrRenewal() //nolint:contextcheck // a renewal must not end with the payment that asked for it
	if f == nil {
		return token, err
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return Token{}, &providers.NotSent{Reason: noToken, Err: fmt.Errorf("waiting for the renewal: %w", ctx.Err())}
	}
}

// noToken is the reason of a NotSent for want of a token.
const noToken = "token"

// Reject says that the provider rejected this very token: the next Token renews. A token that has a
// successor by now is of no interest.
func (s *Source) Reject(t Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Value == "" || s.current.Value != t.Value || s.current.rejected {
		return
	}
	s.current.rejected = true
	s.backoff.recordRejection(s.o, s.current.obtained)
}

// tokenOrRenewal returns a token, an error, or the renewal to wait for.
func (s *Source) tokenOrRenewal() (Token, *renewal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	good := s.current.usable(now)
	if good && now.Before(s.current.renewAt) {
		return s.current.Token, nil, nil
	}
	var err error
	if s.renewal == nil {
		if err = s.backoff.check(now); err == nil {
			s.startRenewal()
		}
	}
	switch {
	case good && (s.renewal == nil || !s.o.LoginRevokesTokens):
		return s.current.Token, nil, nil // while it is renewed ahead of its end, or cannot be
	case s.renewal != nil:
		return Token{}, s.renewal, nil
	}
	return Token{}, nil, err
}

func (h cachedToken) usable(now time.Time) bool {
	return h.Value != "" && !h.rejected && now.Before(h.ends)
}

// startRenewal starts a renewal that shares nothing with the caller who asked for it.
func (s *Source) startRenewal() {
	f := &renewal{done: make(chan struct{})}
	s.renewal = f
	old, began := s.current, s.o.Now()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.o.Timeout)
		defer cancel()
		renewed, reason, err := s.renew(ctx, old)
		s.o.Renewed(reason)
		s.finishRenewal(f, renewed, began, err)
	}()
}

// finishRenewal ends a renewal and lets its waiters go.
func (s *Source) finishRenewal(f *renewal, renewed cachedToken, began time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.current = renewed
		s.backoff.reset()
		if s.o.Obtained != nil {
			s.o.Obtained(renewed.obtained, renewed.renewAt)
		}
	} else {
		err = s.backoff.recordFailure(s.o, began, err)
	}
	f.token, f.err, s.renewal = renewed.Token, err, nil
	close(f.done)
}

// renew obtains a successor of old, from the other workers or by a login, and says why.
func (s *Source) renew(ctx context.Context, old cachedToken) (cachedToken, string, error) {
	if s.o.Shared == nil {
		return s.login(ctx, old)
	}
	return s.renewShared(ctx, old)
}

// login obtains a token by this process's own login. A panic in it is a failure of it.
func (s *Source) login(ctx context.Context, old cachedToken) (renewed cachedToken, reason string, err error) {
	defer func() {
		if p := recover(); p != nil {
			renewed, reason, err = cachedToken{}, ReasonFailed, fmt.Errorf("the login panicked (%T)", p)
		}
	}()
	token, err := s.o.Login(ctx, old.Token)
	switch {
	case errors.As(err, new(*providers.CredentialsError)):
		return cachedToken{}, ReasonRefused, err
	case err != nil:
		return cachedToken{}, ReasonFailed, err
	case token.Value == "":
		return cachedToken{}, ReasonFailed, errors.New("the login yielded no token")
	}
	return s.newCachedToken(token, s.o.Now(), 0), old.renewalReason(), nil
}

// renewalReason says why a successor is needed.
func (h cachedToken) renewalReason() string {
	switch {
	case h.Value == "":
		return ReasonFirst
	case h.rejected:
		return ReasonRejected
	}
	return ReasonAhead
}

// shortestLife keeps a token that claims to have ended before it began, as it does between clocks
// that differ, from being renewed for every payment.
const shortestLife = 2 * time.Second

// newHeld works out when a token is renewed: at 80 to 90 % of its life, differently in each
// process. It is handed out until 97 % of it, so that an attempt which takes it does not outlive
// it.
func (s *Source) newCachedToken(t Token, obtained time.Time, version int64) cachedToken {
	life := s.o.Lifetime
	if !t.Expires.IsZero() {
		life = max(t.Expires.Sub(obtained), shortestLife)
	}
	part := func(share float64) time.Time { return obtained.Add(time.Duration(share * float64(life))) }
	return cachedToken{Token: t, obtained: obtained, renewAt: part(0.9 - 0.1*s.o.Random()), ends: part(0.97), version: version}
}
