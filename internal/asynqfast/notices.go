package asynqfast

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	taskCheckInterval = 5 * time.Millisecond
	// holdFor is how long an empty dequeue is held at most. The task that it then takes has that
	// much less of asynq's lease of 30 s, until the next heartbeat, 5 s later at most, extends it.
	holdFor = 10 * time.Second
	// pollInterval is how late a task without a notice is seen. While a subscription is missing,
	// Notices polls as often as a worker without notices does.
	pollInterval      = time.Second
	plainPollInterval = 100 * time.Millisecond
	// refusedPause keeps asynq, which repeats a failed dequeue at once, from occupying a core while
	// Redis refuses each.
	refusedPause = 100 * time.Millisecond
	// resubscribePause lies between two subscriptions.
	resubscribePause = 200 * time.Millisecond
	// pingInterval is after how long a silent subscription is tested. One that is silent for as
	// long again is given up.
	pingInterval = 10 * time.Second
)

// Notices holds the dequeues of empty queues until there is something to take. New starts nothing;
// Run does.
type Notices struct {
	rdb    redis.UniversalClient
	queues map[string]*queue
	// byChannel is queues by the channel of their notices.
	byChannel map[string]*queue
	// ended closes when Run ends: from then on nothing is held.
	ended chan struct{}
	// live counts the subscriptions that were confirmed and have not failed.
	live atomic.Int64

	// Times that tests change.
	hold, poll, plainPoll time.Duration
}

type queue struct {
	name string
	// noticed holds one notice: more would say no more.
	noticed chan struct{}
	// held counts the dequeues that began to wait.
	held atomic.Int64
}

// New makes the notices of some queues, for one asynq server each.
func New(c redis.UniversalClient, queues ...string) *Notices {
	n := &Notices{
		rdb: c, queues: map[string]*queue{}, byChannel: map[string]*queue{}, ended: make(chan struct{}),
		hold: holdFor, poll: pollInterval, plainPoll: plainPollInterval,
	}
	for _, name := range queues {
		q := &queue{name: name, noticed: make(chan struct{}, 1)}
		n.queues[name], n.byChannel[channel(name)] = q, q
	}
	return n
}

// Client is for asynq.NewServerFromRedisClient. It holds each dequeue of an empty queue until a
// notice comes, and passes everything else on.
func (n *Notices) Client() redis.UniversalClient { return holder{n.rdb, n} }

type holder struct {
	redis.UniversalClient
	notices *Notices
}

// EvalSha implements redis.Scripter.
func (h holder) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return h.notices.run(ctx, keys, func() *redis.Cmd { return h.UniversalClient.EvalSha(ctx, sha, keys, args...) })
}

// Eval implements redis.Scripter.
func (h holder) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return h.notices.run(ctx, keys, func() *redis.Cmd { return h.UniversalClient.Eval(ctx, script, keys, args...) })
}

func (n *Notices) run(ctx context.Context, keys []string, script func() *redis.Cmd) *redis.Cmd {
	name, ok := dequeued(keys)
	if q := n.queues[name]; ok && q != nil {
		return n.dequeue(ctx, q, script)
	}
	return script()
}

// dequeue tries until there is a task, and after each notice. A queue that is paused, or whose next
// task has lost its data, looks empty.
func (n *Notices) dequeue(ctx context.Context, q *queue, try func() *redis.Cmd) *redis.Cmd {
	end := time.NewTimer(n.hold)
	defer end.Stop()
	for {
		cmd := try()
		switch err := cmd.Err(); {
		case err == nil, redis.HasErrorPrefix(err, "NOSCRIPT"): // asynq then sends the script's text
			return cmd
		case !errors.Is(err, redis.Nil):
			n.wait(ctx, refusedPause)
			return cmd
		}
		q.held.Add(1)
		select {
		case <-q.noticed:
		case <-end.C:
			return cmd
		case <-n.ended:
			return cmd
		case <-ctx.Done():
			return cmd
		}
	}
}

