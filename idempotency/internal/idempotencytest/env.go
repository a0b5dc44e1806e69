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

// env is one row's ledger.
type env struct {
	Fixture
	t        *testing.T
	policy   idempotency.Policy
	payments []*payment
}

// payment drives one payment; a step that fails ends the test.
type payment struct {
	*env
	key idempotency.Key
	reg idempotency.Registration
	// unaskable: attempts declare that the provider cannot be asked.
	unaskable bool
}

func (e *env) ctx() context.Context { return e.t.Context() }

func (e *env) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// refused wants a refusal.
func (e *env) refused(err error) {
	e.t.Helper()
	if !errors.Is(err, idempotency.ErrRefused) {
		e.t.Fatalf("got error %v, want ErrRefused", err)
	}
}

func (e *env) registration(reference string) idempotency.Registration {
	return idempotency.Registration{
		Key:  idempotency.Key{Provider: e.Provider, Account: idempotency.DefaultAccount, Reference: reference},
		Type: "payout", Fingerprint: "v1:same", Amount: "12500", Currency: "CLP", Payload: []byte("payload of " + reference),
	}
}

func (e *env) register(rs ...idempotency.Registration) []idempotency.Registered {
	e.t.Helper()
	out, err := e.Ledger.Register(e.ctx(), rs...)
	e.must(err)
	return out
}

// queued registers a payment.
func (e *env) queued(changes ...func(*idempotency.Registration)) *payment {
	e.t.Helper()
	r := e.registration(fmt.Sprintf("ref-%d", len(e.payments)+1))
	for _, c := range changes {
		c(&r)
	}
	if got := e.register(r)[0].Result; got != idempotency.New {
		e.t.Fatalf("registered as %q, want new", got)
	}
	p := &payment{env: e, key: r.Key, reg: r}
	e.payments = append(e.payments, p)
	return p
}

func (p *payment) request(attempt string) idempotency.BeginRequest {
	return idempotency.BeginRequest{Attempt: p.id(attempt), Lease: lease, Askable: !p.unaskable}
}

// id makes an attempt's short name unique among payments.
func (p *payment) id(attempt string) string { return p.key.Reference + ":" + attempt }

func (p *payment) begin(attempt string) idempotency.Begun {
	p.t.Helper()
	b, err := p.Ledger.Begin(p.ctx(), p.key, p.request(attempt))
	p.must(err)
	return b
}

// idle begins an attempt whose first step cannot move money.
func (p *payment) idle(attempt string) idempotency.Begun {
	p.t.Helper()
	r := p.request(attempt)
	r.OpensLate = true
	b, err := p.Ledger.Begin(p.ctx(), p.key, r)
	p.must(err)
	return b
}

func (p *payment) note(attempt string, handles map[string]string, moves bool) error {
	return p.Ledger.Note(p.ctx(), p.key, p.id(attempt), handles, moves)
}

// send begins an attempt that must be told to send.
func (p *payment) send(attempt string) *payment {
	p.t.Helper()
	p.wantVerdict(p.begin(attempt), idempotency.Send)
	return p
}

func (p *payment) finish(attempt string, o providers.Outcome) idempotency.Settlement {
	p.t.Helper()
	s, err := p.Ledger.Finish(p.ctx(), p.key, idempotency.Report{Attempt: p.id(attempt), Outcome: o, Next: poll})
	p.must(err)
	return s
}

func (p *payment) release(attempt string) idempotency.Settlement {
	p.t.Helper()
	s, err := p.Ledger.Release(p.ctx(), p.key, p.id(attempt), "no byte left", 0)
	p.must(err)
	return s
}

func (p *payment) ask() idempotency.Question {
	p.t.Helper()
	q, err := p.Ledger.Ask(p.ctx(), p.key)
	p.must(err)
	return q
}

func (p *payment) answerTo(q idempotency.Question, o providers.Outcome) idempotency.Settlement {
	p.t.Helper()
	s, err := p.Ledger.Answer(p.ctx(), p.key, idempotency.Answered{Version: q.Version, AskedAt: q.AskedAt, Outcome: o, Next: poll})
	p.must(err)
	return s
}

// answer asks now and answers at once.
func (p *payment) answer(o providers.Outcome) idempotency.Settlement {
	p.t.Helper()
	return p.answerTo(p.ask(), o)
}

