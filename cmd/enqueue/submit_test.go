package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/preflight"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

func TestEveryKindOfBadInputHarmsNoOtherLine(t *testing.T) {
	t.Parallel()
	const account, pan = "555512349876", "4111 1111 1111 1111"
	rows := []struct{ says, line, key, problem string }{
		{"longer than 1 MiB", payout("long", "Devolución", strings.Repeat("x", 1<<20)), "", "line: longer than 1 MiB"},
		{"not UTF-8", payout("utf8", "Devolución", "Devoluci\xf3n"), "", "line: not valid UTF-8"},
		{"a NUL", payout("nul", "Devolución", "a\x00b"), "", "line: contains a NUL"},
		{"an escaped NUL", payout("nul2", "Devolución", `a\u0000b`), "", "description: contains a NUL"},
		{"a key twice in one object", payout("twice", `"12500",`, `"12500","amount":"12500",`), "", "amount: given twice"},
		{"two values on a line", payout("two") + payout("two"), "", "line: more than one"},
		{"no JSON", "pay Ana", "", "line: not valid JSON"},
		{"a list", "[" + payout("list") + "]", "", "line: must be a JSON object"},
		{"an unknown field", payout("unknown", `"currency"`, `"speed":"fast","currency"`), "virtualpos/unknown", "speed: unknown field"},
		{"an unknown field inside", payout("inside", `"name"`, `"age":"1","name"`), "virtualpos/inside", "recipient.age: unknown field"},
		{"an unknown provider", payout("other", `"virtualpos"`, `"bank"`), "", "provider: must be one of"},
		{"a currency in lower case", payout("lower", "CLP", "clp"), "virtualpos/lower", "currency: "},
		{"a currency that the provider does not move", payout("mxn", "CLP", "MXN"), "virtualpos/mxn", "currency: "},
		{"an amount that is a number", payout("float", `"12500"`, "12500"), "virtualpos/float", "amount: "},
		{"an amount that is a float", payout("float2", `"12500"`, "125.50"), "virtualpos/float2", "amount: "},
		{"decimals that the currency lacks", payout("cents", "12500", "12500.50"), "virtualpos/cents", "amount: "},
		{"a negative amount", payout("minus", "12500", "-1"), "virtualpos/minus", "amount: "},
		{"a wrong check digit", payout("rut", "12345678-5", "12345678-6"), "virtualpos/rut", "recipient.document: "},
		{"an account number with letters", payout("account", `"12345678"`, `"`+account+`x"`), "virtualpos/account", "bank.account_number: "},
		{"a card number", payout("pan", "Devolución", "pay "+pan), "", "description: looks like a card number"},
		{"a card number in the metadata", payout("pan2", `"currency"`, `"metadata":{"a":"`+pan+`"},"currency"`), "", "metadata.a: looks like"},
		{"a security code", payout("cvv", `"currency"`, `"cvv":"123","currency"`), "", "cvv: looks like"},
		{"metadata over 1 KiB", payout("meta", `"currency"`, `"metadata":{"a":"`+strings.Repeat("x", 1024)+`"},"currency"`), "virtualpos/meta", "metadata: "},
		{"a time that is none", payout("time", `"currency"`, `"not_before":"tomorrow","currency"`), "virtualpos/time", "not_before: "},
		{"a deadline in the past", payout("late", `"currency"`, `"deadline":"2020-01-01T00:00:00Z","currency"`), "virtualpos/late", "deadline: is in the past"},
		{"a deadline before it may begin", payout("never", `"currency"`, `"not_before":"2099-01-02T00:00:00Z","deadline":"2099-01-01T00:00:00Z","currency"`), "virtualpos/never", "deadline: "},
		{"a reference with a blank", payout("a b"), "", "merchant_id: "},
		{"a reference of 65 characters", payout(strings.Repeat("r", 65)), "", "merchant_id: "},
		{"ETpay's reference that begins with a dash", charge("-OC1"), "etpay/-OC1", "txnid: "},
		{"a question about an unknown payment", `{"type":"status","provider":"virtualpos","reference":"nobody"}`, "virtualpos/nobody", "reference: no such payment"},
	}
	var file []string
	for i, row := range rows {
		file = append(file, row.line, "", payout(fmt.Sprintf("good-%d", i)))
	}
	s := redistest.Start(t)
	got := enqueue(t, environment(redisAt(s.URL())), lines(file...), "submit")
	wantCode(t, "a file with bad lines", got, exitRefused)
	all := results(t, got.out)
	if len(all) != 2*len(rows) {
		t.Fatalf("%d results of %d lines\n%s%s", len(all), 2*len(rows), got.out, got.err)
	}
	for i, row := range rows {
		bad, good := all[2*i], all[2*i+1]
		if bad.Line != 3*i+1 || bad.Result != "invalid" || bad.Key != row.key || !strings.HasPrefix(bad.Error, row.problem) {
			t.Errorf("%s: %+v, want key %q and error %q", row.says, bad, row.key, row.problem)
		}
		want := fmt.Sprintf("virtualpos/good-%d", i)
		if good.Line != 3*i+3 || good.Result != "enqueued" || good.Key != want || strings.Contains(good.TaskID, "/") || good.TaskID == "" {
			t.Errorf("the line after %s: %+v", row.says, good)
		}
		if r, err := ledgerOf(s).Show(t.Context(), mustKey(t, want)); err != nil || r.State != "queued" {
			t.Errorf("the line after %s: %s %v", row.says, r.State, err)
		}
	}
	for _, hidden := range []string{account, pan, "4111", "Ana", "ana@"} {
		if strings.Contains(got.out+got.err, hidden) {
			t.Errorf("%q is in the output", hidden)
		}
	}
	wantText(t, "the summary", got.err, fmt.Sprintf("%d lines of stdin", 2*len(rows)), fmt.Sprintf("%d enqueued", len(rows)),
		fmt.Sprintf("sum %d", len(rows)*12500))
}

