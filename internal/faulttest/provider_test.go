package faulttest

import (
	"fmt"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/sandbox"
)

// providerFault is a provider's misbehaviour towards one payment, and what must become of the
// payment.
type providerFault struct {
	name   string
	faults []sandbox.Fault
	state  idempotency.State
	// arrivals is how many requests that can move money must have come.
	arrivals int
}

func providerFaults() []providerFault {
	const succeeded, failed, held = idempotency.Succeeded, idempotency.Failed, idempotency.Held
	send := func(kind string) []sandbox.Fault {
		return []sandbox.Fault{{Kind: kind, Operation: sandbox.SendOperation}}
	}
	delayed := func(kind string, d time.Duration) []sandbox.Fault {
		return []sandbox.Fault{{Kind: kind, Operation: sandbox.SendOperation, Delay: sandbox.Duration(d)}}
	}
	once := func(kind string, n int) []sandbox.Fault {
		return []sandbox.Fault{{Kind: kind, Operation: sandbox.SendOperation, Next: n, RetryAfter: "1"}}
	}
	thenAsked := func(kind string) []sandbox.Fault {
		return []sandbox.Fault{{Kind: "hang_up_after", Next: 1}, {Kind: kind, Operation: sandbox.StatusOperation, Next: 2}}
	}
	return []providerFault{
		{"none", nil, succeeded, 1},
		{"decline", send("decline"), failed, 1},
		{"rejected-object", send("rejected_object"), failed, 1},
		{"rejected-word", send("rejected_word"), failed, 1},
		{"rejected-later", delayed("rejected_later", time.Second), failed, 1},
		{"pending", delayed("pending", time.Second), succeeded, 1},
		{"hang-up-before", send("hang_up_before"), held, 1},
		{"hang-up-after", send("hang_up_after"), succeeded, 1},
		{"slow-before", send("slow_before"), held, 1},
		{"slow-after", delayed("slow_after", 2*time.Second), succeeded, 1},
		{"bad-gateway-before", send("bad_gateway_before"), held, 1},
		{"bad-gateway-after", send("bad_gateway_after"), succeeded, 1},
		{"html-before", send("html_before"), held, 1},
		{"html-after", send("html_after"), succeeded, 1},
		{"cut-json", send("cut_json_after"), succeeded, 1},
		{"cut-body", send("cut_body_after"), succeeded, 1},
		{"huge", send("huge_after"), succeeded, 1},
		{"name-twice", send("name_twice_after"), succeeded, 1},
		{"rejection-beside", []sandbox.Fault{{Kind: "rejection_beside"}}, succeeded, 1},
		{"wrong-types", send("wrong_types_after"), succeeded, 1},
		{"unknown-status", send("unknown_status_after"), succeeded, 1},
		{"unknown-code", send("unknown_code_after"), succeeded, 1},
		{"redirect", send("redirect"), held, 1},
		{"late", send("late"), succeeded, 1},
		{"delayed", delayed("delayed", time.Second), succeeded, 1},
		{"throttled", once("throttled", 2), succeeded, 3},
		{"unauthorized", once("unauthorized", 1), succeeded, 2},
		{"bare-404", thenAsked("bare_404"), succeeded, 1},
		{"login-page", thenAsked("login_page"), succeeded, 1},
		// One "not found" never counts for two confirmations, however late it comes.
		{"found-late", []sandbox.Fault{{Kind: "hang_up_after", Next: 1}, {Kind: "not_found", Operation: sandbox.StatusOperation, Next: 1}}, succeeded, 1},
		{"other-amount", thenAsked("wrong_amount"), held, 1},
	}
}

func TestTheProviderMisbehaves(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil)
	for i := range either(3, 25) { // a hundred payments and less in the short form
		for _, c := range providerFaults() {
			task := w.newPayment(fmt.Sprintf("%s.%02d", c.name, i)) // as long as any: a fault is for all that begin so
			for _, f := range c.faults {
				f.Reference = task.Reference()
				w.simulator.setFaults(f)
			}
		}
	}
	for _, p := range w.payments {
		w.submit(p.task)
	}
	w.work(2)
	w.awaitSettled(w.certainty() + 10*time.Second)
	fates := w.audit(allowances{mayHold: func(auditedPayment) error { return nil }})
	for i := range either(3, 25) {
		for _, c := range providerFaults() {
			f := fates[w.prefix+fmt.Sprintf("%s.%02d", c.name, i)]
			if f.record.State != c.state {
				t.Errorf("%s: %s, want %s\n%s", c.name, f.record.State, c.state, f)
			}
			if f.arrived != c.arrivals {
				t.Errorf("%s: %d requests arrived, want %d\n%s", c.name, f.arrived, c.arrivals, f)
			}
		}
	}
}
