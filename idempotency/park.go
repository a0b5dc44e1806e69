package idempotency

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/seal"
)

// waitingKey is the set of reasons for which payments are parked; with a reason, the index of those that are.
func waitingKey(provider string, reason ...string) string {
	return strings.Join(append([]string{prefix(provider) + "waiting"}, reason...), ":")
}

// Park implements Engine.
func (l *Redis) Park(ctx context.Context, k Key, reason string) error {
	a := l.args(k)
	a.Reason = reason
	_, err := l.waiting(ctx, "park", k, a)
	return err
}

// Unpark implements Engine.
func (l *Redis) Unpark(ctx context.Context, provider, reason string, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	k := Key{Provider: provider, Account: DefaultAccount}
	a := l.args(k)
	a.Reason, a.Limit = reason, limit
	ans, err := l.waiting(ctx, "unpark", k, a)
	return ans.Number, err
}

func (l *Redis) waiting(ctx context.Context, step string, k Key, a args) (answer, error) {
	keys := l.keys(k, waitingKey(k.Provider, a.Reason), waitingKey(k.Provider))
	answers, err := l.pipeline(ctx, step, []call{{k, keys, a, nil}})
	if err != nil {
		return answer{}, err
	}
	return answers[0], nil
}

// Waiting implements Engine.
func (l *Redis) Waiting(ctx context.Context, provider string) (map[string]int64, error) {
	reasons, err := l.rdb.SMembers(ctx, waitingKey(provider)).Result()
	if err != nil || len(reasons) == 0 {
		return nil, waitingError(provider, err)
	}
	pipe := l.rdb.Pipeline()
	counts := make([]*redis.IntCmd, len(reasons))
	for i, reason := range reasons {
		counts[i] = pipe.ZCard(ctx, waitingKey(provider, reason))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, waitingError(provider, err)
	}
	out := map[string]int64{}
	for i, reason := range reasons {
		if n := counts[i].Val(); n > 0 {
			out[reason] = n
		}
	}
	return out, nil
}

// markWaiting says in each record that is still to be moved on whether it is parked, and why.
func (l *Redis) markWaiting(ctx context.Context, provider string, reasons []string, rs []Record) error {
	if len(reasons) == 0 || len(rs) == 0 {
		return nil
	}
	ids := make([]string, len(rs))
	for i, r := range rs {
		ids[i] = r.Key.id()
	}
	pipe := l.rdb.Pipeline()
	scores := make([]*redis.FloatSliceCmd, len(reasons))
	for i, reason := range reasons {
		scores[i] = pipe.ZMScore(ctx, waitingKey(provider, reason), ids...)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return waitingError(provider, err)
	}
	for i, reason := range reasons {
		for n, score := range scores[i].Val() {
			if score > 0 && parks(rs[n].State) {
				rs[n].Waits = reason
			}
		}
	}
	return nil
}

// parks reports whether a payment in this state can be parked; one that moved on is not, whatever the index says.
func parks(s State) bool { return s != Sending && s != Blocked && !s.Final() }

func waitingError(provider string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("waiting of %s: %w", provider, err)
}

// keyReason is what waits for a key waits for: "key:" and how a text begins that the key has sealed (seal.Ring.Prefixes), "key" alone for
// one that is not sealed; empty where no key would help.
func (l *Redis) keyReason(why error, payload []byte, handles map[string]string) string {
	if !errors.Is(why, seal.ErrUnknownKey) && !errors.Is(why, seal.ErrNotSealed) {
		return ""
	}
	texts := append(slices.Collect(maps.Values(handles)), string(payload))
	for _, text := range texts {
		if _, err := l.opts.Seal.OpenText(text); errors.Is(err, seal.ErrUnknownKey) {
			return "key:" + head(text)
		}
	}
	return "key"
}

// head is the part of a sealed text that names its key: mark, id, and the four characters of the check.
func head(text string) string {
	const check = 4
	at := strings.LastIndexByte(text, '.') + 1
	return text[:min(at+check, len(text))]
}

// ThrottledKey is the hash of the accounts that the provider told to wait; internal/rate has the meaning of its fields.
func ThrottledKey(provider string) string { return prefix(provider) + "throttled" }

// hasten ends the wait of an account (empty: of all): its next request is the probe that finds out whether the provider answers. A full
// Redis takes no probe's mark, and forgets the wait instead.
func (l *Redis) hasten(ctx context.Context, provider, account string) error {
	told, err := l.rdb.HKeys(ctx, ThrottledKey(provider)).Result()
	for _, name := range told {
		if err == nil && (account == "" || account == name) {
			if err = l.rdb.HSet(ctx, ThrottledKey(provider), name, "0|0").Err(); err != nil {
				err = l.rdb.HDel(ctx, ThrottledKey(provider), name).Err()
			}
		}
	}
	return waitingError(provider, err)
}
