package dashboard

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/totals"
	"github.com/remesa/remesa/providers/catalog"
)

// BenchmarkTheFirstPage opens it over 30 full days of figures of each provider, and 10,000 open
// payments of one. How many payments are settled does not matter: the page reads none of them.
func BenchmarkTheFirstPage(b *testing.B) {
	client := redistest.Start(b).Client()
	ledger := idempotency.NewRedis(client, idempotency.Options{})
	fillTotals(b, client)
	for at := range 20 {
		regs := make([]idempotency.Registration, 500)
		for i := range regs {
			k := idempotency.Key{Provider: "virtualpos", Account: "default", Reference: fmt.Sprintf("p-%05d", at*500+i)}
			regs[i] = idempotency.Registration{Key: k, Type: "payout", Fingerprint: "v1:x", Amount: "12500", Currency: "CLP", Payload: []byte("{}")}
		}
		if _, err := ledger.Register(b.Context(), regs...); err != nil {
			b.Fatal(err)
		}
	}
	streams := map[string][]string{}
	for _, name := range catalog.Names() {
		streams[name] = []string{name}
	}
	page := func(w *totals.Totals) time.Duration {
		h := New(Options{Ledger: ledger, Redis: client, Totals: w, Log: zerolog.Nop()})
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/payments", nil)
		got, begun := httptest.NewRecorder(), time.Now()
		if h.ServeHTTP(got, r); got.Code != http.StatusOK {
			b.Fatal(got.Code)
		}
		return time.Since(begun)
	}
	w := totals.New(totals.Options{Redis: client, Streams: streams})
	first := page(w)
	for b.Loop() {
		page(w)
	}
	b.ReportMetric(float64(first.Milliseconds()), "ms-first")
}

// fillTotals writes the figures of 30 days as the fold does.
func fillTotals(b *testing.B, client redis.UniversalClient) {
	b.Helper()
	now := time.Now().UTC()
	for _, provider := range catalog.Names() {
		pipe := client.Pipeline()
		for hour := range 31 * 24 {
			at := now.Add(-time.Duration(hour) * time.Hour)
			for _, state := range []string{"queued", "succeeded", "failed", "in_doubt", "pending"} {
				for code := range 8 {
					pipe.HSet(b.Context(), kv.TotalsHourKey(provider, at), "default|payout|CLP|"+state+"|"+strconv.Itoa(code), "120 13160000")
				}
			}
		}
		id := strconv.FormatInt(now.UnixMilli(), 10) + "-0"
		pipe.Set(b.Context(), kv.TotalsKey(provider), `{"cursor":"`+id+`","since":1}`, 0)
		pipe.XAdd(b.Context(), &redis.XAddArgs{Stream: kv.OutcomesKey(provider), ID: id, Values: []any{"key", "x"}})
		if _, err := pipe.Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
