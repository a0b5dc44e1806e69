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

// laneCapacity is the state of a partition's lanes.
type laneCapacity struct {
	send, bulk, query laneState
	// noBulk: the bulk lane's queue is out of reach, and its payments take the send lane.
	noBulk bool
}

func (c *laneCapacity) of(l laneName) *laneState {
	switch {
	case l == queryLane:
		return &c.query
	case l == bulkLane && !c.noBulk:
		return &c.bulk
	default:
		return &c.send
	}
}

// reachable changes the wake-ups of a lane that is out of reach to another lane's.
func (c *laneCapacity) reachable(wakeups []idempotency.WakeUp) []idempotency.WakeUp {
	for i := range wakeups {
		wakeups[i].Bulk = wakeups[i].Bulk && !c.noBulk
	}
	return wakeups
}

// laneName names one of a partition's lanes.
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

func (l laneName) queue(partition string) string {
	switch l {
	case bulkLane:
		return tasks.BulkQueue(partition)
	case queryLane:
		return tasks.StatusQueue(partition)
	default:
		return tasks.SendQueue(partition)
	}
}

// oldestSample is how many tasks laneCapacity reads for the age of a queue: the last one may have
// lost its data.
const oldestSample = 10

// laneCapacity reads the lanes. In a cluster those for bulk payments and for queries lie elsewhere,
// and what can be reached must not wait for them: where only the query lane cannot be read, it
// counts as empty, and the queries that it does not take are made directly; bulk payments take the
// send lane instead of theirs.
func (e *Engine) laneCapacity(ctx context.Context, p idempotency.Partition) (*laneCapacity, error) {
	c := &laneCapacity{}
	if e.Enqueue != nil {
		for _, lane := range allLanes() {
			*c.of(lane) = laneState{free: maxLane}
		}
		return c, nil
	}
	var err error
	if c.send, err = e.laneState(ctx, sendLane.queue(p.String())); err != nil {
		return nil, err
	}
	if c.query, err = e.laneElsewhere(ctx, queryLane.queue(p.String())); err != nil {
		c.query = laneState{free: maxLane}
	}
	if c.bulk, err = e.laneElsewhere(ctx, bulkLane.queue(p.String())); err != nil {
		c.noBulk = true
	}
	return c, nil
}

// elsewhereTimeout is how long the janitor waits for the state of a lane that may lie elsewhere.
const elsewhereTimeout = time.Second

func (e *Engine) laneElsewhere(ctx context.Context, queue string) (laneState, error) {
	ctx, cancel := context.WithTimeout(ctx, elsewhereTimeout)
	defer cancel()
	return e.laneState(ctx, queue)
}

func (e *Engine) laneState(ctx context.Context, queue string) (laneState, error) {
	pipe := e.Redis.Pipeline()
	length, tail := pipe.LLen(ctx, pendingKey(queue)), pipe.LRange(ctx, pendingKey(queue), -oldestSample, -1)
	if _, err := pipe.Exec(ctx); err != nil {
		return laneState{}, err
	}
	oldest, err := e.oldest(ctx, queue, tail.Val())
	return laneState{free: maxLane - int(length.Val()), oldest: oldest}, err
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
