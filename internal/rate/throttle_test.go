package rate

import (
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
)

// account is one account as two workers see it.
type account struct {
	*testing.T
	a, b *Throttle
}

func (a account) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

func (a account) enters(t *Throttle, free, probe bool) {
	a.Helper()
	f, p, err := t.Enter(a.Context(), "p", "default")
	if f != free || p != probe || err != nil {
		a.Fatalf("free %t, probe %t, %v; want %t, %t", f, p, err, free, probe)
	}
}

func (a account) room(want int) {
	a.Helper()
	n, err := a.b.Capacity(a.Context(), "p", "default", 50)
	if n != want || err != nil {
		a.Fatalf("room for %d, %v, want %d", n, err, want)
	}
}

func (a account) over() {
	a.Helper()
	eventually.True(a, 20*time.Second, "the wait ends", func() bool {
		n, err := a.b.Capacity(a.Context(), "p", "default", 50)
		if err != nil {
			a.Fatal(err)
		}
		return n == 1
	})
}

func TestAnAccountThatWasToldToWait(t *testing.T) {
	server := redistest.Start(t)
	for name, story := range map[string]func(a account){
		"it was not": func(a account) { a.enters(a.a, true, false); a.room(50) },
		"all workers wait, then one probes, then all go": func(a account) {
			a.must(a.a.Set(a.Context(), "p", "default", 300*time.Millisecond))
			a.enters(a.a, false, false)
			a.enters(a.b, false, false)
			a.room(0)
			a.over()
			a.enters(a.b, true, true)
			a.enters(a.a, false, false)
			a.room(0)
			a.must(a.b.Leave(a.Context(), "p", "default", true))
			a.enters(a.a, true, false)
			a.room(50)
		},
		"a probe that says nothing makes way for another": func(a account) {
			a.must(a.a.Set(a.Context(), "p", "default", time.Millisecond))
			a.over()
			a.enters(a.a, true, true)
			a.must(a.a.Leave(a.Context(), "p", "default", false))
			a.enters(a.b, true, true)
		},
		"a probe whose worker died makes way, too": func(a account) {
			a.must(a.a.Set(a.Context(), "p", "default", time.Millisecond))
			a.over()
			a.enters(a.a, true, true)
			a.room(0)
			a.over()
			a.enters(a.b, true, true)
		},
		"a shorter wait does not shorten a longer one": func(a account) {
			a.must(a.a.Set(a.Context(), "p", "default", time.Hour))
			a.must(a.b.Set(a.Context(), "p", "default", time.Millisecond))
			a.enters(a.b, false, false)
		},
		"another account does not wait": func(a account) {
			a.must(a.a.Set(a.Context(), "p", "other", time.Hour))
			a.enters(a.a, true, false)
		},
		"a person's unhalt of the provider ends a day's wait, with a probe": func(a account) {
			a.must(a.a.Set(a.Context(), "p", "default", 24*time.Hour))
			ledger := idempotency.NewRedis(server.Client(), idempotency.Options{})
			ana := idempotency.Actor{By: "ana", Note: "they said so"}
			a.must(ledger.Unhalt(a.Context(), "p", "other", ana))
			a.enters(a.a, false, false)
			a.must(ledger.Unhalt(a.Context(), "p", "", ana))
			a.room(1)
			a.enters(a.a, true, true)
			a.enters(a.b, false, false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			rdb := server.Client()
			rdb.FlushAll(t.Context())
			const probe = 400 * time.Millisecond
			story(account{t, NewThrottle(rdb, probe), NewThrottle(rdb, probe)})
		})
	}
}
