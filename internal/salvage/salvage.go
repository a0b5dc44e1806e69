// Package salvage puts damaged tasks aside, with all their bytes, and counts them until an operator
// has looked at them. Left where it is, a task that asynq cannot read would keep asynq for ever
// from handing out again what dead workers had taken from its queue.
package salvage

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	_ "github.com/hibiken/asynq" // registers its messages
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/remesa/remesa/internal/kv"
)

// Options of a salvager.
type Options struct {
	Redis  redis.UniversalClient
	Queues []string
	Log    zerolog.Logger
	// Interval is the time between two scans; 10 s by default, well below the 30 s for which asynq
	// leaves a lapsed lease alone.
	Interval time.Duration
	// Now is time.Now unless set: asynq's leases follow the workers' clocks, not that of Redis.
	Now func() time.Time
}

// Salvager scans the lapsed leases of its queues. New starts nothing; Run does.
type Salvager struct {
	Options
	task protoreflect.MessageType
	db   *kv.DB
}

const (
	interval = 10 * time.Second
	// scanBatch is how many lapsed leases of a queue one scan reads.
	scanBatch = 1000
	// maxKept bounds a queue's tasks that are put aside. Further ones stay where they are; only
	// their lease goes, which is what stops asynq.
	maxKept = 1000
	// retention is how long they are kept for an operator.
	retention = 90 * 24 * time.Hour
)

// New refuses an asynq whose tasks it cannot read.
func New(o Options) (*Salvager, error) {
	if o.Interval <= 0 {
		o.Interval = interval
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	task, err := protoregistry.GlobalTypes.FindMessageByName("asynq.TaskMessage")
	if err != nil {
		return nil, fmt.Errorf("asynq's tasks: %w", err)
	}
	fields := task.Descriptor().Fields()
	if fields.ByName("id") == nil || fields.ByName("queue") == nil {
		return nil, errors.New("asynq's tasks have no id, or no queue")
	}
	return &Salvager{o, task, kv.NewDB(o.Redis, false)}, nil
}

// Run scans at each interval until ctx is done. All workers may do so at the same time.
func (s *Salvager) Run(ctx context.Context) {
	tick := time.NewTicker(s.Interval)
	defer tick.Stop()
	failing := false
	for {
		err := s.Scan(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			s.Log.Warn().Err(err).Msg("salvage: trying again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Scan puts aside every damaged task whose lease has lapsed. An error in one queue does not stop
// the scan of the others; Scan joins the errors.
func (s *Salvager) Scan(ctx context.Context) error {
	var errs []error
	for _, queue := range s.Queues {
		errs = append(errs, s.scanQueue(ctx, queue))
	}
	return errors.Join(errs...)
}

func (s *Salvager) scanQueue(ctx context.Context, queue string) error {
	now := strconv.FormatInt(s.Now().Unix(), 10)
	ids, err := s.Redis.ZRangeByScore(ctx, asynqKey(queue, "lease"), &redis.ZRangeBy{Min: "-inf", Max: now, Count: scanBatch}).Result()
	if err != nil {
		return fmt.Errorf("lapsed leases of %s: %w", queue, err)
	}
	var errs []error
	for _, id := range ids {
		why, err := s.damage(ctx, queue, id)
		if err == nil && why != "" {
			err = s.putAside(ctx, queue, id, why)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// damage says what is wrong with a task, or nothing. A task without any data holds nothing up:
// asynq skips it.
func (s *Salvager) damage(ctx context.Context, queue, id string) (why string, err error) {
	key := asynqKey(queue, "t:"+id)
	text, err := s.Redis.HGet(ctx, key, "msg").Bytes()
	switch {
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return "not a task", nil
	case errors.Is(err, redis.Nil):
		n, err := s.Redis.Exists(ctx, key).Result()
		if err != nil || n == 0 {
			return "", err
		}
		return "no message", nil
	case err != nil:
		return "", fmt.Errorf("task of %s: %w", queue, err)
	}
	return s.unreadable(queue, id, text), nil
}

// unreadable reads a message as asynq does, with asynq's own type.
func (s *Salvager) unreadable(queue, id string, text []byte) (why string) {
	m := s.task.New()
	if proto.Unmarshal(text, m.Interface()) != nil {
		return "undecodable"
	}
	fields := s.task.Descriptor().Fields()
	if m.Get(fields.ByName("id")).String() != id || m.Get(fields.ByName("queue")).String() != queue {
		return "another task's message"
	}
	return ""
}

//go:embed put_aside.lua
var putAsideText string

// putAside works when Redis is full: it moves more than it writes.
var putAside = kv.NewScript(putAsideText, kv.AllowWhenFull)

func (s *Salvager) putAside(ctx context.Context, queue, id, why string) error {
	now := s.Now().Unix()
	name := fmt.Sprintf("%s@%d", id, now) // a task of the same id may be damaged again
	keys := []string{asynqKey(queue, "lease"), asynqKey(queue, "active"), asynqKey(queue, "t:"+id), indexKey(queue), keptKey(queue, name)}
	did, err := s.db.Run(ctx, putAside, keys, id, name, now, int64(retention.Seconds()), maxKept).Text()
	if err != nil {
		return fmt.Errorf("put a damaged task of %s aside: %w", queue, err)
	}
	line := s.Log.Error().Str("queue", queue).Str("task", id).Str("damage", why)
	switch did {
	case "kept":
		line.Str("key", keptKey(queue, name)).Msg("DAMAGED TASK put aside: asynq could hand out no dead worker's task of its queue")
	case "full":
		line.Msg("DAMAGED TASK left in asynq's list of active tasks: too many are put aside already")
	}
	return nil
}

// PutAside counts the damaged tasks that are put aside.
type PutAside struct{ Redis redis.UniversalClient }

// Damaged is how many of a queue's tasks are put aside.
func (k PutAside) Damaged(ctx context.Context, queue string) (int64, error) {
	since := strconv.FormatInt(time.Now().Add(-retention).Unix(), 10)
	return k.Redis.ZCount(ctx, indexKey(queue), since, "+inf").Result()
}

// keptKey is where a damaged task is kept, as it was.
func keptKey(queue, name string) string { return indexKey(queue) + ":" + name }

// indexKey has the names of a queue's damaged tasks, by the time when they were put aside. Its hash
// tag is that of the queue's own keys.
func indexKey(queue string) string { return kv.Prefix(queue) + "damaged" }

func asynqKey(queue, part string) string { return "asynq:{" + queue + "}:" + part }
