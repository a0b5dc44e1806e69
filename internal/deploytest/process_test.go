package deploytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "remesa-deploytest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = sync.OnceValues(func() (string, error) { return folder, build(folder) })
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// built is the folder with both commands as they are released; they are built when a test first needs them.
var built func() (string, error)

func build(folder string) error {
	out, err := exec.CommandContext(context.Background(), filepath.Join(root, "scripts/build.sh"), folder).CombinedOutput()
	if err != nil {
		return fmt.Errorf("scripts/build.sh: %w\n%s", err, out)
	}
	return nil
}

func binary(t testing.TB, name string) string {
	t.Helper()
	folder, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, name)
}

// process is a worker under test; it writes its log into a file.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	log    output
	exited chan struct{}
}

// run starts a command with these variables and no others.
func run(t testing.TB, cmd *exec.Cmd, env map[string]string) *process {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{}, log, log
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, log: output{log.Name()}, exited: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("the worker wrote:\n%s", p.log)
		}
	})
	return p
}

var listening = regexp.MustCompile(`"http":"([^"]+)"`)

// awaitReady returns where the worker listens, once it says that it is ready.
func (p *process) awaitReady() string {
	p.t.Helper()
	var addr string
	await(p.t, func() error {
		if p.gone() {
			p.t.Fatalf("it ended: %s", p.cmd.ProcessState)
		}
		found := listening.FindStringSubmatch(p.log.String())
		if found == nil {
			return errors.New("it listens nowhere")
		}
		addr = strings.Replace(found[1], "[::]", "127.0.0.1", 1)
		if !strings.Contains(p.log.String(), `"message":"serving"`) {
			return errors.New("it does not serve")
		}
		return get("http://" + addr + "/readyz")
	})
	return addr
}

func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func get(url string) error {
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", url, answer.StatusCode, text)
	}
	return nil
}

// drain ends the worker as whoever started it does.
func (p *process) drain() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("it is still there %s after SIGTERM", patience)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("exit code %d after SIGTERM", code)
	}
}
