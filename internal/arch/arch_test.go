// Package arch tests the package map: which package may import which. A new import is added here on
// purpose, or not at all.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/remesa/remesa/"

// allowed lists, for each package, which packages of this module its code may import; tests may
// import what they like. A name that ends in /* stands for each package below, none of which may
// import another unless it says so itself. Order matters: the first name that matches counts.
var allowed = []struct {
	name    string
	imports []string
}{
	// The vocabulary imports nothing of ours.
	{"providers", nil},
	{"providers/wire", []string{"providers"}},
	{"providers/auth", []string{"internal/kv", "providers", "providers/wire"}},
	// The simulators know nothing of the adapters, or both could be wrong together.
	{"providers/sandbox", []string{"providers"}},
	{"providers/sandbox/all", []string{"providers/sandbox", "providers/sandbox/*"}},
	{"providers/sandbox/*", []string{"providers", "providers/sandbox"}},
	{"providers/providertest", []string{"providers", "providers/wire", "providers/sandbox"}},
	// What a provider's package says about itself, and the one place that lists them.
	{"providers/fields", []string{"providers"}},
	{"providers/spec", []string{"providers", "providers/auth", "providers/fields", "providers/wire"}},
	{"providers/catalog", []string{"providers/spec", "providers/*"}},
	// ETpay's sessions and payouts are two packages of one provider.
	{"providers/etpay", []string{"providers", "providers/fields", "providers/spec", "providers/wire", "providers/etpay/payouts"}},
	{"providers/etpay/payouts", []string{"providers", "providers/wire", "providers/auth", "providers/etpay/internal/dialect"}},
	{"providers/etpay/internal/*", []string{"providers", "providers/wire"}},
	{"providers/*", []string{"providers", "providers/wire", "providers/auth", "providers/fields", "providers/spec"}},
	// Sealing knows no payment: what is sealed, and bound to what, is said by whoever seals.
	{"seal", nil},
	// The rules about money are pure: they know the vocabulary and nothing else.
	{"idempotency/rules", []string{"providers"}},
	// What everybody who keeps something in Redis shares; it knows no payment.
	{"internal/kv", nil},
	{"idempotency", []string{"idempotency/rules", "internal/kv", "internal/merge", "providers", "seal"}},
	{"idempotency/*", []string{"idempotency", "idempotency/rules", "providers", "seal"}},
	// The calendar is arithmetic: it knows neither payments nor a store.
	{"schedule", nil},
	// Readers of outcomes change no payment.
	{"outcomes", []string{"idempotency", "internal/kv", "providers", "providers/catalog", "seal"}},
	{"internal/redisurl", nil},
	// It knows asynq's queues and no payment.
	{"internal/asynqfast", []string{"internal/kv"}},
	// The readers know no payment.
	{"internal/strictjson", nil},
	{"internal/strictcsv", []string{"internal/strictjson"}},
	{"internal/spreadsheet", []string{"internal/strictcsv"}},
	{"tasks", []string{"idempotency", "internal/asynqfast", "internal/redisurl", "internal/strictcsv", "internal/strictjson", "outcomes", "providers", "providers/catalog", "providers/fields", "providers/spec", "schedule", "seal"}},
	// It reads no store, and knows providers by their rows.
	{"internal/paymentfile", []string{"internal/spreadsheet", "internal/strictjson", "providers/catalog", "providers/fields", "providers/spec", "tasks"}},
	{"billing", []string{"internal/kv", "internal/merge", "tasks", "idempotency", "schedule", "providers", "providers/catalog", "seal"}},
	{"internal/journal", nil},
	{"internal/engine", []string{"internal/asynqfast", "internal/journal", "internal/trace", "tasks", "idempotency", "providers", "providers/wire", "seal"}},
	// It knows payments by their keys and results.
	{"internal/trace", []string{"idempotency", "providers", "tasks"}},
	// It tells what a record holds and reads no store.
	{"internal/explain", []string{"idempotency", "internal/i18n", "seal"}},
	// It reads records and writes files: it changes no payment.
	{"internal/export", []string{"idempotency", "internal/cents", "internal/csvcell", "internal/merge", "seal"}},
	// Statements are files; what they have to do with payments is said by internal/reconcile, which
	// is pure.
	{"internal/statement", []string{"internal/cents", "internal/spreadsheet"}},
	{"internal/reconcile", []string{"idempotency", "internal/cents", "internal/statement"}},
	// Amounts know no payment.
	{"internal/cents", nil},
	{"internal/csvcell", nil},
	// It merges ordered lists and knows nothing of what is in them.
	{"internal/merge", nil},
	// Logins know nothing of the pages.
	{"internal/login", nil},
	// Texts for people know what a record holds, and no store.
	{"internal/i18n", []string{"idempotency"}},
	{"internal/i18n/i18ntest", []string{"internal/i18n"}},
	{"internal/shell", []string{"internal/i18n"}},
	{"internal/config", []string{"internal/i18n", "internal/login", "internal/receiver", "internal/redisurl", "providers", "providers/catalog", "providers/spec", "schedule", "seal"}},
	// What is shown to programs, and what takes their lines in, for the command and the API alike.
	{"internal/tutorialtest", nil},
	{"internal/docstest", []string{"providers/catalog"}},
	{"internal/view", []string{"billing", "idempotency", "outcomes"}},
	{"internal/apikey", []string{"internal/kv", "providers"}},
	{"internal/api", []string{"internal/apikey", "internal/intake", "internal/listen", "internal/strictjson", "internal/trace", "internal/view", "billing", "idempotency", "outcomes", "providers", "providers/catalog", "schedule", "seal", "tasks"}},
	{"docs", nil},
	{"internal/intake", []string{"internal/config", "billing", "idempotency", "providers/spec", "tasks"}},
	{"internal/preflight", []string{"internal/i18n", "internal/kv", "providers"}},
	{"internal/wiring", []string{"internal/config", "billing", "tasks", "idempotency", "providers", "providers/auth", "providers/catalog", "providers/spec", "providers/wire", "seal"}},
	{"internal/eventually", nil},
	{"internal/logtest", nil},
	{"internal/sealtest", []string{"seal"}},
	{"internal/processtest", []string{"internal/eventually"}},
	{"internal/redistest", []string{"internal/eventually", "internal/processtest"}},
	// Listeners know no payment.
	{"internal/listen", nil},
	// It knows asynq's tasks and no payment: an operator finds out what is in a damaged one.
	{"internal/salvage", []string{"internal/kv"}},
	// Whoever gets webhooks is described without what sends them.
	{"internal/receiver", []string{"internal/strictjson", "idempotency", "outcomes", "providers", "providers/catalog"}},
	// Deliveries read outcomes and change no payment.
	{"internal/delivery", []string{"internal/asynqfast", "internal/kv", "internal/receiver", "internal/version", "internal/view", "idempotency", "outcomes", "seal"}},
	// It moves nothing but due times.
	{"internal/webhook", []string{"idempotency", "internal/listen", "providers", "providers/catalog", "providers/spec"}},
	// A simulated installation is all of it in one process.
	{"internal/sim", []string{"billing", "tasks", "idempotency", "internal/engine", "providers", "providers/*", "providers/sandbox/all"}},
	// It builds and runs what it proves, and imports nothing of it.
	{"internal/proof", nil},
	{"internal/metrics", []string{"idempotency", "internal/version"}},
	// It shows the worker that its caller makes. Each of its samples is about one provider.
	{"internal/demo", []string{"internal/config", "internal/i18n", "billing", "tasks", "idempotency", "schedule", "providers", "providers/*", "providers/sandbox", "providers/sandbox/all"}},
	{"internal/dashboard", []string{"billing", "internal/chart", "internal/csvcell", "internal/delivery", "internal/explain", "internal/i18n", "internal/listen", "internal/login", "internal/merge", "internal/salvage", "internal/totals", "outcomes", "tasks", "idempotency", "providers", "providers/catalog", "seal"}},
	{"internal/rate", []string{"internal/kv", "idempotency"}},
	// It draws, and knows no payment.
	{"internal/chart", nil},
	// It counts what is in the outcome streams and changes no payment.
	{"internal/totals", []string{"internal/kv", "idempotency", "outcomes", "providers"}},
	{"internal/*", []string{"tasks", "idempotency", "providers", "seal"}},
	{"examples/*", []string{"billing", "tasks", "outcomes", "idempotency", "providers"}},
	{"cmd/*", []string{"internal/*", "billing", "docs", "tasks", "outcomes", "idempotency", "schedule", "providers", "providers/catalog", "providers/sandbox/all", "providers/spec", "seal"}},
}

