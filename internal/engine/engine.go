// Package engine takes a payment from its wake-up to its outcome in one straight line. The ledger
// alone decides what is sent; handlers return no error for a payment, because its due time wakes it
// again.
//
//	send lane:  wake-up -> circuit -> Ledger.Begin -> Payer.Pay or Charger.Charge
//	            -> Ledger.Finish or Release
//	query lane: wake-up -> circuit -> Ledger.StartQuery -> StatusChecker.Status
//	            -> Ledger.RecordStatus
package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/asynqfast"
	"github.com/remesa/remesa/internal/journal"
	"github.com/remesa/remesa/internal/trace"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// Options of an engine. Zero durations are not replaced: cmd/worker hands in a checked
// configuration.
type Options struct {
	Ledger   Ledger
	Registry providers.Registry
	// Redis is the client that the asynq servers share; it stays the caller's to close.
	Redis redis.UniversalClient
	Log   zerolog.Logger
	// Metrics may be nil.
	Metrics Metrics
	// Trace follows payments; nil follows none.
	Trace *trace.Tracer

	// RequestTimeout < AttemptDeadline < Lease < TaskTimeout < ShutdownTimeout; New refuses any
	// other order.
	RequestTimeout  time.Duration
	AttemptDeadline time.Duration
	Lease           time.Duration
	TaskTimeout     time.Duration
	ShutdownTimeout time.Duration

	// Concurrency is how many payments of a provider may be sent at a time, and how many queried.
	Concurrency func(provider string) int
	// FastPath has the lanes wait for notices instead of asking again and again whether there is
	// work.
	FastPath bool

	RetryBase, RetryMax time.Duration
	PollFirst, PollMax  time.Duration
	JanitorInterval     time.Duration
	CircuitCooldown     time.Duration

	// Limits returns the brakes of an account; nil: none.
	Limits func(provider, account string) idempotency.Limits

	// Limiter shares out the requests under the providers' rate limits; nil: no limits.
	Limiter RateLimiter
	// Throttle keeps for all workers which accounts are throttled; nil: each payment waits for
	// itself.
	Throttle Throttle

	// FingerprintKey makes the fingerprints of full payloads an HMAC.
	FingerprintKey []byte
	// Seal opens the full payloads of plain asynq clients; with it, unsealed ones are refused. The
	// ledger seals and opens its own.
	Seal *seal.Ring

	// Journal, if set, has each attempt on this worker's own disk before it sends.
	Journal Journal

	// Enqueue, if set, takes the wake-ups of one lane instead of asynq's queues, and Redis is not
	// used: who has no queue delivers them with Serve, and calls Tick instead of Run.
	Enqueue func(ctx context.Context, batch []idempotency.WakeUp) error
	// OnFaultPoint, if set, is called at each fault point of a payment's path. Tests kill and stop
	// the process there.
	OnFaultPoint func(FaultPoint, idempotency.Key)
	// Random returns a number in [0,1); math/rand/v2 by default.
	Random func() float64
	// Now is the local clock of an attempt's deadline; time.Now by default. Leases and due times
	// use the store's.
	Now func() time.Time
}

// RateLimiter shares out what a provider allows among all workers, and between the two lanes;
// query is true for the query lane.
type RateLimiter interface {
	// Limited reports whether the provider has a limit.
	Limited(provider string) bool
	// Wait waits for a slot, and returns true when one request may be made. It returns false at
	// once where no slot is free soon.
	Wait(ctx context.Context, provider string, query bool) (bool, error)
	// Capacity is how many callers to which Wait returned false may come again now, most at the
	// most.
	Capacity(ctx context.Context, provider string, query bool, most int) (int, error)
}

// Throttle is what all workers know of the accounts that a provider throttles (HTTP 429).
type Throttle interface {
	// Enter reports whether a request may be made, and whether it is the probe: then the caller
	// must call Leave.
	Enter(ctx context.Context, provider, account string) (free, probe bool, err error)
	// Set makes the account wait for d from now.
	Set(ctx context.Context, provider, account string, d time.Duration) error
	// Leave reports the probe; well is true if the provider answered it and did not throttle it.
	Leave(ctx context.Context, provider, account string, well bool) error
	// Capacity is how many of the account's parked payments may come again now, most at the most.
	Capacity(ctx context.Context, provider, account string, most int) (int, error)
}

// Journal keeps on the worker's own disk which attempts it lets go; see package journal.
type Journal interface {
	// Intend returns once the attempt is on disk. After an error it must not send.
	Intend(e journal.Entry) error
	// Settle says what the attempt came to, once the store has it.
	Settle(attempt, class, providerID, code string) error
	// Entries are the attempts on the journal, and Sequences the highest numbers of sends that were
	// seen, by the partition's name, those of earlier workers of this machine included.
	Entries() []journal.Entry
	Sequences() map[string]int64
}

