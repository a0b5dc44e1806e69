// Package delivery sends outcome events to billing systems as signed webhooks: at least once, in
// order for each payment, until the receiver takes them or three days have passed.
//
//	outcome stream -> open deliveries and their tasks -> cursor
//	task -> its payment's oldest open delivery? -> POST -> closed -> the payment's next
//
// Whatever dies in between leaves a cursor, an open delivery or a task from which the same follows
// again. Each receiver has a queue, a cursor and connections of its own, so that none waits for
// another, and no payment waits for any.
package delivery

import (
	"context"
	"crypto/rand"
	"fmt"
	randv2 "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/asynqfast"
	"github.com/remesa/remesa/internal/receiver"
	"github.com/remesa/remesa/seal"
)

// Fault points of a delivery, at which tests kill or stop a worker.
const (
	// PointOpened: the batch's deliveries are open and have tasks, and the cursor has not moved.
	PointOpened = "webhook_opened"
	// PointDelivered: the receiver has the event, and Redis does not know it yet.
	PointDelivered = "webhook_delivered"
)

// Options of a service. Durations that are zero are the documented defaults.
type Options struct {
	Redis     redis.UniversalClient
	Receivers []receiver.Receiver
	// Providers are those whose outcomes are delivered.
	Providers []string
	// Ring opens what is sealed, for receivers that get it open; nil without payload keys.
	Ring *seal.Ring
	Log  zerolog.Logger
	// Count counts the results of attempts and deliveries; it may be nil.
	Count func(receiver, result string, n int64)
	// RetryBase and RetryMax bound the wait between two attempts: the first one grows twofold with
	// each.
	RetryBase, RetryMax time.Duration
	// FastPath has idle queues wait for notices instead of asking again and again.
	FastPath bool

	// Poll, Sweep and Term are pollInterval, sweepInterval and feederTerm unless set.
	Poll, Sweep, Term time.Duration
	// Most is how many deliveries of a receiver may be open; mostOpen unless set.
	Most int
	// Now is time.Now unless set.
	Now func() time.Time
	// Random returns a number in [0,1); math/rand/v2 by default.
	Random func() float64
	// OnFaultPoint, if set, is called at each fault point.
	OnFaultPoint func(string)
}

// Service delivers to its receivers. New starts nothing; Run does.
type Service struct {
	Options
	store   *Store
	queue   *asynq.Client
	notices *asynqfast.Notices
	lines   []*line
}

// line is what one receiver has for itself.
type line struct {
	*Service
	to     receiver.Receiver
	poster *Poster
	rdb    redis.UniversalClient
	log    zerolog.Logger
	// token names this worker as the one that reads the streams for the receiver.
	token string
	// streams are those that are read for the receiver, as they were listed then.
	streams []stream
	listed  time.Time
	// failing: the last attempt failed.
	failing atomic.Bool
}

// New checks the receivers.
func New(o Options) (*Service, error) {
	o.fill()
	s := &Service{Options: o, store: NewStore(o.Redis, o.Providers...)}
	enqueuer := o.Redis
	if o.FastPath {
		enqueuer, s.notices = asynqfast.Announce(o.Redis), asynqfast.New(o.Redis, Queues(o.Receivers)...)
	}
	s.queue = asynq.NewClientFromRedisClient(enqueuer)
	for _, to := range o.Receivers {
		p, err := NewPoster(to)
		if err != nil {
			return nil, err
		}
		s.lines = append(s.lines, &line{
			Service: s, to: to, poster: p, rdb: o.Redis,
			log: o.Log.With().Str("receiver", to.Name).Logger(), token: rand.Text(),
		})
	}
	return s, nil
}

func (o *Options) fill() {
	defaults := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	defaults(&o.RetryBase, time.Second)
	defaults(&o.RetryMax, 10*time.Minute)
	defaults(&o.Poll, pollInterval)
	defaults(&o.Sweep, sweepInterval)
	defaults(&o.Term, feederTerm)
	if o.Most <= 0 {
		o.Most = mostOpen
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = randv2.Float64 // #nosec G404 -- jitter, not a secret
	}
	if o.Count == nil {
		o.Count = func(string, string, int64) {}
	}
	if o.OnFaultPoint == nil {
		o.OnFaultPoint = func(string) {}
	}
}

