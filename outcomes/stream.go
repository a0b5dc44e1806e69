package outcomes

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/kv"
)

const (
	beginning  = "0-0"
	batch      = 100
	block      = time.Second // of a read where there is nothing new
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
	ackTimeout = 10 * time.Second
)

// stream is that of one partition, as one consumer reads it.
type stream struct {
	*Reader
	provider string
	// partition names the partition, of which the provider may have several.
	partition string
	key       string
	handler   Handler
	resumed   bool            // what this consumer left was read again
	claimed   time.Time       // when abandoned events were last claimed
	done      map[string]bool // events that were handled, and not yet acknowledged
}

func newStream(r *Reader, p idempotency.Partition, handle Handler) *stream {
	return &stream{
		Reader: r, provider: p.Provider, partition: p.String(), key: kv.OutcomesKey(p.String()), handler: handle, done: map[string]bool{},
	}
}

func (s *stream) wrap(err error) error {
	if _, ok := errors.AsType[*Gap](err); ok {
		return err
	}
	return fmt.Errorf("outcomes of %s: %w", s.partition, err)
}

// join creates the group where there is none; it tests that first, because a full Redis refuses
// XGROUP CREATE. It stores how many entries are older than the group's beginning, so that they are
// never counted as missed.
func (s *stream) join(ctx context.Context, fromNow bool) error {
	if _, ok, err := s.info(ctx); ok || err != nil && !noStream(err) {
		return err
	}
	start, before := "0", int64(0)
	info, err := s.rdb.XInfoStream(ctx, s.key).Result()
	switch {
	case noStream(err):
	case err != nil:
		return err
	case fromNow:
		start, before = info.LastGeneratedID, info.EntriesAdded
	default:
		before = info.EntriesAdded - info.Length
	}
	err = s.group(ctx, "CREATE", start, "MKSTREAM", "ENTRIESREAD", before)
	if redis.HasErrorPrefix(err, "BUSYGROUP") {
		return nil // another consumer was faster
	}
	return err
}

// info is what Redis knows of the group, if there is one.
func (s *stream) info(ctx context.Context) (redis.XInfoGroup, bool, error) {
	groups, err := s.rdb.XInfoGroups(ctx, s.key).Result()
	for _, g := range groups {
		if g.Name == s.opts.Group {
			return g, true, nil
		}
	}
	return redis.XInfoGroup{}, false, err
}

func noStream(err error) bool { return redis.HasErrorPrefix(err, "no such key") }

// group sends XGROUP itself: the client has no ENTRIESREAD.
func (s *stream) group(ctx context.Context, command string, args ...any) error {
	cmd := redis.NewStatusCmd(ctx, append([]any{"XGROUP", command, s.key, s.opts.Group}, args...)...)
	cmd.SetFirstKeyPos(2)
	return s.rdb.Process(ctx, cmd)
}

// follow reads until ctx ends, or Options.Gap returns an error.
func (s *stream) follow(ctx context.Context) error {
	wait := firstRetry
	for ctx.Err() == nil {
		err := s.round(ctx)
		if e, ok := errors.AsType[*gapError](err); ok {
			return e.err
		}
		if err == nil || ctx.Err() != nil {
			wait = firstRetry
			continue
		}
		s.opts.Failed(Event{}, s.wrap(err))
		s.resumed = false // a reply that was lost left events with this consumer
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, lastRetry)
		if redis.HasErrorPrefix(err, "NOGROUP") || noStream(err) {
			_ = s.join(ctx, false) // where it fails, the next round does; what came since is not skipped
		}
	}
	return nil
}

// round takes what was left, then what others left, then what is new.
func (s *stream) round(ctx context.Context) error {
	if !s.resumed {
		if err := s.resume(ctx); err != nil {
			return err
		}
		s.resumed = true
	}
	if time.Since(s.claimed) > s.opts.Abandoned/4 {
		if err := s.claim(ctx); err != nil {
			return err
		}
		s.claimed = time.Now()
	}
	if err := s.lookForGap(ctx); err != nil {
		return err
	}
	_, err := s.read(ctx, ">", block)
	return err
}

// resume delivers what this consumer was given before and did not acknowledge.
func (s *stream) resume(ctx context.Context) error {
	for after := beginning; ctx.Err() == nil; {
		last, err := s.read(ctx, after, -1)
		if err != nil || last == "" {
			return err
		}
		after = last
	}
	return nil
}

// read delivers one batch, and returns the id of its last entry; empty where there was none.
func (s *stream) read(ctx context.Context, after string, wait time.Duration) (last string, err error) {
	begun := time.Now()
	found, err := s.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: s.opts.Group, Consumer: s.opts.Consumer, Streams: []string{s.key, after}, Count: batch, Block: wait,
	}).Result()
	if errors.Is(err, redis.Nil) || err == nil && len(found) == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	messages := found[0].Messages
	if len(messages) == 0 {
		return "", nil
	}
	return messages[len(messages)-1].ID, s.deliverAll(ctx, messages, begun)
}

// claim takes over events that a consumer, perhaps this one, has had for too long.
func (s *stream) claim(ctx context.Context) error {
	for start := beginning; ctx.Err() == nil; {
		begun := time.Now()
		messages, next, gone, err := s.rdb.XAutoClaimWithDeleted(ctx, &redis.XAutoClaimArgs{
			Stream: s.key, Group: s.opts.Group, Consumer: s.opts.Consumer, MinIdle: s.opts.Abandoned, Start: start, Count: batch,
		}).Result()
		if err != nil {
			return err
		}
		if len(gone) > 0 {
			if err := s.tellGap(ctx, &Gap{Provider: s.provider, Missed: int64(len(gone))}); err != nil {
				return err
			}
		}
		if err := s.deliverAll(ctx, messages, begun); err != nil {
			return err
		}
		if start = next; next == beginning {
			return nil
		}
	}
	return nil
}

