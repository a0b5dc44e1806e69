package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/internal/kv"
)

// redisStore keeps records in Redis: a record's JSON text under one key, its payload under another,
// and indexes beside them.
type redisStore struct {
	db      *kv.DB
	batcher *kv.Batcher
	counts  *partitionCounts
	// checked has the providers for whose numbers of partitions Redis agrees.
	checked sync.Map
}

var _ Store = (*redisStore)(nil)

func newRedisStore(client redis.UniversalClient, o Options, counts *partitionCounts) *redisStore {
	db := kv.NewDB(client, o.TestClock)
	return &redisStore{db: db, batcher: kv.NewBatcher(db, o.Replicas, o.ReplicaTimeout), counts: counts}
}

// OutcomesKey is the stream of outcome events of a partition, by its name: a provider's name is
// that of its home partition.
func OutcomesKey(partition string) string { return kv.OutcomesKey(partition) }

// ChargeUpdatesKey is the index of changes of subscriptions' charges: members "subscription|id" by
// time in ms.
func ChargeUpdatesKey(provider string) string { return kv.ChargeUpdatesKey(provider) }

// keyspace names the keys of one partition.
type keyspace struct{ partition, prefix string }

func keysOf(partition string) keyspace { return keyspace{partition, kv.Prefix(partition)} }

func (p keyspace) record(id string) string  { return p.prefix + "p:" + id }
func (p keyspace) payload(id string) string { return p.prefix + "d:" + id }

// moving keeps a payment that is between two partitions.
func (p keyspace) moving(id string) string { return p.prefix + "moving:" + id }
func (p keyspace) due() string             { return p.prefix + "due" }
func (p keyspace) states() string          { return p.prefix + "states" }
func (p keyspace) anomalies() string       { return p.prefix + "anomalies" }
func (p keyspace) queryProof() string      { return p.prefix + "query-proof" }
func (p keyspace) epoch() string           { return kv.EpochKey(p.partition) }
func (p keyspace) epochLog() string        { return p.prefix + "epochs" }
func (p keyspace) sequence() string        { return p.prefix + "sequence" }
func (p keyspace) suspects() string        { return p.prefix + "suspects" }
func (p keyspace) accountedFor(epoch int64) string {
	return p.prefix + "accounted:" + strconv.FormatInt(epoch, 10)
}
func (p keyspace) rejected() string                { return p.prefix + "rejected" }
func (p keyspace) rejectedTasks() string           { return p.prefix + "rejected:tasks" }
func (p keyspace) halted() string                  { return p.prefix + "halted" }
func (p keyspace) parkReasons() string             { return p.prefix + "parked" }
func (p keyspace) parked(reason string) string     { return p.prefix + "parked:" + reason }
func (p keyspace) partitions() string              { return p.prefix + "partitions" }
func (p keyspace) halts() string                   { return p.prefix + "halts" }
func (p keyspace) object(account, o string) string { return p.prefix + "object:" + account + ":" + o }

func (p keyspace) counter(account, currency string, c rules.Counter) string {
	return p.prefix + "limit:" + account + ":" + currency + ":" + string(c)
}

// lookalike is the key of all payments of an account with this meaning; a fingerprint is a hash.
func (p keyspace) lookalike(account, fingerprint string) string {
	return p.prefix + "lookalike:" + account + ":" + fingerprint
}

// alias hashes the alias, because a session token opens a payment page.
func (p keyspace) alias(alias string) string {
	sum := sha256.Sum256([]byte(alias))
	return p.prefix + "alias:" + hex.EncodeToString(sum[:16])
}

// decode parses a record's text. It returns ErrDamaged for anything that is not a record.
func decode(text string) (rules.Record, error) {
	r, err := rules.ParseRecord(text)
	if err != nil {
		return r, fmt.Errorf("%w: it is no JSON of a record", ErrDamaged)
	}
	if rank[r.State] == 0 && !r.State.Final() {
		return r, fmt.Errorf("%w: it has no state", ErrDamaged)
	}
	return r, nil
}

// rank is the place of an indexed state in the states index.
var rank = map[State]int{Queued: 1, Sending: 2, Ready: 3, InDoubt: 4, Pending: 5, Held: 6, Blocked: 7, Failed: 8}

// rankDistance is the difference of scores between two states; within a state the oldest come
// first.
const rankDistance = 1e14

