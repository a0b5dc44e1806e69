package billing

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Actor is who changed something, and why; a claim, not a proof of identity. Both must hold a text
// without control characters, By one without a "|".
type Actor struct{ By, Note string }

// AuditEntry is one entry of a subscription's history.
type AuditEntry struct {
	At time.Time
	// Action is "paused", "resumed", "cancelled" or "changed".
	Action string
	// By is empty where no operator did it; then Note is the reason.
	By, Note string
}

// AuditTrail is what was done to the subscription, oldest first: the first entry and the newest.
func (r Record) AuditTrail() []AuditEntry {
	entries := make([]AuditEntry, len(r.History))
	for i, text := range r.History {
		parts := append(strings.SplitN(text, "|", 4), "", "", "")
		ms, _ := strconv.ParseInt(parts[0], 10, 64)
		entries[i] = AuditEntry{At: time.UnixMilli(ms), Action: parts[1], By: parts[2], Note: parts[3]}
	}
	return entries
}

// keptEntries bounds a subscription's history.
const keptEntries = 32

// audit adds an entry to the history, which keeps the first and the newest.
func (d *Decision) audit(action string, by Actor) {
	r := &d.Record
	r.History = append(r.History, fmt.Sprintf("%d|%s|%s|%s", d.now.UnixMilli(), action, by.By, by.Note))
	if n := len(r.History); n > keptEntries {
		r.History = slices.Delete(r.History, 1, n-keptEntries+1)
	}
}
