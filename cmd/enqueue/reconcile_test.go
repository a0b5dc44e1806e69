package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/reconcile"
	"github.com/remesa/remesa/providers"
)

// statementOf writes a statement with remesa's own column names, of today.
func (d *fixture) statementOf(rows ...string) string {
	d.t.Helper()
	today := d.server.Client().Time(d.t.Context()).Val().UTC().Format("2006-01-02")
	text := "date,reference,provider_id,bank_id,amount,currency,status\n"
	for _, r := range rows {
		text += today + "," + r + "\n"
	}
	path := filepath.Join(d.t.TempDir(), "cartola.csv")
	d.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestAStatementIsHeldAgainstTheLedger(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	paid := func(key, id string) {
		d.finished("virtualpos/"+key, providers.Outcome{Class: providers.Succeeded, ProviderID: id})
	}
	paid("tef-0001", "1")
	paid("tef-0002", "2")
	paid("tef-0003", "3")
	d.held("virtualpos/tef-0004")
	d.finished("virtualpos/tef-0005", providers.Outcome{Class: providers.Refused, Code: "051"})

	reconcile := func(args ...string) commandResult {
		return d.run(append([]string{"reconcile", "--provider", "virtualpos"}, args...)...)
	}
	same := d.statementOf("tef-0001,1,b1,100,CLP,paid", "tef-0002,2,b2,100,CLP,paid", "tef-0003,,b3,100,CLP,paid")
	got := reconcile("--statement", same)
	wantCode(t, "all agrees", got, 0)
	wantText(t, "all agrees", got.out, "none\n", "3  CLP                300  payments agree", "open payments have no line, which proves nothing")

	other := d.statementOf("tef-0001,1,b1,100,CLP,paid", "tef-0002,2,=b2,90,CLP,paid", "tef-0004,,b4,100,CLP,paid", "tef-0005,,b5,100,CLP,paid", "x,9,b9,50,CLP,paid")
	got = reconcile("--statement", other, "--json")
	wantCode(t, "differences", got, exitRefused)
	var r struct {
		Statement   struct{ SHA256, Mapping string }
		Differences []foundDifference
		Proposals   []foundPayment
		Sums        struct {
			Matched     []reconciledSum
			Differences map[string][]reconciledSum
		}
	}
	d.must(json.Unmarshal([]byte(got.out), &r))
	var found []string
	for _, x := range r.Differences {
		found = append(found, string(x.Kind)+" "+x.Key)
	}
	if want := "amount_differs virtualpos/tef-0002|unknown_payment |not_on_statement virtualpos/tef-0003|paid_but_failed virtualpos/tef-0005"; strings.Join(found, "|") != want {
		t.Errorf("found %q, want %q", found, want)
	}
	if len(r.Proposals) != 1 || r.Proposals[0].Key != "virtualpos/tef-0004" || r.Proposals[0].Row != 4 || r.Proposals[0].BankID != "b4" {
		t.Errorf("proposals %+v", r.Proposals)
	}
	if len(r.Sums.Matched) != 1 || r.Sums.Matched[0] != (reconciledSum{"CLP", 1, "100"}) || len(r.Sums.Differences) != 4 {
		t.Errorf("sums %+v", r.Sums)
	}
	table := reconcile("--statement", other, "--csv")
	wantCode(t, "as CSV", table, exitRefused)
	wantText(t, "as CSV", table.out, "amount_differs,virtualpos/tef-0002,succeeded,3,,", ",90,100,CLP,'=b2,", "resolve_as_succeeded,virtualpos/tef-0004,held,4,")
}

// What the statement has of a payment that nobody could find out about is resolved by a person,
// with the statement's hash and row in the note.
func TestAStatementResolvesWhatIsHeld(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.held("virtualpos/tef-0001")
	d.held("virtualpos/tef-0002")
	file := d.statementOf("tef-0001,,b1,100,CLP,paid")
	keys := filepath.Join(t.TempDir(), "keys.txt")
	got := d.run("reconcile", "--provider", "virtualpos", "--statement", file, "--propose", keys)
	wantCode(t, "reconcile", got, exitRefused)
	wantText(t, "reconcile", got.out, "resolve: succeeded")
	wantCode(t, "a file that is there is not written again", d.run("reconcile", "--provider", "virtualpos", "--statement", file, "--propose", keys), exitUsage)
	got = d.byHand("resolve --as succeeded --confirm-count 1 --confirm-sum CLP=100 --file " + keys)
	wantCode(t, "resolve", got, 0)
	shown := must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, "virtualpos/tef-0001")))
	note := shown.History[len(shown.History)-1].Note
	if shown.State != idempotency.Succeeded || !strings.HasPrefix(note, "by Ana: told") || !strings.Contains(note, "; cartola.csv sha256 ") || !strings.HasSuffix(note, " row 2 bank id b1") {
		t.Errorf("%s %q", shown.State, note)
	}
	wantCode(t, "reconcile again", d.run("reconcile", "--provider", "virtualpos", "--statement", file), 0)
	d.must(os.WriteFile(keys, []byte("virtualpos/tef-0002\tx\n"), 0o600))
	wantCode(t, "only resolve takes more than a key", d.byHand("retry --confirm-count 1 --confirm-sum CLP=100 --file "+keys), exitRefused)
}

