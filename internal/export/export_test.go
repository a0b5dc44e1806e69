package export

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// source is a ledger that returns every record twice, the second time as it was at first.
type source struct{ records []idempotency.Record }

func (s source) Scan(_ context.Context, f idempotency.Filter, cursor string) ([]idempotency.Record, string, error) {
	var rs []idempotency.Record
	for _, r := range s.records {
		if r.Key.Provider == f.Provider {
			rs = append(rs, r)
		}
	}
	if cursor == "" {
		return rs, "again", nil
	}
	for i := range rs {
		rs[i].Version, rs[i].State = rs[i].Version-1, idempotency.Sending
	}
	return rs, "", nil
}

func payment(n int, at time.Time, state idempotency.State) idempotency.Record {
	return idempotency.Record{
		Key: idempotency.Key{Provider: "bank", Account: "default", Reference: fmt.Sprintf("p-%04d", n)}, Type: "payout", State: state, Version: 3,
		Amount: "149.50", Currency: "MXN", Created: at, Updated: at.Add(time.Second), Fingerprint: "1h:x", Message: "Ana Soto",
		Metadata: map[string]string{"who": "=Ana"}, ActionURL: "https://example/ana",
		History: []idempotency.AuditEntry{
			{At: at, State: idempotency.Queued}, {At: at.Add(time.Second), State: idempotency.Held, Attempt: 1, Note: "Ana Soto has no account"},
			{At: at.Add(time.Second), State: state, Attempt: 1, Note: "by m.rojas: statement of 27 November"},
		},
	}
}

func options() Options {
	return Options{Providers: []string{"bank"}, Zone: time.UTC, Now: noon, By: "test", Program: "remesa"}
}

func many(n int, at time.Time) source {
	var s source
	for i := range n {
		s.records = append(s.records, payment(n-i, at, idempotency.Succeeded))
	}
	return s
}

