package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/redistest"
)

// nowhere is an address at which no Redis answers.
const nowhere = "redis://127.0.0.1:1/0"

func TestWhatIsNoCommandIsUsage(t *testing.T) {
	t.Parallel()
	rows := []struct{ says, args string }{
		{"no command", ""},
		{"an unknown command", "pay"},
		{"an unknown flag", "list --fast"},
		{"a state that is none", "list --state lost"},
		{"a provider that is none", "list --provider bank"},
		{"show without a key", "show"},
		{"a reference that is none", "show tef_$"},
		{"a key of four parts", "show virtualpos/a/b/c"},
		{"a key with a strange sign", "show virtualpos/tef_$"},
		{"resolve without a verdict", "resolve virtualpos/a --by x --note y"},
		{"resolve with two verdicts", "resolve virtualpos/a --as failed --anomaly accept --by x --note y"},
		{"resolve as something else", "resolve virtualpos/a --as paid --by x --note y"},
		{"a provider's id for not-received", "resolve virtualpos/a --as not-received --provider-id 7 --by x --note y"},
		{"a decline of a success", "resolve virtualpos/a --as succeeded --decline soft --by x --note y"},
		{"attempts closed by a success", "resolve virtualpos/a --as succeeded --accept-double-risk --by x --note y"},
		{"resolve with a key and a file", "resolve virtualpos/a --file b --as failed --by x --note y"},
		{"resolve with neither", "resolve --as failed --by x --note y"},
		{"resolve of a file with one provider's id", "resolve --file b --as failed --provider-id 7 --by x --note y"},
		{"resolve of a key, confirmed", "resolve virtualpos/a --as failed --confirm-count 1 --confirm-sum CLP=1 --by x --note y"},
		{"a limit below zero", "list --limit=-1"},
		{"a time of a list that is none", "list --since yesterday"},
		{"cancel without keys", "cancel --by x --note y"},
		{"cancel with keys and a file", "cancel virtualpos/a --file b --by x --note y"},
		{"cancel with one malformed key", "cancel virtualpos/a b/c/d/e --by x --note y"},
		{"retry with a key and a file", "retry virtualpos/a --file b --by x --note y"},
		{"retry of a key, confirmed", "retry virtualpos/a --confirm-count 1 --confirm-sum CLP=1 --by x --note y"},
		{"release of a file and of all", "release --file b --all --provider virtualpos --by x --note y"},
		{"release without a key", "release --by x --note y"},
		{"release of a key and of all", "release virtualpos/a --all --provider virtualpos --by x --note y"},
		{"release of all, of no provider", "release --all --by x --note y"},
		{"release of a key, confirmed", "release virtualpos/a --confirm-count 1 --confirm-sum CLP=1 --by x --note y"},
		{"a confirmed count without a sum", "release --all --provider virtualpos --confirm-count 1 --by x --note y"},
		{"a confirmed sum in lower case", "cancel --all --provider virtualpos --confirm-count 1 --confirm-sum clp=1 --by x --note y"},
		{"cancel of all and of a file", "cancel --all --provider virtualpos --file b --by x --note y"},
		{"halt without a provider", "halt --by x --note y"},
		{"halt of an account that is none", "halt --provider etpay --account A/B --by x --note y"},
		{"an empty name", "release virtualpos/a --by= --note y"},
		{"a format that is none", "submit --format xml"},
		{"a sum without a currency", "submit --expect-sum 100 go.mod"},
		{"a sum in lower case", "submit --expect-sum clp=100 go.mod"},
		{"a sum given twice", "submit --expect-sum CLP=1 --expect-sum CLP=2 go.mod"},
		{"a negative count", "submit --expect-count=-1 go.mod"},
		{"an expected count of stdin", "submit --expect-count 1"},
		{"an expected sum of stdin", "submit - --expect-sum CLP=1"},
		{"a time that is none", "watch --from yesterday"},
		{"a setting that is none", "list --lease soon"},
		{"a lease shorter than two requests", "list --lease 30s"},
	}
	for _, row := range rows {
		got := enqueuePlain(t, environment(redisAt(nowhere)), nil, strings.Fields(row.args)...)
		wantCode(t, row.says, got, exitUsage)
		if got.out != "" || !strings.HasPrefix(got.err, "enqueue: ") {
			t.Errorf("%s: stdout %q, stderr %q", row.says, got.out, got.err)
		}
	}
}

func TestEveryStepByHandNeedsANameAndANote(t *testing.T) {
	t.Parallel()
	steps := []string{
		"resolve virtualpos/a --as failed", "retry virtualpos/a", "release virtualpos/a", "cancel virtualpos/a",
		"halt --provider virtualpos", "unhalt --provider virtualpos", "webhook resend --parked", "webhook resend virtualpos/a",
	}
	for _, step := range steps {
		for _, flags := range []string{"", " --by ana", " --note why"} {
			got := enqueuePlain(t, environment(redisAt(nowhere)), nil, strings.Fields(step+flags)...)
			wantCode(t, step+flags, got, exitUsage)
		}
	}
}

