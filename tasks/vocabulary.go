package tasks

import (
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/outcomes"
	"github.com/remesa/remesa/providers"
)

// The words of a payment belong to packages providers, idempotency and outcomes. They are named
// here too, so that a program which submits payments and reads what becomes of them imports this
// package alone, and a provider's for its Details.
type (
	// Recipient is the beneficiary of a Payout.
	Recipient = providers.Recipient
	// Bank is the account that a Payout goes to.
	Bank = providers.Bank
	// Customer is the payer of a Charge.
	Customer = providers.Customer
	// Details are what only one provider understands of a payment: the struct Details of its
	// package, where it has one.
	Details = providers.Details
	// Token is a provider's token of a card or of its antifraud script; it prints as REDACTED.
	Token = providers.Token
	// Money is an exact amount with its currency.
	Money = providers.Money

	// Key names a payment: provider, account and reference.
	Key = idempotency.Key
	// Record is what the ledger knows of a payment.
	Record = idempotency.Record
	// State of a payment; docs/states.md shows its transitions.
	State = idempotency.State

	// Event is an outcome: something became of a payment or a subscription.
	Event = outcomes.Event
	// OutcomesOptions are those of Client.Outcomes.
	OutcomesOptions = outcomes.Options
)

// The states of a payment.
const (
	Queued    = idempotency.Queued
	Sending   = idempotency.Sending
	Ready     = idempotency.Ready
	InDoubt   = idempotency.InDoubt
	Pending   = idempotency.Pending
	Held      = idempotency.Held
	Blocked   = idempotency.Blocked
	Succeeded = idempotency.Succeeded
	Failed    = idempotency.Failed
	Reversed  = idempotency.Reversed
)

// ErrUnknown: there is no such payment.
var ErrUnknown = idempotency.ErrUnknown

// ParseKey reads provider/reference, or provider/account/reference.
func ParseKey(s string) (Key, error) { return idempotency.ParseKey(s) }
