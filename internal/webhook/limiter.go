package webhook

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter bounds the reports that the handler reads, of each address first and then of all: what an
// address sends beyond its own bound does not count against the others.
type limiter struct {
	perSecond float64
	burst     int
	all       *rate.Limiter

	mu   sync.Mutex
	each map[netip.Addr]*rate.Limiter
	// cleanedAt is when forget last ran.
	cleanedAt time.Time
}

// maxAddresses bounds the memory that callers can make the limiter use.
const maxAddresses = 4096

func newLimiter(o Options) *limiter {
	return &limiter{
		perSecond: o.PerSecond / 2, burst: (o.Burst + 1) / 2,
		all: rate.NewLimiter(rate.Limit(o.PerSecond), o.Burst), each: map[netip.Addr]*rate.Limiter{},
	}
}

func (l *limiter) allow(from netip.Addr, now time.Time) bool {
	own := l.forAddress(from, now)
	return (own == nil || own.AllowN(now, 1)) && l.all.AllowN(now, 1)
}

// forAddress is an address's own limiter. It is nil for a new address while maxAddresses are busy:
// then only the limit of all counts.
func (l *limiter) forAddress(from netip.Addr, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.each[from]
	if own == nil && len(l.each) >= maxAddresses {
		l.forget(now)
	}
	if own == nil && len(l.each) < maxAddresses {
		own = rate.NewLimiter(rate.Limit(l.perSecond), l.burst)
		l.each[from] = own
	}
	return own
}

// forget drops the addresses that have their whole burst again. It runs once a second at most, so
// that a crowd of addresses does not cost a walk over all of them for each report.
func (l *limiter) forget(now time.Time) {
	if now.Sub(l.cleanedAt) < time.Second {
		return
	}
	l.cleanedAt = now
	for from, own := range l.each {
		if own.TokensAt(now) >= float64(l.burst) {
			delete(l.each, from)
		}
	}
}
