package webhook

import (
	"net/netip"
	"testing"
	"time"
)

func address(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// TestOneAddressUsesUpItsOwnShareOnly: however much it sends, another's reports are read.
func TestOneAddressUsesUpItsOwnShareOnly(t *testing.T) {
	t.Parallel()
	l, now := newLimiter(Options{PerSecond: 50, Burst: 200}), time.Unix(1, 0)
	count := func(from netip.Addr, sent int) (allowed int) {
		for range sent {
			if l.allow(from, now) {
				allowed++
			}
		}
		return allowed
	}
	if n := count(address(1), 10_000); n != 100 {
		t.Errorf("%d of one address's reports were looked at", n)
	}
	if n := count(address(2), 50); n != 50 {
		t.Errorf("%d of another's", n)
	}
	if n := count(address(3), 10_000); n != 50 {
		t.Errorf("%d of a third's, want what is left in all", n)
	}
	now = now.Add(time.Second)
	if n := count(address(1), 10_000); n != 25 {
		t.Errorf("%d of the first's, a second later", n)
	}
}

func TestCallersCannotMakeTheLimiterRememberWithoutEnd(t *testing.T) {
	t.Parallel()
	l, now := newLimiter(Options{PerSecond: 50, Burst: 200}), time.Unix(1, 0)
	for n := range 3 * maxAddresses {
		l.allow(address(n), now)
	}
	if n := len(l.each); n != maxAddresses {
		t.Errorf("%d addresses are remembered", n)
	}
	now = now.Add(time.Minute)
	l.allow(address(-1), now)
	if n := len(l.each); n != 1 {
		t.Errorf("%d addresses are remembered, a quiet minute later", n)
	}
}
