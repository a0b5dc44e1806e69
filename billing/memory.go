package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// Memory is a SweepStore beside a ledger's store in memory, for simulations. It writes a decision
// under the same conditions as Store does.
type Memory struct {
	payments *idempotency.Memory

	mu            sync.Mutex
	subscriptions map[string]*memorySubscription // by "PROVIDER/ID"
	leases        map[string]time.Time           // of charge updates
}

type memorySubscription struct {
	text            string
	content, frozen []byte
	due             time.Time
	closed          []ClosedPeriod
}

var _ SweepStore = (*Memory)(nil)

// NewMemory makes an empty store; its time is that of the payments' store.
func NewMemory(payments *idempotency.Memory) *Memory {
	return &Memory{payments: payments, subscriptions: map[string]*memorySubscription{}, leases: map[string]time.Time{}}
}

// Add keeps a new subscription.
func (m *Memory) Add(a Addition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, err := json.Marshal(a.Record)
	if err != nil {
		return err
	}
	due := a.Record.NextDue
	if due == 0 {
		due = a.Record.Added
	}
	m.subscriptions[a.Record.Provider+"/"+a.Record.ID] = &memorySubscription{text: string(text), content: a.Content, due: time.UnixMilli(due)}
	return nil
}

// Periods lists the closed periods of a subscription, oldest first.
func (m *Memory) Periods(provider, id string) []ClosedPeriod {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.subscriptions[provider+"/"+id].closed)
}

// NextDue is when the next subscription of a provider is due; zero if none is.
func (m *Memory) NextDue(provider string) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	var next time.Time
	for _, key := range slices.Sorted(maps.Keys(m.subscriptions)) {
		if due := m.subscriptions[key].due; key[:len(provider)+1] == provider+"/" && !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

// AnyWork implements SweepStore.
func (m *Memory) AnyWork(_ context.Context, provider string) (bool, error) {
	return !m.NextDue(provider).IsZero() || len(m.payments.ChargeUpdates(provider)) > 0, nil
}

// Due implements SweepStore.
func (m *Memory) Due(_ context.Context, provider string, limit int) (time.Time, []string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.payments.Now()
	var ids []string
	for _, key := range slices.Sorted(maps.Keys(m.subscriptions)) {
		s := m.subscriptions[key]
		if key[:len(provider)+1] == provider+"/" && len(ids) < limit && !s.due.IsZero() && !s.due.After(now) {
			s.due = now.Add(claimRecheck)
			ids = append(ids, key[len(provider)+1:])
		}
	}
	return now, ids, nil
}

// ChargeUpdates implements SweepStore.
func (m *Memory) ChargeUpdates(_ context.Context, provider string, limit int) (time.Time, []ChargeUpdate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, counts := m.payments.Now(), m.payments.ChargeUpdates(provider)
	var updates []ChargeUpdate
	for _, member := range slices.Sorted(maps.Keys(counts)) {
		leased := provider + "/" + member
		if len(updates) >= limit || now.Before(m.leases[leased]) {
			continue
		}
		m.leases[leased] = now.Add(claimRecheck)
		updates = append(updates, chargeUpdate(member, strconv.Itoa(counts[member])))
	}
	return now, updates, nil
}

// Acknowledge implements SweepStore.
func (m *Memory) Acknowledge(_ context.Context, provider string, updates ...ChargeUpdate) error {
	for _, u := range updates {
		seen, err := strconv.Atoi(u.score)
		if err != nil {
			return err
		}
		m.payments.ForgetChargeUpdate(provider, u.member(), seen)
	}
	return nil
}

// Load implements SweepStore.
func (m *Memory) Load(_ context.Context, provider string, ids ...string) ([]Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Stored
	for _, id := range ids {
		s := m.subscriptions[provider+"/"+id]
		if s == nil {
			continue
		}
		r, err := record(provider, id, s.text)
		if err != nil {
			return out, err
		}
		stored := Stored{Record: r, Content: s.content, OpenContent: s.content}
		if s.frozen != nil {
			stored.OpenContent = s.frozen
		}
		out = append(out, stored)
	}
	return out, nil
}

// Commit implements SweepStore.
func (m *Memory) Commit(_ context.Context, updates ...Update) ([]error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]error, len(updates))
	for i, u := range updates {
		r := u.Decision.Record
		s := m.subscriptions[r.Provider+"/"+r.ID]
		if s == nil || s.text != r.text {
			out[i] = fmt.Errorf("%s: %w", r.ID, ErrVersionChanged)
			continue
		}
		if err := m.write(s, u); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m *Memory) write(s *memorySubscription, u Update) error {
	d, r := u.Decision, u.Decision.Record
	r.Version += int64(max(1, len(d.Events)))
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	s.text, s.due = string(text), d.Due
	if d.FreezeContent && s.frozen == nil {
		s.frozen = s.content
	}
	if d.DropFrozen {
		s.frozen = nil
	}
	if len(u.Content) > 0 {
		s.content = u.Content
	}
	s.closed = append(s.closed, d.Closed...)
	switch {
	case d.Claimed && u.Charge != "":
		m.payments.SetChargeGuard(r.Provider, ChargeGuardKey(r.Provider, r.ID), u.Charge)
	case r.Open == nil || r.Open.Stop:
		m.payments.RemoveChargeGuard(r.Provider, ChargeGuardKey(r.Provider, r.ID))
	}
	return nil
}

// Now implements SweepStore.
func (m *Memory) Now(context.Context, string) (time.Time, error) { return m.payments.Now(), nil }
