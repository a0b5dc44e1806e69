package reconcile_test

import (
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/cents"
	"github.com/remesa/remesa/internal/reconcile"
	"github.com/remesa/remesa/internal/statement"
	"github.com/remesa/remesa/providers/sandbox"
)

// columns of the test's statements: those of the mapping "plain".
var columns = []string{"date", "description", "reference", "provider_id", "bank_id", "amount", "fee", "currency", "document", "status", "members"}

// row is one line by column.
type row map[string]string

func (r row) with(column, text string) row {
	c := maps.Clone(r)
	c[column] = text
	return c
}

// monday is the day of all payments unless a test says otherwise.
var monday = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

func day(t time.Time) statement.Day { return statement.DayOf(t, time.UTC) }

func paid(reference string, amount cents.Amount) reconcile.Payment {
	return reconcile.Payment{
		Key: idempotency.Key{Provider: "bank", Account: "default", Reference: reference}, Type: "payout", State: idempotency.Succeeded, Amount: amount,
		Currency: "CLP", ProviderID: "id-" + reference, Sent: day(monday), Done: day(monday), Fingerprint: "1:of " + reference + amount.String(),
	}
}

func lineOf(p reconcile.Payment) row {
	return row{
		"date": "2026-11-24", "reference": p.Key.Reference, "provider_id": p.ProviderID, "bank_id": "b-" + p.Key.Reference, "amount": p.Amount.String(),
		"currency": p.Currency, "status": "paid", "document": "of " + p.Key.Reference,
	}
}

// found is all that a reconciliation said.
type found struct {
	differences []reconcile.Difference
	proposals   []reconcile.Proposal
	summary     *reconcile.Summary
}

// kinds are the kinds of all differences, each with its payments and its row.
func (f found) kinds() []string {
	var all []string
	for _, d := range f.differences {
		text := string(d.Kind)
		if d.Key.Reference != "" {
			text += " " + d.Key.Reference
		}
		for _, k := range d.Keys {
			text += " " + k.Reference
		}
		if d.Row > 0 {
			text += fmt.Sprintf(" @%d", d.Row)
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

func write(t testing.TB, rows []row) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "statement.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := csv.NewWriter(f)
	if err := out.Write(columns); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = r[c]
		}
		if err := out.Write(cells); err != nil {
			t.Fatal(err)
		}
	}
	out.Flush()
	return path
}

func plain(t testing.TB) []statement.Mapping {
	t.Helper()
	all, err := statement.Mappings()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(m statement.Mapping) bool { return m.Name != "plain" })
}

// run reconciles; the document of a line names the beneficiary, as "of REFERENCE".
func run(t testing.TB, payments []reconcile.Payment, rows []row, change func(*reconcile.Options)) found {
	t.Helper()
	file, err := statement.Open(write(t, rows), statement.Options{Mappings: plain(t)})
	if err != nil {
		t.Fatal(err)
	}
	book := reconcile.NewBook("bank")
	for _, p := range payments {
		book.Add(p)
	}
	var f found
	o := reconcile.Options{
		Window: reconcile.DefaultWindow(), Payouts: true, Charges: true, Report: true, From: file.First, Until: file.Last,
		Fingerprint: func(_ string, amount cents.Amount, _ string, l statement.Line, keyed bool) string {
			if l.Document == "" || keyed {
				return ""
			}
			return "1:" + l.Document + amount.String()
		},
		Difference: func(d reconcile.Difference) error { f.differences = append(f.differences, d); return nil },
		Proposal:   func(p reconcile.Proposal) error { f.proposals = append(f.proposals, p); return nil },
	}
	if change != nil {
		change(&o)
	}
	m := reconcile.NewMatcher(book, o)
	if err := file.Read(m.First); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := file.Read(func(l statement.Line) error { n++; return m.Second(n-1, l) }); err != nil {
		t.Fatal(err)
	}
	if f.summary, err = m.Finish(); err != nil {
		t.Fatal(err)
	}
	return f
}

func in(p reconcile.Payment, s idempotency.State) reconcile.Payment {
	p.State = s
	return p
}

func inMXN(p reconcile.Payment) reconcile.Payment {
	p.Currency = "MXN"
	return p
}

