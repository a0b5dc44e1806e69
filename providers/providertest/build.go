package providertest

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/sandbox"
)

// Open is a client that is closed when the test ends.
func Open[C any, T interface{ Close() }](t *testing.T, build func(C) (T, error), config C) T {
	t.Helper()
	client, err := build(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// Ready is a client that has its token, as before every attempt, and none of the connections of
// that.
func Ready[T interface {
	Prepare(ctx context.Context) error
	Close()
}](t *testing.T, client T) T {
	t.Helper()
	if err := client.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	client.Close()
	return client
}

// Clock is a time that stands still until the test moves it. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// ClockAt is a clock at that time.
func ClockAt(at time.Time) *Clock { return &Clock{at: at} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass moves the clock.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// WrongSettings are settings that are wrong: what the error begins with behind the prefix, and how.
type WrongSettings[C any] = []struct {
	Setting string
	Spoil   func(c *C)
}

// Settings holds that a constructor names the setting that is wrong, and never its value, which is
// canary.
func Settings[C, T any](t *testing.T, prefix string, build func(C) (T, error), good C, rows WrongSettings[C]) {
	t.Helper()
	for _, row := range rows {
		c := good
		row.Spoil(&c)
		if _, err := build(c); err == nil || !strings.HasPrefix(err.Error(), prefix+row.Setting) || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v, want %s%s", err, prefix, row.Setting)
		}
	}
}

// Serve serves until the test ends, and says where.
func Serve(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// Simulate has a simulated provider fail so, serves it until the test ends, and says where it
// begins.
func Simulate(t *testing.T, p *sandbox.Provider, faults ...sandbox.Fault) (base string) {
	t.Helper()
	Fault(t, p, faults...)
	return Serve(t, p) + p.Prefix
}

// Fault has a simulated provider fail so.
func Fault(t *testing.T, p *sandbox.Provider, faults ...sandbox.Fault) {
	t.Helper()
	if err := p.AddFaults(faults...); err != nil {
		t.Fatal(err)
	}
}

// Amount is money of a test.
func Amount(t testing.TB, amount, currency string) providers.Money {
	t.Helper()
	m, err := providers.ParseMoney(amount, currency)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Attempt is one of which nothing is kept.
func Attempt() providers.Attempt { return new(CheckpointRecorder).Attempt() }

// CheckpointRecorder is a ledger that keeps the checkpoints of one payment's attempts.
type CheckpointRecorder struct {
	ProviderRefs map[string]string
	// MoneyStepNext says of each checkpoint whether the next step can move money.
	MoneyStepNext []bool
	// Err makes checkpoints fail; MoneyStepErr those alone before a step that can move money.
	Err, MoneyStepErr error
}

// MoneySteps is how many checkpoints stand before a step that can move money.
func (k *CheckpointRecorder) MoneySteps() int {
	n := 0
	for _, moneyStepNext := range k.MoneyStepNext {
		if moneyStepNext {
			n++
		}
	}
	return n
}

// Attempt is the next one, as the ledger makes it.
func (k *CheckpointRecorder) Attempt() providers.Attempt {
	return providers.Attempt{
		ID: "a-1", ProviderRefs: maps.Clone(k.ProviderRefs), Checkpoint: k.checkpoint,
		Alias: func(context.Context, string) error { return nil },
	}
}

func (k *CheckpointRecorder) checkpoint(_ context.Context, refs map[string]string, moneyStepNext bool) error {
	switch {
	case k.Err != nil:
		return k.Err
	case moneyStepNext && k.MoneyStepErr != nil:
		return k.MoneyStepErr
	case k.ProviderRefs == nil:
		k.ProviderRefs = map[string]string{}
	}
	maps.Copy(k.ProviderRefs, refs)
	k.MoneyStepNext = append(k.MoneyStepNext, moneyStepNext)
	return nil
}
