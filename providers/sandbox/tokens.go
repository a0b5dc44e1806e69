package sandbox

import (
	"maps"
	"sync"
	"time"
)

// tokens are those that a provider has given out and still takes.
type tokens struct {
	now     func() time.Time
	life    time.Duration
	revokes bool

	mu     sync.Mutex
	logins int
	valid  map[string]time.Time // until when
}

func newTokens(now func() time.Time, life time.Duration, revokes bool) *tokens {
	return &tokens{now: now, life: life, revokes: revokes, valid: map[string]time.Time{}}
}

// issue gives out a token made by sign from its number.
func (t *tokens) issue(sign func(n int) string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.revokes {
		clear(t.valid)
	}
	maps.DeleteFunc(t.valid, func(_ string, until time.Time) bool { return !now.Before(until) })
	t.logins++
	token := sign(t.logins)
	t.valid[token] = now.Add(t.life)
	return token
}

func (t *tokens) takes(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, given := t.valid[token]
	return given && t.now().Before(until)
}

// expire ends the life of every token.
func (t *tokens) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.valid)
}
