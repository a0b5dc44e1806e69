package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/logtest"
	"github.com/remesa/remesa/internal/redistest"
)

// TestARedisThatForgotIsReportedUntilAnOperatorActs: in the log at every check, and by /readyz.
func TestARedisThatForgotIsReportedUntilAnOperatorActs(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	log := &logtest.Log{}
	s := serviceOn(t, server, zerolog.New(log), map[string]string{
		"REMESA_VIRTUALPOS_BASE_URL": "http://127.0.0.1:9", "REMESA_VIRTUALPOS_API_KEY": "a", "REMESA_VIRTUALPOS_SECRET_KEY": "b",
	})
	ready := func(says string, code int, text string) {
		t.Helper()
		w := httptest.NewRecorder()
		s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if w.Code != code || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s", says, w.Code, w.Body)
		}
	}
	ready("before the start is over", http.StatusOK, "ok")
	if err := s.refuseUnsafe(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { s.warnForgotten(ctx, 10*time.Millisecond) })
	defer watching.Wait()
	defer cancel()
	ready("after the start", http.StatusOK, "ok")
	if err := server.Client().FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	ready("after FLUSHALL", http.StatusServiceUnavailable, "it forgot what this worker wrote there for virtualpos")
	eventually.True(t, 10*time.Second, "it is told three times", func() bool { return strings.Count(log.String(), "REDIS FORGOT") >= 3 })
	if err := s.refuseUnsafe(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready("after a new start", http.StatusOK, "ok")
}