func TestCSVIsReadByItsHeader(t *testing.T) {
	t.Parallel()
	const header = "type,provider,merchant_id,amount,currency,recipient.document,recipient.name,bank.code,bank.account_number,metadata.order\n"
	rows := []struct {
		says, file string
		code       int
		want       []intake.Result
	}{
		{"whole rows", header + "payout,virtualpos,c-1,12500,CLP,12345678-5,Ana Soto,012,12345678,7\n\n" +
			"payout,virtualpos,c-2,100,CLP,12345678-5,\"Soto, Ana\",012,12345678,\n", 0,
			[]intake.Result{{Line: 2, Key: "virtualpos/c-1", Result: "enqueued"}, {Line: 4, Key: "virtualpos/c-2", Result: "enqueued"}}},
		{"a missing column", strings.Replace(header, "amount,", "", 1) + "payout,virtualpos,c-3,CLP,12345678-5,Ana,012,12345678,\n", exitRefused,
			[]intake.Result{{Line: 2, Key: "virtualpos/c-3", Result: "invalid", Error: "amount: required"}}},
		{"an unknown column", strings.Replace(header, "amount", "sum", 1) + "payout,virtualpos,c-4,1,CLP,12345678-5,Ana,012,12345678,\n", exitRefused,
			[]intake.Result{{Line: 2, Result: "invalid", Error: "sum: unknown column"}}},
		{"a cell too many", header + "payout,virtualpos,c-5,1,CLP,12345678-5,Ana,012,12345678,,x\n", exitRefused,
			[]intake.Result{{Line: 2, Result: "invalid", Error: "line: has 11 cells"}}},
		{"only a header", header, 0, nil},
		{"carriage returns alone", strings.ReplaceAll(header+"payout,virtualpos,c-6,100,CLP,12345678-5,Ana,012,12345678,\npayout,virtualpos,c-7,100,CLP,12345678-5,Ana,012,12345678,\n", "\n", "\r"), 0,
			[]intake.Result{{Line: 2, Key: "virtualpos/c-6", Result: "enqueued"}, {Line: 3, Key: "virtualpos/c-7", Result: "enqueued"}}},
		{"a quote that takes the rows behind it", header + "payout,virtualpos,c-8,100,CLP,12345678-5,\"Ana,012,12345678,\n" + strings.Repeat("payout,virtualpos,c-9,1,CLP,12345678-5,Ana,012,12345678,\n", 2), exitRefused,
			[]intake.Result{{Line: 2, Result: "invalid", Error: "line: a quoted cell has no end"}, {Line: 3, Result: "invalid", Error: "line: belongs to"}, {Line: 4, Result: "invalid", Error: "line: belongs to"}}},
		{"a payment and no header", "payout,virtualpos,c-10,1,CLP,12345678-5,Ana,012,12345678,\n", exitRefused, []intake.Result{{Line: 1, Result: "invalid", Error: "header: "}}},
	}
	s := redistest.Start(t)
	for _, row := range rows {
		got := enqueuePlain(t, environment(redisAt(s.URL())), nil, "submit", write(t, "tasks.CSV", row.file))
		wantCode(t, row.says, got, row.code)
		compareResults(t, row.says, results(t, got.out), row.want)
		got = enqueuePlain(t, environment(redisAt(s.URL())), strings.NewReader(row.file), "submit", "--format", "csv", "-")
		wantCode(t, row.says+" through stdin", got, row.code)
	}
}

