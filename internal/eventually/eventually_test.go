package eventually

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// failing keeps how a test ended.
type failing struct {
	testing.TB
	problem string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.problem = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// outcome is how a test ends that waits so, and how long it waits.
func outcome(wait func(testing.TB)) (problem string, waited time.Duration) {
	f, start, ended := &failing{}, time.Now(), make(chan struct{})
	go func() { defer close(ended); wait(f) }()
	<-ended
	return f.problem, time.Since(start)
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	at := func(moment time.Duration) func() bool {
		start := time.Now()
		return func() bool { return time.Since(start) >= moment }
	}
	for _, row := range []struct {
		sentence      string
		wait          func(testing.TB)
		problem       string
		least, longer time.Duration
	}{
		{"what holds is not waited for", func(t testing.TB) { True(t, time.Second, "x", at(0)) }, "", 0, 1},
		{"what comes about is seen soon", func(t testing.TB) { True(t, time.Second, "x", at(500*time.Millisecond)) }, "",
			500 * time.Millisecond, 521 * time.Millisecond},
		{"what does not ends the test", func(t testing.TB) { True(t, time.Second, "rain", at(time.Hour)) }, "after 1s: waited in vain: rain",
			time.Second, 1021 * time.Millisecond},
		{"an error that stays is told", func(t testing.TB) {
			n := 0
			NoError(t, time.Second, func() error { n++; return errors.Join(errors.New("no rain"), fmt.Errorf("try %d", min(n, 3))) })
		}, "after 1s: no rain\ntry 3", time.Second, 1021 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			problem, waited := outcome(row.wait)
			if problem != row.problem || waited < row.least || waited >= row.longer {
				t.Errorf("%s: after %s: %q", row.sentence, waited, problem)
			}
		})
	}
}