func score(s State, at rules.Time) string {
	return strconv.FormatInt(int64(rank[s])*rankDistance+int64(at), 10)
}

// Commit implements Store.
func (s *redisStore) Commit(ctx context.Context, partition string, requests []CommitRequest) ([]CommitResult, []error) {
	out := make([]CommitResult, len(requests))
	errs := make([]error, len(requests))
	var sent []*kv.Commit
	var places []int
	for i, d := range requests {
		var c *kv.Commit
		if c, out[i].Text, errs[i] = s.commit(partition, d); errs[i] == nil {
			sent, places = append(sent, c), append(places, i)
		}
	}
	results, failed := s.batcher.Commit(ctx, partition, sent...)
	for n, i := range places {
		r := results[n]
		out[i].Done, out[i].Changed, out[i].Found, out[i].Sequence = r.Done, r.Changed || r.Stale, r.Found, r.Count
		errs[i] = storeError(failed[n])
		switch {
		case errs[i] != nil:
		case r.Outdated:
			out[i].FailedGuard = rules.EpochCurrent
		case r.Guard > 0:
			out[i].FailedGuard = guardAt(requests[i], r.Guard)
		}
	}
	return out, errs
}

// guardAt returns the guard with the script's number n.
func guardAt(d CommitRequest, n int) rules.Guard {
	if n <= len(d.Change.Guards) {
		return d.Change.Guards[n-1]
	}
	if n -= len(d.Change.Guards); n <= len(d.Change.Bounds) {
		return rules.Guard(d.Change.Bounds[n-1].Counter)
	}
	return ""
}

func storeError(err error) error {
	switch {
	case kv.IsFull(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, kv.ErrReplicas):
		return fmt.Errorf("%w: %w", ErrReplicas, err)
	}
	return err
}

// commit turns a change into guards and writes, and also returns the record's new text.
func (s *redisStore) commit(partition string, d CommitRequest) (out *kv.Commit, written string, err error) {
	p, id, c := keysOf(partition), d.Key.id(), &d.Change
	out = kv.NewCommit(partition, p.record(id), d.Text, int64(d.Now))
	if c.RefusedWhenFull {
		out.WhenFull = kv.RefuseWhenFull
	}
	out.Intent = c.NeedsReplicas
	out.InEpoch(d.inEpoch())
	for _, g := range c.Guards {
		guard(out, p, d, g)
	}
	writeCounters(out, p, d)
	if d.Text == "" && c.RecordChanged && partitionAmong(s.counts.of(d.Key.Provider), d.Key).String() != partition {
		return nil, "", changedPartitions(d.Key.Provider) // another caller has just learned of a change
	}
	if c.RecordChanged {
		text, err := c.Record.MarshalJSON() // json.Marshal would check and copy it once more
		if err != nil {
			return nil, "", err
		}
		written = string(text)
		args := []any{written}
		if c.Record.Expires() {
			args = append(args, "PX", d.Retention.Milliseconds())
		}
		out.Write("SET", p.record(id), args...)
	}
	writePayload(out, p, d)
	writeIndexes(out, p, d)
	if c.Claim {
		out.Write("SET", p.object(d.Key.Account, d.Object), id)
	}
	if c.ChargeGuard {
		out.Write("DEL", d.ChargeGuard) // a guard is good for one record, even after that record expires
	}
	if c.QueryProof != "" {
		out.Write("HSET", p.queryProof(), d.Key.Account, string(c.QueryProof))
	}
	if c.CountsSend {
		out.Write("INCR", p.sequence())
	}
	for _, e := range c.Events {
		out.Append(entry(d.Key, e, d.EpochNumber), d.OutcomesRetention)
	}
	return out, written, nil
}

func guard(out *kv.Commit, p keyspace, d CommitRequest, g rules.Guard) {
	id := d.Key.id()
	switch g {
	case rules.NotHalted:
		out.Neither(p.halted(), AllAccounts, d.Key.Account)
	case rules.ChargeGuardHeld:
		out.Guard("GET", d.ChargeGuard, "", id, id)
	case rules.ObjectFree:
		out.Guard("GET", p.object(d.Key.Account, d.Object), "", "", id)
	case rules.QueryNotProbed:
		out.Guard("HGET", p.queryProof(), d.Key.Account, "", "")
	case rules.NoLookalike:
		out.Guard("GET", p.lookalike(d.Key.Account, d.Change.Record.Fingerprint), "", "", id)
	case rules.EpochCurrent: // see inEpoch
	}
}

