package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/asynqfast"
	"github.com/remesa/remesa/seal"
)

// Ledger is what a Client needs of the store.
type Ledger interface {
	Register(ctx context.Context, rs ...idempotency.Registration) ([]idempotency.Registered, error)
	Show(ctx context.Context, k idempotency.Key) (idempotency.Record, error)
}

// ClientOptions of a Client; the zero value has the documented defaults.
type ClientOptions struct {
	// FingerprintKey makes fingerprints an HMAC (REMESA_FINGERPRINT_KEY). All producers and workers
	// must have the same.
	FingerprintKey []byte
	// MemoryStop refuses new payments above this share of Redis' maxmemory: a full Redis cannot
	// even dequeue. 0.7 by default.
	MemoryStop float64
	// TaskTimeout is asynq's for a wake-up; longer than any attempt. 75 s by default.
	TaskTimeout time.Duration
	// WakeConcurrency is how many wake-ups are enqueued at a time; 16 by default.
	WakeConcurrency int
	// WithoutNotices enqueues wake-ups without the notice that tells workers at once
	// (REMESA_FAST_PATH=off).
	WithoutNotices bool
	// Tracer follows the payments that are registered; nil follows none.
	Tracer Tracer
}

// Tracer follows payments from their registration on, as OpenTelemetry's tracers do.
type Tracer interface {
	// Register begins the span of a payment's registration, under the one that ctx carries, if any.
	// It returns the span's name as a W3C traceparent, for the payment's record, or "" for none,
	// and a function that ends the span with the result, or with "" where there is none.
	Register(ctx context.Context, k idempotency.Key) (traceparent string, end func(SubmitResult))
}

// Client submits tasks: it registers each payment in the ledger, then wakes a worker with a task
// that carries only its key. A process that dies in between loses nothing: the ledger's due index
// wakes the payment. A Client is safe for concurrent use.
type Client struct {
	ledger Ledger
	rdb    redis.UniversalClient
	queue  *asynq.Client
	opts   ClientOptions
	keys   *seal.Ring // of Open and OpenRedis
	owned  bool       // rdb is closed with the client
}

// NewClient makes a client on a Redis client that stays the caller's to close.
func NewClient(ledger Ledger, rdb redis.UniversalClient, o ClientOptions) *Client {
	if o.MemoryStop == 0 {
		o.MemoryStop = 0.7
	}
	if o.TaskTimeout == 0 {
		o.TaskTimeout = 75 * time.Second
	}
	if o.WakeConcurrency == 0 {
		o.WakeConcurrency = 16
	}
	queue := rdb
	if !o.WithoutNotices {
		queue = asynqfast.Announce(rdb)
	}
	return &Client{ledger: ledger, rdb: rdb, queue: asynq.NewClientFromRedisClient(queue), opts: o}
}

// SubmitResult is what became of submitting one task.
type SubmitResult string

// The results of submitting.
const (
	// Enqueued: the payment is registered and will be sent.
	Enqueued SubmitResult = "enqueued"
	// Duplicate: the same payment is registered already; Receipt.State is its state.
	Duplicate SubmitResult = "duplicate"
	// Conflict: another payment has this reference; nothing was changed.
	Conflict SubmitResult = "conflict"
	// Invalid: a status task names an unknown payment, or the deadline of a payment that is not
	// registered has passed.
	Invalid SubmitResult = "invalid"
)

// Receipt is the result for one submitted task.
type Receipt struct {
	Key    idempotency.Key
	TaskID string
	Result SubmitResult
	// State of a duplicate.
	State idempotency.State
	// Problem says what a conflict or an invalid task is about; it begins with a field's path.
	Problem string
}

// ErrMemory means that Redis has too little memory left to take payments in. Those it has are still
// processed.
var ErrMemory = errors.New("redis is too full for new payments")

// Submit registers and wakes any number of tasks; it is the call for many. A few hundred at a time
// (256, say) share their round trips to Redis: many more gain nothing and are held in memory, one
// by one costs some ten times as much. The receipts are in the order of the tasks, and of two tasks
// with the same key the first one is registered. Calls may run side by side; then the order among
// them is open. On an error none, some or all tasks were registered, and submitting the same tasks
// again is safe: those that were are Duplicate. Of more than BulkAbove tasks, those that name no
// priority are bulk payments.
func (c *Client) Submit(ctx context.Context, ts ...Task) ([]Receipt, error) {
	if err := c.checkMemory(ctx); err != nil {
		return nil, err
	}
	receipts := make([]Receipt, len(ts))
	if err := c.register(ctx, ts, receipts); err != nil {
		return nil, err
	}
	if err := c.requestStatus(ctx, ts, receipts); err != nil {
		return nil, err
	}
	return receipts, nil
}

