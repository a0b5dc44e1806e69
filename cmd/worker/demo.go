package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/sandbox"
)

type demoCmd struct {
	Once bool   `help:"End with a table of outcomes instead of staying up; exit 0 when every outcome is as expected."`
	Addr string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where the demo listens; with --once on any free port."`
}

// Run plays sample payments through an embedded Redis and the simulators. No real provider is ever
// involved.
func (cmd demoCmd) Run(ctx context.Context, c *config.Config) error {
	if err := c.Complete(); err != nil {
		return err
	}
	if c.RealURLs() {
		return errors.New("the demo refuses to run beside real provider URLs: unset the REMESA_…_URL variables")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stage, err := newStage(ctx, cmd, c.Keys)
	if err != nil {
		return err
	}
	defer stage.close()
	working := make(chan error, 1)
	go func() { working <- stage.service.serve(ctx) }()
	select {
	case stage.addr = <-stage.service.addr:
	case err := <-working: // it cannot listen
		return err
	}
	if err := stage.play(ctx); err != nil {
		return err
	}
	if !cmd.Once && ctx.Err() == nil {
		stage.invite()
		<-ctx.Done()
	}
	cancel()
	return <-working
}

// stage is everything that the demo needs: an embedded Redis, the simulators, a worker.
type stage struct {
	redis   *miniredis.Miniredis
	sandbox *sandbox.Sandbox
	rdb     redis.UniversalClient
	service *service
	cancel  context.CancelFunc
	// addr is where the pages are; password is theirs, for this run only.
	addr       string
	password   string
	subscriber subscriber
}

const demoUser = "demo"

func newStage(ctx context.Context, cmd demoCmd, keys config.Keys) (*stage, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stage{cancel: cancel, redis: miniredis.NewMiniRedis(), sandbox: sandbox.New(sandbox.Options{}), password: rand.Text()}
	if err := s.redis.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("embedded Redis: %w", err)
	}
	go s.age(ctx)
	var err error
	if s.subscriber, err = newSubscriber(time.Now()); err != nil {
		s.close()
		return nil, err
	}
	url, err := s.openProviders(ctx)
	if err != nil {
		s.close()
		return nil, err
	}
	if s.service, err = s.worker(cmd, url, keys); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// age lets the embedded Redis forget what has expired: its own clock stands still.
func (s *stage) age(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.redis.FastForward(time.Second)
		}
	}
}

func (s *stage) openProviders(ctx context.Context) (url string, err error) {
	for _, provider := range []string{providers.VirtualPOS, providers.PagoSeguro, providers.PagandoCheck, providers.ETpay, providers.Coordinador} {
		if err := s.desk(provider).AddFaults(demoFaults(provider)...); err != nil {
			return "", err
		}
	}
	if err := s.sandbox.PagoSeguro().AddFaults(s.subscriber.fault()); err != nil {
		return "", err
	}
	s.sandbox.CoordinadorRow(registeredInstruction, "12500")
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = s.sandbox.Serve(ctx, l) }()
	return "http://" + l.Addr().String(), nil
}

// desk is the simulator of a provider.
func (s *stage) desk(provider string) *sandbox.Desk {
	switch provider {
	case providers.PagoSeguro:
		return s.sandbox.PagoSeguro()
	case providers.Coordinador:
		return s.sandbox.Coordinador()
	case providers.PagandoCheck:
		return s.sandbox.PagandoCheck()
	case providers.ETpay:
		return s.sandbox.ETpay()
	default:
		return s.sandbox.VirtualPOS()
	}
}

