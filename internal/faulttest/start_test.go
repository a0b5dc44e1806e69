package faulttest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
)

func TestAWorkerStartsBeforeRedis(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil)
	w.submit(w.newPayment("a"))
	w.redis.Kill()
	w.work(1)
	p := w.workers[0]
	if code, text := page(t, p, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz without Redis: %d %s, want 200", code, text)
	}
	if code, text := page(t, p, "/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("/readyz without Redis: %d %s, want 503", code, text)
	}
	w.redis.Restart()
	eventually.NoError(t, testTimeout, func() error {
		if code, text := page(t, p, "/readyz"); code != http.StatusOK {
			return fmt.Errorf("/readyz with Redis: %d %s, want 200", code, text)
		}
		return nil
	})
	w.awaitSettled(testTimeout)
	all(t, w.audit(allowances{}), idempotency.Succeeded)
	w.drain()
}

func TestAWorkerRefusesAnUnsafeRedisForRealMoney(t *testing.T) {
	t.Parallel()
	safe := []redistest.Option{redistest.Appendonly("always"), redistest.Setting("maxmemory-policy", "noeviction")}
	for setting, server := range map[string][]redistest.Option{
		"appendonly":       {redistest.Setting("appendonly", "no")},
		"appendfsync":      {redistest.Appendonly("everysec")},
		"maxmemory-policy": append(safe[:1:1], redistest.Setting("maxmemory-policy", "allkeys-lru")),
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			w := newFixtureIn(t, defaultTiming(), redistest.Start(t, server...), &simulatorProcess{t: t, url: "https://virtualpos.invalid"})
			p := w.startWorker(worker)
			if code := p.Exit(testTimeout); code == 0 {
				t.Error("exit code 0")
			}
			if out := p.Output(); !strings.Contains(out, setting) || !strings.Contains(out, "CONFIG SET "+setting) {
				t.Errorf("the refusal does not say which setting and how to change it:\n%s", out)
			}
		})
	}
}
