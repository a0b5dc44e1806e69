package schedule

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var errDuration = errors.New("not a duration such as 90s, 5m, 72h or 35d")

// ParseDuration reads Go's durations, and days of 24 hours in front of them: "90s", "1h30m", "35d",
// "1d12h". None is negative. The error does not repeat the text.
func ParseDuration(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, errDuration
	}
	total := time.Duration(n) * 24 * time.Hour // 65,535 days fit
	if found && rest == "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || total+d < total {
		return 0, errDuration
	}
	return total + d, nil
}
