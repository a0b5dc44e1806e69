package main

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
)

func TestBlockedPaymentsAreReleasedTogetherOnceCountAndSumAreRepeated(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for _, key := range []string{"virtualpos/b1", "virtualpos/b2", "virtualpos/shop/b3", "etpay/b4"} {
		d.blocked(key)
	}
	d.queued("virtualpos/q1")
	_, err := d.ledger.Block(t.Context(), d.queued("virtualpos/l1"), "lookalike", "")
	d.must(err)
	state := func(key string) idempotency.State {
		return must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, key))).State
	}
	for _, row := range []struct {
		step string
		code int
		want string
	}{
		{"release --all --provider virtualpos", exitRefused, "4 payments are blocked; nothing was done. To go on, repeat: --confirm-count 4 --confirm-sum CLP=400"},
		{"release --all --provider virtualpos --code limit", exitRefused, "--confirm-count 3 --confirm-sum CLP=300"},
		{"release --all --provider virtualpos --code limit --account default", exitRefused, "--confirm-count 2 --confirm-sum CLP=200"},
		{"release --all --provider virtualpos --code limit --confirm-count 2 --confirm-sum CLP=300", exitRefused, "nothing was done"},
		{"release --all --provider virtualpos --code limit --confirm-count 3 --confirm-sum CLP=299", exitRefused, "nothing was done"},
		{"release --all --provider virtualpos --code limit --confirm-count 3 --confirm-sum CLP=300 --confirm-sum MXN=1", exitRefused, "nothing was done"},
		{"release --all --provider coordinador", exitRefused, "no such payment is blocked"},
	} {
		got := d.byHand(row.step)
		wantCode(t, row.step, got, row.code)
		if got.out != "" || !strings.Contains(got.err, row.want) {
			t.Errorf("%s: stdout %q, stderr %q; want %q", row.step, got.out, got.err, row.want)
		}
	}
	if state("virtualpos/b1") != idempotency.Blocked {
		t.Fatal("released without a confirmation")
	}
	got := d.byHand("release --all --provider virtualpos --code limit --confirm-count 3 --confirm-sum CLP=300")
	wantCode(t, "release", got, 0)
	if strings.Count(got.out, `"state":"queued"`) != 3 {
		t.Errorf("released %s", got.out)
	}
	wantCode(t, "cancel", d.byHand("cancel --all --provider virtualpos --expect-count 1 --expect-sum CLP=100"), 0)
	for key, want := range map[string]idempotency.State{
		"virtualpos/b1": idempotency.Queued, "virtualpos/shop/b3": idempotency.Queued, "etpay/b4": idempotency.Blocked,
		"virtualpos/l1": idempotency.Failed, "virtualpos/q1": idempotency.Queued,
	} {
		if got := state(key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	if r := must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, "virtualpos/b2"))); !strings.Contains(r.History[len(r.History)-1].Note, "by Ana") {
		t.Errorf("the history says %+v", r.History)
	}
}
