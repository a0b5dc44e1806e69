package tasks

import "github.com/remesa/remesa/providers"

// What payments are made of is named in package providers. These are the same types, so that a
// program which only submits payments imports this package alone.
type (
	// Recipient is the beneficiary of a Payout.
	Recipient = providers.Recipient
	// Bank is the account that a Payout goes to.
	Bank = providers.Bank
	// Customer is the payer of a Charge.
	Customer = providers.Customer
	// PayoutDetails are what only one provider of payouts understands.
	PayoutDetails = providers.PayoutDetails
	// ChargeDetails are what only one provider of charges understands.
	ChargeDetails = providers.ChargeDetails
	// Shown is one named text that a payer sees, one of ChargeDetails.
	Shown = providers.Shown
	// Token is a provider's token of a card or of its antifraud script; it prints as REDACTED.
	Token = providers.Token
	// Money is an exact amount with its currency.
	Money = providers.Money
)