func TestHelpAndVersionEndWithZero(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--help", "--version", "submit --help", "watch --help"} {
		got := enqueuePlain(t, environment(redisAt(nowhere)), nil, strings.Fields(args)...)
		wantCode(t, args, got, 0)
		if got.out == "" {
			t.Errorf("%s says nothing", args)
		}
	}
}

func TestWithoutRedisTheMachineFailed(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"show virtualpos/a", "list", "cancel virtualpos/a --by x --note y", "halt --provider etpay --by x --note y",
		"watch --from 0 --no-follow", "submit"} {
		got := enqueuePlain(t, environment(redisAt(nowhere)), lines(payout("a")), strings.Fields(args)...)
		wantCode(t, args, got, exitFailed)
		wantText(t, args, got.err, "127.0.0.1:1")
	}
}

func TestNoSecretIsInAnyOutput(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	const canary = "CANARY-7f3a"
	secrets := []string{
		"REMESA_FINGERPRINT_KEY=" + canary + "-fingerprint", "REMESA_DASHBOARD_PASSWORD=" + canary,
		"REMESA_VIRTUALPOS_BASE_URL=http://127.0.0.1:9", "REMESA_VIRTUALPOS_API_KEY=" + canary, "REMESA_VIRTUALPOS_SECRET_KEY=" + canary,
		"REMESA_ETPAY_MERCHANT_API_TOKEN=" + canary, // without its code: not complete
	}
	withPassword := redisAt("redis://user:" + canary + "@127.0.0.1:1/0")
	runs := []struct {
		says, in string
		env      []string
		args     string
	}{
		{"submit", payout("a", `"12345678"`, `"55512349"`) + "\n" + payout("b", "12345678-5", canary), environment(append(secrets, redisAt(s.URL()))...), "submit"},
		{"show", "", environment(append(secrets, redisAt(s.URL()))...), "show virtualpos/a"},
		{"list", "", environment(append(secrets, redisAt(s.URL()))...), "list"},
		{"watch", "", environment(append(secrets, redisAt(s.URL()))...), "watch --no-follow"},
		{"a Redis that is not there", payout("a"), environment(append(secrets, withPassword)...), "submit"},
		{"debugging a Redis that is not there", payout("a"), environment(append(secrets, withPassword, "REMESA_LOG_LEVEL=debug")...), "submit"},
		{"a malformed Redis URL", "", environment("REMESA_REDIS_URL=" + canary), "list"},
		{"a malformed token key", payout("a"), environment("REMESA_TOKEN_KEY="+canary, redisAt(s.URL())), "submit"},
		{"malformed payload keys", payout("a"), environment("REMESA_PAYLOAD_KEYS="+canary, redisAt(s.URL())), "submit"},
	}
	for _, run := range runs {
		got := enqueuePlain(t, run.env, strings.NewReader(run.in), strings.Fields(run.args)...)
		for _, hidden := range []string{canary, "55512349", "Ana Soto", "ana@example"} {
			if strings.Contains(got.out+got.err, hidden) {
				t.Errorf("%s: %s is in the output\n%s%s", run.says, hidden, got.out, got.err)
			}
		}
	}
}

// TestAReaderWhoHasReadEnoughIsNoError: list | head, and the help too.
func TestAReaderWhoHasReadEnoughIsNoError(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.held("virtualpos/h1")
	for args, code := range map[string]int{
		"--help": 0, "submit --help": 0, "list": 0, "show virtualpos/h1": 0, "explain virtualpos/h1": 0, "subscription list": 0, "apikey list": 0,
		"template virtualpos": 0, "completion bash": 0, "forgot show --provider virtualpos": 0,
		"export": exitFailed, // what was cut is no archive
	} {
		r, w := must2(t)(os.Pipe())
		r.Close()
		cmd := exec.CommandContext(t.Context(), binary(t), strings.Fields(args)...)
		var errOut strings.Builder
		cmd.Env, cmd.Stdout, cmd.Stderr = environment(redisAt(d.server.URL())), w, &errOut
		_ = cmd.Run()
		w.Close()
		if got := cmd.ProcessState.ExitCode(); got != code || code == 0 && errOut.Len() > 0 {
			t.Errorf("%s: exit code %d, want %d: %s", args, got, code, errOut.String())
		}
	}
}

// TestAWrongCommandLineIsToldWhatToDo: what was meant, and where more is said.
func TestAWrongCommandLineIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"lst":                   `enqueue: unexpected argument lst, did you mean "list"? (see enqueue --help)`,
		"list --stat held":      `enqueue: unknown flag --stat, did you mean "--state"? (see enqueue list --help)`,
		"list --state lost":     "must be one of \"queued\",",
		"show":                  `enqueue: expected "<key>" (see enqueue show --help)`,
		"halt --provider etpay": "enqueue: halt: --by and --note are required: who decides this, and why (see enqueue halt --help)",
		"subscription pause":    " (see enqueue subscription pause --help)",
	} {
		got := enqueue(t, environment(redisAt(nowhere)), nil, strings.Fields(args)...)
		wantCode(t, args, got, exitUsage)
		wantText(t, args, got.err, want)
		if strings.Contains(got.err, `""`) {
			t.Errorf("%s: an empty word in %s", args, got.err)
		}
	}
}
