package tutorialtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

// line is one of a block in sh, as it is typed.
type line struct {
	text string
	// exit is what the page says that it ends with.
	exit int
}

// notRunHere are the lines that no test can run, by page, each with the beginning of the line and
// why. Every other line of a block in sh is run.
var notRunHere = map[string]map[string]string{
	"README.md": {
		"make demo": "package internal/demo has a test of its own",
		"make test": "it would run itself",
	},
	"examples/README.md": {
		"go run ./examples/go-billing":     "examples/go-billing has a test of its own",
		"mkdir outcomes":                   "examples/go-billing has a test of its own",
		"python3 examples/python-consumer": "examples/python-consumer has a test of its own",
	},
	"deploy/README.md": {
		"install ":   "it needs root",
		"systemctl ": "it needs systemd",
	},
}

// runByOthers are pages that a test of their own runs from the first line to the last.
var runByOthers = []string{"docs/" + tutorial, "docs/" + quickStart}

// TestEveryLineOfThePagesRuns runs each line of each block in sh, page by page, in the order of the
// page, in one shell and beside what page's fixture has set up: a Redis, all providers as
// simulators, and a worker. Each ends as the page says.
func TestEveryLineOfThePagesRuns(t *testing.T) {
	t.Parallel()
	server := sync.OnceValue(func() *redistest.Server {
		return redistest.Start(t, redistest.Appendonly("always"), redistest.Setting("maxmemory-policy", "noeviction"), redistest.Setting("databases", "64"))
	})
	ran := 0
	for i, name := range pages(t) {
		lines, problems := shellLines(t, name)
		for _, problem := range problems {
			t.Error(problem)
		}
		if len(lines) == 0 || slices.Contains(runByOthers, name) {
			continue
		}
		ran += len(lines)
		redis := server().URL()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, name, strings.TrimSuffix(redis, "0")+strconv.Itoa(i))
			s.run(s.script(lines), lines)
		})
	}
	if ran < 50 {
		t.Errorf("only %d lines are run", ran)
	}
}

// pages are all that there are, by their paths from the module's root.
func pages(t *testing.T) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("../.."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || slices.Contains([]string{"testdata", "dist", "node_modules"}, entry.Name())):
			return fs.SkipDir
		case path.Ext(name) == ".md" && name != "CHANGELOG.md":
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// exitCode is how a page says, behind a line, that it ends with another code than 0.
var exitCode = regexp.MustCompile(`#.*(?:exit code|código de salida) (\d+)`)

// shellLines are those of a page's blocks that are run, and what is wrong with the list of those
// that are not.
func shellLines(t *testing.T, name string) (run []line, problems []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for _, typed := range split(t, name, block[1]) {
			if why := listed(name, typed, found); why != "" {
				t.Logf("%s: not run: %s: %s", name, typed, why)
				continue
			}
			l := line{text: typed}
			if m := exitCode.FindStringSubmatch(typed); m != nil {
				l.exit, _ = strconv.Atoi(m[1])
			}
			run = append(run, l)
		}
	}
	for beginning := range notRunHere[name] {
		if !found[beginning] {
			problems = append(problems, fmt.Sprintf("%s has no line that begins with %q: it need not be listed", name, beginning))
		}
	}
	return run, problems
}

// listed is why a line is not run; nothing for one that is.
func listed(page, typed string, found map[string]bool) string {
	for beginning, why := range notRunHere[page] {
		if strings.HasPrefix(typed, beginning) {
			found[beginning] = true
			return why
		}
	}
	return ""
}

