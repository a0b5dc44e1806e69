package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/bench/redisserver"
	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

const (
	provider = "pagoseguro"
	cardless = "etpay" // whose subscriptions have no card
	batch    = 256     // as `enqueue subscription add` has it
)

// Starts of subscriptions: one that falls due long after the measurement, and one that was due a
// minute before it.
const (
	far  = "2099-08-31"
	past = "past"
)

// fixture is a Redis with subscriptions in it.
type fixture struct {
	server *redisserver.Server
	store  *billing.Store
}

func newFixture(s *redisserver.Server) *fixture {
	return &fixture{server: s, store: billing.NewStore(s.Client, billing.StoreOptions{})}
}

const customer = `,"customer":{"name":"Ana Ruiz","email":"ana@example.com","document_type":1,"document":"100000000","phone":"3100000000",` +
	`"address":"Calle 10 # 10-99","city":"Bogotá","first_names":"Ana","last_names":"Ruiz"}`

// card has a token of a real one's length.
var card = `,"card":{"token":"` + strings.Repeat("eyJpdiI6", 24) + `","brand":"MasterCard","expiry_month":6,"expiry_year":99,"installments":1}`

// lines are n subscriptions as JSON Lines, those of a provider with cards with customer and card.
func lines(name, provider string, n int, start string) []byte {
	at := "09:00"
	if start == past {
		due := time.Now().UTC().Add(-time.Minute)
		start, at = due.Format(time.DateOnly), due.Format("15:04")
	}
	currency, blocks := "COP", customer+card
	if provider == cardless {
		currency, blocks = "CLP", ""
	}
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"id":"%s-%07d","provider":"%s","amount":"32900","currency":"%s","description":"Suscripción Canal",`+
			`"start":"%s","schedule":{"every":"month","at":"%s","timezone":"UTC"},"catch_up":"35d","dunning":["24h","72h","120h"]%s}`+"\n",
			name, i, provider, currency, start, at, blocks)
	}
	return b.Bytes()
}

// add does what `enqueue subscription add` does with a file: one goroutine decodes, another stores.
func (f *fixture) add(ctx context.Context, input []byte) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	decoded := make(chan tasks.Subscription, batch)
	go func() {
		defer close(decoded)
		cancel(decode(ctx, input, decoded))
	}()
	for more := true; more; {
		var subs []tasks.Subscription
		for s := range decoded {
			if subs = append(subs, s); len(subs) == batch {
				break
			}
		}
		more = len(subs) == batch
		if err := f.keep(context.WithoutCancel(ctx), subs); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func decode(ctx context.Context, input []byte, out chan<- tasks.Subscription) error {
	lines := tasks.NewSubscriptionReader(bytes.NewReader(input))
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err = errors.Join(err, line.Err); err != nil {
			return err
		}
		select {
		case out <- line.Subscription:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fixture) keep(ctx context.Context, subs []tasks.Subscription) error {
	if len(subs) == 0 {
		return nil
	}
	now, err := f.store.Now(ctx, provider)
	if err != nil {
		return err
	}
	additions := make([]billing.Addition, len(subs))
	for i, s := range subs {
		// Added a day ago, so that what was due a minute ago is due, and no backfill.
		additions[i] = billing.NewAddition(s, nil, now.AddDate(0, 0, -1))
	}
	answers, err := f.store.Add(ctx, additions...)
	for _, a := range answers {
		if !a.New {
			return errors.New("a subscription was there already")
		}
	}
	return err
}

// sweep sweeps until as many charges are registered, with several sweepers that have connections of
// their own.
func (f *fixture) sweep(ctx context.Context, sweepers, want int) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	errs := make([]error, sweepers)
	var wg sync.WaitGroup
	for i := range sweepers {
		wg.Go(func() { errs[i] = f.sweepAlone(ctx, want) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

const (
	sweepTimeout  = 10 * time.Minute
	retryInterval = 100 * time.Millisecond
)

// sweepWithout sweeps again while charges are missing: what a sweep leaves, because a reply came
// too late, is due again half a minute later.
func (f *fixture) sweepAlone(ctx context.Context, want int) error {
	rdb := redis.NewClient(&redis.Options{Addr: f.server.Addr, ReadTimeout: 30 * time.Second})
	defer func() { _ = rdb.Close() }()
	ledger := idempotency.NewRedis(rdb, idempotency.Options{})
	s := billing.NewSweeper(billing.SweeperConfig{
		Store: billing.NewStore(rdb, billing.StoreOptions{}), Ledger: ledger,
		Intake: tasks.NewClient(ledger, rdb, tasks.ClientOptions{}), Log: zerolog.Nop(),
	})
	for {
		if _, err := s.Sweep(ctx, provider); err != nil {
			return err
		}
		counts, err := ledger.Counts(ctx, provider)
		switch got := int(counts[idempotency.Queued]); {
		case err != nil:
			return err
		case got == want:
			return nil
		case got > want:
			return fmt.Errorf("%d charges were registered, want %d", got, want)
		}
		select {
		case <-time.After(retryInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// used is the memory that Redis uses.
func used(ctx context.Context, s *redisserver.Server) (int64, error) {
	info, err := s.Client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			return strconv.ParseInt(v, 10, 64)
		}
	}
	return 0, errors.New("INFO memory has no used_memory")
}
