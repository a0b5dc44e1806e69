// Package asynqfast tells workers at once that there is work, so that none asks an idle Redis again
// and again. Whoever enqueues publishes a notice in the same round trip (Announce); a worker holds
// asynq's dequeue of an empty queue until a notice comes (Notices). A notice is a hint: one that is
// lost costs a second, because Notices also looks by itself.
//
// This is the only package that leans on asynq's inside: on the keys of the scripts with which
// asynq enqueues and dequeues. A test holds them and asynq's version; REMESA_FAST_PATH=off does
// without.
package asynqfast

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
)

// TaskCheckInterval is for asynq's configuration: a dequeue that was held for nothing is asked for
// again at once.
const TaskCheckInterval = taskCheckInterval

// channel is where a queue's notices are published. It has the hash tag of asynq's keys of the
// queue, so that one pipeline of a cluster carries both.
func channel(queue string) string { return kv.Prefix(queue) + "notices" }

func pendingKey(queue string) string { return "asynq:{" + queue + "}:pending" }

// Announce returns a client for asynq.NewClientFromRedisClient that publishes a notice with each
// task that it enqueues, in one round trip. That a notice could not be published is no error.
func Announce(c redis.UniversalClient) redis.UniversalClient { return announcer{c} }

type announcer struct{ redis.UniversalClient }

// EvalSha implements redis.Scripter.
func (a announcer) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return a.run(ctx, a.UniversalClient, keys, func(s redis.Scripter) *redis.Cmd { return s.EvalSha(ctx, sha, keys, args...) })
}

// Eval implements redis.Scripter.
func (a announcer) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return a.run(ctx, a.UniversalClient, keys, func(s redis.Scripter) *redis.Cmd { return s.Eval(ctx, script, keys, args...) })
}

// run adds a notice to a script that enqueues. If Redis refuses the script in the pipeline, it runs
// alone: the client then retries what passes, such as a failover.
func (a announcer) run(ctx context.Context, c redis.UniversalClient, keys []string, script func(redis.Scripter) *redis.Cmd) *redis.Cmd {
	queue, ok := enqueued(keys)
	if !ok {
		return script(c)
	}
	pipe := c.Pipeline()
	cmd := script(pipe)
	publish(ctx, c, pipe, queue)
	_, _ = pipe.Exec(ctx) // the script's own error counts
	if _, refused := errors.AsType[redis.Error](cmd.Err()); refused {
		return script(c)
	}
	return cmd
}

func publish(ctx context.Context, c redis.UniversalClient, pipe redis.Pipeliner, queue string) {
	if sharded(c) {
		pipe.SPublish(ctx, channel(queue), "")
		return
	}
	pipe.Publish(ctx, channel(queue), "")
}

// sharded reports whether notices are published and subscribed to on the node of their slot: on a
// cluster, where an ordinary one would go to every node.
func sharded(c redis.UniversalClient) bool {
	_, ok := c.(*redis.ClusterClient)
	return ok
}

// enqueued is the queue into which a script with these keys enqueues a task.
func enqueued(keys []string) (queue string, ok bool) {
	if len(keys) != 2 {
		return "", false
	}
	rest, ok := strings.CutPrefix(keys[1], "asynq:{")
	queue, ok2 := strings.CutSuffix(rest, "}:pending")
	return queue, ok && ok2 && strings.HasPrefix(keys[0], "asynq:{"+queue+"}:t:")
}

// dequeued is the queue from which a script with these keys takes a task.
func dequeued(keys []string) (queue string, ok bool) {
	if len(keys) != 4 {
		return "", false
	}
	rest, ok := strings.CutPrefix(keys[0], "asynq:{")
	queue, ok2 := strings.CutSuffix(rest, "}:pending")
	prefix := "asynq:{" + queue + "}:"
	return queue, ok && ok2 && keys[1] == prefix+"paused" && keys[2] == prefix+"active" && keys[3] == prefix+"lease"
}
