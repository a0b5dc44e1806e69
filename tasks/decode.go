package tasks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
)

// Decode reads one task from its JSON. It is strict: what it does not know, what it would have to
// guess and what the provider would refuse is an error, a *FieldError whose text begins with the
// field's path and never repeats the field's value.
func Decode(line []byte) (Task, error) { return DecodeAs("", line) }

// DecodeAs is Decode for a place that takes tasks of one type, "payout", "charge" or "status": the
// task may leave its type out, and must not have another.
func DecodeAs(kind string, line []byte) (Task, error) {
	return canonical(decodeBy(line, func(line []byte) (node, error) { return parseAs(kind, line) }, decode))
}

// parseAs reads a task that was not taken in yet, and writes the type into it that its place gives.
func parseAs(kind string, line []byte) (node, error) {
	root, err := parseNew(line)
	if err != nil || kind == "" {
		return root, err
	}
	switch named, ok := root.Member("type"); {
	case !ok:
		given := strictjson.Member{Name: "type", Value: node{Kind: strictjson.String, Text: kind}}
		root.Members = append(root.Members, given)
	case named.Text != kind:
		return root, fieldError("type", "must be "+kind+" here, or be left out")
	}
	return root, nil
}

// DecodeStored reads what the ledger keeps of a payment that was taken in, perhaps by an earlier
// version; the task's Payload is what is kept. It does not check for card numbers, so that a
// stricter check stops no payment that is under way. All else is as strict as in Decode.
func DecodeStored(payload []byte) (Task, error) {
	return decodeBy(payload, parse, decode)
}

// decodeBy parses a line, then decodes it.
func decodeBy[T any](line []byte, parse func([]byte) (node, error), decode func([]byte, node) (T, error)) (T, error) {
	root, err := parse(line)
	if err != nil {
		var none T
		return none, err
	}
	return decode(line, root)
}

// parseNew parses what comes from outside, which must hold no card data.
func parseNew(line []byte) (node, error) {
	root, err := parse(line)
	if err == nil {
		err = rejectCardData("", root)
	}
	return root, err
}

// canonical writes the payload of a task in its one way.
func canonical(t Task, err error) (Task, error) {
	switch {
	case err != nil:
	case t.payout != nil:
		t.payload, err = t.payout.line()
	case t.charge != nil:
		t.payload, err = t.charge.line()
	case t.status != nil:
		t.payload, err = t.status.line()
	}
	return t, err
}

// decode reads a task; its payload is the line as it is.
func decode(line []byte, root node) (Task, error) {
	kind, r, err := chooseRules(root)
	if err != nil {
		return Task{}, err
	}
	if kind == typeStatus {
		return decodeStatus(line, root, r)
	}
	if err := r.payment.check(root); err != nil {
		return Task{}, err
	}
	amount, err := r.money(root)
	if err != nil {
		return Task{}, err
	}
	t := Task{payload: line, amount: amount, identity: r.identity(root), exclusive: r.exclusive(root)}
	if err := r.needs(root); err != nil {
		return Task{}, err
	}
	readTask := t.readCharge
	if kind == typePayout {
		readTask = t.readPayout
	}
	if err := readTask(line, root, r); err != nil {
		return Task{}, err
	}
	return t, nil
}

var (
	taskTypes     = []string{typePayout, typeCharge, typeStatus}
	providerNames = catalog.Names()
)

// chooseRules reads type and provider, which choose the rules for everything else.
func chooseRules(root node) (kind string, r rules, err error) {
	kind, err = oneOf(root, "type", taskTypes)
	if err != nil {
		return "", r, err
	}
	provider, err := oneOf(root, "provider", providerNames)
	if err != nil {
		return "", r, err
	}
	r, ok := rulesFor(provider, kind)
	if !ok {
		return "", r, fieldError("type", fmt.Sprintf("%s takes a %s, not a %s", provider, r.moves, kind))
	}
	return kind, r, nil
}

// rulesFor are those of one type of task at one provider; where it does not take that type, those
// of one that it takes.
func rulesFor(provider, kind string) (rules, bool) {
	all := byProvider[provider]
	for _, r := range all {
		if kind == typeStatus || kind == r.moves {
			return r, true
		}
	}
	return all[0], false
}

func oneOf(root node, name string, known []string) (string, error) {
	n, ok := root.Member(name)
	if !ok {
		return "", fieldError(name, "required")
	}
	if err := mustBe(name, n, strictjson.String); err != nil {
		return "", err
	}
	if !slices.Contains(known, n.Text) {
		return "", fieldError(name, "must be one of "+strings.Join(known, ", "))
	}
	return n.Text, nil
}

// money reads amount and currency, which the table has found to be texts.
func (r rules) money(root node) (providers.Money, error) {
	currency, _ := root.Member("currency")
	if currency.Text != r.Currency {
		return providers.Money{}, fieldError("currency", "must be "+r.Currency+" for this provider (upper case)")
	}
	amount, _ := root.Member("amount")
	m, err := providers.ParseMoney(amount.Text, currency.Text)
	if err != nil {
		return m, at(err)
	}
	if problem := r.limit(m); problem != "" {
		return m, fieldError("amount", problem)
	}
	return m, nil
}

func (t *Task) readPayout(line []byte, root node, r rules) error {
	p := &Payout{Details: r.details()}
	err := error(nil)
	if readTree(line, root, p) {
		err = readDetails(line, root, &p.Details)
	} else {
		p = &Payout{Details: r.details()}
		err = json.Unmarshal(line, p)
	}
	if err != nil {
		return fieldError("line", "cannot be read")
	}
	if err := p.Common.canonical(); err != nil {
		return err
	}
	p.Recipient.Document = r.canonical("recipient.document", p.Recipient.Document)
	keep(&p.Provider, &p.Account, &p.MerchantID)
	t.payout = p
	return nil
}

func (t *Task) readCharge(line []byte, root node, r rules) error {
	c := &Charge{Details: r.details()}
	err := error(nil)
	if readTree(line, root, c) {
		err = readDetails(line, root, &c.Details)
	} else {
		c = &Charge{Details: r.details()}
		err = json.Unmarshal(line, c)
	}
	if err != nil {
		return fieldError("line", "cannot be read")
	}
	if err := c.canonical(r); err != nil {
		return err
	}
	keep(&c.Provider, &c.Account, &c.TxnID)
	t.charge = c
	return nil
}

func decodeStatus(line []byte, root node, r rules) (Task, error) {
	if err := r.status.check(root); err != nil {
		return Task{}, err
	}
	var s Status
	if err := json.Unmarshal(line, &s); err != nil {
		return Task{}, fieldError("line", "cannot be read")
	}
	s.Account = canonicalAccount(s.Account)
	return Task{payload: line, status: &s}, nil
}

// canonical also writes the document of the payer in one way, where the provider's table knows one.
func (c *Charge) canonical(r rules) error {
	c.Customer.Document = r.canonical("customer.document", c.Customer.Document)
	return c.Common.canonical()
}

// canonical gives equal contents equal texts: times in UTC, the default account unnamed.
func (c *Common) canonical() error {
	c.Account = canonicalAccount(c.Account)
	c.NotBefore, c.Deadline = utc(c.NotBefore), utc(c.Deadline)
	if !c.Deadline.IsZero() && !c.Deadline.After(c.NotBefore) {
		return fieldError("deadline", "must be after not_before")
	}
	return nil
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

func canonicalAccount(name string) string {
	if name == DefaultAccount {
		return ""
	}
	return name
}
