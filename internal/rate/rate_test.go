package rate

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/redistest"
)

func TestAllWorkersTogetherKeepTheLimit(t *testing.T) {
	server := redistest.Start(t)
	const perSecond, workers, each = 50, 4, 10
	start := time.Now()
	var wg sync.WaitGroup
	for range workers {
		l := New(server.Client(), map[string]float64{"p": perSecond})
		wg.Go(func() {
			for range each {
				if err := l.Wait(t.Context(), "p"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if took, least := time.Since(start), time.Second*(workers*each-1)/perSecond; took < least {
		t.Fatalf("%d requests took %s, at %d a second they take %s at least", workers*each, took, perSecond, least)
	}
}

func TestAProviderWithoutALimitNeverWaits(t *testing.T) {
	l := New(redistest.Start(t).Client(), map[string]float64{"p": 0.001})
	for range 100 {
		if err := l.Wait(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWaitBeyondTheLongestIsRefusedAndReservesNothing(t *testing.T) {
	l := New(redistest.Start(t).Client(), map[string]float64{"p": 1.0 / 3600})
	if err := l.Wait(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := l.Wait(t.Context(), "p"); !errors.Is(err, ErrBusy) {
			t.Fatalf("got %v, want %v", err, ErrBusy)
		}
	}
	ttl := l.rdb.PTTL(t.Context(), "remesa:{p}:rate").Val()
	if ttl > time.Hour+2*time.Second {
		t.Fatalf("the schedule is kept for %s: refused callers reserved slots", ttl)
	}
}

func TestACallerMayLeave(t *testing.T) {
	l := New(redistest.Start(t).Client(), map[string]float64{"p": 0.2})
	if err := l.Wait(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Wait(ctx, "p"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}
