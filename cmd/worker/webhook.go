package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/remesa/remesa/internal/listen"
	"github.com/remesa/remesa/internal/webhook"
)

// serveWebhooks serves the webhooks of providers on a listener of their own, until the returned
// function is called. Without an address there is none: payments are polled all the same.
func (s *service) serveWebhooks(ctx context.Context) (func(), error) {
	if s.config.WebhookAddr == "" {
		return func() {}, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.config.WebhookAddr)
	if err != nil {
		return nil, fmt.Errorf("REMESA_WEBHOOK_ADDR: %w", err)
	}
	s.log.Info().Str("webhooks", l.Addr().String()).Msg("listening")
	server := webhook.Server(webhook.New(webhook.Options{Ledger: s.ledger, Log: s.log, Registry: s.registry}))
	go func() {
		if err := server.Serve(listen.Limit(l, limits(s.log, "REMESA_WEBHOOK_ADDR"))); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error().Err(err).Msg("webhook listener stopped")
		}
	}()
	return func() { _ = server.Close() }, nil
}
