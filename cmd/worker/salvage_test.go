package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
)

// idle is a worker that serves VirtualPOS at an address where nobody answers.
func idle(t *testing.T) *service {
	t.Helper()
	return serviceOn(t, redistest.Start(t), zerolog.Nop(), map[string]string{
		"REMESA_HTTP_ADDR": "127.0.0.1:0", "REMESA_WEBHOOK_ADDR": "127.0.0.1:0",
		"REMESA_VIRTUALPOS_BASE_URL": "http://127.0.0.1:1", "REMESA_VIRTUALPOS_API_KEY": "key", "REMESA_VIRTUALPOS_SECRET_KEY": "secret",
	})
}

// TestAWorkerPutsDamagedTasksAside: of both queues of each provider.
func TestAWorkerPutsDamagedTasksAside(t *testing.T) {
	t.Parallel()
	s := idle(t)
	ctx, cancel := context.WithCancel(t.Context())
	lanes := []string{"virtualpos", "virtualpos-ask"}
	for _, lane := range lanes {
		pipe := s.rdb.Pipeline()
		pipe.HSet(ctx, "asynq:{"+lane+"}:t:x", "msg", "\xff", "state", "active")
		pipe.LPush(ctx, "asynq:{"+lane+"}:active", "x")
		pipe.ZAdd(ctx, "asynq:{"+lane+"}:lease", redis.Z{Member: "x", Score: float64(time.Now().Add(-time.Minute).Unix())})
		if _, err := pipe.Exec(ctx); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	eventually.NoError(t, 30*time.Second, func() error {
		n := int64(0)
		for _, lane := range lanes {
			n += s.rdb.ZCard(ctx, "remesa:{"+lane+"}:damaged").Val()
		}
		if n != 2 {
			return fmt.Errorf("%d of 2 damaged tasks are put aside", n)
		}
		return nil
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
