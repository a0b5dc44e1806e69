package engine

import (
	"context"
	"errors"
	"strconv"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// laneBound is how many wake-ups a lane's queue holds before no more are added: what is due beyond
// them is parked, and let go as the lane drains. It is a few seconds of work, and a few megabytes.
const laneBound = 2000

// room is how many wake-ups each lane of a provider can take.
type room struct{ send, ask int }

func (r *room) of(ask bool) *int {
	if ask {
		return &r.ask
	}
	return &r.send
}

func (e *Engine) room(ctx context.Context, provider string) (*room, error) {
	pipe := e.Redis.Pipeline()
	sends := pipe.LLen(ctx, pendingKey(tasks.SendQueue(provider)))
	asks := pipe.LLen(ctx, pendingKey(tasks.AskQueue(provider)))
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	return &room{send: laneBound - int(sends.Val()), ask: laneBound - int(asks.Val())}, nil
}

// Names of asynq's keys, which it does not export.
func pendingKey(queue string) string  { return "asynq:{" + queue + "}:pending" }
func taskKey(queue, id string) string { return "asynq:{" + queue + "}:t:" + id }

// wake enqueues a wake-up under the one task id that a payment has in a lane, so that a queue which
// is paused or slow holds one for each. It reports whether that id is taken: then the task is
// either waiting to be served, or of no use.
func (e *Engine) wake(ctx context.Context, w idempotency.Wakeup) (taken bool, err error) {
	e.OnStep(StepWake, w.Key)
	w.Generation = tasks.FirstGeneration
	err = e.enqueue(ctx, w)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return true, nil
	}
	return false, err
}

func (e *Engine) enqueue(ctx context.Context, w idempotency.Wakeup) error {
	_, err := e.queue.EnqueueContext(ctx, tasks.NewWake(w, e.TaskTimeout))
	return err
}

// wakeTaken wakes once more those whose task id is taken by a task that nobody will serve soon:
// archived, active with a worker that died, or lost. asynq's state is only a hint: a wake-up too
// many does no harm, and one too few is made good by the due index.
func (e *Engine) wakeTaken(ctx context.Context, taken []idempotency.Wakeup) error {
	var errs []error
	for _, ask := range []bool{false, true} {
		lane := sift(taken, ask)
		outstanding, err := e.outstanding(ctx, lane)
		if err != nil {
			return err
		}
		for i, w := range lane {
			if outstanding[i] {
				continue
			}
			if err := e.enqueue(ctx, w); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func sift(wakeups []idempotency.Wakeup, ask bool) []idempotency.Wakeup {
	var lane []idempotency.Wakeup
	for _, w := range wakeups {
		if w.Ask == ask {
			lane = append(lane, w)
		}
	}
	return lane
}

// outstanding tells which of these wake-ups of one lane are waiting in its queue. A task that says
// so and is older than the queue's oldest is in no queue any more: its place there was lost.
func (e *Engine) outstanding(ctx context.Context, lane []idempotency.Wakeup) ([]bool, error) {
	if len(lane) == 0 {
		return nil, nil
	}
	queue := tasks.SendQueue(lane[0].Key.Provider)
	if lane[0].Ask {
		queue = tasks.AskQueue(lane[0].Key.Provider)
	}
	oldest, err := e.oldest(ctx, queue)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(lane))
	for i, w := range lane {
		ids[i] = w.Key.TaskID(tasks.FirstGeneration)
	}
	since, err := e.pendingSince(ctx, queue, ids)
	out := make([]bool, len(lane))
	for i := range since {
		out[i] = oldest > 0 && since[i] >= oldest
	}
	return out, err
}

// oldest is since when the queue's oldest task has been waiting; 0 for an empty queue. The first
// few stand in for one that lost its data.
func (e *Engine) oldest(ctx context.Context, queue string) (int64, error) {
	const few = 10
	ids, err := e.Redis.LRange(ctx, pendingKey(queue), -few, -1).Result()
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	times, err := e.pendingSince(ctx, queue, ids)
	var oldest int64
	for _, t := range times {
		if t > 0 && (oldest == 0 || t < oldest) {
			oldest = t
		}
	}
	return oldest, err
}

// pendingSince is since when each task has been waiting in the queue, in nanoseconds; 0 where it is
// not, or does not say so.
func (e *Engine) pendingSince(ctx context.Context, queue string, ids []string) ([]int64, error) {
	pipe := e.Redis.Pipeline()
	fields := make([]*redis.SliceCmd, len(ids))
	for i, id := range ids {
		fields[i] = pipe.HMGet(ctx, taskKey(queue, id), "state", "pending_since")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := make([]int64, len(ids))
	for i, f := range fields {
		state, _ := f.Val()[0].(string)
		text, _ := f.Val()[1].(string)
		if since, err := strconv.ParseInt(text, 10, 64); err == nil && state == "pending" {
			out[i] = since
		}
	}
	return out, nil
}
