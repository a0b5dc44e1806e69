package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const root = "../.."

// Each safeguard is left out by one mutant, and each mutant still finds the text that it changes.
func TestTheMutantsAreThoseOfTheSafeguards(t *testing.T) {
	t.Parallel()
	var left []safeguard
	for _, m := range mutants() {
		left = append(left, m.safeguard)
		if _, err := m.apply(root); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(left, safeguards()) {
		t.Errorf("mutants of %q, safeguards %q", left, safeguards())
	}
}

// A test that a mutant names exists.
func TestTheTestsOfTheMutantsExist(t *testing.T) {
	t.Parallel()
	for _, m := range mutants() {
		if m.test == "" {
			continue
		}
		names := testsOf(t, filepath.Join(root, m.folder))
		if !slices.Contains(names, m.test) {
			t.Errorf("%s: %s has no %s", m.safeguard, m.folder, m.test)
		}
	}
}

func testsOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// The page says what was found, about every safeguard there is, and that no promise was broken.
func TestThePageIsWhatWasFound(t *testing.T) {
	t.Parallel()
	var f found
	text, err := os.ReadFile(filepath.Join(root, foundFile))
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != firstPart(string(got))+f.text() {
		t.Error("docs/proof.md is not what was found; write it anew with: go run ./internal/proof")
	}
	if len(f.Seeds.Broken) > 0 || f.Seeds.Seeds < 20_000 {
		t.Errorf("%d seeds, and these broke a promise: %q", f.Seeds.Seeds, f.Seeds.Broken)
	}
	checkNames(t, f.Caught, safeguards())
	names, err := ruleSafeguards(root)
	if err != nil {
		t.Fatal(err)
	}
	checkNames(t, f.OfARule, names)
	for _, c := range f.Caught {
		if c.Test == "" && c.Seed == nil {
			t.Errorf("%s: nothing fails without it", c.Safeguard)
		}
	}
}

func checkNames[S ~string](t *testing.T, all []caught, want []S) {
	t.Helper()
	var names []S
	for _, c := range all {
		names = append(names, S(c.Safeguard))
	}
	if !slices.Equal(names, want) {
		t.Errorf("the page is about %q, the code has %q: make proof", names, want)
	}
}

// A build that fails is no test that fails.
func TestAFailingTestIsTold(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]bool{
		"=== RUN\n--- FAIL: TestConformance (0.1s)\n":                              true,
		"panic: test timed out after 1m30s\n\trunning tests:\n\t\tTestA/b (30s)\n": true,
		"ok  \tpackage\t0.1s\n":          false,
		"FAIL\tpackage [build failed]\n": false,
	} {
		if got := failedTest.MatchString(out); got != want {
			t.Errorf("%q: told %t", out, got)
		}
	}
}
