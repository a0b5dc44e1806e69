package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/outcomes"
)

const (
	// readBatch is how many entries of a stream one round reads.
	readBatch = 100
	// mostOpen is how many deliveries of a receiver may be open. Beyond them its cursors stand
	// still: what comes then waits in the streams, so that a receiver that is down fills no Redis.
	mostOpen = 10_000
	// pollInterval is how often the streams are looked at.
	pollInterval = 200 * time.Millisecond
	// sweepInterval is how often open deliveries are looked at whose tasks may be gone.
	sweepInterval = 5 * time.Minute
	// feederTerm is for how long a worker reads the streams for a receiver before it must say so
	// again.
	feederTerm = 10 * time.Second
)

// feed reads the streams for one receiver until ctx is done. One worker at a time does; another one
// takes over when it has not been heard of for feederTerm.
func (l *line) feed(ctx context.Context) {
	tick := time.NewTicker(l.Poll)
	defer tick.Stop()
	failing := false
	var swept time.Time
	for {
		err := l.turn(ctx, &swept)
		if err != nil && !failing && ctx.Err() == nil {
			l.log.Warn().Err(err).Msg("webhooks: events are not read; trying again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// turn does what is to be done for the receiver now, if it is this worker's turn.
func (l *line) turn(ctx context.Context, swept *time.Time) error {
	if mine, err := l.lead(ctx); err != nil || !mine {
		return err
	}
	if err := l.list(ctx); err != nil {
		return err
	}
	if time.Since(*swept) > l.Sweep {
		if err := l.sweep(ctx); err != nil {
			return err
		}
		*swept = time.Now()
	}
	for ctx.Err() == nil {
		more, err := l.feedAll(ctx)
		if err != nil || !more {
			return err
		}
		if mine, err := l.lead(ctx); err != nil || !mine {
			return err
		}
	}
	return nil
}

// listInterval is how often the streams are listed: a provider may get more of them.
const listInterval = 10 * time.Second

// list lists the streams, now and then, and gives the receiver cursors for those that are new.
func (l *line) list(ctx context.Context) error {
	if time.Since(l.listed) < listInterval {
		return nil
	}
	streams, err := l.store.streams(ctx)
	if err == nil {
		err = l.store.begin(ctx, l.to.Name, streams)
	}
	if err == nil {
		l.streams, l.listed = streams, time.Now()
	}
	return err
}

// lead reports whether this worker reads the streams for the receiver, and says so to the others.
func (l *line) lead(ctx context.Context) (bool, error) {
	c := kv.NewGuardedCommit(Queue(l.to.Name))
	c.Guard("GET", key(l.to.Name, "feeder"), "", l.token, "")
	c.Write("SET", key(l.to.Name, "feeder"), l.token, "PX", l.Term.Milliseconds())
	return l.store.commit(ctx, l.to.Name, c)
}

// feedAll feeds a batch of each stream, and reports whether there may be more.
func (l *line) feedAll(ctx context.Context) (more bool, err error) {
	streams := l.streams
	pipe := l.rdb.Pipeline()
	cursors := pipe.HGetAll(ctx, key(l.to.Name, "cursors"))
	open := pipe.ZCard(ctx, key(l.to.Name, "open"))
	infos := make([]*redis.XInfoStreamCmd, len(streams))
	for i, s := range streams {
		infos[i] = pipe.XInfoStream(ctx, s.key)
	}
	_, _ = pipe.Exec(ctx) // a stream that is not there yet is no failure; each command has its own error
	if err := cursors.Err(); err != nil {
		return false, err
	}
	if err := open.Err(); err != nil {
		return false, err
	}
	room := l.Most - int(open.Val())
	for i, s := range streams {
		found, err := info(infos[i])
		if err != nil {
			return false, err
		}
		n, full, err := l.feedStream(ctx, s, cursors.Val()[s.name], found, room)
		if err != nil {
			return false, fmt.Errorf("outcomes of %s: %w", s.name, err)
		}
		room -= n
		more = more || full
	}
	return more, nil
}

// feedStream opens the deliveries of one batch, enqueues their tasks, and then moves the cursor:
// whoever dies in between leaves a cursor from which the same is done again. It returns how many it
// opened, and whether there may be more.
func (l *line) feedStream(ctx context.Context, s stream, cursor string, i redis.XInfoStream, room int) (opened int, more bool, err error) {
	at, err := parsePlace(cursor)
	if err != nil {
		return 0, false, err
	}
	at = l.lookBack(at, i)
	missed := i.EntriesAdded - i.Length - at.Read
	if at.After == i.LastGeneratedID && missed <= 0 || room <= 0 {
		return 0, false, nil
	}
	found, err := l.rdb.XRangeN(ctx, s.key, "("+at.After, "+", readBatch).Result()
	if err != nil {
		return 0, false, err
	}
	if missed > 0 {
		at.Read += missed
	}
	all := l.wanted(s, found, room, &at)
	if done, err := l.open(ctx, s.name, cursor, all); err != nil || !done {
		return 0, false, err
	}
	l.OnFaultPoint(PointOpened)
	if at.String() == cursor {
		return len(all), false, nil
	}
	done, err := l.store.move(ctx, l.to.Name, s.name, cursor, at.String())
	if done && missed > 0 {
		l.log.Error().Str("stream", s.name).Int64("events", missed).Msg("WEBHOOKS MISSED: events were trimmed before they were read for the receiver")
		l.count(Missed, missed)
	}
	return len(all), done && len(found) == readBatch, err
}

// lookBackFor is how far a cursor is set back where the stream ends before it: the store has
// forgotten its end, and what was written since may have smaller ids.
const lookBackFor = 10 * time.Minute

func (l *line) lookBack(at place, i redis.XInfoStream) place {
	last, mark := entry{ID: i.LastGeneratedID}, entry{ID: at.After}
	if i.LastGeneratedID == "" || !last.at().Before(mark.at()) {
		return at
	}
	back := max(last.at().Add(-lookBackFor).UnixMilli(), 0)
	return place{After: fmt.Sprintf("%d-0", back), Read: i.EntriesAdded} // what is read again is not counted again
}

// wanted are the deliveries that the receiver gets of these entries, room at the most, and moves
// the place behind the last entry that was looked at.
func (l *line) wanted(s stream, found []redis.XMessage, room int, at *place) []entry {
	var all []entry
	for _, m := range found {
		e, err := outcomes.Decode(s.provider, m, nil) // what is sealed does not matter here
		if err == nil && l.to.Filter.Takes(e) {
			if len(all) == room {
				return all
			}
			all = append(all, entryOf(s, e))
		}
		*at = place{m.ID, at.Read + 1}
	}
	return all
}

// open opens deliveries, and enqueues the task of each payment's oldest one.
func (l *line) open(ctx context.Context, stream, cursor string, all []entry) (done bool, err error) {
	if done, err := l.store.add(ctx, l.to.Name, stream, cursor, all); err != nil || !done {
		return done, err
	}
	return true, l.store.wake(ctx, l.queue, l.to.Name, all)
}

// sweep enqueues again what has no task: one that a person deleted or archived, or that Redis lost.
func (l *line) sweep(ctx context.Context) error {
	members, err := l.rdb.ZRange(ctx, key(l.to.Name, "open"), 0, -1).Result()
	if err != nil {
		return err
	}
	_, _ = l.store.inspector.RunAllArchivedTasks(Queue(l.to.Name)) // a queue that had no task yet is no failure
	last := ""
	for _, m := range members {
		e, ok := parseMember(m)
		if !ok || e.Key == last {
			continue
		}
		last = e.Key
		if _, err := enqueue(ctx, l.queue, l.to.Name, e, taskID(e)); err != nil {
			return err
		}
	}
	return nil
}