// forbidden lists what no allowance gives.
var forbidden = []struct{ from, to, reason string }{
	{"cmd/enqueue", "internal/engine", "a producer sends no payments"},
	{"cmd/enqueue", "internal/journal", "a producer sends no payments"},
	{"cmd/*", "internal/docstest", "it is for tests"},
	{"cmd/worker", "internal/paymentfile", "files are read by producers"},
	{"cmd/worker", "internal/spreadsheet", "files are read by producers"},
	{"cmd/*", "internal/eventually", "it is for tests"},
	{"cmd/*", "internal/i18n/i18ntest", "it is for tests"},
	{"cmd/*", "internal/logtest", "it is for tests"},
	{"cmd/*", "internal/processtest", "it is for tests"},
	{"cmd/*", "internal/redistest", "it is for tests"},
	{"cmd/*", "internal/sealtest", "it is for tests"},
	{"idempotency", "idempotency/internal/idempotencytest", "it is for tests"},
	{"idempotency/*", "idempotency/internal/idempotencytest", "it is for tests"},
	{"internal/wiring", "providers/providertest", "it is for tests"},
	{"internal/wiring", "providers/sandbox", "settings describe real providers"},
	{"internal/wiring", "providers/sandbox/*", "settings describe real providers"},
}

// redisUsers are who may speak to Redis: the rules about money may not.
var redisUsers = []string{"internal/kv", "idempotency", "billing", "tasks", "outcomes", "providers/auth", "internal/*", "cmd/*", "examples/*"}

