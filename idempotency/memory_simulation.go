package idempotency

import "slices"

// RemoveChargeGuard withdraws a charge guard.
func (m *Memory) RemoveChargeGuard(provider, key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.provider(provider).values, key)
}

// ChargeUpdates counts, by "SUBSCRIPTION|ID", the updates of subscriptions' charges that no call of
// ForgetChargeUpdate has removed.
func (m *Memory) ChargeUpdates(provider string) map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := map[string]int{}
	for _, u := range m.provider(provider).chargeUpdates {
		counts[u]++
	}
	return counts
}

// ForgetChargeUpdate removes a charge's updates if there are only so many by now.
func (m *Memory) ForgetChargeUpdate(provider, update string, seen int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	rest := slices.DeleteFunc(slices.Clone(s.chargeUpdates), func(u string) bool { return u == update })
	if len(s.chargeUpdates)-len(rest) == seen {
		s.chargeUpdates = rest
	}
}
