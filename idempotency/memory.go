package idempotency

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/internal/kv"
)

// Memory is a Store in memory, for simulations and tests. It writes a change under the same
// conditions as the store in Redis.
type Memory struct {
	// Now is the store's clock; time.Now by default.
	Now func() time.Time
	// RunID is the name of the store's present run: a simulated restart changes it.
	RunID string

	mu        sync.Mutex
	providers map[string]*memoryProvider
}

var _ Store = (*Memory)(nil)

// NewMemory makes an empty store.
func NewMemory() *Memory { return &Memory{Now: time.Now, providers: map[string]*memoryProvider{}} }

// memoryProvider holds one provider's payments.
type memoryProvider struct {
	texts    map[string]string
	payloads map[string][]byte
	due      map[string]rules.Time
	// listed is the place of each payment in the lists of states.
	listed     map[string]listed
	anomalies  map[string]rules.Time
	queryProof map[string]rules.QueryProof
	halted     map[string]string
	values     map[string]string // objects, charge guards and aliases
	// parked holds the registration times of parked payments, by reason, bulk and id.
	parked map[ParkedGroup]map[string]rules.Time
	// counters holds the buckets of counters, lookalikes who stands in the way of whom.
	counters   map[string]map[int64]int64
	lookalikes map[string]lookalike
	outcomes   []map[string]string
	// rejected holds what is kept of rejected tasks, rejectedIDs their ids, oldest first.
	rejected      map[string]string
	rejectedIDs   []string
	chargeUpdates []string

	epoch     string
	sequence  int64
	suspects  map[string]rules.Time
	accounted map[[2]int64]bool
}

// lookalike is the payment that stands in the way of others with the same meaning, and until when.
type lookalike struct {
	id    string
	until rules.Time
}

type listed struct {
	state State
	at    rules.Time
}

func (m *Memory) provider(provider string) *memoryProvider {
	if m.providers[provider] == nil {
		m.providers[provider] = &memoryProvider{
			texts: map[string]string{}, payloads: map[string][]byte{}, due: map[string]rules.Time{}, listed: map[string]listed{},
			anomalies: map[string]rules.Time{}, queryProof: map[string]rules.QueryProof{}, halted: map[string]string{}, values: map[string]string{},
			parked: map[ParkedGroup]map[string]rules.Time{}, counters: map[string]map[int64]int64{}, lookalikes: map[string]lookalike{},
			suspects: map[string]rules.Time{}, accounted: map[[2]int64]bool{}, rejected: map[string]string{},
		}
	}
	return m.providers[provider]
}

func (m *Memory) now() rules.Time { return fromTime(m.Now()) }

// CheckPartitions implements Store; a store in memory has one user.
func (m *Memory) CheckPartitions(context.Context, string) error { return nil }

// Load implements Store.
func (m *Memory) Load(_ context.Context, provider string, requests []LoadRequest) ([]LoadResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	out := make([]LoadResult, len(requests))
	for i, w := range requests {
		out[i] = LoadResult{Text: s.texts[w.ID], QueryProof: s.queryProof[w.Account], Due: s.due[w.ID], Now: m.now()}
		if w.Payload {
			out[i].Payload = s.payloads[w.ID]
		}
		if out[i].Text != "" {
			out[i].Record, out[i].Err = decode(out[i].Text)
		}
	}
	return out, nil
}

// maxDecisionAge is how old a decision may be, in ms; package kv has the same bound.
const maxDecisionAge = rules.Time(2000)

// Commit implements Store.
func (m *Memory) Commit(_ context.Context, provider string, requests []CommitRequest) ([]CommitResult, []error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	out, errs := make([]CommitResult, len(requests)), make([]error, len(requests))
	for i, d := range requests {
		out[i] = s.commit(d, m.now(), m.RunID)
		if out[i].Done {
			if d.Change.CountsSend {
				s.sequence++
				out[i].Sequence = s.sequence
			}
			errs[i] = s.write(d, m.now())
			out[i].Text = s.texts[d.Key.id()]
		}
	}
	return out, errs
}