func written(t *testing.T, s Source, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := Write(t.Context(), s, o, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func verified(t *testing.T, path string, c Checks) *Verified {
	t.Helper()
	v, err := Verify(path, c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func save(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnExportHasEachPaymentOnceAndInOrder(t *testing.T) {
	t.Parallel()
	text := written(t, many(50, noon), options())
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 51 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines[:50] {
		var l struct {
			N       int
			Payment Payment
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("bank/p-%04d", i+1); l.N != i+1 || l.Payment.Key != want || l.Payment.State != idempotency.Succeeded {
			t.Errorf("line %d: %d %s %s, want %s", i+1, l.N, l.Payment.Key, l.Payment.State, want)
		}
	}
	if !strings.Contains(lines[50], `"totals":[{"provider":"bank","currency":"MXN","state":"succeeded","count":50,"sum":"7475"}]`) {
		t.Error(lines[50])
	}
	v := verified(t, save(t, filepath.Join(t.TempDir(), "all.jsonl"), text), Checks{})
	if !v.Intact() || v.Records != 50 {
		t.Errorf("%+v", v)
	}
}

func TestWhatWaitsIsSortedOutsideMemory(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := newSorter(folder, 1000)
	defer s.close()
	for i := range 500 {
		for _, version := range []int64{1, 2} {
			key := fmt.Sprintf("%03d", i*7%500)
			if err := s.add(sortable{key, version, []byte(key)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(s.runs) < 10 {
		t.Errorf("%d runs", len(s.runs))
	}
	n := 0
	for r, err := range s.all() {
		if err != nil || r.Key != fmt.Sprintf("%03d", n) || r.Version != 2 {
			t.Fatalf("%d: %+v %v", n, r, err)
		}
		n++
	}
	s.close()
	if left, _ := os.ReadDir(folder); n != 500 || len(left) != 0 {
		t.Errorf("%d records, %d files left", n, len(left))
	}
}

func TestPersonalColumnsAreLeftOut(t *testing.T) {
	t.Parallel()
	o := options()
	if text := written(t, many(3, noon), o); strings.Contains(text, "Ana") || strings.Contains(text, "ana") || !strings.Contains(text, "by m.rojas") {
		t.Error(text)
	}
	o.Personal = true
	text := written(t, many(3, noon), o)
	for _, want := range []string{`"message":"Ana Soto"`, `"action_url":"https://example/ana"`, `"metadata":{"who":"=Ana"}`, "Ana Soto has no account"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

// What people wrote about an anomaly of a held payment says who decided, and is no provider's word.
func TestNotesOfPeopleAreExported(t *testing.T) {
	t.Parallel()
	r := payment(1, noon, idempotency.Held)
	r.History = r.History[:2]
	for _, note := range []string{"anomaly: statement_difference by ana: statement of November", "anomaly cleared by ana: told by the bank"} {
		r.History = append(r.History, idempotency.AuditEntry{At: noon, State: idempotency.Held, Attempt: 1, Note: note})
		if text := written(t, source{[]idempotency.Record{r}}, options()); !strings.Contains(text, note) || strings.Contains(text, "has no account") {
			t.Errorf("%s: %s", note, text)
		}
	}
}

// tampering is what somebody does to the lines of a file of 10 records, and what verify says first.
var tampering = []struct {
	does string
	do   func(lines []string) []string
	says string
}{
	{"one byte of a record", func(l []string) []string { l[4] = strings.Replace(l[4], "149.50", "149.60", 1); return l }, "line 5: it was changed"},
	{"one byte of a hash", func(l []string) []string { l[4] = flip(l[4], 12); return l }, "line 5: it was changed"},
	{"one byte of a link", func(l []string) []string { l[4] = flip(l[4], strings.Index(l[4], "prev")+10); return l }, "line 5: it was changed"},
	{"one byte of the form", func(l []string) []string { l[4] = strings.Replace(l[4], "{", "[", 1); return l }, "line 5: it is no record"},
	{"a record is missing", func(l []string) []string { return slices.Delete(l, 4, 5) }, "line 5: record 5 is missing"},
	{"two records are missing", func(l []string) []string { return slices.Delete(l, 4, 6) }, "line 5: records 5 to 6 are missing"},
	{"the first is missing", func(l []string) []string { return slices.Delete(l, 0, 1) }, "line 1: record 1 is missing"},
	{"the last is missing", func(l []string) []string { return slices.Delete(l, 9, 10) }, "behind 9 records of 10"},
	{"a record is added", func(l []string) []string { return slices.Insert(l, 4, l[1]) }, "line 5: record 2 stands here"},
	{"two change places", func(l []string) []string { l[4], l[5] = l[5], l[4]; return l }, "line 5: record 5 is missing"},
	{"a record is replaced, its hash too", func(l []string) []string { l[4] = forged(l[4]); return l }, "line 6: it does not follow"},
	{"the last is replaced, its hash too", func(l []string) []string { l[9] = forged(l[9]); return l }, "its last record is not the one"},
	{"all are written anew", func(l []string) []string { return rewritten(l) }, "its last record is not the one"},
	{"an empty line", func(l []string) []string { return slices.Insert(l, 4, "") }, "line 5: it is no record"},
}

func flip(line string, i int) string {
	c := byte('0')
	if line[i] == c {
		c = '1'
	}
	return line[:i] + string(c) + line[i+1:]
}

// forged changes a record and makes its hash that of its content.
func forged(line string) string {
	rest := strings.TrimSuffix(line[len(`{"hash":"`)+64+len(`",`):], "}")
	rest = strings.Replace(rest, "149.50", "149.60", 1)
	return `{"hash":"` + sum([]byte(rest)) + `",` + rest + "}"
}

// rewritten makes a chain of its own of changed records.
func rewritten(lines []string) []string {
	prev := noHash
	for i, line := range lines[:10] {
		_, record, _ := strings.Cut(line, `,"payment":`)
		rest := fmt.Sprintf(`"n":%d,"prev":"%s","payment":%s`, i+1, prev, strings.Replace(strings.TrimSuffix(record, "}"), "149.50", "149.60", 1))
		prev = sum([]byte(rest))
		lines[i] = `{"hash":"` + prev + `",` + rest + "}"
	}
	return lines
}

func TestTamperingIsFoundByItsLine(t *testing.T) {
	t.Parallel()
	text := written(t, many(10, noon), options())
	path := filepath.Join(t.TempDir(), "all.jsonl")
	for _, row := range tampering {
		lines := row.do(strings.Split(strings.TrimSuffix(text, "\n"), "\n"))
		v := verified(t, save(t, path, strings.Join(lines, "\n")+"\n"), Checks{})
		if v.Intact() || !strings.Contains(v.Problems[0].String(), row.says) {
			t.Errorf("%s: %v, want %q", row.does, v.Problems, row.says)
		}
	}
	for n := range len(text) { // wherever the file ends, it is noticed
		if n%37 != 0 {
			continue
		}
		if v := verified(t, save(t, path, text[:n]), Checks{}); v.Intact() {
			t.Fatalf("cut off at byte %d of %d: not noticed", n, len(text))
		}
	}
	changed := strings.Replace(text, `"count":10`, `"count":11`, 1)
	if v := verified(t, save(t, path, changed), Checks{}); v.Intact() || !strings.Contains(v.Problems[0].Text, "counts and sums") {
		t.Errorf("a changed total: %v", v.Problems)
	}
}

// archiveOf is an archive of the days from 24 to 26 November in Santiago, each with some payments.
func archiveOf(t *testing.T, key ed25519.PrivateKey) (Archive, []Exported) {
	t.Helper()
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Zone, o.CSV, o.Key = zone, true, key
	var s source
	for i := range 30 {
		s.records = append(s.records, payment(i, noon.AddDate(0, 0, -1-i%4), idempotency.Succeeded))
	}
	a := Archive{filepath.Join(t.TempDir(), "archive")}
	from := Day{2026, 11, 24}
	days, err := a.Missing(o, &from, nil)
	if err != nil || len(days) != 3 {
		t.Fatal(days, err)
	}
	var all []Exported
	for _, d := range days {
		e, err := a.Add(t.Context(), s, o, d)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if days, err := a.Missing(o, nil, nil); err != nil || len(days) != 0 {
		t.Errorf("missing still: %v, %v", days, err)
	}
	return a, all
}

func TestAnArchiveIsAChainOfDays(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	public := key.Public().(ed25519.PublicKey)
	a, days := archiveOf(t, key)
	checks := Checks{Public: public, Head: days[2].SHA256}
	if v := verified(t, a.Folder, checks); !v.Intact() || v.Days != 3 || v.Records != 2*(8+8+7) || v.First != "2026-11-24" || v.Last != "2026-11-26" {
		t.Errorf("%+v", v)
	}
	for _, file := range []string{"remesa-2026-11-25.jsonl", "remesa-2026-11-25.csv", "remesa-2026-11-25.manifest.json"} {
		if v := verified(t, filepath.Join(a.Folder, file), Checks{Public: public}); !v.Intact() || v.Files == 0 {
			t.Errorf("%s: %+v", file, v)
		}
	}
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Checks{{Public: other}, {Head: days[1].SHA256}} {
		if v := verified(t, a.Folder, c); v.Intact() {
			t.Errorf("another key, or another head: %+v", v)
		}
	}
}

func TestAChangedArchiveIsNoticed(t *testing.T) {
	t.Parallel()
	const day = "remesa-2026-11-25"
	for does, do := range map[string]func(t *testing.T, a Archive) string{
		"a manifest is replaced by one that fits its files": func(t *testing.T, a Archive) string {
			path := filepath.Join(a.Folder, day+manifestSuffix)
			save(t, path, strings.Replace(read(t, path), `"exported_by":"test"`, `"exported_by":"else"`, 1))
			return "remesa-2026-11-26.manifest.json: the manifest before it is not the one"
		},
		"a manifest names two numbers of records": func(t *testing.T, a Archive) string {
			path := filepath.Join(a.Folder, day+manifestSuffix)
			save(t, path, strings.Replace(read(t, path), `"records":`, `"records":1`, 1))
			return day + ".jsonl: its manifest names two numbers of records"
		},
		"a manifest names its folder": func(t *testing.T, a Archive) string {
			path := filepath.Join(a.Folder, day+manifestSuffix)
			save(t, path, strings.Replace(read(t, path), `"name":"`+day+linesSuffix, `"name":"..`, 1))
			return day + manifestSuffix + ": it names a file outside its folder"
		},
		"a day is missing": func(t *testing.T, a Archive) string {
			for _, suffix := range []string{manifestSuffix, linesSuffix, csvSuffix} {
				if err := os.Remove(filepath.Join(a.Folder, day+suffix)); err != nil {
					t.Fatal(err)
				}
			}
			return "the one before is missing"
		},
		"a manifest is missing": func(t *testing.T, a Archive) string {
			if err := os.Remove(filepath.Join(a.Folder, "remesa-2026-11-26"+manifestSuffix)); err != nil {
				t.Fatal(err)
			}
			return "no manifest names it"
		},
		"a file is missing": func(t *testing.T, a Archive) string {
			if err := os.Remove(filepath.Join(a.Folder, day+linesSuffix)); err != nil {
				t.Fatal(err)
			}
			return day + ".jsonl: it is missing"
		},
		"a cell of a table is changed": func(t *testing.T, a Archive) string {
			path := filepath.Join(a.Folder, day+csvSuffix)
			lines := strings.Split(read(t, path), "\n")
			lines[3] = strings.Replace(lines[3], "149.50", "149.60", 1)
			save(t, path, strings.Join(lines, "\n"))
			return day + ".csv, line 4: it was changed"
		},
		"a header is changed": func(t *testing.T, a Archive) string {
			path := filepath.Join(a.Folder, day+csvSuffix)
			save(t, path, strings.Replace(read(t, path), "amount", "AMOUNT", 1))
			return day + ".csv: it was changed"
		},
		"a day is written anew with its manifest": func(t *testing.T, a Archive) string {
			path := filepath.Join(a.Folder, day+manifestSuffix)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			// Whoever can write there can make a day that fits itself, but the next day names
			// another.
			o := options()
			zone, err := time.LoadLocation("America/Santiago")
			if err != nil {
				t.Fatal(err)
			}
			o.Zone = zone
			elsewhere := Archive{t.TempDir()}
			if _, err := elsewhere.Add(t.Context(), many(2, noon.AddDate(0, 0, -2)), o, Day{2026, 11, 25}); err != nil {
				t.Fatal(err)
			}
			for _, suffix := range []string{manifestSuffix, linesSuffix} {
				save(t, filepath.Join(a.Folder, day+suffix), read(t, filepath.Join(elsewhere.Folder, day+suffix)))
			}
			return "it names no manifest before it"
		},
	} {
		a, _ := archiveOf(t, nil)
		says := do(t, a)
		v := verified(t, a.Folder, Checks{})
		if !slices.ContainsFunc(v.Problems, func(p Problem) bool { return strings.Contains(p.String(), says) }) {
			t.Errorf("%s: %v, want %q", does, v.Problems, says)
		}
	}
}

func TestAnArchiveRefusesWhatWouldLeaveAGap(t *testing.T) {
	t.Parallel()
	a, _ := archiveOf(t, nil)
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	later := Day{2026, 12, 1}
	o := options()
	o.Zone, o.Now = zone, noon.AddDate(0, 0, 10)
	if _, err := a.Missing(o, &later, nil); err == nil {
		t.Error("a gap")
	}
	if days, err := a.Missing(o, nil, nil); err != nil || len(days) != 10 || days[0].String() != "2026-11-27" {
		t.Errorf("days to catch up with: %v, %v", days, err)
	}
	o.Zone = time.UTC
	if _, err := a.Missing(o, nil, nil); err == nil {
		t.Error("another zone")
	}
	o.Zone, o.Provider = zone, "bank"
	if _, err := a.Missing(o, nil, nil); err == nil {
		t.Error("one provider only")
	}
	o.Provider, o.Now = "", noon
	today := Day{2026, 11, 27}
	if _, err := a.Missing(o, nil, &today); err == nil {
		t.Error("a day that is not over")
	}
	if _, err := a.Add(t.Context(), source{}, o, Day{2026, 11, 26}); err == nil {
		t.Error("a day twice")
	}
}

// A payment is in the export of each day on which something happened to it.
func TestNoPaymentIsBetweenTwoDays(t *testing.T) {
	t.Parallel()
	o := options()
	o.From, o.Until = noon, noon.Add(time.Hour)
	r := payment(1, noon.Add(-time.Hour), idempotency.Succeeded)
	for _, row := range []struct {
		entry time.Time
		want  bool
	}{{noon.Add(-time.Millisecond), false}, {noon, true}, {noon.Add(time.Hour - time.Millisecond), true}, {noon.Add(time.Hour), false}} {
		r.History[1].At = row.entry
		if got := o.covers(r); got != row.want {
			t.Errorf("%s: %t", row.entry, got)
		}
	}
	// A history that is full may have lost the entry of the registration, or of the last change.
	for does, change := range map[string]func(r *idempotency.Record){
		"registered": func(r *idempotency.Record) { r.Created = noon }, "changed": func(r *idempotency.Record) { r.Updated = noon },
	} {
		r := payment(1, noon.Add(-time.Hour), idempotency.Succeeded)
		if o.covers(r) {
			t.Errorf("%s before it was", does)
		}
		if change(&r); !o.covers(r) {
			t.Errorf("%s within the bounds", does)
		}
	}
}

func TestDaysBeginWithTheFirstInstantOfTheirDate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ zone, day, want string }{
		{"America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z"}, // 00:00 is skipped
		{"America/Santiago", "2026-09-05", "2026-09-05T04:00:00Z"},
		{"America/Santiago", "2026-04-05", "2026-04-05T04:00:00Z"}, // 23:00 of 4 April comes twice
		{"America/Santiago", "2026-11-27", "2026-11-27T03:00:00Z"},
		{"America/Bogota", "2026-11-27", "2026-11-27T05:00:00Z"},
		{"UTC", "2026-11-27", "2026-11-27T00:00:00Z"},
		{"Pacific/Kiritimati", "2026-11-27", "2026-11-26T10:00:00Z"},
	} {
		zone, err := time.LoadLocation(row.zone)
		if err != nil {
			t.Fatal(err)
		}
		d, err := ParseDay(row.day)
		if err != nil {
			t.Fatal(err)
		}
		begins := d.Begins(zone)
		if got := begins.UTC().Format(time.RFC3339); got != row.want {
			t.Errorf("%s in %s: %s, want %s", row.day, row.zone, got, row.want)
		}
		if DayAt(begins, zone) != d || DayAt(begins.Add(-time.Nanosecond), zone) != d.Add(-1) {
			t.Errorf("%s in %s: it is not the first instant", row.day, row.zone)
		}
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+56 9": "'+56 9", "-1": "'-1", "@x": "'@x", "12500": "12500", "a,b": `"a,b"`, `a"b`: `"a""b"`, "a\nb": "a b", "": "",
		"=a,b": `"'=a,b"`, "\n=1": "' =1", "a;=1": "a;'=1",
	} {
		if got := csvCell(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	p := newPayment(payment(1, noon, idempotency.Succeeded), time.UTC, true)
	row, err := p.csvRow()
	if err != nil {
		t.Fatal(err)
	}
	cells, err := csv.NewReader(bytes.NewReader(row)).Read()
	if err != nil || len(cells) != len(columnsOf(true)) {
		t.Errorf("%d cells for %d columns: %v", len(cells), len(columnsOf(true)), err)
	}
}

// Whoever can write into the folder must not be able to fill the memory of who verifies it.
func TestALargeManifestIsNotRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), filePrefix+"2026-11-25"+manifestSuffix)
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(f.Truncate(largestManifest+1), f.Close()) // a file with a hole takes no room
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(filepath.Dir(path), Checks{}); err == nil || !strings.Contains(err.Error(), "it is no manifest") {
		t.Errorf("got %v", err)
	}
}

// An answer's fields are those of enqueue show; an entry without one has none of them.
func TestAnExportHasTheProvidersAnswers(t *testing.T) {
	t.Parallel()
	r := payment(1, noon, idempotency.Succeeded)
	r.History[1].Answer = idempotency.Answer{Question: idempotency.AskStatus, HTTPStatus: 404, Class: "not_found", Took: 78 * time.Millisecond}
	r.History[1].Count, r.History[1].Last = 2, noon
	got, err := json.Marshal(newPayment(r, time.UTC, false).History[:2])
	want := `"note":""},{"at":"2026-11-27T12:00:01.000+00:00","state":"held","attempt":1,"note":"","question":"status","http_status":404,` +
		`"class":"not_found","duration_ms":78,"count":2,"last_at":"2026-11-27T12:00:00.000+00:00"}]`
	if err != nil || !strings.HasSuffix(string(got), want) {
		t.Errorf("%s %v", got, err)
	}
}
