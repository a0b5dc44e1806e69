// Package demo runs sample payments through an embedded Redis, the simulators, and the worker that
// its caller makes. Then it compares each outcome with the expected one and with what the provider
// executed.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox/all"
	"github.com/remesa/remesa/providers/virtualpos"
)

// Options of a demo.
type Options struct {
	// Text is how whoever looks on is addressed.
	Text i18n.Locale
	// Once ends with a table of outcomes instead of staying up.
	Once bool
	// Addr is where the demo listens; with Once, on any free port.
	Addr string
	// NewWorker makes the worker that is shown, of this configuration.
	NewWorker func(*config.Config, zerolog.Logger) (*Worker, error)
}

// Worker is the worker that is shown.
type Worker struct {
	Redis         redis.UniversalClient // the demo closes it
	Ledger        *idempotency.Ledger
	Subscriptions *billing.Store
	// Serve works until ctx is done; Addr gets the address of its listener once.
	Serve func(ctx context.Context) error
	Addr  <-chan string
}

// Run runs sample payments, once or until ctx is done. It fails where an outcome is not as
// expected, and where c names a real provider.
func Run(ctx context.Context, c *config.Config, o Options) error {
	if c.LiveURLs() {
		return errors.New("the demo refuses to run beside real provider URLs: unset the REMESA_…_URL variables")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d, err := newDemo(ctx, o, c.Keys)
	if err != nil {
		return err
	}
	defer d.close()
	working := make(chan error, 1)
	go func() { working <- d.worker.Serve(ctx) }()
	select {
	case d.addr = <-d.worker.Addr:
	case err := <-working: // it cannot listen
		return err
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	if !o.Once && ctx.Err() == nil {
		d.printHints()
		<-ctx.Done()
	}
	cancel()
	return <-working
}

// demo is everything that the demo needs: an embedded Redis, the simulators, a worker.
type demo struct {
	redis   *miniredis.Miniredis
	sandbox *all.Sandbox
	worker  *Worker
	// fingerprintKey is the caller's, as the payload keys are.
	fingerprintKey []byte
	cancel         context.CancelFunc
	// addr is where the pages are; password is theirs, for this run only.
	addr         string
	password     string
	subscription demoSubscription
	text         i18n.Locale
}

const demoUser = "demo"

func newDemo(ctx context.Context, o Options, keys config.Keys) (*demo, error) {
	ctx, cancel := context.WithCancel(ctx)
	d := &demo{
		cancel: cancel, redis: miniredis.NewMiniRedis(), sandbox: all.New(all.Options{}), password: rand.Text(),
		fingerprintKey: []byte(keys.FingerprintKey.Reveal()), text: o.Text,
	}
	if err := d.redis.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("embedded Redis: %w", err)
	}
	go d.expireKeys(ctx)
	var err error
	if d.subscription, err = newDemoSubscription(time.Now()); err != nil {
		d.close()
		return nil, err
	}
	url, err := d.openProviders(ctx)
	if err != nil {
		d.close()
		return nil, err
	}
	if d.worker, err = d.newWorker(o, url, keys); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// expireKeys advances the clock of the embedded Redis, which does not run by itself, so that keys
// expire.
func (d *demo) expireKeys(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.redis.FastForward(time.Second)
		}
	}
}

func (d *demo) openProviders(ctx context.Context) (url string, err error) {
	for _, p := range d.sandbox.Providers() {
		if err := p.AddFaults(demoFaults(p.Name)...); err != nil {
			return "", err
		}
	}
	if err := d.sandbox.Find(pagoseguro.Name).AddFaults(d.subscription.fault()); err != nil {
		return "", err
	}
	d.sandbox.Coordinador.AddRow(registeredInstruction, "12500")
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = d.sandbox.Serve(ctx, l) }()
	return "http://" + l.Addr().String(), nil
}

// newWorker makes the worker, with times short enough to watch. Payload keys are the caller's, or
// enqueue in the same shell would seal what the demo could not open.
func (d *demo) newWorker(o Options, url string, keys config.Keys) (*Worker, error) {
	addr := o.Addr
	if o.Once {
		addr = "127.0.0.1:0"
	}
	variables := map[string]string{
		"REMESA_REDIS_URL": "redis://" + d.redis.Addr() + "/0", "REMESA_HTTP_ADDR": addr,
		"REMESA_DASHBOARD_USER": demoUser, "REMESA_DASHBOARD_PASSWORD": d.password, "REMESA_DASHBOARD_WRITABLE": "true",
		"REMESA_REQUEST_TIMEOUT": "1s", "REMESA_LEASE": "4s", "REMESA_SETTLE_TIME": "1s", "REMESA_NOT_FOUND_INTERVAL": "200ms",
		"REMESA_RETRY_BASE": "200ms", "REMESA_POLL_FIRST": "300ms", "REMESA_POLL_MAX": "1s", "REMESA_JANITOR_INTERVAL": "100ms", "REMESA_SWEEP_INTERVAL": "100ms",
	}
	for _, p := range d.sandbox.Providers() {
		for _, setting := range p.Settings(url) {
			variables[setting.Name] = setting.Value
		}
	}
	c, err := config.From(variables)
	if err != nil {
		return nil, err
	}
	c.PayloadKeys, c.FingerprintKey = keys.PayloadKeys, keys.FingerprintKey
	log := zerolog.New(os.Stderr).Level(zerolog.FatalLevel)
	config.RedirectStdLog(log, zerolog.WarnLevel)
	return o.NewWorker(c, log)
}

func (d *demo) close() {
	d.cancel()
	if d.worker != nil {
		_ = d.worker.Redis.Close()
	}
	d.redis.Close()
}

// printHints prints what to try while the demo stays up.
func (d *demo) printHints() {
	words, key := d.text.CLI.Demo, virtualpos.Name+"/"+heldReference
	fmt.Printf(`
%s

  http://%s/payments   %s

%s

  export REMESA_REDIS_URL=redis://%s/0
  go run ./cmd/enqueue list --state held
  go run ./cmd/enqueue show %s
  go run ./cmd/enqueue resolve %s --as not-received --by %s --note "%s"
  go run ./cmd/enqueue watch --from 0

  http://%s/metrics %s
`, words.StaysUp, d.addr, words.Login(demoUser, d.password), words.Open(key), d.redis.Addr(), key, key, words.By, words.Note, d.addr, words.Metrics)
}
