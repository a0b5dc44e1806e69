package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"golang.org/x/term"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/delivery"
	"github.com/remesa/remesa/internal/engine"
	"github.com/remesa/remesa/internal/journal"
	"github.com/remesa/remesa/internal/login"
	"github.com/remesa/remesa/internal/metrics"
	"github.com/remesa/remesa/internal/preflight"
	"github.com/remesa/remesa/internal/rate"
	"github.com/remesa/remesa/internal/salvage"
	"github.com/remesa/remesa/internal/totals"
	"github.com/remesa/remesa/internal/trace"
	"github.com/remesa/remesa/internal/version"
	"github.com/remesa/remesa/internal/wiring"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/tasks"
)

type runCmd struct{}

// Run serves until a signal, then drains. Where the log is JSON, the reason for not serving is
// logged as JSON too; on a terminal main prints it.
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
	config.RedirectStdLog(log, zerolog.WarnLevel)
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
	s, err := newService(c, rdb, log) //nolint:contextcheck // what it makes outlives the call; serve has the context
	if err == nil {
		err = s.serve(ctx)
	}
	if errors.Is(err, engine.ErrNotStopped) {
		return nil // the client ends with the process
	}
	_ = rdb.Close()
	return err
}

// connections is how many commands may be under way at Redis at a time: those of each provider's
// sends and status queries, and of asynq's servers.
func connections(c *config.Config) int {
	n := 0
	for _, p := range catalog.Names() {
		if slices.ContainsFunc(c.Accounts(), func(a config.Account) bool { return a.Provider.Name == p }) {
			n += 2*c.Policy(p).Concurrency + 12*c.Policy(p).Partitions
		}
	}
	for _, r := range c.Receivers() {
		n += r.Concurrency + 4
	}
	return n
}

// queues are all lanes of each partition, and those of webhooks.
func queues(c *config.Config, r providers.Registry) []string {
	names, parts := delivery.Queues(c.Receivers()), wiring.Partitions(c)
	for _, provider := range r.Providers() {
		for _, p := range parts.All(provider) {
			names = append(names, tasks.Queues(p.String())...)
		}
	}
	return names
}

// rates is the rate limit of each provider that has one, in requests a second.
func rates(c *config.Config) map[string]float64 {
	limits := map[string]float64{}
	for _, p := range catalog.Names() {
		limits[p] = c.Policy(p).Rate
	}
	return limits
}

// redisLog hands the Redis client's own messages, which would else go to stderr as they are, to the
// worker's log.
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
	ledger   *idempotency.Ledger
	engine   *engine.Engine
	// subscriptions are charged by the sweep.
	subscriptions *billing.Store
	// deliveries sends outcome events to billing systems; nil where none wants any.
	deliveries *delivery.Service
	// salvager keeps damaged tasks from stopping asynq.
	salvager *salvage.Salvager
	// totals counts what becomes of payments.
	totals *totals.Totals
	// tokens says when tokens were obtained.
	tokens  *knownTokens
	metrics *prometheus.Registry
	// users may log in to the pages.
	users []login.User
	log   zerolog.Logger
	// trace follows payments; nil follows none.
	trace *trace.Tracer
	// claimed: the identities of all accounts are in Redis.
	claimed atomic.Bool
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
	known := &knownTokens{of: map[string]tokenTimes{}}
	registry, err := wiring.Registry(c, wiring.Shared{Tokens: tokens, OnRenewal: m.TokenRenewed, OnToken: known.record, OnContention: contended(m, log, tokens != nil)})
	if err != nil {
		return nil, err
	}
	ring, err := c.Ring()
	if err != nil {
		return nil, err
	}
	users, err := c.Users()
	if err != nil {
		return nil, err
	}
	ledger := wiring.Ledger(c, rdb, ring, m.Ledger)
	subscriptions, err := wiring.Subscriptions(c, rdb)
	if err != nil {
		return nil, err
	}
	lanes := queues(c, registry)
	salvager, err := salvage.New(salvage.Options{Redis: rdb, Queues: lanes, Log: log})
	if err != nil {
		return nil, err
	}
	m.Serve(time.Now(), registry.Providers()...)
	watch(reg, ledger, subscriptions)
	reg.MustRegister(metrics.Redis{Client: rdb}, metrics.Queues{Inspector: asynq.NewInspectorFromRedisClient(rdb), Names: lanes},
		metrics.Damaged{Tasks: salvage.PutAside{Redis: rdb}, Queues: lanes})
	deliveries, err := newDeliveries(c, rdb, ring, reg, m, log)
	if err != nil {
		return nil, err
	}
	kept, err := openJournal(c.JournalDir)
	if err != nil {
		return nil, err
	}
	followed, err := follow(c, log)
	if err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Options{
		Trace: followed, Journal: kept,
		Ledger: ledger, Registry: registry, Redis: rdb, Log: log, Metrics: m,
		RequestTimeout: c.RequestTimeout, AttemptDeadline: c.AttemptDeadline(), Lease: c.Lease,
		TaskTimeout: c.TaskTimeout(), ShutdownTimeout: c.ShutdownTimeout(),
		Concurrency: func(p string) int { return c.Policy(p).Concurrency }, FastPath: c.Notices(), Limits: wiring.Limits(c),
		RetryBase: c.RetryBase, RetryMax: c.RetryMax, PollFirst: c.PollFirst, PollMax: c.PollMax,
		JanitorInterval: c.JanitorInterval, CircuitCooldown: c.CircuitCooldown,
		FingerprintKey: []byte(c.FingerprintKey.Reveal()), Seal: ring, OnFaultPoint: faultPoints(log),
		Limiter: rate.New(rdb, rates(c), c.JanitorInterval), Throttle: rate.NewThrottle(rdb, c.Lease),
	})
	if err != nil {
		return nil, err
	}
	return &service{
		config: c, rdb: rdb, registry: registry, ledger: ledger, engine: e, subscriptions: subscriptions, salvager: salvager, deliveries: deliveries,
		totals: newTotals(rdb, ledger, wiring.Partitions(c), log), tokens: known, metrics: reg, users: users, log: log,
		addr: make(chan string, 1), trace: followed,
	}, nil
}

