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
1 tests failed
  p TestC: c_test.go:9: 1, want 2
`
	var out strings.Builder
	if err := report(strings.NewReader(events), &out); err != nil || out.String() != want {
		t.Errorf("%v, printed\n%s\nwant\n%s", err, out.String(), want)
	}
}

// TestAFailureIsToldBeforeTheLogs: a server's log may be long, and comes last in a test's output
// but for the verdict.
func TestAFailureIsToldBeforeTheLogs(t *testing.T) {
	t.Parallel()
	events := `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    server.go:10: log of the redis-server:\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"        Ready to\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"        accept connections\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:9: 1 payment, "}
{"Action":"output","Package":"p","Test":"TestA","Output":"want 2:\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"        p/a\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    process.go:7: the end\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (0.10s)\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB/part","Output":"    process.go:7: worker crashed\n"}
{"Action":"output","Package":"p","Test":"TestB/part","Output":"--- FAIL: TestB/part (0.10s)\n"}
{"Action":"fail","Package":"p","Test":"TestB/part"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    server.go:10: quiet\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- FAIL: TestB (0.10s)\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestC","Output":"=== RUN   TestC\n"}
{"Action":"output","Package":"p","Test":"TestC","Output":"panic: test timed out after 20m0s\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t1200s\n"}
{"Action":"fail","Package":"p","Elapsed":1200}
`
	want := `    a_test.go:9: 1 payment, want 2:
        p/a
--- FAIL: TestA (0.10s)
    server.go:10: log of the redis-server:
        Ready to
        accept connections
    process.go:7: the end
--- FAIL: TestB/part (0.10s)
    process.go:7: worker crashed
--- FAIL: TestB (0.10s)
    server.go:10: quiet
FAIL	p	1200s
panic: test timed out after 20m0s
FAIL p 1200.0s
0 tests were skipped
3 tests failed
  p TestA: a_test.go:9: 1 payment, want 2:
  p TestB/part: process.go:7: worker crashed
  p TestC: panic: test timed out after 20m0s
`
	var out strings.Builder
	if err := report(strings.NewReader(events), &out); err != nil || out.String() != want {
		t.Errorf("%v, printed\n%s\nwant\n%s", err, out.String(), want)
	}
}
