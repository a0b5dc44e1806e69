package billing

import (
	"strconv"
	"strings"
	"time"
)

// Deed is one entry of a subscription's history.
type Deed struct {
	At   time.Time
	What string
	// By is empty where no person did it.
	By, Note string
}

// Deeds are what was done to the subscription, oldest first: the first and the newest.
func (r Record) Deeds() []Deed {
	deeds := make([]Deed, len(r.History))
	for i, text := range r.History {
		parts := append(strings.SplitN(text, "|", 4), "", "", "")
		ms, _ := strconv.ParseInt(parts[0], 10, 64)
		deeds[i] = Deed{At: time.UnixMilli(ms), What: parts[1], By: parts[2], Note: parts[3]}
	}
	return deeds
}
