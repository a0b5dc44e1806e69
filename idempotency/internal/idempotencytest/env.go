package idempotencytest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

const (
	lease = time.Minute
	poll  = 2 * time.Second
	day   = 24 * time.Hour
)

// suite is one row's ledger.
type suite struct {
	Fixture
	t        *testing.T
	policy   idempotency.Policy
	payments []*payment
	together bool
	// repeats: the store told something again before it noticed that it had forgotten it.
	repeats bool
}

// payment drives one payment; a call that fails ends the test.
type payment struct {
	*suite
	key idempotency.Key
	reg idempotency.Registration
	// unqueryable: attempts declare that the provider cannot be queried.
	unqueryable bool
	// rewound: the store has forgotten a part of its history, and the stream has not.
	rewound bool
}

func (e *suite) ctx() context.Context { return e.t.Context() }

func (e *suite) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// refused wants a refusal.
func (e *suite) refused(err error) {
	e.t.Helper()
	if !errors.Is(err, idempotency.ErrRefused) {
		e.t.Fatalf("got error %v, want ErrRefused", err)
	}
}

func (e *suite) registration(reference string) idempotency.Registration {
	return idempotency.Registration{
		Key:  e.place(idempotency.Key{Provider: e.Provider, Account: idempotency.DefaultAccount, Reference: reference}),
		Type: "payout", Fingerprint: "v1:same", Amount: "12500", Currency: "CLP", Payload: []byte("payload of " + reference),
	}
}

// place gives a key of a row whose payments belong into one partition an end that brings it there.
func (e *suite) place(k idempotency.Key) idempotency.Key {
	all := idempotency.Partitions{e.Provider: len(e.Ledger.Partitions(e.Provider))}
	for placed, n := k, 0; ; n++ {
		if !e.together || all.Of(placed) == e.partition() {
			return placed
		}
		placed.Reference = fmt.Sprintf("%s.%d", k.Reference, n)
	}
}

func (e *suite) register(rs ...idempotency.Registration) []idempotency.Registered {
	e.t.Helper()
	out, err := e.Ledger.Register(e.ctx(), rs...)
	e.must(err)
	return out
}

// queued registers a payment.
func (e *suite) queued(changes ...func(*idempotency.Registration)) *payment {
	e.t.Helper()
	r := e.registration(fmt.Sprintf("ref-%d", len(e.payments)+1))
	for _, c := range changes {
		c(&r)
	}
	r.Key = e.place(r.Key)
	if got := e.register(r)[0].Result; got != idempotency.New {
		e.t.Fatalf("registered as %q, want new", got)
	}
	p := &payment{suite: e, key: r.Key, reg: r}
	e.payments = append(e.payments, p)
	return p
}

func (p *payment) request(attempt string) idempotency.BeginParams {
	return idempotency.BeginParams{Attempt: p.id(attempt), Lease: lease, Queryable: !p.unqueryable}
}

// id makes an attempt's short name unique among payments.
func (p *payment) id(attempt string) string { return p.key.Reference + ":" + attempt }

func (p *payment) begin(attempt string) idempotency.BeginResult {
	p.t.Helper()
	b, err := p.Ledger.Begin(p.ctx(), p.key, p.request(attempt))
	p.must(err)
	return b
}

// idle begins an attempt whose first step cannot move money.
func (p *payment) idle(attempt string) idempotency.BeginResult {
	p.t.Helper()
	r := p.request(attempt)
	r.SafeFirstStep = true
	b, err := p.Ledger.Begin(p.ctx(), p.key, r)
	p.must(err)
	return b
}

func (p *payment) checkpoint(attempt string, refs map[string]string, moneyStepNext bool) error {
	_, err := p.Ledger.Checkpoint(p.ctx(), p.key, p.id(attempt), refs, moneyStepNext)
	return err
}

// send begins an attempt whose decision must be Send.
func (p *payment) send(attempt string) *payment {
	p.t.Helper()
	p.wantDecision(p.begin(attempt), idempotency.Send)
	return p
}

