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
func (d *Simulator) Now() time.Time { return d.now() }

// CheckLimit returns an error where n of something are as many as are kept.
func (d *Simulator) CheckLimit(n int) error {
	if n >= d.limit {
		return errFull
	}
	return nil
}

// Reset forgets everything: book, arrivals, payments and faults.
func (d *Simulator) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults, d.executions, d.orders, d.logins = nil, nil, 0, 0
	d.arrivals = map[string]int{}
	d.byID, d.byReference, d.timed = map[string]*Order{}, map[string]*Order{}, map[*Order]bool{}
	d.forget()
}

// OnReset sets what else a provider forgets at a reset.
func (d *Simulator) OnReset(forget func()) { d.forget = forget }

// Executions is a copy of the book, in order of execution.
func (d *Simulator) Executions() []Execution {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.executeDue()
	return append([]Execution(nil), d.executions...)
}

// ExecutionCount is how often money moved for the reference.
func (d *Simulator) ExecutionCount(reference string) int {
	n := 0
	for _, e := range d.Executions() {
		if e.Reference == reference {
			n++
		}
	}
	return n
}

// ArrivalCount is how many requests that can move money came in for the reference, whatever became
// of them; those of which no reference could be read count under "".
func (d *Simulator) ArrivalCount(reference string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.arrivals[reference]
}

// Arrivals is a copy of all counts of ArrivalCount.
func (d *Simulator) Arrivals() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make(map[string]int, len(d.arrivals))
	for reference, n := range d.arrivals {
		all[reference] = n
	}
	return all
}

// Logins is how many requests for a token came in, whatever became of them.
func (d *Simulator) Logins() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logins
}

// CountLogin counts a request for a token.
func (d *Simulator) CountLogin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logins++
}

var errFull = errors.New("the sandbox keeps no more payments; delete its book")

// Arrive counts a request that can move money; its error means that the limit is reached.
func (d *Simulator) Arrive(reference string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.arrivals[reference]; !known && len(d.arrivals) >= d.limit || d.orders >= d.limit {
		return errFull
	}
	d.arrivals[reference]++
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
func (d *Simulator) Take(o Order, b Behaviour, f Fault) Order {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.orders++
	o.ID = fmt.Sprintf(d.ids, d.orders)
	kept := &o
	if first := d.byReference[o.Reference]; first == nil {
		d.byReference[o.Reference] = kept
	}
	d.byID[o.ID] = kept
	d.schedule(kept, b.Effect, f)
	return *kept
}

func (d *Simulator) schedule(o *Order, m MoneyEffect, f Fault) {
	switch m {
	case MovesNow:
		d.execute(o)
	case MovesNever:
		o.State = Rejected
	case MovesAfterNotFound:
		o.State, o.unqueried = Hidden, true
	case MovesDelayed:
		o.State, o.due = Hidden, d.now().Add(time.Duration(f.Delay))
		d.timed[o] = true
	case MovesPending, RejectsPending:
		o.State, o.rejects, o.polls = Pending, m == RejectsPending, f.Polls
		if f.Delay > 0 {
			o.due, d.timed[o] = d.now().Add(time.Duration(f.Delay)), true
		}
	case Untaken: // such a payment is not taken
	}
}

func (d *Simulator) execute(o *Order) {
	delete(d.timed, o)
	o.unqueried, o.due, o.polls = false, time.Time{}, 0
	if o.rejects {
		o.State = Rejected
		return
	}
	o.State, o.Seq, o.At = Paid, len(d.executions)+1, d.now().UTC()
	d.executions = append(d.executions, o.Execution)
}

// executeDue moves what waited for an instant that has come.
func (d *Simulator) executeDue() {
	now := d.now()
	for o := range d.timed {
		if !now.Before(o.due) {
			d.execute(o)
		}
	}
}

// Find answers a status query, by the provider's id or else by reference. A payment that waits for
// a query moves on.
func (d *Simulator) Find(id, reference string) (Order, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.executeDue()
	o := d.byID[id]
	if id == "" {
		o = d.byReference[reference]
	}
	switch {
	case o == nil:
		return Order{}, false
	case o.unqueried:
		d.execute(o)
		return Order{}, false
	case o.State == Hidden:
		return Order{}, false
	case o.State == Pending && o.due.IsZero():
		if o.polls--; o.polls < 0 {
			d.execute(o)
		}
	}
	return *o, true
}

// Earlier is the first payment of that reference.
func (d *Simulator) Earlier(reference string) (Order, bool) {
	return d.lookUp(d.byReference, reference)
}

// Known is the payment of that id, whether or not a status query would find it.
func (d *Simulator) Known(id string) (Order, bool) { return d.lookUp(d.byID, id) }

func (d *Simulator) lookUp(in map[string]*Order, key string) (Order, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := in[key]; o != nil {
		return *o, true
	}
	return Order{}, false
}
