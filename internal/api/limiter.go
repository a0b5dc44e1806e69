package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter bounds the requests of each key in this process. It remembers keys that are valid, and no
// others, so that nobody can make it remember without end.
type limiter struct {
	perSecond rate.Limit
	burst     int

	mu   sync.Mutex
	each map[string]*rate.Limiter
}

func newLimiter(perSecond float64) *limiter {
	return &limiter{perSecond: rate.Limit(perSecond), burst: max(1, int(2*perSecond)), each: map[string]*rate.Limiter{}}
}

// wait is how long the key must wait; zero where it need not, and the request is counted.
func (l *limiter) wait(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.each[key]
	if own == nil {
		own = rate.NewLimiter(l.perSecond, l.burst)
		l.each[key] = own
	}
	r := own.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	return d
}