func charge(p reconcile.Payment) reconcile.Payment {
	p.Type = "charge"
	return p
}

func TestRules(t *testing.T) {
	t.Parallel()
	a, b := paid("tef-0001", 1250000), paid("tef-0002", 990000)
	other := b
	other.ProviderID = a.ProviderID
	elsewhere := a
	elsewhere.Key.Account, elsewhere.ProviderID = "shop", "x"
	late := a
	late.Done, late.Sent = day(monday)-40, day(monday)-40
	first := lineOf(a)
	for _, c := range []struct {
		does     string
		payments []reconcile.Payment
		rows     []row
		want     []string
		change   func(*reconcile.Options)
	}{
		{"the reference alone is enough", ps(a), rs(first.with("provider_id", "")), nil, nil},
		{"the provider's id alone is enough", ps(a), rs(first.with("reference", "")), nil, nil},
		{"to the cent", ps(a), rs(first.with("amount", "12500.01")), want("amount_differs tef-0001 @2", "beneficiary_differs"), noBeneficiary},
		{"a fee in its column explains it exactly", ps(a), rs(first.with("amount", "12320").with("fee", "180")), want("fee_netted tef-0001 @2"), noBeneficiary},
		{"a fee that does not explain it", ps(a), rs(first.with("amount", "12320").with("fee", "170")), want("amount_differs tef-0001 @2"), noBeneficiary},
		{"unknown to us", ps(a), rs(first, lineOf(b)), want("unknown_payment @3"), nil},
		{"not there", ps(a, b), rs(first), want("not_on_statement tef-0002"), func(o *reconcile.Options) { o.From = day(monday) }},
		{"what is not of the period is not missing", ps(a, b), rs(first), nil, nil},
		{"a bank may post it in the next days", ps(a, b), rs(first), nil, func(o *reconcile.Options) { o.Report, o.From = false, day(monday) }},
		{"but not later", ps(a, b), rs(first), want("not_on_statement tef-0002"), func(o *reconcile.Options) { o.Report, o.From, o.Until = false, day(monday), day(monday)+3 }},
		{"twice", ps(a), rs(first, first), want("paid_twice tef-0001 @3"), nil},
		{"twice, and the second is as expected", ps(a), rs(first.with("amount", "1"), first), want("paid_twice tef-0001 @2"), noBeneficiary},
		{"two payments with one id", ps(a, other), rs(first.with("reference", "")), want("two_payments_one_line tef-0001 tef-0002 @2"), nil},
		{"two accounts with one reference", ps(a, elsewhere), rs(first.with("provider_id", "")), want("two_payments_one_line tef-0001 tef-0001 @2"), nil},
		{"id and reference of two payments", ps(a, b), rs(first.with("reference", "tef-0002")), want("two_payments_one_line tef-0001 tef-0002 @2"), nil},
		{"one of two with the id has the reference", ps(a, other), rs(first), nil, nil},
		{"failed here, paid there", ps(in(a, idempotency.Failed)), rs(first), want("paid_but_failed tef-0001 @2"), nil},
		{"never sent here, paid there", ps(in(a, idempotency.Queued)), rs(first), want("paid_but_failed tef-0001 @2"), nil},
		{"reversed here, only paid there", ps(in(a, idempotency.Reversed)), rs(first), want("paid_but_failed tef-0001 @2"), nil},
		{"reversed here and there", ps(in(a, idempotency.Reversed)), rs(first, first.with("status", "returned")), nil, nil},
		{"failed here, paid and returned there", ps(in(a, idempotency.Failed)), rs(first, first.with("status", "returned")), nil, nil},
		{"succeeded here, returned there", ps(a), rs(first, first.with("status", "returned")), want("returned tef-0001 @3"), nil},
		{"open here, returned there", ps(in(a, idempotency.Held)), rs(first, first.with("status", "returned")), want("returned tef-0001 @3"), nil},
		{"succeeded here, returned later", ps(late), rs(first.with("status", "returned")), want("returned tef-0001 @2"), nil},
		{"on another day", ps(late), rs(first), want("outside_window tef-0001 @2"), nil},
		{"before it was sent", ps(a), rs(first.with("date", "2026-11-22")), want("outside_window tef-0001 @2"), nil},
		{"another currency", ps(a), rs(first.with("currency", "MXN")), want("currency_differs tef-0001 @2"), nil},
		{"another beneficiary", ps(a), rs(first.with("document", "of somebody else")), want("beneficiary_differs tef-0001 @2"), nil},
		{"unreadable", ps(a), rs(first, first.with("amount", "doce")), want("unreadable_line @3"), nil},
		{"not executed there", ps(in(a, idempotency.Failed)), rs(first.with("status", "rejected"), lineOf(b)), want("unknown_payment @3"), nil},
		{"the reference in the description", ps(a), rs(text("TRANSF A TERCEROS tef-0001, ANA SOTO", a)), nil, nil},
		{"… in other letters", ps(a), rs(text("TRANSF TEF-0001.", a)), nil, nil},
		{"… not as a part of a word", ps(a), rs(text("TRANSF Xtef-0001", a)), want("unknown_payment @2"), nil},
		{"… not with another amount", ps(a), rs(text("TRANSF tef-0001", a).with("amount", "1")), want("unknown_payment @2"), nil},
		{"… not in another currency", ps(a), rs(text("TRANSF tef-0001", a).with("currency", "MXN")), want("unknown_payment @2"), noBeneficiary},
		{"… not if it is short", ps(paid("a-1", 100)), rs(text("TRANSF a-1", paid("a-1", 100))), want("unknown_payment @2"), nil},
		{"… not of two accounts", ps(a, elsewhere), rs(text("tef-0001", a)), want("two_payments_one_line tef-0001 tef-0001 @2"), nil},
		{"… the longest word first", ps(a, paid("tef-0001-b", 1250000)), rs(text("tef-0001-b tef-0001", a)), nil, nil},
		{"… behind a line with the reference it is the second", ps(a), rs(first, text("pago tef-0001", a)), want("paid_twice tef-0001 @3"), nil},
		{"… before a line with the reference too", ps(a), rs(text("pago tef-0001", a), first), want("paid_twice tef-0001 @2"), nil},
		{"beneficiary, amount and day are only a candidate", ps(a), rs(first.with("reference", "").with("provider_id", "")), want("unknown_payment tef-0001 @2"), nil},
		{"what has a line is no candidate", ps(a), rs(first, first.with("reference", "").with("provider_id", "")), want("unknown_payment @3"), nil},
		{"what is of another time is no candidate", ps(late), rs(first.with("reference", "").with("provider_id", "")), want("unknown_payment @2"), nil},
		{"open here, and the line is older than the first send", ps(in(a, idempotency.Held)), rs(first.with("date", "2026-11-20")), want("outside_window tef-0001 @2"), nil},
		{"two payments with one id are not missing, too", ps(a, other), rs(first.with("reference", "")), want("two_payments_one_line tef-0001 tef-0002 @2"),
			func(o *reconcile.Options) { o.From = day(monday) }},
		{"a sum of its members", ps(charge(a), charge(b)), rs(members("22400", "tef-0001;tef-0002")), nil, nil},
		{"… less the fee", ps(charge(a), charge(b)), rs(members("22000", "tef-0001 tef-0002").with("fee", "400")), nil, nil},
		{"… that is not the sum", ps(charge(a), charge(b)), rs(members("22399.99", "tef-0001;tef-0002")), want("amount_differs tef-0001 tef-0002 @2"), nil},
		{"… that names one twice", ps(charge(a)), rs(members("24800", "tef-0001;tef-0001")), want("unknown_payment tef-0001 @2"), nil},
		{"… with a member that has a line of its own", ps(charge(a), charge(b)), rs(members("22400", "tef-0001;tef-0002"), first),
			want("unknown_payment tef-0002 @2"), nil},
		{"… with a member in another currency", ps(charge(a), charge(inMXN(b))), rs(members("22400", "tef-0001;tef-0002")), want("unknown_payment tef-0001 @2"), nil},
		{"… with an unknown member", ps(charge(a)), rs(members("22400", "tef-0001;tef-0002")), want("unknown_payment tef-0001 @2"), nil},
	} {
		got := run(t, c.payments, c.rows, c.change).kinds()
		wanted := slices.DeleteFunc(slices.Clone(c.want), func(k string) bool { return c.change != nil && k == "beneficiary_differs" })
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: %q, want %q", c.does, got, wanted)
		}
	}
}