// follow follows payments, where traces are wanted; nil where not.
func follow(c *config.Config, log zerolog.Logger) (*trace.Tracer, error) {
	number, _ := version.Parts()
	return trace.New(context.Background(), trace.Options{Endpoint: c.OTLPEndpoint, Service: "remesa-worker", Version: number, Log: log})
}

// openJournal opens the worker's journal; nil where none is wanted.
func openJournal(dir string) (engine.Journal, error) {
	if dir == "" {
		return nil, nil //nolint:nilnil // no journal is no error
	}
	return journal.Open(dir)
}

// watch counts payments and subscriptions at every provider, not only at those that this worker
// serves: a provider that no worker serves has the oldest backlog.
func watch(reg *prometheus.Registry, ledger *idempotency.Ledger, subscriptions *billing.Store) {
	all := catalog.Names()
	reg.MustRegister(metrics.OpenPayments{Ledger: ledger, Providers: all}, metrics.LedgerHealth{Ledger: ledger, Providers: all},
		metrics.Subscriptions{Store: subscriptions, Providers: all}, metrics.Parked{Ledger: ledger, Providers: all})
}

// contended logs what to set where workers end each other's tokens.
func contended(m *metrics.Metrics, log zerolog.Logger, shared bool) func(provider, account string) {
	hint := "each login may end the other workers' tokens: set REMESA_TOKEN_KEY, the same on all workers, so that they share one token"
	if shared {
		hint = "something else logs in with the same credentials and ends the workers' token, or REMESA_TOKEN_KEY is not the same on all workers"
	}
	return func(provider, account string) {
		m.TokensContended(provider)
		log.Error().Str("account", provider+"/"+account).Msg("FRESH TOKENS ARE REFUSED again and again: " + hint)
	}
}

// serve listens, waits for a Redis that is fit for payments, and works until ctx is done.
func (s *service) serve(ctx context.Context) error {
	defer s.trace.Close(ctx)
	stopListening, err := s.listen(ctx)
	if err != nil {
		return err
	}
	defer stopListening()
	stopHearing, err := s.serveWebhooks(ctx)
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
	if err := s.refuseUnsafe(ctx); err != nil {
		return err
	}
	s.log.Info().Strs("providers", s.registry.Providers()).Str("http", s.config.Addr).Msg("serving")
	return s.run(ctx)
}

// awaitRedis waits until Redis responds: an orchestrator may start it after the worker.
func (s *service) awaitRedis(ctx context.Context) error {
	for n := 0; ; n++ {
		probe, cancel := context.WithTimeout(ctx, 3*time.Second)
		err := s.ledger.Ping(probe)
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

// refuseUnsafe keeps real payments off a Redis that may lose them, and off accounts that are not
// what they were.
func (s *service) refuseUnsafe(ctx context.Context) error {
	findings := preflight.CheckRedis(ctx, s.rdb, expect(s.config))
	if err := preflight.RefuseUnsafe(findings, s.config.LiveURLs(), s.config.AllowUnsafeRedis); err != nil {
		return err
	}
	for _, provider := range s.registry.Providers() {
		if err := s.ledger.CheckPartitions(ctx, provider); err != nil {
			return fmt.Errorf("refusing to start: %w", err)
		}
	}
	if err := preflight.ClaimIdentities(ctx, s.rdb, s.registry); err != nil {
		return fmt.Errorf("refusing to start: %w", err)
	}
	s.claimed.Store(true)
	return nil
}
