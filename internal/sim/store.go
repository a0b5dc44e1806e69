package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/catalog"
)

// store is the one store of a world, with a clock that can be wrong and a memory that can be lost.
type store struct {
	memory *idempotency.Memory

	mu     sync.Mutex
	offset time.Duration
	down   time.Time // until when it is unreachable
	// earlier are snapshots, the newest last; empty is the one of the beginning.
	earlier []snapshot
	empty   snapshot
	runs    int
	forgot  bool
	// partitions are those of the plan.
	partitions idempotency.Partitions
}

type snapshot struct {
	at time.Time
	// restore makes the store what it was then.
	restore func()
}

func newStore(parts idempotency.Partitions) *store {
	s := &store{memory: idempotency.NewMemory(), partitions: parts}
	s.memory.Now = s.now
	s.empty = snapshot{time.Now(), s.memory.Snapshot()}
	s.restart()
	return s
}

func (s *store) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.offset)
}

func (s *store) step(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += by
}

func (s *store) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.down)
}

// restart begins another run of the server, as a failover does.
func (s *store) restart() {
	s.runs++
	s.memory.RunID = fmt.Sprintf("run %d", s.runs)
}

// keep takes a snapshot of what the store holds.
func (s *store) keep() {
	const most = 8
	s.earlier = append(s.earlier, snapshot{time.Now(), s.memory.Snapshot()})
	if len(s.earlier) > most {
		s.earlier = s.earlier[1:]
	}
}

// due lists the providers of which something is due, or parked and not looked at for a while.
func (s *store) due(looked time.Time) []string {
	var all []string
	for _, provider := range catalog.Names() {
		if slices.ContainsFunc(s.partitions.All(provider), func(p idempotency.Partition) bool { return s.isDue(p, looked) }) {
			all = append(all, provider)
		}
	}
	return all
}

func (s *store) isDue(p idempotency.Partition, looked time.Time) bool {
	stats, err := s.memory.Stats(context.Background(), p.String())
	if err != nil {
		return false
	}
	parked, err := s.memory.ParkedGroups(context.Background(), p.String())
	due := stats.OldestDue != 0 && stats.OldestDue <= stats.Now
	return due && time.Since(looked) >= time.Second || err == nil && len(parked) > 0 && time.Since(looked) >= parkedInterval
}

const parkedInterval = 15 * time.Second

// nextDue is when a janitor finds something to do; zero where it never does.
func (s *store) nextDue(looked time.Time) time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, provider := range catalog.Names() {
		for _, p := range s.partitions.All(provider) {
			stats, err := s.memory.Stats(context.Background(), p.String())
			if err == nil && stats.OldestDue != 0 {
				at := time.Now().Add(time.Duration(stats.OldestDue-stats.Now) * time.Millisecond)
				if soonest := looked.Add(time.Second); at.Before(soonest) {
					at = soonest
				}
				sooner(at)
			}
			if parked, err := s.memory.ParkedGroups(context.Background(), p.String()); err == nil && len(parked) > 0 {
				sooner(looked.Add(parkedInterval))
			}
		}
	}
	return next
}

// processStore is the store as a process reaches it: over a network that the driver decides about.
type processStore struct {
	idempotency.Store
	world   *world
	process *process
}

var errStore = errors.New("no reply from the store")

// ask makes a request to the store. It returns an error where the request or its reply gets lost.
func (s *processStore) ask(ctx context.Context, key *idempotency.Key, name string, do func() error) error {
	v := s.world.stop(s.process, storePoint, key, "store: "+name)
	if err := ctx.Err(); err != nil {
		return err
	}
	if v == lose || s.world.store.isDown() {
		return errStore
	}
	err := do()
	if v == loseReply {
		return errStore
	}
	return err
}

func (s *processStore) Load(ctx context.Context, provider string, requests []idempotency.LoadRequest) (out []idempotency.LoadResult, err error) {
	err = s.ask(ctx, keyOf(provider, requests[0].ID), "reads", func() (err error) {
		out, err = s.Store.Load(ctx, provider, requests)
		return err
	})
	return out, err
}

func keyOf(partition, id string) *idempotency.Key {
	provider, _, _ := strings.Cut(partition, ":")
	k := idempotency.KeyOf(provider, id)
	return &k
}

func (s *processStore) Commit(ctx context.Context, provider string, requests []idempotency.CommitRequest) (out []idempotency.CommitResult, errs []error) {
	if len(requests) == 0 {
		return nil, nil
	}
	text := "writes " + string(requests[0].Change.Record.State)
	err := s.ask(ctx, &requests[0].Key, text, func() error {
		out, errs = s.Store.Commit(ctx, provider, requests)
		return nil
	})
	if err == nil {
		return out, errs
	}
	out, errs = make([]idempotency.CommitResult, len(requests)), make([]error, len(requests))
	for i := range errs {
		errs[i] = err
	}
	return out, errs
}

func (s *processStore) Due(ctx context.Context, provider string, limit int) (ids []string, err error) {
	err = s.ask(ctx, nil, "what is due at "+provider, func() (err error) {
		ids, err = s.Store.Due(ctx, provider, limit)
		return err
	})
	return ids, err
}

func (s *processStore) Unpark(ctx context.Context, provider string, g idempotency.ParkedGroup, limit int) (n int, err error) {
	err = s.ask(ctx, nil, "unparks "+g.Reason+" at "+provider, func() (err error) {
		n, err = s.Store.Unpark(ctx, provider, g, limit)
		return err
	})
	return n, err
}

// Halt stops at no point for a worker: it restores halts under a lock.
func (s *processStore) Halt(ctx context.Context, provider, account, entry string, halted bool) error {
	if s.process.engine != nil {
		return s.Store.Halt(ctx, provider, account, entry, halted)
	}
	return s.ask(ctx, nil, "halts or unhalts "+provider, func() error { return s.Store.Halt(ctx, provider, account, entry, halted) })
}

func (s *processStore) Alias(ctx context.Context, provider, alias, id string, keep time.Duration) error {
	return s.ask(ctx, keyOf(provider, id), "keeps an alias", func() error { return s.Store.Alias(ctx, provider, alias, id, keep) })
}
