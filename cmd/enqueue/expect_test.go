package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/redistest"
)

func TestAFileThatIsNotAsExpectedIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	two := payout("a") + "\n\n" + payout("b", "12500", "100") + "\n"
	mixed := two + `{"type":"charge","provider":"pagandocheck","txnid":"P1","amount":"149.50","currency":"MXN","customer":{"id":"x"},` +
		`"card":{"token":"cd_1"},"agreement":"C1"}` + "\n"
	asks := two + `{"type":"status","provider":"virtualpos","reference":"a"}` + "\n"
	rows := []struct {
		says, file, args string
		code             int
		text             string
	}{
		{"count and sum are right", two, "--expect-count 2 --expect-sum CLP=12600", 0, "2 enqueued"},
		{"decimals of zero are none", two, "--expect-sum CLP=12600.00", 0, "2 enqueued"},
		{"two currencies", mixed, "--expect-sum CLP=12600 --expect-sum MXN=149.5 --expect-count 3", 0, "3 enqueued"},
		{"a question is no payment", asks, "--expect-count 2 --expect-sum CLP=12600", 0, "3 enqueued"},
		{"nothing, as expected", "\n", "--expect-count 0", 0, "is empty"},
		{"one too many expected", two, "--expect-count 3", exitRefused, "2 payments, expected 3"},
		{"one too few expected", two, "--expect-count 1", exitRefused, "2 payments, expected 1"},
		{"another sum", two, "--expect-sum CLP=12599", exitRefused, "CLP sums up to 12600, expected 12599"},
		{"a sum of cents", mixed, "--expect-sum CLP=12600 --expect-sum MXN=149.51", exitRefused, "MXN sums up to 149.50, expected 149.51"},
		{"a currency that nobody expected", mixed, "--expect-sum CLP=12600", exitRefused, "payments in MXN, expected none"},
		{"a currency that is missing", two, "--expect-sum CLP=12600 --expect-sum COP=1", exitRefused, "COP sums up to 0, expected 1"},
		{"an invalid line, though all else is right", two + "{\n", "--expect-count 2 --expect-sum CLP=12600", exitRefused, "1 invalid lines"},
		{"a line that is too late", two + payout("c", `"currency"`, `"deadline":"2020-01-01T00:00:00Z","currency"`) + "\n", "--expect-count 2", exitRefused, "1 invalid lines"},
		{"nothing, though something was expected", "", "--expect-count 1", exitRefused, "0 payments, expected 1"},
	}
	for _, row := range rows {
		s := redistest.Start(t)
		args := append([]string{"submit", write(t, "tasks.jsonl", row.file)}, strings.Fields(row.args)...)
		got := enqueue(t, environment(redisAt(s.URL())), nil, args...)
		wantCode(t, row.says, got, row.code)
		wantText(t, row.says, got.err, row.text)
		if keys := s.Client().Keys(t.Context(), "*").Val(); row.code != 0 && len(keys) > 0 {
			t.Errorf("%s: refused, but enqueued: %v", row.says, keys)
		}
		for _, r := range results(t, got.out) {
			if row.code != 0 && r.Result != "invalid" {
				t.Errorf("%s: refused, but %+v", row.says, r)
			}
		}
	}
}

func TestOnlyWhatWasCountedIsHandedOut(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("x", 64<<10)
	rows := []struct {
		says, counted, found string
		handed               int // bytes handed out; all of them where it is right
	}{
		{"unchanged", page + "tail", page + "tail", len(page) + 4},
		{"empty and unchanged", "", "", 0},
		{"a byte of the tail changed", page + "tail", page + "tall", len(page)},
		{"a byte of the first page changed", page + "tail", "y" + page[1:] + "tail", 0},
		{"something added", page + "tail", page + "tail!", len(page)},
		{"a page added", page, page + page, len(page)},
		{"the tail cut off", page + "tail", page, len(page)},
		{"all cut off", page, "", 0},
	}
	for _, row := range rows {
		counted := &verifiedReader{in: strings.NewReader(row.counted)}
		if text, err := io.ReadAll(counted); err != nil || string(text) != row.counted {
			t.Errorf("%s: counting: %v", row.says, err)
		}
		text, err := io.ReadAll(&verifiedReader{in: strings.NewReader(row.found), want: counted.sums, verify: true})
		if len(text) != row.handed || (err == nil) != (row.counted == row.found) || err != nil && !errors.Is(err, errChanged) {
			t.Errorf("%s: %d bytes, %v; want %d", row.says, len(text), err, row.handed)
		}
	}
}

