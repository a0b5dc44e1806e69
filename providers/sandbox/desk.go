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

// Desk is one provider's memory: its book, what it has under way, and its faults. It is safe for concurrent use.
type Desk struct {
	now   func() time.Time
	limit int
	// ids is the form of the provider's ids.
	ids string

	mu          sync.Mutex
	faults      []*rule
	executions  []Execution
	arrivals    map[string]int
	orders      int
	logins      int
	byID        map[string]*order
	byReference map[string]*order // the first of each reference
	timed       map[*order]bool
	forget      func()
}

func newDesk(now func() time.Time, limit int) *Desk {
	d := &Desk{now: now, limit: limit, ids: "pyt_%06d", forget: func() {}}
	d.Reset()
	return d
}

// Reset forgets everything: book, arrivals, payments and faults.
func (d *Desk) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults, d.executions, d.orders, d.logins = nil, nil, 0, 0
	d.arrivals = map[string]int{}
	d.byID, d.byReference, d.timed = map[string]*order{}, map[string]*order{}, map[*order]bool{}
	d.forget()
}

// onReset says what a provider keeps beside the desk and forgets with it.
func (d *Desk) onReset(forget func()) { d.forget = forget }

// Executions is a copy of the book, in order of execution.
func (d *Desk) Executions() []Execution {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.executeDue()
	return append([]Execution(nil), d.executions...)
}

// Moved is how often money moved for the reference.
func (d *Desk) Moved(reference string) int {
	n := 0
	for _, e := range d.Executions() {
		if e.Reference == reference {
			n++
		}
	}
	return n
}

// Arrived is how many requests that can move money came in for the reference, whatever became of them; those of which no reference could
// be read count under "".
func (d *Desk) Arrived(reference string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.arrivals[reference]
}

// Arrivals is a copy of all counts of Arrived.
func (d *Desk) Arrivals() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make(map[string]int, len(d.arrivals))
	for reference, n := range d.arrivals {
		all[reference] = n
	}
	return all
}

// Logins is how many requests for a token came in, whatever became of them.
func (d *Desk) Logins() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logins
}

func (d *Desk) loggingIn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logins++
}

var errFull = errors.New("the sandbox keeps no more payments; delete its book")

func (d *Desk) arrive(reference string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.arrivals[reference]; !known && len(d.arrivals) >= d.limit || d.orders >= d.limit {
		return errFull
	}
	d.arrivals[reference]++
	return nil
}

// order is a payment that the provider took.
type order struct {
	Execution
	state  state
	digest [32]byte // of what was signed
	// What it waits for before it moves money or is rejected.
	rejects bool
	due     time.Time
	polls   int
	unasked bool // hidden until it was once answered with not found
}

type state string

const (
	hidden   state = "hidden" // taken, and not yet to be found
	pending  state = "pending"
	paid     state = "paid"
	rejected state = "rejected"
)

// take books a payment as the fault says: at once, later or never.
func (d *Desk) take(o order, b behaviour, f Fault) order {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.orders++
	o.ID = fmt.Sprintf(d.ids, d.orders)
	kept := &o
	if first := d.byReference[o.Reference]; first == nil {
		d.byReference[o.Reference] = kept
	}
	d.byID[o.ID] = kept
	d.schedule(kept, b.moves, f)
	return *kept
}

func (d *Desk) schedule(o *order, m moves, f Fault) {
	switch m {
	case movesNow:
		d.execute(o)
	case movesNever:
		o.state = rejected
	case movesAfterNotFound:
		o.state, o.unasked = hidden, true
	case movesDelayed:
		o.state, o.due = hidden, d.now().Add(time.Duration(f.Delay))
		d.timed[o] = true
	case movesPending, rejectsPending:
		o.state, o.rejects, o.polls = pending, m == rejectsPending, f.Polls
		if f.Delay > 0 {
			o.due, d.timed[o] = d.now().Add(time.Duration(f.Delay)), true
		}
	case untaken: // such a payment is not taken
	}
}

func (d *Desk) execute(o *order) {
	delete(d.timed, o)
	o.unasked, o.due, o.polls = false, time.Time{}, 0
	if o.rejects {
		o.state = rejected
		return
	}
	o.state, o.Seq, o.At = paid, len(d.executions)+1, d.now().UTC()
	d.executions = append(d.executions, o.Execution)
}

// executeDue moves what waited for an instant that has come.
func (d *Desk) executeDue() {
	now := d.now()
	for o := range d.timed {
		if !now.Before(o.due) {
			d.execute(o)
		}
	}
}

// find answers a status query, by the provider's id or else by reference. Being asked moves on what waits for it.
func (d *Desk) find(id, reference string) (order, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.executeDue()
	o := d.byID[id]
	if id == "" {
		o = d.byReference[reference]
	}
	switch {
	case o == nil:
		return order{}, false
	case o.unasked:
		d.execute(o)
		return order{}, false
	case o.state == hidden:
		return order{}, false
	case o.state == pending && o.due.IsZero():
		if o.polls--; o.polls < 0 {
			d.execute(o)
		}
	}
	return *o, true
}

// earlier is the first payment of that reference.
func (d *Desk) earlier(reference string) (order, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.byReference[reference]; o != nil {
		return *o, true
	}
	return order{}, false
}

// known is the payment of that id, whether or not a status query would find it.
func (d *Desk) known(id string) (order, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.byID[id]; o != nil {
		return *o, true
	}
	return order{}, false
}
