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

	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/seal"
)

// Options of a Reader. Group must be set; the zero values of the others are the documented defaults.
type Options struct {
	// Group is the name under which several consumers share the events: each event goes to one of
	// them. Groups know nothing of each other. It matches [A-Za-z0-9._-]{1,64}.
	Group string
	// Consumer is this one's name, different from those of all that live; one that is the same after
	// a restart goes on with what it left at once. The host's name and the process id by default.
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
	// Failed is told why an event was not handled (the handler's own error, or an entry that is no
	// event), or with the zero Event why Redis could not be read. What failed comes again all the
	// same. It may be nil; it must be safe for concurrent use.
	Failed func(Event, error)
	// Gap is told that events were trimmed before the group read them. Without it Run ends with the
	// *Gap as its error, and so does each further Run.
	Gap func(context.Context, *Gap) error
}

// Gap says that the group will never see some events of a provider, because they were trimmed by age
// (REMESA_OUTCOMES_RETENTION) before anybody read or handled them. The ledger still knows how the
// payments stand: list them.
type Gap struct {
	Provider string
	// Missed is how many events are gone.
	Missed int64
	// After is the stream id of the last event that the group read before them, "0-0" for none; empty
	// where the events had been read, and were gone before they were handled.
	After string
}

func (g *Gap) Error() string {
	return fmt.Sprintf("outcomes of %s: %d events were trimmed before they were handled", g.Provider, g.Missed)
}

// Handler does what an event asks for. It returns nil when it is done with it for good: the event is
// then acknowledged. With an error, or if the process dies first, the event is delivered again. Its
// calls come one at a time, in the order of each provider's stream but for what is delivered again.
type Handler func(context.Context, Event) error

// Reader is one consumer of a group. What it promises:
//
//   - Every event is handled at least once, whichever consumers die and whenever: one that was not
//     acknowledged is taken over by another consumer after Options.Abandoned, and by the same
//     consumer when it starts again. A handler's error has it come again after that time, while
//     others go on; Event.Delivery counts.
//   - An event that the group has handled is not handled again, also where it stands in the stream
//     twice, or a consumer wakes up late from a standstill. One case is left, in which only the
//     handler can tell: its process dies, or loses Redis for longer than Options.Abandoned, after the
//     handler is done and before Redis has heard of it. A handler that writes to a database has
//     Event.ID as a unique key there.
//   - Events that were trimmed before the group handled them are reported as a Gap.
//
// A Reader holds one connection per provider while it runs.
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

// Run hands events to the handler until ctx ends, and then returns nil after the call of the handler
// that is under way. It returns an error where the group cannot be joined at the start, and Gap's.
// While Redis is gone it tries again; Options.Failed is told. It may be called again after it
// returned, not at the same time.
func (r *Reader) Run(ctx context.Context, handle Handler) error {
	streams := make([]*stream, len(r.opts.Providers))
	for i, name := range r.opts.Providers {
		streams[i] = newStream(r, name, handle)
		if err := streams[i].join(ctx, r.opts.FromNow); err != nil && ctx.Err() == nil {
			return streams[i].wrap(err)
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(streams))
	var readers sync.WaitGroup
	for i, s := range streams {
		readers.Go(func() {
			if errs[i] = s.follow(ctx); errs[i] != nil {
				stop()
			}
		})
	}
	readers.Wait()
	return errors.Join(errs...)
}
