package etpay

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// payoutRow is a payout as it stands in an answer.
type payoutRow struct {
	id, word string
	// What follows is what the answer repeats of our request.
	reference, amount, currency, rut, number, bank, kind string
}

// creation is what could be read of the answer to a new payout.
type creation struct {
	payoutRow
	failure
	// made: the answer names something that was made, whether or not its name can be read.
	made bool
	// readable: the answer is an object, and every field that is looked at has its type.
	readable, failed bool
}

// readCreation is content with less than a status query is: the reference need not be repeated.
func readCreation(body []byte) creation {
	o, ok := readObject(body)
	if !ok {
		return creation{made: wire.Ambiguous(body)} // what says two things of one may name something made
	}
	in := unwrapped(o)
	raw := in.fields[idField]
	c := creation{payoutRow: in.payout(), made: len(raw) > 0 && string(raw) != "null"}
	c.readable = !in.bad && (c.id == "" || goodID(c.id))
	c.failure, c.failed = parseFailure(body)
	return c
}

// parsePayout reads the answer about one payout, which must repeat reference and amount.
func parsePayout(body []byte) (payoutRow, bool) {
	o, ok := readObject(body)
	if !ok {
		return payoutRow{}, false
	}
	in := unwrapped(o)
	p := in.payout()
	return p, !in.bad && p.whole()
}

// listing is the payouts of some days. It is whole where nothing says that there may be more.
type listing struct {
	rows  []payoutRow
	whole bool
}

// parseListing reads an array, or an object that holds one; every element must be readable, or an
// absent one would prove nothing.
func parseListing(body []byte) (listing, bool) {
	elements, whole, ok := findList(body)
	if !ok {
		return listing{}, false
	}
	l := listing{rows: make([]payoutRow, len(elements)), whole: whole}
	for i, raw := range elements {
		o, ok := readObject(raw)
		if !ok {
			return listing{}, false
		}
		if l.rows[i] = o.payout(); o.bad || !l.rows[i].whole() {
			return listing{}, false
		}
	}
	return l, true
}

// findList finds the list, and whether what stands beside it leaves no room for more.
func findList(body []byte) (elements []json.RawMessage, whole, ok bool) {
	if utf8.Valid(body) && json.Unmarshal(body, &elements) == nil {
		return elements, true, elements != nil
	}
	o, ok := readObject(body)
	if !ok {
		return nil, false, false
	}
	for _, name := range []string{wrapperField, listField} {
		if raw, found := o.fields[name]; found {
			delete(o.fields, name)
			ok := json.Unmarshal(raw, &elements) == nil && elements != nil
			return elements, o.counts(len(elements)), ok
		}
	}
	return nil, false, false
}

// counts reports whether the fields beside a list do nothing but count it.
func (o *object) counts(n int) bool {
	for name, raw := range o.fields {
		if !slices.Contains(countFields, name) || string(raw) != strconv.Itoa(n) {
			return false
		}
	}
	return true
}

// unwrapped is the object inside the wrapper, where there is one.
func unwrapped(o *object) *object {
	if in := o.inner(wrapperField); in.fields != nil {
		return in
	}
	return o
}

// inner is an object within; nothing where there is none of that name.
func (o *object) inner(name string) *object {
	in := &object{}
	if raw := o.fields[name]; len(raw) > 0 && raw[0] == '{' {
		o.decode(name, &in.fields)
	}
	return in
}

func (o *object) payout() payoutRow {
	account := o.inner(accountField)
	p := payoutRow{
		id: o.textOrNumber(idField), word: o.text(statusField), reference: o.text(referenceField),
		amount: o.textOrNumber(amountField), currency: o.text(currencyField),
		rut: account.textOrNumber("rut"), number: account.textOrNumber("number"),
	}
	o.bad = o.bad || account.bad
	loose := &object{fields: account.fields} // what is no text repeats nothing
	p.bank, p.kind = loose.text(bankField), loose.text(typeField)
	return p
}

func (p payoutRow) whole() bool {
	return goodID(p.id) && p.word != "" && p.reference != "" && p.amount != ""
}

// goodID is one that can be asked about: a path segment.
func goodID(id string) bool { return idPattern.MatchString(id) && id != "." && id != ".." }

var (
	rutText    = regexp.MustCompile(`^[0-9]{1,8}[0-9K]$`)
	digitsOnly = regexp.MustCompile(`^[0-9]+$`)
)

// beneficiary is what the row repeats of whom it pays: our account's other number before everything
// else. What is masked repeats nothing.
func (p payoutRow) beneficiary(account string) string {
	if account != "" && digitsOnly.MatchString(p.number) && p.number != account {
		return p.number
	}
	bare := strings.ToUpper(bareRUT(p.rut))
	if !rutText.MatchString(bare) {
		return ""
	}
	return bare[:len(bare)-1] + "-" + bare[len(bare)-1:]
}

func (p payoutRow) echo(w about) providers.Echo {
	return providers.Echo{
		Amount: p.amount, Currency: p.currency, Reference: p.reference, Beneficiary: p.beneficiary(w.bank.AccountNumber), Complete: p.repeats(w),
	}
}

// repeats reports whether the row repeats all that our payout means; what differs in it is
// nobody's payout of ours.
func (p payoutRow) repeats(w about) bool {
	return w.bank.AccountNumber != "" && p.reference != "" && p.amount != "" && p.currency != "" && p.number == w.bank.AccountNumber &&
		p.beneficiary(p.number) == w.document && strings.EqualFold(p.bank, w.bank.Code) && strings.EqualFold(p.kind, w.bank.AccountType)
}
