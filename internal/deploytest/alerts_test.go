package deploytest

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

// TestAnAlertIsReceived walks from a worker that is missing, through Prometheus and Alertmanager
// with the files of deploy/, to the example receiver, and back. Only addresses and waits are
// others.
func TestAnAlertIsReceived(t *testing.T) {
	t.Parallel()
	prometheus, alertmanager := alertPrograms(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		processtest.Missing(t, "no python3 on this machine")
	}
	folder := t.TempDir()
	port := freePort(t)
	worker, receiver, alerts, metrics := local(freePort(t)), local(port), local(freePort(t)), local(freePort(t))
	waits := regexp.MustCompile(`(for|scrape_interval|evaluation_interval|group_wait|group_interval): \d+(s|m)`)
	adapt := func(name string, replace ...string) string {
		text := waits.ReplaceAllString(file(t, "deploy/"+name), "$1: 1s")
		path := filepath.Join(folder, filepath.Base(name))
		if err := os.WriteFile(path, []byte(strings.NewReplacer(replace...).Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	adapt("prometheus/rules.yml")
	scrape := "    dns_sd_configs:\n      - names: [worker]\n        type: A\n        port: 8080\n        refresh_interval: 15s\n"
	settings := adapt("prometheus/prometheus.yml", "alertmanager:9093", alerts, scrape, "    static_configs:\n      - targets: ['"+worker+"']\n")
	routes := adapt("alertmanager/alertmanager.yml", "alerts:9099", receiver)
	start := func(name string, cmd *exec.Cmd) *processtest.Process { return processtest.Start(t, name, cmd) }
	received := start("the receiver", processtest.Command(python, nil, filepath.Join(root, "examples/alert-receiver/receiver.py"), port))
	start("Alertmanager", processtest.Command(alertmanager, nil, "--config.file="+routes, "--storage.path="+filepath.Join(folder, "alerts"),
		"--cluster.listen-address=", "--web.listen-address="+alerts))
	start("Prometheus", processtest.Command(prometheus, nil, "--config.file="+settings, "--storage.tsdb.path="+filepath.Join(folder, "metrics"),
		"--web.listen-address="+metrics, "--rules.alert.resend-delay=1s"))
	await := func(text string) {
		t.Helper()
		eventually.True(t, testTimeout, text, func() bool { return strings.Contains(received.Output(), text) })
	}
	await("firing critical RemesaWorkerAbsent")

	run(t, exec.CommandContext(t.Context(), commands.Path(t, "worker"), "run"), map[string]string{
		"REMESA_REDIS_URL": redistest.Start(t, redistest.Appendonly("always")).URL(), "REMESA_HTTP_ADDR": worker,
		"REMESA_VIRTUALPOS_BASE_URL": "http://127.0.0.1:1", "REMESA_VIRTUALPOS_API_KEY": "k", "REMESA_VIRTUALPOS_SECRET_KEY": "s",
	})
	eventually.True(t, testTimeout, "the worker's metrics", func() bool {
		resp, err := http.Get("http://" + worker + "/metrics") // #nosec G107 -- our own
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	await("resolved critical RemesaWorkerAbsent")
}

// alertPrograms are Prometheus and Alertmanager, from the PATH or from the system's packages.
func alertPrograms(t *testing.T) (prometheus, alertmanager string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(root, "scripts/need-prometheus.sh"), "prometheus", "prometheus-alertmanager").Output()
	paths := strings.Fields(string(out))
	if err != nil || len(paths) != 2 {
		processtest.Missing(t, "no Prometheus and Alertmanager on this machine, and no package to take them from")
	}
	return paths[0], paths[1]
}

func local(port string) string { return net.JoinHostPort("127.0.0.1", port) }