// compareResults compares all but the task ids, and the beginnings of errors.
func compareResults(t *testing.T, says string, got, want []intake.Result) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		g, w := got[i], want[i]
		ok = strings.HasPrefix(g.Error, w.Error) && (g.Error == "") == (w.Error == "")
		g.TaskID, g.Error, w.Error = "", "", ""
		ok = ok && g == w
	}
	if !ok {
		t.Errorf("%s:\ngot  %+v\nwant %+v", says, got, want)
	}
}

func TestAReferenceIsOnePaymentForEver(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	env := environment(redisAt(s.URL()))
	got := enqueue(t, env, lines(payout("r"), payout("r"), payout("r", "Devolución", "other words")), "submit")
	wantCode(t, "the same payment three times", got, 0)
	compareResults(t, "the same payment three times", results(t, got.out), []intake.Result{
		{Line: 1, Key: "virtualpos/r", Result: "enqueued"},
		{Line: 2, Key: "virtualpos/r", Result: "duplicate", State: "queued"},
		{Line: 3, Key: "virtualpos/r", Result: "duplicate", State: "queued"},
	})
	got = enqueue(t, env, lines(payout("r", "12500", "12501"), payout("r", "12345678\"", "12345679\""), payout("s")), "submit")
	wantCode(t, "another amount, another account", got, exitRefused)
	compareResults(t, "another amount, another account", results(t, got.out), []intake.Result{
		{Line: 1, Key: "virtualpos/r", Result: "conflict", Error: "amount: "},
		{Line: 2, Key: "virtualpos/r", Result: "conflict", Error: "fingerprint: "},
		{Line: 3, Key: "virtualpos/s", Result: "enqueued"},
	})
	if r := must[idempotency.Record](t)(ledgerOf(s).Show(t.Context(), mustKey(t, "virtualpos/r"))); r.Amount != "12500" || r.Version != 1 {
		t.Errorf("a conflict changed the payment: %+v", r)
	}
	_ = enqueue(t, env, nil, "cancel", "virtualpos/r", "--by", "ana", "--note", "test")
	got = enqueue(t, env, lines(payout("r")), "submit")
	compareResults(t, "again, after it was settled", results(t, got.out), []intake.Result{
		{Line: 1, Key: "virtualpos/r", Result: "duplicate", State: "failed"},
	})
}

