package idempotency_test

import (
	"testing"

	"github.com/remesa/remesa/idempotency"
)

func TestRegistrationsOfManyPaymentsAreReadAtOnce(t *testing.T) {
	_, f := newLedgerFixture(t)
	f.register("a")
	f.register("b")
	ctx := t.Context()
	at, err := f.store.RegisteredAt(ctx, key("a").Provider, []idempotency.Key{key("a"), key("none"), key("b")})
	f.must(err)
	for _, name := range []string{"a", "b"} {
		rec, err := f.store.Show(ctx, key(name))
		f.must(err)
		if rec.Created.IsZero() || !at[key(name)].Equal(rec.Created) {
			t.Errorf("%s: %s, and its record says %s", name, at[key(name)], rec.Created)
		}
	}
	if len(at) != 2 {
		t.Errorf("%v", at)
	}
}
