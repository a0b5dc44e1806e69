package totals

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
)

// Status says what a provider's figures are worth.
type Status struct {
	// Since is the time of the first entry that was counted; zero if nothing was. Figures of
	// earlier times are unknown if Earlier entries had been trimmed from the stream by then.
	Since   time.Time
	Earlier int64
	// Until is the time of the last entry that was counted, and Behind how long before the newest
	// entry that is; zero if all are counted.
	Until  time.Time
	Behind time.Duration
	// Missed entries were trimmed before anybody counted them, the last of them before MissedAt.
	Missed   int64
	MissedAt time.Time
	// Ahead: the figures have events that the stream has not. Somebody deleted the stream, or put
	// an older one in its place. What comes from now on is counted.
	Ahead bool
	// Succeeded is when a payment last succeeded; zero if none has.
	Succeeded time.Time
}

// merge adds another stream of the same provider.
func (s Status) merge(o Status) Status {
	s.Since, s.Succeeded = earlier(s.Since, o.Since), later(s.Succeeded, o.Succeeded)
	s.Until, s.MissedAt = later(s.Until, o.Until), later(s.MissedAt, o.MissedAt)
	s.Behind, s.Ahead = max(s.Behind, o.Behind), s.Ahead || o.Ahead
	s.Missed, s.Earlier = s.Missed+o.Missed, s.Earlier+o.Earlier
	return s
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (h head) status(newest string) Status {
	s := Status{Earlier: h.Earlier, Missed: h.Missed, Ahead: newest == "" || after(h.Cursor, newest)}
	s.Since, s.Until, s.MissedAt, s.Succeeded = at(h.Since), written(h.Cursor), at(h.MissedAt), at(h.Succeeded)
	if newest != "" && after(newest, h.Cursor) {
		s.Behind = written(newest).Sub(s.Until)
	}
	return s
}

// at is the time of Unix ms; 0 is no time.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Hours has the figures of consecutive hours of UTC, over all accounts, types and codes: their
// Series have only Currency and State, and a Code for TimeToOutcome. Days tells more. The buckets
// are shared, and must not be changed.
type Hours struct {
	// From is the beginning of the first.
	From    time.Time
	Buckets []Bucket
	Status  Status
}

// Between returns the figures from one time to before another, both rounded down to the hour.
func (h Hours) Between(from, to time.Time) Bucket {
	sum := Bucket{}
	first := max(0, int(hourOf(from).Sub(h.From)/time.Hour))
	for i := first; i < min(len(h.Buckets), int(hourOf(to).Sub(h.From)/time.Hour)); i++ {
		sum.Merge(h.Buckets[i])
	}
	return sum
}

// coarse adds up the figures of all accounts, types and codes.
func (b Bucket) coarse() Bucket {
	sums := make(Bucket, 8)
	for s, f := range b {
		s.Account, s.Type = "", ""
		if s.State != TimeToOutcome {
			s.Code = ""
		}
		sums[s] = sums[s].Add(f)
	}
	return sums
}

// Hours returns a provider's figures of the hours from the one of from to the one of to, at most
// HoursKept. It reads past hours from Redis once: they change no more.
func (t *Totals) Hours(ctx context.Context, provider string, from, to time.Time) (Hours, error) {
	out := Hours{From: hourOf(from)}
	n := int(hourOf(to).Sub(out.From)/time.Hour) + 1
	if n < 1 || n > int(HoursKept/time.Hour) {
		return out, errors.New("totals: the hours are not between the first hour that is kept and now")
	}
	out.Buckets = make([]Bucket, n)
	for _, owner := range t.Streams[provider] {
		status, err := t.addHours(ctx, owner, out)
		if err != nil {
			return out, fmt.Errorf("totals of %s: %w", owner, err)
		}
		out.Status = out.Status.merge(status)
	}
	return out, nil
}

// closedHours are the figures of a stream's past hours, as they are in one epoch of its store: a
// store that forgets has other figures in its next epoch.
type closedHours struct {
	epoch   string
	buckets map[time.Time]Bucket
}

// position is how far a stream has been counted, and what there is.
type position struct {
	head   head
	newest string
	epoch  string
}

func (t *Totals) position(ctx context.Context, owner string) (position, error) {
	var text, epoch *redis.StringCmd
	var newest *redis.XMessageSliceCmd
	err := t.batcher.Read(ctx, owner, func(pipe redis.Pipeliner) {
		text, epoch = pipe.Get(ctx, kv.TotalsKey(owner)), pipe.Get(ctx, kv.EpochKey(owner))
		newest = pipe.XRevRangeN(ctx, kv.OutcomesKey(owner), "+", "-", 1)
	})
	if err != nil {
		return position{}, err // the pipeline may still be setting the commands
	}
	for _, cmd := range []redis.Cmder{text, epoch, newest} {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return position{}, err
		}
	}
	p := position{epoch: epoch.Val()}
	if last := newest.Val(); len(last) > 0 {
		p.newest = last[0].ID
	}
	p.head, err = parseHead(text.Val())
	return p, err
}

