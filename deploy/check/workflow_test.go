package check

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// workflow is what must not get lost in .github/workflows/ci.yml.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Strategy struct {
			Matrix struct{ Include []store }
		}
		Steps []step
	}
}

type store struct{ Store, Repository, Ref string }

type step struct {
	Uses, Run string
	With      map[string]any
}

// pinned is an action at a tag or a commit.
var pinned = regexp.MustCompile(`^[\w-]+/[\w./-]+@(v\d[\w.]*|[0-9a-f]{40})$`)

func TestTheHostedChecksAreThoseOfEverybody(t *testing.T) {
	const path = "../.github/workflows/ci.yml"
	var w workflow
	if err := yaml.Unmarshal(read(t, path), &w); err != nil {
		t.Fatal(err)
	}
	job, ok := w.Jobs["check"]
	if !ok || len(w.Jobs) != 1 {
		t.Fatalf("the jobs are %v, want one: check", w.Jobs)
	}
	var runs []string
	for _, s := range job.Steps {
		if s.Run != "" {
			runs = append(runs, s.Run)
		}
		if s.Uses != "" && !pinned.MatchString(s.Uses) {
			t.Errorf("%s uses %q, which is no action at a tag or a commit", path, s.Uses)
		}
	}
	last := ""
	if len(runs) > 0 {
		last = runs[len(runs)-1]
	}
	script, err := os.Stat(filepath.Join(deploy, "../.ci/run"))
	check(t, path, []rule{
		{"it ends with .ci/run, and nothing beside it", last == ".ci/run"},
		{"which can be run", err == nil && script.Mode()&0o100 != 0},
		{"it only reads the repository", len(w.Permissions) == 1 && w.Permissions["contents"] == "read"},
		{"the tests are told which store to start", slices.ContainsFunc(runs, func(run string) bool {
			return strings.Contains(run, "REMESA_TEST_REDIS_SERVER=$(scripts/build-store.sh ") && strings.Contains(run, "$GITHUB_ENV")
		})},
		{"the store's source is what the matrix says", slices.ContainsFunc(job.Steps, func(s step) bool {
			return s.With["repository"] == "${{ matrix.repository }}" && s.With["ref"] == "${{ matrix.ref }}"
		})},
		{"no server or image of others is named", !regexp.MustCompile(`://|container:|image:|services:`).Match(read(t, path))},
	})
}

func TestTheHostedChecksRunOnEveryStore(t *testing.T) {
	var w workflow
	if err := yaml.Unmarshal(read(t, "../.github/workflows/ci.yml"), &w); err != nil {
		t.Fatal(err)
	}
	stores := w.Jobs["check"].Strategy.Matrix.Include
	for _, want := range []struct{ name, repository, version string }{
		{"Redis 7.0", "redis/redis", "7.0."},
		{"Redis 7.2", "redis/redis", "7.2."},
		{"Redis 8", "redis/redis", "8."},
		{"Valkey 8", "valkey-io/valkey", "8."},
	} {
		if !slices.ContainsFunc(stores, func(s store) bool {
			return s.Store == want.name && s.Repository == want.repository && strings.HasPrefix(s.Ref, want.version)
		}) {
			t.Errorf("%s, version %s…, is not in the matrix: %v", want.name, want.version, stores)
		}
	}
}
