package payouts

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay/internal/dialect"
	"github.com/remesa/remesa/providers/wire"
)

// row is a payout as it stands in a response.
type row struct {
	id, word string
	// What follows is what the response repeats of our request.
	reference, amount, currency, rut, number, bank, kind string
}

// payoutResponse is what could be read of the response to a new payout.
type payoutResponse struct {
	row
	dialect.Failure
	// madeSomething: the response names something that was made, whether or not its name can be
	// read.
	madeSomething bool
	// readable: the response is an object, and every field that is read has its type.
	readable, failed bool
}

// parsePayoutResponse needs less than a status query does: the reference need not be repeated.
func parsePayoutResponse(body []byte) payoutResponse {
	o, ok := wire.ReadObject(body)
	if !ok {
		return payoutResponse{madeSomething: wire.HasDuplicateNames(body)} // what says two things of one may name something made
	}
	in := unwrapped(o)
	raw := in.Fields[idField]
	c := payoutResponse{madeSomething: len(raw) > 0 && string(raw) != "null"}
	c.row, c.readable = readRow(in)
	c.readable = c.readable && (c.id == "" || goodID(c.id))
	c.Failure, c.failed = dialect.ParseFailure(body)
	return c
}

// parsePayout reads the response about one payout, which must repeat reference and amount.
func parsePayout(body []byte) (row, bool) {
	o, ok := wire.ReadObject(body)
	if !ok {
		return row{}, false
	}
	p, ok := readRow(unwrapped(o))
	return p, ok && p.isComplete()
}

// listing is the payouts of some days. It is complete where nothing says that there may be more.
type listing struct {
	rows     []row
	complete bool
}

// parseListing reads an array, or an object that holds one; every element must be readable, or an
// absent one would prove nothing.
func parseListing(body []byte) (listing, bool) {
	elements, whole, ok := findList(body)
	if !ok {
		return listing{}, false
	}
	l := listing{rows: make([]row, len(elements)), complete: whole}
	for i, raw := range elements {
		o, ok := wire.ReadObject(raw)
		if !ok {
			return listing{}, false
		}
		if l.rows[i], ok = readRow(o); !ok || !l.rows[i].isComplete() {
			return listing{}, false
		}
	}
	return l, true
}

// findList finds the list, and whether what stands beside it leaves no room for more.
func findList(body []byte) (elements []json.RawMessage, whole, ok bool) {
	if elements, ok := wire.ReadList(body); ok {
		return elements, true, true
	}
	o, ok := wire.ReadObject(body)
	if !ok {
		return nil, false, false
	}
	for _, name := range []string{wrapperField, listField} {
		if raw, found := o.Fields[name]; found {
			elements, ok := wire.ReadList(raw)
			delete(o.Fields, name)
			return elements, onlyCounts(o, len(elements)), ok
		}
	}
	return nil, false, false
}

// onlyCounts reports whether the fields beside a list do nothing but count it.
func onlyCounts(o wire.Object, n int) bool {
	for name, raw := range o.Fields {
		if !slices.Contains(countFields, name) || string(raw) != strconv.Itoa(n) {
			return false
		}
	}
	return true
}

// unwrapped is the object inside the wrapper, where there is one.
func unwrapped(o wire.Object) wire.Object {
	if in := inner(o, wrapperField); in.Fields != nil {
		return in
	}
	return o
}

// inner is an object within; nothing where there is none of that name. What is bad in it is not bad
// in both.
func inner(o wire.Object, name string) wire.Object {
	in, _ := wire.ReadObject(o.Fields[name])
	return in
}

// readRow reports whether every field that it reads has its type.
func readRow(o wire.Object) (row, bool) {
	account := inner(o, accountField)
	p := row{
		id: o.TextOrNumber(idField), word: o.Text(statusField), reference: o.Text(referenceField),
		amount: o.TextOrNumber(amountField), currency: o.Text(currencyField),
		rut: account.TextOrNumber("rut"), number: account.TextOrNumber("number"),
	}
	readable := !o.Bad() && !account.Bad()
	p.bank, p.kind = account.Text(bankField), account.Text(typeField) // what is no text repeats nothing
	return p, readable
}

func (p row) isComplete() bool {
	return goodID(p.id) && p.word != "" && p.reference != "" && p.amount != ""
}

// goodID is one that can be queried: a path segment.
func goodID(id string) bool { return dialect.ID(id) && id != "." && id != ".." }

var (
	rutText    = regexp.MustCompile(`^[0-9]{1,8}[0-9K]$`)
	digitsOnly = regexp.MustCompile(`^[0-9]+$`)
)

// beneficiary is what the row repeats of whom it pays: our account's other number before everything
// else. What is masked repeats nothing.
func (p row) beneficiary(account string) string {
	if account != "" && digitsOnly.MatchString(p.number) && p.number != account {
		return p.number
	}
	bare := strings.ToUpper(dialect.BareRUT(p.rut))
	if !rutText.MatchString(bare) {
		return ""
	}
	return bare[:len(bare)-1] + "-" + bare[len(bare)-1:]
}

func (p row) echo(w payoutContext) providers.Echo {
	return providers.Echo{
		Amount: p.amount, Currency: p.currency, Reference: p.reference, Beneficiary: p.beneficiary(w.bank.AccountNumber), Complete: p.repeatsAll(w),
	}
}

// repeatsAll reports whether the row repeats all that our payout means; what differs in it is
// nobody's payout of ours.
func (p row) repeatsAll(w payoutContext) bool {
	return w.bank.AccountNumber != "" && p.reference != "" && p.amount != "" && p.currency != "" && p.number == w.bank.AccountNumber &&
		p.beneficiary(p.number) == w.document && strings.EqualFold(p.bank, w.bank.Code) && strings.EqualFold(p.kind, w.bank.AccountType)
}