// writeCounters adds the bounds and counts of the account's counters. They are the first writes: if
// Redis refuses one, nothing has been written.
func writeCounters(out *kv.Commit, p keyspace, d CommitRequest) {
	c := &d.Change
	for _, b := range c.Bounds {
		out.AtMost(p.counter(d.Key.Account, c.Record.Currency, b.Counter), b.Oldest, b.Most)
	}
	for _, n := range c.Counts {
		out.Write("HINCRBY", p.counter(d.Key.Account, c.Record.Currency, n.Counter), n.Bucket, n.Add)
	}
	if c.Lookalike > 0 {
		out.Write("SET", p.lookalike(d.Key.Account, c.Record.Fingerprint), d.Key.id(), "PX", c.Lookalike.Milliseconds())
	}
}

func writePayload(out *kv.Commit, p keyspace, d CommitRequest) {
	key := p.payload(d.Key.id())
	switch d.Change.Payload {
	case rules.KeepPayload:
	case rules.SetPayload:
		out.Write("SET", key, d.Payload)
	case rules.DropPayload:
		out.Write("DEL", key)
	case rules.ExpirePayload:
		out.Write("PEXPIRE", key, min(rules.RetryWindow, d.Retention).Milliseconds())
	case rules.RevivePayload:
		out.Write("PERSIST", key)
	}
}

func writeIndexes(out *kv.Commit, p keyspace, d CommitRequest) {
	c, id := &d.Change, d.Key.id()
	r := &c.Record
	switch {
	case c.Due.Keep:
	case c.Due.At != 0:
		out.Write("ZADD", p.due(), int64(c.Due.At), id)
	default:
		out.Write("ZREM", p.due(), id)
	}
	switch {
	case !c.StateChanged:
	case r.State == Failed:
		out.Write("ZADD", p.states(), score(Failed, d.Now), id)
		out.Write("ZREMRANGEBYSCORE", p.states(), score(Failed, 0), score(Failed, d.Now.Add(-rules.RetryWindow)))
	case rank[r.State] > 0:
		out.Write("ZADD", p.states(), score(r.State, r.Created), id)
	default:
		out.Write("ZREM", p.states(), id)
	}
	switch {
	case c.AnomalyRaised != "":
		out.Write("ZADD", p.anomalies(), int64(d.Now), id)
	case c.AnomalyCleared:
		out.Write("ZREM", p.anomalies(), id)
	}
	if c.Suspected {
		out.Write("ZADD", p.suspects(), int64(d.Now), id)
		out.Write("ZREMRANGEBYSCORE", p.suspects(), 0, int64(d.Now.Add(-rules.RetryWindow)))
	}
	if c.ParkReason != "" {
		out.Write("ZADD", p.parked(c.ParkReason), parkScore(r), id)
		out.Write("SADD", p.parkReasons(), c.ParkReason)
	}
	if c.ChargeUpdate {
		out.Write("ZADD", kv.ChargeUpdatesKey(out.Owner), int64(d.Now), r.Subscription+"|"+id)
	}
}

// bulkScore is what the scores of parked bulk payments have in addition.
const bulkScore = 1e14

// parkScore orders parked payments by their registration, bulk payments behind all others.
func parkScore(r *rules.Record) int64 {
	if r.Bulk {
		return int64(r.Created) + bulkScore
	}
	return int64(r.Created)
}

// parkScores are the bounds of the scores of bulk payments, or of the others.
func parkScores(bulk bool) (low, high string) {
	border := strconv.FormatInt(bulkScore, 10)
	if bulk {
		return border, "+inf"
	}
	return "-inf", "(" + border
}

// entry makes the entry of the outcome stream for an event.
func entry(k Key, e rules.Event, epoch int64) kv.OutcomeEvent {
	r := &e.Payment
	return kv.OutcomeEvent{
		Key: k.String(), Type: r.Type, State: string(r.State), Reference: k.Reference, ProviderID: r.ProviderID, Code: r.Code,
		Message: r.Message, Decline: string(r.Decline), Amount: r.Amount, Currency: r.Currency, Attempt: r.AttemptCount,
		At: asTime(r.Updated), Metadata: r.Metadata, ActionURL: r.ActionURL, Event: string(e.Kind), Epoch: epoch, Version: r.Version,
		Account: k.Account, Subscription: r.Subscription, Period: r.Period,
	}
}

