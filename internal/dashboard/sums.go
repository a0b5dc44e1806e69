package dashboard

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
)

// The sum of a state with more payments than a page reads is counted in the background, when a page
// asks for it: sumChunk payments at a time, and then a rest of sumRest times as long as that took.
// It is counted again when it is asked for after sumAge, or sumRest times as long as it took.
const (
	sumChunk = 500
	sumRest  = 9
	sumAge   = time.Minute
	// sumTimeout is when a count that does not end is given up.
	sumTimeout = 2 * time.Hour
)

// openSums are the sums of long lists. It is safe for concurrent use.
type openSums struct {
	ledger Ledger
	now    func() time.Time
	log    zerolog.Logger
	// one lets one state be counted at a time.
	one chan struct{}

	mu    sync.Mutex
	known map[summedState]openSum
}

type summedState struct {
	provider string
	state    idempotency.State
}

// openSum is what the payments of a state that were registered before From come to. They were read
// one after another, From to To.
type openSum struct {
	*tally
	From, To time.Time
	// counting: it is being counted again.
	counting bool
}

func newOpenSums(o Options) *openSums {
	return &openSums{ledger: o.Ledger, now: o.Now, log: o.Log, one: make(chan struct{}, 1), known: map[summedState]openSum{}}
}

// of returns the last sum, and has it counted where there is none or it is old.
func (s *openSums) of(ctx context.Context, provider string, state idempotency.State) (openSum, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := summedState{provider, state}
	known := s.known[name]
	if !known.counting && s.now().Sub(known.To) >= max(sumAge, sumRest*known.To.Sub(known.From)) {
		known.counting = true
		s.known[name] = known
		go s.count(context.WithoutCancel(ctx), name)
	}
	return known, known.tally != nil
}

// count counts a state. What cannot be read leaves the last sum as it is, with its time.
func (s *openSums) count(ctx context.Context, of summedState) {
	ctx, cancel := context.WithTimeout(ctx, sumTimeout)
	defer cancel()
	s.one <- struct{}{}
	defer func() { <-s.one }()
	next := openSum{From: s.now()}
	var err error
	next.tally, err = s.scan(ctx, of, next.From)
	next.To = s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.log.Warn().Err(err).Str("provider", of.provider).Str("state", string(of.state)).Msg("payments page: sum not counted")
		next.tally = s.known[of].tally
		next.From, next.To = s.known[of].From, s.known[of].To
	}
	s.known[of] = next
}

func (s *openSums) scan(ctx context.Context, of summedState, until time.Time) (*tally, error) {
	t := &tally{}
	q := idempotency.PageQuery{Provider: of.provider, State: of.state, To: until, Limit: sumChunk, Damaged: func(idempotency.Key, error) { t.n, t.odd = t.n+1, t.odd+1 }}
	for {
		began := time.Now()
		rs, last, more, err := s.ledger.Page(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			t.add(r)
		}
		if !more {
			return t, nil
		}
		q.After = last
		select {
		case <-time.After(sumRest * time.Since(began)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
