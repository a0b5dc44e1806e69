package idempotencytest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
)

func wakeRows() []row {
	return []row{
		{does: "a payment whose deadline passed while it waited fails as expired when it is due, begun or not", run: func(e *suite) {
			p := e.later(0, time.Minute)
			p.Advance(time.Minute)
			p.due()
			p.want(failed).wantCode("expired").wantNoDue()
		}},
		{does: "a queued payment is woken when no worker begins it, soon, then at 1 minute, doubling to 15", run: func(e *suite) {
			p := e.queued()
			if w := e.due(); len(w) != 0 {
				e.t.Fatalf("woken at once: %v", w)
			}
			p.Advance(10 * time.Second)
			for _, seconds := range []time.Duration{10, 60, 120, 240, 480, 900, 900} {
				wantWoken(p, false)
				p.wantDue(seconds * time.Second).Advance(seconds * time.Second)
			}
		}},
		{does: "what still waits in its lane is not woken again, but checked after as long as the lane's oldest has waited, a minute at most", run: func(e *suite) {
			p := e.queued()
			registered := p.show().Created
			p.Advance(10 * time.Second)
			// The oldest in the lane was there before it was registered; then it was served.
			for _, age := range []time.Duration{10, 20, 40, 60, 60, 60} {
				wantAsleep(p, registered, age*time.Second).Advance(age * time.Second)
			}
			wantWoken(p, false, registered.Add(6*time.Second))
			p.wantDue(10 * time.Second)
		}},
		{does: "a wake-up that is enqueued some seconds after its record is written is still the one that waits", run: func(e *suite) {
			p := e.queued()
			registered := p.show().Created
			p.Advance(10 * time.Second)
			wantAsleep(p, registered.Add(5*time.Second), 10*time.Second)
		}},
		{does: "what was woken before, and is in no lane any more, is woken again", run: func(e *suite) {
			p := e.queued()
			p.Advance(10 * time.Second)
			wantWoken(p, false)
			woken := p.show().Created.Add(10 * time.Second)
			p.Advance(10 * time.Second)
			wantWoken(p, false, woken.Add(6*time.Second))
		}},
		{does: "a query that still waits is not woken again", run: func(e *suite) {
			p := e.reach(inDoubt)
			wantWoken(p, true)
			woken := p.show().Updated
			p.Advance(10 * time.Second)
			wantAsleep(p, woken, 10*time.Second)
			p.Advance(10 * time.Second)
			wantWoken(p, true, woken.Add(time.Minute))
		}},
		{does: "what is parked and unparked is woken whatever waits in the lane", run: func(e *suite) {
			p := e.queued()
			oldest := p.show().Created.Add(-time.Hour)
			e.must(e.Ledger.Park(e.ctx(), p.key, "halted"))
			if n := e.unpark(idempotency.ParkedGroup{Reason: "halted"}, 1); n != 1 {
				e.t.Fatalf("%d unparked", n)
			}
			wantWoken(p, false, oldest)
		}},
		{does: "a payment that is ready again is woken whatever waits in the lane", run: func(e *suite) {
			p := e.queued()
			oldest := p.show().Created.Add(-time.Hour)
			p.send("a").release("a")
			wantWoken(p, false, oldest)
		}},
		{does: "a payment that an attempt leaves in doubt is queried whatever waits in the lane", run: func(e *suite) {
			p := e.queued()
			oldest := p.show().Created.Add(-time.Hour)
			p.send("a").Advance(lease)
			wantWoken(p, true, oldest)
			p.want(inDoubt)
		}},
		{does: "a wake-up is due once: a second janitor finds nothing", run: func(e *suite) {
			p := e.queued()
			p.Advance(10 * time.Second)
			wantWoken(p, false)
			if w := e.due(); len(w) != 0 {
				e.t.Fatalf("woken again: %v", w)
			}
		}},
		{does: "many janitors at once wake each payment once", run: wokenOnce},
		{does: "each wake-up has another generation", run: func(e *suite) {
			p := e.queued()
			seen := map[int64]bool{e.register(p.reg)[0].Generation: true}
			for range 3 {
				p.Advance(time.Hour)
				w := e.due()
				if len(w) != 1 || seen[w[0].Generation] {
					e.t.Fatalf("woken as %v, seen %v", w, seen)
				}
				seen[w[0].Generation] = true
			}
		}},
		{does: "a ready payment is woken to be sent", run: func(e *suite) { wantWoken(e.reach(ready), false) }},
		{does: "a payment whose lease lapsed is recovered and queried", run: func(e *suite) {
			p := e.queued().send("a")
			p.Advance(lease - time.Millisecond)
			if w := e.due(); len(w) != 0 {
				e.t.Fatalf("woken before the lease end: %v", w)
			}
			p.Advance(time.Millisecond)
			wantWoken(p, true)
			p.want(inDoubt)
		}},
		{does: "an idle attempt whose lease lapsed is woken to be sent", run: func(e *suite) {
			p := e.queued()
			p.idle("a")
			p.Advance(lease)
			wantWoken(p, false)
			p.want(ready)
		}},
		{does: "in_doubt, pending and held are queried when due, again if the query is lost", run: func(e *suite) {
			p := e.reach(inDoubt)
			wantWoken(p, true)
			p.wantDue(10 * time.Second).Advance(10 * time.Second)
			wantWoken(p, true)
			p.statusResult(paid("X"))
			q := e.reach(pending)
			q.Advance(poll)
			wantWoken(q, true)
			q.statusResult(paid("X"))
			r := e.reach(held)
			r.Advance(day)
			wantWoken(r, true)
		}},
		{does: "not_before is respected", run: func(e *suite) {
			p := e.later(time.Hour, 0)
			p.payments[0].Advance(30 * time.Minute)
			for _, w := range e.due() {
				if w.Key == p.key {
					e.t.Fatal("woken before its time")
				}
			}
			p.Advance(30 * time.Minute)
			woken := false
			for _, w := range e.due() {
				woken = woken || w.Key == p.key
			}
			if !woken {
				e.t.Fatal("not woken at its time")
			}
		}},
		{does: "the longest due come first, no more than the limit", together: true, run: func(e *suite) {
			var all []*payment
			for range 5 {
				all = append(all, e.queued())
				e.Advance(time.Second)
			}
			e.Advance(time.Minute)
			for i := 0; i < 4; i += 2 {
				w, err := e.dueUpTo(2, idempotency.Lanes{QueryTimeout: time.Second})
				e.must(err)
				if len(w) != 2 || w[0].Key != all[i].key || w[1].Key != all[i+1].key {
					e.t.Fatalf("woken %v", w)
				}
			}
		}},
		{does: "a bulk payment says so whenever it is woken, and waits behind its own lane only", run: func(e *suite) {
			p := e.queued(asBulk)
			registered := p.show().Created
			p.Advance(10 * time.Second)
			due := func(lanes idempotency.Lanes) []idempotency.WakeUp {
				lanes.QueryTimeout = 10 * time.Second
				w, err := e.dueUpTo(10, lanes)
				e.must(err)
				return w
			}
			if w := due(idempotency.Lanes{Bulk: registered}); len(w) != 0 {
				e.t.Fatalf("woken although its lane holds its wake-up: %v", w)
			}
			p.Advance(10 * time.Second)
			for _, seconds := range []time.Duration{10, 60} {
				w := due(idempotency.Lanes{Send: registered, Query: registered})
				if len(w) != 1 || !w[0].Bulk || w[0].Query {
					e.t.Fatalf("woken %+v", w)
				}
				p.Advance(seconds * time.Second)
			}
			p.send("a").release("a")
			if w := due(idempotency.Lanes{}); len(w) != 1 || !w[0].Bulk {
				e.t.Fatalf("woken after an attempt: %+v", w)
			}
		}},
		{does: "whether anything is due is known without waking it", run: func(e *suite) {
			anyDue := func(want bool) {
				e.t.Helper()
				if got := e.anyDue(); got != want {
					e.t.Fatalf("any due: %t", got)
				}
			}
			anyDue(false)
			p := e.queued()
			anyDue(false)
			p.Advance(10 * time.Second)
			anyDue(true)
			anyDue(true)
			wantWoken(p, false)
			anyDue(false)
		}},
		{does: "a limit of 0 wakes none", run: func(e *suite) {
			e.queued().Advance(time.Hour)
			w, err := e.dueUpTo(0, idempotency.Lanes{QueryTimeout: time.Second})
			if err != nil || len(w) != 0 {
				e.t.Fatalf("got %v, %v", w, err)
			}
		}},
		{does: "final and blocked payments are never woken", run: func(e *suite) {
			for _, s := range []idempotency.State{succeeded, failed, idempotency.Reversed, idempotency.Blocked} {
				e.reach(s)
			}
			e.Advance(30 * day)
			if w := e.due(); len(w) != 0 {
				e.t.Fatalf("woken %v", w)
			}
		}},
		{does: "held is not woken where the provider cannot be queried", run: func(e *suite) {
			p := e.unqueryable().send("a").lapseLease().want(held)
			p.Advance(30 * day)
			if w := e.due(); len(w) != 0 {
				e.t.Fatalf("woken %v", w)
			}
		}},
	}
}

