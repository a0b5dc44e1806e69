package main

import (
	"context"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/preflight"
)

// identityCheckInterval is how often a worker checks that its Redis still has its accounts'
// identities.
const identityCheckInterval = 30 * time.Second

// warnForgotten logs at every check, until ctx is done, that Redis forgot: a single line would be
// overlooked.
func (s *service) warnForgotten(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if gone := s.forgotten(ctx); len(gone) > 0 {
			s.log.Error().Strs("providers", gone).Msg("REDIS FORGOT what this worker wrote there at its start: payments that were sent may be " +
				"sent again; halt the providers and see the runbook, \"Redis was lost\"")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// forgotten are the providers whose identities are gone from Redis though this worker left them
// there: after FLUSHALL, a restart without its data, or from an older copy. A Redis that does not
// respond has not forgotten.
func (s *service) forgotten(ctx context.Context) []string {
	if !s.claimed.Load() {
		return nil
	}
	var gone []string
	for _, p := range s.registry.Providers() {
		if served, err := preflight.WasServed(ctx, s.rdb, p); err == nil && !served {
			gone = append(gone, p)
		}
	}
	return gone
}

// forgot is the reason that /readyz gives.
func forgot(providers []string) string {
	return "redis: it forgot what this worker wrote there for " + strings.Join(providers, ", ") +
		": payments that were sent may be sent again; halt the providers and see the runbook"
}
