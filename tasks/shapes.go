package tasks

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/providers/spec"
)

// The types of tasks.
const (
	typePayout = string(spec.Payout)
	typeCharge = string(spec.Charge)
	typeStatus = "status"
)

// DefaultAccount is the account of a task that names none.
const DefaultAccount = "default"

// rules are what one provider takes of one type of payment, as its row of the catalog says, with
// the tables of its tasks.
type rules struct {
	spec.Payments
	moves   string
	payment *shape
	status  *shape
}

var accounts = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// byProvider holds the rules of every provider, one for each type of payment that it takes.
var byProvider = newRulesOf(catalog.Providers())

func newRulesOf(all []spec.Provider) map[string][]rules {
	by := map[string][]rules{}
	for _, p := range all {
		for _, payments := range p.Payments {
			by[p.Name] = append(by[p.Name], newRules(payments))
		}
	}
	return by
}

// referenceNames are what tasks call our reference.
var referenceNames = map[string]string{typePayout: "merchant_id", typeCharge: "txnid", typeStatus: "reference"}

func newRules(p spec.Payments) rules {
	account := fields.Pattern("account", "must be 1 to 32 lower-case letters, digits or dashes", accounts)
	head := []fields.Field{fields.Need(anyText("type")), fields.Need(anyText("provider")), account}
	reference := func(kind string) fields.Field { return fields.Need(p.Reference.At(referenceNames[kind])) }
	payment := append(slices.Clone(head), reference(string(p.Type)), fields.Need(anyText("amount")), fields.Need(anyText("currency")),
		instant("not_before"), instant("deadline"), priority(), fields.Field{Path: "metadata", Kind: fields.TextMap})
	return rules{
		Payments: p,
		moves:    string(p.Type),
		payment:  newShape(append(payment, p.Fields...)...),
		status:   newShape(append(head, reference(typeStatus))...),
	}
}

// anyText is a text that is checked elsewhere: type and provider choose the table, amount and
// currency are checked together.
func anyText(path string) fields.Field {
	return fields.TextOf(path, "", func(string) bool { return true })
}

// limit describes what is wrong with an amount; it is empty where nothing is.
func (r rules) limit(m providers.Money) string {
	if r.Limit == nil {
		return ""
	}
	return r.Limit(m)
}

// details is where a task's details are read into.
func (r rules) details() providers.Details {
	if r.Details == nil {
		return nil
	}
	return r.Details()
}

// canonical writes the value of a field in its one way.
func (r rules) canonical(path, text string) string {
	if f, ok := r.payment.find(path); ok && f.Canonical != nil && text != "" {
		return f.Canonical(text)
	}
	return text
}

// identity are the values that make the payment what it is, as "name=value"; what the task does not
// have is left out.
func (r rules) identity(root node) []string {
	parts := make([]string, 0, len(r.Meaning))
	for _, part := range r.Meaning {
		if value := r.canonical(part.Path, valueAt(root, part.Path).Text); value != "" && value != "0" {
			parts = append(parts, part.Name+"="+value)
		}
	}
	return parts
}

// exclusive names the object that only one payment may claim, or nothing.
func (r rules) exclusive(root node) string {
	if r.Exclusive.Name == "" {
		return ""
	}
	return r.Exclusive.Name + ":" + valueAt(root, r.Exclusive.Path).Text
}

// needs refuses a true switch without what it needs.
func (r rules) needs(root node) error {
	for i := range r.payment.fields {
		f := &r.payment.fields[i]
		if f.Needs != "" && valueAt(root, f.Path).Text == "true" && valueAt(root, f.Needs).Text == "" {
			return fieldError(f.Path, f.NeedsProblem)
		}
	}
	return nil
}

// valueAt is the value at a path below an object; the zero one where there is none.
func valueAt(n node, path string) node {
	for name := range strings.SplitSeq(path, ".") {
		n, _ = n.Member(name)
	}
	return n
}
