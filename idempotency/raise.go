package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/internal/kv"
)

// RaisePartitions moves a provider's payments into more partitions, and returns how many it moved.
// All workers and producers of the provider must be stopped; those that are not are refused
// whatever makes a record or a halt, and find no payment that has moved. It may be repeated after
// an error or a crash, with the same number, and goes on where it ended. It refuses (ErrRefused) a
// smaller number, and to begin while a payment's lease has not lapsed. The ledger's own setting
// does not matter. progress, if set, is called with the number of payments moved so far.
//
// A payment is never recorded in two partitions: it leaves the one, kept under a key of the move,
// before it comes into the other. Outcome events stay where they were written. Aliases, and
// subscriptions with their charges, are in the home partition and stay there.
func (l *Ledger) RaisePartitions(ctx context.Context, provider string, to int, progress func(moved int)) (moved int, err error) {
	s, ok := l.store.(*redisStore)
	if !ok {
		return 0, fmt.Errorf("%w: only a store in Redis has partitions to raise", ErrRefused)
	}
	if progress == nil {
		progress = func(int) {}
	}
	m := raise{redisStore: s, provider: provider, target: Partitions{provider: to}, progress: progress}
	if err := m.plan(ctx, to); err != nil {
		return 0, fmt.Errorf("partitions of %s: %w", provider, err)
	}
	if m.from == to && m.mark == "" {
		return 0, nil
	}
	for _, do := range []func(context.Context) error{m.announce, m.copyFacts, m.move, m.publish} {
		if err := do(ctx); err != nil {
			return m.moved, fmt.Errorf("partitions of %s: %w", provider, err)
		}
	}
	return m.moved, nil
}

// raise is one run of RaisePartitions.
type raise struct {
	*redisStore
	provider string
	from     int
	target   Partitions
	// mark stands for the number of partitions in all partitions while payments are moved.
	mark     string
	moved    int
	progress func(moved int)
}

func (m *raise) old() []Partition { return Partitions{m.provider: m.from}.All(m.provider) }

// plan finds out from what number, and whether an earlier run began.
func (m *raise) plan(ctx context.Context, to int) error {
	numbers, err := m.partitionNumbers(ctx, Partitions{m.provider: 1}.All(m.provider))
	if err != nil {
		return err
	}
	from, goal, changing := strings.Cut(numbers[0], ">")
	if m.from, err = strconv.Atoi(from); err != nil {
		m.from = 1
	}
	switch {
	case changing && goal != strconv.Itoa(to):
		return fmt.Errorf("%w: a move from %s to %s partitions is under way; end that first", ErrRefused, from, goal)
	case to < m.from:
		return fmt.Errorf("%w: %d are less than the present %d; the outcome events of those that end would be read by nobody", ErrRefused, to, m.from)
	case changing:
		m.mark = numbers[0]
		return nil
	case to == m.from:
		return nil
	}
	m.mark = fmt.Sprintf("%d>%d", m.from, to)
	if err := m.refuseLoss(ctx); err != nil {
		return err
	}
	return m.refuseSending(ctx)
}

