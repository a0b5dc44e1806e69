package auth

import (
	"context"
	"errors"
	"time"

	"github.com/remesa/remesa/providers"
)

// Shared keeps one token per account for all workers, and lets one of them renew at a time. Each
// step is atomic.
type Shared interface {
	// Claim returns one of four: the token that is not the one of version have; a fence, which is
	// the right to renew for ttl; refused credentials, which nobody tries until their cooldown
	// ends; or none of them, while another worker renews.
	Claim(ctx context.Context, account string, have int64, ttl time.Duration) (Claim, error)
	// Store stores a renewed token for at most life, under the fence as its version, and ends the
	// claim. It stores nothing, and returns false, where a later claim was granted: a slow holder
	// never overwrites its successor's token.
	Store(ctx context.Context, account string, fence int64, t Shareable, life time.Duration) (bool, error)
	// Drop ends a claim without a token. With a code the credentials were refused, and nobody
	// claims for the cooldown.
	Drop(ctx context.Context, account string, fence int64, code string, cooldown time.Duration) error
}

// Shareable is a token with the time of its login.
type Shareable struct {
	Token    Token
	Obtained time.Time
}

// Claim is what a claim returns.
type Claim struct {
	Stored  Shareable
	Version int64
	Fence   int64
	// Refused is the code with which the provider refused the credentials.
	Refused string
}

// renewShared renews for all workers: it takes over what another one renewed, or claims the
// renewal, or waits for who has claimed it.
func (s *Source) renewShared(ctx context.Context, old cachedToken) (cachedToken, string, error) {
	have := old.version
	for n := 0; ; n++ {
		c, err := s.claim(ctx, have)
		switch {
		case err != nil && s.o.LoginRevokesTokens:
			return cachedToken{}, ReasonFailed, err
		case err != nil:
			return s.login(ctx, old) // this process alone, until the store is back
		case c.Refused != "":
			return cachedToken{}, ReasonRefused, &providers.CredentialsError{Code: c.Refused}
		case c.Fence != 0:
			return s.claimed(ctx, old, have, c.Fence)
		case c.Version != 0:
			kept := s.newCachedToken(c.Stored.Token, c.Stored.Obtained, c.Version)
			if kept.usable(s.o.Now()) && s.o.Now().Before(kept.renewAt) && kept.Value != old.Value {
				return kept, FromOtherWorker, nil
			}
			have = c.Version
			continue
		}
		if err := s.pause(ctx, n); err != nil {
			return cachedToken{}, ReasonFailed, err
		}
	}
}

// storeTime bounds one step at the store, so that a store which hangs leaves time for a login.
func (s *Source) storeTime() time.Duration { return min(2*time.Second, s.o.Timeout/4) }

func (s *Source) claim(ctx context.Context, have int64) (Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, s.storeTime())
	defer cancel()
	return s.o.Shared.Claim(ctx, s.o.Account, have, s.o.Timeout)
}

// claimed logs in under a claim and shares what came of it. What cannot be shared serves this
// process alone; it keeps the version that the claim was made with, so that the store's next token
// counts as new and the one that had to be replaced does not.
func (s *Source) claimed(ctx context.Context, old cachedToken, have, fence int64) (cachedToken, string, error) {
	began := s.o.Now()
	renewed, reason, err := s.login(ctx, old)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.storeTime())
	defer cancel()
	if err != nil {
		s.drop(ctx, fence, began, err)
		return cachedToken{}, reason, err
	}
	kept, storeErr := s.o.Shared.Store(ctx, s.o.Account, fence, Shareable{renewed.Token, renewed.obtained}, renewed.ends.Sub(renewed.obtained))
	renewed.version = have
	if kept && storeErr == nil {
		renewed.version = fence
	}
	return renewed, reason, nil
}

// drop gives the claim back. Where the store does not take it, the claim ends by itself.
func (s *Source) drop(ctx context.Context, fence int64, began time.Time, err error) {
	var refused *providers.CredentialsError
	code, left := "", time.Duration(0)
	if errors.As(err, &refused) {
		code, left = refused.Code, s.o.Cooldown-s.o.Now().Sub(began)
	}
	_ = s.o.Shared.Drop(ctx, s.o.Account, fence, code, left)
}

// pause waits before it reads again who renews: 10 ms, doubled up to 200 ms, half of it at random.
func (s *Source) pause(ctx context.Context, n int) error {
	d := min(10*time.Millisecond<<min(n, 8), 200*time.Millisecond)
	timer := time.NewTimer(d/2 + time.Duration(s.o.Random()*float64(d/2)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errors.New("another worker's renewal took too long")
	}
}