func (s *memoryProvider) commit(d CommitRequest, now rules.Time, runID string) CommitResult {
	age := now - d.Now
	if s.texts[d.Key.id()] != d.Text || age > maxDecisionAge || age < -maxDecisionAge {
		return CommitResult{Changed: true}
	}
	if epoch, run := d.inEpoch(); epoch != "" && epoch != s.epoch || run != "" && run != runID {
		return CommitResult{FailedGuard: rules.EpochCurrent}
	}
	for _, g := range d.Change.Guards {
		if found, holds := s.guardHolds(d, g, now); !holds {
			return CommitResult{FailedGuard: g, Found: found}
		}
	}
	for _, b := range d.Change.Bounds {
		if sum := s.sum(counter(d, b.Counter), b.Oldest); sum > b.Most {
			return CommitResult{FailedGuard: rules.Guard(b.Counter), Found: strconv.FormatInt(sum, 10)}
		}
	}
	return CommitResult{Done: true}
}

// sum adds up a counter's buckets from oldest on, and drops those before.
func (s *memoryProvider) sum(counter string, oldest int64) int64 {
	var sum int64
	for bucket, n := range s.counters[counter] {
		if bucket < oldest {
			delete(s.counters[counter], bucket)
			continue
		}
		sum += max(0, n)
	}
	return sum
}

func (s *memoryProvider) guardHolds(d CommitRequest, g rules.Guard, now rules.Time) (found string, guardHolds bool) {
	id := d.Key.id()
	switch g {
	case rules.NotHalted:
		if s.halted[AllAccounts] != "" {
			return AllAccounts, false
		}
		return d.Key.Account, s.halted[d.Key.Account] == ""
	case rules.ChargeGuardHeld:
		return s.values[d.ChargeGuard], s.values[d.ChargeGuard] == id
	case rules.ObjectFree:
		holder := s.values[object(d)]
		return holder, holder == "" || holder == id
	case rules.QueryNotProbed:
		return "", s.queryProof[d.Key.Account] == rules.QueryUnproven
	case rules.NoLookalike:
		other := s.lookalikes[meaning(d)]
		return other.id, other.id == "" || other.id == id || now >= other.until
	case rules.EpochCurrent: // see inEpoch
	}
	return "", false
}

func object(d CommitRequest) string { return "object " + d.Key.Account + " " + d.Object }

func counter(d CommitRequest, c rules.Counter) string {
	return d.Key.Account + " " + d.Change.Record.Currency + " " + string(c)
}

func meaning(d CommitRequest) string { return d.Key.Account + " " + d.Change.Record.Fingerprint }

func (s *memoryProvider) count(d CommitRequest, now rules.Time) {
	for _, n := range d.Change.Counts {
		name := counter(d, n.Counter)
		if s.counters[name] == nil {
			s.counters[name] = map[int64]int64{}
		}
		s.counters[name][n.Bucket] += n.Add
	}
	if w := d.Change.Lookalike; w > 0 {
		s.lookalikes[meaning(d)] = lookalike{d.Key.id(), now.Add(w)}
	}
}

func (s *memoryProvider) write(d CommitRequest, now rules.Time) error {
	c, id := &d.Change, d.Key.id()
	if c.RecordChanged {
		text, err := c.Record.MarshalJSON()
		if err != nil {
			return err
		}
		s.texts[id] = string(text)
	}
	switch c.Payload {
	case rules.SetPayload:
		s.payloads[id] = slices.Clone(d.Payload)
	case rules.DropPayload:
		delete(s.payloads, id)
	case rules.KeepPayload, rules.ExpirePayload, rules.RevivePayload:
	}
	s.index(d)
	s.count(d, now)
	if c.Claim {
		s.values[object(d)] = id
	}
	if c.ChargeGuard {
		delete(s.values, d.ChargeGuard)
	}
	if c.QueryProof != "" {
		s.queryProof[d.Key.Account] = c.QueryProof
	}
	for _, e := range c.Events {
		s.publish(entry(d.Key, e, d.EpochNumber))
	}
	return nil
}

func (s *memoryProvider) publish(e kv.OutcomeEvent) {
	fields, event := e.Fields(), map[string]string{}
	for i := 0; i+1 < len(fields); i += 2 {
		event[fields[i].(string)] = fields[i+1].(string)
	}
	s.outcomes = append(s.outcomes, event)
}