func ps(all ...reconcile.Payment) []reconcile.Payment { return all }
func rs(all ...row) []row                             { return all }
func want(all ...string) []string                     { return all }

func noBeneficiary(o *reconcile.Options) { o.Fingerprint = nil }

// text is a line of which only the description says what it is.
func text(description string, p reconcile.Payment) row {
	return row{"date": "2026-11-24", "description": description, "amount": p.Amount.String(), "currency": "CLP", "status": "paid"}
}

func members(amount, all string) row {
	return row{"date": "2026-11-24", "amount": amount, "currency": "CLP", "status": "paid", "members": all}
}

func TestWhatNobodyResolvedIsProposed(t *testing.T) {
	t.Parallel()
	a := paid("tef-0001", 1250000)
	for _, s := range []idempotency.State{idempotency.Held, idempotency.InDoubt, idempotency.Pending} {
		f := run(t, ps(in(a, s)), rs(lineOf(a)), nil)
		if len(f.differences) > 0 || len(f.proposals) != 1 || f.proposals[0].Row != 2 || f.proposals[0].BankID != "b-tef-0001" {
			t.Errorf("%s: %+v", s, f)
		}
	}
	for does, rows := range map[string][]row{
		"another amount": rs(lineOf(a).with("amount", "1")), "returned": rs(lineOf(a), lineOf(a).with("status", "returned")),
		"another beneficiary": rs(lineOf(a).with("document", "of somebody else")), "no line": rs(lineOf(paid("x", 1))),
	} {
		if f := run(t, ps(in(a, idempotency.Held)), rows, nil); len(f.proposals) > 0 {
			t.Errorf("%s: %+v", does, f.proposals)
		}
	}
}

