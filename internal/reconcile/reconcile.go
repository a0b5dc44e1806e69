package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/cents"
	"github.com/remesa/remesa/internal/statement"
)

// Kind of a difference.
type Kind string

// The kinds of differences.
const (
	AmountDiffers      Kind = "amount_differs"
	FeeNetted          Kind = "fee_netted"       // the line is ours less the fee in its own column
	UnknownPayment     Kind = "unknown_payment"  // paid, and not in the ledger
	NotOnStatement     Kind = "not_on_statement" // succeeded here, no line there
	PaidTwice          Kind = "paid_twice"       // a second line of one payment
	TwoPaymentsOneLine Kind = "two_payments_one_line"
	PaidButFailed      Kind = "paid_but_failed" // failed, reversed or never sent here, paid there
	ReturnedThere      Kind = "returned"        // succeeded or open here, returned there
	OutsideWindow      Kind = "outside_window"  // the line's day is not one that may follow the payment
	CurrencyDiffers    Kind = "currency_differs"
	BeneficiaryDiffers Kind = "beneficiary_differs"
	UnreadableLine     Kind = "unreadable_line"
	GroupedDeposit     Kind = "grouped_deposit" // a sum of payments that the file does not name
)

// Kinds lists all, in the order of a report.
func Kinds() []Kind {
	return []Kind{
		AmountDiffers, FeeNetted, UnknownPayment, NotOnStatement, PaidTwice, TwoPaymentsOneLine, PaidButFailed, ReturnedThere, OutsideWindow,
		CurrencyDiffers, BeneficiaryDiffers, UnreadableLine, GroupedDeposit,
	}
}

// Difference is one thing that statement and ledger do not agree on. It holds no text of the
// statement but the bank's own id of the line.
type Difference struct {
	Kind Kind
	// Key is the payment's, which was read in this Version; Keys are all that the line could be of,
	// where it cannot be told.
	Key     idempotency.Key
	Version int64
	Keys    []idempotency.Key
	State   idempotency.State
	// Row is the line's, 0 where there is none; OtherRow that of the line that was taken instead.
	Row, OtherRow int
	Day           statement.Day
	// Line and Ledger are the two amounts, Currency that of the line or, without one, of the
	// ledger.
	Line, Ledger cents.Amount
	Currency     string
	// LedgerCurrency is that of the ledger's amount, where there is a Key.
	LedgerCurrency string
	BankID         string
	// Detail says why a line cannot be read; it holds nothing of the line.
	Detail string
}

// Proposal is a payment that nobody could find out about, and that the statement has: somebody may
// resolve it as succeeded.
type Proposal struct {
	Key      idempotency.Key
	State    idempotency.State
	Row      int
	Day      statement.Day
	Amount   cents.Amount
	Currency string
	BankID   string
}

// Options of a Matcher.
type Options struct {
	Window Window
	// Moves are the directions in which money of the provider's payments goes: lines of a bank in
	// the other one are somebody else's.
	Payouts, Charges bool
	// Report: the statement is a provider's, whose lines are payments; nothing is posted later.
	Report bool
	// From and Until are the days of the statement, both included.
	From, Until statement.Day
	// Fingerprint is the ledger's hash of a payment of this type and amount to the beneficiary that
	// the line names; empty where the line does not name one fully, or it cannot be computed. keyed
	// asks for the form that needs a key. Nil for a layout that names none.
	Fingerprint func(kind string, amount cents.Amount, currency string, l statement.Line, keyed bool) string
	// Difference and Proposal take what is found, each once.
	Difference func(Difference) error
	Proposal   func(Proposal) error
}

// Matcher matches lines in the order of the rules: First takes all lines, then Second takes all
// lines again, then Finish says what is left.
type Matcher struct {
	*Book
	o     Options
	lines [][]attached
	n     int
	// done has a bit for each line that First used.
	done []uint64
	seen int
	// ids are the bank's ids of lines that may be reported.
	ids    map[uint32]string
	groups []statement.Line
	sums   *Summary
}

