package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/seal"
)

// printed is what the command prints; standard output is the process's, so these tests do not run
// in parallel.
func printed(t *testing.T, args ...string) (string, int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	code := run(args)
	os.Stdout = stdout
	w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), code
}

func TestAKeyIsPrintedAsTheSettingTakesIt(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		text, code := printed(t, "key")
		ring, err := seal.Parse(strings.TrimSuffix(text, "\n"))
		if code != 0 || err != nil || len(ring.IDs()) != 1 {
			t.Fatalf("exit %d, %d keys, %v", code, len(ring.IDs()), err)
		}
		if seen[text] {
			t.Error("the same key twice")
		}
		seen[text] = true
	}
}

func TestAKeyHasTheIDThatItIsGiven(t *testing.T) {
	text, code := printed(t, "key", "--id", "production-7")
	ring, err := seal.Parse(strings.TrimSpace(text))
	if code != 0 || err != nil || !slices.Equal(ring.IDs(), []string{"production-7"}) {
		t.Errorf("exit %d, %v, %v", code, ring, err)
	}
	if text, code := printed(t, "key", "--id", "a:b"); code == 0 || text != "" {
		t.Errorf("a key was made under an id that cannot be read: exit %d", code)
	}
}
