package faulttest

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/delivery"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/providers/virtualpos"
)

const (
	webhookSecret = "Y2FuYXJ5LXNlY3JldC13ZWJob29rLTk4MTctMDAwMDE=" // base64 of 32 bytes
	webhookPath   = "/canary-hook-4417"
)

// billingSystem takes webhooks, when it is up.
type billingSystem struct {
	t     testing.TB
	judge *webhooks.Webhook
	url   string

	mu    sync.Mutex
	down  bool
	first []string       // event ids by their first arrival
	times map[string]int // how often each was taken
	text  strings.Builder
}

func newBillingSystem(t testing.TB) *billingSystem {
	t.Helper()
	judge, err := webhooks.NewWebhook("whsec_" + webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	b := &billingSystem{t: t, judge: judge, times: map[string]int{}}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.url = server.URL + webhookPath
	return b
}

func (b *billingSystem) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = b.judge.Verify(body, r.Header)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil:
		b.t.Errorf("a webhook is not signed as it must be: %v", err)
		w.WriteHeader(http.StatusUnauthorized)
	case b.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		id := r.Header.Get("webhook-id")
		if b.times[id]++; b.times[id] == 1 {
			b.first = append(b.first, id)
		}
		fmt.Fprintln(&b.text, r.Header, string(body))
		w.WriteHeader(http.StatusNoContent)
	}
}

// got is all that it took, headers and bodies.
func (b *billingSystem) got() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// awaitSome waits until it has taken something.
func (b *billingSystem) awaitSome() {
	b.t.Helper()
	eventually.True(b.t, testTimeout, "webhooks arrive", func() bool { return b.got() != "" })
}

func (b *billingSystem) setDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

// file is one for REMESA_WEBHOOKS_FILE.
func (b *billingSystem) file() string {
	b.t.Helper()
	folder := b.t.TempDir()
	secret, file := filepath.Join(folder, "secret"), filepath.Join(folder, "webhooks.json")
	if _, err := base64.StdEncoding.DecodeString(webhookSecret); err != nil {
		b.t.Fatal(err)
	}
	for path, text := range map[string]string{
		secret: "whsec_" + webhookSecret, file: fmt.Sprintf(`[{"name":"billing","url":%q,"secret_file":%q,"allow_private":true}]`, b.url, secret),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	return file
}

// awaitAll waits until every event of the stream behind an entry was taken, and demands that those
// of each payment came in order.
func (b *billingSystem) awaitAll(rdb redis.UniversalClient, behind string) {
	b.t.Helper()
	entries, err := rdb.XRange(context.Background(), idempotency.OutcomesKey(virtualpos.Name), "("+behind, "+").Result()
	if err != nil || len(entries) == 0 {
		b.t.Fatal("no outcomes", err)
	}
	eventually.NoError(b.t, testTimeout, func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range entries {
			if id, _ := e.Values["event_id"].(string); b.times[id] == 0 {
				return fmt.Errorf("%s was not taken, %d of %d were", id, len(b.first), len(entries))
			}
		}
		return nil
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	last := map[string]int{}
	for _, id := range b.first {
		cut := strings.LastIndexByte(id, ':')
		version, err := strconv.Atoi(id[cut+1:])
		if err != nil || version <= last[id[:cut]] {
			b.t.Errorf("%s was taken after version %d", id, last[id[:cut]])
		}
		last[id[:cut]] = version
	}
}

// aMinutePasses for asynq, which hands out a dead worker's tasks when their lease has lapsed.
func (w *fixture) aMinutePasses(queue string) {
	w.t.Helper()
	ctx, lease := context.Background(), "asynq:{"+queue+"}:lease"
	for _, id := range w.rdb.ZRange(ctx, lease, 0, -1).Val() {
		if err := w.rdb.ZAdd(ctx, lease, redisZ(id, time.Now().Add(-time.Hour))).Err(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestNoWebhookIsLostByKill: workers are killed when the deliveries are open and the cursor has not
// moved, and when the receiver has an event and Redis does not know it yet; and the receiver is
// down for a while. It gets every event, in order for each payment.
func TestNoWebhookIsLostByKill(t *testing.T) {
	t.Parallel()
	b := newBillingSystem(t)
	w := newFixture(t, nil, "REMESA_WEBHOOKS_FILE", b.file())
	queue := delivery.Queue("billing")
	dying := w.startWorker(faulty, "REMESA_FAULT", delivery.PointOpened+":kill:1", "REMESA_FAULT_FILE", w.faultFile())
	eventually.True(t, testTimeout, "the receiver has a cursor", func() bool { return w.rdb.Exists(context.Background(), "remesa:{"+queue+"}:cursors").Val() == 1 })
	b.setDown(true)
	w.submit(w.newPayments(either(30, 200))...)
	dying.Exit(testTimeout)
	w.aMinutePasses(queue)

	dying = w.startWorker(faulty, "REMESA_FAULT", delivery.PointDelivered+":kill:5", "REMESA_FAULT_FILE", w.faultFile())
	eventually.True(t, testTimeout, "deliveries are open", func() bool {
		return w.rdb.ZCard(context.Background(), "remesa:{"+queue+"}:open").Val() > 10
	})
	b.setDown(false)
	dying.Exit(testTimeout)
	w.aMinutePasses(queue)

	w.work(1)
	w.awaitSettled(w.certainty() + thirdWakeUp)
	b.awaitAll(w.rdb, "0-0")
	w.drain()
}
