package idempotency

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/internal/kv"
)

// Memory is a Store that forgets everything with its process: for simulations and tests of engine
// and rules. It writes a decision under the same conditions as Redis does.
type Memory struct {
	// Now is the store's clock; time.Now by default.
	Now func() time.Time

	mu        sync.Mutex
	providers map[string]*shelf
}

var _ Store = (*Memory)(nil)

// NewMemory makes an empty store.
func NewMemory() *Memory { return &Memory{Now: time.Now, providers: map[string]*shelf{}} }

// shelf holds one provider's payments.
type shelf struct {
	texts    map[string]string
	payloads map[string][]byte
	due      map[string]rules.Time
	// listed is when a payment came into its place in the states' lists.
	listed    map[string]listed
	anomalies map[string]rules.Time
	lookup    map[string]rules.Lookup
	halted    map[string]string
	values    map[string]string // objects, permits and aliases
	// waiting holds, by reason, the parked and when they were registered.
	waiting  map[string]map[string]rules.Time
	outcomes []map[string]string
	news     []string
}

type listed struct {
	state State
	at    rules.Time
}

func (m *Memory) shelf(provider string) *shelf {
	if m.providers[provider] == nil {
		m.providers[provider] = &shelf{
			texts: map[string]string{}, payloads: map[string][]byte{}, due: map[string]rules.Time{}, listed: map[string]listed{},
			anomalies: map[string]rules.Time{}, lookup: map[string]rules.Lookup{}, halted: map[string]string{}, values: map[string]string{},
			waiting: map[string]map[string]rules.Time{},
		}
	}
	return m.providers[provider]
}

func (m *Memory) now() rules.Time { return fromTime(m.Now()) }

// Load implements Store.
func (m *Memory) Load(_ context.Context, provider string, wants []Want) ([]Loaded, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shelf(provider)
	out := make([]Loaded, len(wants))
	for i, w := range wants {
		out[i] = Loaded{Text: s.texts[w.ID], Lookup: s.lookup[w.Account], Due: s.due[w.ID], Now: m.now()}
		if w.Payload {
			out[i].Payload = s.payloads[w.ID]
		}
		if out[i].Text != "" {
			out[i].Record, out[i].Err = decode(out[i].Text)
		}
	}
	return out, nil
}

// longestDecision is how old a decision may be; Redis' commit script has the same bound.
const longestDecision = rules.Time(2000)

// Commit implements Store.
func (m *Memory) Commit(_ context.Context, provider string, decisions []Decision) ([]Committed, []error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shelf(provider)
	out, errs := make([]Committed, len(decisions)), make([]error, len(decisions))
	for i, d := range decisions {
		out[i] = s.commit(d, m.now())
		if out[i].Done {
			errs[i] = s.write(d)
			out[i].Text = s.texts[d.Key.id()]
		}
	}
	return out, errs
}

func (s *shelf) commit(d Decision, now rules.Time) Committed {
	age := now - d.Now
	if s.texts[d.Key.id()] != d.Text || age > longestDecision || age < -longestDecision {
		return Committed{Moved: true}
	}
	for _, g := range d.Change.Guards {
		if found, holds := s.holds(d, g); !holds {
			return Committed{Failed: g, Found: found}
		}
	}
	return Committed{Done: true}
}

func (s *shelf) holds(d Decision, g rules.Guard) (found string, holds bool) {
	id := d.Key.id()
	switch g {
	case rules.NotHalted:
		if s.halted[AllAccounts] != "" {
			return AllAccounts, false
		}
		return d.Key.Account, s.halted[d.Key.Account] == ""
	case rules.PermitHeld:
		return s.values[d.Permit], s.values[d.Permit] == id
	case rules.ObjectFree:
		holder := s.values[object(d)]
		return holder, holder == "" || holder == id
	case rules.LookupNotAsked:
		return "", s.lookup[d.Key.Account] == rules.LookupUnproven
	}
	return "", false
}

func object(d Decision) string { return "object " + d.Key.Account + " " + d.Object }

