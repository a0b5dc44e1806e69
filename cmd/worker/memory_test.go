package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
)

// told is a log that may be read while it is written.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *told) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *told) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// TestARedisThatForgotIsToldUntilSomebodyActs: in the log again and again, and by /readyz.
func TestARedisThatForgotIsToldUntilSomebodyActs(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c, err := config.From(map[string]string{
		"REMESA_REDIS_URL": "redis://" + server.Addr() + "/0", "REMESA_VIRTUALPOS_BASE_URL": "http://127.0.0.1:9",
		"REMESA_VIRTUALPOS_API_KEY": "a", "REMESA_VIRTUALPOS_SECRET_KEY": "b",
	})
	if err != nil {
		t.Fatal(err)
	}
	rdb, err := c.Client(config.ServerProfile(8))
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	log := &told{}
	s, err := newService(c, rdb, zerolog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	ready := func(says string, code int, text string) {
		t.Helper()
		w := httptest.NewRecorder()
		s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if w.Code != code || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s", says, w.Code, w.Body)
		}
	}
	ready("before the start is over", http.StatusOK, "ok")
	if err := s.refuse(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { s.remember(ctx, 10*time.Millisecond) })
	defer watching.Wait()
	defer cancel()
	ready("after the start", http.StatusOK, "ok")
	if err := server.Client().FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	ready("after FLUSHALL", http.StatusServiceUnavailable, "it forgot what this worker wrote there for virtualpos")
	eventually.True(t, 10*time.Second, "it is told three times", func() bool { return log.count("REDIS FORGOT") >= 3 })
	if err := s.refuse(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready("after a new start", http.StatusOK, "ok")
}