// add adds a stream's figures of an hour.
func (h Hours) add(i int, b Bucket) {
	if h.Buckets[i] == nil {
		h.Buckets[i] = b
		return
	}
	both := maps.Clone(h.Buckets[i])
	both.Merge(b)
	h.Buckets[i] = both
}

// addHours adds one stream's figures to out.
func (t *Totals) addHours(ctx context.Context, owner string, out Hours) (Status, error) {
	p, err := t.position(ctx, owner)
	if err != nil || p.head.Cursor == "" {
		return Status{}, err
	}
	var missing []time.Time
	var keys []string
	for i := range out.Buckets {
		hour := out.From.Add(time.Duration(i) * time.Hour)
		if hour.Before(hourOf(at(p.head.Since))) || hour.After(written(p.head.Cursor)) {
			continue
		}
		if b, ok := t.closedHour(owner, p.epoch, hour); ok {
			out.add(i, b)
			continue
		}
		missing, keys = append(missing, hour), append(keys, kv.TotalsHourKey(owner, hour))
	}
	buckets, err := t.readBuckets(ctx, owner, keys)
	if err != nil {
		return Status{}, err
	}
	for i, hour := range missing {
		b := buckets[i].coarse()
		out.add(int(hour.Sub(out.From)/time.Hour), b)
		if hour.Before(hourOf(written(p.head.Cursor))) {
			t.keepHour(owner, p.epoch, hour, b)
		}
	}
	return p.head.status(p.newest), nil
}

// readBuckets reads the figures under some keys; a key that is not there has none.
func (t *Totals) readBuckets(ctx context.Context, owner string, keys []string) ([]Bucket, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	cmds := make([]*redis.MapStringStringCmd, len(keys))
	err := t.batcher.Read(ctx, owner, func(pipe redis.Pipeliner) {
		for i, key := range keys {
			cmds[i] = pipe.HGetAll(ctx, key)
		}
	})
	if err != nil {
		return nil, err // the pipeline may still be filling cmds
	}
	buckets := make([]Bucket, len(keys))
	for i, cmd := range cmds {
		figures, err := cmd.Result()
		if err != nil {
			return nil, err
		}
		if buckets[i], err = parseBucket(figures); err != nil {
			return nil, err
		}
	}
	return buckets, nil
}

func (t *Totals) closedHour(owner, epoch string, hour time.Time) (Bucket, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.closed[owner]
	b, ok := known.buckets[hour]
	return b, ok && known.epoch == epoch
}

// keepHour remembers a past hour, and forgets those that are no longer asked for.
func (t *Totals) keepHour(owner, epoch string, hour time.Time, b Bucket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.closed[owner]
	if known.epoch != epoch || known.buckets == nil {
		known = closedHours{epoch, map[time.Time]Bucket{}}
		t.closed[owner] = known
	}
	if len(known.buckets) >= 2*int(HoursKept/time.Hour) {
		clear(known.buckets)
	}
	known.buckets[hour] = b
}

// Days returns a provider's figures of the days of UTC from the one of from to the one of to, at
// most DaysKept.
func (t *Totals) Days(ctx context.Context, provider string, from, to time.Time) ([]Bucket, error) {
	first := dayOf(from)
	n := int(dayOf(to).Sub(first)/(24*time.Hour)) + 1
	if n < 1 || n > int(DaysKept/(24*time.Hour)) {
		return nil, errors.New("totals: the days are not between the first day that is kept and now")
	}
	days := make([]Bucket, n)
	for i := range days {
		days[i] = Bucket{}
	}
	for _, owner := range t.Streams[provider] {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = kv.TotalsDayKey(owner, first.AddDate(0, 0, i))
		}
		buckets, err := t.readBuckets(ctx, owner, keys)
		if err != nil {
			return nil, fmt.Errorf("totals of %s: %w", owner, err)
		}
		for i, b := range buckets {
			days[i].Merge(b)
		}
	}
	return days, nil
}
