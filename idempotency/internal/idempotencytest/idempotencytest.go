// Package idempotencytest is the conformance suite of the ledger and its stores: a table of
// sentences, each with the calls that prove it. A store must pass Run before a worker may use it.
package idempotencytest

import (
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// Fixture is an empty ledger with a virtual clock.
type Fixture struct {
	Ledger *idempotency.Ledger
	// Provider is the name under which this fixture's payments are kept; no other fixture has it.
	Provider string
	// Advance moves the store's clock, by whole milliseconds.
	Advance func(time.Duration)
	// Another opens the store as another process does, which remembers nothing of it.
	Another func() *idempotency.Ledger
	// Restart makes the store look as after a restart of its server.
	Restart func(*testing.T)
	// Rewind notes a payment's record and the number of sends, and returns what writes both back: a
	// store that forgets what happened in between.
	Rewind func(*testing.T, idempotency.Key) (forget func())
	// Outcomes reads the provider's outcome stream from its beginning.
	Outcomes func(*testing.T) []map[string]string
}

// Open makes a fixture whose provider has this policy.
type Open func(t *testing.T, p idempotency.Policy) Fixture

// row is one promise: a sentence, the policy where it is not the default, and the calls that prove
// it.
type row struct {
	does   string
	policy func(*idempotency.Policy)
	// together: the row is about what the payments of one partition share.
	together bool
	// exclusive: its payments claim an object, for which a provider must have one partition.
	exclusive bool
	run       func(e *suite)
}

type group struct {
	name string
	rows []row
}

// Run tests a store against every row.
func Run(t *testing.T, open Open) {
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) {
			for _, r := range g.rows {
				t.Run(r.does, func(t *testing.T) { r.prove(t, open) })
			}
		})
	}
}

func groups() []group {
	return []group{
		{"register", registerRows()},
		{"begin", beginRows()},
		{"attempt", attemptRows()},
		{"finish", finishRows()},
		{"late results", lateRows()},
		{"late results beyond the table", lateMoreRows()},
		{"status query", queryRows()},
		{"status results", statusRows()},
		{"not found", notFoundRows()},
		{"final payments", watchRows()},
		{"payers who must act", sessionRows()},
		{"resolve", resolveRows()},
		{"retry", retryRows()},
		{"cancel, release, halt", interventionRows()},
		{"brakes", brakeRows()},
		{"states", stateRows()},
		{"wake-ups", wakeRows()},
		{"parked", parkRows()},
		{"lists", listRows()},
		{"outcomes", outcomeRows()},
		{"what the store has lost", lostRows()},
		{"a store that forgets", epochRows()},
		{"two successes", doubleRows()},
		{"whose payment", foreignRows()},
		{"contradictions", contradictionRows()},
		{"differences of statements", differenceRows()},
		{"what is published", publishRows()},
	}
}

func (r row) prove(t *testing.T, open Open) {
	p := idempotency.DefaultPolicy()
	p.PublishAll = true // so that the outcome stream can be held against the history
	if r.policy != nil {
		r.policy(&p)
	}
	// Each partition has query proofs of its own.
	e := &suite{t: t, Fixture: open(t, p), policy: p, together: r.together || p.Resend}
	if r.exclusive && len(e.Ledger.Partitions(e.Provider)) > 1 {
		e.wantObjectRefused()
		return
	}
	r.run(e)
	e.checkInvariants()
}

// resend is the policy that sends again what the provider does not know.
func resend(p *idempotency.Policy) { p.Resend = true }