// Metrics counts what the engine does.
type Metrics interface {
	Request(provider, operation, class string, took time.Duration)
	Transitioned(provider string, s idempotency.Transition)
	Anomaly(provider, kind string)
	// Blocked counts a payment that a brake blocked.
	Blocked(provider, brake string)
	Circuit(provider string, open bool)
	// DecryptError counts a payload that could not be opened. reason is key, unsealed or tampered.
	DecryptError(provider, reason string)
	// TaskRejected counts a task that became no payment.
	TaskRejected(provider, reason string)
	// Epoch shows the epoch of the partition's store and how many sends it has counted.
	Epoch(partition string, e idempotency.Epoch, sequence int64)
}

// Engine serves the providers of its registry. New starts nothing; Run does.
type Engine struct {
	Options
	circuits map[string]*circuit
	queue    *asynq.Client
	// notices hold the dequeues of empty lanes; nil without FastPath.
	notices *asynqfast.Notices
	// exiting closes when the process is about to exit. Results that could not be written by then
	// are logged.
	exiting chan struct{}
	// closing closes when the process drains: the engine begins nothing any more.
	closing chan struct{}
	// directQueries bounds, by provider, the status queries that the janitor makes itself while
	// asynq takes no tasks.
	directQueries map[string]chan struct{}
	// logLimiter bounds the log lines about payloads that this worker cannot open or compare.
	logLimiter logLimiter
	// reports are what this worker has reported last.
	reports map[idempotency.Partition]*sentReports
	// running counts every task and status query under way, those included that asynq has given
	// up on.
	running inFlight
}

// ErrNotStopped means that what was under way is over, but asynq still waits for its Redis, which
// does not answer. The process may end; until then the Redis client must stay open, because asynq
// breaks the process that closes it.
var ErrNotStopped = errors.New("asynq has not stopped: its Redis does not answer")

// New checks the options.
func New(o Options) (*Engine, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Random == nil {
		o.Random = rand.Float64 // #nosec G404 -- jitter, not a secret
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnFaultPoint == nil {
		o.OnFaultPoint = func(FaultPoint, idempotency.Key) {}
	}
	if o.Limits == nil {
		o.Limits = func(string, string) idempotency.Limits { return idempotency.Limits{} }
	}
	if o.Limiter == nil {
		o.Limiter = noRateLimit{}
	}
	if o.Throttle == nil {
		o.Throttle = noThrottle{}
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	e := &Engine{Options: o, exiting: make(chan struct{}), closing: make(chan struct{}), directQueries: map[string]chan struct{}{}, circuits: map[string]*circuit{}}
	e.reports = map[idempotency.Partition]*sentReports{}
	for provider, accounts := range o.Registry {
		for _, p := range e.Ledger.Partitions(provider) {
			e.reports[p] = &sentReports{}
		}
		e.directQueries[provider] = make(chan struct{}, maxDirectQueries)
		for _, a := range accounts {
			e.circuits[a.Provider+"/"+a.Name] = newCircuit(a, o)
		}
	}
	e.recallJournal()
	enqueuer := o.Redis
	if o.FastPath {
		enqueuer, e.notices = asynqfast.Announce(o.Redis), asynqfast.New(o.Redis, e.queues()...)
	}
	e.queue = asynq.NewClientFromRedisClient(enqueuer)
	return e, nil
}

// queues are all queues of the registry's providers, of each partition.
func (e *Engine) queues() []string {
	var all []string
	for _, provider := range e.Registry.Providers() {
		for _, p := range e.Ledger.Partitions(provider) {
			all = append(all, tasks.Queues(p.String())...)
		}
	}
	return all
}

func (o Options) check() error {
	row := []struct {
		name string
		d    time.Duration
	}{
		{"request timeout", o.RequestTimeout},
		{"attempt deadline", o.AttemptDeadline},
		{"lease", o.Lease},
		{"task timeout", o.TaskTimeout},
		{"shutdown timeout", o.ShutdownTimeout},
	}
	for i := 1; i < len(row); i++ {
		if row[i-1].d >= row[i].d {
			return fmt.Errorf("%s (%s) must be shorter than %s (%s)", row[i-1].name, row[i-1].d, row[i].name, row[i].d)
		}
	}
	if o.RequestTimeout <= 0 {
		return errors.New("request timeout must be above zero")
	}
	if 2*o.RequestTimeout > o.AttemptDeadline {
		return fmt.Errorf("an attempt (%s) must have time for two requests of %s", o.AttemptDeadline, o.RequestTimeout)
	}
	return nil
}

// Run serves until ctx is done, then drains: it takes no more tasks and waits for what is under
// way, for ShutdownTimeout at most. It returns nil, an error of the start, or ErrNotStopped.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	if e.notices != nil {
		background.Go(func() { e.notices.Run(ctx) })
	}
	var servers []*asynq.Server
	for _, p := range e.Registry.Providers() {
		for _, lane := range e.lanes(p) {
			if err := lane.server.Start(lane.handler); err != nil {
				cancel()
				shutdown(servers)
				return fmt.Errorf("start %s: %w", lane.queue, err)
			}
			servers = append(servers, lane.server)
		}
	}
	var janitors sync.WaitGroup
	for _, p := range e.Registry.Providers() {
		for _, part := range e.Ledger.Partitions(p) {
			janitors.Go(func() { e.janitor(ctx, part) })
		}
	}
	<-ctx.Done()
	close(e.closing)
	e.Log.Info().Msg("draining: no new tasks; waiting for what is under way")
	return e.drain(func() { shutdown(servers); janitors.Wait() })
}

