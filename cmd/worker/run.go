package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"golang.org/x/term"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/engine"
	"github.com/remesa/remesa/internal/metrics"
	"github.com/remesa/remesa/internal/preflight"
	"github.com/remesa/remesa/internal/rate"
	"github.com/remesa/remesa/internal/wiring"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/schedule"
	"github.com/remesa/remesa/tasks"
)

type runCmd struct{}

// Run serves until a signal, then drains. Where the log is JSON for machines, so is the reason for
// not serving; people on a terminal get it as main writes it.
func (cmd runCmd) Run(ctx context.Context, c *config.Config) error {
	err := cmd.serve(ctx, c)
	if err == nil || errors.Is(err, errSilent) || c.LogFormat != config.LogJSON || term.IsTerminal(int(os.Stderr.Fd())) { // #nosec G115 -- a descriptor
		return err
	}
	log := c.Logger(os.Stderr)
	log.Error().Err(err).Msg("not serving")
	return errSilent
}

func (runCmd) serve(ctx context.Context, c *config.Config) error {
	if err := c.Complete(); err != nil {
		return err
	}
	if err := c.RefuseExposed(); err != nil {
		return err
	}
	log := c.Logger(os.Stderr)
	redis.SetLogger(redisLog{log})
	config.HearOthers(log, zerolog.WarnLevel)
	for _, w := range append(c.Warnings(), config.UnknownVariables(os.Environ())...) {
		log.Warn().Msg(w)
	}
	if len(c.Accounts()) == 0 {
		return errors.New("no provider has credentials: set REMESA_VIRTUALPOS_BASE_URL, _API_KEY and _SECRET_KEY, or those of another provider")
	}
	rdb, err := c.Client(config.ServerProfile(connections(c)))
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	s, err := newService(c, rdb, log)
	if err != nil {
		return err
	}
	return s.serve(ctx)
}

// connections is how many commands may be under way at Redis at a time: both lanes of each provider.
func connections(c *config.Config) int {
	n := 0
	for _, p := range providers.Names() {
		if slices.ContainsFunc(c.Accounts(), func(a config.Account) bool { return a.Provider == p }) {
			n += 2*c.Policy(p).Concurrency + 8
		}
	}
	return n
}

// queues are both lanes of each provider.
func queues(r providers.Registry) []string {
	var names []string
	for _, p := range r.Providers() {
		names = append(names, tasks.SendQueue(p), tasks.AskQueue(p))
	}
	return names
}

// rates is the rate limit of each provider that has one, in requests a second.
func rates(c *config.Config) map[string]float64 {
	limits := map[string]float64{}
	for _, p := range providers.Names() {
		limits[p] = c.Policy(p).Rate
	}
	return limits
}

// redisLog hands the Redis client's own messages, which would else go to stderr as they are, to the worker's log.
type redisLog struct{ log zerolog.Logger }

// Printf implements the Redis client's logger.
func (l redisLog) Printf(_ context.Context, format string, args ...any) {
	l.log.Debug().Str("from", "redis").Msgf(format, args...)
}

// service is a worker with its listener.
type service struct {
	config   *config.Config
	rdb      redis.UniversalClient
	registry providers.Registry
	ledger   *idempotency.Redis
	engine   *engine.Engine
	// subscriptions are charged by the sweep.
	subscriptions *schedule.Store
	metrics       *prometheus.Registry
	log           zerolog.Logger
	// addr gets the address of the listener once.
	addr chan string
}

func newService(c *config.Config, rdb redis.UniversalClient, log zerolog.Logger) (*service, error) {
	reg := prometheus.NewRegistry()
	m := metrics.New(reg)
	tokens, err := wiring.Tokens(c, rdb)
	if err != nil {
		return nil, err
	}
	registry, err := wiring.Registry(c, wiring.Parts{Tokens: tokens, Renewed: m.TokenRenewed})
	if err != nil {
		return nil, err
	}
	ring, err := c.Ring()
	if err != nil {
		return nil, err
	}
	ledger := wiring.Ledger(c, rdb, ring, m.Ledger)
	subscriptions, err := wiring.Subscriptions(c, rdb)
	if err != nil {
		return nil, err
	}
	m.Serve(time.Now(), registry.Providers()...)
	reg.MustRegister(metrics.Open{Desk: ledger, Providers: registry.Providers()},
		metrics.Signals{Ledger: ledger, Providers: registry.Providers()}, metrics.Redis{Client: rdb},
		metrics.Subscriptions{Store: subscriptions, Providers: registry.Providers()},
		metrics.Queues{Inspector: asynq.NewInspectorFromRedisClient(rdb), Names: queues(registry)})
	e, err := engine.New(engine.Options{
		Ledger: ledger, Registry: registry, Redis: rdb, Log: log, Metrics: m,
		RequestTimeout: c.RequestTimeout, AttemptDeadline: c.AttemptDeadline(), Lease: c.Lease,
		TaskTimeout: c.TaskTimeout(), ShutdownTimeout: c.ShutdownTimeout(),
		Concurrency: func(p string) int { return c.Policy(p).Concurrency },
		RetryBase:   c.RetryBase, RetryMax: c.RetryMax, PollFirst: c.PollFirst, PollMax: c.PollMax,
		JanitorInterval: c.JanitorInterval, CircuitCooldown: c.CircuitCooldown,
		FingerprintKey: []byte(c.FingerprintKey.Reveal()), Seal: ring, OnStep: faultPoints(log),
		Pace: rate.New(rdb, rates(c)).Wait,
	})
	if err != nil {
		return nil, err
	}
	return &service{
		config: c, rdb: rdb, registry: registry, ledger: ledger, engine: e, subscriptions: subscriptions, metrics: reg, log: log,
		addr: make(chan string, 1),
	}, nil
}

// serve listens, waits for a Redis that is fit for payments, and works until ctx is done.
func (s *service) serve(ctx context.Context) error {
	stopListening, err := s.listen(ctx)
	if err != nil {
		return err
	}
	defer stopListening()
	stopHearing, err := s.hear(ctx)
	if err != nil {
		return err
	}
	defer stopHearing()
	if err := s.awaitRedis(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := s.refuse(ctx); err != nil {
		return err
	}
	s.log.Info().Strs("providers", s.registry.Providers()).Str("http", s.config.Addr).Msg("serving")
	return s.work(ctx)
}

// awaitRedis waits for Redis to answer: an orchestrator may start it after the worker.
func (s *service) awaitRedis(ctx context.Context) error {
	for n := 0; ; n++ {
		probe, cancel := context.WithTimeout(ctx, 3*time.Second)
		err := s.ledger.Available(probe)
		cancel()
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if n == 0 {
			s.log.Warn().Err(err).Msg("waiting for Redis")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// refuse keeps real payments off a Redis that may lose them, and off accounts that are not what they were.
func (s *service) refuse(ctx context.Context) error {
	findings := preflight.CheckRedis(ctx, s.rdb, expect(s.config))
	if err := preflight.RefuseUnsafe(findings, s.config.RealURLs(), s.config.AllowUnsafeRedis); err != nil {
		return err
	}
	if err := preflight.ClaimIdentities(ctx, s.rdb, s.registry); err != nil {
		return fmt.Errorf("refusing to start: %w", err)
	}
	return nil
}
