//go:build nodemo

package main

import (
	"context"
	"errors"

	"github.com/remesa/remesa/internal/config"
)

// Run returns an error that says where the demo is: a released worker embeds no Redis.
func (demoCmd) Run(context.Context, *config.Config) error {
	return errors.New("this worker was built without the demo, which embeds a Redis: " +
		"in a checkout of its sources, run `make demo`, or `go run ./cmd/worker demo`; `worker sandbox` serves the simulated providers here too")
}