func TestAStatementThatIsNotKnownIsRefused(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	path := filepath.Join(t.TempDir(), "cartola.csv")
	d.must(os.WriteFile(path, []byte("día;ref;importe\n24/11/2026;tef-0001;12.500\n"), 0o600))
	got := d.run("reconcile", "--provider", "virtualpos", "--statement", path)
	wantCode(t, "unknown", got, exitRefused)
	wantText(t, "unknown", got.err, "cartola.csv: this layout is not known")
	own := filepath.Join(t.TempDir(), "own.json")
	d.must(os.WriteFile(own, []byte(`{"name":"own","kind":"report","zone":"America/Santiago","currency":"CLP","locale":"es-CL","dates":["02/01/2006"],`+
		`"columns":{"date":["Día"],"reference":["Ref"],"amount":["Importe"]}}`), 0o600))
	got = d.run("reconcile", "--provider", "virtualpos", "--statement", path, "--map", own)
	wantCode(t, "with a mapping of one's own", got, exitRefused)
	wantText(t, "with a mapping of one's own", got.out, "unknown_payment", "12500")
	wantText(t, "the known layouts", d.run("reconcile", "--mappings").out, "bci-cl", "(assumed)")
	wantCode(t, "no statement", d.run("reconcile", "--provider", "virtualpos"), exitUsage)
	wantCode(t, "a file that is not there", d.run("reconcile", "--provider", "virtualpos", "--statement", path+"x"), exitFailed)
}

// TestADifferenceIsPutOnItsPayment walks the way of a person: count, record, look, clear.
func TestADifferenceIsPutOnItsPayment(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for key, id := range map[string]string{"tef-0001": "1", "tef-0002": "2", "tef-0003": "3"} {
		d.finished("virtualpos/"+key, providers.Outcome{Class: providers.Succeeded, ProviderID: id})
	}
	d.finished("virtualpos/tef-0005", providers.Outcome{Class: providers.Refused, Code: "051"})
	file := d.statementOf("tef-0001,1,b1,100,CLP,paid", "tef-0002,2,b2,90,CLP,paid", "tef-0005,,b5,100,CLP,paid", "x,9,b9,50,CLP,paid")
	record := func(more ...string) commandResult {
		return d.run(append([]string{"reconcile", "--provider", "virtualpos", "--statement", file, "--record", "--by", "Ana", "--note", "statement of November"}, more...)...)
	}
	anomaly := func(key string) idempotency.Record {
		return must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, "virtualpos/"+key)))
	}
	got := record()
	wantCode(t, "counted", got, exitRefused)
	wantText(t, "counted", got.err, "1 difference is of no one payment, and is only reported",
		"3 payments of 300 CLP would be flagged; nothing was recorded. To go on, repeat: --confirm-count 3 --confirm-sum CLP=300")
	wantCode(t, "another sum", record("--confirm-count", "3", "--confirm-sum", "CLP=301"), exitRefused)
	if r := anomaly("tef-0002"); r.Anomaly != "" {
		t.Errorf("flagged without the right sum: %+v", r)
	}

	got = record("--kind", "amount_differs", "--confirm-count", "1", "--confirm-sum", "CLP=100")
	wantCode(t, "one kind", got, exitRefused)
	wantText(t, "one kind", got.out, "recorded  virtualpos/tef-0002")
	r := anomaly("tef-0002")
	note := r.History[len(r.History)-1].Note
	if r.Anomaly != idempotency.AnomalyOfStatement || r.State != idempotency.Succeeded ||
		!strings.HasPrefix(note, "anomaly: statement_difference by Ana: statement of November; amount_differs row 3 of cartola.csv sha256 ") || strings.Contains(note, "b2") {
		t.Errorf("%+v", r)
	}

	got = record("--json", "--confirm-count", "3", "--confirm-sum", "CLP=300")
	wantCode(t, "all", got, exitRefused)
	var all struct{ Recorded []recordedResult }
	d.must(json.Unmarshal([]byte(got.out), &all))
	results := map[string]string{}
	for _, one := range all.Recorded {
		results[one.Key] = one.Result
	}
	if len(results) != 3 || results["virtualpos/tef-0002"] != "known" || results["virtualpos/tef-0003"] != "recorded" || results["virtualpos/tef-0005"] != "recorded" {
		t.Errorf("%v", results)
	}
	wantText(t, "listed", d.run("list", "--anomalies").out, "tef-0002", "tef-0003", "tef-0005", "anomaly: statement_difference")
	wantText(t, "explained", d.run("explain", "virtualpos/tef-0005").out, "a statement says something else", "paid_but_failed row 4")

	for _, step := range []string{"tef-0002 --anomaly accept", "tef-0003 --anomaly reverse", "tef-0005 --anomaly accept"} {
		wantCode(t, step, d.byHand("resolve virtualpos/"+step), 0)
	}
	for key, want := range map[string]idempotency.State{"tef-0002": idempotency.Succeeded, "tef-0003": idempotency.Reversed, "tef-0005": idempotency.Succeeded} {
		if r := anomaly(key); r.State != want || r.Anomaly != "" {
			t.Errorf("%s: %s %q", key, r.State, r.Anomaly)
		}
	}
	got = record("--confirm-count", "1", "--confirm-sum", "CLP=100")
	wantText(t, "what was cleared is not raised again", got.out, "known     virtualpos/tef-0002")
}