func (p *payment) finish(attempt string, o providers.Outcome) idempotency.Transition {
	p.t.Helper()
	s, err := p.Ledger.Finish(p.ctx(), p.key, idempotency.AttemptResult{Attempt: p.id(attempt), Outcome: o, QueryAfter: poll})
	p.must(err)
	return s
}

func (p *payment) release(attempt string) idempotency.Transition {
	p.t.Helper()
	s, err := p.Ledger.Release(p.ctx(), p.key, p.id(attempt), "no byte left", 0)
	p.must(err)
	return s
}

func (p *payment) query() idempotency.StatusQuery {
	p.t.Helper()
	q, err := p.Ledger.StartQuery(p.ctx(), p.key)
	p.must(err)
	return q
}

func (p *payment) statusResultTo(q idempotency.StatusQuery, o providers.Outcome) idempotency.Transition {
	p.t.Helper()
	s, err := p.Ledger.RecordStatus(p.ctx(), p.key, idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: o, QueryAfter: poll})
	p.must(err)
	return s
}

// statusResult queries now and records the result at once.
func (p *payment) statusResult(o providers.Outcome) idempotency.Transition {
	p.t.Helper()
	return p.statusResultTo(p.query(), o)
}

func (p *payment) show() idempotency.Record {
	p.t.Helper()
	r, err := p.Ledger.Show(p.ctx(), p.key)
	p.must(err)
	return r
}

func (p *payment) due() []idempotency.WakeUp { return p.suite.due() }

func (e *suite) due() []idempotency.WakeUp {
	e.t.Helper()
	w, err := e.dueUpTo(1000, idempotency.Lanes{QueryTimeout: 10 * time.Second})
	e.must(err)
	return w
}

