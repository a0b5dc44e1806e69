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

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/docs"
	"github.com/remesa/remesa/internal/api"
	"github.com/remesa/remesa/internal/apikey"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/listen"
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
	handler, err := a.api(log)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(a.ctx, "tcp", a.config.APIAddr)
	if err != nil {
		return fmt.Errorf("REMESA_API_ADDR: %w", err)
	}
	log.Info().Str("api", l.Addr().String()).Msg("listening")
	a.warnNoKey(log)
	return serve(a, handler, l, log)
}

func (a *app) api(log zerolog.Logger) (*api.API, error) {
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
	l = listen.Limit(l, listen.Limits{Refused: func(from netip.Addr, limit string) {
		log.Warn().Str("from", from.String()).Str("limit", limit).Msg("REMESA_API_ADDR: too many connections; closed one")
	}})
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
