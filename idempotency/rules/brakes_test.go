package rules

import "testing"

func TestHundredths(t *testing.T) {
	for text, want := range map[string]int64{
		"12500": 1_250_000, "149.50": 14_950, "149.5": 14_950, "0.01": 1, "1.1000": 110, "9999999999999.99": 999_999_999_999_999,
		"": unreadable, ".5": unreadable, "-1": unreadable, "1.001": unreadable, "1e3": unreadable, "10000000000000": unreadable, "1.x": unreadable,
	} {
		if got := hundredths(text); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

// Whenever two begins are written less than a window apart, the check of the second looks at the
// bucket of the first, however far each decision's time is from the time at which it is written.
func TestAWindowLooksFarEnoughBack(t *testing.T) {
	for c, window := range map[Counter]Time{HourSum: 3_600_000, HourCount: 3_600_000, DaySum: 86_400_000, DayCount: 86_400_000} {
		width, _ := buckets(c)
		skew := Time(maxDecisionAge.Milliseconds())
		const at = Time(1_600_000_000_000)
		for first := at; first < at+Time(width.Milliseconds()); first += 777 {
			for _, earlier := range []Time{-skew, 0, skew} {
				for _, later := range []Time{-skew, 0, skew} {
					counted, last := bucketAt(c, first+earlier), first+window-1
					if oldest := oldestAt(c, last+later); counted < oldest {
						t.Fatalf("%s: begun at %d (%d), checked at %d (%d): bucket %d, oldest %d", c, first, earlier, last, later, counted, oldest)
					}
					free := first + window + Time(width.Milliseconds()) + 4*skew
					if oldest := oldestAt(c, free+later); counted >= oldest {
						t.Fatalf("%s: begun at %d, still counted at %d", c, first, free)
					}
				}
			}
		}
	}
}
