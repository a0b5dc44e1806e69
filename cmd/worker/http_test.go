package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/redistest"
)

func TestMachinesNeedNoLoginPeopleDo(t *testing.T) {
	t.Parallel()
	h := serviceOn(t, redistest.Start(t), zerolog.Nop(), map[string]string{
		"REMESA_HTTP_ADDR": "0.0.0.0:0", "REMESA_DASHBOARD_USER": "ana", "REMESA_DASHBOARD_PASSWORD": "right-password",
	}).routes()
	for path, want := range map[string][2]int{
		"/healthz": {200, 200}, "/readyz": {200, 200}, "/metrics": {200, 200},
		"/": {401, 303}, "/payments": {401, 200}, "/dashboard/": {401, 200}, "/nothing": {401, 404},
	} {
		for i, login := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			if login {
				r.SetBasicAuth("ana", "right-password")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want[i] {
				t.Errorf("%s, login %t: %d", path, login, w.Code)
			}
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/payments/apply", nil)
	r.SetBasicAuth("ana", "right-password")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a change, though nobody allowed any: %d", w.Code)
	}
}

// TestMetricsOnAListenerOfTheirOwn: nothing else is there, and they are nowhere else.
func TestMetricsOnAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := serviceOn(t, redistest.Start(t), zerolog.Nop(), map[string]string{"REMESA_METRICS_ADDR": "127.0.0.1:0"})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metricsHandler())
	addr, stop, err := s.listenAt(t.Context(), "REMESA_METRICS_ADDR", s.config.MetricsAddr, mux)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	status := func(path string) int {
		resp, err := http.Get("http://" + addr.String() + path) // #nosec G107 -- our own
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	w := httptest.NewRecorder()
	s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if own, other := status("/metrics"), status("/healthz"); own != http.StatusOK || other != http.StatusNotFound || w.Code == http.StatusOK {
		t.Errorf("/metrics %d, /healthz %d; /metrics at the address of the pages %d", own, other, w.Code)
	}
}

func TestALoginIsNeededOffLoopback(t *testing.T) {
	for addr, refused := range map[string]bool{"127.0.0.1:8080": false, "[::1]:8080": false, "0.0.0.0:8080": true, ":8080": true, "10.0.0.7:8080": true} {
		c, err := config.From(map[string]string{"REMESA_HTTP_ADDR": addr})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.RefuseExposed(); (err != nil) != refused {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// TestNotReadyWhileNothingCanBeSent: /readyz says why, and says 200 again when that is over.
func TestNotReadyWhileNothingCanBeSent(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := serviceOn(t, server, zerolog.Nop(), nil)
	h := s.routes()
	ask := func() (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Code, w.Body.String()
	}
	set := func(name, value string) {
		if err := server.Client().ConfigSet(t.Context(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		sentence, setting, bad, good, why string
	}{
		{"a full Redis", "maxmemory", "500kb", "0", "OOM"},
		{"a Redis without its replicas", "min-replicas-to-write", "1", "0", "NOREPLICAS"},
	} {
		set(row.setting, row.bad)
		if code, text := ask(); code != http.StatusServiceUnavailable || !strings.Contains(text, row.why) {
			t.Errorf("%s: %d %s", row.sentence, code, text)
		}
		set(row.setting, row.good)
		if code, text := ask(); code != http.StatusOK {
			t.Errorf("%s, mended: %d %s", row.sentence, code, text)
		}
	}
	s.config.LedgerReplicas = 1
	if code, text := ask(); code != http.StatusServiceUnavailable || !strings.Contains(text, "REMESA_LEDGER_REPLICAS") {
		t.Errorf("replicas short: %d %s", code, text)
	}
}