// outside lists packages of others that only some of ours may import.
var outside = []struct {
	path   string
	only   []string
	reason string
}{
	{"github.com/alicebob/miniredis/v2", []string{"internal/demo"}, "an embedded store keeps nothing: it is for the demo"},
	{"github.com/hibiken/asynq", []string{"tasks", "internal/delivery", "internal/engine", "internal/faulttest", "internal/metrics", "internal/dashboard", "internal/salvage", "cmd/*"}, "asynq only wakes somebody up: the ledger and the providers know nothing of it"},
	{"github.com/hibiken/asynqmon", []string{"internal/dashboard"}, "it has no login of its own: only the guarded pages serve it"},
	{"github.com/alecthomas/kong", []string{"internal/config", "internal/shell", "cmd/*"}, "only the commands have flags"},
	{"golang.org/x/text/message", []string{"internal/i18n"}, "one place writes numbers for people"},
	{"github.com/redis/go-redis/v9", redisUsers, "rules, providers and what decides about money know no store"},
	{"go.opentelemetry.io/*", []string{"internal/trace"}, "others see tracers and spans of ours, which may be nil and hold nothing private"},
	{"testing", []string{"internal/sim", "internal/docstest", "internal/eventually", "internal/processtest", "internal/redistest", "internal/sealtest", "internal/faulttest", "internal/faulttest/*", "internal/i18n/i18ntest", "idempotency/internal/idempotencytest", "providers/providertest"}, "no test code in the commands"},
}

// unit is what one file of a package imports.
type unit struct {
	name    string
	file    string
	imports []string
}

func TestThePackageMapHolds(t *testing.T) {
	t.Parallel()
	units := list(t)
	if len(units) < 20 {
		t.Fatalf("only %d files were found", len(units))
	}
	for _, u := range units {
		for _, path := range u.imports {
			if reason := refusal(u.name, path); reason != "" {
				t.Errorf("%s imports %s: %s", u.file, strings.TrimPrefix(path, module), reason)
			}
		}
	}
}

