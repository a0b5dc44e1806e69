package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/internal/dashboard"
	"github.com/remesa/remesa/internal/listen"
	"github.com/remesa/remesa/internal/preflight"
)

// listen serves /healthz and /readyz, and behind the login the pages, until the returned function
// is called; /metrics too, unless it has a listener of its own.
func (s *service) listen(ctx context.Context) (func(), error) {
	stopMetrics := func() {}
	if s.config.MetricsAddr != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", s.metricsHandler())
		l, stop, err := s.listenAt(ctx, "REMESA_METRICS_ADDR", s.config.MetricsAddr, mux)
		if err != nil {
			return nil, err
		}
		s.log.Info().Str("metrics", l.String()).Msg("listening")
		stopMetrics = stop
	}
	l, stop, err := s.listenAt(ctx, "REMESA_HTTP_ADDR", s.config.Addr, s.routes())
	if err != nil {
		stopMetrics()
		return nil, err
	}
	s.addr <- l.String()
	s.log.Info().Str("http", l.String()).Msg("listening")
	return func() { stop(); stopMetrics() }, nil
}

// listenAt serves a handler at the address of a setting.
func (s *service) listenAt(ctx context.Context, setting, addr string, h http.Handler) (net.Addr, func(), error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", setting, err)
	}
	server := dashboard.Server(h)
	go func() {
		if err := server.Serve(listen.Limit(l, limits(s.log, setting))); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error().Str("setting", setting).Err(err).Msg("HTTP listener stopped")
		}
	}()
	return l.Addr(), func() { _ = server.Close() }, nil
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { respond(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	if s.config.MetricsAddr == "" {
		mux.Handle("GET /metrics", s.metricsHandler())
	}
	mux.Handle("/", s.pages())
	return mux
}

func (s *service) metricsHandler() http.Handler {
	return promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{})
}

// pages are the queues and the payments.
func (s *service) pages() http.Handler {
	return dashboard.New(dashboard.Options{
		Ledger: s.ledger, Redis: s.rdb, Log: s.log, Users: s.users, Writable: s.config.DashboardWritable,
		Totals: s.totals, Health: s.health, Worker: workerName(),
		Subscriptions: backlog{s}, InBrowser: s.config.InBrowser,
		Billing: billing.NewClient(billing.ClientConfig{Store: s.subscriptions, Ledger: s.ledger}),
	})
}

// backlog sums the subscriptions that are due over the providers that this worker serves.
type backlog struct{ s *service }

// Due implements dashboard.Subscriptions.
func (b backlog) Due(ctx context.Context) (count int64, oldest time.Time, err error) {
	longest := time.Duration(0)
	for _, p := range b.s.registry.Providers() {
		n, lag, err := b.s.subscriptions.Backlog(ctx, p)
		if err != nil {
			return 0, time.Time{}, err
		}
		count, longest = count+n, max(longest, lag)
	}
	return count, time.Now().Add(-longest), nil
}

// ready reports whether payments can be sent, and if not, every reason. It makes the checks of
// `worker check`.
func (s *service) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	reasons := s.stopped(ctx)
	if len(reasons) == 0 {
		respond(w, http.StatusOK, "ok")
		return
	}
	respond(w, http.StatusServiceUnavailable, strings.Join(reasons, "\n"))
}

// stopped lists why nothing can be sent now, or should be. Its texts are shown without a login: no
// address, no name of an account.
func (s *service) stopped(ctx context.Context) []string {
	var reasons []string
	for _, f := range preflight.CheckSends(ctx, s.rdb, expect(s.config)) {
		switch what, _, _ := strings.Cut(f.Name, " on "); what {
		case "connection":
			reasons = append(reasons, "redis does not answer")
		default:
			reasons = append(reasons, fmt.Sprintf("redis: %s: %s, must be %s: %s", what, f.Got, f.Want, f.Fix))
		}
	}
	if gone := s.forgotten(ctx); len(gone) > 0 {
		reasons = append(reasons, forgot(gone))
	}
	if !s.engine.Sendable() {
		reasons = append(reasons, "providers: the circuits of all accounts are open: connections or credentials are refused; see the log, and run worker check")
	}
	return reasons
}

func respond(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text)
}
