package outcomes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/seal"
)

// Options of a Reader. Group must be set; the zero values of the others are the documented
// defaults.
type Options struct {
	// Group is the name under which several consumers share the events: each event goes to one of
	// them. Each group gets all events. It matches [A-Za-z0-9._-]{1,64}.
	Group string
	// Consumer is this consumer's name. No two that run at the same time may share one. A consumer
	// that keeps its name over a restart continues at once with the events it left. The host's name
	// and the process id by default.
	Consumer string
	// Providers are those whose outcomes are read; all by default.
	Providers []string
	// Keys open what is sealed (REMESA_PAYLOAD_KEYS); nil where nothing is.
	Keys *seal.Ring
	// FromNow begins a group that does not exist yet with the events to come; by default it begins
	// with the oldest that there is.
	FromNow bool
	// Abandoned is how long an event may stay with a consumer before another one takes it over. A
	// call of the handler must end within half of it. 5 min by default.
	Abandoned time.Duration
	// Remember is how long the group remembers what it has handled. 24 h by default.
	Remember time.Duration
	// Failed is called with the error of the handler, or of an entry that is no event; with the
	// zero Event, with an error of Redis. What failed is delivered again in any case. It may be
	// nil. It must be safe for concurrent use.
	Failed func(Event, error)
	// Gap is called when events were trimmed before the group read them. Where it is nil, Run ends
	// with the *Gap as its error, and so does each further Run.
	Gap func(context.Context, *Gap) error
}

// Gap says that the group will never see some events of a provider, because they were trimmed by
// age (REMESA_OUTCOMES_RETENTION) before it read or handled them. The ledger still has the
// payments' states: list them.
type Gap struct {
	Provider string
	// Missed is how many events are gone.
	Missed int64
	// After is the stream id of the last event that the group read before them, "0-0" for none;
	// empty where the events had been read, and were gone before they were handled.
	After string
}

func (g *Gap) Error() string {
	return fmt.Sprintf("outcomes of %s: %d events were trimmed before they were handled", g.Provider, g.Missed)
}

// Handler handles an event. When it returns nil, the event is acknowledged. After an error, or if
// the process dies first, the event is delivered again. Calls come one at a time, in the order of
// each stream except for events that are delivered again: all events of one payment are in one
// stream.
type Handler func(context.Context, Event) error

// Reader is one consumer of a group. What it promises:
//
//   - Every event is handled at least once, also when consumers die. Another consumer takes over an
//     event that was not acknowledged after Options.Abandoned; the same consumer does when it
//     starts again. After a handler's error the event comes again after that time, and other events
//     are handled in between; Event.Delivery counts its deliveries.
//   - An event that the group has handled is not handled again, also where it is in the stream
//     twice, or a consumer resumes late after a standstill. There is one exception: the process
//     dies, or loses Redis for longer than Options.Abandoned, after the handler returned and before
//     the acknowledgement reached Redis. A handler that writes to a database should have Event.ID
//     as a unique key there.
//   - Events that were trimmed before the group handled them are reported as a Gap.
//
// A Reader holds one connection per partition of each provider while it runs, and finds by itself
// how many partitions there are.
type Reader struct {
	rdb    redis.UniversalClient
	opts   Options
	handle sync.Mutex // held during a call of the handler
}

var groupNames = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// New makes a reader on a Redis client that stays the caller's to close. It dials nothing yet.
func New(rdb redis.UniversalClient, o Options) (*Reader, error) {
	if !groupNames.MatchString(o.Group) {
		return nil, errors.New("outcomes: Options.Group must match [A-Za-z0-9._-]{1,64}")
	}
	if o.Consumer == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("outcomes: Options.Consumer is empty, and the host has no name: %w", err)
		}
		o.Consumer = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	if len(o.Providers) == 0 {
		o.Providers = catalog.Names()
	}
	for _, name := range o.Providers {
		if !slices.Contains(catalog.Names(), name) {
			return nil, errors.New("outcomes: Options.Providers names a provider that there is not")
		}
	}
	o.Abandoned = cmp.Or(o.Abandoned, 5*time.Minute)
	o.Remember = cmp.Or(o.Remember, 24*time.Hour)
	if o.Failed == nil {
		o.Failed = func(Event, error) {}
	}
	if o.Gap == nil {
		o.Gap = func(_ context.Context, g *Gap) error { return g }
	}
	return &Reader{rdb: rdb, opts: o}, nil
}

// Run hands events to the handler until ctx ends, and then returns nil after the call of the
// handler that is under way. It returns an error where the group cannot be joined at the start, and
// the error of Options.Gap. While Redis is unreachable it calls Options.Failed and tries again. It
// may be called again after it returned, not at the same time.
func (r *Reader) Run(ctx context.Context, handle Handler) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error)
	var readers sync.WaitGroup
	read := map[idempotency.Partition]bool{}
	// start reads the partitions that are not read yet.
	start := func(fromNow bool) error {
		streams, err := r.join(ctx, read, fromNow, handle)
		for _, s := range streams {
			readers.Go(func() {
				if err := s.follow(ctx); err != nil {
					stop()
					failed <- err
				}
			})
		}
		return err
	}
	var errs []error
	if err := start(r.opts.FromNow); err != nil && ctx.Err() == nil {
		errs = append(errs, err)
		stop()
	}
	done := make(chan struct{})
	go func() { r.watchPartitions(ctx, start); readers.Wait(); close(done) }()
	for {
		select {
		case err := <-failed:
			errs = append(errs, err)
		case <-done:
			return errors.Join(errs...)
		}
	}
}

// partitionsEvery is how often a reader looks whether its providers have more partitions.
const partitionsEvery = 10 * time.Second

// watchPartitions starts to read what partitions there are more, until ctx ends. Their events are
// all later than the beginning, and are read from their first.
func (r *Reader) watchPartitions(ctx context.Context, start func(fromNow bool) error) {
	tick := time.NewTicker(partitionsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := start(false); err != nil && ctx.Err() == nil {
				r.opts.Failed(Event{}, err)
			}
		}
	}
}

// join joins the group in each partition that is not read yet, and adds it to those that are.
func (r *Reader) join(ctx context.Context, read map[idempotency.Partition]bool, fromNow bool, handle Handler) ([]*stream, error) {
	var streams []*stream
	for _, name := range r.opts.Providers {
		parts, err := idempotency.StoredPartitions(ctx, r.rdb, name)
		if err != nil {
			return streams, fmt.Errorf("outcomes of %s: %w", name, err)
		}
		// A group that exists has missed nothing so far, so that it begins a partition that is new
		// to it with its first event.
		fromNow := fromNow
		for _, p := range parts {
			if read[p] {
				continue
			}
			s := newStream(r, p, handle)
			if _, joined, err := s.info(ctx); err == nil && joined && p.Number == 0 {
				fromNow = false
			}
			if err := s.join(ctx, fromNow); err != nil {
				return streams, s.wrap(err)
			}
			read[p] = true
			streams = append(streams, s)
		}
	}
	return streams, nil
}
