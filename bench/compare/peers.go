package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/remesa/remesa/bench/payment"
	"github.com/remesa/remesa/bench/process"
	"github.com/remesa/remesa/bench/rig"
)

// pace calls enqueue for one payout after the other when each is due, however long earlier calls
// take, and returns the due times.
func pace(run string, rate, n int, enqueue func(i int) error) (map[string]int64, error) {
	if err := enqueue(n); err != nil { // warms up
		return nil, err
	}
	due := make(map[string]int64, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := time.Now().Add(100 * time.Millisecond)
	for i := range n {
		at := start.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(at))
		due[payment.Reference(run, i)] = at.UnixNano()
		wg.Go(func() { errs[i] = enqueue(i) })
	}
	wg.Wait()
	return due, errors.Join(errs...)
}

// asynqPeer is command peer with asynq, and these further flags.
type asynqPeer []string

const asynqQueue = "payouts"

func (asynqPeer) load(ctx context.Context, s *stage, n int) error {
	p, err := enqueueAsynq(ctx, s, n)
	if err != nil {
		return err
	}
	return p.Wait()
}

func enqueueAsynq(ctx context.Context, s *stage, n int) (*process.Process, error) {
	return process.Start(ctx, nil, s.bench.path("bench/peer"), "asynq-enqueue", "-redis", s.redis.Addr, "-n", strconv.Itoa(n), "-callers", "32", "-run", s.run)
}

func (p asynqPeer) work(ctx context.Context, s *stage, inFlight int) ([]*process.Process, error) {
	args := append([]string{"asynq", "-redis", s.redis.Addr, "-simulator", s.URL, "-concurrency", strconv.Itoa(inFlight)}, p...)
	return startOne(ctx, s.bench.path("bench/peer"), args...)
}

func startOne(ctx context.Context, name string, args ...string) ([]*process.Process, error) {
	p, err := process.Start(ctx, nil, name, args...)
	if err != nil {
		return nil, err
	}
	return []*process.Process{p}, nil
}

func (asynqPeer) settled(ctx context.Context, s *stage) (bool, error) {
	key := "asynq:{" + asynqQueue + "}:"
	return rig.Empty(ctx, s.redis.Client, []string{key + "pending", key + "active"}, []string{key + "retry", key + "scheduled"})
}

func (asynqPeer) produce(ctx context.Context, s *stage, rate, n int) (map[string]int64, error) {
	client := asynq.NewClient(asynq.RedisClientOpt{Addr: s.redis.Addr})
	defer func() { _ = client.Close() }()
	return pace(s.run, rate, n, func(i int) error {
		t := asynq.NewTask("payout", payment.Line(s.run, i), asynq.Queue(asynqQueue), asynq.TaskID(payment.Reference(s.run, i)))
		_, err := client.EnqueueContext(ctx, t)
		return err
	})
}

// riverPeer is command peer with River, completing jobs in this way.
type riverPeer struct{ complete string }

// openPostgres makes an empty database of the server's: River's tables and the payments.
func (s *stage) openPostgres(ctx context.Context) error {
	config, err := pgxpool.ParseConfig(s.postgres.DSN)
	if err != nil {
		return err
	}
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec // the schema is dropped below
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	s.stop = append(s.stop, s.pool.Close)
	if _, err := s.pool.Exec(ctx, `drop schema public cascade`); err != nil {
		return err
	}
	if _, err := s.pool.Exec(ctx, `create schema public`); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(s.pool), nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, `create table payments (reference text primary key, state text not null, provider_id text,
		created_at timestamptz not null default now(), updated_at timestamptz not null default now())`)
	return err
}

// riverClient also has the workers' FetchCooldown: it bounds how often an insertion tells them.
func (s *stage) riverClient() (*river.Client[pgx.Tx], error) {
	return river.NewClient(riverpgxv5.New(s.pool), &river.Config{FetchCooldown: time.Millisecond, FetchPollInterval: 100 * time.Millisecond})
}

func riverJob(s *stage, i int) (payment.Job, error) {
	var job payment.Job
	return job, json.Unmarshal(payment.Line(s.run, i), &job.Payout)
}

// load copies the jobs in, which River calls InsertManyFast.
func (riverPeer) load(ctx context.Context, s *stage, n int) error {
	client, err := s.riverClient()
	if err != nil {
		return err
	}
	const chunk = 1000
	for from := 0; from < n; from += chunk {
		var params []river.InsertManyParams
		for i := from; i < min(from+chunk, n); i++ {
			job, err := riverJob(s, i)
			if err != nil {
				return err
			}
			params = append(params, river.InsertManyParams{Args: job})
		}
		if _, err := client.InsertManyFast(ctx, params); err != nil {
			return err
		}
	}
	_, err = s.pool.Exec(ctx, `analyze river_job`) // what autovacuum would do within a minute
	return err
}

func (r riverPeer) work(ctx context.Context, s *stage, inFlight int) ([]*process.Process, error) {
	return startOne(ctx, s.bench.path("bench/peer"), "river", "-dsn", s.postgres.DSN, "-simulator", s.URL, "-complete", r.complete,
		"-concurrency", strconv.Itoa(inFlight))
}

func (riverPeer) settled(ctx context.Context, s *stage) (done bool, err error) {
	err = s.pool.QueryRow(ctx, `select not exists (select from river_job where state in ('available', 'running', 'retryable', 'scheduled', 'pending'))`).Scan(&done)
	return done, err
}

func (riverPeer) produce(ctx context.Context, s *stage, rate, n int) (map[string]int64, error) {
	client, err := s.riverClient()
	if err != nil {
		return nil, err
	}
	return pace(s.run, rate, n, func(i int) error {
		job, err := riverJob(s, i)
		if err != nil {
			return err
		}
		_, err = client.Insert(ctx, job, nil)
		return err
	})
}

// bullPeer is BullMQ's worker in as many processes.
type bullPeer struct{ processes int }

func (bullPeer) load(ctx context.Context, s *stage, n int) error {
	_, err := bullProduce(ctx, s, n, 0)
	return err
}

func bullProduce(ctx context.Context, s *stage, n, rate int) (string, error) {
	out, err := exec.CommandContext(ctx, "node", "bullmq/produce.mjs", "--redis", s.redis.Addr, "--run", s.run, // #nosec G204 -- numbers
		"--n", strconv.Itoa(n), "--rate", strconv.Itoa(rate)).Output()
	if err != nil {
		return "", fmt.Errorf("produce.mjs: %w", err)
	}
	return string(out), nil
}

func (b bullPeer) work(ctx context.Context, s *stage, inFlight int) (all []*process.Process, err error) {
	for range b.processes {
		p, err := startOne(ctx, "node", "bullmq/worker.mjs", "--redis", s.redis.Addr, "--simulator", s.URL,
			"--concurrency", strconv.Itoa(inFlight/b.processes))
		all = append(all, p...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func (bullPeer) settled(ctx context.Context, s *stage) (bool, error) {
	key := "bull:payouts:"
	return rig.Empty(ctx, s.redis.Client, []string{key + "wait", key + "active"}, []string{key + "delayed", key + "failed"})
}

func (bullPeer) produce(ctx context.Context, s *stage, rate, n int) (map[string]int64, error) {
	out, err := bullProduce(ctx, s, n, rate)
	if err != nil {
		return nil, err
	}
	due := make(map[string]int64, n)
	for line := range strings.Lines(out) {
		reference, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		if due[reference], err = strconv.ParseInt(at, 10, 64); err != nil {
			return nil, err
		}
	}
	return due, nil
}