func (s *memoryProvider) index(d CommitRequest) {
	c, id := &d.Change, d.Key.id()
	if !c.Due.Keep {
		delete(s.due, id)
		if c.Due.At != 0 {
			s.due[id] = c.Due.At
		}
	}
	if c.StateChanged {
		delete(s.listed, id)
		at := c.Record.Created
		if c.Record.State == Failed {
			at = d.Now
		}
		if rank[c.Record.State] > 0 {
			s.listed[id] = listed{c.Record.State, at}
		}
	}
	switch {
	case c.AnomalyRaised != "":
		s.anomalies[id] = d.Now
	case c.AnomalyCleared:
		delete(s.anomalies, id)
	}
	if c.Suspected {
		s.suspects[id] = d.Now
	}
	if c.ParkReason != "" {
		g := ParkedGroup{c.ParkReason, c.Record.Bulk}
		if s.parked[g] == nil {
			s.parked[g] = map[string]rules.Time{}
		}
		s.parked[g][id] = c.Record.Created
	}
	if c.ChargeUpdate {
		s.chargeUpdates = append(s.chargeUpdates, c.Record.Subscription+"|"+id)
	}
}

// Snapshot notes everything that the store holds, and returns what writes it back: a store that
// forgets what happened in between.
func (m *Memory) Snapshot() (restore func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	saved := map[string]*memoryProvider{}
	for name, p := range m.providers {
		saved[name] = p.clone()
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.providers = map[string]*memoryProvider{}
		for name, p := range saved {
			m.providers[name] = p.clone()
		}
	}
}

func (s *memoryProvider) clone() *memoryProvider {
	c := *s
	c.texts, c.payloads, c.due, c.listed = maps.Clone(s.texts), maps.Clone(s.payloads), maps.Clone(s.due), maps.Clone(s.listed)
	c.anomalies, c.queryProof, c.halted = maps.Clone(s.anomalies), maps.Clone(s.queryProof), maps.Clone(s.halted)
	c.values, c.suspects, c.accounted = maps.Clone(s.values), maps.Clone(s.suspects), maps.Clone(s.accounted)
	c.rejected, c.rejectedIDs = maps.Clone(s.rejected), slices.Clone(s.rejectedIDs)
	c.outcomes, c.chargeUpdates = slices.Clone(s.outcomes), slices.Clone(s.chargeUpdates)
	c.parked = map[ParkedGroup]map[string]rules.Time{}
	for reason, parked := range s.parked {
		c.parked[reason] = maps.Clone(parked)
	}
	return &c
}

// Epoch implements Store.
func (m *Memory) Epoch(ctx context.Context, provider string) (StoreReading, error) {
	halts, err := m.Halts(ctx, provider)
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	facts := rules.StoreFacts{RunID: m.RunID, Sequence: s.sequence}
	return StoreReading{Epoch: s.epoch, StoreFacts: facts, Halts: halts, Now: m.now()}, err
}

// CommitEpoch implements Store.
func (m *Memory) CommitEpoch(_ context.Context, provider string, c EpochCommit) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	if s.epoch != c.From {
		return false, nil
	}
	s.epoch = c.To
	if c.Sequence > 0 {
		s.sequence = c.Sequence
	}
	if c.Change != rules.EpochFirst {
		s.publish(epochEvent(provider, c))
	}
	return true, nil
}

// AccountFor implements Store.
func (m *Memory) AccountFor(_ context.Context, provider string, epoch int64, sequences []int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	for _, n := range sequences {
		s.accounted[[2]int64{epoch, n}] = true
	}
	size := int64(0)
	for of := range s.accounted {
		if of[0] == epoch {
			size++
		}
	}
	return size, nil
}

// sorted returns the ids of an index, the lowest first.
func sorted[V any](index map[string]V, at func(V) (int, rules.Time)) []string {
	ids := make([]string, 0, len(index))
	for id := range index {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		rankA, atA := at(index[a])
		rankB, atB := at(index[b])
		switch {
		case rankA != rankB:
			return rankA - rankB
		case atA != atB:
			return int(atA - atB)
		}
		return strings.Compare(a, b)
	})
	return ids
}

func byTime(at rules.Time) (int, rules.Time) { return 0, at }

// Due implements Store.
func (m *Memory) Due(_ context.Context, provider string, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, now := m.provider(provider), m.now()
	ids := slices.DeleteFunc(sorted(s.due, byTime), func(id string) bool { return s.due[id] > now })
	return ids[:min(limit, len(ids))], nil
}

// AnyDue implements Store.
func (m *Memory) AnyDue(ctx context.Context, provider string) (bool, error) {
	ids, err := m.Due(ctx, provider, 1)
	return len(ids) > 0, err
}

// Postpone implements Store.
func (m *Memory) Postpone(_ context.Context, provider, id string, by time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.provider(provider); s.due[id] != 0 {
		s.due[id] = m.now().Add(by)
	}
	return nil
}