func wokenOnce(e *suite) {
	const n, hands = 100, 8
	for range n {
		e.queued()
	}
	e.Advance(time.Hour)
	woken := make([][]idempotency.WakeUp, hands)
	errs := make([]error, hands)
	var wg sync.WaitGroup
	for i := range hands {
		wg.Go(func() {
			woken[i], errs[i] = e.dueUpTo(n, idempotency.Lanes{QueryTimeout: time.Second})
		})
	}
	wg.Wait()
	e.must(errors.Join(errs...))
	times := map[idempotency.Key]int{}
	for _, w := range slices.Concat(woken...) {
		times[w.Key]++
	}
	if len(times) != n {
		e.t.Errorf("%d of %d were woken", len(times), n)
	}
	for k, got := range times {
		if got != 1 {
			e.t.Errorf("%s was woken %d times", k, got)
		}
	}
}

// wantWoken wants the payment woken, whatever waits in its lane since that time.
func wantWoken(p *payment, query bool, oldest ...time.Time) {
	p.t.Helper()
	w := p.dueWith(oldest...)
	if len(w) != 1 || w[0].Key != p.key || w[0].Query != query {
		p.t.Fatalf("woken %+v, want %s with query %v", w, p.key, query)
	}
}

// wantAsleep wants the payment not woken, and due later, while its lane holds a wake-up that has
// waited since that time.
func wantAsleep(p *payment, oldest time.Time, later time.Duration) *payment {
	p.t.Helper()
	if w := p.dueWith(oldest); len(w) != 0 {
		p.t.Fatalf("woken %v", w)
	}
	return p.wantDue(later)
}

// dueWith calls Due while the lanes hold wake-ups that have waited since that time.
func (p *payment) dueWith(oldest ...time.Time) []idempotency.WakeUp {
	p.t.Helper()
	lanes := idempotency.Lanes{QueryTimeout: 10 * time.Second}
	if len(oldest) > 0 {
		lanes.Send, lanes.Query = oldest[0], oldest[0]
	}
	w, err := p.dueUpTo(1000, lanes)
	p.must(err)
	return w
}
