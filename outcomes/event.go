// Package outcomes reads what becomes of payments and subscriptions: the outcome streams of all
// providers, shared by a group of consumers of which any may die at any moment. Decode reads one
// entry, for whoever follows a stream by itself.
package outcomes

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/seal"
)

// Event is one entry of an outcome stream: something became of a payment or a subscription.
type Event struct {
	// ID is unique and the same in every delivery: use it as the unique key of a table of handled
	// events.
	ID string
	// Epoch is the life of the store in which the event was published. A store that has forgotten
	// tells anew, in its next epoch, what it told before.
	Epoch int64
	// Version grows with each event of one Key. Events of a key may arrive out of order: the one
	// with the highest epoch, and there the highest version, has the present state.
	Version int64
	// Kind is "state" (a payment's state changed), "anomaly" (a contradiction that an operator must
	// decide), "subscription", "rejected" (a task that became no payment), or "epoch".
	Kind string
	// Key is provider/reference or provider/account/reference of a payment, "subscription:" and the
	// id of a subscription, the provider of an epoch, and "rejected:" and a hash of a rejected
	// task: the payment that such a task names (Account, Reference) may be another one.
	Key       string
	Provider  string
	Account   string
	Reference string
	// Type is "payout" or "charge" of a payment's event; a rejected task's may be "status".
	Type  string
	State idempotency.State
	// ProviderID is the provider's own name for the payment.
	ProviderID string
	Code       string
	Message    string
	// Decline is "soft" (may succeed later) or "hard", of a failed charge.
	Decline string
	// Amount is a decimal such as "149.50", in Currency (ISO 4217).
	Amount   string
	Currency string
	// Attempt is counted from 1; 0 before the first.
	Attempt int
	At      time.Time
	// Metadata is what the task carried.
	Metadata map[string]string
	// ActionURL is where the payer must go; whoever has it can act as the payer.
	ActionURL string
	// Subscription and Period are those of a subscription's charge.
	Subscription string
	Period       string

	// Fields are all of the entry's by name, opened where they could be.
	Fields map[string]string
	// StreamID is the entry's in its provider's stream, "milliseconds-sequence".
	StreamID string
	// Delivery counts how often the entry was given to a consumer, from 1.
	Delivery int64
	// DecryptErr is an error of package seal where Message, Metadata or ActionURL is empty because
	// it is sealed and the keys at hand do not open it; else nil.
	DecryptErr error
}

// errNoEvent is an entry that this system did not write.
var errNoEvent = errors.New("no outcome event: it has no key, or no event_id that ends in epoch and version")

// Decode reads an entry of a provider's stream and opens what is sealed in it. The ring is nil
// where there are no payload keys. With an error, the entry is no event; what could be read of it
// is returned too.
func Decode(provider string, m redis.XMessage, ring *seal.Ring) (Event, error) {
	decryptErr := idempotency.OpenOutcome(ring, m.Values)
	e := Event{Provider: provider, StreamID: m.ID, DecryptErr: decryptErr, Fields: make(map[string]string, len(m.Values))}
	for name, value := range m.Values {
		e.Fields[name], _ = value.(string)
	}
	f := e.Fields
	e.ID, e.Kind, e.Key, e.Account, e.Reference = f["event_id"], f["event"], f["key"], f["account"], f["reference"]
	e.Type, e.State, e.ProviderID, e.Code, e.Decline = f["type"], idempotency.State(f["state"]), f["provider_id"], f["code"], f["decline"]
	e.Amount, e.Currency, e.Subscription, e.Period = f["amount"], f["currency"], f["subscription"], f["period"]
	e.Message, e.ActionURL = e.opened("message"), e.opened("action_url")
	e.Attempt, _ = strconv.Atoi(f["attempt"])
	e.At, _ = time.Parse(time.RFC3339, f["at"])
	if text := e.opened("metadata"); text != "" {
		_ = json.Unmarshal([]byte(text), &e.Metadata) // it was validated when the task was taken in
	}
	var ok bool
	if e.Epoch, e.Version, ok = kv.ParseEventID(e.Key, e.ID); !ok {
		return e, errNoEvent
	}
	return e, nil
}

func (e Event) opened(name string) string {
	if text := e.Fields[name]; !seal.Sealed([]byte(text)) {
		return text
	}
	return ""
}

// String names the event without the payment's data.
func (e Event) String() string { return "outcome " + e.ID + " " + string(e.State) }

// GoString keeps %#v from printing the payment's data.
func (e Event) GoString() string { return e.String() }

// MarshalZerologObject keeps zerolog from printing the payment's data.
func (e Event) MarshalZerologObject(z *zerolog.Event) { z.Str("outcome", e.ID) }
