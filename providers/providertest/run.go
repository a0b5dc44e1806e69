package providertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/sandbox"
)

// reference is one that every provider takes.
const reference = "conform1"

// run makes one row: the attempt, then the status queries; after each the book must say what the
// row says.
func (b *fixture) run(t *testing.T, row Row) {
	t.Helper()
	if err := b.simulator.AddFaults(row.Faults...); err != nil {
		t.Fatal(err)
	}
	if row.Gone {
		b.server.Close()
	}
	o, err := b.runRow(t, row)
	b.check(t, row, o, err)
	b.atMost(t, row.Moved, "after the attempt")
	if checker, can := b.client.(providers.StatusChecker); can {
		b.queryStatus(t, checker, row, o)
		b.atMost(t, row.Finally, "in the end")
	}
}

func (b *fixture) runRow(t *testing.T, row Row) (providers.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if row.Late {
		ctx = sendTooLate(ctx)
	}
	if row.CallerLeaves {
		go b.cancelCaller(ctx, cancel)
	}
	return b.attempt(t, ctx, reference)
}

// cancelCaller gives up the attempt once the money moved, or the session was requested.
func (b *fixture) cancelCaller(ctx context.Context, cancel func()) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for b.simulator.ExecutionCount(reference) == 0 && (!b.Sessions || b.simulator.ArrivalCount(reference) == 0) && ctx.Err() == nil {
		<-tick.C
	}
	cancel()
}

func (b *fixture) check(t *testing.T, row Row, o providers.Outcome, err error) {
	t.Helper()
	if got := word(o, err, NoAct); got != row.Want {
		t.Errorf("the attempt came to %q (%v), want %q", got, err, row.Want)
	}
	if row.Code != "" && o.Code != row.Code {
		t.Errorf("the attempt's code is %q, want %q", o.Code, row.Code)
	}
	if err == nil && (o.Class == providers.InDoubt || o.Class == providers.Duplicate) && o.Code == "" {
		t.Error("a doubt without a code")
	}
	if row.Check != nil {
		if wrong := row.Check(err); wrong != "" {
			t.Error(wrong)
		}
	}
}

func (b *fixture) queryStatus(t *testing.T, checker providers.StatusChecker, row Row, o providers.Outcome) {
	t.Helper()
	q := b.query(t, reference, o)
	for i, want := range row.Then {
		result, err := checker.Status(t.Context(), q)
		if got := word(result, err, NoAnswer); got != want {
			t.Errorf("status query %d came to %q (%v), want %q", i+1, got, err, want)
		}
		b.echo(t, q, result)
	}
}

// echo compares what was repeated with what was queried.
func (b *fixture) echo(t *testing.T, q providers.StatusQuery, o providers.Outcome) {
	t.Helper()
	if r := o.Echo.Reference; r != "" && r != q.Reference {
		t.Errorf("the answer repeats the reference as %q, want %q", r, q.Reference)
	}
	if o.Echo.Amount == "" {
		return
	}
	repeated, err := providers.ParseMoney(o.Echo.Amount, q.Amount.Currency())
	if err != nil || !repeated.Equal(q.Amount) {
		t.Errorf("the answer repeats the amount as %q, want %s (%v)", o.Echo.Amount, q.Amount, err)
	}
}

// atMost holds that at most one request that can move money arrived, and how often it moved.
func (b *fixture) atMost(t *testing.T, moved int, when string) {
	t.Helper()
	most := 1
	if b.Renews {
		most = 2 // the repeat after a refused token
	}
	if n := b.simulator.ArrivalCount(reference) + b.simulator.ArrivalCount(""); n > most {
		t.Errorf("%d requests that can move money arrived %s, at most %d may", n, when, most)
	}
	if n := b.simulator.ExecutionCount(reference); n != moved {
		t.Errorf("money moved %d times %s, want %d", n, when, moved)
	}
}

// refusesEveryToken holds that a token which was refused is not offered again, whoever comes
// next, and that the login is not called for ever: about a dozen times at once, and then spaced
// out.
func (b *fixture) refusesEveryToken(t *testing.T) {
	t.Helper()
	if err := b.simulator.AddFaults(sandbox.Fault{Kind: "unauthorized"}); err != nil {
		t.Fatal(err)
	}
	_, before := b.offered.most()
	logins, began := b.simulator.Logins(), time.Now()
	for range 30 {
		if o, err := b.attempt(t, t.Context(), reference); err == nil {
			t.Fatalf("an attempt came to %s", o.Class)
		}
	}
	tokens, times := b.offered.most()
	if tokens < 2 || times > max(1, before+1) {
		t.Errorf("%d tokens were offered, one of them %d times", tokens, times)
	}
	if n := b.simulator.Logins() - logins; n > 14+12*int(time.Since(began).Seconds()) {
		t.Errorf("%d logins in %s", n, time.Since(began))
	}
	if n := b.simulator.ExecutionCount(reference); n != 0 {
		t.Errorf("money moved %d times", n)
	}
}

// provesNothingForUs shows that the suite's simulator does not prevent double payments: whatever
// the rows show is the adapter's doing.
func (b *fixture) provesNothingForUs(t *testing.T) {
	t.Helper()
	for range 2 {
		if o, err := b.attempt(t, t.Context(), reference); err != nil || o.Class != b.Paid {
			t.Fatalf("came to %q, %v", o.Class, err)
		}
	}
	if n := b.simulator.ExecutionCount(reference); n != 2 {
		t.Errorf("money moved %d times for two requests: this simulator dedupes", n)
	}
}

// findsAnothers shows that an adapter which queries first leaves alone what an attempt that it
// knows nothing of has made.
func (b *fixture) findsAnothers(t *testing.T) {
	t.Helper()
	for _, want := range []providers.Class{b.Paid, providers.Mismatch} {
		if o, err := b.attempt(t, t.Context(), reference); err != nil || o.Class != want {
			t.Fatalf("came to %q, %v; want %q", o.Class, err, want)
		}
		delete(b.providerRefs, reference)
	}
	b.atMost(t, 1, "after two attempts")
}

func word(o providers.Outcome, err error, failed providers.Class) providers.Class {
	if err != nil {
		return failed
	}
	return o.Class
}

func notSent(reason string, after time.Duration) func(err error) string {
	return func(err error) string {
		var e *providers.NotSent
		if !errors.As(err, &e) || e.Reason != reason || e.RetryAfter != after {
			return fmt.Sprintf("the error is %v, want NotSent with reason %s, again after %s", err, reason, after)
		}
		return ""
	}
}

func credentials(err error) string {
	var e *providers.CredentialsError
	if !errors.As(err, &e) || e.Code == "" {
		return fmt.Sprintf("the error is %v, want a CredentialsError with a code", err)
	}
	return ""
}
