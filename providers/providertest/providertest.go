// Package providertest is the conformance suite that every provider's adapter must pass, against
// its simulator and over real connections: plain and TLS, fresh and reused. What a provider can do
// is read from the client's types: one without a status query has no status rows.
package providertest

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/wire"
)

// Suite is an adapter with its simulator.
type Suite struct {
	// Simulator makes a fresh simulator that executes duplicates.
	Simulator func() *sandbox.Provider
	// Client makes the adapter's client.
	Client func(t *testing.T, env Env) any
	// Payout makes a payout of that reference, for a Payer; Charge a charge, for a Charger.
	Payout func(t *testing.T, reference string) providers.Payout
	Charge func(t *testing.T, reference string) providers.Charge
	// Paid is what an attempt comes to when nothing is wrong; Succeeded unless set.
	Paid providers.Class
	// Absent is what a status query says of a payment that was not executed; NotFound unless set.
	Absent providers.Class
	// DeclineCode is the raw code that the provider declines with; "E-133" unless set.
	DeclineCode string
	// Renews says that the adapter logs in again after a 401 and repeats its request once within
	// the attempt.
	Renews bool
	// QueriesFirst says that the adapter queries before it sends and leaves alone what it finds and
	// did not make. Whether the simulator executes duplicates is then the simulator's own test.
	QueriesFirst bool
	// Sessions says that an attempt only opens a session, in which a payer pays later: it may be
	// repeated after every end but a refusal.
	Sessions bool
	// Without names rows of what this provider cannot do, or does otherwise; Extra are rows that
	// only this provider has.
	Without []string
	Extra   []Row
	// FreshConnectionsOnly runs the rows over plain, fresh connections only: for further settings
	// of an adapter that passed in every way.
	FreshConnectionsOnly bool
}

// Env is what a client needs to know of the simulator that it is to reach.
type Env struct {
	// URL is where the simulator is served; Base is that of its prefix.
	URL, Base string
	// Wire bounds one exchange, and has the authority of a TLS simulator.
	Wire wire.Options
}

// Run runs every row, in every way unless FreshConnectionsOnly is set.
func Run(t *testing.T, s Suite) {
	t.Helper()
	s = s.withDefaults()
	table := append(rows(t, s), s.Extra...)
	for _, way := range s.transports() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			for _, row := range table {
				t.Run(row.Name, func(t *testing.T) {
					t.Parallel()
					start(t, s, way.of(row)).run(t, row)
				})
			}
			if s.Renews {
				t.Run("a provider that refuses every token", func(t *testing.T) {
					t.Parallel()
					start(t, s, way).refusesEveryToken(t)
				})
			}
			if s.QueriesFirst {
				t.Run("what another attempt made is left alone", func(t *testing.T) {
					t.Parallel()
					start(t, s, way).findsAnothers(t)
				})
				return
			}
			if s.Sessions {
				return // the rows open a second session themselves
			}
			t.Run("the simulator executes a repeated reference", func(t *testing.T) {
				t.Parallel()
				start(t, s, way).provesNothingForUs(t)
			})
		})
	}
}

// AsAssumed is the form of a provider that every way of Forms is run for.
const AsAssumed = "as assumed"

// Forms runs the suite for each form that a provider may have: AsAssumed in every way, the others
// FreshConnectionsOnly.
func Forms[O any](t *testing.T, forms map[string]O, suite func(form O) Suite) {
	t.Helper()
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := suite(form)
			s.FreshConnectionsOnly = s.FreshConnectionsOnly || name != AsAssumed
			Run(t, s)
		})
	}
}

func (s Suite) withDefaults() Suite {
	if s.Paid == "" {
		s.Paid = providers.Succeeded
	}
	if s.Sessions {
		s.Paid, s.Absent = providers.Pending, providers.Pending
	}
	if s.Absent == "" {
		s.Absent = providers.NotFound
	}
	if s.DeclineCode == "" {
		s.DeclineCode = "E-133"
	}
	return s
}

type transport struct {
	name           string
	secure, reused bool
}

// transports are read only.
var transports = []transport{
	{"plain, fresh connection", false, false},
	{"plain, reused connection", false, true},
	{"TLS, fresh connection", true, false},
	{"TLS, reused connection", true, true},
}

func (s Suite) transports() []transport {
	if s.FreshConnectionsOnly {
		return transports[:1]
	}
	return transports
}

