package export

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// ledger is a source that also shows single payments, as the ledger has them now.
type ledger struct {
	source
	damaged idempotency.Key
	batches []int
}

func (l *ledger) ShowAll(_ context.Context, provider string, keys []idempotency.Key, damaged func(idempotency.Key, error)) ([]idempotency.Record, error) {
	l.batches = append(l.batches, len(keys))
	var rs []idempotency.Record
	for _, k := range keys {
		if k == l.damaged {
			damaged(k, errors.New("damaged"))
			continue
		}
		if k.Provider != provider {
			return nil, fmt.Errorf("%s is not of %s", k, provider)
		}
		if i := slices.IndexFunc(l.records, func(r idempotency.Record) bool { return r.Key == k }); i >= 0 {
			rs = append(rs, l.records[i])
		}
	}
	return rs, nil
}

func (l *ledger) Scan(_ context.Context, _ idempotency.Filter, _ string) ([]idempotency.Record, string, error) {
	return l.records, "", nil
}

// heldAgainst exports payments at noon, changes the ledger, and holds the export against it a day
// later.
func heldAgainst(t *testing.T, payments source, change func(l *ledger)) (*Compared, *ledger) {
	t.Helper()
	path := save(t, filepath.Join(t.TempDir(), "all.jsonl"), written(t, payments, options()))
	l := &ledger{source: source{slices.Clone(payments.records)}}
	for i := range l.records {
		l.records[i].History = slices.Clone(l.records[i].History)
	}
	change(l)
	v, c, err := VerifyAgainst(t.Context(), path, Checks{}, Against{
		Ledger: l, Now: noon.Add(24 * time.Hour), Retention: 400 * 24 * time.Hour, Providers: []string{"bank"},
	})
	if err != nil || !v.Intact() {
		t.Fatal(v, err)
	}
	return c, l
}

func TestAnExportIsHeldAgainstTheLedger(t *testing.T) {
	t.Parallel()
	later := func(r *idempotency.Record, e idempotency.AuditEntry) {
		e.At = noon.Add(time.Hour)
		r.History = append(r.History, e)
		r.Version++
		r.State, r.Updated = e.State, e.At
	}
	for _, row := range []struct {
		does   string
		change func(l *ledger)
		want   string // empty: it agrees
	}{
		{"nothing", func(*ledger) {}, ""},
		{"reversed later", func(l *ledger) {
			later(&l.records[3], idempotency.AuditEntry{State: idempotency.Reversed, Attempt: 1, Note: "by ana: came back"})
		}, ""},
		{"reversed without an entry", func(l *ledger) { l.records[3].State = idempotency.Reversed }, "another state in the same version"},
		{"another amount", func(l *ledger) { l.records[3].Amount = "149.60" }, "another amount"},
		{"another amount later", func(l *ledger) {
			later(&l.records[3], idempotency.AuditEntry{State: idempotency.Reversed})
			l.records[3].Amount = "149.60"
		}, "another amount"},
		{"another beneficiary", func(l *ledger) { l.records[3].Fingerprint = "1h:y" }, "another fingerprint"},
		{"another id of the provider", func(l *ledger) { l.records[3].ProviderID = "Y" }, "another provider_id in the same version"},
		{"a note that was changed", func(l *ledger) { l.records[3].History[2].Note = "by m.rojas: else" }, "another history"},
		{"an entry that was taken out, later", func(l *ledger) {
			l.records[3].History = slices.Delete(l.records[3].History, 1, 2)
			later(&l.records[3], idempotency.AuditEntry{State: idempotency.Reversed})
		}, "another history"},
		{"an older version", func(l *ledger) { l.records[3].Version-- }, "an older version of it: 2, and 3 was exported"},
		{"an answer that decided nothing", func(l *ledger) {
			l.records[3].History = append(l.records[3].History, idempotency.AuditEntry{
				At: noon.Add(time.Hour), State: idempotency.Succeeded, Attempt: 1, Answer: idempotency.Answer{Question: idempotency.AskStatus, Class: "not_found"},
			})
		}, ""},
		{"damaged", func(l *ledger) { l.damaged = l.records[3].Key }, "is damaged"},
		{"gone", func(l *ledger) { l.records = slices.Delete(l.records, 3, 4) }, "the ledger has no record of it"},
		{"added for the days", func(l *ledger) {
			l.records = append(l.records, payment(99, noon.Add(-2*time.Hour), idempotency.Succeeded))
		}, "no file has it"},
		{"registered later", func(l *ledger) {
			l.records = append(l.records, payment(99, noon.Add(time.Hour), idempotency.Succeeded))
		}, ""},
	} {
		c, _ := heldAgainst(t, many(10, noon.Add(-time.Hour)), row.change)
		switch {
		case row.want == "" && !c.Agrees(), row.want != "" && (len(c.Problems) != 1 || !strings.Contains(c.Problems[0].Text, row.want)):
			t.Errorf("%s: %+v, want %q", row.does, c, row.want)
		case c.Gone+c.Changed+c.Added != int64(len(c.Problems)) || c.Records != 10:
			t.Errorf("%s: counted %+v", row.does, c)
		}
	}
}

