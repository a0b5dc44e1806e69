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

// Park takes a payment that waits to be sent or queried out of the due index until Unpark is called
// for the reason. It stays due at its own deadlines. Any other transition may happen meanwhile. A
// reason matches [a-zA-Z0-9:._-]+; its part before the first colon is its kind.
func (l *Ledger) Park(ctx context.Context, k Key, reason string) error {
	p := l.policy(k.Provider)
	_, err := l.apply(ctx, "park", k, withoutPayload, func(loaded LoadResult, _ rules.Facts) (rules.Change, error) {
		return rules.Park(loaded.Record, p, loaded.Now, reason), nil
	})
	return err
}

// ParkedGroup names the payments that are parked for one reason: bulk payments, or the others.
type ParkedGroup struct {
	Reason string
	Bulk   bool
}

// Unpark makes at most limit payments of a partition's group due now, in the order of their
// registration, and returns their number.
func (l *Ledger) Unpark(ctx context.Context, p Partition, g ParkedGroup, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	n, err := l.store.Unpark(ctx, p.String(), g, limit)
	return n, parkingError(p.String(), err)
}

// ParkedCounts returns the number of parked payments by reason. A payment that has moved on
// meanwhile is counted until it is unparked.
func (l *Ledger) ParkedCounts(ctx context.Context, provider string) (map[string]int64, error) {
	parts, err := l.KnownPartitions(ctx, provider)
	if err != nil {
		return nil, parkingError(provider, err)
	}
	sum := map[string]int64{}
	for _, p := range parts {
		groups, err := l.ParkedGroups(ctx, p)
		if err != nil {
			return nil, err
		}
		for g, n := range groups {
			sum[g.Reason] += n
		}
	}
	return sum, nil
}

// ParkedGroups returns the number of a partition's parked payments by group, as ParkedCounts does
// by reason.
func (l *Ledger) ParkedGroups(ctx context.Context, p Partition) (map[ParkedGroup]int64, error) {
	groups, err := l.store.ParkedGroups(ctx, p.String())
	return groups, parkingError(p.String(), err)
}

// setParkReasons sets the park reason of each record that is neither sending, blocked nor final.
func (l *Ledger) setParkReasons(ctx context.Context, p Partition, rs []Record) error {
	ids := make([]string, len(rs))
	for i, r := range rs {
		ids[i] = r.Key.id()
	}
	reasons, err := l.store.ParkReasons(ctx, p.String(), ids)
	if err != nil {
		return parkingError(p.String(), err)
	}
	for i := range rs {
		if s := rs[i].State; s != Sending && s != Blocked && !s.Final() {
			rs[i].ParkReason = reasons[ids[i]]
		}
	}
	return nil
}

func parkingError(partition string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("parked payments of %s: %w", partition, err)
}

// keyReason is the park reason of a payment that needs another key: "key:" and the prefix of what
// that key has sealed (seal.Ring.Prefixes), "key" alone for a text that is not sealed; empty if no
// key would help.
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

// head is the part of a sealed text that names its key: prefix, id, and the four characters of the
// check.
func head(text string) string {
	const check = 4
	at := strings.LastIndexByte(text, '.') + 1
	return text[:min(at+check, len(text))]
}

// ThrottledKey is the Redis hash of the throttled accounts; package internal/rate defines its
// fields.
func ThrottledKey(provider string) string { return kv.Prefix(provider) + "throttled" }
