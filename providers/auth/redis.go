package auth

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/providers"
)

var (
	//go:embed lua/claim.lua
	claimLua string
	//go:embed lua/keep.lua
	keepLua string
	//go:embed lua/drop.lua
	dropLua string
)

// Each works when Redis is full: there are two small keys of an account at most, and without a
// token no status query can be made.
func script(text string) *kv.Script { return kv.NewScript(text, kv.AllowWhenFull) }

// Redis is a Shared over Redis. Tokens rest there sealed with AES-256-GCM, and tied to their
// account: one that was changed, was sealed with another key, or belongs to another account counts
// as absent.
type Redis struct {
	db                *kv.DB
	seal              sealer
	claim, keep, drop *kv.Script
}

var _ Shared = (*Redis)(nil)

// NewRedis makes the store; the key has 32 bytes.
func NewRedis(rdb redis.UniversalClient, key providers.Secret) (*Redis, error) {
	seal, err := newSealer(key)
	if err != nil {
		return nil, err
	}
	return &Redis{db: kv.NewDB(rdb, false), seal: seal, claim: script(claimLua), keep: script(keepLua), drop: script(dropLua)}, nil
}

// keys of an account share a hash tag, so that a cluster serves them together.
func keys(account string) (token, lock string) {
	return kv.Prefix(account) + "token", kv.Prefix(account) + "token-lock"
}

// Claim implements Shared.
func (r *Redis) Claim(ctx context.Context, account string, have int64, ttl time.Duration) (Claim, error) {
	token, lock := keys(account)
	reply, err := r.db.Run(ctx, r.claim, []string{token, lock}, have, milliseconds(ttl)).StringSlice()
	switch {
	case err != nil:
		return Claim{}, fmt.Errorf("claim the token of %s: %w", account, err)
	case len(reply) == 1 && reply[0] == "busy":
		return Claim{}, nil
	case len(reply) == 2 && reply[0] == "refused":
		return Claim{Refused: reply[1]}, nil
	case len(reply) == 2 && reply[0] == "claim":
		fence, err := strconv.ParseInt(reply[1], 10, 64)
		return Claim{Fence: fence}, err
	case len(reply) == 3 && reply[0] == "token":
		return r.opened(account, reply[1], reply[2])
	}
	return Claim{}, errors.New("claim of a token: unexpected answer")
}

// opened is a stored token; one that cannot be opened is empty, under its version.
func (r *Redis) opened(account, version, sealed string) (Claim, error) {
	v, err := strconv.ParseInt(version, 10, 64)
	if err != nil || v == 0 {
		return Claim{}, errors.New("claim of a token: its version is no number")
	}
	kept, err := r.seal.open(account, v, []byte(sealed))
	if err != nil {
		return Claim{Version: v}, nil //nolint:nilerr // it counts as absent, and is replaced
	}
	return Claim{Version: v, Stored: kept}, nil
}

// Store implements Shared.
func (r *Redis) Store(ctx context.Context, account string, fence int64, t Shareable, life time.Duration) (bool, error) {
	sealed, err := r.seal.seal(account, fence, t)
	if err != nil {
		return false, err
	}
	token, lock := keys(account)
	stored, err := r.db.Run(ctx, r.keep, []string{token, lock}, fence, sealed, milliseconds(life)).Int()
	if err != nil {
		return false, fmt.Errorf("keep the token of %s: %w", account, err)
	}
	return stored == 1, nil
}

// Drop implements Shared.
func (r *Redis) Drop(ctx context.Context, account string, fence int64, code string, cooldown time.Duration) error {
	_, lock := keys(account)
	if err := r.db.Run(ctx, r.drop, []string{lock}, fence, code, milliseconds(cooldown)).Err(); err != nil {
		return fmt.Errorf("drop the claim on the token of %s: %w", account, err)
	}
	return nil
}

// milliseconds is at least one: Redis refuses to keep anything for none.
func milliseconds(d time.Duration) int64 { return max(1, d.Milliseconds()) }
