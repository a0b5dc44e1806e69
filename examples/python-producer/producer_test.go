// Package producer tests producer.py against a real Redis and an engine.
package producer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/engine"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

const patience = 60 * time.Second

// payer executes every payout.
type payer struct{}

func (payer) Pay(context.Context, providers.Payout, providers.Attempt) (providers.Outcome, error) {
	return providers.Outcome{Class: providers.Succeeded, ProviderID: "1"}, nil
}

// serve runs an engine until the test ends.
func serve(t *testing.T, rdb *redis.Client) {
	t.Helper()
	registry := providers.Registry{}
	registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: payer{}})
	e, err := engine.New(engine.Options{
		Ledger: idempotency.NewRedis(rdb, idempotency.Options{}), Registry: registry, Redis: rdb, Log: zerolog.Nop(),
		RequestTimeout: 2 * time.Second, AttemptDeadline: 25 * time.Second, Lease: 28 * time.Second, TaskTimeout: 30 * time.Second,
		ShutdownTimeout: 32 * time.Second, Concurrency: func(string) int { return 4 }, RetryBase: time.Second, RetryMax: time.Second,
		PollFirst: time.Second, PollMax: time.Second, JanitorInterval: 50 * time.Millisecond, CircuitCooldown: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// produce enqueues lines and returns the tasks' ids.
func produce(t *testing.T, url string, lines ...string) []string {
	t.Helper()
	python, err := exec.LookPath("python3")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("there is no python3 on the PATH: scripts/need-python.sh installs one")
	case err != nil:
		t.Skip("there is no python3 on the PATH")
	}
	cmd := exec.CommandContext(t.Context(), python, "producer.py")
	cmd.Env, cmd.Stdin = append(os.Environ(), "REMESA_REDIS_URL="+url), strings.NewReader(strings.Join(lines, "\n")+"\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%s", err, out)
	}
	return strings.Fields(string(out))
}

func payout(reference, amount string) string {
	return fmt.Sprintf(`{"type":"payout","provider":"virtualpos","merchant_id":%q,"amount":%q,"currency":"CLP","description":"Devolución",`+
		`"recipient":{"document":"12345678-5","name":"Ana Soto","email":"ana@example.cl"},"bank":{"code":"012","account_number":"12345678"}}`, reference, amount)
}

// TestWhatIsValidIsPaidAndWhatIsNotIsTold: a wrong field, and a reference that is taken.
func TestWhatIsValidIsPaidAndWhatIsNotIsTold(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	rdb := s.Client()
	serve(t, rdb)
	event := func(reference, kind, state string) (found map[string]any) {
		eventually.True(t, patience, kind+" "+state+" of "+reference, func() bool {
			entries, err := rdb.XRange(t.Context(), idempotency.OutcomesKey("virtualpos"), "-", "+").Result()
			for _, m := range entries {
				if text, _ := m.Values["state"].(string); m.Values["reference"] == reference && m.Values["event"] == kind && text == state {
					found = m.Values
				}
			}
			return err == nil && found != nil
		})
		return found
	}
	produce(t, s.URL(), payout("good", "12500"))
	event("good", "state", "succeeded")
	if ids := produce(t, s.URL(), payout("half", "0.5"), payout("good", "99")); len(ids) != 2 {
		t.Fatalf("tasks %v", ids)
	}
	if e := event("half", "rejected", ""); e["code"] != "invalid" || !strings.HasPrefix(fmt.Sprint(e["message"]), "amount: ") {
		t.Errorf("a wrong amount: %v", e)
	}
	if e := event("good", "rejected", ""); e["code"] != "conflict" || !strings.HasPrefix(fmt.Sprint(e["message"]), "amount: ") {
		t.Errorf("a taken reference: %v", e)
	}
}
