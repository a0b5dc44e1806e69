package idempotency_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
)

// TestDamagedRecordsHoldUpNobody: what cannot be read goes behind what can, however long it has
// been due.
func TestDamagedRecordsHoldUpNobody(t *testing.T) {
	t.Parallel()
	_, b := newLedgerFixture(t)
	const damaged = 3
	for i := range damaged {
		reference := "damaged-" + strconv.Itoa(i)
		b.register(reference)
		b.must(b.rdb.Set(t.Context(), recordKey(reference), "{", 0).Err())
	}
	b.Advance(24 * time.Hour)
	b.register("good")
	b.Advance(time.Hour)
	if _, _, err := b.store.Due(t.Context(), idempotency.Partition{Provider: provider}, damaged, idempotency.Lanes{QueryTimeout: time.Second}); !errors.Is(err, idempotency.ErrDamaged) {
		t.Fatalf("got %v, want ErrDamaged", err)
	}
	w, _, err := b.store.Due(t.Context(), idempotency.Partition{Provider: provider}, damaged, idempotency.Lanes{QueryTimeout: time.Second})
	if err != nil || len(w) != 1 || w[0].Key != key("good") {
		t.Fatalf("woken %v, %v; want the good one", w, err)
	}
}

// TestWhatMayNotBeReadIsNotMissing: details that Redis does not hand out are not taken for details
// that are not there, by which the payment would be begun and fail.
func TestWhatMayNotBeReadIsNotMissing(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	admin := s.Client()
	rules := []string{"on", "nopass", "+@all", "~*:p:*", "~*:due", "~*:clock", "~*:halted", "~*:states", "~*:outcomes"}
	if err := admin.ACLSetUser(t.Context(), "narrow", rules...).Err(); err != nil {
		t.Fatal(err)
	}
	narrow := redis.NewClient(&redis.Options{Addr: s.Addr(), Username: "narrow", Password: "any"})
	t.Cleanup(func() { _ = narrow.Close() })
	b := open(t, s, admin, idempotency.Options{})
	b.register("a")
	_, err := idempotency.NewRedis(narrow, withTestClock(idempotency.Options{})).Begin(t.Context(), key("a"), beginAs("one"))
	if err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Fatalf("got %v, want NOPERM", err)
	}
	b.want("a", idempotency.Queued)
}