// Queues are the asynq queues of these receivers.
func Queues(all []receiver.Receiver) []string {
	var queues []string
	for _, r := range all {
		queues = append(queues, Queue(r.Name))
	}
	return queues
}

func (l *line) count(result string, n int64) { l.Count(l.to.Name, result, n) }

// stopTimeout is how long Run waits for deliveries that are under way, and for asynq.
const stopTimeout = exchangeTimeout + 5*time.Second

// beginTimeout bounds Begin: payments do not wait for webhooks.
const beginTimeout = 2 * time.Second

// Begin gives new receivers their cursors, so that they get what becomes of payments from the
// worker's start on. What it cannot do now Run does.
func (s *Service) Begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	for _, l := range s.lines {
		if err := l.list(ctx); err != nil {
			l.log.Warn().Err(err).Msg("webhooks: not begun yet; trying again")
		}
	}
}

// Run delivers until ctx is done, then waits for what is under way, for stopTimeout at most.
// stopped is false where asynq still waits for a Redis that does not answer: then the client must
// stay open until the process ends.
func (s *Service) Run(ctx context.Context) (stopped bool) {
	var running sync.WaitGroup
	if s.notices != nil {
		running.Go(func() { s.notices.Run(ctx) })
	}
	for _, l := range s.lines {
		running.Go(func() { l.serve(ctx) })
		running.Go(func() { l.feed(ctx) })
	}
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	<-ctx.Done()
	select {
	case <-ended:
		return true
	case <-time.After(stopTimeout):
		s.Log.Warn().Msg("webhooks: stopping without Redis, which does not answer")
		return false
	}
}

// serve has asynq hand out the receiver's tasks until ctx is done.
func (l *line) serve(ctx context.Context) {
	defer l.poster.Close()
	for ctx.Err() == nil {
		server := l.server()
		err := server.Start(asynq.HandlerFunc(l.handle))
		if err == nil {
			<-ctx.Done()
			server.Stop()
			server.Shutdown()
			return
		}
		l.log.Warn().Err(err).Msg("webhooks: asynq does not start; trying again")
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

const (
	// plainTaskCheckInterval is how often a queue without notices is asked for work.
	plainTaskCheckInterval = 200 * time.Millisecond
	// delayedTaskCheckInterval is how often asynq looks for tasks that are to be tried again.
	delayedTaskCheckInterval = time.Second
)

func (l *line) server() *asynq.Server {
	client, check := l.Redis, plainTaskCheckInterval
	if l.notices != nil {
		client, check = l.notices.Client(), asynqfast.TaskCheckInterval
	}
	return asynq.NewServerFromRedisClient(client, asynq.Config{
		Concurrency: l.to.Concurrency, Queues: map[string]int{Queue(l.to.Name): 1},
		TaskCheckInterval: check, DelayedTaskCheckInterval: delayedTaskCheckInterval, ShutdownTimeout: exchangeTimeout + time.Second,
		RetryDelayFunc: l.retryDelay, Logger: asynqLog{l.log}, LogLevel: asynq.WarnLevel,
	})
}

// asynqLog hands asynq's own messages to the worker's log.
type asynqLog struct{ log zerolog.Logger }

func (a asynqLog) Debug(args ...any) { a.log.Debug().Msg(fmt.Sprint(args...)) }
func (a asynqLog) Info(args ...any)  { a.log.Info().Msg(fmt.Sprint(args...)) }
func (a asynqLog) Warn(args ...any)  { a.log.Warn().Msg(fmt.Sprint(args...)) }
func (a asynqLog) Error(args ...any) { a.log.Error().Msg(fmt.Sprint(args...)) }

// Fatal does not exit: a worker never dies of a log line.
func (a asynqLog) Fatal(args ...any) { a.log.Error().Msg(fmt.Sprint(args...)) }