const (
	// asynqStopTimeout is how long asynq may take to stop once nothing is under way. asynq itself
	// waits for Redis without end.
	asynqStopTimeout = 5 * time.Second
	// finalWriteTimeout is how long a write that has begun may take, with the log line after it.
	finalWriteTimeout = writeTimeout + time.Second
)

// drain waits for stop, and for what asynq no longer waits for: a task whose lease it lost may
// still be sending, or writing its result. After ShutdownTimeout the engine tries no write again,
// and logs each result that it could not write. With finalWriteTimeout the drain ends before the
// orchestrator's grace does (lease + 30 s), whatever Redis does.
func (e *Engine) drain(stop func()) error {
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	e.running.awaitIdle(e.ShutdownTimeout, asynqStopTimeout, stopped)
	close(e.exiting)
	if !e.running.awaitIdle(finalWriteTimeout, time.Second, stopped) {
		e.Log.Error().Msg("stopping without waiting any longer: what is under way will be queried when its lease has lapsed")
	}
	if closed(stopped) {
		return nil
	}
	e.Log.Warn().Msg("stopping without Redis, which does not answer: asynq has not signed off")
	return ErrNotStopped
}

// inFlight counts what has begun and not ended.
type inFlight struct{ n atomic.Int64 }

// Go runs f as something under way.
func (i *inFlight) Go(f func()) {
	i.n.Add(1)
	go func() {
		defer i.n.Add(-1)
		f()
	}()
}

// awaitIdle waits until asynq has stopped and nothing is under way, or until nothing has been under
// way for quiet. It returns false when that takes longer than d.
func (i *inFlight) awaitIdle(d, quiet time.Duration, stopped <-chan struct{}) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for last := began; time.Since(began) < d; <-tick.C {
		busy := i.n.Load() > 0
		switch {
		case busy:
			last = time.Now()
		case closed(stopped), time.Since(last) >= quiet:
			return true
		}
	}
	return false
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// shutdown stops all servers at once; each waits for its own tasks. Stop comes first: Shutdown may
// begin by waiting for Redis, and would take tasks until then. No server waits for another's Stop,
// which waits for Redis, too.
func shutdown(servers []*asynq.Server) {
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() { s.Stop(); s.Shutdown() })
	}
	wg.Wait()
}

type noRateLimit struct{}

func (noRateLimit) Limited(string) bool                                              { return false }
func (noRateLimit) Wait(context.Context, string, bool) (bool, error)                 { return true, nil }
func (noRateLimit) Capacity(_ context.Context, _ string, _ bool, n int) (int, error) { return n, nil }

type noThrottle struct{}

func (noThrottle) Enter(context.Context, string, string) (free, probe bool, err error) {
	return true, false, nil
}
func (noThrottle) Set(context.Context, string, string, time.Duration) error    { return nil }
func (noThrottle) Leave(context.Context, string, string, bool) error           { return nil }
func (noThrottle) Capacity(_ context.Context, _, _ string, n int) (int, error) { return n, nil }

type noMetrics struct{}

func (noMetrics) Request(string, string, string, time.Duration) {}
func (noMetrics) Transitioned(string, idempotency.Transition)   {}
func (noMetrics) Anomaly(string, string)                        {}
func (noMetrics) Blocked(string, string)                        {}
func (noMetrics) Circuit(string, bool)                          {}
func (noMetrics) DecryptError(string, string)                   {}
func (noMetrics) TaskRejected(string, string)                   {}
func (noMetrics) Epoch(string, idempotency.Epoch, int64)        {}
