package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/remesa/remesa/idempotency"
)

var testNow = time.Date(2026, 5, 15, 9, 30, 0, 0, time.UTC)

// fakeLedger is a ledger that records interventions.
type fakeLedger struct {
	records []idempotency.Record
	halts   map[string]string
	// broken is the provider whose records cannot be read, * for all.
	broken string
	// damaged is a payment whose record cannot be read.
	damaged idempotency.Key
	// refuses is the error of each intervention.
	refuses error
	epochs  map[string]idempotency.Epoch
	calls   []string
}

func (d *fakeLedger) lost(provider string) bool { return d.broken == provider || d.broken == "*" }

func newFakeLedger() *fakeLedger {
	return &fakeLedger{records: []idempotency.Record{record("virtualpos", "p", idempotency.Held)}, halts: map[string]string{}}
}

func record(provider, reference string, s idempotency.State) idempotency.Record {
	at := testNow.Add(-3 * time.Hour)
	return idempotency.Record{
		Key:  idempotency.Key{Provider: provider, Account: "default", Reference: reference},
		Type: "payout", State: s, Version: 7, Amount: "12500", Currency: "CLP", Attempts: 1, Created: at.Add(-time.Hour), Updated: at,
		History: []idempotency.AuditEntry{{At: at.Add(-time.Hour), State: idempotency.Queued}, {At: at, State: s, Attempt: 1, Note: "a note"}},
	}
}

func goodForm() string {
	return url.Values{"step": {"resolve"}, "as": {"succeeded"}, "key": {"virtualpos/p"}, "version": {"7"}, "by": {"ana"}, "note": {"seen"}}.Encode()
}

func (d *fakeLedger) Show(_ context.Context, k idempotency.Key) (idempotency.Record, error) {
	if d.lost(k.Provider) {
		return idempotency.Record{}, errors.New("dial tcp: refused")
	}
	for _, r := range d.records {
		if r.Key == k {
			return r, nil
		}
	}
	return idempotency.Record{}, fmt.Errorf("%s: %w", k, idempotency.ErrUnknown)
}

func (d *fakeLedger) List(_ context.Context, f idempotency.Filter, yield func(idempotency.Record) bool) error {
	if d.lost(f.Provider) {
		return errors.New("dial tcp: refused")
	}
	if d.damaged.Provider == f.Provider && f.Damaged != nil {
		f.Damaged(d.damaged, idempotency.ErrDamaged)
	}
	for _, r := range d.records {
		if r.Key.Provider != f.Provider || f.State != "" && r.State != f.State || f.Anomalies && r.Anomaly == "" {
			continue
		}
		if !yield(r) {
			return nil
		}
	}
	return nil
}

func (d *fakeLedger) Counts(_ context.Context, provider string) (map[idempotency.State]int64, error) {
	if d.lost(provider) {
		return nil, errors.New("dial tcp: refused")
	}
	counts := map[idempotency.State]int64{}
	for _, r := range d.records {
		if r.Key.Provider == provider {
			counts[r.State]++
		}
	}
	return counts, nil
}

func (d *fakeLedger) Halts(_ context.Context, provider string) (map[string]string, error) {
	if text := d.halts[provider]; text != "" {
		return map[string]string{"*": text}, nil
	}
	return nil, nil
}

func (d *fakeLedger) Epoch(_ context.Context, provider string) (idempotency.Epoch, error) {
	return d.epochs[provider], nil
}

// recorded keeps an intervention, the version and the actor.
func (d *fakeLedger) recorded(step string, k idempotency.Key, version int64, p idempotency.Actor, more ...any) (idempotency.Transition, error) {
	d.calls = append(d.calls, step+" "+k.String()+" "+strconv.FormatInt(version, 10)+" by "+p.By+": "+p.Note+fmt.Sprintf("%v", more))
	return idempotency.Transition{}, d.refuses
}

func (d *fakeLedger) Resolve(_ context.Context, k idempotency.Key, v int64, r idempotency.Resolution) (idempotency.Transition, error) {
	more := []any{r.As, r.ProviderID, r.Decline}
	if r.AcceptDoubleRisk {
		more = append(more, "attempts closed")
	}
	return d.recorded("resolve", k, v, r.Actor, more...)
}

func (d *fakeLedger) ClearAnomaly(_ context.Context, k idempotency.Key, v int64, reverse bool, p idempotency.Actor) (idempotency.Transition, error) {
	return d.recorded("anomaly", k, v, p, "reverse", reverse)
}

func (d *fakeLedger) Retry(_ context.Context, k idempotency.Key, v int64, risk bool, p idempotency.Actor) (idempotency.Transition, error) {
	return d.recorded("retry", k, v, p, "risk", risk)
}

func (d *fakeLedger) Unblock(_ context.Context, k idempotency.Key, v int64, p idempotency.Actor) (idempotency.Transition, error) {
	return d.recorded("unblock", k, v, p)
}

func (d *fakeLedger) Cancel(_ context.Context, k idempotency.Key, v int64, p idempotency.Actor) (idempotency.Transition, error) {
	return d.recorded("cancel", k, v, p)
}

func (d *fakeLedger) Halt(context.Context, string, string, idempotency.Actor) error { return d.refuses }
func (d *fakeLedger) Unhalt(context.Context, string, string, idempotency.Actor) error {
	return d.refuses
}

func mustURL(path string) *url.URL {
	u, err := url.Parse(path)
	if err != nil {
		panic(err)
	}
	return u
}
