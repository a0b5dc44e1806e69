package kv

import (
	"strconv"
	"strings"
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
	fields := make([]any, 0, maxFields)
	e.each(func(name, value string) { fields = append(fields, name, value) })
	return fields
}

const maxFields = 2 * 19

// each calls add with each field that is not empty.
func (e *OutcomeEvent) each(add func(name, value string)) {
	some := func(name, value string) {
		if value != "" {
			add(name, value)
		}
	}
	some("key", e.Key)
	some("type", e.Type)
	some("state", e.State)
	some("reference", e.Reference)
	some("provider_id", e.ProviderID)
	some("code", e.Code)
	some("message", e.Message)
	some("decline", e.Decline)
	some("amount", e.Amount)
	some("currency", e.Currency)
	if e.Attempt > 0 {
		add("attempt", strconv.Itoa(e.Attempt))
	}
	add("at", e.At.UTC().Format("2006-01-02T15:04:05.000Z"))
	some("metadata", e.Metadata)
	some("action_url", e.ActionURL)
	some("event", e.Event)
	add("event_id", e.ID())
	some("account", e.Account)
	some("subscription", e.Subscription)
	some("period", e.Period)
}

// ID is the event's id.
func (e *OutcomeEvent) ID() string {
	return e.Key + ":" + strconv.FormatInt(e.Epoch, 10) + ":" + strconv.FormatInt(e.Version, 10)
}

// ParseEventID reads epoch and version from the id of an event of this key; false where it is none.
func ParseEventID(key, id string) (epoch, version int64, ok bool) {
	rest, isOf := strings.CutPrefix(id, key+":")
	first, second, both := strings.Cut(rest, ":")
	epoch, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	version, err = strconv.ParseInt(second, 10, 64)
	return epoch, version, err == nil && isOf && both && key != ""
}

// Append adds an entry to the owner's outcome stream, and drops entries older than the retention.
func (c *Commit) Append(e OutcomeEvent, retention time.Duration) {
	end, n := c.begin("XADD", OutcomesKey(c.Owner)), 4
	c.writes.packed = c.writes.packed.text("MINID").text("~").digits(e.At.Add(-retention).UnixMilli()).text("*")
	e.each(func(name, value string) {
		c.writes.packed = c.writes.packed.text(name).text(value)
		n += 2
	})
	end(n)
}
