package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
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
