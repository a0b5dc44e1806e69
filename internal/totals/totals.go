// Package totals keeps exact counts and sums of what became of payments, so that a page which shows
// them costs the same at a million payments as at ten.
//
// They are folded from the outcome streams, off the path of any payment. Each entry counts exactly
// once: the figures and the id of the last entry that is in them change in one step, and only if
// that id is still the one that was read. So any number of workers may fold at the same time, and
// any of them may die at any moment.
//
// A figure counts transitions, not payments: see docs/totals.md. An entry counts in the hour, and
// in the day of UTC, in which the store wrote it.
package totals

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/outcomes"
)

const (
	// HoursKept and DaysKept are how long the figures of an hour and of a day are kept.
	HoursKept = 40 * 24 * time.Hour
	DaysKept  = 400 * 24 * time.Hour
)

const (
	// interval is the time between two looks at a stream. After quietLooks looks at which nothing
	// was new, as at a provider that nobody uses, only each quietEvery-th of them is made.
	interval   = 2 * time.Second
	quietLooks = 30
	quietEvery = 5
	// batch is how many entries are counted in one step; reading them keeps Redis busy for less
	// than a millisecond.
	batch = 250
)

// Ledger returns when payments were registered, without those that it does not know.
type Ledger interface {
	RegisteredAt(ctx context.Context, owner string, keys []idempotency.Key) (map[idempotency.Key]time.Time, error)
}

// Options of the totals.
type Options struct {
	// Redis stays the caller's to close.
	Redis redis.UniversalClient
	// Streams are the owners of the outcome streams, by provider: the part between the braces of
	// their keys.
	Streams map[string][]string
	// Ledger tells when payments were registered. Without it, times to the outcome are not counted.
	Ledger Ledger
	Log    zerolog.Logger
}

// Totals folds outcome streams, and reads the figures. It is safe for concurrent use.
type Totals struct {
	Options
	batcher *kv.Batcher

	mu sync.Mutex
	// folded has the last entry of each stream that is known to be counted.
	folded map[string]string
	// quiet counts, by stream, the last looks at which nothing was new.
	quiet map[string]int
	// closed has the figures of past hours, which change no more.
	closed map[string]closedHours
}

// New makes the totals; it dials nothing. Run folds, and need not run where they are only read.
func New(o Options) *Totals {
	return &Totals{
		Options: o, batcher: kv.NewBatcher(kv.NewDB(o.Redis, false), 0, 0), folded: map[string]string{}, quiet: map[string]int{},
		closed: map[string]closedHours{},
	}
}