// A bank's lines have a direction, and most of them are not ours.
func TestABanksLinesOfOtherMoneyAreCounted(t *testing.T) {
	t.Parallel()
	a := paid("tef-0001", 1250000)
	book := reconcile.NewBook("bank")
	book.Add(a)
	var differences []reconcile.Difference
	m := reconcile.NewMatcher(book, reconcile.Options{
		Window: reconcile.DefaultWindow(), Payouts: true, From: day(monday), Until: day(monday) + 10,
		Difference: func(d reconcile.Difference) error { differences = append(differences, d); return nil },
	})
	line := func(d statement.Direction, reference string) statement.Line {
		return statement.Line{Row: 2, Day: day(monday), Direction: d, Amount: a.Amount, Currency: "CLP", Reference: reference}
	}
	fee := line(statement.Out, "")
	fee.Own = true
	lines := []statement.Line{line(statement.Out, "tef-0001"), line(statement.In, "sale"), fee, line(statement.Out, "rent")}
	for _, l := range lines {
		if err := m.First(l); err != nil {
			t.Fatal(err)
		}
	}
	for i, l := range lines {
		if err := m.Second(i, l); err != nil {
			t.Fatal(err)
		}
	}
	s, err := m.Finish()
	if err != nil || s.Matched["CLP"].Count != 1 || s.Other["CLP"].Count != 1 || s.Own["CLP"].Count != 1 || len(differences) != 1 || differences[0].Kind != reconcile.UnknownPayment {
		t.Errorf("%+v %+v %v", s, differences, err)
	}
}

// A deposit without its members is matched only if the fee column makes it the exact sum of one
// day.
func TestADepositIsMatchedOnlyIfItIsExact(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		amount, fee cents.Amount
		hasFee      bool
		want        string
	}{{22000, 400, true, ""}, {22000, 300, true, "grouped_deposit"}, {22400, 0, false, "grouped_deposit"}} {
		book := reconcile.NewBook("bank")
		book.Add(charge(paid("tef-0001", 12400)))
		book.Add(charge(paid("tef-0002", 10000)))
		got := ""
		m := reconcile.NewMatcher(book, reconcile.Options{
			Window: reconcile.DefaultWindow(), Charges: true, From: day(monday) + 1, Until: day(monday) + 9,
			Difference: func(d reconcile.Difference) error { got += string(d.Kind); return nil },
		})
		l := statement.Line{Row: 2, Day: day(monday) + 1, Direction: statement.In, Amount: row.amount, Fee: row.fee, HasFee: row.hasFee, Currency: "CLP", Group: true}
		if err := m.First(l); err != nil {
			t.Fatal(err)
		}
		if err := m.Second(0, l); err != nil {
			t.Fatal(err)
		}
		s, err := m.Finish()
		if err != nil || got != row.want || row.want == "" && s.Matched["CLP"].Count != 2 {
			t.Errorf("%+v: %q, %v", row, got, err)
		}
	}
}