// A named pipe can be read only once, whatever its name is.
func TestExpectationsNeedARegularFile(t *testing.T) {
	t.Parallel()
	got := enqueue(t, environment(redisAt(nowhere)), lines(payout("a")), "submit", "/dev/stdin", "--expect-count", "1")
	wantCode(t, "/dev/stdin", got, exitUsage)
}

func TestAFileThatCannotBeReadIsTheMachinesFault(t *testing.T) {
	t.Parallel()
	for says, path := range map[string]string{"no such file": "/nonexistent/tasks.jsonl", "a folder": t.TempDir()} {
		for _, more := range [][]string{nil, {"--dry-run"}} {
			got := enqueue(t, environment(redisAt(nowhere)), nil, append([]string{"submit", path}, more...)...)
			wantCode(t, says, got, exitFailed)
		}
	}
}

func TestSumsAreExactAndHaveNoEnd(t *testing.T) {
	t.Parallel()
	s := must[sum](t)(parseSum("MXN", "99999999999999999999999.99"))
	one := must[sum](t)(parseSum("MXN", "0.01"))
	s.cents.Add(s.cents, one.cents)
	if got := s.text(); got != "100000000000000000000000" {
		t.Errorf("got %s", got)
	}
	for _, wrong := range []string{"", "1,000", "-1", "1.234", "1e3", " 1", "1."} {
		if _, err := parseSum("MXN", wrong); err == nil {
			t.Errorf("%q was taken for a sum", wrong)
		}
	}
}

func TestTheBarIsDrawnForPeopleOnly(t *testing.T) {
	t.Parallel()
	f := must[*os.File](t)(os.Create(write(t, "stderr", "")))
	defer f.Close()
	if p := newProgress(i18n.New(i18n.English, nil), f, &countingReader{}, 10); p.out != nil {
		t.Error("a file was taken for a terminal")
	}
	var screen strings.Builder
	read := &countingReader{Reader: strings.NewReader("12345")}
	_, _ = io.ReadAll(read)
	p := &progress{text: i18n.New(i18n.English, nil), out: &screen, read: read, size: 10}
	p.draw(7, time0)
	p.draw(8, time0) // too soon
	p.clear()
	p.clear()
	if want := "\r\x1b[K[###############...............]  50 %  7 lines\r\x1b[K"; screen.String() != want {
		t.Errorf("got  %q\nwant %q", screen.String(), want)
	}
}

func TestTheBarSaysHowFastItGoesAndHowLongItTakes(t *testing.T) {
	t.Parallel()
	var screen strings.Builder
	read := &countingReader{}
	p := &progress{text: i18n.New(i18n.English, nil), out: &screen, read: read, size: 1_000_000}
	at := func(bytes int64, lines int, after time.Duration) string {
		screen.Reset()
		read.n.Store(bytes)
		p.draw(lines, time0.Add(after))
		_, text, _ := strings.Cut(screen.String(), "%  ")
		return text
	}
	for _, row := range []struct {
		bytes int64
		lines int
		after time.Duration
		want  string
	}{
		{100_000, 1000, 0, "1000 lines"},
		{150_000, 1500, 500 * time.Millisecond, "1500 lines"}, // too short to say
		{300_000, 3000, 2 * time.Second, "3000 lines, 1000 a second, 7s left"},
		{1_000_000, 10_000, 9 * time.Second, "10000 lines, 1000 a second, 0s left"},
	} {
		if got := at(row.bytes, row.lines, row.after); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
	p.size = 0 // a pipe
	at(1, 12_000, 11*time.Second)
	if !strings.HasSuffix(screen.String(), "12000 lines, 1000 a second") {
		t.Errorf("got %q", screen.String())
	}
}
