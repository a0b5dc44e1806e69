package wiring

import (
	"sync"
	"time"

	"github.com/remesa/remesa/providers/auth"
)

// contention detects an account whose fresh tokens are refused again and again: most likely each
// login ends the tokens of other workers.
type contention struct {
	mu       sync.Mutex
	rejected []time.Time
}

// A token that ends before its time is rare: three of an account within rejectedWithin are no
// coincidence.
const (
	rejectedInARow = 3
	rejectedWithin = 5 * time.Minute
)

// record counts one renewal and reports whether the account's workers end one another's tokens;
// then it counts anew.
func (c *contention) record(reason string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if reason == auth.ReasonAhead { // the token before it lived its life
		c.rejected = nil
	}
	if reason != auth.ReasonRejected {
		return false
	}
	c.rejected = append(c.rejected, now)
	if now.Sub(c.rejected[0]) > rejectedWithin {
		c.rejected = c.rejected[1:]
	}
	if len(c.rejected) < rejectedInARow {
		return false
	}
	c.rejected = nil
	return true
}
