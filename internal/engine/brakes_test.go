package engine

import (
	"sync"
	"testing"

	"github.com/remesa/remesa/idempotency"
)

// brakes counts what was blocked, and the transitions of blocked payments.
type brakes struct {
	noMetrics
	mu                   sync.Mutex
	blocked, transitions map[string]int
}

func (b *brakes) Blocked(provider, brake string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blocked[provider+" "+brake]++
}

func (b *brakes) Transitioned(provider string, s idempotency.Transition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.transitions[provider+" "+s.Type+" "+string(s.State)]++
}

func (b *brakes) count(of map[string]int, what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return of[what]
}

func TestABlockedPaymentIsNotSentUntilItIsReleased(t *testing.T) {
	r := newFixture(t)
	m := &brakes{blocked: map[string]int{}, transitions: map[string]int{}}
	r.run(func(o *Options) {
		o.Metrics = m
		o.Limits = func(provider, account string) idempotency.Limits {
			if provider == "virtualpos" && account == "default" {
				return idempotency.Limits{Amount: 1}
			}
			return idempotency.Limits{}
		}
	})
	r.submit(key("p"), mute("q"))
	r.awaitState(key("p"), idempotency.Blocked)
	r.awaitState(mute("q"), idempotency.Succeeded)
	if n := r.provider.sends("p"); n != 0 {
		t.Fatalf("sent %d times", n)
	}
	// The worker logs and counts once the ledger has it.
	r.until("it is counted", func() bool { return m.count(m.blocked, "virtualpos limit_amount") == 1 })
	if n := m.count(m.transitions, "virtualpos payout blocked"); n != 1 {
		t.Errorf("counted as blocked %d times", n)
	}
	if lines := r.log.lines("blocked by a brake"); len(lines) != 1 {
		t.Errorf("the log says %q", lines)
	}
	by := idempotency.Actor{By: "ana", Note: "it is right"}
	if _, err := r.ledger.Unblock(t.Context(), key("p"), r.show(key("p")).Version, by); err != nil {
		t.Fatal(err)
	}
	r.awaitState(key("p"), idempotency.Succeeded)
	if n := r.provider.sends("p"); n != 1 {
		t.Errorf("sent %d times", n)
	}
}