// refusal says why a package may not import another, or nothing where it may.
func refusal(from, path string) string {
	to, ours := strings.CutPrefix(path, module)
	if !ours {
		return refusalOutside(from, path)
	}
	for _, f := range forbidden {
		if matches(f.from, from) && matches(f.to, to) && from != to {
			return f.reason
		}
	}
	for _, a := range allowed {
		if !matches(a.name, from) {
			continue
		}
		if slices.ContainsFunc(a.imports, func(name string) bool { return matches(name, to) }) || strings.HasPrefix(to, from+"/internal/") {
			return ""
		}
		return "not in the package map"
	}
	return "the importing package is not in the package map"
}

func refusalOutside(from, path string) string {
	for _, o := range outside {
		if matches(o.path, path) && !slices.ContainsFunc(o.only, func(name string) bool { return matches(name, from) }) {
			return o.reason
		}
	}
	return ""
}

func matches(pattern, name string) bool {
	if base, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(name, base+"/")
	}
	return pattern == name
}

// list reads the imports of every file that is no test, for whatever system it is built. It reads
// the files itself, and not through `go list`, so that go test knows what this test depends on and
// does not answer from its cache.
func list(t *testing.T) []unit {
	t.Helper()
	var units []unit
	walk(t, func(path string) error {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		units = append(units, unit{filepath.ToSlash(filepath.Dir(path)), path, imports(file)})
		return nil
	})
	return units
}

const root = "../.."

