package docstest

import (
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers/catalog"
)

func TestLinesOfAPage(t *testing.T) {
	t.Parallel()
	page := strings.Join([]string{
		"Say `enqueue list --state S [--json]`, or `enqueue resolve KEY --as failed\\|succeeded`, not `enqueue:` or `worker check`.",
		"```sh",
		"export A=b",
		"enqueue submit --note \"two words\" pay.csv > out 2> err  # enqueue nothing",
		"enqueue: 3 payments are blocked",
		"K=$(enqueue apikey create shop | grep -o 'enqueue x')",
		"until enqueue show \"$KEY\" | grep -q y; do sleep 1; done",
		"REMESA_LANG=es go run ./cmd/enqueue list \\",
		"  --anomalies && ./enqueue watch",
		"```",
		"```json",
		"enqueue bogus",
		"```",
	}, "\n")
	key := catalog.Names()[0] + "/tef-0001"
	want := []string{
		"submit|--note|two words|pay.csv", "apikey|create|shop", "show|" + key, "list|--anomalies", "watch",
		"list|--state|held|--json", "resolve|" + key + "|--as|failed", "resolve|" + key + "|--as|succeeded",
	}
	var got []string
	for _, l := range Page(page, "enqueue") {
		got = append(got, strings.Join(l.Words, "|"))
		if l.Whole != (len(got) <= 5) {
			t.Errorf("whether %q stands in a block is %v", l.Text, l.Whole)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the lines are\n%q, not\n%q", got, want)
	}
}