// register takes in the payments that are not too late, and leaves out the status tasks.
func (c *Client) register(ctx context.Context, ts []Task, receipts []Receipt) error {
	late, err := c.late(ctx, ts)
	if err != nil {
		return err
	}
	var payments []Task
	var places []int
	for i, t := range ts {
		if len(ts) > BulkAbove {
			t = t.BulkByDefault()
		}
		switch {
		case late[i]:
			receipts[i] = Receipt{Key: t.Key(), Result: Invalid, Problem: lateProblem}
		case t.Type() != typeStatus:
			payments, places = append(payments, t), append(places, i)
		}
	}
	registered, err := c.registerAndWake(ctx, payments, func(t Task, _ int) idempotency.Registration { return t.Registration(c.opts.FingerprintKey) })
	for n, r := range registered {
		receipts[places[n]] = r
	}
	return err
}

// Period is a charge of a subscription.
type Period struct {
	Task Task
	// Subscription and Number name the subscription and its period.
	Subscription string
	Number       int
	// ChargeGuard is the key in Redis that must name the charge, or it is not recorded
	// (idempotency.Registration).
	ChargeGuard string
}

// SubmitPeriods registers and wakes as Submit does, but does not check Redis' memory: the sweeper
// does so before it claims periods. Its charges are bulk payments, because no payer waits for them
// and thousands may fall due at once.
func (c *Client) SubmitPeriods(ctx context.Context, ps ...Period) ([]Receipt, error) {
	ts := make([]Task, len(ps))
	for i, p := range ps {
		ts[i] = p.Task.BulkByDefault()
	}
	return c.registerAndWake(ctx, ts, func(t Task, i int) idempotency.Registration {
		r := t.Registration(c.opts.FingerprintKey)
		r.Subscription, r.Period, r.ChargeGuard = ps[i].Subscription, strconv.Itoa(ps[i].Number), ps[i].ChargeGuard
		return r
	})
}

// registerAndWake registers payments and wakes those that may be sent.
func (c *Client) registerAndWake(ctx context.Context, ts []Task, registration func(Task, int) idempotency.Registration) ([]Receipt, error) {
	if len(ts) == 0 {
		return nil, nil
	}
	rs := make([]idempotency.Registration, len(ts))
	for i, t := range ts {
		rs[i] = registration(t, i)
	}
	receipts := make([]Receipt, len(ts))
	defer c.follow(ctx, rs)(receipts)
	answers, err := c.ledger.Register(ctx, rs...)
	if err != nil {
		return nil, err
	}
	wakes := map[string][]idempotency.WakeUp{} // by queue
	for i, a := range answers {
		receipts[i] = c.receipt(ts[i], a)
		if a.State == idempotency.Queued || a.State == idempotency.Ready {
			w := idempotency.WakeUp{Key: receipts[i].Key, Generation: FirstGeneration, Bulk: ts[i].Priority() == PriorityBulk, Partition: a.Partition}
			wakes[queueOf(w)] = append(wakes[queueOf(w)], w)
		}
	}
	return receipts, c.wake(ctx, receipts, wakes)
}

// follow begins the spans of the registrations. The function that it returns ends them with the
// receipts.
func (c *Client) follow(ctx context.Context, rs []idempotency.Registration) func([]Receipt) {
	if c.opts.Tracer == nil {
		return func([]Receipt) {}
	}
	ends := make([]func(SubmitResult), len(rs))
	for i, r := range rs {
		rs[i].Traceparent, ends[i] = c.opts.Tracer.Register(ctx, r.Key)
	}
	return func(receipts []Receipt) {
		for i, end := range ends {
			end(receipts[i].Result)
		}
	}
}

func (c *Client) receipt(t Task, a idempotency.Registered) Receipt {
	switch {
	case a.Result == idempotency.New:
		return Receipt{Key: t.Key(), TaskID: t.Key().TaskID(FirstGeneration), Result: Enqueued}
	case t.Differs(a, c.opts.FingerprintKey):
		return Receipt{Key: t.Key(), Result: Conflict, State: a.State, Problem: a.Conflict}
	default:
		return Receipt{Key: t.Key(), TaskID: t.Key().TaskID(FirstGeneration), Result: Duplicate, State: a.State}
	}
}

