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
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
)

func TestMain(m *testing.M) { os.Exit(commands.Main(m)) }

// commands are both as they are released.
var commands = processtest.NewCommands(func(folder string) error {
	out, err := exec.CommandContext(context.Background(), filepath.Join(root, "scripts/build.sh"), folder).CombinedOutput()
	if err != nil {
		return fmt.Errorf("scripts/build.sh: %w\n%s", err, out)
	}
	return nil
})

// process is a worker under test.
type process struct{ *processtest.Process }

// run starts a command with these variables and no others.
func run(t testing.TB, cmd *exec.Cmd, env map[string]string) process {
	t.Helper()
	cmd.Env = []string{}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return process{processtest.Start(t, "worker", cmd)}
}

var listening = regexp.MustCompile(`"http":"([^"]+)"`)

// awaitReady returns where the worker listens, once it says that it is ready.
func (p process) awaitReady(t testing.TB) string {
	t.Helper()
	var addr string
	eventually.NoError(t, testTimeout, func() error {
		if p.Gone() {
			t.Fatalf("it ended: %s", p.Cmd.ProcessState)
		}
		found := listening.FindStringSubmatch(p.Output())
		if found == nil {
			return errors.New("it listens nowhere")
		}
		addr = strings.Replace(found[1], "[::]", "127.0.0.1", 1)
		if !strings.Contains(p.Output(), `"message":"serving"`) {
			return errors.New("it does not serve")
		}
		return get("http://" + addr + "/readyz")
	})
	return addr
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
