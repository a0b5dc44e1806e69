package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
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
	// rejected are the tasks that became no payment.
	rejected []idempotency.RejectedTask
}

func (d *fakeLedger) RejectedTasks(_ context.Context, provider string) ([]idempotency.RejectedTask, error) {
	if d.lost(provider) {
		return nil, errors.New("dial tcp: refused")
	}
	var out []idempotency.RejectedTask
	for _, t := range d.rejected {
		if t.Provider == provider {
			out = append(out, t)
		}
	}
	return out, nil
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

func (d *fakeLedger) KnownPartitions(_ context.Context, provider string) ([]idempotency.Partition, error) {
	return []idempotency.Partition{{Provider: provider}}, nil
}

// Page lists by registration, all in one page's order.
func (d *fakeLedger) Page(_ context.Context, q idempotency.PageQuery) (rs []idempotency.Record, last idempotency.Place, more bool, err error) {
	if d.lost(q.Provider) {
		return nil, q.After, false, errors.New("dial tcp: refused")
	}
	if d.damaged.Provider == q.Provider && q.Damaged != nil {
		q.Damaged(d.damaged, idempotency.ErrDamaged)
	}
	all := slices.Clone(d.records)
	place := func(r idempotency.Record) idempotency.Place {
		return idempotency.Place{At: r.ListedAt().UnixMilli(), ID: r.Key.ID()}
	}
	compare := func(a, b idempotency.Place) int {
		order := cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
		if q.Newest {
			order = -order
		}
		return order
	}
	slices.SortFunc(all, func(a, b idempotency.Record) int { return compare(place(a), place(b)) })
	for _, r := range all {
		behind := q.After == idempotency.Place{} || compare(place(r), q.After) > 0
		if r.Key.Provider != q.Provider || r.State != q.State || !behind {
			continue
		}
		if len(rs) == q.Limit {
			return rs, last, true, nil
		}
		rs, last = append(rs, r), place(r)
	}
	return rs, last, false, nil
}

func (d *fakeLedger) ShowAll(ctx context.Context, _ string, keys []idempotency.Key, _ func(idempotency.Key, error)) (rs []idempotency.Record, err error) {
	for _, k := range keys {
		if r, err := d.Show(ctx, k); err == nil {
			rs = append(rs, r)
		}
	}
	return rs, nil
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

func (d *fakeLedger) Halt(_ context.Context, provider, account string, by idempotency.Actor) error {
	d.calls = append(d.calls, "halt "+provider+" "+account+" by "+by.By+": "+by.Note)
	return d.refuses
}

func (d *fakeLedger) Unhalt(_ context.Context, provider, account string, by idempotency.Actor) error {
	d.calls = append(d.calls, "unhalt "+provider+" "+account+" by "+by.By+": "+by.Note)
	return d.refuses
}

func mustURL(path string) *url.URL {
	u, err := url.Parse(path)
	if err != nil {
		panic(err)
	}
	return u
}
