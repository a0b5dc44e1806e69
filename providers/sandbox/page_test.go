package sandbox

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// money is what the page says of each effect.
var money = map[MoneyEffect]string{
	MovesNow: "moves", MovesNever: "does not move", Untaken: "does not move", MovesAfterNotFound: "moves after one \"not found\"",
	MovesDelayed: "moves after `delay`", MovesPending: "moves after `delay` or `polls`", RejectsPending: "does not move",
}

var kindRow = regexp.MustCompile("(?m)^\\| `([a-z_0-9]+)` \\| `([a-z]+)` \\| (.*?) ?\\| (.+) \\|$")

// TestThePageListsTheKinds: docs/sandbox.md has a row for each kind of fault, with the requests it
// is made for and what becomes of the money.
func TestThePageListsTheKinds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	described := map[string]bool{}
	for _, m := range kindRow.FindAllStringSubmatch(page, -1) {
		k, known := kinds()[m[1]]
		if !known {
			t.Errorf("the page has %s, which is no kind", m[1])
			continue
		}
		described[m[1]] = true
		want := money[k.Effect]
		switch {
		case m[1] == latency:
			want = "as otherwise"
		case k.operation == StatusOperation:
			want = "" // a status query moves nothing
		}
		if m[2] != k.operation || m[3] != want {
			t.Errorf("%s: the page says %s, %q; it is %s, %q", m[1], m[2], m[3], k.operation, want)
		}
	}
	if got, want := slices.Sorted(maps.Keys(described)), Kinds(); !slices.Equal(got, want) {
		t.Errorf("the page lists %v, there are %v", got, want)
	}
	for i := range reflect.TypeFor[Fault]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Fault]().Field(i).Tag.Get("json"), ",")
		if !strings.Contains(page, "| `"+name+"` |") {
			t.Errorf("the page does not say what %s is", name)
		}
	}
}