// Epoch implements Store.
func (s *redisStore) Epoch(ctx context.Context, partition string) (StoreReading, error) {
	if err := s.checkOnce(ctx, partition); err != nil {
		return StoreReading{}, err
	}
	p := keysOf(partition)
	var texts *redis.SliceCmd
	var info *redis.StringCmd
	var halts *redis.MapStringStringCmd
	err := s.batcher.Read(ctx, partition, func(pipe redis.Pipeliner) {
		texts, halts = pipe.MGet(ctx, p.epoch(), p.sequence(), p.partitions()), pipe.HGetAll(ctx, p.halted())
		info = pipe.Info(ctx, "server")
	})
	if err != nil {
		return StoreReading{}, err
	}
	now, err := s.timeOf(ctx, partition, info.Val())
	if err := errors.Join(err, texts.Err(), halts.Err()); err != nil {
		return StoreReading{}, err
	}
	var epoch, sequence, number string
	for i, into := range []*string{&epoch, &sequence, &number} {
		*into, _ = texts.Val()[i].(string)
	}
	out := StoreReading{Epoch: epoch, Halts: halts.Val(), Now: rules.Time(now)}
	out.RunID = kv.RunID(info.Val())
	if sequence != "" {
		if out.Sequence, err = strconv.ParseInt(sequence, 10, 64); err != nil {
			return StoreReading{}, fmt.Errorf("%w: the count of sends is no number", ErrDamaged)
		}
	}
	return out, s.checkNumber(ctx, providerOf(partition), number)
}

// timeOf is the store's time, which a reply to INFO tells, too: an idle worker asks every second.
func (s *redisStore) timeOf(ctx context.Context, partition, info string) (int64, error) {
	if us, err := strconv.ParseInt(kv.InfoField(info, "server_time_usec"), 10, 64); err == nil && !s.db.TestClock {
		return us / 1000, nil
	}
	return s.now(ctx, partition)
}

// CommitEpoch implements Store.
func (s *redisStore) CommitEpoch(ctx context.Context, partition string, e EpochCommit) (bool, error) {
	p := keysOf(partition)
	c := kv.NewCommit(partition, p.epoch(), e.From, 0)
	c.Intent = true
	guardPartitions(c, partition, s.counts.of(providerOf(partition))) // where it fails, the next reading says why
	c.Write("SET", p.epoch(), e.To)
	if e.Sequence > 0 {
		c.Write("SET", p.sequence(), e.Sequence)
	}
	if e.Change != rules.EpochFirst {
		c.Write("ZADD", p.epochLog(), int64(e.Now), string(e.Change)+" "+e.To)
		c.Append(epochEvent(partition, e), e.OutcomesRetention)
	}
	written, errs := s.batcher.Commit(ctx, partition, c)
	return written[0].Done, storeError(errs[0])
}

// epochEvent names the partition as its key: each partition counts its own epochs.
func epochEvent(partition string, e EpochCommit) kv.OutcomeEvent {
	return kv.OutcomeEvent{
		Key: partition, Code: string(e.Change), Event: "epoch", At: asTime(e.Now), Epoch: e.Number, Version: e.Version,
	}
}

// AccountFor implements Store.
func (s *redisStore) AccountFor(ctx context.Context, partition string, epoch int64, sequences []int64) (int64, error) {
	key, pipe := keysOf(partition).accountedFor(epoch), s.db.Client.Pipeline()
	for part := range slices.Chunk(sequences, registerAtOnce) {
		members := make([]any, len(part))
		for i, n := range part {
			members[i] = n
		}
		pipe.SAdd(ctx, key, members...)
	}
	pipe.PExpire(ctx, key, rules.RetryWindow)
	size := pipe.SCard(ctx, key)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, err
	}
	return size.Val(), nil
}

// Due implements Store.
func (s *redisStore) Due(ctx context.Context, partition string, limit int) ([]string, error) {
	if err := s.checkOnce(ctx, partition); err != nil {
		return nil, err
	}
	now, err := s.now(ctx, partition)
	if err != nil {
		return nil, err
	}
	return s.db.Client.ZRangeByScore(ctx, keysOf(partition).due(), &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(now, 10), Count: int64(limit),
	}).Result()
}

