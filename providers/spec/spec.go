// Package spec is what a provider's package says about its provider, so that everybody else needs
// to know no provider: what it can do, what a task for it must hold, which settings an account has,
// and how its client is made. Package catalog lists them.
package spec

import (
	"slices"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/fields"
)

// Provider is one row of the catalog. Its page is docs/providers/NAME.md, its simulator
// providers/sandbox/NAME.
type Provider struct {
	// Name is the provider in tasks, keys, settings and metrics: lower-case letters and digits.
	Name string
	// Title is the provider's name for people.
	Title string
	// Clients holds a nil pointer of each type of client that Settings.Client may return. What the
	// provider can do is read from these types, see Can.
	Clients []any
	// Payments says what each type of payment that the provider takes must hold. Where there are
	// two, both take the same references: a status query names no type.
	Payments []Payments
	// Settings makes the settings of an account, all unset. It is a pointer to a struct with kong's
	// tags; each field has a name tag. A providers.Secret has a neighbour that names its file, with
	// the same name and File behind it. A field with the tag private names a file that only the
	// worker's user should read.
	Settings func() Settings
	// Webhook is nil where the provider reports nothing by itself.
	Webhook *Webhook
}

// Type of a payment, as a task names it.
type Type string

// The types of payments.
const (
	Payout Type = "payout"
	Charge Type = "charge"
)

// Payments is what a provider takes of one type of payment.
type Payments struct {
	Type Type
	// Currency is the only one, an ISO 4217 code.
	Currency string
	// Limit says what is wrong with an amount, nothing where it is right; nil takes any.
	Limit func(providers.Money) (problem string)
	// Reference is the rule for references; its path is the task's to say.
	Reference fields.Field
	// Fields are all that a task holds besides type, provider, account, reference, amount,
	// currency, times and metadata.
	Fields []fields.Field
	// Details makes the empty object that "details" is read into, a pointer; nil where there is
	// none.
	Details func() providers.Details
	// Meaning are the values that make a payment what it is, besides type, amount and currency, in
	// a fixed order: two tasks of one key with an equal meaning are the same payment. It is stored
	// as a hash, so that neither names nor order may ever change.
	Meaning []fields.Part
	// Sample is a payment as an example to fill in, in the order of the columns of a template: the
	// reference, every required field, and those that people often need. A list is joined with ";",
	// as in CSV.
	Sample []Sample
	// Exclusive is the value that only one payment may claim; the zero Part where there is none.
	Exclusive fields.Part
}

// Sample is the value of one field, by its path: "merchant_id", "recipient.name".
type Sample struct{ Path, Text string }

// Takes reports whether the provider takes payments of that type.
func (p Provider) Takes(t Type) bool {
	return slices.ContainsFunc(p.Payments, func(own Payments) bool { return own.Type == t })
}

// Exclusive names the value that only one payment of the provider may claim; empty where there is
// none.
func (p Provider) Exclusive() string {
	for _, own := range p.Payments {
		if own.Exclusive.Name != "" {
			return own.Exclusive.Name
		}
	}
	return ""
}

// Can reports whether some client of the provider has a capability, such as providers.Tokenizer.
func Can[Capability any](p Provider) bool {
	return slices.ContainsFunc(p.Clients, func(client any) bool {
		_, can := client.(Capability)
		return can
	})
}
