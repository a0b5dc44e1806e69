// Package sixth holds that a provider is added as docs/adding-a-provider.md says, and by nothing
// else: the files in _module and the lines that the page names.
package sixth

import (
	"context"
	"encoding/json"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

const (
	root = "../.."
	name = "quipu"
)

// page is docs/adding-a-provider.md, with the provider's name for NAME.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "adding-a-provider.md"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("NAME", name, "TITLE", "Quipu").Replace(string(text))
}

var row = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*) \\|$")

// table is the page's table under a heading: file, and what stands beside it.
func table(t *testing.T, heading string) map[string]string {
	t.Helper()
	_, text, found := strings.Cut(page(t), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the page has no %s", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	rows := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		rows[m[1]] = m[2]
	}
	return rows
}

// TestThePageListsTheFilesOfTheExample and no others.
func TestThePageListsTheFilesOfTheExample(t *testing.T) {
	t.Parallel()
	listed := table(t, "Files")
	for path := range listed {
		if _, err := os.Stat(filepath.Join("_module", path)); err != nil {
			t.Errorf("the page lists %s, which the example lacks", path)
		}
	}
	err := filepath.WalkDir("_module", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel("_module", path)
		if _, known := listed[filepath.ToSlash(rel)]; !known {
			t.Errorf("the example has %s, which the page does not list", rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lines are the edits that the page's second table describes, by file: what is added behind the
// last line that matches.
var lines = map[string][]struct{ behind, added string }{
	"providers/catalog/catalog.go": {
		{`"github.com/remesa/remesa/providers/[a-z]+"`, "\t\"github.com/remesa/remesa/providers/" + name + `"`},
		{`\.Provider\(\),`, "\t\t" + name + ".Provider(),"},
	},
	"providers/sandbox/all/all.go": {
		{`"github.com/remesa/remesa/providers/sandbox/[a-z]+"`, "\t\"github.com/remesa/remesa/providers/sandbox/" + name + `"`},
		{`, o\.Core\),$`, "\t\t" + name + ".New(" + name + ".Options{}, o.Core),"},
	},
	"README.md":     {{`^\| .*\(docs/providers/[a-z]+\.md\) \|$`, "| Quipu | Chile | payouts | [docs/providers/" + name + ".md](docs/providers/" + name + ".md) |"}},
	"docs/tasks.md": {{"^\\| `provider` \\| all \\|", "| `provider` | also | `" + name + "` |"}},
}

// TestThePageNamesTheLinesOfTheExample: what is edited is what the page says.
func TestThePageNamesTheLinesOfTheExample(t *testing.T) {
	t.Parallel()
	listed := table(t, "Lines")
	for path, text := range listed {
		edits := lines[path]
		if len(edits) == 0 {
			t.Errorf("the page edits %s, and the example does not", path)
			continue
		}
		said := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1)
		for _, m := range said {
			if m[1] != "provider" && !slices.ContainsFunc(edits, func(e struct{ behind, added string }) bool { return strings.Contains(e.added, m[1]) }) {
				t.Errorf("%s: the page says %q, and the example adds no such line", path, m[1])
			}
		}
	}
	for path := range lines {
		if _, known := listed[path]; !known {
			t.Errorf("the example edits %s, which the page does not say", path)
		}
	}
}

// grown is a copy of this module with the provider added.
func grown(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	copyTree(t, root, dir)
	copyTree(t, "_module", dir)
	for path, edits := range lines {
		path = filepath.Join(dir, path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Split(string(text), "\n")
		for _, e := range edits {
			last := -1
			for i, line := range all {
				if regexp.MustCompile(e.behind).MatchString(line) {
					last = i
				}
			}
			if last < 0 {
				t.Fatalf("%s has no line like %q", path, e.behind)
			}
			all = slices.Insert(all, last+1, e.added)
		}
		if err := os.WriteFile(path, []byte(strings.Join(all, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// copyTree copies files, without hidden folders, other modules and what only the example has.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || rel == "bench" || rel == filepath.Join("examples", "sixth-provider")) {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goCommand runs go in a folder; the test ends where it fails. Without paths in what it builds, go
// finds most packages in its cache, whatever the folder.
func goCommand(t *testing.T, dir string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestTheProviderIsAdded builds the module with the provider in it, runs what the page tells an
// author to run, and pays through it.
func TestTheProviderIsAdded(t *testing.T) {
	t.Parallel()
	dir := grown(t)
	goCommand(t, dir, "vet", "./providers/quipu", "./providers/sandbox/quipu")
	goCommand(t, dir, "test", "./providers/quipu", "./providers/catalog", "./providers/sandbox/all", "./internal/arch", "./internal/config", "./tasks")
	bin := t.TempDir()
	goCommand(t, dir, "build", "-buildvcs=false", "-tags=nodemo", "-o", bin+"/", "./cmd/worker", "./cmd/enqueue")
	pay(t, bin)
}

// pay submits a payout and waits until a report has had the provider asked: by polling it would be
// known an hour later.
func pay(t *testing.T, bin string) {
	t.Helper()
	store := redistest.Start(t, redistest.Appendonly("always"))
	simulators := processtest.Start(t, "sandbox", processtest.Command(bin+"/worker", nil, "sandbox", "--addr", "127.0.0.1:0"))
	url := "http://" + simulators.Await(20*time.Second, "simulated providers on http://", "\n")
	hook := freeAddress(t)
	variables := map[string]string{
		"REMESA_REDIS_URL": store.URL(), "REMESA_HTTP_ADDR": "127.0.0.1:0", "REMESA_WEBHOOK_ADDR": hook, "REMESA_POLL_FIRST": "1h", "REMESA_POLL_MAX": "1h",
		"REMESA_QUIPU_BASE_URL": url + "/quipu", "REMESA_QUIPU_CLIENT_ID": "sandbox-client", "REMESA_QUIPU_CLIENT_SECRET": "sandbox-client-secret",
		"REMESA_QUIPU_WEBHOOK_URL": "http://" + hook + "/webhooks/quipu", "REMESA_QUIPU_WEBHOOK_SECRET": "sandbox-webhook-secret",
	}
	post(t, url+"/quipu/_faults", `{"kind":"pending","delay":"100ms"}`)
	processtest.Start(t, "worker", processtest.Command(bin+"/worker", variables, "run"))
	task, err := os.ReadFile("_module/tasks/testdata/quipu.json")
	if err != nil {
		t.Fatal(err)
	}
	submit := processtest.Command(bin+"/enqueue", variables, "submit")
	submit.Stdin = strings.NewReader(string(task))
	if out, err := submit.Output(); err != nil || !strings.Contains(string(out), `"enqueued"`) {
		t.Fatalf("submit: %v %s", err, out)
	}
	eventually.True(t, 30*time.Second, "the payout has succeeded", func() bool {
		out, err := processtest.Command(bin+"/enqueue", variables, "show", "quipu/tef-0001").Output()
		var shown struct{ State string }
		return err == nil && json.Unmarshal(out, &shown) == nil && shown.State == "succeeded"
	})
	if book := get(t, url+"/quipu/_book"); strings.Count(book, `"seq"`) != 1 {
		t.Errorf("the provider's book: %s", book)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