// refuseLoss refuses to begin while a partition is known to have forgotten sends: in another one
// its payments would be sent without a query.
func (m *raise) refuseLoss(ctx context.Context) error {
	for _, p := range m.old() {
		text, err := m.db.Client.Get(ctx, keysOf(p.String()).epoch()).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		epoch, err := parseEpoch(text)
		if err == nil && epoch.Loss != nil {
			err = fmt.Errorf("%w: %s has forgotten sends; end that loss first", ErrRefused, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refuseSending refuses to begin while an attempt may still be under way: its report would find no
// payment.
func (m *raise) refuseSending(ctx context.Context) error {
	for _, p := range m.old() {
		low, high := bounds(Sending)
		ids, err := m.db.Client.ZRangeByScore(ctx, keysOf(p.String()).states(), &redis.ZRangeBy{Min: low, Max: high}).Result()
		if err != nil {
			return err
		}
		now, err := m.now(ctx, p.String())
		if err != nil {
			return err
		}
		for _, id := range ids {
			text, err := m.db.Client.Get(ctx, keysOf(p.String()).record(id)).Result()
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			if r, err := decode(text); err == nil && r.State == Sending && r.LeaseEnd > rules.Time(now) {
				return fmt.Errorf("%w: %s is being sent; stop all workers, and try again at %s", ErrRefused, keyFromID(p.Provider, id),
					asTime(r.LeaseEnd).Format(time.RFC3339))
			}
		}
	}
	return nil
}

// announce puts the mark into every partition, the home partition's first, where starting processes
// look. From then on none of the other numbers makes a record or a halt.
func (m *raise) announce(ctx context.Context) error {
	before := "" // one partition has no number
	if m.from > 1 {
		before = strconv.Itoa(m.from)
	}
	return m.setNumber(ctx, m.target.All(m.provider), func(p Partition) []string {
		if p.Number >= m.from {
			return []string{"", m.mark}
		}
		return []string{before, m.mark}
	}, m.mark)
}

// publish puts the new number into every partition, the home partition's last.
func (m *raise) publish(ctx context.Context) error {
	parts := m.target.All(m.provider)
	slices.Reverse(parts)
	number := strconv.Itoa(m.target.Count(m.provider))
	return m.setNumber(ctx, parts, func(Partition) []string { return []string{m.mark, number} }, number)
}

func (m *raise) setNumber(ctx context.Context, parts []Partition, allowed func(Partition) []string, number string) error {
	for _, p := range parts {
		if err := m.setNumberOf(ctx, p, allowed(p), number); err != nil {
			return err
		}
	}
	return nil
}

func (m *raise) setNumberOf(ctx context.Context, p Partition, right []string, number string) error {
	done := strconv.Itoa(m.target.Count(m.provider)) // an earlier run may have come so far
	key := keysOf(p.String()).partitions()
	for range maxTries {
		c := kv.NewGuardedCommit(p.String())
		c.Intent = true
		c.Guard("GET", key, "", right[0], right[1])
		if err := m.guardEpoch(ctx, c, p); err != nil {
			return err
		}
		c.Write("SET", key, number)
		results, errs := m.batcher.Commit(ctx, p.String(), c)
		switch r := results[0]; {
		case errs[0] != nil:
			return storeError(errs[0])
		case r.Done, r.Guard == 1 && r.Found == done:
			return nil
		case r.Guard == 1:
			return fmt.Errorf("%w: %s has the number %q on record; want %q", ErrPartitions, p, r.Found, right)
		}
	}
	return fmt.Errorf("%s: %w", p, ErrContended)
}

// copyFacts copies what a Begin reads beside the record into the new partitions: halts, and proofs
// that an account's status query works.
func (m *raise) copyFacts(ctx context.Context) error {
	halts, proofs := map[string]string{}, map[string]string{}
	for _, p := range m.old() {
		halted, err := m.db.Client.HGetAll(ctx, keysOf(p.String()).halted()).Result()
		if err != nil {
			return err
		}
		proven, err := m.db.Client.HGetAll(ctx, keysOf(p.String()).queryProof()).Result()
		if err != nil {
			return err
		}
		maps.Copy(halts, halted)
		maps.DeleteFunc(proven, func(_, proof string) bool { return proof != string(rules.QueryProven) })
		maps.Copy(proofs, proven)
	}
	for _, p := range m.target.All(m.provider)[m.from:] {
		c, keys := kv.NewGuardedCommit(p.String()), keysOf(p.String())
		c.Intent = true
		for account, entry := range halts {
			c.Write("HSET", keys.halted(), account, entry)
		}
		for account, proof := range proofs {
			c.Write("HSET", keys.queryProof(), account, proof)
		}
		if _, errs := m.batcher.Commit(ctx, p.String(), c); errs[0] != nil {
			return storeError(errs[0])
		}
	}
	return nil
}

// indexes are those whose members are payments with a score, by a name of the move's own.
func (p keyspace) indexes() map[string]string {
	return map[string]string{"due": p.due(), "states": p.states(), "anomalies": p.anomalies(), "suspects": p.suspects()}
}

// moving is a payment between two partitions, with all that the store keeps of it.
type moving struct {
	ID      string             `json:"id"`
	Text    string             `json:"text"`
	Expires int64              `json:"expires,omitempty"` // ms
	Payload []byte             `json:"payload,omitempty"`
	Drops   int64              `json:"drops,omitempty"` // ms until the payload expires
	Scores  map[string]float64 `json:"scores,omitempty"`
	Parked  map[string]float64 `json:"parked,omitempty"`
}

// move moves what an earlier run left between two partitions, and then every record that belongs
// elsewhere.
func (m *raise) move(ctx context.Context) error {
	for _, p := range m.old() {
		err := m.scanNamed(ctx, keysOf(p.String()).moving, func(ids []string) error { return m.arrive(ctx, p, ids) })
		if err != nil {
			return err
		}
		err = m.scanNamed(ctx, keysOf(p.String()).record, func(ids []string) error {
			ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return m.target.Of(keyFromID(m.provider, id)) == p })
			if err := m.leave(ctx, p, ids); err != nil {
				return err
			}
			return m.arrive(ctx, p, ids)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// leave takes records out of their partition, each in one step, and keeps them under a key of the
// move.
func (m *raise) leave(ctx context.Context, p Partition, ids []string) error {
	keys := keysOf(p.String())
	for try := 0; len(ids) > 0; try++ {
		if try >= maxTries {
			return ErrContended
		}
		found, err := m.read(ctx, p, ids)
		if err != nil {
			return err
		}
		var commits []*kv.Commit
		for _, f := range found {
			text, err := json.Marshal(f)
			if err != nil {
				return err
			}
			c := kv.NewCommit(p.String(), keys.record(f.ID), f.Text, 0)
			c.Guard("GET", keys.partitions(), "", m.mark, m.mark)
			c.Write("SET", keys.moving(f.ID), text)
			c.Write("DEL", keys.record(f.ID))
			c.Write("DEL", keys.payload(f.ID))
			for name := range f.Scores {
				c.Write("ZREM", keys.indexes()[name], f.ID)
			}
			for reason := range f.Parked {
				c.Write("ZREM", keys.parked(reason), f.ID)
			}
			c.Intent = true
			commits = append(commits, c)
		}
		results, errs := m.batcher.Commit(ctx, p.String(), commits...)
		ids = nil
		for i, r := range results {
			switch {
			case errs[i] != nil:
				return storeError(errs[i])
			case r.Guard > 0:
				return fmt.Errorf("%w: another run has ended meanwhile", ErrPartitions)
			case !r.Done: // a worker that was not stopped has changed it
				ids = append(ids, found[i].ID)
			}
		}
	}
	return nil
}

// read reads all that the store keeps of the payments.
func (m *raise) read(ctx context.Context, p Partition, ids []string) ([]moving, error) {
	keys := keysOf(p.String())
	reasons, err := m.db.Client.SMembers(ctx, keys.parkReasons()).Result()
	if err != nil {
		return nil, err
	}
	indexes := slices.Sorted(maps.Keys(keys.indexes()))
	pipe := m.db.Client.Pipeline()
	type reads struct {
		text, payload  *redis.StringCmd
		expires, drops *redis.DurationCmd
		scores, parked []*redis.FloatCmd
	}
	all := make([]reads, len(ids))
	for i, id := range ids {
		r := reads{
			text: pipe.Get(ctx, keys.record(id)), expires: pipe.PTTL(ctx, keys.record(id)),
			payload: pipe.Get(ctx, keys.payload(id)), drops: pipe.PTTL(ctx, keys.payload(id)),
		}
		for _, name := range indexes {
			r.scores = append(r.scores, pipe.ZScore(ctx, keys.indexes()[name], id))
		}
		for _, reason := range reasons {
			r.parked = append(r.parked, pipe.ZScore(ctx, keys.parked(reason), id))
		}
		all[i] = r
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	var found []moving
	for i, r := range all {
		if r.text.Val() == "" {
			continue // it expired meanwhile
		}
		f := moving{
			ID: ids[i], Text: r.text.Val(), Expires: max(r.expires.Val().Milliseconds(), 0), Drops: max(r.drops.Val().Milliseconds(), 0),
			Scores: scoresOf(indexes, r.scores), Parked: scoresOf(reasons, r.parked),
		}
		if payload, err := r.payload.Bytes(); err == nil {
			f.Payload = payload
		}
		found = append(found, f)
	}
	return found, nil
}

func scoresOf(names []string, cmds []*redis.FloatCmd) map[string]float64 {
	scores := map[string]float64{}
	for i, cmd := range cmds {
		if cmd.Err() == nil {
			scores[names[i]] = cmd.Val()
		}
	}
	return scores
}

// arrive brings what left a partition into the one that it belongs to, and then forgets that it is
// being moved.
func (m *raise) arrive(ctx context.Context, from Partition, ids []string) error {
	left := map[Partition][]moving{}
	for _, id := range ids {
		text, err := m.db.Client.Get(ctx, keysOf(from.String()).moving(id)).Bytes()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return err
		}
		var f moving
		if err := json.Unmarshal(text, &f); err != nil {
			return fmt.Errorf("%w: %s, on its way to another partition", ErrDamaged, keyFromID(m.provider, id))
		}
		p := m.target.Of(keyFromID(m.provider, f.ID))
		left[p] = append(left[p], f)
	}
	for p, some := range left {
		if err := m.arriveIn(ctx, p, some); err != nil {
			return err
		}
		for _, f := range some {
			if err := m.db.Client.Del(ctx, keysOf(from.String()).moving(f.ID)).Err(); err != nil {
				return err
			}
		}
		m.moved += len(some)
		m.progress(m.moved)
	}
	return nil
}

func (m *raise) arriveIn(ctx context.Context, p Partition, some []moving) error {
	keys := keysOf(p.String())
	commits := make([]*kv.Commit, len(some))
	for i, f := range some {
		c := kv.NewCommit(p.String(), keys.record(f.ID), "", 0)
		c.Intent = true
		c.Guard("GET", keys.partitions(), "", m.mark, m.mark)
		c.Write("SET", keys.record(f.ID), withExpiry(f.Text, f.Expires)...)
		if f.Payload != nil {
			c.Write("SET", keys.payload(f.ID), withExpiry(f.Payload, f.Drops)...)
		}
		for name, score := range f.Scores {
			c.Write("ZADD", keys.indexes()[name], strconv.FormatFloat(score, 'f', -1, 64), f.ID)
		}
		for reason, score := range f.Parked {
			c.Write("ZADD", keys.parked(reason), strconv.FormatFloat(score, 'f', -1, 64), f.ID)
			c.Write("SADD", keys.parkReasons(), reason)
		}
		commits[i] = c
	}
	results, errs := m.batcher.Commit(ctx, p.String(), commits...)
	for i, r := range results {
		switch {
		case errs[i] != nil:
			return storeError(errs[i])
		case r.Done:
		case r.Guard > 0:
			return fmt.Errorf("%w: another run has ended meanwhile", ErrPartitions)
		default: // an earlier run brought it here and died
			text, err := m.db.Client.Get(ctx, keys.record(some[i].ID)).Result()
			if err != nil {
				return err
			}
			if text != some[i].Text {
				return fmt.Errorf("%w: %s has another record in %s", ErrDamaged, keyFromID(m.provider, some[i].ID), p)
			}
		}
	}
	return nil
}

func withExpiry(value any, ms int64) []any {
	if ms == 0 {
		return []any{value}
	}
	return []any{value, "PX", ms}
}