// AnyDue implements Store.
func (s *redisStore) AnyDue(ctx context.Context, partition string) (bool, error) {
	if err := s.checkOnce(ctx, partition); err != nil {
		return false, err
	}
	first, err := s.db.Client.ZRangeWithScores(ctx, keysOf(partition).due(), 0, 0).Result()
	if err != nil || len(first) == 0 {
		return false, err
	}
	now, err := s.now(ctx, partition)
	return int64(first[0].Score) <= now, err
}

func (s *redisStore) now(ctx context.Context, partition string) (int64, error) {
	now, err := s.batcher.Now(ctx, partition)
	return now.UnixMilli(), err
}

// Postpone implements Store.
func (s *redisStore) Postpone(ctx context.Context, partition, id string, by time.Duration) error {
	now, err := s.now(ctx, partition)
	if err != nil {
		return err
	}
	due := redis.Z{Score: float64(rules.Time(now).Add(by)), Member: id}
	return s.db.Client.ZAddXX(ctx, keysOf(partition).due(), due).Err()
}

// ParkReasons implements Store.
func (s *redisStore) ParkReasons(ctx context.Context, partition string, ids []string) (map[string]string, error) {
	p := keysOf(partition)
	reasons, err := s.db.Client.SMembers(ctx, p.parkReasons()).Result()
	if err != nil || len(reasons) == 0 || len(ids) == 0 {
		return nil, err
	}
	pipe := s.db.Client.Pipeline()
	scores := make([]*redis.FloatSliceCmd, len(reasons))
	for i, reason := range reasons {
		scores[i] = pipe.ZMScore(ctx, p.parked(reason), ids...)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i, reason := range reasons {
		for n, score := range scores[i].Val() {
			if score > 0 {
				out[ids[n]] = reason
			}
		}
	}
	return out, nil
}

// Unpark implements Store. It makes payments due before it unparks them, so that a crash in between
// forgets none.
func (s *redisStore) Unpark(ctx context.Context, partition string, g ParkedGroup, limit int) (int, error) {
	p, reason := keysOf(partition), g.Reason
	low, high := parkScores(g.Bulk)
	first := redis.ZRangeBy{Min: low, Max: high, Count: int64(limit)}
	ids, err := s.db.Client.ZRangeByScore(ctx, p.parked(reason), &first).Result()
	if err != nil {
		return 0, err
	}
	now, err := s.now(ctx, partition)
	if err != nil {
		return 0, err
	}
	c := kv.NewCommit(partition, p.prefix+"none", "", 0)
	for _, id := range ids {
		c.Write("ZADD", p.due(), now, id)
		c.Write("ZREM", p.parked(reason), id)
	}
	forget := kv.NewCommit(partition, p.prefix+"none", "", 0)
	forget.Guard("EXISTS", p.parked(reason), "", "0", "0")
	forget.Write("SREM", p.parkReasons(), reason)
	_, errs := s.batcher.Commit(ctx, partition, c, forget)
	return len(ids), errors.Join(errs...)
}

// ParkedGroups implements Store.
func (s *redisStore) ParkedGroups(ctx context.Context, partition string) (map[ParkedGroup]int64, error) {
	p := keysOf(partition)
	reasons, err := s.db.Client.SMembers(ctx, p.parkReasons()).Result()
	if err != nil || len(reasons) == 0 {
		return nil, err
	}
	pipe := s.db.Client.Pipeline()
	counts := map[ParkedGroup]*redis.IntCmd{}
	for _, reason := range reasons {
		for _, bulk := range []bool{false, true} {
			low, high := parkScores(bulk)
			counts[ParkedGroup{reason, bulk}] = pipe.ZCount(ctx, p.parked(reason), low, high)
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := map[ParkedGroup]int64{}
	for g, n := range counts {
		if n.Val() > 0 {
			out[g] = n.Val()
		}
	}
	return out, nil
}

// EndThrottle implements Store: the account's next request becomes a probe. A full Redis refuses
// that write, and the throttling is deleted instead.
func (s *redisStore) EndThrottle(ctx context.Context, provider, account string) error {
	accounts, err := s.db.Client.HKeys(ctx, ThrottledKey(provider)).Result()
	for _, name := range accounts {
		if err == nil && (account == "" || account == name) {
			if err = s.db.Client.HSet(ctx, ThrottledKey(provider), name, "0|0").Err(); err != nil {
				err = s.db.Client.HDel(ctx, ThrottledKey(provider), name).Err()
			}
		}
	}
	return err
}

// AwaitReplicas implements Store.
func (s *redisStore) AwaitReplicas(ctx context.Context, partition string) error {
	return storeError(s.batcher.AwaitReplicas(ctx, partition))
}

// Alias implements Store.
func (s *redisStore) Alias(ctx context.Context, provider, alias, id string, keep time.Duration) error {
	return s.db.Client.Set(ctx, keysOf(provider).alias(alias), id, keep).Err()
}

// Find implements Store.
func (s *redisStore) Find(ctx context.Context, provider, alias string) (string, error) {
	id, err := s.db.Client.Get(ctx, keysOf(provider).alias(alias)).Result()
	if errors.Is(err, redis.Nil) {
		return "", ErrUnknown
	}
	if err != nil {
		return "", fmt.Errorf("find in %s: %w", provider, err)
	}
	return id, nil
}

// keptHalts is how many entries the log of halts keeps.
const keptHalts = 1000

// Halt implements Store. It uses the script that works although Redis is full, and compares with no
// record, because an operator's halt depends on none.
func (s *redisStore) Halt(ctx context.Context, partition, account, text string, halted bool) error {
	if err := s.checkOnce(ctx, partition); err != nil {
		return err
	}
	now, err := s.now(ctx, partition)
	if err != nil {
		return err
	}
	p := keysOf(partition)
	text = asTime(rules.Time(now)).Format("2006-01-02T15:04:05.000Z") + " " + text
	c := kv.NewGuardedCommit(partition)
	c.Intent = true
	guardPartitions(c, partition, s.counts.of(providerOf(partition))) // a halt that misses a new partition halts nothing there
	if halted {
		c.Write("HSET", p.halted(), account, text)
	} else {
		c.Write("HDEL", p.halted(), account)
	}
	c.Write("LPUSH", p.halts(), text)
	c.Write("LTRIM", p.halts(), 0, keptHalts-1)
	results, errs := s.batcher.Commit(ctx, partition, c)
	if errs[0] == nil && results[0].Guard > 0 {
		if err := s.checkAgain(ctx, providerOf(partition)); err != nil {
			return err
		}
		return ErrContended // the number is right again
	}
	return storeError(errs[0])
}

// Halts implements Store.
func (s *redisStore) Halts(ctx context.Context, partition string) (map[string]string, error) {
	if err := s.checkOnce(ctx, partition); err != nil {
		return nil, err
	}
	m, err := s.db.Client.HGetAll(ctx, keysOf(partition).halted()).Result()
	if err != nil {
		return nil, fmt.Errorf("halts %s: %w", partition, err)
	}
	return m, nil
}

func bounds(s State) (low, high string) {
	return strconv.Itoa(rank[s]) + "00000000000000", "(" + strconv.Itoa(rank[s]+1) + "00000000000000"
}

const page = 500

// ListIDs implements Store.
func (s *redisStore) ListIDs(ctx context.Context, partition string, i Index, yield func([]string) (bool, error)) error {
	if err := s.checkOnce(ctx, partition); err != nil {
		return err
	}
	p := keysOf(partition)
	low, high := bounds(i.State)
	switch {
	case i.Anomalies:
		return s.walk(ctx, p.anomalies(), redis.ZRangeBy{Min: "-inf", Max: "+inf", Count: int64(i.Limit)}, yield)
	case i.Suspected:
		return s.walk(ctx, p.suspects(), redis.ZRangeBy{Min: "-inf", Max: "+inf", Count: int64(i.Limit)}, yield)
	case i.Open:
		_, end := bounds(Blocked)
		return s.walk(ctx, p.states(), redis.ZRangeBy{Min: "-inf", Max: end, Count: int64(i.Limit)}, yield)
	case rank[i.State] > 0:
		if i.Since > 0 {
			low = score(i.State, i.Since)
		}
		return s.walk(ctx, p.states(), redis.ZRangeBy{Min: low, Max: high, Count: int64(i.Limit)}, yield)
	default:
		return s.scan(ctx, p, yield)
	}
}

// walk reads an index at once, so that no payment that changes meanwhile is missed or seen twice.
func (s *redisStore) walk(ctx context.Context, index string, by redis.ZRangeBy, yield func([]string) (bool, error)) error {
	ids, err := s.db.Client.ZRangeByScore(ctx, index, &by).Result()
	if err != nil {
		return fmt.Errorf("list %s: %w", index, err)
	}
	for len(ids) > 0 {
		n := min(page, len(ids))
		if more, err := yield(ids[:n]); err != nil || !more {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// scan calls yield with the ids of all records, each once.
func (s *redisStore) scan(ctx context.Context, p keyspace, yield func([]string) (bool, error)) error {
	return s.scanNames(ctx, p.record, yield)
}

// scanNamed calls each with the ids of all keys that name makes of an id.
func (s *redisStore) scanNamed(ctx context.Context, name func(id string) string, each func(ids []string) error) error {
	return s.scanNames(ctx, name, func(ids []string) (bool, error) { return true, each(ids) })
}

func (s *redisStore) scanNames(ctx context.Context, name func(id string) string, yield func([]string) (bool, error)) error {
	node, err := s.db.Node(ctx, name(""))
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	var ids []string
	it := node.Scan(ctx, 0, name("*"), page).Iterator()
	for it.Next(ctx) {
		id := strings.TrimPrefix(it.Val(), name(""))
		if seen[id] {
			continue
		}
		seen[id] = true
		if ids = append(ids, id); len(ids) < page {
			continue
		}
		if more, err := yield(ids); err != nil || !more {
			return err
		}
		ids = ids[:0]
	}
	if err := it.Err(); err != nil || len(ids) == 0 {
		return err
	}
	_, err = yield(ids)
	return err
}

// ScanIDs implements Store.
func (s *redisStore) ScanIDs(ctx context.Context, partition, cursor string) (ids []string, next string, err error) {
	if err := s.checkOnce(ctx, partition); err != nil {
		return nil, "", err
	}
	p, at := keysOf(partition), uint64(0)
	if cursor != "" {
		if at, err = strconv.ParseUint(cursor, 10, 64); err != nil {
			return nil, "", fmt.Errorf("scan %s: %w", partition, ErrCursor)
		}
	}
	node, err := s.db.Node(ctx, p.prefix)
	if err != nil {
		return nil, "", err
	}
	keys, at, err := node.Scan(ctx, at, p.record("*"), page).Result()
	if err != nil {
		return nil, "", fmt.Errorf("scan %s: %w", partition, err)
	}
	for _, key := range keys {
		ids = append(ids, strings.TrimPrefix(key, p.record("")))
	}
	if at > 0 {
		next = strconv.FormatUint(at, 10)
	}
	return ids, next, nil
}

// Counts implements Store.
func (s *redisStore) Counts(ctx context.Context, partition string) (map[State]int64, error) {
	if err := s.checkOnce(ctx, partition); err != nil {
		return nil, err
	}
	pipe := s.db.Client.Pipeline()
	cmds := map[State]*redis.IntCmd{}
	for state := range rank {
		low, high := bounds(state)
		cmds[state] = pipe.ZCount(ctx, keysOf(partition).states(), low, high)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("count %s: %w", partition, err)
	}
	out := map[State]int64{}
	for state, c := range cmds {
		out[state] = c.Val()
	}
	return out, nil
}

// Stats implements Store.
func (s *redisStore) Stats(ctx context.Context, partition string) (StoreStats, error) {
	if err := s.checkOnce(ctx, partition); err != nil {
		return StoreStats{}, err
	}
	p := keysOf(partition)
	pipe := s.db.Client.Pipeline()
	clock := s.db.Clock(ctx, pipe, partition)
	due := pipe.ZRangeWithScores(ctx, p.due(), 0, 0)
	anomalies := pipe.ZCard(ctx, p.anomalies())
	halts := pipe.HLen(ctx, p.halted())
	if _, err := pipe.Exec(ctx); err != nil {
		return StoreStats{}, err
	}
	now, err := clock()
	v := StoreStats{Now: rules.Time(now), Anomalies: anomalies.Val(), Halts: halts.Val()}
	if first := due.Val(); len(first) > 0 {
		v.OldestDue = rules.Time(first[0].Score)
	}
	return v, err
}

// Ping implements Store.
func (s *redisStore) Ping(ctx context.Context) error {
	if err := s.db.Client.Ping(ctx).Err(); err != nil {
		return errors.Join(errors.New("redis does not answer"), err)
	}
	return nil
}
