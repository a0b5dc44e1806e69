// Package eventually lets tests wait for a condition: it polls, with a deadline.
package eventually

import (
	"errors"
	"testing"
	"time"
)

// longestPause is the longest pause between two polls; the first ones follow sooner.
const longestPause = 20 * time.Millisecond

// NoError calls attempt until it returns nil. It ends the test, with the last error, where that
// takes longer than within.
func NoError(t testing.TB, within time.Duration, attempt func() error) {
	t.Helper()
	pause := time.Millisecond
	for deadline := time.Now().Add(within); ; pause = min(2*pause, longestPause) {
		err := attempt()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", within, err)
		}
		time.Sleep(pause)
	}
}

// True calls condition until it holds. It ends the test, with what was waited for, where that takes
// longer than within.
func True(t testing.TB, within time.Duration, what string, condition func() bool) {
	t.Helper()
	never := errors.New("waited in vain: " + what)
	NoError(t, within, func() error {
		if condition() {
			return nil
		}
		return never
	})
}
