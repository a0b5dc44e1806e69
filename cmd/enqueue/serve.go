package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/docs"
	"github.com/remesa/remesa/internal/api"
	"github.com/remesa/remesa/internal/apikey"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/listen"
	"github.com/remesa/remesa/internal/metrics"
)

type serveCmd struct {
	Addr string `placeholder:"HOST:PORT" help:"Where to listen; without it at --api-addr."`
}

// Run serves the HTTP interface until a signal. Then it takes no further request, finishes those
// that have begun, and ends.
func (c *serveCmd) Run(a *app) error {
	if c.Addr != "" {
		a.config.APIAddr = c.Addr
	}
	if err := config.Complete(&a.config.API); err != nil {
		return usageError{err}
	}
	if err := a.config.RefusePlain(); err != nil {
		return usageError{err}
	}
	log := a.config.Logger(os.Stderr)
	reg := prometheus.NewRegistry()
	handler, err := a.api(log, metrics.NewAPI(reg, api.OperationNames()...))
	if err != nil {
		return err
	}
	stop, err := a.serveMetrics(reg, log)
	if err != nil {
		return err
	}
	defer stop()
	var lc net.ListenConfig
	l, err := lc.Listen(a.ctx, "tcp", a.config.APIAddr)
	if err != nil {
		return fmt.Errorf("REMESA_API_ADDR: %w", err)
	}
	log.Info().Str("api", l.Addr().String()).Msg("listening")
	a.warnNoKey(log)
	return serve(a, handler, l, log)
}

// serveMetrics serves /metrics, where that is wanted, until the returned function is called.
func (a *app) serveMetrics(reg *prometheus.Registry, log zerolog.Logger) (func(), error) {
	if a.config.APIMetricsAddr == "" {
		return func() {}, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(a.ctx, "tcp", a.config.APIMetricsAddr)
	if err != nil {
		return nil, fmt.Errorf("REMESA_API_METRICS_ADDR: %w", err)
	}
	log.Info().Str("metrics", l.Addr().String()).Msg("listening")
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	go func() {
		if err := server.Serve(listen.Limit(l, limits("REMESA_API_METRICS_ADDR", log))); !errors.Is(err, http.ErrServerClosed) {
			log.Error().Err(err).Msg("the listener of /metrics stopped")
		}
	}()
	return func() { _ = server.Close() }, nil
}

func limits(setting string, log zerolog.Logger) listen.Limits {
	return listen.Limits{Refused: func(from netip.Addr, limit string) {
		log.Warn().Str("from", from.String()).Str("limit", limit).Msg(setting + ": too many connections; closed one")
	}}
}

func (a *app) api(log zerolog.Logger, counts api.Metrics) (*api.API, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	subscriptions, err := a.subscriptions()
	if err != nil {
		return nil, err
	}
	return api.New(api.Options{
		Keys: apikey.NewStore(a.rdb), Tasks: client, Subscriptions: subscriptions, Ledger: a.ledger, Redis: a.rdb, Ring: a.ring,
		Accounts: knownAccounts(a), Log: log, Rate: a.config.APIRate, Document: docs.OpenAPI(),
		Metrics: counts, Trace: a.trace,
	})
}

// warnNoKey says what to do where nobody can call anything.
func (a *app) warnNoKey(log zerolog.Logger) {
	keys, err := apikey.NewStore(a.rdb).List(a.ctx)
	switch {
	case err != nil:
		log.Warn().Err(err).Msg("the keys cannot be read; every request is refused until redis responds")
	case len(keys) == 0:
		log.Warn().Msg("no key was made yet, so every request is refused: make one with `enqueue apikey create NAME --scope submit --scope read`")
	}
}

// drainTime is how long requests may take that have begun when the signal comes.
const drainTime = 30 * time.Second

func serve(a *app, handler *api.API, l net.Listener, log zerolog.Logger) error {
	server := handler.Server()
	secure, err := a.config.TLS()
	if err != nil {
		return usageError{err}
	}
	l = listen.Limit(l, limits("REMESA_API_ADDR", log))
	if secure != nil {
		server.TLSConfig = secure
		l = tls.NewListener(l, secure)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-a.ctx.Done():
	}
	log.Info().Msg("draining")
	handler.Drain()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
		return fmt.Errorf("some requests did not end in time: %w", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
