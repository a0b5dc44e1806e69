package delivery

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/outcomes"
)

// Store keeps in Redis what each receiver is still to get. All keys of a receiver share the hash
// tag of its queue:
//
//	cursors  how far each stream was read for it
//	open     its open deliveries by payment, and those of a payment in the order of the stream
//	since    the same, by the time since which each waits
//	parked   the deliveries that were given up, by that time
//	steps    what people did about it
//	feeder   which worker reads the streams for it, for some seconds
type Store struct {
	rdb   redis.UniversalClient
	batch *kv.Batcher
	// inspector looks at asynq's tasks.
	inspector *asynq.Inspector
	// providers are those whose streams are read.
	providers []string
	// mostParked bounds what a receiver that takes nothing adds to Redis; tests lower it.
	mostParked int64
}

// NewStore is on a client that stays the caller's. The streams are those of these providers.
func NewStore(rdb redis.UniversalClient, providers ...string) *Store {
	return &Store{rdb, kv.NewBatcher(kv.NewDB(rdb, false), 0, 0), asynq.NewInspectorFromRedisClient(rdb), providers, mostParked}
}

// QueuePrefix begins the names of the asynq queues of deliveries; a receiver's name follows.
const QueuePrefix = "webhooks-"

// Queue is the asynq queue of a receiver's deliveries.
func Queue(receiver string) string { return QueuePrefix + receiver }

func key(receiver, part string) string { return kv.Prefix(Queue(receiver)) + part }

// entry is an open or parked delivery. It names an entry of a stream and holds nothing of it.
type entry struct {
	// Key is the payment's, or what else the event is about.
	Key string
	// ID is the entry's in the stream.
	Stream, ID string
	// Suffix completes the event's id, behind the key.
	Suffix string
}

func entryOf(s stream, e outcomes.Event) entry {
	return entry{Key: e.Key, Stream: s.name, ID: e.StreamID, Suffix: strings.TrimPrefix(e.ID, e.Key+":")}
}

func (e entry) event() string { return e.Key + ":" + e.Suffix }

func (e entry) at() time.Time {
	ms, _, _ := parseID(e.ID)
	return time.UnixMilli(int64(ms)) // #nosec G115 -- Redis' own clock
}

// member is the entry in the sorted sets. Members of one key stand together, in the order of their
// stream: a blank sorts before all that a key may hold, and the id has a fixed width.
func (e entry) member() string {
	ms, sequence, _ := parseID(e.ID)
	return fmt.Sprintf("%s %016x-%016x %s %s", e.Key, ms, sequence, e.Stream, e.Suffix)
}

func parseMember(text string) (entry, bool) {
	f := strings.Split(text, " ")
	if len(f) != 4 {
		return entry{}, false
	}
	var ms, sequence uint64
	if n, err := fmt.Sscanf(f[1], "%x-%x", &ms, &sequence); n != 2 || err != nil {
		return entry{}, false
	}
	return entry{Key: f[0], Stream: f[2], ID: fmt.Sprintf("%d-%d", ms, sequence), Suffix: f[3]}, true
}

// begin sets the cursors of a receiver that has none to the ends of the streams: it gets what comes
// from now on. A stream that is new to a known receiver is read from its beginning.
func (s *Store) begin(ctx context.Context, receiver string, streams []stream) error {
	known, err := s.rdb.HGetAll(ctx, key(receiver, "cursors")).Result()
	if err != nil {
		return err
	}
	var missing []any
	for _, stream := range streams {
		if known[stream.name] != "" {
			continue
		}
		at := place{After: beginning}
		if len(known) == 0 {
			i, err := info(s.rdb.XInfoStream(ctx, stream.key))
			if err != nil {
				return err
			}
			at = place{i.LastGeneratedID, i.EntriesAdded}
		}
		missing = append(missing, stream.name, at.String())
	}
	if len(missing) == 0 {
		return nil
	}
	c := kv.NewGuardedCommit(Queue(receiver))
	for i := 0; i < len(missing); i += 2 { // another worker may be as far
		c.Guard("HGET", key(receiver, "cursors"), missing[i].(string), "", "")
	}
	c.Write("HSET", key(receiver, "cursors"), missing...)
	_, err = s.commit(ctx, receiver, c)
	return err
}

