package idempotencytest

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
)

func registerRows() []row {
	return []row{
		{does: "a new payment is queued, due a little later, and keeps its payload", run: func(e *suite) {
			p := e.queued().want(idempotency.Queued).wantDue(10 * time.Second).wantLeft(false)
			if b := p.begin("a"); string(b.Payload) != string(p.reg.Payload) || b.Number != 1 {
				e.t.Fatalf("begun with payload %q as number %d", b.Payload, b.Number)
			}
		}},
		{does: "the same payment again is a duplicate with its state", run: func(e *suite) {
			p := e.queued()
			wantRegistered(e, p.reg, idempotency.Duplicate, idempotency.Queued)
			p.send("a").finish("a", paid("X"))
			wantRegistered(e, p.reg, idempotency.Duplicate, idempotency.Succeeded)
		}},
		{does: "a duplicate that is queued or ready still has its wake-up", run: func(e *suite) {
			p := e.queued()
			e.register(p.reg)
			p.wantDue(10 * time.Second).send("a").release("a")
			e.register(p.reg)
			p.want(idempotency.Ready).wantDue(0)
		}},
		{does: "a duplicate does not replace the payload", run: func(e *suite) {
			p := e.queued()
			again := p.reg
			again.Payload = []byte("other")
			e.register(again)
			if b := p.begin("a"); string(b.Payload) != string(p.reg.Payload) {
				e.t.Fatalf("payload is %q", b.Payload)
			}
		}},
		{does: "another amount under the same key is a conflict that says amount and changes nothing", run: func(e *suite) {
			p := e.queued()
			before := p.show()
			other := p.reg
			other.Fingerprint, other.Amount, other.Payload = "v1:other", "99999", []byte("other")
			got := e.register(other)[0]
			if got.Result != idempotency.Conflict || !strings.HasPrefix(got.Conflict, "amount") {
				e.t.Fatalf("got %+v", got)
			}
			if after := p.show(); after.Version != before.Version || after.Amount != before.Amount {
				e.t.Fatalf("was %+v, is %+v", before, after)
			}
			if b := p.begin("a"); string(b.Payload) != string(p.reg.Payload) {
				e.t.Fatalf("payload is %q", b.Payload)
			}
		}},
		{does: "another content under the same key names both fingerprints", run: func(e *suite) {
			p := e.queued()
			other := p.reg
			other.Fingerprint = "v1:other"
			got := e.register(other)[0]
			if !strings.Contains(got.Conflict, "v1:other") || !strings.Contains(got.Conflict, "v1:same") {
				e.t.Fatalf("conflict is %q", got.Conflict)
			}
		}},
		{does: "the same content under two keys is two payments", run: func(e *suite) {
			e.queued()
			e.queued()
		}},
		{does: "the same reference in two accounts is two payments", run: func(e *suite) {
			p := e.queued()
			r := p.reg
			r.Key.Account = "second"
			wantRegistered(e, r, idempotency.New, idempotency.Queued)
		}},
		{does: "an exclusive object belongs to the first payment that claims it; the conflict names it", exclusive: true, run: func(e *suite) {
			claim := func(r *idempotency.Registration) { r.Object = "instruction:3456789" }
			p := e.queued(claim)
			r := e.registration("another")
			claim(&r)
			got := e.register(r)[0]
			if got.Result != idempotency.Conflict || !strings.Contains(got.Conflict, p.key.Reference) {
				e.t.Fatalf("got %+v", got)
			}
			if _, err := e.Ledger.Show(e.ctx(), r.Key); err == nil {
				e.t.Fatal("the conflicting payment was recorded")
			}
			wantRegistered(e, p.reg, idempotency.Duplicate, idempotency.Queued)
		}},
		{does: "the results of many registrations are in their order", run: func(e *suite) {
			a, b := e.registration("a"), e.registration("b")
			got := e.register(a, b, a)
			for i, want := range []idempotency.Result{idempotency.New, idempotency.New, idempotency.Duplicate} {
				if got[i].Result != want {
					e.t.Fatalf("result %d is %s, want %s", i, got[i].Result, want)
				}
			}
		}},
		{does: "a traceparent stays with the payment, and is no part of what it means", run: func(e *suite) {
			const first, second = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
			p := e.queued(func(r *idempotency.Registration) { r.Traceparent = first })
			again := p.reg
			again.Traceparent = second
			wantRegistered(e, again, idempotency.Duplicate, idempotency.Queued)
			e.Advance(3 * time.Second)
			b := p.begin("a")
			p.wantPart("traceparent of the attempt", b.Registered.Traceparent, first)
			p.wantPart("time that it waited", b.Waited, 3*time.Second)
			p.finish("a", inDoubtOutcome())
			q := p.query()
			p.wantPart("traceparent of the query", q.Traceparent, first)
			p.wantPart("registration", q.Created, p.show().Created)
		}},
		{does: "a traceparent that is none is dropped", run: func(e *suite) {
			for i, text := range []string{"Ana Soto", strings.Repeat("x", 55), strings.Repeat("0", 56)} {
				p := e.registration("traceparent-" + strconv.Itoa(i))
				p.Traceparent = text
				wantRegistered(e, p, idempotency.New, idempotency.Queued)
				q, err := e.Ledger.StartQuery(e.ctx(), p.Key)
				e.must(err)
				if q.Traceparent != "" {
					e.t.Errorf("kept %q", q.Traceparent)
				}
			}
		}},
		{does: "no registration is no work", run: func(e *suite) {
			if got := e.register(); len(got) != 0 {
				e.t.Fatalf("got %v", got)
			}
		}},
	}
}

// wantObjectRefused: two payments that claim one object may be in two partitions, and no step
// writes to both.
func (e *suite) wantObjectRefused() {
	e.t.Helper()
	r := e.registration("claims")
	r.Object = "instruction:3456789"
	if _, err := e.Ledger.Register(e.ctx(), r); !errors.Is(err, idempotency.ErrPartitions) {
		e.t.Fatalf("got %v", err)
	}
}

func wantRegistered(e *suite, r idempotency.Registration, result idempotency.Result, s idempotency.State) {
	e.t.Helper()
	if got := e.register(r)[0]; got.Result != result || got.State != s {
		e.t.Fatalf("registered as %s in state %s, want %s in %s", got.Result, got.State, result, s)
	}
}