// wait waits, but not past Run's end.
func (n *Notices) wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-n.ended:
	}
}

func (q *queue) notice() {
	select {
	case q.noticed <- struct{}{}:
	default:
	}
}

// Run receives notices until ctx is done. Before it is called dequeues are held, and after it no
// more, so that asynq can stop.
func (n *Notices) Run(ctx context.Context) {
	defer close(n.ended)
	var running sync.WaitGroup
	for _, channels := range n.subscriptions() {
		running.Go(func() { n.subscribe(ctx, channels) })
	}
	running.Go(func() { n.look(ctx) })
	<-ctx.Done()
	running.Wait()
}

// subscriptions are the channels of each subscription: one for all, on a cluster one for each slot.
func (n *Notices) subscriptions() [][]string {
	var all []string
	var each [][]string
	for name := range n.byChannel {
		all, each = append(all, name), append(each, []string{name})
	}
	if sharded(n.rdb) || len(all) == 0 {
		return each
	}
	return [][]string{all}
}

// subscribe receives the notices of some channels, over one connection after the other.
func (n *Notices) subscribe(ctx context.Context, channels []string) {
	open := n.rdb.Subscribe
	if sharded(n.rdb) {
		open = n.rdb.SSubscribe
	}
	for ctx.Err() == nil {
		s := open(ctx, channels...)
		stop := context.AfterFunc(ctx, func() { _ = s.Close() })
		n.receive(ctx, s)
		stop()
		_ = s.Close()
		n.wait(ctx, resubscribePause)
	}
}

// receive returns when the connection fails, or no longer answers; or, on a cluster, when the slot
// has moved.
func (n *Notices) receive(ctx context.Context, s *redis.PubSub) {
	confirmed, pinged := false, false
	defer func() {
		if confirmed {
			n.live.Add(-1)
		}
	}()
	for {
		m, err := s.ReceiveTimeout(ctx, pingInterval)
		if silent, ok := errors.AsType[net.Error](err); ok && silent.Timeout() && !pinged {
			pinged = s.Ping(ctx) == nil
			if pinged {
				continue
			}
		}
		if err != nil {
			return
		}
		pinged = false
		switch m := m.(type) {
		case *redis.Message:
			n.noticeOn(m.Channel)
		case *redis.Subscription:
			if m.Kind == "sunsubscribe" {
				return
			}
			n.noticeOn(m.Channel) // there may have been notices before
			if !confirmed {
				confirmed = true
				n.live.Add(1)
			}
		}
	}
}

func (n *Notices) noticeOn(channel string) {
	if q := n.byChannel[channel]; q != nil {
		q.notice()
	}
}

// look finds the tasks for which no notice came: that of a plain asynq client, one that asynq
// itself put back, or one whose notice was lost.
func (n *Notices) look(ctx context.Context) {
	for ctx.Err() == nil {
		every := n.poll
		if n.live.Load() < int64(len(n.subscriptions())) {
			every = min(n.poll, n.plainPoll)
		}
		n.wait(ctx, every)
		if n.anyPending(ctx) {
			n.noticePending(ctx)
		}
	}
}

// anyPending costs one command for all queues, except on a cluster.
func (n *Notices) anyPending(ctx context.Context) bool {
	if sharded(n.rdb) {
		return true
	}
	var keys []string
	for name := range n.queues {
		keys = append(keys, pendingKey(name))
	}
	found, err := n.rdb.Exists(ctx, keys...).Result()
	return err == nil && found > 0
}

func (n *Notices) noticePending(ctx context.Context) {
	pipe := n.rdb.Pipeline()
	found := map[*queue]*redis.IntCmd{}
	for _, q := range n.queues {
		found[q] = pipe.Exists(ctx, pendingKey(q.name))
	}
	_, _ = pipe.Exec(ctx) // a queue that cannot be read is looked at again
	for q, cmd := range found {
		if cmd.Val() > 0 {
			q.notice()
		}
	}
}
