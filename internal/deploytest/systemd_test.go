package deploytest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/eventually"
)

// unit is a systemd unit with its drop-ins: every value of every key of [Service], in order.
type unit map[string][]string

func readUnit(t testing.TB, paths ...string) unit {
	t.Helper()
	u, section := unit{}, ""
	for _, path := range paths {
		for line := range strings.Lines(file(t, path)) {
			line = strings.TrimSpace(line)
			name, value, ok := strings.Cut(line, "=")
			switch {
			case strings.HasPrefix(line, "["):
				section = line
			case ok && section == "[Service]" && !strings.HasPrefix(line, "#"):
				u[name] = append(u[name], value)
			}
		}
	}
	return u
}

// assignments reads NAME=value lines, as EnvironmentFile does.
func assignments(text string) map[string]string {
	env := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			env[name] = value
		}
	}
	return env
}

// installed says which file of the project stands at a path that the unit names.
func installed(t testing.TB, path string) string {
	t.Helper()
	switch path {
	case "/etc/remesa/worker.env":
		return "deploy/systemd/worker.env"
	default:
		t.Fatalf("the unit names %s, which nothing here installs", path)
		return ""
	}
}

// TestAsSystemdStartsIt: command, variables and credentials are those of the unit, its drop-in and
// the environment file; only the address is another, so that tests can run beside one another. The
// provider's address is a real one: Redis must be fit for that.
func TestAsSystemdStartsIt(t *testing.T) {
	t.Parallel()
	u := readUnit(t, "deploy/systemd/remesa-worker.service", "deploy/systemd/remesa-worker.service.d/virtualpos.conf")
	redis := startStore(t)
	secrets := map[string]string{
		"/etc/remesa/secrets/redis_url":             redis.as("remesa"),
		"/etc/remesa/secrets/virtualpos_api_key":    "key\n",
		"/etc/remesa/secrets/virtualpos_secret_key": "secret\n",
	}
	credentials := t.TempDir()
	for _, credential := range u["LoadCredential"] {
		name, path, _ := strings.Cut(credential, ":")
		if secrets[path] == "" {
			t.Fatalf("%s is no secret of this test", path)
		}
		if err := os.WriteFile(filepath.Join(credentials, name), []byte(secrets[path]), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{}
	for _, line := range u["Environment"] {
		name, value, _ := strings.Cut(line, "=")
		env[name] = strings.ReplaceAll(value, "%d", credentials)
	}
	for _, path := range u["EnvironmentFile"] {
		for name, value := range assignments(file(t, installed(t, path))) {
			env[name] = value
		}
	}
	env["REMESA_HTTP_ADDR"] = "127.0.0.1:0"
	command := strings.Fields(u["ExecStart"][0])
	if len(u["ExecStart"]) != 1 || command[0] != "/usr/local/bin/remesa-worker" {
		t.Fatalf("ExecStart is %q", u["ExecStart"])
	}
	p := run(t, exec.CommandContext(context.Background(), commands.Path(t, "worker"), command[1:]...), env)
	p.awaitReady(t)
	begin(t, redis.as("producer"))
	p.Drain(testTimeout)
}

// begin submits a payment, as the user that producers are, and waits until the worker has begun it:
// both may do what they must in Redis. Its provider cannot be found, so nothing is sent.
func begin(t *testing.T, url string) {
	t.Helper()
	enqueue(t, url, payout, "submit")
	eventually.NoError(t, testTimeout, func() error {
		if shown := enqueue(t, url, "", "show", "virtualpos/a"); !strings.Contains(shown, `"state":"sending"`) && !strings.Contains(shown, `"state": "sending"`) {
			return fmt.Errorf("it was not begun: %s", shown)
		}
		return nil
	})
}

// TestEachProvidersDropInIsComplete: it loads each credential that it names, under the name by
// which it is read.
func TestEachProvidersDropInIsComplete(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(root, "deploy/systemd/remesa-worker.service.d/*.conf"))
	if err != nil || len(paths) < 7 {
		t.Fatalf("%v, %v", paths, err)
	}
	for _, path := range paths {
		u := readUnit(t, strings.TrimPrefix(path, root+"/"))
		for i, credential := range u["LoadCredential"] {
			name, from, _ := strings.Cut(credential, ":")
			want := "REMESA_" + strings.ToUpper(name) + "_FILE=%d/" + name
			if i >= len(u["Environment"]) || u["Environment"][i] != want || from != "/etc/remesa/secrets/"+name {
				t.Errorf("%s: %s is not read by %s", path, credential, want)
			}
		}
	}
}
