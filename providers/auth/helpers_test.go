package auth_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
)

// fakeLogin stands for a provider's login endpoint. Its tokens carry a canary.
type fakeLogin struct {
	life    time.Duration // stated with each token; 0 states none
	takes   time.Duration
	revokes bool // a login ends the older token's life

	mu     sync.Mutex
	fail   error
	logins int
	valid  map[providers.Secret]bool
	olds   []auth.Token
	calls  int
}

func (i *fakeLogin) login(ctx context.Context, old auth.Token) (auth.Token, error) {
	select {
	case <-time.After(i.takes):
	case <-ctx.Done():
		return auth.Token{}, ctx.Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.logins++
	i.olds = append(i.olds, old)
	if i.fail != nil {
		return auth.Token{}, i.fail
	}
	if i.revokes || i.valid == nil {
		i.valid = map[providers.Secret]bool{}
	}
	t := auth.Token{Value: providers.Secret(fmt.Sprintf("canary-%d", i.logins)), Refresh: "canary-refresh"}
	i.valid[t.Value] = true
	if i.life > 0 {
		t.Expires = time.Now().Add(i.life)
	}
	return t, nil
}

// call stands for a request with that token: it reports whether the provider took it.
func (i *fakeLogin) call(t auth.Token) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.valid[t.Value] {
		i.calls++
	}
	return i.valid[t.Value]
}

// expire ends the life of every token.
func (i *fakeLogin) expire() { i.set(func() { i.valid = nil }) }

func (i *fakeLogin) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *fakeLogin) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.logins
}

// charge is what an adapter does with its source.
func (i *fakeLogin) charge(ctx context.Context, s *auth.Source) error {
	return s.Do(ctx, func(t auth.Token) auth.Refusal {
		if i.call(t) {
			return auth.Refusal{}
		}
		return auth.Refusal{Code: "401"}
	})
}
