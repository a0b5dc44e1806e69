package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/engine"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/providers/wire"
)

// process is a worker as it runs between two crashes: the real engine with its real clients. An
// operator, or a billing system, is one without an engine.
type process struct {
	world   *world
	name    string
	engine  *engine.Engine
	sweeper *billing.Sweeper
	ledger  *idempotency.Ledger
	number  uint64
	stalled time.Time // until when it stands still

	mu      sync.Mutex
	ticking map[string]bool // by provider
	dead    bool
	busy    int
	conns   []*conn
}

const slots = 3

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

func (p *process) free() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy < slots
}

// random is the same number for all that ask at the same time: two that are woken together may ask
// in any order.
func (p *process) random() float64 {
	return rand.New(rand.NewPCG(p.world.plan.seed^p.number<<32, uint64(time.Now().UnixNano()))).Float64() // #nosec G404 -- it must repeat
}

func (p *process) opened(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
}

// do runs something of the process.
func (p *process) do(what func()) {
	p.mu.Lock()
	p.busy++
	p.mu.Unlock()
	go func() {
		defer func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.busy--
		}()
		what()
	}()
}

func (p *process) serve(ctx context.Context, w idempotency.WakeUp) {
	p.world.note(&w.Key, p.name, "is woken")
	p.do(func() { p.engine.Serve(context.WithValue(ctx, servedKey{}, &w.Key), w) })
}

// tick has the process's janitor of a provider look once; it has one.
func (p *process) tick(ctx context.Context, provider string) {
	p.mu.Lock()
	busy := p.ticking[provider]
	p.ticking[provider] = true
	p.mu.Unlock()
	if busy {
		return
	}
	p.do(func() {
		defer func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ticking[provider] = false
		}()
		_ = p.engine.Tick(ctx, provider)
	})
}

func (p *process) sweep(ctx context.Context) {
	p.do(func() { _, _ = p.sweeper.Sweep(ctx, pagoseguro.Name) })
}

// kill ends a process where it stands; what it sent is on its way.
func (w *world) kill(p *process) {
	p.mu.Lock()
	p.dead = true
	conns := p.conns
	p.mu.Unlock()
	for _, at := range w.waitingOf(p) {
		w.let(at, die)
	}
	for _, c := range conns {
		_ = c.Close()
	}
}

func (w *world) waitingOf(p *process) []*waiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*waiter
	for _, a := range w.waiting {
		if a.process == p {
			all = append(all, a)
		}
	}
	return all
}

func (w *world) newProcess(name string, number uint64) *process {
	p := &process{world: w, name: name, number: number, ticking: map[string]bool{}}
	p.ledger = idempotency.NewLedger(&processStore{Store: w.store.memory, world: w, process: p}, w.plan.options())
	return p
}

// startWorker starts a worker with the settings that the sandbox takes.
func (w *world) startWorker(name string, number uint64) (*process, error) {
	p := w.newProcess(name, number)
	p.sweeper = w.newSweeper(p)
	registry, err := w.registry(p)
	if err != nil {
		return nil, err
	}
	p.engine, err = engine.New(engine.Options{
		Ledger: p.ledger, Registry: registry, Log: zerolog.Nop(),
		RequestTimeout: requestTimeout, AttemptDeadline: attemptDeadline, Lease: lease, TaskTimeout: lease + 15*time.Second,
		ShutdownTimeout: lease + 20*time.Second, Concurrency: func(string) int { return slots },
		RetryBase: time.Second, RetryMax: 10 * time.Minute, PollFirst: 2 * time.Second, PollMax: 15 * time.Minute,
		JanitorInterval: time.Second, CircuitCooldown: 30 * time.Second,
		Enqueue: func(_ context.Context, batch []idempotency.WakeUp) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.queue = append(w.queue, batch...)
			return nil
		},
		OnFaultPoint: func(point engine.FaultPoint, k idempotency.Key) {
			if pathPoints[point] {
				w.stop(p, pathPoint, &k, string(point))
			}
		},
		Random: p.random,
	})
	return p, err
}

// pathPoints are the fault points at which nothing else stops the path anyway.
var pathPoints = map[engine.FaultPoint]bool{
	engine.PointBegun: true, engine.PointSend: true, engine.PointWrite: true, engine.PointWritten: true, engine.PointSent: true,
	engine.PointWake: true, engine.PointFinished: true, engine.PointQueryDone: true,
}

// The times of the documented defaults.
const (
	requestTimeout  = 20 * time.Second
	attemptDeadline = 55 * time.Second // the lease less its margin
	lease           = time.Minute
)

// base is the address of a simulated provider, a port for each, so that a connection says whose it
// is.
func base(provider string) string {
	return fmt.Sprintf("http://127.0.0.1:%d/%s", firstPort+slices.Index(catalog.Names(), provider), provider)
}

const firstPort = 9100

// providerAt is the provider with that address.
func providerAt(address string) string {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	return catalog.Names()[n-firstPort]
}

type servedKey struct{}

func (w *world) registry(p *process) (providers.Registry, error) {
	r := providers.Registry{}
	for _, s := range []struct {
		provider string
		settings spec.Settings
	}{
		{virtualpos.Name, &virtualpos.Settings{BaseURL: base(virtualpos.Name), APIKey: "sandbox-api-key", SecretKey: "sandbox-secret-key"}},
		{pagoseguro.Name, &pagoseguro.Settings{BaseURL: base(pagoseguro.Name), AccountID: "123456789", APIKey: "sandbox-api-key"}},
		{pagandocheck.Name, &pagandocheck.Settings{BaseURL: base(pagandocheck.Name), User: "sandbox-user", Password: "sandbox-password", TwoStep: w.plan.twoStep}},
		{coordinador.Name, &coordinador.Settings{
			PortalURL: base(coordinador.Name), GatewayURL: base(coordinador.Name) + "/staging/api", Username: "pagos@empresa.example", Password: "sandbox-password",
		}},
		{etpay.Name, &etpay.Settings{
			BaseURL: base(etpay.Name), PaymentURL: base(etpay.Name), MerchantCode: "cl_sandbox_cl", MerchantAPIToken: "sandbox-merchant-api-token",
			PayoutsURL: base(etpay.Name), PayoutsUsername: "ops@example.cl", PayoutsPassword: "sandbox-password",
		}},
	} {
		client, err := s.settings.Client(spec.Parts{
			Wire: wire.Options{Timeout: requestTimeout, Concurrency: slots, Dial: w.dial(p)},
			Auth: auth.Options{
				Account: s.provider + "/" + idempotency.DefaultAccount, Shared: w.tokens.of(p), Cooldown: 30 * time.Second, Random: p.random,
			},
		})
		if err != nil {
			return nil, err
		}
		r.Add(providers.Account{Provider: s.provider, Name: idempotency.DefaultAccount, Client: client, Identity: s.provider})
	}
	return r, nil
}