// walk visits every file of the module, by its path from the module's root.
func walk(t *testing.T, visit func(path string) error) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && elsewhere(path, entry.Name()):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return visit(name)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// elsewhere tells folders that are not of this module.
func elsewhere(path, name string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func imports(file *ast.File) []string {
	var paths []string
	for _, spec := range file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// Two spellings of one key, or of a hash tag, part what belongs together, on a cluster only: so one
// place names keys.
func TestKeysOfRedisAreNamedInOnePlace(t *testing.T) {
	t.Parallel()
	named := false
	for _, path := range files(t, ".go", ".lua") {
		folder := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") || !strings.Contains(text(t, path), "remesa:{") {
			continue
		}
		if folder != "internal/kv" {
			t.Errorf("%s has the beginning of a key: it belongs to internal/kv", path)
			continue
		}
		named = true
	}
	if !named {
		t.Error("internal/kv does not name keys either: this test looks for the wrong text")
	}
}

// A script compares and sets; what a record means is decided in Go, where it is read, tested and
// the same for every store.
func TestScriptsDecideNothing(t *testing.T) {
	t.Parallel()
	const most = 200
	lines, scripts := 0, files(t, ".lua")
	for _, path := range scripts {
		script := text(t, path)
		lines += strings.Count(script, "\n")
		if strings.Contains(script, "cjson") {
			t.Errorf("%s reads JSON", path)
		}
	}
	t.Logf("%d scripts have %d lines", len(scripts), lines)
	if len(scripts) == 0 || lines >= most {
		t.Errorf("%d scripts have %d lines; they must have fewer than %d", len(scripts), lines, most)
	}
}

// files are all of the module with one of the endings, as paths from its root.
func files(t *testing.T, endings ...string) []string {
	t.Helper()
	var found []string
	walk(t, func(path string) error {
		if slices.Contains(endings, filepath.Ext(path)) {
			found = append(found, path)
		}
		return nil
	})
	return found
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheMapRefusesWhatItShould(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		from, path string
		refused    bool
	}{
		{"providers", module + "idempotency", true},
		{"providers", module + "providers/wire", true},
		{"providers/virtualpos", module + "providers", false},
		{"providers/virtualpos", module + "providers/wire", false},
		{"providers/virtualpos", module + "providers/etpay", true},
		{"providers/virtualpos", module + "idempotency", true},
		{"providers/etpay", module + "providers/etpay/payouts", false},
		{"providers/etpay/payouts", module + "providers/etpay", true},
		{"providers/wire", module + "providers/virtualpos", true},
		{"providers/sandbox", module + "providers/virtualpos", true},
		{"providers/sandbox/virtualpos", module + "providers/virtualpos", true},
		{"providers/sandbox/virtualpos", module + "providers/sandbox/etpay", true},
		{"providers/sandbox", module + "providers/sandbox/virtualpos", true},
		{"providers/sandbox/all", module + "providers/sandbox/virtualpos", false},
		{"providers/sandbox/all", module + "providers/virtualpos", true},
		{"tasks", module + "providers/virtualpos", true},
		{"tasks", module + "idempotency", false},
		{"tasks", module + "internal/engine", true},
		{"idempotency", module + "providers", false},
		{"idempotency/rules", module + "providers", false},
		{"idempotency/rules", module + "idempotency", true},
		{"idempotency/rules", module + "seal", true},
		{"idempotency/rules", "github.com/redis/go-redis/v9", true},
		{"idempotency/internal/idempotencytest", "github.com/redis/go-redis/v9", true},
		{"idempotency", module + "idempotency/internal/idempotencytest", true},
		{"idempotency", module + "tasks", true},
		{"schedule", module + "providers", true},
		{"schedule", "github.com/redis/go-redis/v9", true},
		{"tasks", module + "schedule", false},
		{"tasks", module + "billing", true},
		{"billing", module + "tasks", false},
		{"billing", module + "internal/engine", true},
		{"billing", "github.com/hibiken/asynq", true},
		{"internal/engine", module + "billing", true},
		{"idempotency", "github.com/hibiken/asynq", true},
		{"providers/virtualpos", "github.com/hibiken/asynq", true},
		{"internal/engine", "github.com/hibiken/asynq", false},
		{"internal/engine", module + "providers/virtualpos", true},
		{"internal/engine", module + "internal/config", true},
		{"internal/preflight", module + "internal/config", true},
		{"internal/config", module + "providers/virtualpos", true},
		{"internal/wiring", module + "providers/virtualpos", true},
		{"internal/wiring", module + "providers/catalog", false},
		{"providers/virtualpos", module + "providers/catalog", true},
		{"internal/wiring", module + "providers/sandbox", true},
		{"internal/wiring", module + "providers/sandbox/virtualpos", true},
		{"internal/metrics", module + "internal/config", true},
		{"outcomes", module + "tasks", true},
		{"outcomes", "github.com/hibiken/asynq", true},
		{"internal/strictjson", module + "providers", true},
		{"internal/strictcsv", module + "tasks", true},
		{"internal/webhook", module + "providers/etpay", true},
		{"internal/webhook", module + "providers/virtualpos", true},
		{"internal/webhook", module + "internal/engine", true},
		{"cmd/worker", module + "providers/virtualpos", true},
		{"cmd/worker", module + "providers/sandbox/all", false},
		{"cmd/worker", module + "internal/engine", false},
		{"cmd/enqueue", module + "internal/engine", true},
		{"cmd/worker", module + "internal/redistest", true},
		{"internal/demo", "github.com/alicebob/miniredis/v2", false},
		{"cmd/worker", "github.com/alicebob/miniredis/v2", true},
		{"internal/engine", "github.com/alicebob/miniredis/v2", true},
		{"cmd/enqueue", "github.com/alicebob/miniredis/v2", true},
		{"internal/engine", "testing", true},
		{"internal/engine", "go.opentelemetry.io/otel/trace", true},
		{"tasks", "go.opentelemetry.io/otel/trace", true},
		{"internal/trace", "go.opentelemetry.io/otel/sdk/trace", false},
		{"surprise", module + "providers", true},
	} {
		if got := refusal(row.from, row.path); (got != "") != row.refused {
			t.Errorf("%s imports %s: refused %t (%s)", row.from, row.path, got != "", got)
		}
	}
}

// decisions are the files that say what comes next for a subscription.
var decisions = []string{"billing/decide.go", "billing/record.go", "billing/audit.go"}

// What comes next for a subscription follows from its record and what is known of its charges, and
// from nothing that a file could reach by itself: no store, no clock, no network.
func TestDecisionsAboutSubscriptionsArePure(t *testing.T) {
	t.Parallel()
	pure := []string{"errors", "fmt", "slices", "strconv", "strings", "time", module + "schedule"}
	for _, u := range list(t) {
		if !slices.Contains(decisions, filepath.ToSlash(u.file)) {
			continue
		}
		for _, path := range u.imports {
			if !slices.Contains(pure, path) {
				t.Errorf("%s imports %s", u.file, path)
			}
		}
		if strings.Contains(text(t, u.file), "time.Now(") {
			t.Errorf("%s reads a clock", u.file)
		}
	}
}

// longestRule is how many lines a function of the rules about money may have: each must be read at
// one glance.
const longestRule = 40

func TestRulesAreShort(t *testing.T) {
	files, err := filepath.Glob("../../idempotency/rules/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no rules", err)
	}
	for _, name := range decisions {
		files = append(files, filepath.Join(root, name))
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if lines := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; lines > longestRule {
				t.Errorf("%s: %s has %d lines, more than %d", name, f.Name.Name, lines, longestRule)
			}
		}
	}
}

