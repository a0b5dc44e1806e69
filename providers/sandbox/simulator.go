package sandbox

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Execution is one movement of money. A payment that was executed twice stands in the book twice.
type Execution struct {
	Seq         int       `json:"seq"`
	ID          string    `json:"id"`
	Reference   string    `json:"reference"`
	Amount      string    `json:"amount"`
	Currency    string    `json:"currency"`
	Beneficiary string    `json:"beneficiary"`
	At          time.Time `json:"at"`
}

// Simulator is one provider's memory: its book, what it has under way, and its faults. It is safe
// for concurrent use.
type Simulator struct {
	now   func() time.Time
	limit int
	// ids is the form of the provider's ids, of their number.
	ids string

	mu          sync.Mutex
	faults      []*rule
	executions  []Execution
	arrivals    map[string]int
	orders      int
	logins      int
	byID        map[string]*Order
	byReference map[string]*Order // the first of each reference
	timed       map[*Order]bool
	forget      func()
}

// Options of a Simulator; the zero value is usable.
type Options struct {
	// Now is time.Now unless set.
	Now func() time.Time
	// Limit is how many payments are kept; more are refused. 0 means 500,000.
	Limit int
}

// NewSimulator is the memory of a provider whose ids are of that form, of their number, such as
// "pyt_%06d".
func NewSimulator(ids string, o Options) *Simulator {
	d := &Simulator{now: o.Now, limit: o.Limit, ids: ids, forget: func() {}}
	if d.now == nil {
		d.now = time.Now
	}
	if d.limit <= 0 {
		d.limit = 500_000
	}
	d.Reset()
	return d
}

// Now is the provider's time.
func (s *Simulator) Now() time.Time { return s.now() }

// CheckLimit returns an error where n of something are as many as are kept.
func (s *Simulator) CheckLimit(n int) error {
	if n >= s.limit {
		return errFull
	}
	return nil
}

// Reset forgets everything: book, arrivals, payments and faults.
func (s *Simulator) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.executions, s.orders, s.logins = nil, nil, 0, 0
	s.arrivals = map[string]int{}
	s.byID, s.byReference, s.timed = map[string]*Order{}, map[string]*Order{}, map[*Order]bool{}
	s.forget()
}

// OnReset sets what else a provider forgets at a reset.
func (s *Simulator) OnReset(forget func()) { s.forget = forget }

// Executions is a copy of the book, in order of execution.
func (s *Simulator) Executions() []Execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executeDue()
	return append([]Execution(nil), s.executions...)
}

// ExecutionCount is how often money moved for the reference.
func (s *Simulator) ExecutionCount(reference string) int {
	n := 0
	for _, e := range s.Executions() {
		if e.Reference == reference {
			n++
		}
	}
	return n
}

// ArrivalCount is how many requests that can move money came in for the reference, whatever became
// of them; those of which no reference could be read count under "".
func (s *Simulator) ArrivalCount(reference string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrivals[reference]
}

// Arrivals is a copy of all counts of ArrivalCount.
func (s *Simulator) Arrivals() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]int, len(s.arrivals))
	for reference, n := range s.arrivals {
		all[reference] = n
	}
	return all
}

// Logins is how many requests for a token came in, whatever became of them.
func (s *Simulator) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// CountLogin counts a request for a token.
func (s *Simulator) CountLogin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins++
}

var errFull = errors.New("the sandbox keeps no more payments; delete its book")

// Arrive counts a request that can move money; its error means that the limit is reached.
func (s *Simulator) Arrive(reference string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.arrivals[reference]; !known && len(s.arrivals) >= s.limit || s.orders >= s.limit {
		return errFull
	}
	s.arrivals[reference]++
	return nil
}

// Order is a payment that the provider took.
type Order struct {
	Execution
	State  State
	Digest [32]byte // of what was signed
	// What it waits for before it moves money or is rejected.
	rejects   bool
	due       time.Time
	polls     int
	unqueried bool // hidden until one status query said not found
}

// State is how far a payment is.
type State string

// States of a payment.
const (
	Hidden   State = "hidden" // taken, and not yet to be found
	Pending  State = "pending"
	Paid     State = "paid"
	Rejected State = "rejected"
)

// Take books a payment as the fault says: at once, later or never.
func (s *Simulator) Take(o Order, b Behaviour, f Fault) Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders++
	o.ID = fmt.Sprintf(s.ids, s.orders)
	kept := &o
	if first := s.byReference[o.Reference]; first == nil {
		s.byReference[o.Reference] = kept
	}
	s.byID[o.ID] = kept
	s.schedule(kept, b.Effect, f)
	return *kept
}

func (s *Simulator) schedule(o *Order, m MoneyEffect, f Fault) {
	switch m {
	case MovesNow:
		s.execute(o)
	case MovesNever:
		o.State = Rejected
	case MovesAfterNotFound:
		o.State, o.unqueried = Hidden, true
	case MovesDelayed:
		o.State, o.due = Hidden, s.now().Add(time.Duration(f.Delay))
		s.timed[o] = true
	case MovesPending, RejectsPending:
		o.State, o.rejects, o.polls = Pending, m == RejectsPending, f.Polls
		if f.Delay > 0 {
			o.due, s.timed[o] = s.now().Add(time.Duration(f.Delay)), true
		}
	case Untaken: // such a payment is not taken
	}
}

func (s *Simulator) execute(o *Order) {
	delete(s.timed, o)
	o.unqueried, o.due, o.polls = false, time.Time{}, 0
	if o.rejects {
		o.State = Rejected
		return
	}
	o.State, o.Seq, o.At = Paid, len(s.executions)+1, s.now().UTC()
	s.executions = append(s.executions, o.Execution)
}

// executeDue moves what waited for an instant that has come.
func (s *Simulator) executeDue() {
	now := s.now()
	for o := range s.timed {
		if !now.Before(o.due) {
			s.execute(o)
		}
	}
}

// Find answers a status query, by the provider's id or else by reference. A payment that waits for
// a query moves on.
func (s *Simulator) Find(id, reference string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executeDue()
	o := s.byID[id]
	if id == "" {
		o = s.byReference[reference]
	}
	switch {
	case o == nil:
		return Order{}, false
	case o.unqueried:
		s.execute(o)
		return Order{}, false
	case o.State == Hidden:
		return Order{}, false
	case o.State == Pending && o.due.IsZero():
		if o.polls--; o.polls < 0 {
			s.execute(o)
		}
	}
	return *o, true
}

// Earlier is the first payment of that reference.
func (s *Simulator) Earlier(reference string) (Order, bool) {
	return s.lookUp(s.byReference, reference)
}

// Known is the payment of that id, whether or not a status query would find it.
func (s *Simulator) Known(id string) (Order, bool) { return s.lookUp(s.byID, id) }

func (s *Simulator) lookUp(in map[string]*Order, key string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := in[key]; o != nil {
		return *o, true
	}
	return Order{}, false
}
