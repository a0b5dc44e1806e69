package main

import (
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/listen"
)

// limits are those of a listener's connections. What they refuse is logged once a minute at most:
// who floods a listener must not flood the log.
func limits(log zerolog.Logger, listener string) listen.Limits {
	var last time.Time
	refused := 0
	return listen.Limits{Refused: func(from netip.Addr, limit string) { // called by the one goroutine that accepts
		if refused++; time.Since(last) < time.Minute {
			return
		}
		log.Warn().Str("listener", listener).Stringer("from", from).Str("limit", limit).Int("refused", refused).Msg("too many connections")
		last, refused = time.Now(), 0
	}}
}