// split has the commands of a block, which may be longer than a line: the shell knows where one
// ends.
func split(t *testing.T, name, block string) (typed []string) {
	t.Helper()
	command := ""
	for text := range strings.Lines(block) {
		if command += text; strings.TrimSpace(command) == "" {
			command = ""
			continue
		}
		check := exec.CommandContext(t.Context(), "bash", "-n", "-c", command)
		if !strings.HasSuffix(strings.TrimSpace(command), `\`) && check.Run() == nil {
			typed, command = append(typed, strings.TrimSpace(command)), ""
		}
	}
	if command != "" {
		t.Errorf("%s: no shell understands %q", name, command)
	}
	return typed
}

// stack is what a page runs beside, in a folder of its own.
type stack struct {
	t            *testing.T
	page, folder string
	redis        string // its URL, with a database of the page's own
	fixture      fixture
	ports        *strings.Replacer
	environment  []string
}

func newStack(t *testing.T, page, redis string) *stack {
	t.Helper()
	s := &stack{t: t, page: page, folder: t.TempDir(), redis: redis, fixture: fixtures()[page]}
	api, http, sandbox := freePort(t), freePort(t), freePort(t)
	s.ports = strings.NewReplacer("redis://127.0.0.1:6379/0", redis, "127.0.0.1:8090", api, "127.0.0.1:9090", sandbox, "127.0.0.1:8080", http,
		"/var/lib/remesa", s.folder)
	s.environment = append([]string{
		"PATH=" + s.folder + "/bin:" + filepath.Dir(commands.Path(t, "worker")) + ":" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "REMESA_REDIS_URL=" + redis,
		"REMESA_HTTP_ADDR=" + http, "REMESA_API_ADDR=" + api,
		"REMESA_SETTLE_TIME=1s", "REMESA_NOT_FOUND_INTERVAL=100ms", "REMESA_LEASE=5s", "REMESA_REQUEST_TIMEOUT=2s", "REMESA_POLL_FIRST=100ms", "REMESA_POLL_MAX=1s",
		"REMESA_JANITOR_INTERVAL=100ms", "REMESA_RETRY_BASE=100ms",
	}, s.fixture.settings...)
	for name, text := range s.fixture.files {
		if err := os.WriteFile(filepath.Join(s.folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// tools skips the page on a machine that lacks a program which it uses. It puts one before
// redis-cli that talks to the page's Redis, and ends with an error where Redis answers one.
func (s *stack) tools(script string) {
	s.t.Helper()
	for _, name := range []string{"python3", "jq", "redis-cli"} {
		program, err := exec.LookPath(name)
		if err != nil && strings.Contains(script, name) {
			processtest.Missing(s.t, "no "+name+" on this machine")
		}
		if name != "redis-cli" {
			continue
		}
		text := "#!/bin/sh\n" + `case "$1" in -u) ;; *) set -- -u "$REMESA_REDIS_URL" -e "$@" ;; esac` + "\nexec " + program + ` "$@"` + "\n"
		bin := filepath.Join(s.folder, "bin")
		err = errors.Join(os.Mkdir(bin, 0o700), os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700)) // #nosec G306 -- it is run
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// preamble starts the simulators and a worker, and has what fixtures use.
const preamble = `
set -u
servers=()
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
until_says() { until grep -qs "$2" "$1"; do kill -0 "$3" 2>/dev/null || return 1; sleep 0.05; done; }
ended() { echo "$3" >> ended; [ "$1" = "$2" ] || echo "$3: it ends with $1, want $2" >> wrong; }
await() { until [ "$(enqueue list --state "$1" --json | wc -l)" -ge "$2" ]; do sleep 0.05; done; }
fault() { curl -sf -X POST "http://$sandbox/$1/_faults" -d "$2" >> faults.out; }
worker sandbox --addr 127.0.0.1:0 > sandbox.out & until_says sandbox.out _book $!
export $(grep -o 'REMESA_[A-Z_]*=.*' sandbox.out)
sandbox=$(grep -o '127.0.0.1:[0-9]*' sandbox.out | head -n 1)
work() { worker run --http-addr 127.0.0.1:0 > worker.out 2>&1 & until_says worker.out '"message":"serving' $!; }
`

// serves are the commands that do not end by themselves, with what they write when they are ready.
var serves = map[string]string{"worker run": `"message":"serving`, "worker sandbox --addr": "_book", "enqueue serve": `"api":"`}

// script has the fixture, and then the page's lines.
func (s *stack) script(lines []line) string {
	var b strings.Builder
	b.WriteString(preamble + s.fixture.script + "\n")
	for i, l := range lines {
		for beginning, script := range s.fixture.before {
			if strings.HasPrefix(l.text, beginning) {
				b.WriteString(script + "\n")
			}
		}
		text, name := s.ports.Replace(l.text), fmt.Sprintf("'%d: %s'", i+1, strings.ReplaceAll(l.text, "'", `"`))
		for old, replacement := range s.fixture.instead {
			text = strings.ReplaceAll(text, old, replacement)
		}
		if sign := readySign(text); sign != "" {
			text, _, _ = strings.Cut(text, " #")
			fmt.Fprintf(&b, "%s > server-%d.out 2>&1 &\nservers+=($!)\nuntil_says server-%d.out '%s' $!\nended $? 0 %s\n", text, i, i, sign, name)
			continue
		}
		fmt.Fprintf(&b, "{ %s\n}\nended $? %d %s\n", text, l.exit, name)
	}
	b.WriteString("for server in ${servers[@]}; do kill -TERM $server; wait $server; ended $? 0 'a server, after SIGTERM'; done\n")
	return b.String()
}

func readySign(text string) string {
	for command, sign := range serves {
		if text == command || strings.HasPrefix(text, command+" ") {
			return sign
		}
	}
	return ""
}

// run runs the script, and demands that each line was run and ended as the page says.
func (s *stack) run(script string, lines []line) {
	s.t.Helper()
	s.tools(strings.TrimPrefix(script, preamble))
	ctx, cancel := context.WithTimeout(s.t.Context(), testTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir, cmd.Env, cmd.WaitDelay = s.folder, s.environment, testTimeout/10
	out, err := cmd.CombinedOutput()
	wrong, _ := os.ReadFile(filepath.Join(s.folder, "wrong"))
	ended, _ := os.ReadFile(filepath.Join(s.folder, "ended"))
	for text := range strings.Lines(string(wrong)) {
		s.t.Error(s.page + ": " + strings.TrimSpace(text))
	}
	for i, l := range lines {
		if !strings.Contains("\n"+string(ended), fmt.Sprintf("\n%d: ", i+1)) {
			s.t.Errorf("%s: %s: it was not run (%v)", s.page, l.text, err)
		}
	}
	if s.t.Failed() {
		s.t.Logf("%v\n%s", err, out)
		for _, name := range []string{"sandbox.out", "worker.out"} {
			text, _ := os.ReadFile(filepath.Join(s.folder, name))
			s.t.Logf("%s:\n%s", name, text)
		}
	}
}