func (p *payment) show() idempotency.Record {
	p.t.Helper()
	r, err := p.Ledger.Show(p.ctx(), p.key)
	p.must(err)
	return r
}

func (p *payment) due() []idempotency.Wakeup { return p.env.due() }

func (e *env) due() []idempotency.Wakeup {
	e.t.Helper()
	w, _, err := e.Ledger.Due(e.ctx(), e.Provider, 1000, idempotency.Lanes{AskFor: 10 * time.Second})
	e.must(err)
	return w
}

// lapse lets the owner's lease end and somebody notice it.
func (p *payment) lapse() *payment {
	p.t.Helper()
	p.Advance(lease)
	p.ask()
	return p
}

// notFound answers "not found" until that has been counted as often as the policy asks for.
func (p *payment) notFound() *payment {
	p.t.Helper()
	p.Advance(p.policy.Settle)
	for range p.policy.Confirmations {
		p.answer(absent())
		p.Advance(p.policy.NotFoundInterval)
	}
	return p
}

// prove makes this account's lookup find something.
func (e *env) prove() {
	e.t.Helper()
	e.queued().send("a").lapse().answer(paid("proof"))
}

func person() idempotency.Person { return idempotency.Person{By: "ana", Note: "checked with the bank"} }

func (p *payment) resolve(as, pid string) (idempotency.Settlement, error) {
	return p.Ledger.Resolve(p.ctx(), p.key, p.show().Version, idempotency.Resolution{Person: person(), As: as, ProviderID: pid})
}

func (p *payment) retry(risk bool) (idempotency.Settlement, error) {
	return p.Ledger.Retry(p.ctx(), p.key, p.show().Version, risk, person())
}

func (p *payment) cancel() (idempotency.Settlement, error) {
	return p.Ledger.Cancel(p.ctx(), p.key, p.show().Version, person())
}

func (p *payment) clearAnomaly(reverse bool) (idempotency.Settlement, error) {
	return p.Ledger.ClearAnomaly(p.ctx(), p.key, p.show().Version, reverse, person())
}

func (p *payment) unblock() (idempotency.Settlement, error) {
	return p.Ledger.Unblock(p.ctx(), p.key, p.show().Version, person())
}

// What attempts and answers come to.

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

func unclear() providers.Outcome { return providers.Outcome{Class: providers.InDoubt, Code: "timeout"} }

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
	if got := p.show().Code; got != code {
		p.t.Fatalf("code is %q, want %q", got, code)
	}
	return p
}

func (p *payment) wantID(id string) *payment {
	p.t.Helper()
	if got := p.show().ProviderID; got != id {
		p.t.Fatalf("provider id is %q, want %q", got, id)
	}
	return p
}

func (p *payment) wantAnomaly(kind string) *payment {
	p.t.Helper()
	if got := p.show().Anomaly; got != kind {
		p.t.Fatalf("anomaly is %q, want %q", got, kind)
	}
	return p
}

func (p *payment) wantLeft(left bool) *payment {
	p.t.Helper()
	if got := p.show().MayHaveLeft; got != left {
		p.t.Fatalf("may have left is %v, want %v", got, left)
	}
	return p
}

// wantDue wants the payment to be looked at after this time from now, 0 for at once.
func (p *payment) wantDue(after time.Duration) *payment {
	p.t.Helper()
	got := p.show().NextDue
	if got.IsZero() {
		p.t.Fatalf("nobody looks at it any more, want in %s", after)
	}
	if d := got.Sub(p.now()); max(d, 0) != after {
		p.t.Fatalf("due in %s, want in %s", d, after)
	}
	return p
}

func (p *payment) wantNoDue() *payment {
	p.t.Helper()
	if got := p.show().NextDue; !got.IsZero() {
		p.t.Fatalf("still due at %s, want nobody to look any more", got)
	}
	return p
}

// now is the store's time.
func (p *payment) now() time.Time {
	p.t.Helper()
	return p.ask().AskedAt
}

func (e *env) wantVerdict(b idempotency.Begun, v idempotency.Verdict) {
	e.t.Helper()
	if b.Verdict != v {
		e.t.Fatalf("verdict is %s in state %s, want %s", b.Verdict, b.State, v)
	}
}

func (e *env) wantApplied(s idempotency.Settlement, applied bool) {
	e.t.Helper()
	if s.Applied != applied {
		e.t.Fatalf("applied is %v, want %v", s.Applied, applied)
	}
}
