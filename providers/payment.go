package providers

// Payment is what a payout and a charge have in common.
type Payment struct {
	Provider string
	// Account names the credentials profile, "default" unless the task says otherwise.
	Account string
	// Reference is ours: merchant_id of a payout, txnid of a charge. Providers know the payment by
	// it.
	Reference   string
	Amount      Money
	Description string
}

// Payout sends money to a beneficiary.
type Payout struct {
	Payment
	Recipient Recipient
	Bank      Bank
	// Details are the provider's own, nil where there are none.
	Details Details
}

// Recipient is the beneficiary of a payout.
type Recipient struct {
	// Document is a RUT in canonical form: body, dash, check digit, upper-case K ("12345678-5").
	Document string `json:"document"`
	Name     string `json:"name"`
	Email    string `json:"email,omitempty"`
}

// Bank is the account that a payout goes to.
type Bank struct {
	// Code is the bank's code in the provider's words: "012" with its leading zeros, or
	// "cl_estado".
	Code          string `json:"code"`
	AccountNumber string `json:"account_number"`
	// AccountType is corriente, vista or ahorro, for providers that ask for it.
	AccountType string `json:"account_type,omitempty"`
}

// Charge takes money from a customer's card or account.
type Charge struct {
	Payment
	Customer  Customer
	Card      Card
	Agreement string
	// Details are the provider's own, nil where there are none.
	Details Details
}

// Customer is the payer of a charge; which fields a provider needs is in its page.
type Customer struct {
	ID           string `json:"id,omitempty"`
	Name         string `json:"name,omitempty"`
	Email        string `json:"email,omitempty"`
	BillingEmail string `json:"billing_email,omitempty"`
	DocumentType int    `json:"document_type,omitempty"`
	Document     string `json:"document,omitempty"`
	Phone        string `json:"phone,omitempty"`
	Address      string `json:"address,omitempty"`
	City         string `json:"city,omitempty"`
	FirstNames   string `json:"first_names,omitempty"`
	LastNames    string `json:"last_names,omitempty"`
}

// Card is a tokenized card. A card number or a security code never travels.
type Card struct {
	Token        Secret `json:"token,omitempty"`
	Brand        string `json:"brand,omitempty"`
	ExpiryMonth  int    `json:"expiry_month,omitempty"`
	ExpiryYear   int    `json:"expiry_year,omitempty"`
	Installments int    `json:"installments,omitempty"`
}
