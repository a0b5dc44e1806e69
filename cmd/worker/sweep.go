package main

import (
	"context"
	"sync"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/engine"
	"github.com/remesa/remesa/tasks"
)

// run serves payments, charges subscriptions and delivers webhooks until ctx is done.
func (s *service) run(ctx context.Context) error {
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	delivered := true
	if s.deliveries != nil {
		s.deliveries.Begin(ctx)
		wg.Go(func() { delivered = s.deliveries.Run(ctx) })
	}
	wg.Go(func() { s.sweeper().Run(ctx) })
	wg.Go(func() { s.salvager.Run(ctx) })
	wg.Go(func() { s.totals.Run(ctx) })
	wg.Go(func() { s.warnForgotten(ctx, identityCheckInterval) })
	err := s.engine.Run(ctx)
	cancel()
	wg.Wait()
	if err == nil && !delivered {
		return engine.ErrNotStopped
	}
	return err
}

func (s *service) sweeper() *billing.Sweeper {
	c := s.config
	intake := tasks.NewClient(s.ledger, s.rdb, tasks.ClientOptions{
		FingerprintKey: []byte(c.FingerprintKey.Reveal()), MemoryStop: c.IntakeMemoryStop, TaskTimeout: c.TaskTimeout(),
		WithoutNotices: !c.Notices(), Tracer: s.trace.Registrations(),
	})
	return billing.NewSweeper(billing.SweeperConfig{
		Store: s.subscriptions, Ledger: s.ledger, Intake: intake, Providers: s.registry.Providers(),
		Interval: c.SweepInterval, Limit: c.SweepLimit, Log: s.log, OnFaultPoint: sweepFaults(faultPoints(s.log)),
	})
}

// sweepFaults lets the fault tests stop a worker at the fault points of the sweep too.
func sweepFaults(at func(engine.FaultPoint, idempotency.Key)) func(billing.SweepPoint, string) {
	if at == nil {
		return nil
	}
	return func(step billing.SweepPoint, provider string) {
		at(engine.FaultPoint(step), idempotency.Key{Provider: provider})
	}
}
