package wiring

import (
	"sync"
	"time"

	"github.com/remesa/remesa/providers/auth"
)

// contention notices an account whose fresh tokens are refused again and again: most likely each
// login ends the tokens that other workers have, and they chase one another.
type contention struct {
	mu       sync.Mutex
	rejected []time.Time
}

// A token that dies before its time is rare: three of an account within these minutes are no
// coincidence.
const (
	rejectedInARow = 3
	rejectedWithin = 5 * time.Minute
)

// record takes in one renewal and reports whether the account's workers chase one another; then it
// counts anew.
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