func TestTheSameFileThreeTimesAtOnceIsTakenInOnce(t *testing.T) {
	t.Parallel()
	const n = 600
	var file []string
	for i := range n {
		file = append(file, payout(fmt.Sprintf("same-%d", i)))
	}
	s := redistest.Start(t)
	path := write(t, "same.jsonl", strings.Join(file, "\n"))
	var wg sync.WaitGroup
	var runs [3]commandResult
	for i := range runs {
		wg.Go(func() { runs[i] = enqueue(t, environment(redisAt(s.URL())), nil, "submit", path) })
	}
	wg.Wait()
	times := map[string]int{}
	for _, run := range runs {
		wantCode(t, "one of three", run, 0)
		for _, r := range results(t, run.out) {
			switch r.Result {
			case "enqueued":
				times[r.Key]++
			case "duplicate":
			default:
				t.Errorf("%+v", r)
			}
		}
	}
	for i := range n {
		if key := fmt.Sprintf("virtualpos/same-%d", i); times[key] != 1 {
			t.Errorf("%s was enqueued %d times", key, times[key])
		}
	}
	if counts, err := ledgerOf(s).Counts(t.Context(), "virtualpos"); err != nil || counts["queued"] != n {
		t.Errorf("%v records, %v; want %d", counts, err, n)
	}
}

// pipedCommand is a running command with its pipes.
type pipedCommand struct {
	*processtest.Process // with its stderr
	in                   io.WriteCloser
	out                  *bufio.Reader
}

func start(t *testing.T, path string, env []string, args ...string) *pipedCommand {
	t.Helper()
	r, w := must2(t)(os.Pipe())
	defer w.Close()
	t.Cleanup(func() { r.Close() })
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Stdout = env, w
	in := must[io.WriteCloser](t)(cmd.StdinPipe())
	return &pipedCommand{processtest.Start(t, "enqueue "+args[0], cmd), in, bufio.NewReader(r)}
}

// line is the next line of stdout.
func (p *pipedCommand) line(t *testing.T) string {
	t.Helper()
	text, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("no line: %v %s", err, p.Output())
	}
	return text
}

func TestALineThroughAPipeIsAnsweredBeforeTheNextComes(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	p := start(t, binary(t), environment(redisAt(s.URL())), "submit")
	for i := range 5 {
		_, _ = io.WriteString(p.in, payout(fmt.Sprintf("slow-%d", i))+"\n")
		if got := results(t, p.line(t)); got[0].Line != i+1 || got[0].Result != "enqueued" {
			t.Errorf("%+v", got)
		}
	}
	p.in.Close()
	if code := p.Exit(testTimeout); code != 0 {
		t.Errorf("exit code %d: %s", code, p.Output())
	}
}

func TestWhenRedisGoesInMidFileWhatWasReportedStays(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Appendonly("always"))
	p := start(t, binary(t), environment(redisAt(s.URL())), "submit")
	_, _ = io.WriteString(p.in, payout("before")+"\n")
	_ = p.line(t)
	s.Kill()
	_, _ = io.WriteString(p.in, payout("after")+"\n"+"nonsense\n")
	rest, _ := io.ReadAll(p.out)
	if code := p.Exit(testTimeout); code != exitFailed || len(rest) > 0 {
		t.Errorf("exit code %d, and still reported: %s", code, rest)
	}
	wantText(t, "stderr", p.Output(), "redis at 127.0.0.1", "safe", "1 enqueued")
	s.Restart()
	if _, err := ledgerOf(s).Show(t.Context(), mustKey(t, "virtualpos/before")); err != nil {
		t.Errorf("a reported payment is gone: %v", err)
	}
}