// Summary counts what became of lines and payments.
type Summary struct {
	// Matched are payments of which statement and ledger agree, Own the bank's own movements, Other
	// lines of no interest, Waiting payments whose lines may still come, Skipped lines of what was
	// not executed. HeldNotFound are open payments without a line, which proves nothing.
	Matched, Own, Other, Skipped, Waiting, HeldNotFound map[string]*Tally
	Differences                                         map[Kind]map[string]*Tally
	Proposals                                           map[string]*Tally
}

// Tally is a number of lines or payments, and their sum.
type Tally struct {
	Count int
	Sum   cents.Sum
}

func newSummary() *Summary {
	return &Summary{
		Matched: map[string]*Tally{}, Own: map[string]*Tally{}, Other: map[string]*Tally{}, Skipped: map[string]*Tally{},
		Waiting: map[string]*Tally{}, HeldNotFound: map[string]*Tally{}, Differences: map[Kind]map[string]*Tally{}, Proposals: map[string]*Tally{},
	}
}

func count(by map[string]*Tally, currency string, a cents.Amount) {
	if by[currency] == nil {
		by[currency] = &Tally{}
	}
	by[currency].Count++
	by[currency].Sum.Add(a)
}

// attached is a line that is some payment's.
type attached struct {
	amount   cents.Amount
	entry    uint32
	before   uint32 // the payment's line before this one, from 1
	row      uint32
	day      statement.Day
	currency uint8
	flags    flags
}

type flags uint8

const (
	opposite    flags = 1 << iota // money that came back
	feeExact                      // the line is ours less its fee
	beneficiary                   // it names another beneficiary
	grouped                       // the line is the sum of several payments
)

const lineChunk = 1 << 13

// NewMatcher matches against a book, to which nothing may be added any more.
func NewMatcher(b *Book, o Options) *Matcher {
	b.index(o.Fingerprint != nil)
	return &Matcher{Book: b, o: o, ids: map[uint32]string{}, sums: newSummary()}
}

// First matches a line by the provider's id or our reference. Every line comes, in the file's
// order.
func (m *Matcher) First(l statement.Line) error {
	i := m.seen
	if m.seen++; i/64 == len(m.done) {
		m.done = append(m.done, 0)
	}
	used, err := m.first(l)
	if used {
		m.done[i/64] |= 1 << (i % 64)
	}
	return err
}

func (m *Matcher) first(l statement.Line) (used bool, err error) {
	switch {
	case l.Err != nil:
		return true, m.report(Difference{Kind: UnreadableLine, Row: l.Row, Detail: l.Err.Error(), BankID: l.BankID})
	case l.Skip:
		count(m.sums.Skipped, l.Currency, l.Amount)
		return true, nil
	}
	byID, byReference := m.withID(l.ProviderID), m.withReference(l.Reference, false)
	switch both := union(byID, byReference); {
	case len(both) == 0:
		return false, nil
	case len(both) == 1:
		m.attach(both[0], l, 0)
		return true, nil
	case len(byReference) == 1 && slices.Contains(byID, byReference[0]):
		m.attach(byReference[0], l, 0) // of several with this id one has the reference
		return true, nil
	default:
		return true, m.ambiguous(both, l)
	}
}

func union(a, b []uint32) []uint32 {
	all := slices.Clone(a)
	for _, i := range b {
		if !slices.Contains(all, i) {
			all = append(all, i)
		}
	}
	return all
}

// ambiguous reports a line that may be of several payments, and takes none.
func (m *Matcher) ambiguous(all []uint32, l statement.Line) error {
	d := m.ofLine(TwoPaymentsOneLine, l)
	for _, i := range all {
		e := m.at(i)
		e.named = true
		d.Keys = append(d.Keys, m.keyOf(e))
	}
	return m.report(d)
}

func (m *Matcher) ofLine(k Kind, l statement.Line) Difference {
	return Difference{Kind: k, Row: l.Row, Day: l.Day, Line: l.Amount, Currency: l.Currency, BankID: l.BankID}
}