// commit writes a decision. done is false where a guard failed: something else was faster.
func (s *Store) commit(ctx context.Context, receiver string, c *kv.Commit) (done bool, err error) {
	results, errs := s.batch.Commit(ctx, Queue(receiver), c)
	return results[0].Done, errs[0]
}

// add opens deliveries, as long as the stream's cursor stands where it was read. Opening one again
// that is open changes nothing.
func (s *Store) add(ctx context.Context, receiver, stream, cursor string, all []entry) (done bool, err error) {
	if len(all) == 0 {
		return true, nil
	}
	c := kv.NewGuardedCommit(Queue(receiver))
	c.WhenFull = kv.RefuseWhenFull
	c.Guard("HGET", key(receiver, "cursors"), stream, cursor, cursor)
	for _, e := range all {
		openIn(c, receiver, e, e.at())
	}
	return s.commit(ctx, receiver, c)
}

func openIn(c *kv.Commit, receiver string, e entry, since time.Time) {
	c.Write("ZADD", key(receiver, "open"), "NX", 0, e.member())
	c.Write("ZADD", key(receiver, "since"), "NX", since.UnixMilli(), e.member())
}

// move moves a stream's cursor; done is false where it stands elsewhere.
func (s *Store) move(ctx context.Context, receiver, stream, from, to string) (done bool, err error) {
	c := kv.NewGuardedCommit(Queue(receiver))
	c.Guard("HGET", key(receiver, "cursors"), stream, from, from)
	c.Write("HSET", key(receiver, "cursors"), stream, to)
	return s.commit(ctx, receiver, c)
}

// head is the payment's oldest open delivery, the only one that may be sent.
func (s *Store) head(ctx context.Context, receiver, k string) (e entry, ok bool, err error) {
	found, err := s.rdb.ZRangeByLex(ctx, key(receiver, "open"), &redis.ZRangeBy{Min: "[" + k + " ", Max: "(" + k + "!", Count: 1}).Result()
	if err != nil || len(found) == 0 {
		return entry{}, false, err
	}
	e, ok = parseMember(found[0])
	return e, ok, nil
}

// close ends a delivery that has come to its end.
func (s *Store) close(ctx context.Context, receiver string, e entry) error {
	c := kv.NewGuardedCommit(Queue(receiver))
	closeIn(c, receiver, e)
	_, err := s.commit(ctx, receiver, c)
	return err
}

func closeIn(c *kv.Commit, receiver string, e entry) {
	c.Write("ZREM", key(receiver, "open"), e.member())
	c.Write("ZREM", key(receiver, "since"), e.member())
}

// mostParked is how many parked deliveries a receiver may have. Beyond it nothing is given up, and
// what comes then waits in the stream.
const mostParked = 100_000

var errManyParked = errors.New("as many deliveries are parked as may be")

// park gives up a delivery until a person has it sent again.
func (s *Store) park(ctx context.Context, receiver string, e entry, now time.Time) error {
	n, err := s.rdb.ZCard(ctx, key(receiver, "parked")).Result()
	if err != nil {
		return err
	}
	if n >= s.mostParked {
		return errManyParked
	}
	c := kv.NewGuardedCommit(Queue(receiver))
	closeIn(c, receiver, e)
	c.Write("ZADD", key(receiver, "parked"), now.UnixMilli(), e.member())
	_, err = s.commit(ctx, receiver, c)
	return err
}