// worker is the one of worker run, with times short enough to watch. Payload keys are the caller's,
// or enqueue in the same shell would seal what the demo could not open.
func (s *stage) worker(cmd demoCmd, url string, keys config.Keys) (*service, error) {
	addr := cmd.Addr
	if cmd.Once {
		addr = "127.0.0.1:0"
	}
	c, err := settings(map[string]string{
		"REMESA_REDIS_URL": "redis://" + s.redis.Addr() + "/0", "REMESA_HTTP_ADDR": addr,
		"REMESA_DASHBOARD_USER": demoUser, "REMESA_DASHBOARD_PASSWORD": s.password, "REMESA_DASHBOARD_WRITABLE": "true",
		"REMESA_REQUEST_TIMEOUT": "1s", "REMESA_LEASE": "4s", "REMESA_SETTLE_TIME": "1s", "REMESA_NOT_FOUND_INTERVAL": "200ms",
		"REMESA_RETRY_BASE": "200ms", "REMESA_POLL_FIRST": "300ms", "REMESA_POLL_MAX": "1s", "REMESA_JANITOR_INTERVAL": "100ms", "REMESA_SWEEP_INTERVAL": "100ms",
		"REMESA_VIRTUALPOS_BASE_URL": url + sandbox.VirtualPOSPrefix,
		"REMESA_VIRTUALPOS_API_KEY":  sandboxAPIKey, "REMESA_VIRTUALPOS_SECRET_KEY": sandboxSecretKey,
		"REMESA_PAGOSEGURO_BASE_URL":   url + sandbox.PagoSeguroPrefix,
		"REMESA_PAGOSEGURO_ACCOUNT_ID": sandboxAccountID, "REMESA_PAGOSEGURO_API_KEY": sandboxAPIKey,
		"REMESA_COORDINADOR_PORTAL_URL":  url + sandbox.CoordinadorPrefix,
		"REMESA_COORDINADOR_GATEWAY_URL": url + sandbox.CoordinadorGateway,
		"REMESA_COORDINADOR_USERNAME":    sandboxPortalUser, "REMESA_COORDINADOR_PASSWORD": sandboxPassword,
		"REMESA_ETPAY_BASE_URL": url + sandbox.ETpayPrefix, "REMESA_ETPAY_PAYMENT_URL": url + sandbox.ETpayPrefix,
		"REMESA_ETPAY_MERCHANT_CODE": sandboxMerchant, "REMESA_ETPAY_MERCHANT_API_TOKEN": sandboxMerchantToken,
		"REMESA_ETPAY_PAYOUTS_URL": url + sandbox.ETpayPrefix, "REMESA_ETPAY_PAYOUTS_USERNAME": sandboxPayoutsUser, "REMESA_ETPAY_PAYOUTS_PASSWORD": sandboxPassword,
		"REMESA_PAGANDOCHECK_BASE_URL": url + sandbox.PagandoCheckPrefix,
		"REMESA_PAGANDOCHECK_USER":     sandboxUser, "REMESA_PAGANDOCHECK_PASSWORD": sandboxPassword,
	})
	if err != nil {
		return nil, err
	}
	c.PayloadKeys, c.FingerprintKey = keys.PayloadKeys, keys.FingerprintKey
	if s.rdb, err = c.Client(config.ServerProfile(connections(c))); err != nil {
		return nil, err
	}
	log := zerolog.New(os.Stderr).Level(zerolog.FatalLevel)
	config.HearOthers(log, zerolog.WarnLevel)
	return newService(c, s.rdb, log)
}

// settings is a complete configuration of these variables and the defaults.
func settings(env map[string]string) (*config.Config, error) {
	c := config.New()
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	parser, err := kong.New(c, config.Options(lookup)...)
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse(nil); err != nil {
		return nil, err
	}
	return c, c.Complete()
}

func (s *stage) close() {
	s.cancel()
	if s.rdb != nil {
		_ = s.rdb.Close()
	}
	s.redis.Close()
}

// invite says what to try while the demo stays up.
func (s *stage) invite() {
	fmt.Printf(`
The demo stays up until Ctrl-C. Some payments are held on purpose: nobody could find out whether they were executed. In a browser:

  http://%s/payments   user %s, password %s (made for this run)

Open virtualpos/%s under "Held", settle it, and read in its history who decided what. The page "Queues" shows asynq's
side: try its buttons, no payment will mind. The same in another terminal:

  export REMESA_REDIS_URL=redis://%s/0
  go run ./cmd/enqueue list --state held
  go run ./cmd/enqueue show virtualpos/%s
  go run ./cmd/enqueue resolve virtualpos/%s --as not-received --by you --note "checked with the bank"
  go run ./cmd/enqueue watch --from 0

  http://%s/metrics has the metrics.
`, s.addr, demoUser, s.password, heldReference, s.redis.Addr(), heldReference, heldReference, s.addr)
}
