package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// TestAPaymentEndsAsItsProviderSays: every row is one payment, registered and woken, and sent once.
func TestAPaymentEndsAsItsProviderSays(t *testing.T) {
	r := newFixture(t)
	panics := func(context.Context, providers.Attempt) (providers.Outcome, error) { panic("secret-canary-2") }
	explodes := func(providers.StatusQuery) (providers.Outcome, error) { panic("secret-canary-2") }
	silent := func(providers.StatusQuery) (providers.Outcome, error) {
		return providers.Outcome{}, errors.New("no answer")
	}
	theirs := func(e providers.Echo) func(context.Context, providers.Attempt) (providers.Outcome, error) {
		return func(context.Context, providers.Attempt) (providers.Outcome, error) {
			return providers.Outcome{Class: providers.Succeeded, ProviderID: "id-7", Echo: e}, nil
		}
	}
	ours := providers.Echo{Amount: "12500.00", Currency: "clp", Beneficiary: "12345678-5"}
	for _, row := range []struct {
		name    string
		key     func(string) idempotency.Key
		does    scriptedReplies
		state   idempotency.State
		code    string
		queries int // -1: at least once
	}{
		{"paid", key, scriptedReplies{}, idempotency.Succeeded, "", 0},
		{"paid-repeats-ours", key, scriptedReplies{pay: theirs(ours)}, idempotency.Succeeded, "", 0},
		{"declined", key, scriptedReplies{pay: outcome(providers.Refused)}, idempotency.Failed, "code-refused", 0},
		{"pending-then-paid", key, scriptedReplies{outcome(providers.Pending),
			statusResults{statusResult(providers.Pending), statusResult(providers.Pending), statusResult(providers.Succeeded)}}, idempotency.Succeeded, "code-succeeded", 3},
		{"pending-then-silence-then-paid", key, scriptedReplies{outcome(providers.Pending),
			statusResults{silent, statusResult(providers.InDoubt), statusResult(providers.Succeeded)}}, idempotency.Succeeded, "code-succeeded", 3},
		{"pending-then-declined-twice", key, scriptedReplies{outcome(providers.Pending), statusResults{statusResult(providers.Refused)}}, idempotency.Failed,
			"code-refused", -1},
		{"doubt-then-found", key, scriptedReplies{outcome(providers.InDoubt), statusResults{statusResult(providers.Succeeded)}}, idempotency.Succeeded,
			"code-succeeded", 1},
		{"doubt-then-not-found", key, scriptedReplies{outcome(providers.InDoubt), statusResults{statusResult(providers.NotFound)}}, idempotency.Held, "not_found", -1},
		{"doubt-and-nobody-to-ask", mute, scriptedReplies{pay: outcome(providers.InDoubt)}, idempotency.Held, "code-in_doubt", 0},
		{"panic-while-sending", key, scriptedReplies{panics, statusResults{statusResult(providers.Succeeded)}}, idempotency.Succeeded, "code-succeeded", 1},
		{"panic-while-sending-and-nobody-to-ask", mute, scriptedReplies{pay: panics}, idempotency.Held, "panic", 0},
		{"panic-in-a-status-query", key, scriptedReplies{outcome(providers.InDoubt), statusResults{explodes, statusResult(providers.Succeeded)}}, idempotency.Succeeded,
			"code-succeeded", 2},
		{"an-end-that-no-send-has", key, scriptedReplies{outcome(providers.NotFound), statusResults{statusResult(providers.Succeeded)}}, idempotency.Succeeded,
			"code-succeeded", 1},
		{"no-end-at-all", mute, scriptedReplies{pay: outcome("")}, idempotency.Held, "unknown_class", 0},
		{"another-amount", key, scriptedReplies{outcome(providers.InDoubt), statusResults{echoes(providers.Succeeded, providers.Echo{Amount: "12501"})}},
			idempotency.Held, "mismatch", 1},
		{"an-amount-that-is-none", key, scriptedReplies{outcome(providers.InDoubt), statusResults{echoes(providers.Succeeded, providers.Echo{Amount: "12,5"})}},
			idempotency.Held, "mismatch", 1},
		{"another-reference", key, scriptedReplies{outcome(providers.InDoubt), statusResults{echoes(providers.Succeeded, providers.Echo{Reference: "x"})}},
			idempotency.Held, "mismatch", 1},
		{"another-currency", key, scriptedReplies{outcome(providers.Pending), statusResults{echoes(providers.Pending, providers.Echo{Currency: "COP"})}},
			idempotency.Held, "mismatch", 1},
		{"another-beneficiary", key, scriptedReplies{outcome(providers.InDoubt),
			statusResults{echoes(providers.Succeeded, providers.Echo{Beneficiary: "7654321-6"})}}, idempotency.Held, "mismatch", 1},
		{"a-refusal-of-another", key, scriptedReplies{outcome(providers.InDoubt), statusResults{echoes(providers.Refused, providers.Echo{Amount: "1"})}},
			idempotency.Held, "mismatch", 1},
		{"ours-in-other-words", key, scriptedReplies{outcome(providers.InDoubt), statusResults{echoes(providers.Succeeded, ours)}},
			idempotency.Succeeded, "", 1},
		{"ours-by-account-number", key, scriptedReplies{outcome(providers.InDoubt),
			statusResults{echoes(providers.Succeeded, providers.Echo{Beneficiary: "77889900112"})}}, idempotency.Succeeded, "", 1},
		{"sent-but-answered-for-another", mute, scriptedReplies{pay: theirs(providers.Echo{Amount: "1"})}, idempotency.Held, "mismatch", 0},
		{"sent-but-answered-for-another-then-found", key, scriptedReplies{theirs(providers.Echo{Reference: "x"}), statusResults{statusResult(providers.Succeeded)}},
			idempotency.Succeeded, "code-succeeded", 1},
	} {
		k := row.key(row.name)
		r.provider.behave(row.name, row.does)
		r.submit(k)
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := *r
			r.t = t
			rec := r.awaitState(k, row.state)
			if rec.Code != row.code {
				t.Errorf("code %q, want %q", rec.Code, row.code)
			}
			if n := r.provider.sends(row.name); n != 1 {
				t.Errorf("sent %d times", n)
			}
			if n := r.provider.queryCount(row.name); row.queries >= 0 && n != row.queries || row.queries < 0 && n == 0 {
				t.Errorf("queried %d times, want %d", n, row.queries)
			}
		})
	}
	r.run()
}

