package kv

import (
	"strconv"
	"time"
)

// OutcomeEvent is an entry of a provider's outcome stream. An empty field is left out of the
// stream; consumers read it as empty.
type OutcomeEvent struct {
	Key, Type, State, Reference, ProviderID, Code, Message, Decline string
	Amount, Currency                                                string
	Attempt                                                         int
	At                                                              time.Time
	Metadata, ActionURL, Event, Account, Subscription, Period       string
	// Epoch and Version complete the event id, "key:epoch:version", by which consumers recognize
	// repetitions. In a new epoch a store that has forgotten tells anew what it told before.
	Epoch, Version int64
}

// Fields returns the names and values of the entry's fields, alternately.
func (e OutcomeEvent) Fields() []any {
	fields := make([]any, 0, 2*18)
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, name, value)
		}
	}
	attempt := ""
	if e.Attempt > 0 {
		attempt = strconv.Itoa(e.Attempt)
	}
	add("key", e.Key)
	add("type", e.Type)
	add("state", e.State)
	add("reference", e.Reference)
	add("provider_id", e.ProviderID)
	add("code", e.Code)
	add("message", e.Message)
	add("decline", e.Decline)
	add("amount", e.Amount)
	add("currency", e.Currency)
	add("attempt", attempt)
	add("at", e.At.UTC().Format("2006-01-02T15:04:05.000Z"))
	add("metadata", e.Metadata)
	add("action_url", e.ActionURL)
	add("event", e.Event)
	add("event_id", e.ID())
	add("account", e.Account)
	add("subscription", e.Subscription)
	add("period", e.Period)
	return fields
}

// ID is the event's id.
func (e OutcomeEvent) ID() string {
	return e.Key + ":" + strconv.FormatInt(e.Epoch, 10) + ":" + strconv.FormatInt(e.Version, 10)
}

// Append adds an entry to the owner's outcome stream, and drops entries older than the retention.
func (c *Commit) Append(e OutcomeEvent, retention time.Duration) {
	oldest := strconv.FormatInt(e.At.Add(-retention).UnixMilli(), 10)
	c.Write("XADD", OutcomesKey(c.Owner), append([]any{"MINID", "~", oldest, "*"}, e.Fields()...)...)
}
