package idempotencytest

import (
	"errors"
	"slices"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// quiet is how long nothing is sent in a new epoch: a lease and ten seconds.
const quiet = lease + 10*time.Second

func (e *suite) checkEpoch() idempotency.Epoch {
	e.t.Helper()
	epoch, _, _, err := e.Ledger.CheckEpoch(e.ctx(), e.partition())
	e.must(err)
	return epoch
}

func (p *payment) rewind() (forget func()) {
	p.rewound = true
	return p.Rewind(p.t, p.key)
}

// forgotten is a payment whose send the store has forgotten: it is queued once more.
func (e *suite) forgotten() *payment {
	e.t.Helper()
	p := e.queued()
	forget := p.rewind()
	p.send("a")
	forget()
	return p.want(idempotency.Queued)
}

// suspect is a payment that was queried first because the store has forgotten sends.
func (e *suite) suspect(unqueryable bool) *payment {
	e.t.Helper()
	p := e.forgotten()
	p.unqueryable = unqueryable
	e.checkEpoch()
	e.Advance(quiet)
	p.begin("b")
	return p
}

func (e *suite) events(kind string) (codes []string) {
	for _, x := range e.Outcomes(e.t) {
		if x["event"] == kind && (kind != "epoch" || x["key"] == e.partition().String()) {
			codes = append(codes, x["code"])
		}
	}
	return codes
}

// A store that forgets sends none of them again.
func epochRows() []row {
	rows := append(restartRows(), lossRows()...)
	rows = append(rows, declaredRows()...)
	for i := range rows {
		rows[i].together = true // each partition has an epoch of its own
	}
	return rows
}

// partition is the one of all payments of a row that has them in one.
func (e *suite) partition() idempotency.Partition {
	all := e.Ledger.Partitions(e.Provider)
	return all[len(all)-1]
}

func restartRows() []row {
	return []row{
		{does: "after a restart nothing is sent for a lease and ten seconds, and what is under way is recorded", run: func(e *suite) {
			p, waiting := e.queued().send("a"), e.queued()
			before := e.checkEpoch().Number
			e.Restart(e.t)
			b := waiting.begin("b")
			waiting.wantDecision(b, idempotency.Wait)
			if e.checkEpoch().Number != before+1 || !slices.Equal(e.events("epoch"), e.firstCodes()) {
				e.t.Fatalf("epoch %+v, events %v", e.checkEpoch(), e.events("epoch"))
			}
			p.finish("a", paid("X"))
			p.want(succeeded)
			e.Advance(quiet - time.Millisecond)
			waiting.wantDecision(waiting.begin("b"), idempotency.Wait)
			e.Advance(time.Millisecond)
			next := idempotency.Send
			if e.checkEpoch().Loss != nil { // a store that tells no run can only be seen to go back
				next = idempotency.QueryFirst
			}
			waiting.wantDecision(waiting.begin("b"), next)
		}},
		{does: "a payment is registered in a new epoch, too", run: func(e *suite) {
			e.queued()
			e.Restart(e.t)
			e.queued().want(idempotency.Queued)
		}},
		{does: "a payment that waits in a new epoch is neither cancelled nor expires", run: func(e *suite) {
			e.queued()
			p := e.queued(func(r *idempotency.Registration) { r.Deadline = e.payments[0].now().Add(time.Minute) })
			e.Restart(e.t)
			e.checkEpoch()
			_, err := e.Ledger.Cancel(e.ctx(), p.key, p.show().Version, actor())
			e.refused(err)
			e.Advance(time.Minute)
			e.due()
			p.want(idempotency.Queued)
			e.Advance(10 * time.Second)
			e.due()
			p.want(failed)
		}},
		{does: "halts that the store has lost are restored by whoever knew them", run: func(e *suite) {
			e.must(e.Ledger.Halt(e.ctx(), e.Provider, "west", actor()))
			e.checkEpoch()
			e.must(e.Another().Unhalt(e.ctx(), e.Provider, "west", actor()))
			e.Restart(e.t)
			_, _, restored, err := e.Ledger.CheckEpoch(e.ctx(), e.partition())
			e.must(err)
			halts, err := e.Ledger.Halts(e.ctx(), e.Provider)
			e.must(err)
			if len(halts) != 1 || !slices.Equal(restored, []string{"west"}) {
				e.t.Fatalf("halts %v, restored %v", halts, restored)
			}
		}},
	}
}

// firstCodes are the codes of the events of a first restart.
func (e *suite) firstCodes() []string {
	if e.checkEpoch().RunID == "" {
		return []string{"forgot"} // the store tells no run; see the fixture
	}
	return []string{"restarted"}
}

func lossRows() []row {
	return []row{
		{does: "a send that the store has forgotten is not sent again: the provider is queried first", run: func(e *suite) {
			p := e.forgotten()
			loss := e.checkEpoch().Loss
			if loss == nil || loss.Missing() != 1 {
				e.t.Fatalf("loss %+v, want one send", loss)
			}
			_, err := e.Ledger.Cancel(e.ctx(), p.key, p.show().Version, actor())
			e.refused(err)
			p.wantDecision(p.begin("b"), idempotency.Wait)
			e.Advance(quiet)
			p.wantDecision(p.begin("c"), idempotency.QueryFirst)
			p.want(inDoubt).wantLeft(true).statusResult(paid("X"))
			p.want(succeeded).wantID("X").wantAnomaly("")
		}},
		{does: "a begin that the store counts with a number seen before sends nothing", run: func(e *suite) {
			e.repeats = true
			p := e.forgotten()
			_, err := e.Ledger.Begin(e.ctx(), p.key, p.request("b"))
			if !errors.Is(err, idempotency.ErrForgot) {
				e.t.Fatalf("got error %v, want ErrForgot", err)
			}
			p.want(ready).wantLeft(false)
			e.checkEpoch()
			e.Advance(quiet)
			p.wantDecision(p.begin("c"), idempotency.QueryFirst)
		}},
		{does: "a money step that the store counts with a number seen before is not taken", run: func(e *suite) {
			p, other := e.queued(), e.queued()
			p.idle("a")
			forget := p.rewind()
			other.send("x")
			forget()
			if err := p.checkpoint("a", nil, true); !errors.Is(err, idempotency.ErrForgot) {
				e.t.Fatalf("got error %v, want ErrForgot", err)
			}
		}},
		{does: "another worker, which has seen nothing, queries first too", run: func(e *suite) {
			p := e.forgotten()
			e.checkEpoch()
			e.Advance(quiet)
			b, err := e.Another().Begin(e.ctx(), p.key, p.request("b"))
			e.must(err)
			p.wantDecision(b, idempotency.QueryFirst)
		}},
		{does: "a forgotten send that its worker reports is recorded, and ends the loss", run: func(e *suite) {
			p, other := e.queued(), e.queued()
			forget := p.rewind()
			sequence := p.begin("a").Sequence
			forget()
			e.checkEpoch()
			p.report("a", paid("X"))
			p.want(succeeded).wantID("X")
			n, err := e.Ledger.AccountFor(e.ctx(), e.partition(), []int64{sequence, sequence + 1})
			e.must(err)
			if loss := e.checkEpoch().Loss; n != 1 || loss != nil {
				e.t.Fatalf("%d accounted for, loss %+v", n, loss)
			}
			e.Advance(quiet)
			other.wantDecision(other.begin("b"), idempotency.Send)
		}},
		{does: "a loss stands until each of its sends is accounted for", run: func(e *suite) {
			p, q := e.queued(), e.queued()
			forget := p.rewind()
			first := p.begin("a").Sequence
			q.send("a")
			forget()
			e.checkEpoch()
			for range 2 { // a repetition counts once
				_, err := e.Ledger.AccountFor(e.ctx(), e.partition(), []int64{first})
				e.must(err)
			}
			if loss := e.checkEpoch().Loss; loss == nil || loss.Missing() != 2 {
				e.t.Fatalf("loss %+v, want two sends", loss)
			}
		}},
		{does: "the numbers of lost sends are not counted again", run: func(e *suite) {
			p := e.queued()
			forget := p.rewind()
			sequence := p.begin("a").Sequence
			forget()
			e.checkEpoch()
			e.must(e.Ledger.CloseLoss(e.ctx(), e.Provider, actor()))
			e.Advance(quiet)
			if next := e.queued().begin("a").Sequence; next <= sequence {
				e.t.Fatalf("%d was counted twice", next)
			}
		}},
		{does: "whoever kept the number of an earlier process proves the loss", run: func(e *suite) {
			e.queued().send("a")
			another := e.Another()
			another.Witness(e.partition(), 7)
			epoch, sequence, _, err := another.CheckEpoch(e.ctx(), e.partition())
			e.must(err)
			if epoch.Loss == nil || epoch.Loss.Missing() != 6 || sequence != 7 {
				e.t.Fatalf("epoch %+v, sequence %d", epoch, sequence)
			}
		}},
	}
}

func declaredRows() []row {
	return []row{
		{does: "after a declared loss everything that waits is queried first, also what is registered later", run: func(e *suite) {
			before := e.queued()
			e.must(e.Ledger.DeclareLoss(e.ctx(), e.Provider, before.now().Add(-time.Hour), actor()))
			for _, p := range []*payment{before, e.queued()} {
				p.wantDecision(p.begin("a"), idempotency.QueryFirst)
			}
			if got := e.list(idempotency.Filter{Provider: e.Provider, Suspected: true}); len(got) != 2 {
				e.t.Fatalf("%v are listed as suspect, want two", got)
			}
			e.must(e.Ledger.CloseLoss(e.ctx(), e.Provider, actor()))
			after := e.queued()
			after.wantDecision(after.begin("a"), idempotency.Send)
			if got := e.events("epoch"); !slices.Equal(got, []string{"loss_declared", "loss_closed"}) {
				e.t.Fatalf("events %v", got)
			}
		}},
		{does: "a suspect payment that the provider does not know is held, and an operator sends it", run: func(e *suite) {
			p := e.suspect(false)
			p.want(inDoubt).notFound()
			p.want(held).wantLeft(true).wantCode("not_found")
			_, err := e.Ledger.SendForgotten(e.ctx(), p.key, p.show().Version, actor())
			e.must(err)
			p.want(ready).wantLeft(false)
			p.wantDecision(p.begin("c"), idempotency.Send)
		}},
		{does: "a suspect payment is held at once where the provider cannot be queried", run: func(e *suite) {
			p := e.suspect(true)
			p.want(held).wantLeft(true).wantCode("forgotten_send")
			_, err := e.Ledger.SendForgotten(e.ctx(), p.key, p.show().Version, actor())
			e.must(err)
			p.want(ready)
		}},
		{does: "only what is held because the store forgot is sent so", run: func(e *suite) {
			p := e.reach(held)
			_, err := e.Ledger.SendForgotten(e.ctx(), p.key, p.show().Version, actor())
			e.refused(err)
		}},
		{does: "a suspect payment is neither retried nor cancelled", run: func(e *suite) {
			p := e.suspect(false)
			_, err := e.Ledger.Cancel(e.ctx(), p.key, p.show().Version, actor())
			e.refused(err)
			_, err = e.Ledger.Retry(e.ctx(), p.key, p.show().Version, false, actor())
			e.refused(err)
		}},
		{does: "no loss is closed that is not open, and none without a name", run: func(e *suite) {
			e.queued()
			e.refused(e.Ledger.CloseLoss(e.ctx(), e.Provider, actor()))
			e.refused(e.Ledger.DeclareLoss(e.ctx(), e.Provider, time.Time{}, idempotency.Actor{By: "ana"}))
		}},
	}
}
