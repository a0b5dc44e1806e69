package check

import (
	"os"
	"path/filepath"
	"testing"
)

const deploy = ".."

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, path))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// rule is something that must hold.
type rule struct {
	sentence string
	holds    bool
}

func check(t testing.TB, where string, rules []rule) {
	t.Helper()
	for _, r := range rules {
		if !r.holds {
			t.Errorf("%s: not so: %s", where, r.sentence)
		}
	}
}
