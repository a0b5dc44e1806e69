package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/config"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { respond(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { respond(w, http.StatusServiceUnavailable, "redis") })
	server := httptest.NewServer(mux)
	defer server.Close()
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer stuck.Close()
	defer close(hang)
	here := server.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(here)
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, row := range []struct {
		sentence, addr string
		cmd            healthcheckCmd
		problem        string
	}{
		{"a worker that lives is well", here, healthcheckCmd{}, ""},
		{"one without Redis lives", here, healthcheckCmd{}, ""},
		{"but is not ready", here, healthcheckCmd{Ready: true}, `/readyz: 503 "redis`},
		{"a listener on every address is asked on this machine", "0.0.0.0:" + port, healthcheckCmd{}, ""},
		{"one that hangs is not well", stuck.Listener.Addr().String(), healthcheckCmd{Timeout: 100 * time.Millisecond}, "deadline"},
		{"nor is one that is not there", closed.Listener.Addr().String(), healthcheckCmd{}, "refused"},
	} {
		if row.cmd.Timeout == 0 {
			row.cmd.Timeout = 30 * time.Second
		}
		err := row.cmd.Run(t.Context(), &config.Config{HTTP: config.HTTP{Addr: row.addr}})
		if (err == nil) != (row.problem == "") || err != nil && !strings.Contains(err.Error(), row.problem) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.problem)
		}
	}
}

func TestWhereToAsk(t *testing.T) {
	t.Parallel()
	for listens, want := range map[string]string{
		":8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080", "[::]:8080": "127.0.0.1:8080",
		"127.0.0.1:8080": "127.0.0.1:8080", "10.0.0.7:80": "10.0.0.7:80", "worker:8080": "worker:8080",
	} {
		if got := localAddress(listens); got != want {
			t.Errorf("%s: %s, want %s", listens, got, want)
		}
	}
}