// TestAnOutcomeOfAnotherPaymentGivesNoID: where the reference is another's, so is the id.
func TestAnOutcomeOfAnotherPaymentGivesNoID(t *testing.T) {
	r := newFixture(t)
	for reference, echo := range map[string]providers.Echo{"other-reference": {Reference: "x"}, "other-amount": {Amount: "1"}} {
		r.provider.behave(reference, scriptedReplies{pay: func(context.Context, providers.Attempt) (providers.Outcome, error) {
			return providers.Outcome{Class: providers.Succeeded, ProviderID: "id-7", Echo: echo}, nil
		}})
		r.submit(mute(reference))
	}
	r.run()
	if id := r.awaitState(mute("other-reference"), idempotency.Held).ProviderID; id != "" {
		t.Errorf("the id of another reference was kept: %q", id)
	}
	if id := r.awaitState(mute("other-amount"), idempotency.Held).ProviderID; id != "id-7" {
		t.Errorf("the id for an operator to look at: %q", id)
	}
}

func TestAPayloadThatCannotBeReadFailsUnsent(t *testing.T) {
	r := newFixture(t)
	for _, k := range []idempotency.Key{key("gone"), key("garbled"), key("lacking")} {
		reg := r.task(k).Registration(nil)
		reg.Payload = map[string][]byte{"garbled": []byte("\x00{"), "lacking": []byte(`{"type":"payout"}`)}[k.Reference]
		if _, err := r.ledger.Register(t.Context(), reg); err != nil {
			t.Fatal(err)
		}
	}
	r.run()
	for _, k := range []idempotency.Key{key("gone"), key("garbled"), key("lacking")} {
		rec := r.awaitState(k, idempotency.Failed)
		if rec.Code != "payload_unreadable" || rec.MayHaveLeft || r.provider.sends(k.Reference) != 0 {
			t.Errorf("%s: code %q, may have left %t, sent %d times", k, rec.Code, rec.MayHaveLeft, r.provider.sends(k.Reference))
		}
	}
}

func TestAProviderThatCannotDoAnythingReleasesThePayment(t *testing.T) {
	r := newFixture(t)
	r.submit(key("p"))
	stop := r.run(func(o *Options) {
		o.Registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: struct{}{}})
	})
	r.until("it was released", func() bool {
		rec := r.show(key("p"))
		return rec.Attempts > 0 && rec.State == idempotency.Ready
	})
	stop()
	if rec := r.show(key("p")); rec.MayHaveLeft || !strings.Contains(rec.History[len(rec.History)-1].Note, "unsupported") {
		t.Errorf("may have left %t, history %v", rec.MayHaveLeft, rec.History)
	}
}

func TestAPaymentThatTheAccountCannotMakeWaitsUnbegun(t *testing.T) {
	r := newFixture(t)
	r.submit(key("p"))
	stop := r.run(func(o *Options) {
		o.Registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: fakeCharger{r.provider}})
	})
	r.until("it was parked", func() bool { return r.show(key("p")).ParkReason == "account:default:payout" })
	stop()
	if rec := r.show(key("p")); rec.State != idempotency.Queued || rec.Attempts != 0 || rec.MayHaveLeft || r.provider.sends("p") != 0 {
		t.Errorf("state %s after %d attempts, may have left %t", rec.State, rec.Attempts, rec.MayHaveLeft)
	}
}
