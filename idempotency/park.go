package idempotency

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
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