// wake enqueues the wake-ups, WakeBatch payments a task and some tasks at a time, and writes each
// task's id into its payments' receipts. A wake-up that exists already will do.
func (c *Client) wake(ctx context.Context, receipts []Receipt, wakes map[string][]idempotency.WakeUp) error {
	carrier := map[idempotency.Key]string{}
	var batches [][]idempotency.WakeUp
	for _, ws := range wakes {
		for batch := range slices.Chunk(ws, WakeBatch) {
			id := WakeUpID(batch...)
			batches = append(batches, batch)
			for _, w := range batch {
				carrier[w.Key] = id
			}
		}
	}
	for i, r := range receipts {
		if id, ok := carrier[r.Key]; ok && r.TaskID != "" {
			receipts[i].TaskID = id
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, c.opts.WakeConcurrency)
	for w := range c.opts.WakeConcurrency {
		wg.Go(func() {
			for i := w; i < len(batches) && errs[w] == nil; i += c.opts.WakeConcurrency {
				errs[w] = c.enqueue(ctx, NewWakeUp(c.opts.TaskTimeout, batches[i]...))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// enqueue returns nil where the task exists already: this very call may have enqueued it, and its
// reply was lost.
func (c *Client) enqueue(ctx context.Context, t *asynq.Task, opts ...asynq.Option) error {
	_, err := c.queue.EnqueueContext(ctx, t, opts...)
	switch {
	case errors.Is(err, asynq.ErrTaskIDConflict):
		return nil
	case err != nil && strings.Contains(err.Error(), "OOM command not allowed"):
		return fmt.Errorf("wake-up: %w", idempotency.ErrFull)
	default:
		return err
	}
}

// requestStatus wakes the query lane for the status tasks, each of which must name a known payment.
func (c *Client) requestStatus(ctx context.Context, ts []Task, receipts []Receipt) error {
	for i, t := range ts {
		if t.Type() != typeStatus {
			continue
		}
		r, err := c.requestStatusOf(ctx, t.Key())
		if err != nil {
			return err
		}
		receipts[i] = r
	}
	return nil
}

func (c *Client) requestStatusOf(ctx context.Context, k idempotency.Key) (Receipt, error) {
	r := Receipt{Key: k, Result: Enqueued}
	record, err := c.ledger.Show(ctx, k)
	if errors.Is(err, idempotency.ErrUnknown) {
		r.Result, r.Problem = Invalid, "reference: no such payment"
		return r, nil
	}
	if err != nil {
		return Receipt{}, err
	}
	id := k.TaskID(0) + ":" + idempotency.NewAttempt()
	r.TaskID = id
	task := NewWakeUp(c.opts.TaskTimeout, idempotency.WakeUp{Key: k, Query: true, Partition: record.Partition})
	return r, c.enqueue(ctx, task, asynq.TaskID(id))
}

// CheckMemory returns ErrMemory where Redis has too little memory left for new payments.
func (c *Client) CheckMemory(ctx context.Context) error { return c.checkMemory(ctx) }

// checkMemory refuses new payments where Redis is nearly full. A server that does not report its
// memory is accepted.
func (c *Client) checkMemory(ctx context.Context) error {
	info, err := c.rdb.Info(ctx, "memory").Result()
	if err != nil {
		return ignoreUnknownCommand(err)
	}
	used, limit := infoNumber(info, "used_memory"), infoNumber(info, "maxmemory")
	if limit > 0 && used > c.opts.MemoryStop*limit {
		return fmt.Errorf("%w: %.0f %% of maxmemory is in use, REMESA_INTAKE_MEMORY_STOP allows %.0f %%; give Redis more memory or wait"+
			" until payments are settled", ErrMemory, 100*used/limit, 100*c.opts.MemoryStop)
	}
	return nil
}

// ignoreUnknownCommand drops an error that the server sent, such as "unknown command"; a server
// that did not respond stays an error.
func ignoreUnknownCommand(err error) error {
	var reply redis.Error
	if errors.As(err, &reply) {
		return nil
	}
	return err
}

func infoNumber(info, name string) float64 {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
