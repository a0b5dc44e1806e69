//go:build !faultpoints

package main

import (
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/engine"
)

// faultPoints does nothing in a worker that serves payments.
func faultPoints(zerolog.Logger) func(engine.FaultPoint, idempotency.Key) { return nil }
