package faulttest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox"
	simulators "github.com/remesa/remesa/providers/sandbox/all"
	checksimulator "github.com/remesa/remesa/providers/sandbox/pagandocheck"
	segurosimulator "github.com/remesa/remesa/providers/sandbox/pagoseguro"
	"github.com/remesa/remesa/tasks"
)

// expiries is how often the tokens end in a run, and by which responses.
type expiries struct {
	name    string
	options simulators.Options
	shared  bool
	times   int
}

func tokenScenarios() []expiries {
	status := simulators.Options{}
	body := simulators.Options{PagoSeguro: segurosimulator.Options{Always200: true}, PagandoCheck: checksimulator.Options{TextCodes: true}}
	revokes := body
	revokes.PagoSeguro.LoginRevokesTokens, revokes.PagandoCheck.LoginRevokesTokens = true, true
	short := []expiries{
		{"one token for all: 401 in HTTP, code 100 as a number", status, true, 3},
		{"a token each: 401 in the body, code 100 as text", body, false, 3},
		{"one token for all, and each login revokes the older token", revokes, true, 3},
	}
	return append(short, either(nil, []expiries{
		{"a token each: 401 in HTTP, code 100 as a number", status, false, 3},
		{"one token for all: 401 in the body, code 100 as text", body, true, 3},
		{"one token for all, revoked by each login, that nothing ends", revokes, true, 0},
	})...)
}

const processes = 4

// TestTokensEndInMidRun: whatever the response to a token that ended, each charge is executed once,
// and logins stay few.
func TestTokensEndInMidRun(t *testing.T) {
	t.Parallel()
	for _, s := range tokenScenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			c := startSimulators(t, s.options)
			w := newFixtureIn(t, slowTiming(), redistest.Start(t, redistest.Appendonly("always")), c.process(t), c.settings()...)
			if s.shared {
				w.settings["REMESA_TOKEN_KEY"] = tokenKey
			}
			parts := []*providerFixture{w.addProvider(c, pagoseguro.Name), w.addProvider(c, pagandocheck.Name)}
			for _, b := range parts {
				b.addFault(sandbox.Fault{Kind: "latency", Operation: sandbox.SendOperation, Delay: sandbox.Duration(20 * time.Millisecond)})
			}
			w.work(processes)
			for i := range s.times + 1 {
				var met []func()
				for _, b := range parts {
					met = append(met, b.submitPart(s, i))
				}
				for _, await := range met {
					await()
				}
			}
			for _, b := range parts {
				b.awaitSettled(either(time.Minute, 3*time.Minute))
				all(t, b.audit(allowances{repeats: true, otherIDs: b.provider == pagandocheck.Name}), idempotency.Succeeded)
				b.assertFewLogins(s)
			}
			if t.Failed() {
				t.Log(w.renewals())
			}
		})
	}
}

// slowTiming leaves time to a busy machine: a worker that cannot reach the store in time would log
// in by itself.
func slowTiming() timing {
	return timing{request: 8 * time.Second, lease: 20 * time.Second, settle: 2 * time.Second, notFoundInterval: 300 * time.Millisecond}
}

// renewals is why each worker renewed its tokens, and how often.
func (w *fixture) renewals() string {
	w.t.Helper()
	text := ""
	for _, p := range w.workers {
		for line := range strings.Lines(w.get(p, "/metrics")) {
			if strings.HasPrefix(line, "remesa_token_renewals_total") {
				text += p.Name + " " + line
			}
		}
	}
	return text
}

// submitPart submits one part of the charges, and returns what waits until one in its midst has
// ended every token and was then executed. That one is chosen before it is sent, so that the
// machine's speed does not matter. The last part ends no token.
func (b *providerFixture) submitPart(s expiries, part int) (await func()) {
	b.t.Helper()
	size := either(100, 500) / (s.times + 1)
	var ts []tasks.Task
	for i := range size {
		ts = append(ts, b.newCharge(fmt.Sprintf("%04d", part*size+i)))
	}
	if part == s.times {
		b.submit(ts...)
		return func() {}
	}
	victim := ts[size/2].Reference()
	b.addFault(sandbox.Fault{Kind: "expire_tokens", Operation: sandbox.SendOperation, Reference: victim, Next: 1})
	b.submit(ts...)
	return func() { b.t.Helper(); b.awaitRenewal(victim) }
}

