package engine

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// maxLane is how many wake-ups a lane's queue holds at most. Payments that are due beyond them are
// parked, and unparked as the lane drains. Each wake-up may carry tasks.WakeBatch payments, so this
// is a few seconds of work.
const maxLane = 128

// laneState is the state of a lane's queue.
type laneState struct {
	// free is how many more wake-ups it takes.
	free int
	// oldest is when the oldest wake-up was enqueued; zero in an empty queue.
	oldest time.Time
}

// payments is how many payments may be made due without filling the lane.
func (s *laneState) payments() int { return max(s.free, 0) * tasks.WakeBatch }

// add counts payments that were made due against the lane's capacity.
func (s *laneState) add(payments int) { s.free -= (payments + tasks.WakeBatch - 1) / tasks.WakeBatch }

// laneCapacity is the state of a provider's lanes.
type laneCapacity struct{ send, bulk, query laneState }

func (c *laneCapacity) of(l laneName) *laneState {
	switch l {
	case bulkLane:
		return &c.bulk
	case queryLane:
		return &c.query
	default:
		return &c.send
	}
}

// laneName names one of a provider's lanes.
type laneName int

const (
	sendLane laneName = iota
	bulkLane
	queryLane
)

func allLanes() []laneName { return []laneName{sendLane, bulkLane, queryLane} }

func laneOf(w idempotency.WakeUp) laneName {
	switch {
	case w.Query:
		return queryLane
	case w.Bulk:
		return bulkLane
	default:
		return sendLane
	}
}

func (l laneName) queue(provider string) string {
	switch l {
	case bulkLane:
		return tasks.BulkQueue(provider)
	case queryLane:
		return tasks.StatusQueue(provider)
	default:
		return tasks.SendQueue(provider)
	}
}

// oldestSample is how many tasks laneCapacity reads for the age of a queue: the last one may have
// lost its data.
const oldestSample = 10

func (e *Engine) laneCapacity(ctx context.Context, provider string) (*laneCapacity, error) {
	lanes := allLanes()
	if e.Enqueue != nil {
		c := &laneCapacity{}
		for _, lane := range lanes {
			*c.of(lane) = laneState{free: maxLane}
		}
		return c, nil
	}
	pipe := e.Redis.Pipeline()
	lengths, tails := make([]*redis.IntCmd, len(lanes)), make([]*redis.StringSliceCmd, len(lanes))
	for i, lane := range lanes {
		pending := pendingKey(lane.queue(provider))
		lengths[i] = pipe.LLen(ctx, pending)
		tails[i] = pipe.LRange(ctx, pending, -oldestSample, -1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	c := &laneCapacity{}
	for i, lane := range lanes {
		oldest, err := e.oldest(ctx, lane.queue(provider), tails[i].Val())
		if err != nil {
			return nil, err
		}
		*c.of(lane) = laneState{free: maxLane - int(lengths[i].Val()), oldest: oldest}
	}
	return c, nil
}

// Names of asynq's keys, which it does not export.
func pendingKey(queue string) string  { return "asynq:{" + queue + "}:pending" }
func taskKey(queue, id string) string { return "asynq:{" + queue + "}:t:" + id }

// oldest is when the oldest of these tasks was enqueued; zero where none of them says.
func (e *Engine) oldest(ctx context.Context, queue string, ids []string) (time.Time, error) {
	if len(ids) == 0 {
		return time.Time{}, nil
	}
	pipe := e.Redis.Pipeline()
	fields := make([]*redis.StringCmd, len(ids))
	for i, id := range ids {
		fields[i] = pipe.HGet(ctx, taskKey(queue, id), "pending_since")
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return time.Time{}, err
	}
	var oldest int64
	for _, f := range fields {
		since, err := strconv.ParseInt(f.Val(), 10, 64)
		if err == nil && (oldest == 0 || since < oldest) {
			oldest = since
		}
	}
	if oldest == 0 {
		return time.Time{}, nil
	}
	return time.Unix(0, oldest), nil
}

// wake enqueues one wake-up for payments of one lane. It is no error that the same wake-up is
// queued already: the reply of an earlier call may have been lost.
func (e *Engine) wake(ctx context.Context, batch []idempotency.WakeUp) error {
	for _, w := range batch {
		e.OnFaultPoint(PointWake, w.Key)
	}
	if e.Enqueue != nil {
		return e.Enqueue(ctx, batch)
	}
	_, err := e.queue.EnqueueContext(ctx, tasks.NewWakeUp(e.TaskTimeout, batch...))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// laneWakeUps returns the wake-ups of one lane.
func laneWakeUps(wakeups []idempotency.WakeUp, l laneName) []idempotency.WakeUp {
	return slices.DeleteFunc(slices.Clone(wakeups), func(w idempotency.WakeUp) bool { return laneOf(w) != l })
}
