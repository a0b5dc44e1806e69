package tutorialtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/docs"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

func TestMain(m *testing.M) { os.Exit(commands.Main(m)) }

var commands = processtest.NewCommands(func(folder string) error {
	return errors.Join(processtest.Build(filepath.Join(folder, "worker"), "cmd/worker"), processtest.Build(filepath.Join(folder, "enqueue"), "cmd/enqueue"))
})

// testTimeout is generous: the machine may be busy.
const testTimeout = 3 * time.Minute

// The pages that are run.
const (
	tutorial   = "tutorial.md"
	quickStart = "es/inicio.md"
)

// blocks are those of a page in one language, in order, with the ports of this test.
func blocks(t *testing.T, page, language string, ports *strings.Replacer) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		all = append(all, ports.Replace(m[1]))
	}
	if len(all) == 0 {
		t.Fatalf("the page has no %s", language)
	}
	return all
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

const pythonReceiver, nodeReceiver = "python3 examples/python-receiver/receiver.py", "node examples/node-receiver/receiver.mjs"

// receiver is how the page's billing system is started: with the program that is wanted, or with
// the other one where that is not installed.
func receiver(t *testing.T, wanted, other string) string {
	t.Helper()
	for _, command := range []string{wanted, other} {
		program, _, _ := strings.Cut(command, " ")
		if _, err := exec.LookPath(program); err == nil {
			return command
		}
	}
	processtest.Missing(t, "neither python3 nor node is installed: the page's billing system cannot run")
	return ""
}