// Run folds what is new in all streams, again and again until ctx is done. All workers may do so at
// the same time. A stream in which nothing is new costs one command every two seconds, and one
// every ten once that was so for a minute.
func (t *Totals) Run(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	failing := false
	for n := 0; ; n++ {
		err := t.foldAll(ctx, func(owner string) bool { return t.looksAt(owner, n) })
		if err != nil && !failing && ctx.Err() == nil {
			t.Log.Warn().Err(err).Msg("totals: trying again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// FoldAll folds what is new in all streams. It leaves a stream to others that fold it meanwhile.
func (t *Totals) FoldAll(ctx context.Context) error {
	return t.foldAll(ctx, func(string) bool { return true })
}

func (t *Totals) foldAll(ctx context.Context, looksAt func(owner string) bool) error {
	var errs []error
	for _, provider := range slices.Sorted(maps.Keys(t.Streams)) {
		for _, owner := range t.Streams[provider] {
			if looksAt(owner) {
				errs = append(errs, t.foldStream(ctx, owner))
			}
		}
	}
	return errors.Join(errs...)
}

// looksAt reports whether the n-th look is at this stream, too.
func (t *Totals) looksAt(owner string, n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.quiet[owner] < quietLooks || n%quietEvery == 0
}

func (t *Totals) foldStream(ctx context.Context, owner string) error {
	for ctx.Err() == nil {
		more, err := t.fold(ctx, owner)
		if err != nil {
			return fmt.Errorf("totals of %s: %w", owner, err)
		}
		if !more {
			return nil
		}
	}
	return nil
}

// fold counts the next entries of a stream, and reports whether there may be more for it to count.
func (t *Totals) fold(ctx context.Context, owner string) (more bool, err error) {
	newest, err := t.newest(ctx, owner)
	if err != nil || !t.hasNew(owner, newest) {
		return false, err
	}
	text, h, err := t.head(ctx, owner)
	if err != nil {
		return false, err
	}
	if h.Cursor != "" && !after(newest, h.Cursor) {
		t.setFolded(owner, newest)
		return false, nil
	}
	r, err := t.read(ctx, owner, text, h.Cursor)
	if err != nil || r == nil {
		return false, err
	}
	if r.registered, err = t.registered(ctx, owner, r.events); err != nil {
		return false, err
	}
	s, err := t.spans(ctx, owner, r.entries)
	if err != nil {
		return false, err
	}
	c := step(owner, text, h, r, s)
	results, errs := t.batcher.Commit(ctx, owner, c)
	return errs[0] == nil && results[0].Done && len(r.entries) == batch, errs[0]
}

// newest is the id of a stream's last entry, empty where there is none.
func (t *Totals) newest(ctx context.Context, owner string) (string, error) {
	last, err := t.Redis.XRevRangeN(ctx, kv.OutcomesKey(owner), "+", "-", 1).Result()
	if err != nil || len(last) == 0 {
		return "", err
	}
	return last[0].ID, nil
}

// hasNew reports whether a stream whose last entry is this one may have something to count.
func (t *Totals) hasNew(owner, newest string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if newest == "" || newest == t.folded[owner] {
		t.quiet[owner]++
		return false
	}
	t.quiet[owner] = 0
	return true
}

func (t *Totals) setFolded(owner, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.folded[owner] = id
}

// head reads how far a stream has been counted.
func (t *Totals) head(ctx context.Context, owner string) (string, head, error) {
	text, err := t.Redis.Get(ctx, kv.TotalsKey(owner)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", head{}, err
	}
	h, err := parseHead(text)
	return text, h, err
}

// reading is what one step is decided from.
type reading struct {
	entries []redis.XMessage // their ids alone
	// events are the entries that are events.
	events []outcomes.Event
	// registered is when payments were registered, by their keys.
	registered     map[string]time.Time
	added, trimmed int64
	runID          string
	now            int64
}

// read reads the entries after the cursor, and which run of the server told them; nil where there
// are none, or where others have moved the head. A server that forgot the entries by the time of
// the commit is in another run.
func (t *Totals) read(ctx context.Context, owner, text, cursor string) (*reading, error) {
	var present, info *redis.StringCmd
	var stream *redis.XInfoStreamCmd
	var entries *redis.Cmd
	from := "-"
	if cursor != "" {
		from = "(" + cursor
	}
	now, err := t.batcher.ReadTimed(ctx, owner, func(pipe redis.Pipeliner) {
		info, present = pipe.Info(ctx, "server"), pipe.Get(ctx, kv.TotalsKey(owner))
		// Before the entries: what is trimmed in between is found next time.
		stream = pipe.XInfoStream(ctx, kv.OutcomesKey(owner))
		// XRangeN would make a map of each entry.
		entries = pipe.Do(ctx, "XRANGE", kv.OutcomesKey(owner), from, "+", "COUNT", batch)
	})
	var found []any
	if err == nil {
		found, err = entries.Slice()
	}
	if err == nil && !errors.Is(present.Err(), redis.Nil) {
		err = present.Err()
	}
	if err != nil || present.Val() != text || len(found) == 0 {
		return nil, err
	}
	r := &reading{runID: kv.RunID(info.Val()), now: now}
	for _, entry := range found {
		id, e, ok := brief(entry)
		if id == "" {
			return nil, errors.New("redis: an entry of a stream has no id")
		}
		r.entries = append(r.entries, redis.XMessage{ID: id})
		if ok {
			r.events = append(r.events, e)
		}
	}
	if s := stream.Val(); stream.Err() == nil && s.EntriesAdded > 0 {
		r.added, r.trimmed = s.EntriesAdded, s.EntriesAdded-s.Length
	}
	return r, nil
}

// brief is an entry of a stream as Redis tells it, and the event with what is counted of it;
// outcomes.Decode also reads what may be sealed, and costs several times as much. ok is false where
// the entry is no event.
func brief(entry any) (id string, e outcomes.Event, ok bool) {
	pair, _ := entry.([]any)
	if len(pair) != 2 {
		return "", e, false
	}
	id, _ = pair[0].(string)
	fields, _ := pair[1].([]any)
	e.StreamID = id
	for i := 0; i+1 < len(fields); i += 2 {
		name, _ := fields[i].(string)
		value, _ := fields[i+1].(string)
		switch name {
		case "event_id":
			e.ID = value
		case "event":
			e.Kind = value
		case "key":
			e.Key = value
		case "account":
			e.Account = value
		case "type":
			e.Type = value
		case "state":
			e.State = idempotency.State(value)
		case "code":
			e.Code = value
		case "amount":
			e.Amount = value
		case "currency":
			e.Currency = value
		}
	}
	_, _, ok = kv.ParseEventID(e.Key, e.ID)
	return id, e, ok
}

// span is one hour or day: its figures, and which of them changed.
type span struct {
	bucket  Bucket
	changed map[Series]bool
	// ends is when its figures may go.
	ends time.Time
}

// spans has the hours and days that some entries belong to, by their keys.
type spans map[string]*span

func (s spans) of(owner string, at time.Time) []*span {
	return []*span{s[kv.TotalsHourKey(owner, at)], s[kv.TotalsDayKey(owner, at)]}
}

func hourOf(at time.Time) time.Time { return at.UTC().Truncate(time.Hour) }
func dayOf(at time.Time) time.Time  { return at.UTC().Truncate(24 * time.Hour) }

// spans reads the figures that the entries are to be added to.
func (t *Totals) spans(ctx context.Context, owner string, entries []redis.XMessage) (spans, error) {
	s := spans{}
	var last time.Time
	for _, e := range entries {
		hour, day := hourOf(written(e.ID)), dayOf(written(e.ID))
		if hour.Equal(last) {
			continue
		}
		last = hour
		s[kv.TotalsHourKey(owner, hour)] = &span{changed: map[Series]bool{}, ends: hour.Add(time.Hour + HoursKept)}
		s[kv.TotalsDayKey(owner, day)] = &span{changed: map[Series]bool{}, ends: day.Add(24*time.Hour + DaysKept)}
	}
	keys := slices.Sorted(maps.Keys(s))
	buckets, err := t.readBuckets(ctx, owner, keys)
	for i, b := range buckets {
		s[keys[i]].bucket = b
	}
	return s, err
}

// final reports whether an event says that a payment came to its outcome. A reversal comes later.
func final(e outcomes.Event) bool {
	return e.Kind == stateKind && (e.State == idempotency.Succeeded || e.State == idempotency.Failed)
}

// registered reads when the payments were registered that came to their outcome, by their keys.
func (t *Totals) registered(ctx context.Context, owner string, events []outcomes.Event) (map[string]time.Time, error) {
	var keys []idempotency.Key
	for _, e := range events {
		if k, err := idempotency.ParseKey(e.Key); err == nil && final(e) {
			keys = append(keys, k)
		}
	}
	if t.Ledger == nil || len(keys) == 0 {
		return nil, nil
	}
	at, err := t.Ledger.RegisteredAt(ctx, owner, keys)
	named := make(map[string]time.Time, len(at))
	for k, since := range at {
		named[k.String()] = since
	}
	return named, err
}

// tally adds up what the events of one hour come to, in the order in which each series was
// first counted, before it goes into the hour's figures and the day's.
type tally struct {
	owner  string
	into   spans
	hour   time.Time
	bucket Bucket
	order  []Series
}

func (c *tally) add(e outcomes.Event, registered map[string]time.Time) {
	at := written(e.StreamID)
	if hour := hourOf(at); !hour.Equal(c.hour) {
		c.flush()
		c.hour, c.bucket = hour, Bucket{}
	}
	c.counted(c.bucket.count(e))
	if since, ok := registered[e.Key]; ok && final(e) {
		c.counted(c.bucket.countTime(e, max(0, at.Sub(since))), true)
	}
}

func (c *tally) counted(s Series, counts bool) {
	if counts && len(c.bucket) > len(c.order) {
		c.order = append(c.order, s)
	}
}

func (c *tally) flush() {
	for _, s := range c.order {
		for _, b := range c.into.of(c.owner, c.hour) {
			b.changed[b.bucket.add(s, c.bucket[s])] = true
		}
	}
	c.order = nil
}

// step is the decision: the figures with the entries counted, and the head behind them. It holds
// only while the head is as it was read, in the run of the server in which it was read.
func step(owner, text string, h head, r *reading, s spans) *kv.Commit {
	counted := tally{owner: owner, into: s}
	for _, e := range r.events {
		if e.State == idempotency.Succeeded && e.Kind == stateKind {
			h.Succeeded = millis(e.StreamID)
		}
		counted.add(e, r.registered)
	}
	counted.flush()
	h.advance(r.entries, r.added, r.trimmed)
	c := kv.NewCommit(owner, kv.TotalsKey(owner), text, r.now)
	c.WhenFull = kv.RefuseWhenFull // the stream keeps what is not counted yet
	c.InEpoch("", r.runID)
	c.Write("SET", kv.TotalsKey(owner), h.text())
	for key, b := range s {
		if len(b.changed) == 0 {
			continue
		}
		fields := make([]any, 0, 2*len(b.changed))
		for series := range b.changed {
			fields = append(fields, series.field(), b.bucket[series].value())
		}
		c.Write("HSET", key, fields...)
		c.Write("PEXPIREAT", key, b.ends.UnixMilli())
	}
	return c
}
