package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Tokens are those that a provider has given out and still takes.
type Tokens struct {
	now     func() time.Time
	life    time.Duration
	revokes bool

	mu     sync.Mutex
	logins int
	valid  map[string]time.Time // until when
}

// NewTokens gives out tokens of that life; where it revokes, each ends the life of older ones.
func NewTokens(d *Simulator, life time.Duration, revokes bool) *Tokens {
	return &Tokens{now: d.now, life: life, revokes: revokes, valid: map[string]time.Time{}}
}

// Issue gives out a token made by sign from its number.
func (t *Tokens) Issue(sign func(n int) string) string {
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

// Accepts reports whether the token is good.
func (t *Tokens) Accepts(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, given := t.valid[token]
	return given && t.now().Before(until)
}

// Expire ends the life of every token.
func (t *Tokens) Expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.valid)
}

// Bearer reports whether the request carries a good token as RFC 6750 has it.
func (t *Tokens) Bearer(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && t.Accepts(token)
}

// JWT is a token with claims, signed by HS256.
func JWT(claims map[string]any, key string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(Encode(claims))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
