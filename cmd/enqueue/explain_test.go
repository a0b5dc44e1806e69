package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

func TestAPaymentIsExplained(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.held("virtualpos/h1")
	text := d.run("explain", "virtualpos/h1")
	wantCode(t, "explain", text, 0)
	wantText(t, "explain", text.out, "virtualpos/h1: payout of 100 CLP", "It was registered, and waits to be sent.", "Attempt 1 began",
		"no machine can decide what became of the payment", "Its code is timeout.", "Next (operator): ")
	got := d.run("explain", "h1", "--json")
	wantCode(t, "explain --json", got, 0)
	var e explanation
	if err := json.Unmarshal([]byte(got.out), &e); err != nil {
		t.Fatal(err)
	}
	if e.Key != "virtualpos/h1" || e.State != idempotency.Held || len(e.Happened) != 3 || e.Next.Who != "operator" || e.Happened[1].State != idempotency.Sending {
		t.Errorf("%+v", e)
	}
	wantCode(t, "no such payment", d.run("explain", "virtualpos/none"), exitUnknown)
}

func TestAReferenceAloneStandsForTheOnePaymentThatHasIt(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.queued("virtualpos/one")
	d.queued("virtualpos/two")
	d.queued("etpay/two")
	d.queued("virtualpos/shop/other")
	for _, row := range []struct {
		args, out, err string
		code           int
	}{
		{"show one", `"key":"virtualpos/one"`, "", 0},
		{"show two", "", "etpay/two", exitUsage},
		{"show none", "", "no such payment", exitUnknown},
		{"show other", "", "no such payment", exitUnknown},
		{"cancel one two --by x --note y", "", "several providers", exitUsage},
		{"cancel one --by x --note y", `{"key":"virtualpos/one","state":"failed"}`, "", 0},
	} {
		got := d.run(strings.Fields(row.args)...)
		wantCode(t, row.args, got, row.code)
		if !strings.Contains(got.out, row.out) || !strings.Contains(got.err, row.err) {
			t.Errorf("%s: %s %s", row.args, got.out, got.err)
		}
	}
}

func TestAListHasAgeSinceAndLimit(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for i := range 3 {
		d.queued(fmt.Sprintf("virtualpos/q%d", i))
		d.nextMillisecond()
	}
	second := must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, "virtualpos/q1"))).Created.UTC().Format("2006-01-02T15:04:05.000Z")
	for args, want := range map[string]string{
		"--limit 2": "virtualpos/q0 virtualpos/q1", "--since 24h": "virtualpos/q0 virtualpos/q1 virtualpos/q2",
		"--since " + second: "virtualpos/q1 virtualpos/q2", "--since " + second + " --limit 1": "virtualpos/q1", "--since 2999-01-01T00:00:00Z": "",
	} {
		got := d.run(append([]string{"list", "--json"}, strings.Fields(args)...)...)
		wantCode(t, args, got, 0)
		if keys := keysOf(t, got.out); keys != want {
			t.Errorf("list %s: %q, want %q", args, keys, want)
		}
	}
	wantText(t, "a table", d.run("list").out, " AGE ")
}

// TestAListEndsQuietlyWhenItsReaderDoes, as head does.
func TestAListEndsQuietlyWhenItsReaderDoes(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	d := &fixture{t, s, ledgerOf(s)}
	var all []string
	for i := range 1500 { // more than a pipe holds
		all = append(all, payout(fmt.Sprintf("m-%d", i)))
	}
	wantCode(t, "submit", enqueue(t, environment(redisAt(s.URL())), lines(all...), "submit"), 0)
	cmd := exec.CommandContext(t.Context(), binary(t), "list", "--json")
	cmd.Env = environment(redisAt(d.server.URL()))
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out := must[*os.File](t)(pipe(cmd))
	d.must(cmd.Start())
	if _, err := bufio.NewReaderSize(out, 64).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	d.must(out.Close())
	if err := cmd.Wait(); err != nil || errOut.String() != "" {
		t.Errorf("%v, stderr %q", err, errOut.String())
	}
}

func pipe(cmd *exec.Cmd) (*os.File, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return out.(*os.File), nil
}

func TestWordsOfAFlagHaveNoEmptyOne(t *testing.T) {
	t.Parallel()
	got := enqueue(t, environment(redisAt(nowhere)), nil, "list", "--state", "lost")
	wantCode(t, "list", got, exitUsage)
	wantText(t, "list", got.err, `must be one of "queued",`)
}

