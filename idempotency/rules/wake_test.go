package rules

import (
	"testing"
	"time"
)

// A payment that is due and needs nothing is due later: a janitor reads what is due until nothing
// is, and would never end.
func TestWhatNeedsNothingIsDueLater(t *testing.T) {
	const start = Time(1_000_000)
	p := DefaultPolicy()
	for name, r := range map[string]Record{
		"pending, and nobody can be asked":              {State: Pending, PollingSince: start},
		"a payer's time, and nobody can be asked":       {State: Pending, PollingSince: start, PayerDeadline: start.Add(time.Hour)},
		"in doubt, and nobody can be asked":             {State: InDoubt, PollingSince: start},
		"a lease":                                       {State: Sending, LeaseEnd: start.Add(100 * time.Hour), Owner: "a"},
		"held, and nobody can be asked, so never again": {State: Held},
	} {
		for after := time.Duration(0); after < 96*time.Hour; after += 30 * time.Minute {
			now := start.Add(after)
			c, need := Wake(r, p, Facts{}, now, Lanes{})
			if need == NeedNothing && !c.StateChanged && (c.Due.Keep || c.Due.At != 0 && c.Due.At <= now) {
				t.Errorf("%s: after %s it is due at %d, and it is %d", name, after, c.Due.At, now)
			}
		}
	}
}
