package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/merge"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/outcomes"
	"github.com/remesa/remesa/providers/catalog"
)

type watchCmd struct {
	From     string `placeholder:"WHEN" help:"A time (RFC 3339), a duration back such as 24h or 7d, or 0 for all there is. Without it: from now on, with --no-follow all there is."`
	Provider string `enum:",${providers}" default:"" placeholder:"P" help:"Only this provider: ${providers}."`
	NoFollow bool   `help:"Print what is there, oldest first, and end."`
}

// Validate reads --from, whose duration is measured later, by the store's clock.
func (c *watchCmd) Validate() error {
	_, err := c.start(time.Now())
	return err
}

// start is the time of --from: the zero time for now, the beginning of all times for 0.
func (c *watchCmd) start(now time.Time) (time.Time, error) {
	switch {
	case c.From == "0", c.From == "" && c.NoFollow:
		return time.UnixMilli(0), nil
	case c.From == "":
		return time.Time{}, nil
	}
	return pastTime("--from", c.From, now)
}

// pastTime reads a time, or how long before now it was.
func pastTime(flag, text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	back, err := config.ParseDuration(text)
	if err != nil {
		return time.Time{}, usage("%s: must be a time such as 2026-05-15T09:00:00-04:00, or a duration back such as 24h", flag)
	}
	return now.Add(-back), nil
}

// stream is one partition's events: those behind after, and at first no further than last.
type stream struct {
	idempotency.Partition
	after, last string
}

// Run prints events until SIGINT or SIGTERM, or those there were at its start.
func (c *watchCmd) Run(a *app) error {
	streams, err := c.streams(a)
	if err != nil {
		return a.failed(err)
	}
	if c.NoFollow {
		return printPast(a, streams)
	}
	return follow(a, streams)
}

func (c *watchCmd) streams(a *app) ([]stream, error) {
	now, err := a.rdb.Time(a.ctx).Result()
	if err != nil {
		return nil, err
	}
	from, err := c.start(now)
	if err != nil {
		return nil, err
	}
	var streams []stream
	for _, name := range catalog.Names() {
		if c.Provider != "" && c.Provider != name {
			continue
		}
		parts, err := idempotency.StoredPartitions(a.ctx, a.rdb, name)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			s, err := newStream(a, p, from)
			if err != nil {
				return nil, err
			}
			streams = append(streams, s)
		}
	}
	return streams, nil
}

const beginning = "0-0"

// newStream keeps where the stream ends now, so that nothing later is lost, also where the first
// read comes much later.
func newStream(a *app, p idempotency.Partition, from time.Time) (stream, error) {
	newest, err := a.rdb.XRevRangeN(a.ctx, idempotency.OutcomesKey(p.String()), "+", "-", 1).Result()
	if err != nil {
		return stream{}, err
	}
	s := stream{Partition: p, last: beginning}
	if len(newest) > 0 {
		s.last = newest[0].ID
	}
	switch ms := from.UnixMilli(); {
	case from.IsZero():
		s.after = s.last
	case ms <= 0:
		s.after = beginning
	default:
		s.after = fmt.Sprintf("%d-18446744073709551615", ms-1)
	}
	return s, nil
}

const streamPage = 500

// printPast prints the events of all streams in the order of their time.
func printPast(a *app, streams []stream) error {
	var lists []iter.Seq2[outcomes.Event, error]
	for _, s := range streams {
		lists = append(lists, past(a, s))
	}
	for e, err := range merge.Ordered(byTime, lists...) {
		if err != nil {
			return a.failed(err)
		}
		if err := a.printEvent(e); err != nil {
			return err
		}
	}
	return a.flush()
}

func (a *app) printEvent(e outcomes.Event) error {
	a.sealedHere(e.DecryptErr)
	return a.print(view.Event(e))
}

// decode reads an entry and opens what is sealed in it. One that is no event is printed all the
// same.
func (a *app) decode(s stream, m redis.XMessage) outcomes.Event {
	e, _ := outcomes.Decode(s.Provider, m, a.ring)
	return e
}

func past(a *app, s stream) iter.Seq2[outcomes.Event, error] {
	return func(yield func(outcomes.Event, error) bool) {
		for {
			page, err := a.rdb.XRangeN(a.ctx, idempotency.OutcomesKey(s.String()), "("+s.after, s.last, streamPage).Result()
			if err != nil {
				yield(outcomes.Event{}, err)
				return
			}
			for _, m := range page {
				if !yield(a.decode(s, m), nil) {
					return
				}
				s.after = m.ID
			}
			if len(page) < streamPage {
				return
			}
		}
	}
}

// byTime compares stream ids, "ms-sequence".
func byTime(a, b outcomes.Event) int {
	var ams, aseq, bms, bseq uint64
	_, _ = fmt.Sscanf(a.StreamID, "%d-%d", &ams, &aseq)
	_, _ = fmt.Sscanf(b.StreamID, "%d-%d", &bms, &bseq)
	switch {
	case ams != bms && ams < bms, ams == bms && aseq < bseq:
		return -1
	case ams == bms && aseq == bseq:
		return 0
	}
	return 1
}

// follow prints events as they come. Each stream has a reader of its own: in a cluster they may lie
// on different nodes.
func follow(a *app, streams []stream) error {
	events := make(chan outcomes.Event)
	for _, s := range streams {
		go a.read(s, events)
	}
	for {
		select {
		case <-a.ctx.Done():
			return nil
		case e := <-events:
			if err := a.printEvent(e); err != nil {
				return err
			}
			if err := a.flush(); err != nil {
				return err
			}
		}
	}
}

// Waits of a reader: for events, and between tries while Redis does not respond.
const (
	readBlock  = time.Second
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// read hands over each event behind s.after exactly once, however often Redis is gone in between.
func (a *app) read(s stream, events chan<- outcomes.Event) {
	wait := firstRetry
	for a.ctx.Err() == nil {
		found, err := a.rdb.XRead(a.ctx, &redis.XReadArgs{
			Streams: []string{idempotency.OutcomesKey(s.String()), s.after}, Count: streamPage, Block: readBlock,
		}).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			if wait == firstRetry && a.ctx.Err() == nil {
				a.say(a.text.CLI.Errors.TryingAgain(s.String(), a.failed(err).Error()))
			}
			pause(a.ctx, wait)
			wait = min(2*wait, lastRetry)
			continue
		}
		wait = firstRetry
		for _, f := range found {
			for _, m := range f.Messages {
				if !deliver(a.ctx, events, a.decode(s, m)) {
					return
				}
				s.after = m.ID
			}
		}
	}
}

func deliver(ctx context.Context, events chan<- outcomes.Event, e outcomes.Event) bool {
	select {
	case events <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
