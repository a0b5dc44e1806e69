package tasks

import "github.com/remesa/remesa/providers"

// What payments are made of is named in package providers. These are the same types, so that a
// program which only submits payments imports this package alone, and a provider's for its Details.
type (
	// Recipient is the beneficiary of a Payout.
	Recipient = providers.Recipient
	// Bank is the account that a Payout goes to.
	Bank = providers.Bank
	// Customer is the payer of a Charge.
	Customer = providers.Customer
	// Details are what only one provider understands of a payment: the struct Details of its package,
	// where it has one.
	Details = providers.Details
	// Token is a provider's token of a card or of its antifraud script; it prints as REDACTED.
	Token = providers.Token
	// Money is an exact amount with its currency.
	Money = providers.Money
)
