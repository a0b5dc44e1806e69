package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/reconcile"
)

// recordFlags put differences on payments, as anomalies.
type recordFlags struct {
	Record  bool         `help:"Put each difference that is of one payment on that payment, as an anomaly. They are first counted: see --confirm-count."`
	Kind    []string     `placeholder:"KIND" help:"With --record: only differences of this kind, such as amount_differs; may be repeated."`
	Confirm confirmFlags `embed:""`
	By      string       `placeholder:"NAME" help:"With --record: who decides this; kept in the history (a claim, not a proof)."`
	Note    string       `placeholder:"TEXT" help:"With --record: why; kept in the history."`
}

// Validate wants name and note, and nothing of it without --record.
func (f *recordFlags) Validate() error {
	if !f.Record {
		if f.By != "" || f.Note != "" || len(f.Kind) > 0 || f.Confirm.given() {
			return usage("--by, --note, --kind, --confirm-count and --confirm-sum go with --record")
		}
		return nil
	}
	for _, k := range f.Kind {
		if !slices.Contains(reconcile.Kinds(), reconcile.Kind(k)) {
			return usage("--kind: must be one of %s", strings.Join(kindNames(), ", "))
		}
	}
	if err := f.Confirm.validate(); err != nil {
		return err
	}
	return f.actor().Validate()
}

func (f *recordFlags) actor() actorFlags { return actorFlags{f.By, f.Note} }

func kindNames() []string {
	var names []string
	for _, k := range reconcile.Kinds() {
		names = append(names, string(k))
	}
	return names
}

// mostRecorded bounds what is recorded at once, and kept in memory: a statement from which more
// payments differ is the wrong one, or is read wrongly.
const mostRecorded = 100_000

// differing is a payment from which the statement differs.
type differing struct {
	key     idempotency.Key
	version int64
	found   []string
	sum     idempotency.Record // amount and currency
}

// recorder collects the differences that are to be recorded.
type recorder struct {
	flags    *recordFlags
	payments []differing
	// ofNone counts differences that are of no one payment, or of a line without any.
	ofNone int
	tooFew bool
}

// add takes a difference. Those of one payment come one after the other.
func (c *recorder) add(d reconcile.Difference) {
	if !c.flags.Record || len(c.flags.Kind) > 0 && !slices.Contains(c.flags.Kind, string(d.Kind)) {
		return
	}
	if d.Key == (idempotency.Key{}) {
		c.ofNone++
		return
	}
	found := string(d.Kind)
	if d.Row > 0 {
		found += fmt.Sprintf(" row %d", d.Row)
	}
	if last := len(c.payments) - 1; last >= 0 && c.payments[last].key == d.Key {
		c.payments[last].found = append(c.payments[last].found, found)
		return
	}
	if c.tooFew = c.tooFew || len(c.payments) == mostRecorded; c.tooFew {
		return
	}
	amount := idempotency.Record{Amount: d.Ledger.String(), Currency: d.LedgerCurrency}
	c.payments = append(c.payments, differing{d.Key, d.Version, []string{found}, amount})
}

// recordedResult is what became of a payment from which the statement differs, as --json prints it:
// recorded, known (on record or cleared before), or refused.
type recordedResult struct {
	Key    string            `json:"key"`
	State  idempotency.State `json:"state,omitempty"`
	Result string            `json:"result"`
	Error  string            `json:"error,omitempty"`
}

// record puts the differences on their payments, each in the version that was compared, if count
// and sums are those that were repeated. It returns what it did.
func (c *recorder) record(a *app, file, hash string) ([]recordedResult, error) {
	if !c.flags.Record {
		return nil, nil
	}
	if c.ofNone > 0 {
		a.say(a.text.CLI.Reconcile.OnlyReported(countOf(a.text, c.ofNone)))
	}
	if c.tooFew {
		a.say(a.text.CLI.Reconcile.TooMany(countOf(a.text, mostRecorded)))
		return nil, nil
	}
	sums := map[string]*sum{}
	for _, p := range c.payments {
		addTo(sums, p.sum)
	}
	if !c.flags.Confirm.confirmed(len(c.payments), sums) {
		c.flags.Confirm.explain(a, a.text.CLI.Reconcile.NoneDiffers, a.text.CLI.Reconcile.RepeatDiffering, len(c.payments), sums)
		return nil, nil
	}
	var results []recordedResult
	for _, p := range c.payments {
		d := idempotency.StatementDifference{Actor: c.flags.actor().actor(), Found: p.found, SHA256: hash, File: nameForHistory(file)}
		t, err := a.ledger.RecordDifference(a.ctx, p.key, p.version, d)
		if err != nil && !expected(err) {
			return results, a.failed(err)
		}
		results = append(results, resultOf(a, p.key, t, err))
	}
	return results, nil
}

func resultOf(a *app, k idempotency.Key, t idempotency.Transition, err error) recordedResult {
	switch {
	case err != nil:
		return recordedResult{Key: k.String(), Result: "refused", Error: a.describe(err)}
	case t.Applied:
		return recordedResult{Key: k.String(), State: t.State, Result: "recorded"}
	}
	return recordedResult{Key: k.String(), State: t.State, Result: "known"}
}

// longestFileName is what the history keeps of a statement's name.
const longestFileName = 80

var digits = regexp.MustCompile(`[0-9]+`)

// nameForHistory is a statement's name without what may be an account's number: more than six
// digits in a row that are no date. The statement's hash tells which one it was.
func nameForHistory(name string) string {
	name = digits.ReplaceAllStringFunc(clean(name), func(number string) string {
		if len(number) <= 6 || isDate(number) {
			return number
		}
		return "…" + number[len(number)-2:]
	})
	if len(name) > longestFileName {
		name = strings.ToValidUTF8(name[:longestFileName], "")
	}
	return cmp.Or(name, "statement")
}

// isDate reports whether eight digits are a date of this century.
func isDate(number string) bool {
	for _, layout := range []string{"20060102", "02012006"} {
		if t, err := time.Parse(layout, number); err == nil && t.Year() >= 2000 && t.Year() < 2100 {
			return true
		}
	}
	return false
}