func TestWindowsCountBusinessDays(t *testing.T) {
	t.Parallel()
	a := paid("tef-0001", 1250000)
	for _, c := range []struct {
		done    int // days after Monday
		line    string
		holiday int
		want    bool // within
	}{
		{0, "2026-11-23", 0, true}, {0, "2026-11-26", 0, true}, {0, "2026-11-27", 0, false}, {0, "2026-11-27", 1, true},
		{4, "2026-12-02", 0, true}, {4, "2026-12-03", 0, false}, {5, "2026-12-03", 0, true}, {5, "2026-12-04", 0, false},
	} {
		p := a
		p.Done, p.Sent = p.Done+statement.Day(c.done), p.Sent+statement.Day(c.done)
		got := run(t, ps(p), rs(lineOf(a).with("date", c.line)), func(o *reconcile.Options) {
			if c.holiday > 0 {
				o.Window.Holidays = map[statement.Day]bool{day(monday) + statement.Day(c.holiday): true}
			}
		})
		if (len(got.differences) == 0) != c.want {
			t.Errorf("%+v: %q", c, got.kinds())
		}
	}
}

func TestARecordThatIsReadTwiceIsOnePayment(t *testing.T) {
	t.Parallel()
	a := paid("tef-0001", 1250000)
	if f := run(t, ps(in(a, idempotency.Held), a), rs(lineOf(a)), nil); len(f.differences) > 0 || f.summary.Matched["CLP"].Count != 1 {
		t.Errorf("%q %+v", f.kinds(), f.summary)
	}
}

// planted is what goes wrong in a statement of 100,000 lines, by the kind that must be found.
var planted = map[reconcile.Kind]func(s *story, i int){
	reconcile.AmountDiffers:  func(s *story, i int) { s.rows[i]["amount"] = "1" },
	reconcile.FeeNetted:      func(s *story, i int) { s.rows[i]["amount"], s.rows[i]["fee"] = less(s.rows[i]["amount"], 180), "180" },
	reconcile.UnknownPayment: func(s *story, i int) { s.payments[i].Key.Reference = "" },
	reconcile.NotOnStatement: func(s *story, i int) { s.rows[i] = nil },
	reconcile.PaidTwice:      func(s *story, i int) { s.more = append(s.more, s.rows[i]) },
	reconcile.TwoPaymentsOneLine: func(s *story, i int) {
		p := s.payments[i]
		p.Key.Reference += "-b"
		s.rows[i]["reference"] = ""
		s.payments = append(s.payments, p)
	},
	reconcile.PaidButFailed:      func(s *story, i int) { s.payments[i].State = idempotency.Failed },
	reconcile.ReturnedThere:      func(s *story, i int) { s.more = append(s.more, s.rows[i].with("status", "returned")) },
	reconcile.OutsideWindow:      func(s *story, i int) { s.rows[i]["date"] = "2026-12-15" },
	reconcile.CurrencyDiffers:    func(s *story, i int) { s.rows[i]["currency"] = "MXN" },
	reconcile.BeneficiaryDiffers: func(s *story, i int) { s.rows[i]["document"] = "of somebody else" },
	reconcile.UnreadableLine:     func(s *story, i int) { s.rows[i]["amount"] = "1.2.3"; s.payments[i].State = idempotency.Failed },
}

// story is a ledger and a statement that agree, until something is planted.
type story struct {
	payments []reconcile.Payment
	rows     []row
	more     []row
}

func less(amount string, by int) string {
	n, _ := strconv.Atoi(amount)
	return strconv.Itoa(n - by)
}

