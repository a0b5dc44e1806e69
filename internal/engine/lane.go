package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/asynqfast"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// lane is one asynq server with one queue. Each partition of a provider has three, so that neither
// another provider's slowness nor its own backlog of sends delays a status query, no payment waits
// behind a file of bulk payments, and no node of a cluster that is gone stops what the others hold.
type lane struct {
	queue   string
	server  *asynq.Server
	handler asynq.Handler
}

func (e *Engine) lanes(provider string) []lane {
	parts := e.Ledger.Partitions(provider)
	// Each partition has its share of the concurrency: what waits for a node that is gone takes no
	// other partition's slots.
	share := (e.Concurrency(provider) + len(parts) - 1) / len(parts)
	var all []lane
	for _, p := range parts {
		all = append(all, e.partitionLanes(p, share)...)
	}
	return all
}

func (e *Engine) partitionLanes(part idempotency.Partition, concurrency int) []lane {
	provider, name := part.Provider, part.String()
	sends, queries := newPool(concurrency, e.closing), newPool(concurrency, e.closing)
	bulk := sends.forBulk()
	return []lane{
		e.lane(concurrency, tasks.SendQueue(name), func(ctx context.Context, t *asynq.Task) error { return e.handleSend(ctx, provider, sends, t) }),
		e.lane(concurrency, tasks.BulkQueue(name), func(ctx context.Context, t *asynq.Task) error { return e.handleSend(ctx, provider, bulk, t) }),
		e.lane(concurrency, tasks.StatusQueue(name), func(ctx context.Context, t *asynq.Task) error { return e.handleQuery(ctx, provider, queries, t) }),
	}
}

func (e *Engine) lane(concurrency int, queue string, handle asynq.HandlerFunc) lane {
	return lane{queue, e.server(concurrency, queue), e.counted(handle)}
}

// counted makes the drain wait for the handler, also where asynq has given up on it.
func (e *Engine) counted(handle asynq.HandlerFunc) asynq.Handler {
	return asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		e.running.n.Add(1)
		defer e.running.n.Add(-1)
		return handle(ctx, t)
	})
}

const (
	// plainTaskCheckInterval is how often a lane without notices asks whether there is work.
	plainTaskCheckInterval = 100 * time.Millisecond
	// delayedTaskCheckInterval is how often asynq looks for tasks whose time has come: those that
	// go back to their queue, and those that a plain client has scheduled. Payments have the due
	// index.
	delayedTaskCheckInterval = 10 * time.Second
	// asynqJanitorInterval is how often asynq deletes tasks that were kept after they were done:
	// none of ours.
	asynqJanitorInterval = 5 * time.Minute
)

func (e *Engine) server(concurrency int, queue string) *asynq.Server {
	client, check := e.Redis, plainTaskCheckInterval
	if e.notices != nil {
		client, check = e.notices.Client(), asynqfast.TaskCheckInterval
	}
	return asynq.NewServerFromRedisClient(client, asynq.Config{
		Concurrency:              concurrency,
		Queues:                   map[string]int{queue: 1},
		TaskCheckInterval:        check,
		DelayedTaskCheckInterval: delayedTaskCheckInterval,
		JanitorInterval:          asynqJanitorInterval,
		ShutdownTimeout:          e.ShutdownTimeout,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return 2 * time.Second },
		IsFailure:                func(err error) bool { return !errors.Is(err, errNotRegistered) && !errors.Is(err, errNotServed) },
		Logger:                   asynqLog{e.Log.With().Str("queue", queue).Logger()},
		LogLevel:                 asynq.WarnLevel,
	})
}

// handleSend serves wake-ups. It registers full payloads of plain asynq clients first.
func (e *Engine) handleSend(ctx context.Context, provider string, p *pool, t *asynq.Task) error {
	if t.Type() == tasks.TypeWakeUp {
		keys, err := tasks.WakeUpKeys(t.Payload())
		if err != nil {
			return e.archiveRejected(ctx, provider, t, err)
		}
		return e.serve(ctx, p, keys, e.send)
	}
	task, err := tasks.OpenTask(e.Seal, t)
	if errors.Is(err, seal.ErrUnknownKey) {
		queue, _ := asynq.GetQueueName(ctx)
		e.decryptError(queue, err).Str("type", t.Type()).Msg("TASK NOT OPENED: it stays queued for a worker with the right keys (REMESA_PAYLOAD_KEYS)")
		return fmt.Errorf("%w: %w", errNotRegistered, err)
	}
	if err != nil {
		return e.archiveRejected(ctx, provider, t, err)
	}
	if task.Priority() == tasks.PriorityBulk {
		p = p.forBulk()
	}
	if task.Type() == "status" {
		return e.queryNamed(ctx, p, task)
	}
	return e.registerAndSend(ctx, p, task, t.Headers()["traceparent"])
}

// registerAndSend registers a full payload and serves it. An error means that it is not registered
// yet: asynq hands it out again, as often as it takes, because the ledger does not know it.
// producer is the traceparent of its producer, if it sent one.
func (e *Engine) registerAndSend(ctx context.Context, p *pool, task tasks.Task, producer string) error {
	k := task.Key()
	e.OnFaultPoint(PointRegister, k)
	r := task.Registration(e.FingerprintKey)
	traceparent, end := e.Trace.Register(e.Trace.Remote(ctx, producer), k)
	r.Traceparent = traceparent
	rs, err := e.Ledger.Register(ctx, r)
	end(e.registrationResult(task, rs))
	if err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("not registered; asynq hands it out again")
		return fmt.Errorf("%w: %w", errNotRegistered, err)
	}
	e.OnFaultPoint(PointRegistered, k)
	if task.Differs(rs[0], e.FingerprintKey) {
		return e.rejectTask(ctx, conflicting(task, rs[0]))
	}
	return e.serve(ctx, p, []idempotency.Key{k}, e.send)
}

// registrationResult is what a span tells of a registration; empty where it failed.
func (e *Engine) registrationResult(task tasks.Task, rs []idempotency.Registered) tasks.SubmitResult {
	switch {
	case len(rs) == 0:
		return ""
	case rs[0].Result == idempotency.New:
		return tasks.Enqueued
	case task.Differs(rs[0], e.FingerprintKey):
		return tasks.Conflict
	default:
		return tasks.Duplicate
	}
}

func (e *Engine) handleQuery(ctx context.Context, provider string, p *pool, t *asynq.Task) error {
	keys, err := tasks.WakeUpKeys(t.Payload())
	if err != nil {
		return e.archiveRejected(ctx, provider, t, err)
	}
	return e.serve(ctx, p, keys, e.query)
}

// asynqLog hands asynq's own messages to the worker's log.
type asynqLog struct{ log zerolog.Logger }

func (l asynqLog) Debug(args ...any) { l.log.Debug().Msg(fmt.Sprint(args...)) }
func (l asynqLog) Info(args ...any)  { l.log.Info().Msg(fmt.Sprint(args...)) }
func (l asynqLog) Warn(args ...any)  { l.log.Warn().Msg(fmt.Sprint(args...)) }
func (l asynqLog) Error(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }

// Fatal does not exit: a worker with payments under way never dies of a log line.
func (l asynqLog) Fatal(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }

var (
	errNoAccount     = errors.New("no credentials for this account")
	errNotRegistered = errors.New("not registered")
)
