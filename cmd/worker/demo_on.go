//go:build !nodemo

package main

import (
	"context"
	"os"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/demo"
)

// Run plays sample payments through an embedded Redis and the simulators. No real provider is ever
// involved.
func (cmd demoCmd) Run(ctx context.Context, c *config.Config) error {
	if err := c.Complete(); err != nil {
		return err
	}
	return demo.Run(ctx, c, demo.Options{Text: onStdout(c.OnTerminal(os.LookupEnv)), Once: cmd.Once, Addr: cmd.Addr, NewWorker: demoWorker})
}

// demoWorker is the worker of worker run.
func demoWorker(c *config.Config, log zerolog.Logger) (*demo.Worker, error) {
	rdb, err := c.Client(config.ServerProfile(connections(c)))
	if err != nil {
		return nil, err
	}
	s, err := newService(c, rdb, log)
	if err != nil {
		_ = rdb.Close()
		return nil, err
	}
	return &demo.Worker{Redis: rdb, Ledger: s.ledger, Subscriptions: s.subscriptions, Addr: s.addr, Serve: s.serve}, nil
}