// attach makes the line the payment's.
func (m *Matcher) attach(i uint32, l statement.Line, f flags) {
	e := m.at(i)
	a := attached{amount: l.Amount, entry: i, before: e.line, row: uint32(l.Row), day: l.Day, currency: m.currency(l.Currency), flags: f} //nolint:gosec // rows fit
	switch {
	case m.isOpposite(e, l):
		a.flags |= opposite
	case f&grouped != 0:
	case l.HasFee && l.Amount+l.Fee == e.amount && l.Fee != 0:
		a.flags |= feeExact
	}
	if m.otherBeneficiary(e, l) {
		a.flags |= beneficiary
	}
	if m.n%lineChunk == 0 {
		m.lines = append(m.lines, make([]attached, 0, lineChunk))
	}
	last := len(m.lines) - 1
	m.lines[last] = append(m.lines[last], a)
	m.n++
	e.line = uint32(m.n) //nolint:gosec // as many as fit into memory
	if !m.clean(e, &a) && l.BankID != "" {
		m.ids[e.line] = l.BankID
	}
}

func (m *Matcher) isOpposite(e *entry, l statement.Line) bool {
	switch l.Direction {
	case statement.Executed:
		return false
	case statement.Returned:
		return true
	case statement.In:
		return !e.charge
	case statement.Out:
		return e.charge
	}
	return false
}

func (m *Matcher) otherBeneficiary(e *entry, l statement.Line) bool {
	if m.o.Fingerprint == nil || e.print == 0 {
		return false
	}
	kind := "payout"
	if e.charge {
		kind = "charge"
	}
	print := m.o.Fingerprint(kind, e.amount, m.currencies[e.currency], l, e.keyed)
	return print != "" && m.hash(print) != e.print
}

// clean: the line is all that is expected of a payment that succeeded.
func (m *Matcher) clean(e *entry, a *attached) bool {
	return a.flags&^grouped == 0 && a.before == 0 && m.state(e) == idempotency.Succeeded && m.o.Window.holds(e, a.day) && a.currency == e.currency &&
		(a.amount == e.amount || a.flags&grouped != 0)
}

func (m *Matcher) state(e *entry) idempotency.State { return m.states[e.state] }

func (m *Matcher) line(n uint32) *attached { return &m.lines[(n-1)/lineChunk][(n-1)%lineChunk] }

// Second matches what First left: by a reference in the description, and as a sum of payments that
// the file names. Every line comes again, in the same order.
func (m *Matcher) Second(i int, l statement.Line) error {
	if i >= m.seen || m.done[i/64]&(1<<(i%64)) != 0 {
		return nil
	}
	if found, err := m.inDescription(l); found {
		return err
	}
	switch {
	case len(l.Members) > 0:
		return m.members(l)
	case l.Own:
		count(m.sums.Own, l.Currency, l.Amount)
		return nil
	case l.Group:
		m.groups = append(m.groups, l) // when all single lines are matched
		return nil
	case l.Direction == statement.In && !m.o.Charges, l.Direction == statement.Out && !m.o.Payouts, l.Direction == statement.Returned:
		count(m.sums.Other, l.Currency, l.Amount)
		return nil
	}
	d := m.ofLine(UnknownPayment, l)
	d.Keys = m.candidates(l)
	return m.report(d)
}

// leastInText is how long a reference must be to be looked for in a description.
const leastInText = 6

// inDescription attaches the line to the payment whose reference is a whole word of the description
// and whose amount is the line's; the longest word first. Where several fit, that is reported.
func (m *Matcher) inDescription(l statement.Line) (found bool, err error) {
	for _, word := range words(l.Description) {
		fits := m.byReference.find(m.hash(strings.ToLower(word)), func(i uint32) bool {
			e := m.at(i)
			return e.amount == l.Amount && m.currencies[e.currency] == l.Currency && strings.EqualFold(m.reference(e), word)
		})
		switch len(fits) {
		case 0:
		case 1:
			m.attach(fits[0], l, 0)
			return true, nil
		default:
			return true, m.ambiguous(fits, l)
		}
	}
	return false, nil
}

