package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/sandbox/pagoseguro"
)

const (
	testNumber = "4000000000000002"
	testCode   = "0129"
)

// pagoSeguro is a simulator, and the environment that leads there. No Redis is needed.
func pagoSeguro(t *testing.T, faults ...sandbox.Fault) (*sandbox.Provider, []string) {
	t.Helper()
	s := pagoseguro.New(pagoseguro.Options{}, sandbox.Options{})
	if err := s.AddFaults(faults...); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, environment(redisAt(nowhere), "REMESA_PAGOSEGURO_BASE_URL="+server.URL+s.Prefix,
		"REMESA_PAGOSEGURO_ACCOUNT_ID=123456789", "REMESA_PAGOSEGURO_API_KEY=sandbox-api-key", "REMESA_LOG_LEVEL=debug")
}

func TestHashcardPrintsATokenOfTwoLines(t *testing.T) {
	t.Parallel()
	_, env := pagoSeguro(t)
	for says, input := range map[string]string{
		"two lines": testNumber + "\n" + testCode + "\n", "without the last line break": testNumber + "\n" + testCode,
		"from another system": testNumber + "\r\n" + testCode + "\r\n", "a number in groups": "4000 0000-0000 0002\n" + testCode + "\n",
	} {
		got := enqueue(t, env, strings.NewReader(input), "hashcard", "--provider", "pagoseguro")
		wantCode(t, says, got, 0)
		if len(strings.TrimSpace(got.out)) < 16 || strings.Count(got.out, "\n") != 1 || got.err != "" {
			t.Errorf("%s: %d bytes of stdout, stderr %q", says, len(got.out), got.err)
		}
	}
}

func TestHashcardRepeatsNothingOfTheCard(t *testing.T) {
	t.Parallel()
	step := func(kind string) []sandbox.Fault {
		return []sandbox.Fault{{Kind: kind, Operation: sandbox.StepOperation}}
	}
	for _, row := range []struct {
		says, input string
		faults      []sandbox.Fault
		code        int
	}{
		{"one line", testNumber + "\n", nil, exitUsage},
		{"three lines", testNumber + "\n" + testCode + "\n" + testNumber + "\n", nil, exitUsage},
		{"nothing", "", nil, exitUsage},
		{"a number with a letter", testNumber + "x\n" + testCode + "\n", nil, exitUsage},
		{"a code that is too long", testNumber + "\n" + testCode + "5\n", nil, exitUsage},
		{"an answer that is a page", testNumber + "\n" + testCode + "\n", step("html_before"), exitFailed},
		{"a token that is refused for ever", testNumber + "\n" + testCode + "\n", step("unauthorized"), exitFailed},
		{"refused credentials", testNumber + "\n" + testCode + "\n", []sandbox.Fault{{Kind: "unauthorized", Operation: sandbox.LoginOperation}}, exitFailed},
	} {
		desk, env := pagoSeguro(t, row.faults...)
		got := enqueue(t, env, strings.NewReader(row.input), "hashcard", "--provider", "pagoseguro")
		wantCode(t, row.says, got, row.code)
		if got.out != "" || strings.Contains(got.err, testNumber) || strings.Contains(got.err, testCode) || !strings.HasPrefix(got.err, "enqueue: ") {
			t.Errorf("%s: stdout %q, stderr %q", row.says, got.out, got.err)
		}
		if len(desk.Arrivals()) != 0 {
			t.Errorf("%s: a request that can move money arrived", row.says)
		}
	}
}

func TestHashcardNeedsAConfiguredAccount(t *testing.T) {
	t.Parallel()
	_, env := pagoSeguro(t)
	for says, args := range map[string]string{
		"no provider": "hashcard", "a provider without such a step": "hashcard --provider virtualpos",
		"an account that is not configured": "hashcard --provider pagoseguro --account other", "an account that is none": "hashcard --provider pagoseguro --account A/B",
	} {
		wantCode(t, says, enqueue(t, env, strings.NewReader(""), strings.Fields(args)...), exitUsage)
	}
}