// deliverAll hands over a batch. It drops entries that it does not reach in time: another consumer
// may have taken them over, and if not, they come again.
func (s *stream) deliverAll(ctx context.Context, messages []redis.XMessage, begun time.Time) error {
	for _, m := range messages {
		if err := s.deliver(ctx, m, begun.Add(s.opts.Abandoned/2)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	return nil
}

// deliver hands over one entry that is still this consumer's, and acknowledges it. Its error is one
// of Redis; the handler's goes to Options.Failed.
func (s *stream) deliver(ctx context.Context, m redis.XMessage, by time.Time) error {
	s.handle.Lock()
	defer s.handle.Unlock()
	if time.Now().After(by) || ctx.Err() != nil {
		return nil
	}
	if m.Values == nil { // it was trimmed while this consumer had it
		if err := s.tellGap(ctx, &Gap{Provider: s.provider, Missed: 1}); err != nil {
			return err
		}
		return s.rdb.XAck(ctx, s.key, s.opts.Group, m.ID).Err()
	}
	e, noEvent := Decode(s.provider, m, s.opts.Keys)
	deliveries, handled, err := s.look(ctx, m.ID, e.ID)
	switch {
	case err != nil:
		return err
	case deliveries == 0:
		delete(s.done, e.ID)
		return nil
	case handled:
		return s.acknowledge(ctx, m.ID, "")
	}
	e.Delivery = deliveries
	if !s.done[e.ID] {
		err := noEvent
		if err == nil {
			err = s.handler(ctx, e)
		}
		if err != nil {
			s.opts.Failed(e, err)
			return nil
		}
		s.done[e.ID] = true
	}
	if err := s.acknowledge(ctx, m.ID, e.ID); err != nil {
		return err
	}
	delete(s.done, e.ID)
	return nil
}

// look returns how often the entry was delivered, 0 where it is no longer this consumer's, and
// whether the group has handled its event.
func (s *stream) look(ctx context.Context, entry, event string) (deliveries int64, handled bool, err error) {
	pipe := s.rdb.Pipeline()
	pending := pipe.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: s.key, Group: s.opts.Group, Start: entry, End: entry, Count: 1})
	mark := pipe.ZScore(ctx, kv.HandledKey(s.partition, s.opts.Group), event)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return 0, false, err
	}
	if err := pending.Err(); err != nil {
		return 0, false, err
	}
	for _, p := range pending.Val() {
		if p.Consumer == s.opts.Consumer {
			deliveries = p.RetryCount
		}
	}
	return deliveries, mark.Err() == nil, nil
}

// acknowledge marks the event as handled, where there is one, and then acknowledges the entry, also
// when ctx has ended meanwhile. The mark comes first: without it the entry would be handled twice.
// A full Redis refuses the mark; the entry is acknowledged all the same.
func (s *stream) acknowledge(ctx context.Context, entry, event string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
	defer cancel()
	pipe := s.rdb.Pipeline()
	if event != "" {
		key, now := kv.HandledKey(s.partition, s.opts.Group), time.Now()
		pipe.ZAdd(ctx, key, redis.Z{Score: float64(now.UnixMilli()), Member: event})
		pipe.ZRemRangeByScore(ctx, key, "-inf", "("+strconv.FormatInt(now.Add(-s.opts.Remember).UnixMilli(), 10))
		pipe.PExpire(ctx, key, s.opts.Remember)
	}
	ack := pipe.XAck(ctx, s.key, s.opts.Group, entry)
	_, err := pipe.Exec(ctx)
	if kv.IsFull(err) {
		err = ack.Err()
	}
	return err
}

// lookForGap compares how many entries were ever trimmed with how many the group has read. It reads
// the stream first: what is trimmed meanwhile is found the next time. It reports a gap before it
// stores that it did, so that a consumer that dies in between reports it again.
func (s *stream) lookForGap(ctx context.Context) error {
	stream, err := s.rdb.XInfoStream(ctx, s.key).Result()
	if err != nil {
		return err
	}
	g, ok, err := s.info(ctx)
	if err != nil || !ok {
		return err // where there is no group, the read that follows says so
	}
	trimmed := stream.EntriesAdded - stream.Length
	unknown := g.EntriesRead == 0 && g.LastDeliveredID != beginning // a group that was created by other means
	if g.EntriesRead >= trimmed || unknown {
		return nil
	}
	if err := s.tellGap(ctx, &Gap{Provider: s.provider, Missed: trimmed - g.EntriesRead, After: g.LastDeliveredID}); err != nil {
		return err
	}
	// A consumer that read on meanwhile is set back; what it handled is marked and not handled
	// again.
	return s.group(ctx, "SETID", g.LastDeliveredID, "ENTRIESREAD", trimmed)
}

// gapError is the error that Options.Gap returned.
type gapError struct{ err error }

func (e *gapError) Error() string { return e.err.Error() }

func (s *stream) tellGap(ctx context.Context, g *Gap) error {
	if err := s.opts.Gap(ctx, g); err != nil {
		return &gapError{err}
	}
	return nil
}