// of leaves no idle connection behind for a provider that is gone: what is written to one before
// its end is noticed may have left.
func (w transport) of(row Row) transport {
	w.reused = w.reused && !row.Gone
	return w
}

// fixture is one simulator with one client, for one row.
type fixture struct {
	Suite
	server    *httptest.Server
	simulator *sandbox.Simulator
	client    any
	// providerRefs are what attempts kept, by reference.
	providerRefs map[string]map[string]string
	offered      requestCounter
}

// requestCounter counts how often each token was offered.
type requestCounter struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *requestCounter) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := r.Header.Get("Authorization"); token != "" {
			c.mu.Lock()
			c.counts[token]++
			c.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

// most is how many tokens were offered, and how often the one that was offered most.
func (c *requestCounter) most() (tokens, times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.counts {
		times = max(times, n)
	}
	return len(c.counts), times
}

func start(t *testing.T, s Suite, w transport) *fixture {
	t.Helper()
	simulator := s.Simulator()
	b := &fixture{Suite: s, simulator: simulator.Simulator, providerRefs: map[string]map[string]string{}, offered: requestCounter{counts: map[string]int{}}}
	b.server = httptest.NewUnstartedServer(b.offered.watch(simulator))
	b.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	env := Env{Wire: wire.Options{Timeout: 30 * time.Second}}
	if w.secure {
		b.server.StartTLS()
		env.Wire.CAFile = authority(t, b.server)
	} else {
		b.server.Start()
	}
	t.Cleanup(b.server.Close)
	env.URL, env.Base = b.server.URL, b.server.URL+simulator.Prefix
	b.client = s.Client(t, env)
	if w.reused {
		b.warm(t)
	}
	return b
}

func authority(t *testing.T, server *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// warm leaves an idle connection behind, by a payment of another reference.
func (b *fixture) warm(t *testing.T) {
	t.Helper()
	if o, err := b.attempt(t, t.Context(), "warm1"); err != nil || o.Class != b.Paid {
		t.Fatalf("a plain payment came to %v, %v", o.Class, err)
	}
}

// attempt makes one attempt at a payment, as the engine would.
func (b *fixture) attempt(t *testing.T, ctx context.Context, reference string) (providers.Outcome, error) { //nolint:revive // t leads in tests
	t.Helper()
	a := providers.Attempt{
		ID: "attempt-" + reference, ProviderRefs: maps.Clone(b.providerRefs[reference]), Checkpoint: b.checkpoint(t, reference),
		Alias: func(context.Context, string) error { return nil },
	}
	switch client := b.client.(type) {
	case providers.Payer:
		return client.Pay(ctx, b.Payout(t, reference), a)
	case providers.Charger:
		return client.Charge(ctx, b.Charge(t, reference), a)
	}
	t.Fatalf("%T is neither a Payer nor a Charger", b.client)
	return providers.Outcome{}, nil
}

// checkpoint keeps provider references as the ledger would. Where the next step can move money,
// none that can has left before.
func (b *fixture) checkpoint(t *testing.T, reference string) func(context.Context, map[string]string, bool) error {
	t.Helper()
	before := b.simulator.ArrivalCount(reference)
	return func(_ context.Context, providerRefs map[string]string, moneyStepNext bool) error {
		if b.providerRefs[reference] == nil {
			b.providerRefs[reference] = map[string]string{}
		}
		maps.Copy(b.providerRefs[reference], providerRefs)
		if moneyStepNext && b.simulator.ArrivalCount(reference) > before {
			t.Error("a request that can move money left before the attempt noted that it may")
		}
		return nil
	}
}

// query is a status query as the engine would after that outcome.
func (b *fixture) query(t *testing.T, reference string, o providers.Outcome) providers.StatusQuery {
	t.Helper()
	q := providers.StatusQuery{Account: "default", Reference: reference, ProviderID: o.ProviderID, ProviderRefs: maps.Clone(b.providerRefs[reference])}
	if q.ProviderRefs == nil {
		q.ProviderRefs = map[string]string{}
	}
	maps.Copy(q.ProviderRefs, o.ProviderRefs)
	if _, pays := b.client.(providers.Payer); pays {
		p := b.Payout(t, reference)
		q.Payout, q.Amount = &p, p.Amount
		return q
	}
	c := b.Charge(t, reference)
	q.Charge, q.Amount = &c, c.Amount
	return q
}
