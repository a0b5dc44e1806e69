package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// The credentials that the simulators take.
const (
	apiKey    = "sandbox-api-key"
	secretKey = "sandbox-secret-key"
)

// simulatorProcess is a simulator outside of the workers' processes: its book outlives every
// worker.
type simulatorProcess struct {
	t   testing.TB
	url string // of the provider, its prefix included
}

func startSimulator(t testing.TB) *simulatorProcess {
	t.Helper()
	p := start(t, "sandbox", worker, nil, "sandbox", "--addr", "127.0.0.1:0")
	return &simulatorProcess{t: t, url: p.Await(testTimeout, "REMESA_VIRTUALPOS_BASE_URL=", "\n")}
}

// setFaults adds faults.
func (b *simulatorProcess) setFaults(faults ...sandbox.Fault) {
	b.t.Helper()
	body, err := json.Marshal(faults)
	if err != nil {
		b.t.Fatal(err)
	}
	b.call(http.MethodPost, "/_faults", body)
}

// slow makes each request that moves money take that long.
func (b *simulatorProcess) slow(d time.Duration) {
	b.t.Helper()
	b.setFaults(sandbox.Fault{Kind: "latency", Operation: sandbox.SendOperation, Delay: sandbox.Duration(d)})
}

// book is what the provider executed, and what arrived there.
func (b *simulatorProcess) book() sandbox.Book {
	b.t.Helper()
	var book sandbox.Book
	if err := json.Unmarshal(b.call(http.MethodGet, "/_book", nil), &book); err != nil {
		b.t.Fatal(err)
	}
	return book
}

func (b *simulatorProcess) call(method, path string, body []byte) []byte {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, b.url+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode >= 300 {
		b.t.Fatalf("%s %s: %s %s %v", method, path, reply.Status, text, err)
	}
	return text
}