func TestPaymentsOfAFileAreResolvedOnceCountAndSumAreRepeated(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for _, key := range []string{"virtualpos/h1", "etpay/h2", "virtualpos/h3"} {
		d.held(key)
	}
	d.finished("virtualpos/s1", providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	state := func(key string) idempotency.State {
		return must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, key))).State
	}
	good := write(t, "good", "virtualpos/h1\n\n etpay/h2 \n")
	for _, row := range []struct {
		says, file, flags, want string
		code                    int
	}{
		{"not confirmed", good, "", "2 payments are named; nothing was done. To go on, repeat: --confirm-count 2 --confirm-sum CLP=200", exitRefused},
		{"another sum", good, " --confirm-count 2 --confirm-sum CLP=201", "nothing was done", exitRefused},
		{"a key that is none", write(t, "bad", "virtualpos/h1\nx\n"), " --confirm-count 1 --confirm-sum CLP=100", "line 2: ", exitRefused},
		{"a key twice", write(t, "twice", "virtualpos/h1\nvirtualpos/h1\n"), " --confirm-count 2 --confirm-sum CLP=200", "named twice", exitRefused},
		{"no such payment", write(t, "none", "virtualpos/h1\nvirtualpos/none\n"), " --confirm-count 1 --confirm-sum CLP=100", "no such payment", exitUnknown},
		{"an empty file", write(t, "empty", "\n"), "", "no such payment is named", exitRefused},
	} {
		got := d.byHand("resolve --file " + row.file + " --as failed" + row.flags)
		wantCode(t, row.says, got, row.code)
		wantText(t, row.says, got.err, row.want)
		if got.out != "" || state("virtualpos/h1") != idempotency.Held {
			t.Errorf("%s: stdout %q, h1 is %s", row.says, got.out, state("virtualpos/h1"))
		}
	}
	wantCode(t, "confirmed", d.byHand("resolve --file "+good+" --as failed --confirm-count 2 --confirm-sum CLP=200"), 0)
	mixed := write(t, "mixed", "virtualpos/s1\nvirtualpos/h3\n")
	got := d.byHand("resolve --file " + mixed + " --as succeeded --confirm-count 2 --confirm-sum CLP=200")
	wantCode(t, "one is refused", got, exitRefused)
	wantText(t, "the other goes on", got.out, `{"key":"virtualpos/h3","state":"succeeded"}`)
	for key, want := range map[string]idempotency.State{"virtualpos/h1": idempotency.Failed, "etpay/h2": idempotency.Failed, "virtualpos/h3": idempotency.Succeeded} {
		if got := state(key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}

// TestEveryInterventionTakesAFile: none of the payments changes unless count and sums are repeated.
func TestEveryInterventionTakesAFile(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		command     string
		before      func(d *fixture, key string)
		was, become idempotency.State
	}{
		{"retry", func(d *fixture, key string) {
			d.finished(key, providers.Outcome{Class: providers.Refused, Code: "bad"})
		}, idempotency.Failed, idempotency.Ready},
		{"release", func(d *fixture, key string) { d.blocked(key) }, idempotency.Blocked, idempotency.Queued},
		{"cancel", func(d *fixture, key string) { d.queued(key) }, idempotency.Queued, idempotency.Failed},
	} {
		t.Run(row.command, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			row.before(d, "virtualpos/a")
			row.before(d, "virtualpos/b")
			file := write(t, "keys", "virtualpos/a\nvirtualpos/b\n")
			got := d.byHand(row.command + " --file " + file + " --confirm-count 3 --confirm-sum CLP=200")
			wantCode(t, "another count", got, exitRefused)
			wantText(t, "another count", got.err, "--confirm-count 2 --confirm-sum CLP=200")
			states := func() (all []idempotency.State) {
				for _, key := range []string{"virtualpos/a", "virtualpos/b"} {
					all = append(all, must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, key))).State)
				}
				return all
			}
			if got := states(); !slices.Equal(got, []idempotency.State{row.was, row.was}) {
				t.Errorf("not confirmed: %s", got)
			}
			wantCode(t, "confirmed", d.byHand(row.command+" --file "+file+" --confirm-count 2 --confirm-sum CLP=200"), 0)
			if got := states(); !slices.Equal(got, []idempotency.State{row.become, row.become}) {
				t.Errorf("confirmed: %s, want %s", got, row.become)
			}
		})
	}
}

func TestAPaymentIsShownToPeople(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	a := &app{out: bufio.NewWriter(&out), text: i18n.New(i18n.English, nil)}
	at := time0
	a.showToPeople(idempotency.Record{
		Key: mustKey(t, "virtualpos/a"), Type: "payout", State: idempotency.Held, Amount: "100", Currency: "CLP", Code: "timeout", Message: "no \x1b[2Janswer",
		History: []idempotency.AuditEntry{{At: at, State: idempotency.Queued}, {At: at, State: idempotency.Held, Attempt: 1, Note: "lease lapsed"}},
	})
	if err := a.flush(); err != nil {
		t.Fatal(err)
	}
	wantText(t, "shown", out.String(), "virtualpos/a: payout of 100 CLP, held\n", "code           timeout\n", "2026-05-15 09:00:00  held       attempt 1  lease lapsed\n",
		"Next (operator): ", "Why: enqueue explain virtualpos/a")
	if strings.Contains(out.String(), "\x1b") {
		t.Error("a message moves the terminal's cursor")
	}
}
