package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/bench/payment"
)

const (
	queue    = "payouts"
	taskType = "payout"
)

func (o options) redisOpt() asynq.RedisClientOpt {
	return asynq.RedisClientOpt{Addr: o.redis, PoolSize: o.concurrency + 10}
}

// serveAsynq runs one or several servers, which share what may be in flight.
func serveAsynq(ctx context.Context, o options) error {
	handle, err := o.handler()
	if err != nil {
		return err
	}
	var servers []*asynq.Server
	for range o.servers {
		s := asynq.NewServer(o.redisOpt(), asynq.Config{
			Concurrency: o.concurrency / o.servers, Queues: map[string]int{queue: 1}, TaskCheckInterval: o.check, LogLevel: asynq.WarnLevel,
		})
		if err := s.Start(asynq.HandlerFunc(handle)); err != nil {
			return err
		}
		servers = append(servers, s)
	}
	<-ctx.Done()
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(s.Shutdown)
	}
	wg.Wait()
	return nil
}

func (o options) handler() (asynq.HandlerFunc, error) {
	payer := o.payer()
	rdb := redis.NewClient(&redis.Options{Addr: o.redis, PoolSize: o.concurrency + 10})
	switch o.guard {
	case "none":
		return func(ctx context.Context, t *asynq.Task) error {
			_, err := payer.Pay(ctx, t.Payload())
			return err
		}, nil
	case "naive":
		return naive{payer, rdb}.handle, nil
	case "ledger":
		return ledger{payer, rdb}.handle, nil
	}
	return nil, errors.New("-guard: must be none, naive or ledger")
}

// keep is how long a guard remembers a payout.
const keep = 24 * time.Hour

// naive is the guard that most people write: a key before the request, its result after. A payout
// whose worker dies in between is never tried again, and nobody asks what became of it.
type naive struct {
	payer *payment.Client
	rdb   *redis.Client
}

var errStarted = errors.New("started before, with an unknown end")

func (n naive) handle(ctx context.Context, t *asynq.Task) error {
	p, err := read(t.Payload())
	if err != nil {
		return err
	}
	key := "payout:" + p.MerchantID
	first, err := n.rdb.SetNX(ctx, key, "started", keep).Result() //nolint:staticcheck // the command that everybody uses
	if err != nil {
		return err
	}
	if !first {
		if state, err := n.rdb.Get(ctx, key).Result(); err != nil || state == "started" {
			return errors.Join(err, errStarted)
		}
		return nil
	}
	id, err := n.payer.Send(ctx, p)
	if err != nil {
		return err
	}
	return n.rdb.Set(ctx, key, id, keep).Err()
}

// ledger is a ledger in two scripts, the obvious way: a record with state, attempt and lease, an
// index by state, and an event for the outcome.
type ledger struct {
	payer *payment.Client
	rdb   *redis.Client
}

var begin = redis.NewScript(`
local state, lease = redis.call('HGET', KEYS[1], 'state'), redis.call('HGET', KEYS[1], 'lease')
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if state == 'succeeded' or state == 'failed' then return state end
if state == 'sending' then
  if now < tonumber(lease) then return 'busy' end
  return 'in doubt'
end
redis.call('HSET', KEYS[1], 'state', 'sending', 'attempt', ARGV[1], 'lease', now + 60000, 'created', now, 'updated', now)
redis.call('ZADD', KEYS[2], now, ARGV[2])
return 'go'`)

var finish = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'state') ~= 'sending' or redis.call('HGET', KEYS[1], 'attempt') ~= ARGV[1] then return 'lost' end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], 'state', 'succeeded', 'provider_id', ARGV[3], 'updated', now)
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('XADD', KEYS[3], '*', 'key', ARGV[2], 'state', 'succeeded', 'provider_id', ARGV[3], 'at', now)
return 'done'`)

func (l ledger) handle(ctx context.Context, t *asynq.Task) error {
	p, err := read(t.Payload())
	if err != nil {
		return err
	}
	attempt, _ := asynq.GetTaskID(ctx)
	keys := []string{"payout:" + p.MerchantID, "payouts:open", "payouts:outcomes"}
	word, err := begin.Run(ctx, l.rdb, keys, attempt, p.MerchantID).Text()
	switch {
	case err != nil:
		return err
	case word == "succeeded", word == "failed":
		return nil
	case word != "go":
		return fmt.Errorf("%s: %s", p.MerchantID, word)
	}
	id, err := l.payer.Send(ctx, p)
	if err != nil {
		return err
	}
	word, err = finish.Run(ctx, l.rdb, keys, attempt, p.MerchantID, id).Text()
	if err == nil && word != "done" {
		err = fmt.Errorf("%s: %s", p.MerchantID, word)
	}
	return err
}

// enqueueAsynq enqueues payouts with as many callers at a time.
func enqueueAsynq(ctx context.Context, o options) error {
	opt := o.redisOpt()
	opt.PoolSize = o.callers + 10
	client := asynq.NewClient(opt)
	defer func() { _ = client.Close() }()
	return enqueueAll(ctx, client, o)
}

// enqueueAll enqueues n payouts of a run.
func enqueueAll(ctx context.Context, client *asynq.Client, o options) error {
	errs := make([]error, o.callers)
	var wg sync.WaitGroup
	for c := range o.callers {
		wg.Go(func() {
			for i := c; i < o.n && errs[c] == nil; i += o.callers {
				t := asynq.NewTask(taskType, payment.Line(o.run, i), asynq.Queue(queue), asynq.TaskID(payment.Reference(o.run, i)))
				_, errs[c] = client.EnqueueContext(ctx, t)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
