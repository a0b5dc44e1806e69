package delivery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/asynqfast"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/receiver"
	"github.com/remesa/remesa/outcomes"
)

// Resender has events sent again because a person wants it.
type Resender struct {
	store *Store
	queue *asynq.Client
}

// NewResender is on a client that stays the caller's; announce tells workers at once.
func NewResender(rdb redis.UniversalClient, announce bool, providers ...string) *Resender {
	enqueuer := rdb
	if announce {
		enqueuer = asynqfast.Announce(rdb)
	}
	return &Resender{NewStore(rdb, providers...), asynq.NewClientFromRedisClient(enqueuer)}
}

// By is who has events sent again, and why.
type By struct{ Name, Note string }

// resendBatch is how many deliveries one step opens.
const resendBatch = 100

// Parked has a receiver's parked deliveries sent again, those that were parked first first, most at
// the most. tell is called with each. What was opened stands in the receiver's steps, with an error
// too.
func (r *Resender) Parked(ctx context.Context, to receiver.Receiver, most int, by By, tell func(Delivery) error) error {
	sent, err := r.parked(ctx, to, most, tell)
	return r.noted(ctx, to, by, sent, err)
}

func (r *Resender) parked(ctx context.Context, to receiver.Receiver, most int, tell func(Delivery) error) (sent int, err error) {
	for sent < most {
		members, err := r.store.rdb.ZRange(ctx, key(to.Name, "parked"), 0, int64(min(resendBatch, most-sent))-1).Result()
		if err != nil {
			return sent, err
		}
		var batch []entry
		for _, m := range members {
			if e, ok := parseMember(m); ok {
				batch = append(batch, e)
			}
		}
		if len(batch) == 0 {
			return sent, nil
		}
		opened, err := r.reopen(ctx, to.Name, batch, tell)
		sent += opened
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// Events has the events of a key that are still in the streams, or the one of that event id, sent
// again to a receiver that takes them. tell is called with each. What was opened stands in the
// receiver's steps, with an error too.
func (r *Resender) Events(ctx context.Context, to receiver.Receiver, keyOrEvent string, by By, tell func(Delivery) error) error {
	found, err := r.find(ctx, to, keyOrEvent)
	sent := 0
	for batch := range slices.Chunk(found, resendBatch) {
		var opened int
		opened, err = r.reopen(ctx, to.Name, batch, tell)
		if sent += opened; err != nil {
			break
		}
	}
	return r.noted(ctx, to, by, sent, err)
}

// noted keeps who had how many events sent again.
func (r *Resender) noted(ctx context.Context, to receiver.Receiver, by By, sent int, err error) error {
	if sent == 0 {
		return err
	}
	return errors.Join(err, r.store.addStep(context.WithoutCancel(ctx), to.Name, by.Name, by.Note, sent))
}

// reopen opens deliveries, parked or not, enqueues the tasks of the oldest, and returns how many it
// opened.
func (r *Resender) reopen(ctx context.Context, to string, batch []entry, tell func(Delivery) error) (opened int, err error) {
	c := kv.NewGuardedCommit(Queue(to))
	c.WhenFull = kv.RefuseWhenFull
	now := time.Now()
	for _, e := range batch {
		c.Write("ZREM", key(to, "parked"), e.member())
		openIn(c, to, e, now)
	}
	if _, err := r.store.commit(ctx, to, c); err != nil {
		return 0, err
	}
	if err := r.store.wake(ctx, r.queue, to, batch); err != nil {
		return len(batch), err
	}
	for _, e := range batch {
		if err := tell(Delivery{Receiver: to, EventID: e.event(), Key: e.Key, StreamID: e.ID}); err != nil {
			return len(batch), err
		}
	}
	return len(batch), nil
}

const findPage = 500

// find reads the streams from their beginning: nothing else knows where a payment's events stand.
func (r *Resender) find(ctx context.Context, to receiver.Receiver, keyOrEvent string) ([]entry, error) {
	streams, err := r.store.streams(ctx)
	if err != nil {
		return nil, err
	}
	provider, _, _ := strings.Cut(keyOrEvent, "/")
	var all []entry
	for _, s := range streams {
		if s.provider != provider && slices.Contains(r.store.providers, provider) {
			continue
		}
		for after := beginning; ; {
			page, err := r.store.rdb.XRangeN(ctx, s.key, "("+after, "+", findPage).Result()
			if err != nil {
				return nil, err
			}
			for _, m := range page {
				after = m.ID
				e, err := outcomes.Decode(s.provider, m, nil)
				if err == nil && (e.Key == keyOrEvent || e.ID == keyOrEvent) && to.Filter.Takes(e) {
					all = append(all, entryOf(s, e))
				}
			}
			if len(page) < findPage {
				break
			}
		}
	}
	return all, nil
}

// TestEvent is an event that is about no payment, with a new id.
func TestEvent(now time.Time, id string) (eventID string, body []byte) {
	eventID = "test:" + id
	return eventID, []byte(`{"event":"test","event_id":"` + eventID + `","key":"test","at":"` + now.UTC().Format("2006-01-02T15:04:05.000Z") + `"}`)
}

// Result is what an attempt came to: a result, and a text that is safe to show.
func Result(err error) (result, text string) {
	if err == nil {
		return Delivered, ""
	}
	if failed, ok := err.(*attemptError); ok { //nolint:errorlint // Post returns no other
		return failed.result, failed.text
	}
	return Unreachable, err.Error()
}
