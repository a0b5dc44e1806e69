package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// release is what must not get lost in .goreleaser.yaml. goreleaser's own types would cost more to
// build than all others here together: `goreleaser check` looks at the rest before a release.
type release struct {
	Version int
	Builds  []struct {
		Main, Binary        string
		Env, Flags, Ldflags []string
		Mod_timestamp       string
	}
	Archives []struct {
		Files []struct{ Src string }
	}
	SBOMs []struct{ Cmd string }
}

func TestGoreleaser(t *testing.T) {
	var r release
	if err := yaml.Unmarshal(read(t, "../.goreleaser.yaml"), &r); err != nil {
		t.Fatal(err)
	}
	if r.Version != 2 || len(r.Builds) != 2 || len(r.Archives) != 1 || len(r.SBOMs) != 1 {
		t.Fatalf("%+v", r)
	}
	for _, b := range r.Builds {
		check(t, b.Binary, []rule{
			{"it is a command of ours", exists(b.Main) && filepath.Base(b.Main) == b.Binary},
			{"it is static", slices.Contains(b.Env, "CGO_ENABLED=0")},
			{"no path of the machine is in it", slices.Contains(b.Flags, "-trimpath")},
			{"its time is the commit's", strings.Contains(b.Mod_timestamp, ".CommitTimestamp")},
		})
	}
	for _, f := range r.Archives[0].Files {
		if !strings.Contains(f.Src, "*") && !exists(f.Src) {
			t.Errorf("the archive wants %s", f.Src)
		}
	}
	if !exists(filepath.Join("dist", r.SBOMs[0].Cmd)) { // goreleaser runs it in dist
		t.Errorf("no %s", r.SBOMs[0].Cmd)
	}
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Join(deploy, "..", path))
	return err == nil
}