// reader is a shell that follows a page, with what it has started.
func reader(t *testing.T, page string, ports *strings.Replacer, more string) string {
	t.Helper()
	script := "set -e\nhere=$$\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n" + strings.Join(blocks(t, page, "sh", ports), "\n") + "\n" + more
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir, cmd.WaitDelay = t.TempDir(), 10*time.Second
	examples, err := filepath.Abs("../../examples")
	if err == nil {
		err = os.Symlink(examples, filepath.Join(cmd.Dir, "examples"))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = []string{"PATH=" + filepath.Dir(commands.Path(t, "worker")) + ":" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GOCACHE=" + os.Getenv("GOCACHE")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		for _, name := range []string{"sandbox.out", "worker.out", "serve.out", "test.out", "received.out", "demo.out"} {
			text, _ := os.ReadFile(filepath.Join(cmd.Dir, name))
			t.Logf("%s:\n%s", name, text)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// newPorts puts a Redis and free ports in place of the page's.
func newPorts(t *testing.T, system string) *strings.Replacer {
	t.Helper()
	return strings.NewReplacer(pythonReceiver, system, "127.0.0.1:6379", redistest.Start(t, redistest.Appendonly("always")).Addr(), "127.0.0.1:9090", freePort(t), "127.0.0.1:8080", freePort(t), "127.0.0.1:8090", freePort(t), "127.0.0.1:9200", freePort(t))
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// notRun says that a part of a page is not run on this machine, and fails where CI is set.
func notRun(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Error(why)
	}
	t.Log(why)
}

// TestTheTutorialRunsAsWritten in curl and, where they are installed, in Python and in Node.
func TestTheTutorialRunsAsWritten(t *testing.T) {
	t.Parallel()
	ports := newPorts(t, receiver(t, pythonReceiver, nodeReceiver))
	more := ""
	want := []string{`"result":"enqueued"`, `"state":"succeeded"`, `"executions":[`, `"state":"in_doubt"`, `"cursor":"`, `"result":"delivered"`,
		"test test -\n", "virtualpos/tef-0001 state succeeded\n", "virtualpos/tef-0002 state in_doubt\n"}
	if python, err := exec.LookPath("python3"); err == nil {
		more += python + " " + write(t, "pay.py", blocks(t, tutorial, "python", ports)[0]) + "\n"
		want = append(want, "201 enqueued\nvirtualpos/tef-python succeeded\n")
	} else {
		notRun(t, "no python3: the page's Python is not run")
	}
	if node, err := exec.LookPath("node"); err == nil {
		more += node + " " + write(t, "pay.mjs", blocks(t, tutorial, "js", ports)[0]) + "\n"
		want = append(want, "201 enqueued\nvirtualpos/tef-node succeeded\n")
	} else {
		notRun(t, "no node: the page's JavaScript is not run")
	}
	out := reader(t, tutorial, ports, more)
	for _, text := range want {
		if !strings.Contains(out, text) {
			t.Errorf("%q is missing in\n%s", text, out)
		}
	}
	if n := strings.Count(out, `"seq":`); n != 1 {
		t.Errorf("the provider's book has %d executions, want 1", n)
	}
}

// TestTheSpanishQuickStartRunsAsWritten, from the template to a payment that was resolved by hand.
func TestTheSpanishQuickStartRunsAsWritten(t *testing.T) {
	t.Parallel()
	out := reader(t, quickStart, newPorts(t, pythonReceiver), "enqueue show \"$(cat claves.txt)\"\n")
	for _, text := range []string{
		`"result":"valid"`, `"result":"enqueued"`, `"result":"duplicate"`, "en cola", "duplicada", "Se registró y espera su envío.", "Qué sigue (nadie): Nada.",
		"Por revisar (held): ", `"state":"succeeded"`, "by m.rojas: cartola del 12-05",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("%q is missing in\n%s", text, out)
		}
	}
}

const client = "../api/client"

// TestTheGeneratedClientIsOfTheDescription: client.gen.go says of which description it is.
func TestTheGeneratedClientIsOfTheDescription(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(client, "openapi.sha256"))
	sum := sha256.Sum256(docs.OpenAPI())
	if err != nil || strings.TrimSpace(string(text)) != hex.EncodeToString(sum[:]) {
		t.Errorf("internal/api/client is of another docs/openapi.json: run `go generate ./...` there (%v)", err)
	}
}

// TestAGeneratedClientPays: it is compiled, pays through the interface and the sandbox, and the
// billing system gets its webhook.
func TestAGeneratedClientPays(t *testing.T) {
	t.Parallel()
	ports := newPorts(t, receiver(t, nodeReceiver, pythonReceiver))
	binary := filepath.Join(t.TempDir(), "pay")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", binary, "./pay")
	build.Dir = client
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out := reader(t, tutorial, ports, binary+" http://"+ports.Replace("127.0.0.1:8090")+"\n"+
		"until grep 'virtualpos/tef-client state succeeded' received.out; do sleep 0.1; done\n")
	if !strings.Contains(out, "virtualpos/tef-client succeeded") || !strings.Contains(out, "virtualpos/tef-client state succeeded") {
		t.Errorf("%s", out)
	}
}

// npm runs it in a folder.
func npm(ctx context.Context, t *testing.T, folder string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir, cmd.WaitDelay = folder, 10*time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestATypeScriptClientPays: its types are made of the description, it is type-checked, and pays
// through the interface and the sandbox.
func TestATypeScriptClientPays(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("npm"); err != nil {
		processtest.Missing(t, "no npm: no client in TypeScript is made of docs/openapi.json")
	}
	folder := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "tsconfig.json", "pay.ts"} {
		text, err := os.ReadFile(filepath.Join(client, "typescript", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "openapi.json"), docs.OpenAPI(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	npm(ctx, t, folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm(ctx, t, folder, "run", "generate")
	npm(ctx, t, folder, "run", "build")
	ports := newPorts(t, pythonReceiver)
	out := reader(t, tutorial, ports, "node "+filepath.Join(folder, "out", "pay.js")+" http://"+ports.Replace("127.0.0.1:8090")+"\n")
	if !strings.Contains(out, "virtualpos/tef-typescript succeeded") {
		t.Errorf("%s", out)
	}
}