func (s *shelf) write(d Decision) error {
	c, id := &d.Change, d.Key.id()
	if c.Written {
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
	if c.Claim {
		s.values[object(d)] = id
	}
	if c.Permit {
		delete(s.values, d.Permit)
	}
	if c.Lookup != "" {
		s.lookup[d.Key.Account] = c.Lookup
	}
	for _, e := range c.Events {
		s.tell(entry(d.Key, e))
	}
	return nil
}

func (s *shelf) tell(e kv.Entry) {
	fields, told := e.Fields(), map[string]string{}
	for i := 0; i+1 < len(fields); i += 2 {
		told[fields[i].(string)] = fields[i+1].(string)
	}
	s.outcomes = append(s.outcomes, told)
}

func (s *shelf) index(d Decision) {
	c, id := &d.Change, d.Key.id()
	if !c.Due.Keep {
		delete(s.due, id)
		if c.Due.At != 0 {
			s.due[id] = c.Due.At
		}
	}
	if c.Moved {
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
	case c.Raised != "":
		s.anomalies[id] = d.Now
	case c.Cleared:
		delete(s.anomalies, id)
	}
	if c.Waits != "" {
		if s.waiting[c.Waits] == nil {
			s.waiting[c.Waits] = map[string]rules.Time{}
		}
		s.waiting[c.Waits][id] = c.Record.Created
	}
	if c.News {
		s.news = append(s.news, c.Record.Subscription+"|"+id)
	}
}

// sorted are the ids of an index, the lowest first.
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
	s, now := m.shelf(provider), m.now()
	ids := slices.DeleteFunc(sorted(s.due, byTime), func(id string) bool { return s.due[id] > now })
	return ids[:min(limit, len(ids))], nil
}

// Postpone implements Store.
func (m *Memory) Postpone(_ context.Context, provider, id string, by time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.shelf(provider); s.due[id] != 0 {
		s.due[id] = m.now().Add(by)
	}
	return nil
}

// Waits implements Store.
func (m *Memory) Waits(_ context.Context, provider string, ids []string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]string{}
	for reason, parked := range m.shelf(provider).waiting {
		for _, id := range ids {
			if _, ok := parked[id]; ok {
				out[id] = reason
			}
		}
	}
	return out, nil
}

// Unpark implements Store.
func (m *Memory) Unpark(_ context.Context, provider, reason string, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shelf(provider)
	ids := sorted(s.waiting[reason], byTime)
	ids = ids[:min(limit, len(ids))]
	for _, id := range ids {
		s.due[id] = m.now()
		delete(s.waiting[reason], id)
	}
	return len(ids), nil
}

// Waiting implements Store.
func (m *Memory) Waiting(_ context.Context, provider string) (map[string]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int64{}
	for reason, parked := range m.shelf(provider).waiting {
		if len(parked) > 0 {
			out[reason] = int64(len(parked))
		}
	}
	return out, nil
}

// Hasten implements Store; nobody is told to wait here.
func (m *Memory) Hasten(context.Context, string, string) error { return nil }

// Acknowledged implements Store.
func (m *Memory) Acknowledged(context.Context, string) error { return nil }

// Alias implements Store; it keeps aliases for good.
func (m *Memory) Alias(_ context.Context, provider, alias, id string, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shelf(provider).values["alias "+alias] = id
	return nil
}

// Find implements Store.
func (m *Memory) Find(_ context.Context, provider, alias string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id := m.shelf(provider).values["alias "+alias]; id != "" {
		return id, nil
	}
	return "", ErrUnknown
}

// Allow lets a permit name a payment.
func (m *Memory) Allow(provider, permit, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shelf(provider).values[permit] = id
}

// Halt implements Store.
func (m *Memory) Halt(_ context.Context, provider, account, entry string, halted bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.shelf(provider); halted {
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
	for account, entry := range m.shelf(provider).halted {
		out[account] = entry
	}
	return out, nil
}

// Listed implements Store.
func (m *Memory) Listed(_ context.Context, provider string, i Index, yield func([]string) (bool, error)) error {
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
	s := m.shelf(provider)
	if i.Anomalies {
		return sorted(s.anomalies, byTime)
	}
	if !i.Open && rank[i.State] == 0 {
		return sorted(s.texts, func(string) (int, rules.Time) { return 0, 0 })
	}
	ids := sorted(s.listed, func(l listed) (int, rules.Time) { return rank[l.state], l.at })
	return slices.DeleteFunc(ids, func(id string) bool {
		state := s.listed[id].state
		return i.Open && state == Failed || !i.Open && state != i.State
	})
}

// Counts implements Store.
func (m *Memory) Counts(_ context.Context, provider string) (map[State]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[State]int64{}
	for state := range rank {
		out[state] = 0
	}
	for _, l := range m.shelf(provider).listed {
		out[l.state]++
	}
	return out, nil
}

// Vitals implements Store.
func (m *Memory) Vitals(_ context.Context, provider string) (Vitals, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shelf(provider)
	v := Vitals{Now: m.now(), Anomalies: int64(len(s.anomalies)), Halts: int64(len(s.halted))}
	if ids := sorted(s.due, byTime); len(ids) > 0 {
		v.FirstDue = s.due[ids[0]]
	}
	return v, nil
}

// Available implements Store.
func (m *Memory) Available(context.Context) error { return nil }

// Outcomes returns the provider's outcome stream from its beginning.
func (m *Memory) Outcomes(provider string) []map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.shelf(provider).outcomes)
}
