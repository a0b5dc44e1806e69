package deploytest

import (
	"debug/buildinfo"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/metrics"
	"github.com/remesa/remesa/tasks"
)

const root = "../.."

// file reads a file of the project.
func file(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// names collects what collectors describe, instead of registering them.
type names map[string]bool

var nameOf = regexp.MustCompile(`fqName: "([^"]+)"`)

func (n names) Register(c prometheus.Collector) error { n.MustRegister(c); return nil }
func (n names) Unregister(prometheus.Collector) bool  { return false }
func (n names) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		descs := make(chan *prometheus.Desc)
		go func() { c.Describe(descs); close(descs) }()
		for d := range descs {
			if found := nameOf.FindStringSubmatch(d.String()); found != nil {
				n[found[1]] = true
			}
		}
	}
}

func knownMetrics() names {
	n := names{}
	metrics.New(n)
	metrics.NewAPI(n)
	n.MustRegister(metrics.OpenPayments{}, metrics.LedgerHealth{}, metrics.Redis{}, metrics.Queues{}, metrics.Damaged{}, metrics.Subscriptions{}, metrics.Parked{}, metrics.Webhooks{})
	return n
}

// TestEveryMetricExists: an alert on a metric that no worker reports never fires.
func TestEveryMetricExists(t *testing.T) {
	t.Parallel()
	known := knownMetrics()
	used := regexp.MustCompile(`\b(?:remesa|asynq)_[a-z_]+\b`)
	for _, path := range []string{"deploy/prometheus/rules.yml", "deploy/prometheus/rules_test.yml", "deploy/grafana/remesa.json"} {
		found := used.FindAllString(file(t, path), -1)
		if len(found) < 10 {
			t.Errorf("%s: only %d metrics are used", path, len(found))
		}
		for _, name := range found {
			base := name
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				base = strings.TrimSuffix(base, suffix)
			}
			if !known[name] && !known[base] {
				t.Errorf("%s uses %s, which no worker reports", path, name)
			}
		}
	}
}

func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	page := file(t, "docs/metrics.md")
	for name := range knownMetrics() {
		ours := strings.HasPrefix(name, "remesa_") || strings.HasPrefix(name, "asynq_")
		if ours && !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/metrics.md does not speak of %s", name)
		}
	}
}