func TestAFullRedisTakesNothingIn(t *testing.T) {
	t.Parallel()
	var file []string
	for i := range 6000 {
		file = append(file, payout(fmt.Sprintf("full-%d", i)))
	}
	for says, row := range map[string]struct{ limit, stop, text string }{
		"too full for new payments": {"1100kb", "0.7", "REMESA_INTAKE_MEMORY_STOP"},
		"full in the middle":        {"3mb", "1", "redis at"},
	} {
		s := redistest.Start(t, redistest.MaxMemory(row.limit))
		got := enqueue(t, environment(redisAt(s.URL()), "REMESA_INTAKE_MEMORY_STOP="+row.stop), lines(file...), "submit")
		wantCode(t, says, got, exitFailed)
		wantText(t, says, got.err, row.text, "has no room for new payments", "safe")
		all := results(t, got.out)
		if len(all) == len(file) {
			t.Errorf("%s: all lines were taken in", says)
		}
		for _, r := range all {
			if _, err := ledgerOf(s).Show(t.Context(), mustKey(t, r.Key)); err != nil {
				t.Fatalf("%s: %s was reported, but %v", says, r.Key, err)
			}
		}
	}
}

func TestAReaderThatGoesAwayEndsTheCommand(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	r, w := must2(t)(os.Pipe())
	r.Close()
	cmd := exec.Command(binary(t), "submit")
	cmd.Env, cmd.Stdin, cmd.Stdout = environment(redisAt(s.URL())), lines(payout("a"), payout("b")), w
	err := cmd.Run()
	w.Close()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d (%v), want %d", code, err, exitFailed)
	}
}

func must2(t *testing.T) func(r, w *os.File, err error) (*os.File, *os.File) {
	return func(r, w *os.File, err error) (*os.File, *os.File) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r, w
	}
}

func TestAnEmptyFileSaysSo(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "\n\n  \n"} {
		path := write(t, "empty.jsonl", content)
		got := enqueue(t, environment(redisAt(nowhere)), nil, "submit", path)
		wantCode(t, "an empty file", got, 0)
		wantText(t, "an empty file", got.err, "empty.jsonl is empty")
		if got.out != "" {
			t.Errorf("results of nothing: %s", got.out)
		}
	}
}

// TestARedisThatNoWorkerServesIsReported: what is taken in there waits for ever, and nothing else
// reports it.
func TestARedisThatNoWorkerServesIsReported(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	file := lines(payout("a"), payout("b"), charge("C1"))
	const warning = "no worker has ever served "
	got := enqueue(t, environment(redisAt(s.URL())), file, "submit")
	wantCode(t, "before any worker", got, 0)
	wantText(t, "before any worker", got.err, warning+"virtualpos", warning+"etpay", "127.0.0.1")
	if n := strings.Count(got.err, warning); n != 2 {
		t.Errorf("warned %d times of two providers: %s", n, got.err)
	}
	got = enqueue(t, environment(redisAt(s.URL())), lines(gas("S1")), "subscription", "add")
	wantCode(t, "a subscription before any worker", got, 0)
	wantText(t, "a subscription before any worker", got.err, warning+"etpay")

	registry := providers.Registry{}
	registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Identity: "host a"})
	if err := preflight.ClaimIdentities(t.Context(), s.Client(), registry); err != nil {
		t.Fatal(err)
	}
	got = enqueue(t, environment(redisAt(s.URL())), lines(payout("c"), charge("C2")), "submit")
	wantText(t, "after a worker of one", got.err, warning+"etpay")
	if strings.Contains(got.err, warning+"virtualpos") {
		t.Errorf("after a worker of virtualpos: %s", got.err)
	}
	got = enqueue(t, environment(redisAt(nowhere)), lines(payout("d")), "submit", "--dry-run")
	if strings.Contains(got.err, warning) {
		t.Errorf("a dry run: %s", got.err)
	}
}

func TestADryRunNeedsNoRedis(t *testing.T) {
	t.Parallel()
	got := enqueue(t, environment(redisAt(nowhere)), lines(payout("a"), payout("b", "CLP", "clp"),
		payout("c", `"currency"`, `"deadline":"2020-01-01T00:00:00Z","currency"`)), "submit", "--dry-run")
	wantCode(t, "a dry run with an invalid line", got, exitRefused)
	compareResults(t, "a dry run", results(t, got.out), []intake.Result{
		{Line: 1, Key: "virtualpos/a", Result: "valid"}, {Line: 2, Key: "virtualpos/b", Result: "invalid", Error: "currency: "},
		{Line: 3, Key: "virtualpos/c", Result: "invalid", Error: "deadline: is in the past"},
	})
}

