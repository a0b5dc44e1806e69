package tasks

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/providers"
)

// Common holds the fields that payouts and charges share besides what they pay.
type Common struct {
	// Account names the credentials profile; empty means DefaultAccount.
	Account string `json:"account,omitempty"`
	// NotBefore is the earliest time of the first attempt.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Deadline: a payment not executed by then fails as expired.
	Deadline time.Time `json:"deadline,omitzero"`
	// Priority is PriorityNormal or PriorityBulk; empty leaves it to whoever submits the task.
	Priority Priority `json:"priority,omitempty"`
	// Metadata comes back with the outcome; as JSON it has at most 1 KiB.
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Payout is a task that sends money to a beneficiary. Like every task it marshals with all its
// data, so it belongs into no log; printed through fmt or zerolog it shows its type, provider and
// reference only.
type Payout struct {
	Provider   string `json:"provider"`
	MerchantID string `json:"merchant_id"`
	Amount     string `json:"amount"`
	Currency   string `json:"currency"`
	// Description, Recipient and Bank are as the provider's page says.
	Description string              `json:"description,omitempty"`
	Recipient   providers.Recipient `json:"recipient,omitzero"`
	Bank        providers.Bank      `json:"bank,omitzero"`
	// Details are the provider's own, of the type Details of its package.
	Details Details `json:"details,omitzero"`
	Common
}

// Charge is a task that takes money from a customer's card or account. It prints as a Payout does.
type Charge struct {
	Provider    string             `json:"provider"`
	TxnID       string             `json:"txnid"`
	Amount      string             `json:"amount"`
	Currency    string             `json:"currency"`
	Description string             `json:"description,omitempty"`
	Customer    providers.Customer `json:"customer,omitzero"`
	Card        Card               `json:"card,omitzero"`
	// Agreement is the merchant's id of the contract with the buyer.
	Agreement string `json:"agreement,omitempty"`
	// Details are the provider's own, of the type Details of its package.
	Details Details `json:"details,omitzero"`
	Common
}

// Card is a tokenized card; a card number or a security code never travels.
type Card struct {
	Token        Token  `json:"token,omitempty"`
	Brand        string `json:"brand,omitempty"`
	ExpiryMonth  int    `json:"expiry_month,omitempty"`
	ExpiryYear   int    `json:"expiry_year,omitempty"`
	Installments int    `json:"installments,omitempty"`
}

// Status is a task that queries the provider about a payment now and records the status result.
type Status struct {
	Provider  string `json:"provider"`
	Reference string `json:"reference"`
	Account   string `json:"account,omitempty"`
}

// Definition is a Payout, a Charge or a Status.
type Definition interface {
	// Task validates the definition as Decode does.
	Task() (Task, error)
}

// Encode validates a task and returns its canonical JSON: one line, fixed order of fields.
func Encode(d Definition) ([]byte, error) {
	t, err := d.Task()
	return t.Payload(), err
}

// Task validates the payout; the error is a *FieldError.
func (p Payout) Task() (Task, error) { return fromDefinition(p.line()) }

// Task validates the charge; the error is a *FieldError.
func (c Charge) Task() (Task, error) { return fromDefinition(c.line()) }

// Task validates the status task; the error is a *FieldError.
func (s Status) Task() (Task, error) { return fromDefinition(s.line()) }

func fromDefinition(line []byte, err error) (Task, error) {
	if err != nil {
		return Task{}, fieldError("line", "cannot be written as JSON")
	}
	return Decode(line)
}

func (p Payout) line() ([]byte, error) {
	return compact(struct {
		Type string `json:"type"`
		Payout
	}{typePayout, p})
}

func (c Charge) line() ([]byte, error) {
	return compact(struct {
		Type string `json:"type"`
		Charge
	}{typeCharge, c})
}

func (s Status) line() ([]byte, error) {
	return compact(struct {
		Type string `json:"type"`
		Status
	}{typeStatus, s})
}

// compact writes JSON in one line, without escaping the signs that only HTML minds.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (p Payout) String() string { return brief(typePayout, p.Provider, p.MerchantID) }
func (c Charge) String() string { return brief(typeCharge, c.Provider, c.TxnID) }
func (s Status) String() string { return brief(typeStatus, s.Provider, s.Reference) }

// GoString keeps %#v from printing data of the payment.
func (p Payout) GoString() string { return p.String() }

// GoString keeps %#v from printing data of the payment.
func (c Charge) GoString() string { return c.String() }

// MarshalZerologObject keeps zerolog from printing data of the payment.
func (p Payout) MarshalZerologObject(e *zerolog.Event) { e.Str("task", p.String()) }

// MarshalZerologObject keeps zerolog from printing data of the payment.
func (c Charge) MarshalZerologObject(e *zerolog.Event) { e.Str("task", c.String()) }

func brief(kind, provider, reference string) string { return kind + " " + provider + "/" + reference }
