package idempotency

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/seal"
)

// Park takes what waits unbegun, or for a question, out of the due index until Unpark lets go what
// waits for this reason. It stays due at its own deadlines. Whatever else is done to it meanwhile
// is allowed, and leaves Unpark nothing to do. A reason matches [a-zA-Z0-9:._-]+, its part before
// the first colon says of which kind it is.
func (l *Ledger) Park(ctx context.Context, k Key, reason string) error {
	p := l.policy(k.Provider)
	_, err := l.apply(ctx, "park", k, withoutPayload, func(loaded LoadResult, _ rules.Facts) (rules.Change, error) {
		return rules.Park(loaded.Record, p, loaded.Now, reason), nil
	})
	return err
}

// Unpark makes up to limit payments due now that wait for the reason, those that were registered
// first, and returns their number.
func (l *Ledger) Unpark(ctx context.Context, provider, reason string, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	n, err := l.store.Unpark(ctx, provider, reason, limit)
	return n, parkingError(provider, err)
}

// ParkedCounts is how many are parked, by reason. A payment that moved on by other means is counted
// until its reason ends.
func (l *Ledger) ParkedCounts(ctx context.Context, provider string) (map[string]int64, error) {
	counts, err := l.store.ParkedCounts(ctx, provider)
	return counts, parkingError(provider, err)
}

// setParkReasons says in each record that is still to be moved on whether it is parked, and why.
func (l *Ledger) setParkReasons(ctx context.Context, provider string, rs []Record) error {
	ids := make([]string, len(rs))
	for i, r := range rs {
		ids[i] = r.Key.id()
	}
	waits, err := l.store.ParkReasons(ctx, provider, ids)
	if err != nil {
		return parkingError(provider, err)
	}
	for i := range rs {
		if s := rs[i].State; s != Sending && s != Blocked && !s.Final() {
			rs[i].ParkReason = waits[ids[i]]
		}
	}
	return nil
}

func parkingError(provider string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("waiting of %s: %w", provider, err)
}

// keyReason is what waits for a key waits for: "key:" and how a text begins that the key has sealed
// (seal.Ring.Prefixes), "key" alone for one that is not sealed; empty where no key would help.
func (l *Ledger) keyReason(why error, loaded LoadResult) string {
	if !errors.Is(why, seal.ErrUnknownKey) && !errors.Is(why, seal.ErrNotSealed) {
		return ""
	}
	texts := []string{string(loaded.Payload)}
	for _, value := range loaded.Record.ProviderRefs {
		texts = append(texts, value)
	}
	for _, text := range texts {
		if errors.Is(l.opts.Seal.CanOpen([]byte(text)), seal.ErrUnknownKey) {
			return "key:" + head(text)
		}
	}
	return "key"
}

// head is the part of a sealed text that names its key: mark, id, and the four characters of the
// check.
func head(text string) string {
	const check = 4
	at := strings.LastIndexByte(text, '.') + 1
	return text[:min(at+check, len(text))]
}

// ThrottledKey is the hash of the accounts that the provider told to wait; internal/rate has the
// meaning of its fields.
func ThrottledKey(provider string) string { return kv.Prefix(provider) + "throttled" }
