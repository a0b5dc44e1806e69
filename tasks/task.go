// Package tasks is what producers import. A program that pays, shows and follows payments needs no
// other: see the example of Client. It has the typed payloads of payouts, charges, status tasks and
// subscriptions, reads them strictly from JSON Lines and CSV, and makes the fingerprints by which
// two are compared.
package tasks

import (
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/providers"
)

// Task is a valid task. Its zero value is none; Decode and the Task methods of Payout, Charge and
// Status make one. A task prints as its type, provider and reference, never its data.
type Task struct {
	payload []byte
	amount  providers.Money
	payout  *Payout
	charge  *Charge
	status  *Status
	// identity and exclusive are what the provider's row finds in the task.
	identity  []string
	exclusive string
	// bulk: whoever submits the task makes it a bulk payment.
	bulk bool
}

// Type is "payout", "charge" or "status"; empty for the zero Task.
func (t Task) Type() string {
	switch {
	case t.payout != nil:
		return typePayout
	case t.charge != nil:
		return typeCharge
	case t.status != nil:
		return typeStatus
	}
	return ""
}

// Provider is one of catalog.Names.
func (t Task) Provider() string { return t.head().provider }

// Account is the credentials profile, DefaultAccount where the task names none.
func (t Task) Account() string {
	if name := t.head().account; name != "" {
		return name
	}
	return DefaultAccount
}

// Reference is merchant_id of a payout, txnid of a charge, reference of a status task.
func (t Task) Reference() string { return t.head().reference }

// Amount is what moves; zero for a status task.
func (t Task) Amount() providers.Money { return t.amount }

// NotBefore is the earliest time of the first attempt; zero where there is none.
func (t Task) NotBefore() time.Time { return t.common().NotBefore }

// Deadline is when an unexecuted payment fails as expired; zero where there is none.
func (t Task) Deadline() time.Time { return t.common().Deadline }

// Metadata comes back with the outcome. It must not be changed.
func (t Task) Metadata() map[string]string { return t.common().Metadata }

// Payload is the task's canonical JSON, which Decode reads again into an equal task. It must not be
// changed.
func (t Task) Payload() []byte { return t.payload }

// Exclusive names the object that only one payment may claim, such as "instruction:3456789"; empty
// where the provider has none.
func (t Task) Exclusive() string {
	return t.exclusive
}

type head struct{ provider, account, reference string }

func (t Task) head() head {
	switch {
	case t.payout != nil:
		return head{t.payout.Provider, t.payout.Account, t.payout.MerchantID}
	case t.charge != nil:
		return head{t.charge.Provider, t.charge.Account, t.charge.TxnID}
	case t.status != nil:
		return head{t.status.Provider, t.status.Account, t.status.Reference}
	}
	return head{}
}

func (t Task) common() Common {
	switch {
	case t.payout != nil:
		return t.payout.Common
	case t.charge != nil:
		return t.charge.Common
	}
	return Common{}
}

// Payout is the payout in the providers' vocabulary; false for any other task. It must not be
// changed.
func (t Task) Payout() (providers.Payout, bool) {
	if t.payout == nil {
		return providers.Payout{}, false
	}
	return providers.Payout{
		Payment:   t.payment(t.payout.Description),
		Recipient: t.payout.Recipient,
		Bank:      t.payout.Bank,
		Details:   t.payout.Details,
	}, true
}

// Charge is the charge in the providers' vocabulary; false for any other task. It must not be
// changed.
func (t Task) Charge() (providers.Charge, bool) {
	if t.charge == nil {
		return providers.Charge{}, false
	}
	card := t.charge.Card
	return providers.Charge{
		Payment:  t.payment(t.charge.Description),
		Customer: t.charge.Customer,
		Card: providers.Card{
			Token:        providers.Secret(card.Token),
			Brand:        card.Brand,
			ExpiryMonth:  card.ExpiryMonth,
			ExpiryYear:   card.ExpiryYear,
			Installments: card.Installments,
		},
		Agreement: t.charge.Agreement,
		Details:   t.charge.Details,
	}, true
}

func (t Task) payment(description string) providers.Payment {
	return providers.Payment{
		Provider:    t.Provider(),
		Account:     t.Account(),
		Reference:   t.Reference(),
		Amount:      t.amount,
		Description: description,
	}
}

func (t Task) String() string { return brief(t.Type(), t.Provider(), t.Reference()) }

// GoString keeps %#v from printing the payment's data.
func (t Task) GoString() string { return t.String() }

// MarshalZerologObject keeps zerolog from printing the payment's data.
func (t Task) MarshalZerologObject(e *zerolog.Event) { e.Str("task", t.String()) }
