package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/remesa/remesa/bench/postgres"
	"github.com/remesa/remesa/bench/redisserver"
	"github.com/remesa/remesa/bench/rig"
)

// stage is what one case has for itself: a store and a simulator.
type stage struct {
	*rig.Simulator
	bench     *bench
	mode, run string
	redis     *redisserver.Server // nil for a contender on PostgreSQL
	postgres  *postgres.Server
	pool      *pgxpool.Pool
	stop      []func()
}

func (b *bench) open(ctx context.Context, c contender, mode string, delay time.Duration) (s *stage, err error) {
	b.number++
	s = &stage{bench: b, mode: mode, run: fmt.Sprintf("c%d", b.number)}
	if err = s.openStore(ctx, c); err == nil {
		s.Simulator, err = rig.StartSimulator(ctx, b.path("bench/simulator"), delay)
	}
	if s.Simulator != nil {
		s.stop = append(s.stop, s.Simulator.Stop)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) openStore(ctx context.Context, c contender) error {
	if c.needs == needsPostgres {
		s.postgres = s.bench.postgres[s.mode]
		return s.openPostgres(ctx)
	}
	var err error
	s.redis, err = rig.StartRedis(ctx, s.mode)
	if err == nil {
		s.stop = append(s.stop, s.redis.Stop)
	}
	return err
}

func (s *stage) close() {
	for i := len(s.stop) - 1; i >= 0; i-- {
		s.stop[i]()
	}
}

// settle waits until the contender has nothing open any more, and returns when that was.
func (s *stage) settle(ctx context.Context, c contender) (time.Time, error) {
	return rig.Await(ctx, func() (bool, error) { return c.settled(ctx, s) })
}
