package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/remesa/remesa/bench/postgres"
	"github.com/remesa/remesa/bench/process"
	"github.com/remesa/remesa/bench/redisserver"
)

// stage is what one case has for itself: a store and a simulator.
type stage struct {
	bench     *bench
	mode, run string
	redis     *redisserver.Server // nil for a contender on PostgreSQL
	postgres  *postgres.Server
	pool      *pgxpool.Pool
	simulator string // URL
	stop      []func()
}

// arrivals is what the simulator reports; times are Unix ns.
type arrivals struct {
	Arrivals, Duplicates int
	First, Last          int64
}

func (b *bench) open(ctx context.Context, c contender, mode string, delay time.Duration) (s *stage, err error) {
	b.number++
	s = &stage{bench: b, mode: mode, run: fmt.Sprintf("c%d", b.number)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := s.openStore(ctx, c); err != nil {
		return nil, err
	}
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s.simulator = "http://" + address
	p, err := process.Start(ctx, nil, b.path("bench/simulator"), "-addr", address, "-delay", delay.String())
	if err != nil {
		return nil, err
	}
	s.stop = append(s.stop, p.Stop)
	return s, p.Ready(ctx, func() error { return get(ctx, s.simulator+"/_report", nil) })
}

func (s *stage) openStore(ctx context.Context, c contender) error {
	if c.needs == needsPostgres {
		s.postgres = s.bench.postgres[s.mode]
		return s.openPostgres(ctx)
	}
	var err error
	s.redis, err = redisserver.Start(ctx, "--appendonly", "yes", "--appendfsync", s.mode, "--maxmemory-policy", "noeviction",
		"--auto-aof-rewrite-percentage", "0")
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

// await returns once n different payouts have arrived.
func (s *stage) await(ctx context.Context, n int) (a arrivals, err error) {
	return a, get(ctx, s.simulator+"/_await?n="+strconv.Itoa(n), &a)
}

func (s *stage) report(ctx context.Context) (a arrivals, err error) {
	return a, get(ctx, s.simulator+"/_report", &a)
}

// caseTimeout bounds a case.
const caseTimeout = 5 * time.Minute

// settle waits until the contender has nothing open any more, and returns when that was.
func (s *stage) settle(ctx context.Context, c contender) (time.Time, error) {
	for deadline := time.Now().Add(caseTimeout); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		done, err := c.settled(ctx, s)
		if err != nil {
			return time.Time{}, err
		}
		if done {
			return time.Now(), nil
		}
	}
	return time.Time{}, fmt.Errorf("payouts are still open after %s", caseTimeout)
}

func get(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, caseTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