// Backlog is what a receiver has not got yet: its open and its parked deliveries, and how long the
// oldest event has been waiting that is neither delivered nor parked, by the store's clock; 0 where
// none is.
func (s *Store) Backlog(ctx context.Context, receiver string) (open, parked int64, lag time.Duration, err error) {
	pipe := s.rdb.Pipeline()
	opened, given := pipe.ZCard(ctx, key(receiver, "open")), pipe.ZCard(ctx, key(receiver, "parked"))
	first := pipe.ZRangeWithScores(ctx, key(receiver, "since"), 0, 0)
	cursors := pipe.HGetAll(ctx, key(receiver, "cursors"))
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, 0, 0, err
	}
	oldest, err := s.firstUnread(ctx, cursors.Val())
	if err != nil {
		return 0, 0, 0, err
	}
	for _, z := range first.Val() {
		oldest = min(oldest, int64(z.Score))
	}
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return 0, 0, 0, err
	}
	return opened.Val(), given.Val(), time.Duration(max(now.UnixMilli()-oldest, 0)) * time.Millisecond, nil
}

// firstUnread is the time of the oldest entry behind the cursors, far in the future for none.
func (s *Store) firstUnread(ctx context.Context, cursors map[string]string) (ms int64, err error) {
	pipe := s.rdb.Pipeline()
	var first []*redis.XMessageSliceCmd
	for name, cursor := range cursors {
		if at, err := parsePlace(cursor); err == nil {
			first = append(first, pipe.XRangeN(ctx, streamNamed(name).key, "("+at.After, "+", 1))
		}
	}
	const never = int64(1) << 62
	ms = never
	if len(first) == 0 {
		return ms, nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return ms, err
	}
	for _, cmd := range first {
		for _, m := range cmd.Val() {
			ms = min(ms, entry{ID: m.ID}.at().UnixMilli())
		}
	}
	return ms, nil
}

// Delivery is one that is parked.
type Delivery struct {
	Receiver string `json:"receiver"`
	EventID  string `json:"event_id"`
	Key      string `json:"key"`
	StreamID string `json:"stream_id"`
	ParkedAt string `json:"parked_at"`
}

// Parked lists a receiver's parked deliveries, the first that was parked first, most at the most.
func (s *Store) Parked(ctx context.Context, receiver string, most int64) ([]Delivery, error) {
	found, err := s.rdb.ZRangeWithScores(ctx, key(receiver, "parked"), 0, most-1).Result()
	if err != nil {
		return nil, err
	}
	all := make([]Delivery, 0, len(found))
	for _, z := range found {
		member, _ := z.Member.(string)
		if e, ok := parseMember(member); ok {
			all = append(all, Delivery{receiver, e.event(), e.Key, e.ID, time.UnixMilli(int64(z.Score)).UTC().Format(time.RFC3339)})
		}
	}
	return all, nil
}

// Step is something that a person did about a receiver.
type Step struct {
	At    string `json:"at"`
	By    string `json:"by"`
	Note  string `json:"note"`
	Count int64  `json:"count"`
}

// mostSteps is how many steps of a receiver are kept.
const mostSteps = 1000

func (s *Store) addStep(ctx context.Context, receiver, by, note string, count int) error {
	return s.rdb.XAdd(ctx, &redis.XAddArgs{Stream: key(receiver, "steps"), MaxLen: mostSteps, Approx: true, Values: []any{"by", by, "note", note, "count", count}}).Err()
}

// Steps lists a receiver's last steps, the newest first, most at the most.
func (s *Store) Steps(ctx context.Context, receiver string, most int64) ([]Step, error) {
	found, err := s.rdb.XRevRangeN(ctx, key(receiver, "steps"), "+", "-", most).Result()
	if err != nil {
		return nil, err
	}
	all := make([]Step, 0, len(found))
	for _, m := range found {
		text := func(name string) string { t, _ := m.Values[name].(string); return t }
		n, _ := strconv.ParseInt(text("count"), 10, 64)
		all = append(all, Step{entry{ID: m.ID}.at().UTC().Format(time.RFC3339), text("by"), text("note"), n})
	}
	return all, nil
}