// words are those of a description that may be references, the longest first.
func words(text string) []string {
	all := strings.FieldsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
	var out []string
	for _, w := range all {
		for _, form := range []string{w, strings.Trim(w, "._-")} {
			if len(form) >= leastInText && !slices.Contains(out, form) {
				out = append(out, form)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return out
}

// candidates are payments with the line's amount and beneficiary, of about its day, that no line is
// of: it may be one of them, and none is taken.
func (m *Matcher) candidates(l statement.Line) (keys []idempotency.Key) {
	if m.o.Fingerprint == nil {
		return nil
	}
	for _, kind := range []string{"payout", "charge"} {
		for _, keyed := range []bool{true, false} {
			print := m.o.Fingerprint(kind, l.Amount, l.Currency, l, keyed)
			if print == "" {
				continue
			}
			hash := m.hash(print)
			for _, i := range m.byPrint.find(hash, func(i uint32) bool { return m.at(i).print == hash }) {
				if e := m.at(i); e.line == 0 && e.charge == (kind == "charge") && e.keyed == keyed && m.o.Window.holds(e, l.Day) {
					keys = append(keys, m.keyOf(e))
				}
			}
		}
	}
	return keys
}

// members matches a line that names the payments of which it is the sum, less the fee in its own
// column.
func (m *Matcher) members(l statement.Line) error {
	var all []uint32
	var sum cents.Amount
	taken := map[uint32]bool{}
	d := m.ofLine(UnknownPayment, l)
	for _, reference := range l.Members {
		found := m.withReference(reference, false)
		if len(found) != 1 || m.at(found[0]).line != 0 || taken[found[0]] || m.currencies[m.at(found[0]).currency] != l.Currency {
			d.Detail = "a member is unknown, of several accounts, of another currency, or has a line of its own"
			continue
		}
		all, taken[found[0]] = append(all, found[0]), true
		sum += m.at(found[0]).amount
	}
	switch {
	case d.Detail != "":
	case sum-l.Fee == l.Amount:
		m.attachAll(all, l)
		return nil
	default:
		d.Kind, d.Ledger = AmountDiffers, sum
	}
	for _, i := range all {
		m.at(i).named = true
		d.Keys = append(d.Keys, m.keyOf(m.at(i)))
	}
	return m.report(d)
}

func (m *Matcher) attachAll(all []uint32, l statement.Line) {
	for _, i := range all {
		m.attach(i, l, grouped)
	}
}

// settled are the succeeded charges of one day and currency that no line is of.
type settled struct {
	day      statement.Day
	currency uint8
}

// deposits matches deposits of many payments: gross, which is the line with the fee in its own
// column, must be the exact sum of all charges of exactly one day.
func (m *Matcher) deposits() error {
	if len(m.groups) == 0 {
		return nil
	}
	sums := map[settled]cents.Amount{}
	for i := range uint32(m.Len()) { //nolint:gosec // as many as fit into memory
		if e := m.at(i); e.line == 0 && !e.named && e.charge && m.state(e) == idempotency.Succeeded {
			sums[settled{e.done, e.currency}] += e.amount
		}
	}
	for _, l := range m.groups {
		var days []settled
		for s, sum := range sums {
			if e := (entry{sent: s.day, done: s.day, charge: true}); l.HasFee && sum == l.Amount+l.Fee && m.currencies[s.currency] == l.Currency && m.o.Window.holds(&e, l.Day) {
				days = append(days, s)
			}
		}
		if len(days) != 1 {
			if err := m.report(m.ofLine(GroupedDeposit, l)); err != nil {
				return err
			}
			continue
		}
		delete(sums, days[0])
		m.attachDay(days[0], l)
	}
	return nil
}

func (m *Matcher) attachDay(s settled, l statement.Line) {
	for i := range uint32(m.Len()) { //nolint:gosec // as many as fit into memory
		e := m.at(i)
		if e.line == 0 && !e.named && e.charge && m.state(e) == idempotency.Succeeded && e.done == s.day && e.currency == s.currency {
			m.attach(i, l, grouped)
		}
	}
}

func (m *Matcher) report(d Difference) error {
	by := m.sums.Differences[d.Kind]
	if by == nil {
		by = map[string]*Tally{}
		m.sums.Differences[d.Kind] = by
	}
	amount := d.Line
	if d.Row == 0 {
		amount = d.Ledger
	}
	count(by, d.Currency, amount)
	return m.o.Difference(d)
}