// TestPublicPackagesShowExamples: whoever reads go doc of a package that others may import finds an
// example that is compiled and run.
func TestPublicPackagesShowExamples(t *testing.T) {
	t.Parallel()
	examples := map[string]bool{}
	for _, path := range files(t, ".go") {
		if strings.HasSuffix(path, "_test.go") && strings.Contains(text(t, path), "\nfunc Example") {
			examples[filepath.ToSlash(filepath.Dir(path))] = true
		}
	}
	for _, u := range list(t) {
		public := !strings.Contains("/"+u.name+"/", "/internal/") && !strings.HasPrefix(u.name, "cmd/") && !strings.HasPrefix(u.name, "examples/") &&
			!strings.HasPrefix(u.name, "providers/sandbox") && u.name != "providers/providertest"
		if public && !examples[u.name] {
			t.Errorf("%s has no example", u.name)
			examples[u.name] = true
		}
	}
}

// TestCommentsAreWrapped at 100 columns, a tab counted as 4; directives, and lines that hold a web
// address, are as long as they are.
func TestCommentsAreWrapped(t *testing.T) {
	t.Parallel()
	for _, path := range files(t, ".go") {
		for i, line := range strings.Split(text(t, path), "\n") {
			columns := len([]rune(strings.ReplaceAll(line, "\t", "    ")))
			comment := strings.TrimSpace(line)
			if columns <= 100 || !strings.HasPrefix(comment, "// ") || strings.Contains(comment, "://") {
				continue
			}
			t.Errorf("%s:%d: a comment of %d columns", path, i+1, columns)
		}
	}
}

// withoutRace is the variable of the Makefile with the packages that `make test` tests without the
// race detector.
var withoutRace = regexp.MustCompile(`(?m)^WITHOUT_RACE := (.*)$`)

// TestWhatIsTestedWithoutTheRaceDetectorStartsNothing: the race detector has nothing to find in a
// package without goroutines and locks, and makes its long computations several times as long.
func TestWhatIsTestedWithoutTheRaceDetectorStartsNothing(t *testing.T) {
	t.Parallel()
	m := withoutRace.FindStringSubmatch(text(t, "Makefile"))
	if m == nil {
		t.Fatal("the Makefile has no WITHOUT_RACE")
	}
	for _, folder := range strings.Fields(m[1]) {
		names, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s has no package: %v", folder, err)
		}
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if _, starts := n.(*ast.GoStmt); starts {
					t.Errorf("%s starts a goroutine", name)
				}
				return true
			})
			if !strings.HasSuffix(name, "_test.go") && slices.ContainsFunc(imports(file), func(path string) bool { return path == "sync" || path == "sync/atomic" }) {
				t.Errorf("%s shares something between goroutines", name)
			}
		}
	}
}
