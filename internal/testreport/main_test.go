package main

import (
	"strings"
	"testing"
)

func TestAReportHasFailuresAndSkips(t *testing.T) {
	t.Parallel()
	events := `{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:7: no redis-server here\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:9: 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestC"}
{"Action":"fail","Package":"p","Elapsed":1.25}
{"Action":"skip","Package":"none"}
{"Action":"pass","Package":"q","Elapsed":2}
go: a line of its own
`
	want := `    c_test.go:9: 1, want 2
FAIL p 1.2s
ok   q 2.0s
go: a line of its own
1 tests were skipped
  p TestB: b_test.go:7: no redis-server here
`
	var out strings.Builder
	if err := report(strings.NewReader(events), &out); err != nil || out.String() != want {
		t.Errorf("%v, printed\n%s\nwant\n%s", err, out.String(), want)
	}
}
