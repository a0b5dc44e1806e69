package wire

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestNothingLeavesAfterSendBy(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)
	everyway(t, func(t *testing.T, secure, reused bool) {
		for _, row := range []struct {
			name    string
			looks   int64 // how many looks at the clock still see time left
			arrives bool
		}{
			{"it was late before anything", 0, false},
			{"it became late while connecting", 1, false},
			{"it was early enough", 100, true},
		} {
			p := serve(t, secure, ok)
			c := client(t, Options{CAFile: p.caFile})
			if reused {
				warm(t, c, p.URL)
			}
			before := p.arrived.Load()
			var looked atomic.Int64
			ctx := WithSendDeadline(t.Context(), start.Add(time.Second), func() time.Time {
				if looked.Add(1) > row.looks {
					return start.Add(time.Second)
				}
				return start
			})
			_, err := c.Do(ctx, post(p.URL))
			if row.arrives {
				if err != nil {
					t.Errorf("%s: %v", row.name, err)
				}
				continue
			}
			if e := failed(t, err); e.Sent || e.Reason != NoTime {
				t.Errorf("%s: sent %v, reason %s; want nothing sent, no_time", row.name, e.Sent, e.Reason)
			}
			if p.arrived.Load() != before {
				t.Errorf("%s: a request arrived", row.name)
			}
		}
	})
}

// A process that stood still between two pieces of a request must not complete it when it wakes up.
func TestTheRestOfARequestDoesNotLeaveAfterSendBy(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)
	p := serve(t, false, ok)
	var looked atomic.Int64
	ctx := WithSendDeadline(t.Context(), start.Add(time.Second), func() time.Time {
		if looked.Add(1) > 2 {
			return start.Add(time.Hour)
		}
		return start
	})
	r := post(p.URL)
	r.Body = []byte(strings.Repeat("x", 200000))
	_, err := client(t, Options{}).Do(ctx, r)
	if e := failed(t, err); !e.Sent || e.Reason != NoTime {
		t.Errorf("sent %v, reason %s; want sent, no_time", e.Sent, e.Reason)
	}
}

func TestSendByHoldsOnEveryClock(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(time.Hour) // carries a monotonic reading
	for _, row := range []struct {
		name string
		now  time.Time
		late bool
	}{
		{"an hour early", at.Add(-time.Hour), false},
		{"at the instant", at, true},
		{"a second late", at.Add(time.Second), true},
		{"a second early by the wall clock alone", at.Round(0).Add(-time.Second), false},
		{"a second late by the wall clock alone", at.Round(0).Add(time.Second), true},
	} {
		if got := lateness(WithSendDeadline(t.Context(), at, func() time.Time { return row.now }))(); got != row.late {
			t.Errorf("%s: late %v, want %v", row.name, got, row.late)
		}
	}
	if lateness(t.Context())() {
		t.Error("late without an instant")
	}
	if lateness(WithSendDeadline(t.Context(), at, nil))() {
		t.Error("nil is not time.Now")
	}
}