func TestATaskThatNoWorkerHereWouldSendIsRefused(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	here := []string{redisAt(s.URL()), "REMESA_VIRTUALPOS_BASE_URL=http://127.0.0.1:9", "REMESA_VIRTUALPOS_API_KEY=a", "REMESA_VIRTUALPOS_SECRET_KEY=b"}
	file := []string{payout("p"), payout("q", `"type"`, `"account":"shop","type"`), charge("C1")}
	got := enqueue(t, environment(here...), lines(file...), "submit")
	wantCode(t, "with the settings of one account", got, exitRefused)
	compareResults(t, "with the settings of one account", results(t, got.out), []intake.Result{
		{Line: 1, Key: "virtualpos/p", Result: "enqueued"}, {Line: 2, Key: "virtualpos/shop/q", Result: "invalid", Error: "account: "},
		{Line: 3, Key: "etpay/C1", Result: "invalid", Error: "provider: "},
	})
	got = enqueue(t, environment(redisAt(s.URL())), lines(file...), "submit")
	wantCode(t, "without any provider's settings", got, 0)
	got = enqueue(t, environment(here[:3]...), lines(file...), "submit")
	wantCode(t, "with half of an account's settings", got, 0)
	wantText(t, "with half of an account's settings", got.err, "REMESA_VIRTUALPOS_SECRET_KEY")
}

func TestPayoutsOfETpayAreRefusedWhereTheyAreOff(t *testing.T) {
	t.Parallel()
	sessions := []string{
		redisAt(nowhere), "REMESA_ETPAY_BASE_URL=http://127.0.0.1:9", "REMESA_ETPAY_PAYMENT_URL=http://127.0.0.1:9", "REMESA_ETPAY_MERCHANT_CODE=m",
		"REMESA_ETPAY_MERCHANT_API_TOKEN=t",
	}
	payouts := append(slices.Clone(sessions), "REMESA_ETPAY_PAYOUTS_URL=http://127.0.0.1:9", "REMESA_ETPAY_PAYOUTS_USERNAME=u", "REMESA_ETPAY_PAYOUTS_PASSWORD=p")
	out := payout("PO1", `"virtualpos"`, `"etpay"`, `"012"`, `"cl_estado"`, `"account_number"`, `"account_type":"vista","account_number"`)
	valid := []intake.Result{{Line: 1, Key: "etpay/PO1", Result: "valid"}, {Line: 2, Key: "etpay/C1", Result: "valid"}}
	off := []intake.Result{{Line: 1, Key: "etpay/PO1", Result: "invalid", Error: "type: payouts of etpay are off here"}, valid[1]}
	for name, row := range map[string]struct {
		env  []string
		want []intake.Result
	}{
		"with settings for sessions alone": {sessions, off}, "with those of payouts": {payouts, valid}, "without any": {sessions[:1], valid},
	} {
		got := enqueue(t, environment(row.env...), lines(out, charge("C1")), "submit", "--dry-run")
		compareResults(t, name, results(t, got.out), row.want)
	}
}

func TestFingerprintsAreKeyedAsConfigured(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef"
	s := redistest.Start(t)
	task := must[tasks.Task](t)(tasks.Decode([]byte(payout("a"))))
	for says, row := range map[string]struct{ setting, reference, want string }{
		"with a key":    {"REMESA_FINGERPRINT_KEY=" + key, "keyed", task.Fingerprint([]byte(key))},
		"without a key": {"REMESA_FINGERPRINT_KEY=", "plain", task.Fingerprint(nil)},
	} {
		got := enqueue(t, environment(redisAt(s.URL()), row.setting), lines(payout(row.reference)), "submit")
		wantCode(t, says, got, 0)
		record := s.Client().Get(t.Context(), "remesa:{virtualpos}:p:"+row.reference).Val()
		wantText(t, says, record, `"fingerprint":"`+row.want+`"`)
	}
}