// dueUpTo wakes what is due, in each partition at most limit.
func (e *suite) dueUpTo(limit int, lanes idempotency.Lanes) ([]idempotency.WakeUp, error) {
	var all []idempotency.WakeUp
	var errs []error
	for _, p := range e.Ledger.Partitions(e.Provider) {
		w, _, err := e.Ledger.Due(e.ctx(), p, limit, lanes)
		all, errs = append(all, w...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

// anyDue reports whether a payment of any partition is due.
func (e *suite) anyDue() (found bool) {
	e.t.Helper()
	for _, p := range e.Ledger.Partitions(e.Provider) {
		due, err := e.Ledger.AnyDue(e.ctx(), p)
		e.must(err)
		found = found || due
	}
	return found
}

// unpark makes at most limit payments due, whatever their partitions.
func (e *suite) unpark(g idempotency.ParkedGroup, limit int) (n int) {
	e.t.Helper()
	for _, p := range e.Ledger.Partitions(e.Provider) {
		unparked, err := e.Ledger.Unpark(e.ctx(), p, g, limit-n)
		e.must(err)
		n += unparked
	}
	return n
}

// lapseLease lets the owner's lease end, and has the janitor recover it.
func (p *payment) lapseLease() *payment {
	p.t.Helper()
	p.Advance(lease)
	p.query()
	return p
}

// notFound records "not found" until that has been counted as often as the policy requires.
func (p *payment) notFound() *payment {
	p.t.Helper()
	p.Advance(p.policy.SettleTime)
	for range p.policy.Confirmations {
		p.statusResult(absent())
		p.Advance(p.policy.NotFoundInterval)
	}
	return p
}

// prove makes this account's status query find a payment.
func (e *suite) prove() {
	e.t.Helper()
	e.queued().send("a").lapseLease().statusResult(paid("proof"))
}

func actor() idempotency.Actor { return idempotency.Actor{By: "ana", Note: "checked with the bank"} }

func (p *payment) resolve(as, pid string) (idempotency.Transition, error) {
	return p.Ledger.Resolve(p.ctx(), p.key, p.show().Version, idempotency.Resolution{Actor: actor(), As: as, ProviderID: pid})
}

func (p *payment) retry(risk bool) (idempotency.Transition, error) {
	return p.Ledger.Retry(p.ctx(), p.key, p.show().Version, risk, actor())
}

// retryAtRisk retries a payment that is retried only where the risk is accepted.
func (p *payment) retryAtRisk() {
	p.t.Helper()
	_, err := p.retry(false)
	p.refused(err)
	_, err = p.retry(true)
	p.must(err)
}

func (p *payment) cancel() (idempotency.Transition, error) {
	return p.Ledger.Cancel(p.ctx(), p.key, p.show().Version, actor())
}

func (p *payment) clearAnomaly(reverse bool) (idempotency.Transition, error) {
	return p.Ledger.ClearAnomaly(p.ctx(), p.key, p.show().Version, reverse, actor())
}

func (p *payment) unblock() (idempotency.Transition, error) {
	return p.Ledger.Unblock(p.ctx(), p.key, p.show().Version, actor())
}

// Outcomes of attempts and status queries.

func paid(id string) providers.Outcome {
	return providers.Outcome{Class: providers.Succeeded, ProviderID: id}
}

func accepted(id string) providers.Outcome {
	return providers.Outcome{Class: providers.Pending, ProviderID: id}
}

func declined() providers.Outcome {
	return providers.Outcome{Class: providers.Refused, Code: "E-051", Message: "insufficient funds", Decline: providers.Soft}
}

func declinedAs(id string) providers.Outcome {
	o := declined()
	o.ProviderID = id
	return o
}

func inDoubtOutcome() providers.Outcome {
	return providers.Outcome{Class: providers.InDoubt, Code: "timeout"}
}

func absent() providers.Outcome { return providers.Outcome{Class: providers.NotFound, Code: "E-041"} }

func otherPayment() providers.Outcome {
	return providers.Outcome{Class: providers.Mismatch, Message: "amount differs"}
}

// Wants.

func (p *payment) want(s idempotency.State) *payment {
	p.t.Helper()
	if got := p.show(); got.State != s {
		p.t.Fatalf("state is %s (code %q), want %s; history %v", got.State, got.Code, s, got.History)
	}
	return p
}

func (p *payment) wantCode(code string) *payment {
	p.t.Helper()
	return p.wantPart("code", p.show().Code, code)
}

func (p *payment) wantID(id string) *payment {
	p.t.Helper()
	return p.wantPart("provider id", p.show().ProviderID, id)
}

func (p *payment) wantAnomaly(kind string) *payment {
	p.t.Helper()
	return p.wantPart("anomaly", p.show().Anomaly, kind)
}

func (p *payment) wantLeft(left bool) *payment {
	p.t.Helper()
	return p.wantPart("may have left", p.show().MayHaveLeft, left)
}

// wantPart wants a part of the record to be so.
func (p *payment) wantPart(what string, got, want any) *payment {
	p.t.Helper()
	if got != want {
		p.t.Fatalf("%s is %#v, want %#v", what, got, want)
	}
	return p
}

// wantDue wants the payment due this long from now, 0 for at once.
func (p *payment) wantDue(after time.Duration) *payment {
	p.t.Helper()
	got := p.show().NextDue
	if got.IsZero() {
		p.t.Fatalf("not due any more, want in %s", after)
	}
	if d := got.Sub(p.now()); max(d, 0) != after {
		p.t.Fatalf("due in %s, want in %s", d, after)
	}
	return p
}

func (p *payment) wantNoDue() *payment {
	p.t.Helper()
	if got := p.show().NextDue; !got.IsZero() {
		p.t.Fatalf("still due at %s, want never", got)
	}
	return p
}

// now is the store's time.
func (p *payment) now() time.Time {
	p.t.Helper()
	return p.query().QueriedAt
}

func (e *suite) wantDecision(b idempotency.BeginResult, v idempotency.Decision) {
	e.t.Helper()
	if b.Decision != v {
		e.t.Fatalf("decision is %s in state %s, want %s", b.Decision, b.State, v)
	}
}

func (e *suite) wantApplied(s idempotency.Transition, applied bool) {
	e.t.Helper()
	if s.Applied != applied {
		e.t.Fatalf("applied is %v, want %v", s.Applied, applied)
	}
}
