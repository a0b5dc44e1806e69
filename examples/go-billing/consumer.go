package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// consumer is one of a group that shares a stream. Any of them may die at any moment.
type consumer struct {
	rdb                 *redis.Client
	stream, group, name string
	// abandoned is how long an event may stay unacknowledged before somebody else takes it over: longer than handling it ever takes.
	abandoned time.Duration
	// wait is how long to wait for new events before looking for abandoned ones.
	wait time.Duration
	// handle must be done with an event, and remember it, when it returns without an error; it gets some events twice.
	handle func(event) error
}

const batch = 100

// run reads until ctx is done. It returns an error where an event cannot be handled: it stays pending, and is taken over later.
func (c consumer) run(ctx context.Context) error {
	err := c.rdb.XGroupCreateMkStream(ctx, c.stream, c.group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") { // somebody made it before
		return err
	}
	for ctx.Err() == nil {
		if err := c.takeOver(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		if err := c.readNew(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// takeOver handles what others, or this one before a crash, read and did not acknowledge.
func (c consumer) takeOver(ctx context.Context) error {
	for start := "0-0"; ; {
		messages, next, err := c.rdb.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: c.stream, Group: c.group, Consumer: c.name, MinIdle: c.abandoned, Start: start, Count: batch,
		}).Result()
		if err != nil {
			return err
		}
		if err := c.handleAll(ctx, messages); err != nil {
			return err
		}
		if start = next; next == "0-0" {
			return nil
		}
	}
}

func (c consumer) readNew(ctx context.Context) error {
	found, err := c.rdb.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: c.group, Consumer: c.name, Streams: []string{c.stream, ">"}, Count: batch, Block: c.wait,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.handleAll(ctx, found[0].Messages)
}

// handleAll handles, then acknowledges: the other way round a crash in between would lose the event.
func (c consumer) handleAll(ctx context.Context, messages []redis.XMessage) error {
	for _, m := range messages {
		e, err := eventOf(m)
		if err == nil {
			err = c.handle(e)
		}
		if err != nil {
			return fmt.Errorf("event %s: %w", m.ID, err)
		}
		if err := c.rdb.XAck(ctx, c.stream, c.group, m.ID).Err(); err != nil {
			return err
		}
	}
	return nil
}
