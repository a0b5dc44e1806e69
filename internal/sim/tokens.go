package main

import (
	"context"
	"sync"
	"time"

	"github.com/remesa/remesa/providers/auth"
)

// tokens are the provider tokens that the workers share, as package auth has it in Redis.
type tokens struct {
	world *world

	mu     sync.Mutex
	kept   map[string]auth.Claim
	claims map[string]claim
	fence  int64
}

type claim struct {
	fence   int64
	until   time.Time
	refused string
}

func newTokens(w *world) *tokens {
	return &tokens{world: w, kept: map[string]auth.Claim{}, claims: map[string]claim{}}
}

// of are the tokens as a process reaches them; nil where each worker has its own.
func (t *tokens) of(p *process) auth.Shared {
	if !t.world.plan.sharedTokens {
		return nil
	}
	return &processTokens{t, p}
}

type processTokens struct {
	*tokens
	process *process
}

func (t *processTokens) Claim(_ context.Context, account string, have int64, ttl time.Duration) (auth.Claim, error) {
	if t.world.stop(t.process, storePoint, nil, "store: claims the token of "+account) == lose {
		return auth.Claim{}, errStore
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if kept := t.kept[account]; kept.Version != 0 && kept.Version != have {
		return kept, nil
	}
	if c := t.claims[account]; time.Now().Before(c.until) {
		return auth.Claim{Refused: c.refused}, nil
	}
	t.fence++
	t.claims[account] = claim{fence: t.fence, until: time.Now().Add(ttl)}
	return auth.Claim{Fence: t.fence}, nil
}

func (t *processTokens) Store(_ context.Context, account string, fence int64, s auth.Shareable, _ time.Duration) (bool, error) {
	if t.world.stop(t.process, storePoint, nil, "store: keeps the token of "+account) == lose {
		return false, errStore
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.claims[account].fence != fence {
		return false, nil
	}
	t.kept[account] = auth.Claim{Stored: s, Version: fence}
	delete(t.claims, account)
	return true, nil
}

func (t *processTokens) Drop(_ context.Context, account string, fence int64, code string, cooldown time.Duration) error {
	if t.world.stop(t.process, storePoint, nil, "store: drops the claim of "+account) == lose {
		return errStore
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.claims[account].fence != fence {
		return nil
	}
	delete(t.claims, account)
	if code != "" {
		t.claims[account] = claim{fence: fence, until: time.Now().Add(cooldown), refused: code}
	}
	return nil
}
