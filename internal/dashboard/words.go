package dashboard

import (
	"fmt"
	"time"
)

// stamp is a time as pages write it, in UTC.
type stamp struct{ time.Time }

// ISO is for machines.
func (s stamp) ISO() string { return s.UTC().Format(time.RFC3339) }

// Text is for readers.
func (s stamp) Text() string { return s.UTC().Format("2006-01-02 15:04:05 UTC") }

// age formats a duration in at most two units.
func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