// awaitRenewal waits until the charge was executed whose first request ended every token: then a
// worker has logged in since.
func (b *providerFixture) awaitRenewal(victim string) {
	b.t.Helper()
	eventually.NoError(b.t, time.Minute, func() error {
		if b.sim.ExecutionCount(victim) == 0 {
			return fmt.Errorf("%s is not executed, whose first request ends every token; %d requests of it came", victim, b.sim.ArrivalCount(victim))
		}
		return nil
	})
	if n := b.sim.ArrivalCount(victim); n < 2 {
		b.t.Errorf("%s was executed at its first request: the end of its token did not meet it", victim)
	}
}

// assertFewLogins counts the first token as an expiry: there was none. The least is one login each:
// a token that is good ends all, and what ended it is executed with a later one before the next can
// end.
func (b *providerFixture) assertFewLogins(s expiries) {
	b.t.Helper()
	least := s.times + 1
	most := 2 * least
	if !s.shared {
		most *= processes
	}
	logins := b.sim.Logins()
	b.t.Logf("%s: %d logins by %d processes for %d charges and %d expiries", b.provider, logins, processes, len(b.payments), s.times)
	if logins > most || logins < least {
		b.t.Errorf("%s: %d logins, want %d to %d", b.provider, logins, least, most)
	}
}

// TestNoTokenIsToBeHad: a login that fails is called seldom, delays only its account's payments,
// and they are sent once it works again.
func TestNoTokenIsToBeHad(t *testing.T) {
	t.Parallel()
	for _, s := range []struct {
		name            string
		refuses, shared bool
	}{
		{"refused with 400 and 109, one token for all", true, true},
		{"refused with 400 and 109, a token each", true, false},
		{"503, one token for all", false, true},
		{"503, a token each", false, false},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			c := startSimulators(t, simulators.Options{})
			w := newFixtureIn(t, slowTiming(), redistest.Start(t, redistest.Appendonly("always")), c.process(t),
				c.settings("REMESA_CIRCUIT_COOLDOWN", cooldown.String())...)
			if s.shared {
				w.settings["REMESA_TOKEN_KEY"] = tokenKey
			}
			parts := []*providerFixture{w.addProvider(c, pagoseguro.Name), w.addProvider(c, pagandocheck.Name)}
			for _, b := range parts {
				if s.refuses {
					b.addFault(sandbox.Fault{Kind: "unauthorized", Operation: sandbox.LoginOperation})
				}
				b.submit(b.newCharges(25)...)
			}
			c.setRefuseLogins(!s.refuses)
			began := time.Now()
			w.work(2)
			w.submit(w.newPayments(50)...)
			w.awaitSettled(testTimeout)
			all(t, w.audit(allowances{}), idempotency.Succeeded)
			pause(3 * cooldown)
			for _, b := range parts {
				b.assertParked(c, time.Since(began))
				b.sim.ClearFaults()
			}
			c.setRefuseLogins(false)
			for _, b := range parts {
				b.awaitSettled(10*cooldown + w.certainty())
				all(t, b.audit(allowances{repeats: true, otherIDs: b.provider == pagandocheck.Name}), idempotency.Succeeded)
			}
		})
	}
}

const cooldown = 2 * time.Second

// assertParked demands that no payment of the provider was sent, final or held, and that the login
// was called seldom: twice per process for each cooldown that began, and twice at first.
func (b *providerFixture) assertParked(c *simulatorServer, since time.Duration) {
	b.t.Helper()
	most := 2 * 2 * (int(since/cooldown) + 2)
	logins := c.loginsAt(b.provider)
	b.t.Logf("%s: %d logins by 2 processes in %s, with a cooldown of %s and %d charges waiting", b.provider, logins, since.Round(time.Second), cooldown, len(b.payments))
	if logins == 0 || logins > most {
		b.t.Errorf("%s: %d logins, want 1 to %d", b.provider, logins, most)
	}
	counts, err := b.counts()
	if err != nil || counts[idempotency.Queued]+counts[idempotency.Ready] != int64(len(b.payments)) {
		b.t.Errorf("%s: %v %v, want all %d waiting", b.provider, counts, err, len(b.payments))
	}
	if n := len(b.sim.Arrivals()); n != 0 {
		b.t.Errorf("%s: %d charges were sent without a token", b.provider, n)
	}
}