// bookOf makes payments, and the statement of what a simulator executed of them.
func bookOf(t *testing.T, n int) *story {
	t.Helper()
	sim := sandbox.NewSimulator("pyt_%06d", sandbox.Options{Now: func() time.Time { return monday.AddDate(0, 0, 1) }})
	s := &story{}
	for i := range n {
		p := paid(fmt.Sprintf("tef-%06d", i), cents.Amount(100*(1000+i)))
		sim.Take(sandbox.Order{Execution: sandbox.Execution{
			Reference: p.Key.Reference, Amount: p.Amount.String(), Currency: "CLP", Beneficiary: "of " + p.Key.Reference,
		}}, sandbox.Behaviour{}, sandbox.Fault{})
		s.payments = append(s.payments, p)
	}
	for i, e := range sim.Executions() {
		s.payments[i].ProviderID = e.ID
		s.rows = append(s.rows, row{
			"date": e.At.Format(time.DateOnly), "reference": e.Reference, "provider_id": e.ID, "amount": e.Amount, "currency": e.Currency,
			"document": e.Beneficiary, "bank_id": strconv.Itoa(e.Seq), "status": "paid",
		})
	}
	return s
}

func TestTwelveKindsAreFoundAmongAHundredThousandLines(t *testing.T) {
	t.Parallel()
	const n, each = 100_000, 3
	s := bookOf(t, n)
	if len(s.rows) != n {
		t.Fatalf("%d executions", len(s.rows))
	}
	wanted, i := map[reconcile.Kind]int{}, 17
	for _, kind := range reconcile.Kinds() {
		plant, ok := planted[kind]
		for range each {
			if ok {
				plant(s, i)
				wanted[kind]++
			}
			i += 2711
		}
	}
	payments := slices.DeleteFunc(s.payments, func(p reconcile.Payment) bool { return p.Key.Reference == "" })
	rows := slices.DeleteFunc(append(s.rows, s.more...), func(r row) bool { return r == nil })
	f := run(t, payments, rows, func(o *reconcile.Options) { o.From = day(monday) })
	got := map[reconcile.Kind]int{}
	for _, d := range f.differences {
		got[d.Kind]++
	}
	if len(wanted) != 12 || !maps.Equal(got, wanted) {
		t.Errorf("found %v, planted %v\n%s", got, wanted, strings.Join(f.kinds(), "\n"))
	}
}

// A deposit without members is of one day, and a day of one deposit.
func TestADayIsOfOneDeposit(t *testing.T) {
	t.Parallel()
	next := charge(paid("tef-0002", 12400))
	next.Done, next.Sent = next.Done+1, next.Sent+1
	for _, row := range []struct {
		does     string
		payments []reconcile.Payment
		deposits int
		matched  int
		grouped  int
	}{
		{"one of each", ps(charge(paid("tef-0001", 12400))), 1, 1, 0},
		{"two days with the same sum", ps(charge(paid("tef-0001", 12400)), next), 1, 0, 1},
		{"two deposits of one day", ps(charge(paid("tef-0001", 12400))), 2, 1, 1},
	} {
		book := reconcile.NewBook("bank")
		for _, p := range row.payments {
			book.Add(p)
		}
		grouped := 0
		m := reconcile.NewMatcher(book, reconcile.Options{
			Window: reconcile.DefaultWindow(), Charges: true, From: day(monday) + 2, Until: day(monday) + 9,
			Difference: func(d reconcile.Difference) error {
				if d.Kind == reconcile.GroupedDeposit {
					grouped++
				}
				return nil
			},
		})
		l := statement.Line{Row: 2, Day: day(monday) + 2, Direction: statement.In, Amount: 12000, Fee: 400, HasFee: true, Currency: "CLP", Group: true}
		for range row.deposits {
			if err := m.First(l); err != nil {
				t.Fatal(err)
			}
		}
		for i := range row.deposits {
			if err := m.Second(i, l); err != nil {
				t.Fatal(err)
			}
		}
		s, err := m.Finish()
		matched := 0
		if s != nil && s.Matched["CLP"] != nil {
			matched = s.Matched["CLP"].Count
		}
		if err != nil || matched != row.matched || grouped != row.grouped {
			t.Errorf("%s: %d matched, %d grouped, %v", row.does, matched, grouped, err)
		}
	}
}