func TestRecordingNeedsItsFlags(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"--record", "--record --by Ana", "--record --note x", "--by Ana --note x", "--kind paid_twice", "--confirm-count 1 --confirm-sum CLP=1",
		"--record --by Ana --note x --csv", "--record --by Ana --note x --kind nothing", "--record --by Ana --note x --confirm-count 1",
	} {
		got := enqueue(t, nil, nil, append([]string{"reconcile", "--provider", "virtualpos", "--statement", "x.csv"}, strings.Fields(args)...)...)
		wantCode(t, args, got, exitUsage)
	}
}

// A payment that moved on since it was compared is left as it is.
func TestADifferenceIsRecordedInTheVersionThatWasCompared(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	k := d.queued("virtualpos/tef-0001")
	v := must[idempotency.Record](t)(d.ledger.Show(t.Context(), k)).Version
	_, err := d.ledger.Cancel(t.Context(), k, v, idempotency.Actor{By: "x", Note: "x"})
	d.must(err)
	count := 1
	a := &app{ctx: t.Context(), ledger: d.ledger, errOut: io.Discard, text: i18n.New(i18n.English, nil)}
	c := recorder{flags: &recordFlags{Record: true, By: "Ana", Note: "x", Confirm: confirmFlags{ConfirmCount: &count, ConfirmSum: []string{"CLP=100"}}}}
	d.must(c.flags.Validate())
	c.add(reconcile.Difference{Kind: reconcile.PaidButFailed, Key: k, Version: v, Row: 2, Ledger: 10000, LedgerCurrency: "CLP"})
	got, err := c.record(a, "cartola.csv", strings.Repeat("a", 64))
	if err != nil || len(got) != 1 || got[0].Result != "refused" || !strings.Contains(got[0].Error, "changed meanwhile") {
		t.Errorf("%+v %v", got, err)
	}
}

func TestAStatementsNameIsKeptWithoutNumbersOfAccounts(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"cartola.csv": "cartola.csv", "cartola_00012345678_2026-11.csv": "cartola_…78_2026-11.csv", "BCI 20261127.xlsx": "BCI 20261127.xlsx",
		"27112026.csv": "27112026.csv", "99999999.csv": "…99.csv", "a\x1b[31m.csv": "a[31m.csv", strings.Repeat("ñ", 60): strings.Repeat("ñ", 40),
		"a" + strings.Repeat("ñ", 60): "a" + strings.Repeat("ñ", 39), "": "statement",
	} {
		if got := nameForHistory(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
