package deploytest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var firstCode = regexp.MustCompile("(?m)^ *\\| `([a-z_]+)` \\|")

// codesBelow are the first cells of the table in a section.
func codesBelow(t *testing.T, page, heading string) []string {
	t.Helper()
	_, section, found := strings.Cut(page, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("there is no %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	codes := map[string]bool{}
	for _, m := range firstCode.FindAllStringSubmatch(section, -1) {
		codes[m[1]] = true
	}
	return slices.Sorted(maps.Keys(codes))
}

// TestTheSpanishRunbookKnowsTheSameCodes as the English one, and the glossary every state.
func TestTheSpanishRunbookKnowsTheSameCodes(t *testing.T) {
	t.Parallel()
	english, spanish := file(t, "docs/operations.md"), file(t, "docs/es/operaciones.md")
	for _, row := range []struct{ english, spanish string }{
		{"A payment is held", "Operaciones por revisar"},
		{"A subscription is paused, or late", "Una suscripción en pausa"},
	} {
		want, got := codesBelow(t, english, row.english), codesBelow(t, spanish, row.spanish)
		if len(want) < 8 || !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", row.spanish, got, want)
		}
	}
	glossary := file(t, "docs/es/glosario.md")
	for _, state := range codesBelow(t, file(t, "docs/concepts.md"), "The states") {
		if !strings.Contains(glossary, "`"+state+"`") {
			t.Errorf("the glossary does not have %s", state)
		}
	}
}
