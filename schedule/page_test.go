package schedule

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestTheExamplesOfThePageHold reads the table of docs/calendar.md: each line lists its first
// periods.
func TestTheExamplesOfThePageHold(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/calendar.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 6 || strings.HasPrefix(line, "| example") || strings.HasPrefix(line, "|---") {
			continue
		}
		examples++
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		every, interval := unitAndInterval(t, cells[1])
		c := mustCalendar(t, every, interval, cells[2], cells[3], cells[4])
		for i, want := range strings.Split(cells[5], ", ") {
			if got := c.Due(i + 1).Format("2006-01-02 15:04 -07:00"); got != want {
				t.Errorf("%s: period %d falls due at %s, the page says %s", cells[0], i+1, got, want)
			}
		}
	}
	if examples < 16 {
		t.Errorf("only %d examples were found", examples)
	}
}

func unitAndInterval(t *testing.T, text string) (Unit, int) {
	t.Helper()
	number, unit, found := strings.Cut(text, " ")
	if !found {
		return Unit(text), 1
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("%q is no unit", text)
	}
	return Unit(unit), n
}