// ParkReasons implements Store.
func (m *Memory) ParkReasons(_ context.Context, provider string, ids []string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]string{}
	for g, parked := range m.provider(provider).parked {
		for _, id := range ids {
			if _, ok := parked[id]; ok {
				out[id] = g.Reason
			}
		}
	}
	return out, nil
}

// Unpark implements Store.
func (m *Memory) Unpark(_ context.Context, provider string, g ParkedGroup, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	ids := sorted(s.parked[g], byTime)
	ids = ids[:min(limit, len(ids))]
	for _, id := range ids {
		s.due[id] = m.now()
		delete(s.parked[g], id)
	}
	return len(ids), nil
}

// ParkedGroups implements Store.
func (m *Memory) ParkedGroups(_ context.Context, provider string) (map[ParkedGroup]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[ParkedGroup]int64{}
	for g, parked := range m.provider(provider).parked {
		if len(parked) > 0 {
			out[g] = int64(len(parked))
		}
	}
	return out, nil
}

// EndThrottle implements Store; no account is throttled here.
func (m *Memory) EndThrottle(context.Context, string, string) error { return nil }

// AwaitReplicas implements Store.
func (m *Memory) AwaitReplicas(context.Context, string) error { return nil }

// Alias implements Store; aliases never expire here.
func (m *Memory) Alias(_ context.Context, provider, alias, id string, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.provider(provider).values["alias "+alias] = id
	return nil
}

// Find implements Store.
func (m *Memory) Find(_ context.Context, provider, alias string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id := m.provider(provider).values["alias "+alias]; id != "" {
		return id, nil
	}
	return "", ErrUnknown
}

// SetChargeGuard sets a charge guard to a payment's id.
func (m *Memory) SetChargeGuard(provider, key, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.provider(provider).values[key] = id
}

// Halt implements Store.
func (m *Memory) Halt(_ context.Context, provider, account, entry string, halted bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.provider(provider); halted {
		s.halted[account] = entry
	} else {
		delete(s.halted, account)
	}
	return nil
}

// Halts implements Store.
func (m *Memory) Halts(_ context.Context, provider string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]string{}
	for account, entry := range m.provider(provider).halted {
		out[account] = entry
	}
	return out, nil
}

// ListIDs implements Store.
func (m *Memory) ListIDs(_ context.Context, provider string, i Index, yield func([]string) (bool, error)) error {
	ids := m.ids(provider, i)
	if i.Limit > 0 {
		ids = ids[:min(i.Limit, len(ids))]
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := yield(ids)
	return err
}

func (m *Memory) ids(provider string, i Index) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	if i.Anomalies {
		return sorted(s.anomalies, byTime)
	}
	if i.Suspected {
		return sorted(s.suspects, byTime)
	}
	if !i.Open && rank[i.State] == 0 {
		return sorted(s.texts, func(string) (int, rules.Time) { return 0, 0 })
	}
	ids := sorted(s.listed, func(l listed) (int, rules.Time) { return rank[l.state], l.at })
	return slices.DeleteFunc(ids, func(id string) bool {
		state := s.listed[id].state
		return i.Open && state == Failed || !i.Open && (state != i.State || s.listed[id].at < i.Since)
	})
}

// ScanIDs implements Store.
func (m *Memory) ScanIDs(_ context.Context, provider, _ string) (ids []string, next string, err error) {
	return m.ids(provider, Index{}), "", nil
}

// Counts implements Store.
func (m *Memory) Counts(_ context.Context, provider string) (map[State]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[State]int64{}
	for state := range rank {
		out[state] = 0
	}
	for _, l := range m.provider(provider).listed {
		out[l.state]++
	}
	return out, nil
}

// Stats implements Store.
func (m *Memory) Stats(_ context.Context, provider string) (StoreStats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	v := StoreStats{Now: m.now(), Anomalies: int64(len(s.anomalies)), Halts: int64(len(s.halted))}
	if ids := sorted(s.due, byTime); len(ids) > 0 {
		v.OldestDue = s.due[ids[0]]
	}
	return v, nil
}

// Ping implements Store.
func (m *Memory) Ping(context.Context) error { return nil }

// Outcomes returns the fields of all outcome events of a provider, oldest first.
func (m *Memory) Outcomes(provider string) []map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.provider(provider).outcomes)
}