// TestTheDashboardCanBeLoaded: it is JSON, its panels have numbers of their own, and none lies on
// another.
func TestTheDashboardCanBeLoaded(t *testing.T) {
	t.Parallel()
	var board struct {
		UID    string
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(file(t, "deploy/grafana/remesa.json")), &board); err != nil {
		t.Fatal(err)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || len(p.Targets) == 0 || p.Targets[0].Expr == "" {
			t.Errorf("panel %d %q has another's number, no title or no question", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q lies on %q, or outside", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	if board.UID == "" || len(board.Panels) < 10 {
		t.Errorf("%q with %d panels", board.UID, len(board.Panels))
	}
}

// anchors are those that a page's headings make on GitHub.
func anchors(page string) map[string]bool {
	out := map[string]bool{}
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for line := range strings.Lines(page) {
		heading, ok := strings.CutPrefix(strings.TrimSpace(line), "## ")
		if ok {
			out[strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")] = true
		}
	}
	return out
}

func TestEachAlertHasAPage(t *testing.T) {
	t.Parallel()
	pages := anchors(file(t, "docs/operations.md"))
	rules := file(t, "deploy/prometheus/rules.yml")
	url := regexp.MustCompile(`runbook_url: https://github.com/remesa/remesa/blob/main/docs/operations.md#(\S+)`)
	links := url.FindAllStringSubmatch(rules, -1)
	if alerts := strings.Count(rules, "- alert: "); alerts < 10 || alerts != len(links) {
		t.Errorf("%d alerts, %d pages", alerts, len(links))
	}
	for _, link := range links {
		if !pages[link[1]] {
			t.Errorf("docs/operations.md has no heading for #%s", link[1])
		}
	}
}

// TestEachAlertIsTested: the unit tests name every alert, once when it speaks and once when it does
// not.
func TestEachAlertIsTested(t *testing.T) {
	t.Parallel()
	tests := file(t, "deploy/prometheus/rules_test.yml")
	for _, alert := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(file(t, "deploy/prometheus/rules.yml"), -1) {
		if !strings.Contains(tests, `'ALERTS{alertname="`+alert[1]+`",alertstate="firing"`) {
			t.Errorf("no test makes %s speak", alert[1])
		}
	}
}

// deployed walks the files of deploy/ that are not a module of their own.
func deployed(t *testing.T, visit func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, "deploy"), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "check" || entry.Name() == "secrets"):
			return fs.SkipDir
		case entry.IsDir() || entry.Name() == "worker.env" && filepath.Base(filepath.Dir(path)) == "deploy":
			return nil
		}
		name, err := filepath.Rel(root, path)
		visit(filepath.ToSlash(name), file(t, name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEverySettingExists(t *testing.T) {
	t.Parallel()
	known := config.Variables()
	setting := regexp.MustCompile(`\bREMESA_[A-Z_]+[A-Z]\b`)
	seen := 0
	deployed(t, func(path, text string) {
		for _, name := range setting.FindAllString(text, -1) {
			if seen++; !slices.Contains(known, name) {
				t.Errorf("%s: %s is no setting", path, name)
			}
		}
	})
	if seen < 20 {
		t.Errorf("only %d settings were found", seen)
	}
}

// TestNoSecretStandsInASetting: in deploy/, secrets are always files.
func TestNoSecretStandsInASetting(t *testing.T) {
	t.Parallel()
	direct := regexp.MustCompile(`REMESA_[A-Z_]*(?:PASSWORD|_KEY|_KEYS|TOKEN|SECRET|REDIS_URL)\s*[=:]\s*[^\s#]`)
	deployed(t, func(path, text string) {
		if found := direct.FindString(text); found != "" && !strings.HasSuffix(path, "sentinel.conf") {
			t.Errorf("%s: %q is no file", path, found)
		}
	})
}

// TestADrainingWorkerIsNeverKilled: what starts the worker gives it lease + 30 s to end.
func TestADrainingWorkerIsNeverKilled(t *testing.T) {
	t.Parallel()
	c, err := config.From(nil)
	if err != nil {
		t.Fatal(err)
	}
	least := c.Lease + 30*time.Second
	for path, pattern := range map[string]string{
		"deploy/systemd/remesa-worker.service": `(?m)^TimeoutStopSec=(\d+)s$`,
		"deploy/kubernetes/worker.yaml":        `(?m)^ +terminationGracePeriodSeconds: (\d+)$`,
		"deploy/compose.yaml":                  `(?s)\n  worker:\n.*?stop_grace_period: (\d+)s`,
	} {
		found := regexp.MustCompile(pattern).FindStringSubmatch(file(t, path))
		if found == nil {
			t.Errorf("%s does not say how long a worker may drain", path)
			continue
		}
		if n, _ := strconv.Atoi(found[1]); time.Duration(n)*time.Second < least {
			t.Errorf("%s gives %s s, lease + 30 s is %s", path, found[1], least)
		}
	}
}

func TestKEDAWatchesTheQueueOfAsynq(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{tasks.SendQueue("virtualpos"), tasks.BulkQueue("virtualpos")} {
		if want := "listName: asynq:{" + queue + "}:pending"; !strings.Contains(file(t, "deploy/kubernetes/keda.yaml"), want) {
			t.Errorf("keda.yaml has no %q", want)
		}
	}
}

// TestReleasesAreBuiltAlike: the same flags everywhere, or the bytes differ.
func TestReleasesAreBuiltAlike(t *testing.T) {
	t.Parallel()
	for path, wanted := range map[string][]string{
		"scripts/build.sh":  {"CGO_ENABLED=0", "-tags=nodemo", "-trimpath", `-ldflags="-s -w -buildid="`},
		"deploy/Dockerfile": {"CGO_ENABLED=0", "-tags=nodemo", "-trimpath", `-ldflags="-s -w -buildid="`},
		".goreleaser.yaml":  {"env: [CGO_ENABLED=0]", "flags: [-trimpath]", "tags: [nodemo]", `ldflags: ["-s -w -buildid="]`, "scripts/sbom.sh"},
	} {
		for _, part := range wanted {
			if !strings.Contains(file(t, path), part) {
				t.Errorf("%s has no %s", path, part)
			}
		}
	}
}

// TestTheReleasedWorkerHoldsNoRedis: what embeds one is the demo, which says where it is.
func TestTheReleasedWorkerHoldsNoRedis(t *testing.T) {
	t.Parallel()
	worker := commands.Path(t, "worker")
	info, err := buildinfo.ReadFile(worker)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) < 10 {
		t.Errorf("only %d modules are linked: %v", len(info.Deps), info)
	}
	for _, linked := range info.Deps {
		for _, part := range []string{"miniredis", "lua"} {
			if strings.Contains(linked.Path, part) {
				t.Errorf("the released worker links %s", linked.Path)
			}
		}
	}
	out, err := exec.CommandContext(t.Context(), worker, "demo", "--once").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "go run ./cmd/worker demo") {
		t.Errorf("worker demo: %v, and it does not say where the demo is: %s", err, out)
	}
}
