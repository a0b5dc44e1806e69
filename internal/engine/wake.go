package engine

import (
	"context"
	"errors"
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

// laneCapacity is the state of both lanes of a provider.
type laneCapacity struct{ send, query laneState }

func (c *laneCapacity) of(query bool) *laneState {
	if query {
		return &c.query
	}
	return &c.send
}

// oldestSample is how many tasks laneCapacity reads for the age of a queue: the last one may have
// lost its data.
const oldestSample = 10

func (e *Engine) laneCapacity(ctx context.Context, provider string) (*laneCapacity, error) {
	if e.Enqueue != nil {
		return &laneCapacity{send: laneState{free: maxLane}, query: laneState{free: maxLane}}, nil
	}
	queues := []string{tasks.SendQueue(provider), tasks.StatusQueue(provider)}
	pipe := e.Redis.Pipeline()
	lengths, tails := make([]*redis.IntCmd, len(queues)), make([]*redis.StringSliceCmd, len(queues))
	for i, queue := range queues {
		lengths[i] = pipe.LLen(ctx, pendingKey(queue))
		tails[i] = pipe.LRange(ctx, pendingKey(queue), -oldestSample, -1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	c := &laneCapacity{}
	for i, queue := range queues {
		oldest, err := e.oldest(ctx, queue, tails[i].Val())
		if err != nil {
			return nil, err
		}
		*c.of(i == 1) = laneState{free: maxLane - int(lengths[i].Val()), oldest: oldest}
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
func laneWakeUps(wakeups []idempotency.WakeUp, query bool) []idempotency.WakeUp {
	var lane []idempotency.WakeUp
	for _, w := range wakeups {
		if w.Query == query {
			lane = append(lane, w)
		}
	}
	return lane
}