// What is older than the ledger keeps is counted apart, but not what it keeps in any case.
func TestWhatTheLedgerNoLongerKeepsIsNoProblem(t *testing.T) {
	t.Parallel()
	old := noon.AddDate(-2, 0, 0)
	flagged := payment(3, old, idempotency.Succeeded)
	flagged.Anomaly = "second_success"
	payments := source{[]idempotency.Record{payment(1, old, idempotency.Succeeded), payment(2, old, idempotency.Held), flagged}}
	c, _ := heldAgainst(t, payments, func(l *ledger) { l.records = nil })
	if c.Expired != 1 || c.Gone != 2 {
		t.Errorf("%+v", c)
	}
}

func TestTheLedgerIsReadInBatches(t *testing.T) {
	t.Parallel()
	_, l := heldAgainst(t, many(1201, noon.Add(-time.Hour)), func(*ledger) {})
	if !slices.Equal(l.batches, []int{500, 500, 201}) {
		t.Errorf("batches of %v", l.batches)
	}
}

// A full history has lost entries in its middle: what is left must still be what was exported.
func TestAFullHistoryIsComparedAsFarAsItIsThere(t *testing.T) {
	t.Parallel()
	entry := func(n int) Entry {
		return Entry{At: noon.Add(time.Duration(n) * time.Second).Format(stamp), State: idempotency.Ready, Attempt: n, Note: fmt.Sprint("E-", n)}
	}
	var was, is Payment
	for n := range 30 {
		was.History = append(was.History, entry(n))
	}
	for n := range 8 {
		is.History = append(is.History, entry(n))
	}
	for n := 20; n < 76; n++ {
		is.History = append(is.History, entry(n))
	}
	is.HistoryGap = 8
	if !is.continues(was) {
		t.Error("the entries in the gap are missing")
	}
	for _, i := range []int{0, 9, 12} {
		changed := is
		changed.History = slices.Clone(is.History)
		changed.History[i].Note = "else"
		if changed.continues(was) {
			t.Errorf("entry %d was changed", i)
		}
	}
}

// Each day of an archive is held against the ledger, and a payment of several days once for each.
func TestAnArchiveIsHeldAgainstTheLedger(t *testing.T) {
	t.Parallel()
	a, _ := archiveOf(t, nil)
	l := &ledger{}
	_, c, err := VerifyAgainst(t.Context(), a.Folder, Checks{}, Against{Ledger: l, Now: noon, Retention: time.Hour, Providers: []string{"bank"}})
	if err != nil || c.Records == 0 || c.Gone+c.Expired != c.Records {
		t.Errorf("%+v %v", c, err)
	}
}
