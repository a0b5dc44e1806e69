package tasks

import (
	"encoding/json"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/schedule"
)

// Subscription is a valid subscription: a charge that recurs, and when. Its zero value is none;
// DecodeSubscription makes one. It prints as its provider and id, never its data.
type Subscription struct {
	payload  []byte
	wire     subscriptionJSON
	amount   providers.Money
	calendar schedule.Calendar
	end      schedule.Date
	catchUp  time.Duration
	dunning  []time.Duration
}

// ID names the subscription among those of all providers.
func (s Subscription) ID() string { return s.wire.ID }

// Provider is one that takes charges.
func (s Subscription) Provider() string { return s.wire.Provider }

// Account is the credentials profile, DefaultAccount where the subscription names none.
func (s Subscription) Account() string {
	if s.wire.Account == "" {
		return DefaultAccount
	}
	return s.wire.Account
}

// Amount is what each period charges.
func (s Subscription) Amount() providers.Money { return s.amount }

// Calendar says when the periods fall due.
func (s Subscription) Calendar() schedule.Calendar { return s.calendar }

// End is the last date on which a period may fall due; the zero Date where there is none.
func (s Subscription) End() schedule.Date { return s.end }

// Backfill reports whether periods before the subscription was added are charged.
func (s Subscription) Backfill() bool { return s.wire.Backfill }

// CatchUp is how old a missed period may be to be charged all the same.
func (s Subscription) CatchUp() time.Duration { return s.catchUp }

// Dunning are the delays after which a softly declined period is charged again, in order. It must
// not be changed.
func (s Subscription) Dunning() []time.Duration { return s.dunning }

// Metadata comes back with each outcome. It must not be changed.
func (s Subscription) Metadata() map[string]string { return s.wire.Metadata }

// CardExpires is the first instant behind the card's last month, in the subscription's zone; false
// where the provider's card carries no expiry.
func (s Subscription) CardExpires() (time.Time, bool) {
	card := s.wire.Card
	if card.ExpiryMonth == 0 || card.ExpiryYear == 0 {
		return time.Time{}, false
	}
	last := schedule.Date{Year: 2000 + card.ExpiryYear, Month: time.Month(card.ExpiryMonth), Day: 1}
	months := schedule.Calendar{Every: schedule.Month, Start: last, Zone: s.calendar.Zone}
	return months.Due(2), true
}

// Payload is the subscription's canonical JSON, which DecodeSubscription reads again into an equal
// one: defaults that may once change are written out. It must not be changed.
func (s Subscription) Payload() []byte { return s.payload }

// Fingerprint is a short hash of all of the subscription, in the versions of Task.Fingerprint: two
// subscriptions of one id with equal fingerprints are the same.
func (s Subscription) Fingerprint(key []byte) string {
	return fingerprint(key, []string{"subscription", string(s.payload)})
}

// FingerprintLike is the fingerprint in the version of an existing one, so that the two can be
// compared.
func (s Subscription) FingerprintLike(existing string, key []byte) (string, error) {
	key, err := keyLike(existing, key)
	if err != nil {
		return "", err
	}
	return s.Fingerprint(key), nil
}

// Charge is the charge of one period under the given reference, see TxnID.
func (s Subscription) Charge(txnid string) (Task, error) {
	if err := rejectCardData("txnid", node{Kind: strictjson.String, Text: txnid}); err != nil {
		return Task{}, err
	}
	line, err := s.wire.charge(txnid).line()
	if err != nil {
		return Task{}, fieldError("line", "cannot be written as JSON")
	}
	return canonical(DecodeStored(line)) // card data was looked for when the subscription was added
}

// Change is what a subscription may get another of; what is nil stays.
type Change struct {
	Amount *string
	// Card is a JSON object; it replaces the old card as a whole.
	Card []byte
}

// With is the subscription with a change in it, as valid as any other: the error is a *FieldError.
func (s Subscription) With(c Change) (Subscription, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(s.payload, &fields); err != nil {
		return Subscription{}, fieldError("line", "cannot be read")
	}
	if err := c.put(fields); err != nil {
		return Subscription{}, err
	}
	line, err := compact(fields)
	if err != nil {
		return Subscription{}, fieldError("line", "cannot be written as JSON")
	}
	return DecodeStoredSubscription(line) // put has checked what is new
}

func (c Change) put(fields map[string]json.RawMessage) error {
	if c.Amount != nil {
		text, err := compact(*c.Amount)
		if err != nil {
			return fieldError("amount", "cannot be written as JSON")
		}
		fields["amount"] = text
	}
	if c.Card != nil {
		card, err := parse(c.Card)
		if err != nil {
			return fieldError("card", "must be a JSON object")
		}
		if err := rejectCardData("card", card); err != nil {
			return err
		}
		fields["card"] = c.Card
	}
	return nil
}

func (s Subscription) String() string { return brief("subscription", s.Provider(), s.ID()) }

// GoString keeps %#v from printing the subscription's data.
func (s Subscription) GoString() string { return s.String() }

// MarshalZerologObject keeps zerolog from printing the subscription's data.
func (s Subscription) MarshalZerologObject(e *zerolog.Event) { e.Str("subscription", s.String()) }
