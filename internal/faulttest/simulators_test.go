package faulttest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox"
	simulators "github.com/remesa/remesa/providers/sandbox/all"
	portalsimulator "github.com/remesa/remesa/providers/sandbox/coordinador"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

// tokenKey is 32 bytes in base64.
const tokenKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" // #nosec G101 -- it seals nothing but tests

// Credentials of the simulators that are canaries.
const (
	accountID     = "123456789"
	password      = "sandbox-password"
	merchantToken = "sandbox-merchant-api-token"
	bearer        = "Bearer "
	apiUser       = "sandbox-user"
)

// simulatorServer is all simulators, in the process of the tests so that these can configure them
// freely, behind a handler that records tokens and logins.
type simulatorServer struct {
	sandbox *simulators.Sandbox
	url     string

	mu sync.Mutex
	// refuseLogins turns all logins away with 503.
	refuseLogins bool
	logins       map[string]int // requests for a token by the prefix of their path
	tokens       map[string]bool
}

func startSimulators(t testing.TB, o simulators.Options) *simulatorServer {
	t.Helper()
	commands.Path(t, worker) // nothing is to wait for it later
	c := &simulatorServer{sandbox: simulators.New(o), logins: map[string]int{}, tokens: map[string]bool{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *simulatorServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.record(r) {
		c.sandbox.ServeHTTP(w, r)
		return
	}
	http.Error(w, "<h1>Service Unavailable</h1>", http.StatusServiceUnavailable)
}

func (c *simulatorServer) record(r *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if token, found := strings.CutPrefix(r.Header.Get("Authorization"), bearer); found {
		c.tokens[token] = true
	}
	for _, end := range []string{"/auth/accountlogin", "/get-token", "/token/obtain/"} {
		if strings.HasSuffix(r.URL.Path, end) {
			c.logins["/"+strings.Split(r.URL.Path, "/")[1]]++
			return !c.refuseLogins
		}
	}
	return true
}

func (c *simulatorServer) setRefuseLogins(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuseLogins = away
}

// loginsAt is how many requests for a token came for the provider, refused ones included.
func (c *simulatorServer) loginsAt(provider string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.logins["/"+provider]
}

// seen are all provider tokens that were used.
func (c *simulatorServer) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.tokens))
}

func (c *simulatorServer) process(t testing.TB) *simulatorProcess {
	return &simulatorProcess{t: t, url: c.at(virtualpos.Name)}
}

// at is the address of a provider.
func (c *simulatorServer) at(provider string) string { return c.url + c.sandbox.Find(provider).Prefix }

// settings are those of all providers but VirtualPOS, and more, in pairs of name and value.
func (c *simulatorServer) settings(more ...string) []string {
	return append([]string{
		"REMESA_PAGOSEGURO_BASE_URL", c.at(pagoseguro.Name),
		"REMESA_PAGOSEGURO_ACCOUNT_ID", accountID, "REMESA_PAGOSEGURO_API_KEY", apiKey,
		"REMESA_PAGANDOCHECK_BASE_URL", c.at(pagandocheck.Name),
		"REMESA_PAGANDOCHECK_USER", apiUser, "REMESA_PAGANDOCHECK_PASSWORD", password,
		"REMESA_COORDINADOR_PORTAL_URL", c.at(coordinador.Name),
		"REMESA_COORDINADOR_GATEWAY_URL", c.at(coordinador.Name) + portalsimulator.Gateway,
		"REMESA_COORDINADOR_USERNAME", "pagos@empresa.example", "REMESA_COORDINADOR_PASSWORD", password,
		"REMESA_ETPAY_BASE_URL", c.at(etpay.Name), "REMESA_ETPAY_PAYMENT_URL", c.at(etpay.Name),
		"REMESA_ETPAY_MERCHANT_CODE", "cl_sandbox_cl", "REMESA_ETPAY_MERCHANT_API_TOKEN", merchantToken,
	}, more...)
}

func (c *simulatorServer) of(provider string) *sandbox.Simulator {
	return c.sandbox.Find(provider).Simulator
}

// providerFixture is one provider's part of a fixture: its payments are submitted, awaited and
// audited by themselves.
type providerFixture struct {
	*fixture
	sim *sandbox.Simulator
}

func (w *fixture) addProvider(c *simulatorServer, provider string) *providerFixture {
	part := *w
	part.provider, part.payments = provider, map[string]payment{}
	part.simulator = &simulatorProcess{t: w.t, url: c.url + "/" + provider}
	part.prefix = strings.NewReplacer("-", "", "_", "", ".", "").Replace(w.prefix) // every provider takes letters and digits
	return &providerFixture{fixture: &part, sim: c.of(provider)}
}

func (b *providerFixture) addFault(f sandbox.Fault) {
	b.t.Helper()
	if err := b.sim.AddFaults(f); err != nil {
		b.t.Fatal(err)
	}
}

// newCharge makes one whose amount and payer are no other's.
func (b *providerFixture) newCharge(reference string) tasks.Task {
	b.t.Helper()
	n := len(b.payments) + 1
	charge := map[string]func(int) tasks.Charge{pagoseguro.Name: pagoSeguroCharge, pagandocheck.Name: pagandoCheckCharge}[b.provider](n)
	charge.Provider, charge.TxnID, charge.Description = b.provider, b.prefix+reference, "Plan"
	return b.keep(charge)
}

// keep records what the provider must do for a charge.
func (b *providerFixture) keep(charge tasks.Charge) tasks.Task {
	b.t.Helper()
	task, err := charge.Task()
	if err != nil {
		b.t.Fatal(err)
	}
	beneficiary := charge.Customer.ID + " " + charge.Card.Token.Reveal() + " " + charge.Agreement
	if b.provider == pagoseguro.Name {
		beneficiary = fmt.Sprint(charge.Customer.DocumentType, " ", charge.Customer.Document)
	}
	b.payments[charge.TxnID] = payment{amount: charge.Amount, beneficiary: beneficiary, task: task}
	return task
}

func (b *providerFixture) newCharges(n int) []tasks.Task {
	b.t.Helper()
	var ts []tasks.Task
	for i := range n {
		ts = append(ts, b.newCharge(fmt.Sprintf("%04d", i)))
	}
	return ts
}

func pagoSeguroCharge(n int) tasks.Charge {
	return tasks.Charge{
		Amount: fmt.Sprint(20_000 + n), Currency: "COP",
		Customer: providers.Customer{
			Name: "Ana Ruiz", Email: "ana@example.com", DocumentType: 1, Document: fmt.Sprint(100_000_000 + n), Phone: "3100000000",
			Address: "Calle 10 # 10-99", City: "Bogota", FirstNames: "Ana", LastNames: "Ruiz",
		},
		Card: tasks.Card{
			Token: "eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=", Brand: "MasterCard", ExpiryMonth: 12, ExpiryYear: 99,
			Installments: 1,
		},
	}
}

func pagandoCheckCharge(n int) tasks.Charge {
	return tasks.Charge{
		Amount: fmt.Sprintf("%d.50", 100+n), Currency: "MXN",
		Customer:  providers.Customer{ID: fmt.Sprintf("5d1c0b1e-2f6a-4a1e-9a55-%012d", n)},
		Card:      tasks.Card{Token: tasks.Token(fmt.Sprintf("cd_example-%06d", n))},
		Agreement: fmt.Sprintf("CONTRATO-%06d", n),
	}
}
