package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

func TestWithoutCredentialsAPaymentWaitsForThem(t *testing.T) {
	r := newClockFixture(t)
	sold := idempotency.Key{Provider: "virtualpos", Account: "sold", Reference: "p"}
	doubtful := idempotency.Key{Provider: "virtualpos", Account: "sold", Reference: "doubtful"}
	r.register(doubtful)
	begin(r, doubtful, idempotency.NewAttempt(), time.Minute)
	r.advance(2 * time.Minute)
	r.provider.behave("doubtful", scriptedReplies{results: statusResults{statusResult(providers.Succeeded)}})
	r.submit(sold)
	stop := r.run()
	r.until("both wait", func() bool {
		for _, k := range []idempotency.Key{sold, doubtful} {
			if len(r.log.lines(`"key":"`+k.String()+`","error":"no credentials`)) == 0 {
				return false
			}
		}
		return true
	})
	stop()
	if rec := r.show(sold); rec.State != idempotency.Queued || rec.Attempts != 0 {
		t.Errorf("%s after %d attempts", rec.State, rec.Attempts)
	}
	r.run(func(o *Options) {
		o.Registry.Add(providers.Account{Provider: "virtualpos", Name: "sold", Client: queryablePayer{fakePayer{r.provider}, r.provider}})
	})
	r.awaitState(sold, idempotency.Succeeded)
	r.awaitState(doubtful, idempotency.Succeeded)
	if r.provider.sends("p") != 1 || r.provider.sends("doubtful") != 0 {
		t.Errorf("sent %d and %d times", r.provider.sends("p"), r.provider.sends("doubtful"))
	}
}

// TestAnAccountThatIsRefusedUsesNothingUp: whatever the number of parked payments, only probes
// reach the provider, and all are paid once after it heals.
func TestAnAccountThatIsRefusedUsesNothingUp(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
	}{
		{"refused credentials", &providers.CredentialsError{Code: "401"}},
		{"no connection", &providers.NotSent{Reason: wire.Connect}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newFixture(t)
			var healed atomic.Bool
			r.provider.otherwise = scriptedReplies{pay: func(context.Context, providers.Attempt) (providers.Outcome, error) {
				if healed.Load() {
					return providers.Outcome{Class: providers.Succeeded}, nil
				}
				return providers.Outcome{}, row.err
			}}
			var ks []idempotency.Key
			for n := range 40 {
				ks = append(ks, key(fmt.Sprintf("p%d", n)))
			}
			r.submit(ks...)
			r.run(func(o *Options) { o.Concurrency = func(string) int { return 1 } })
			r.until("it was probed", func() bool { return r.provider.allSends() > 8 })
			healed.Store(true)
			sends := 0
			for _, k := range ks {
				sends += r.awaitState(k, idempotency.Succeeded).Attempts
			}
			if sends != r.provider.allSends() {
				t.Errorf("%d attempts for %d requests", sends, r.provider.allSends())
			}
			if n := len(r.log.lines(`"to":"open"`)); n == 0 {
				t.Error("the circuit never opened")
			}
		})
	}
}

// TestTheCircuit tells the story of one account, minute by minute.
func TestTheCircuit(t *testing.T) {
	refused, connect := &providers.CredentialsError{Code: "401"}, &providers.NotSent{Reason: wire.Connect}
	throttled := &providers.NotSent{Reason: "throttled"}
	type results []error
	for _, row := range []struct {
		name    string
		results results
		open    bool
	}{
		{"credentials are refused once", results{refused}, true},
		{"credentials are refused amid successes", results{nil, nil, refused}, true},
		{"four connections fail", results{connect, connect, connect, connect}, false},
		{"five connections fail", results{connect, connect, connect, connect, connect}, true},
		{"a success between failed connections", results{connect, connect, connect, connect, nil, connect, connect}, false},
		{"ten requests are throttled", results{throttled, throttled, throttled, throttled, throttled, throttled, throttled, throttled, throttled, throttled}, false},
		{"ten attempts are inconclusive", results{errInconclusive, errInconclusive, errInconclusive, errInconclusive, errInconclusive, errInconclusive, errInconclusive, errInconclusive}, false},
		{"an inconclusive attempt between failed connections", results{connect, connect, errInconclusive, connect, errors.New("no answer"), connect, connect}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, m := newTestCircuit()
				for _, err := range row.results {
					pass(t, c)(err)
				}
				if _, err := c.enter(); (err != nil) != row.open {
					t.Fatalf("allow() = %v", err)
				}
				if m.open != row.open {
					t.Errorf("the metric says open %t", m.open)
				}
			})
		})
	}
	t.Run("after each cooldown one probe, until one succeeds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, m := newTestCircuit()
			pass(t, c)(refused)
			for range 3 {
				time.Sleep(time.Minute + time.Millisecond)
				probe := pass(t, c)
				refuses(t, c)
				probe(connect)
				refuses(t, c)
			}
			time.Sleep(time.Minute + time.Millisecond)
			pass(t, c)(errInconclusive)
			probe := pass(t, c)
			refuses(t, c)
			probe(nil)
			if !m.open {
				pass(t, c)
				pass(t, c)
			} else {
				t.Error("still open after a success")
			}
			if m.changes != 2 {
				t.Errorf("the metric counted %d changes", m.changes)
			}
		})
	})
}

// TestNothingCanBeSentWhileEachCircuitIsOpen: one account that works is enough, and so is one that
// may be probed.
func TestNothingCanBeSentWhileEachCircuitIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newTestCircuit()
		b, _ := newTestCircuit()
		e := &Engine{circuits: map[string]*circuit{"a": a, "b": b}}
		says := func(want bool, when string) {
			t.Helper()
			if e.Sendable() != want {
				t.Errorf("%s: sendable %t", when, !want)
			}
		}
		says(true, "at first")
		pass(t, a)(&providers.CredentialsError{Code: "401"})
		says(true, "one refused")
		pass(t, b)(&providers.CredentialsError{Code: "401"})
		says(false, "both refused")
		time.Sleep(time.Minute + time.Millisecond)
		says(true, "after the cooldown")
		pass(t, a)(nil)
		says(true, "a probe that succeeded")
	})
}

func pass(t *testing.T, c *circuit) func(error) {
	t.Helper()
	done, err := c.enter()
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func refuses(t *testing.T, c *circuit) {
	t.Helper()
	if _, err := c.enter(); err == nil {
		t.Fatal("a second one was let through")
	}
}

type circuitMetric struct {
	noMetrics
	open    bool
	changes int
}

func (m *circuitMetric) Circuit(_ string, open bool) { m.open, m.changes = open, m.changes+1 }

func newTestCircuit() (*circuit, *circuitMetric) {
	m := &circuitMetric{}
	return newCircuit(providers.Account{Provider: "virtualpos", Name: "default"},
		Options{CircuitCooldown: time.Minute, Metrics: m, Log: zerolog.New(&suiteLog)}), m
}

// begin opens an attempt in the name of a worker that then dies.
func begin(r *fixture, k idempotency.Key, attempt string, lease time.Duration) {
	r.t.Helper()
	b, err := r.ledger.Begin(r.t.Context(), k, idempotency.BeginParams{Attempt: attempt, Lease: lease, Queryable: k.Account != "mute"})
	if err != nil || b.Decision != idempotency.Send {
		r.t.Fatalf("begin: %+v, %v", b.Decision, err)
	}
}
