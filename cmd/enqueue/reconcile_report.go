package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/csvcell"
	"github.com/remesa/remesa/internal/reconcile"
	"github.com/remesa/remesa/internal/statement"
)

// reconcileReport prints what reconciliation finds as it finds it, and the sums at the end.
type reconcileReport struct {
	*app
	cmd  *reconcileCmd
	file *statement.File
	name string
	csv  *csv.Writer
	n    int
	// first are the differences that are printed in order at the end, unless there are too many.
	first []reconcile.Difference
	// proposals are few, as somebody must resolve them: they come behind the differences.
	proposals []foundPayment
	// recorder takes what is to be recorded, recorded is what became of it.
	recorder recorder
	recorded []recordedResult
}

func newReconcileReport(a *app, c *reconcileCmd, file *statement.File) *reconcileReport {
	return &reconcileReport{
		app: a, cmd: c, file: file, name: clean(filepath.Base(c.Statement)), csv: csv.NewWriter(a.out), recorder: recorder{flags: &c.Recording},
	}
}

// foundDifference is a difference as --json prints it; fields that say nothing are left out.
type foundDifference struct {
	Kind         reconcile.Kind    `json:"kind"`
	Key          string            `json:"key,omitempty"`
	Keys         []string          `json:"keys,omitempty"`
	State        idempotency.State `json:"state,omitempty"`
	Row          int               `json:"row,omitempty"`
	OtherRow     int               `json:"other_row,omitempty"`
	Date         string            `json:"date,omitempty"`
	LineAmount   string            `json:"line_amount,omitempty"`
	LedgerAmount string            `json:"ledger_amount,omitempty"`
	Currency     string            `json:"currency,omitempty"`
	BankID       string            `json:"bank_id,omitempty"`
	Detail       string            `json:"detail,omitempty"`
}

// foundPayment is a proposal as --json prints it.
type foundPayment struct {
	Key      string            `json:"key"`
	State    idempotency.State `json:"state"`
	Row      int               `json:"row"`
	Date     string            `json:"date"`
	Amount   string            `json:"amount"`
	Currency string            `json:"currency"`
	BankID   string            `json:"bank_id,omitempty"`
}

var reportColumns = []string{"kind", "key", "state", "row", "other_row", "date", "line_amount", "ledger_amount", "currency", "bank_id", "keys", "detail"}

const differenceRow = "%-21s %6s  %-10s  %13s %13s %-3s  %s\n"

// begin prints what comes before the first difference.
func (r *reconcileReport) begin(from, until statement.Day, payments int) {
	head := map[string]any{
		"file": r.name, "sha256": r.file.SHA256, "mapping": r.file.Mapping.Name, "mapping_version": r.file.Mapping.Version,
		"from": from.String(), "to": until.String(), "lines": r.file.Lines, "unreadable": r.file.Unreadable, "balances_add_up": !r.file.Gap,
	}
	switch {
	case r.cmd.JSON:
		r.printf(`{"provider":%s,"statement":%s,"payments":%d,"differences":[`, mustRaw(r.cmd.Provider), mustRaw(head), payments)
	case r.cmd.CSV:
		_ = r.csv.Write(reportColumns) // what cannot be written, the flush at the end tells
	default:
		r.printf("%s: %s, %d lines, %s to %s; %d payments of %s\n", r.name, r.file.Mapping.Title, r.file.Lines, from, until, payments, r.cmd.Provider)
		if r.file.Gap {
			r.printf("The balances do not add up: lines are missing, or the file was cut.\n")
		}
		r.printf("\n"+differenceRow, "DIFFERENCE", "ROW", "DATE", "STATEMENT", "LEDGER", "CUR", "PAYMENT")
	}
}

// mostInOrder is how many differences are put in order; more are printed as they are found.
const mostInOrder = 10_000

func (r *reconcileReport) difference(d reconcile.Difference) error {
	r.recorder.add(d)
	if len(r.first) < mostInOrder && r.n == 0 {
		r.first = append(r.first, d)
		return nil
	}
	if err := r.inOrder(); err != nil {
		return err
	}
	return r.printDifference(d)
}

// inOrder prints the first differences by kind, then by row and key.
func (r *reconcileReport) inOrder() error {
	slices.SortFunc(r.first, func(a, b reconcile.Difference) int {
		kind := cmp.Compare(slices.Index(reconcile.Kinds(), a.Kind), slices.Index(reconcile.Kinds(), b.Kind))
		return cmp.Or(kind, cmp.Compare(a.Row, b.Row), cmp.Compare(a.Key.String(), b.Key.String()))
	})
	first := r.first
	r.first = nil
	for _, d := range first {
		if err := r.printDifference(d); err != nil {
			return err
		}
	}
	return nil
}

func (r *reconcileReport) printDifference(d reconcile.Difference) error {
	f := foundDifference{
		Kind: d.Kind, State: d.State, Row: d.Row, OtherRow: d.OtherRow, Date: d.Day.String(), Currency: d.Currency, BankID: d.BankID, Detail: d.Detail,
	}
	if d.Key != (idempotency.Key{}) {
		f.Key = d.Key.String()
	}
	for _, k := range d.Keys {
		f.Keys = append(f.Keys, k.String())
	}
	if d.Line != 0 {
		f.LineAmount = d.Line.String()
	}
	if d.Ledger != 0 {
		f.LedgerAmount = d.Ledger.String()
	}
	r.n++
	switch {
	case r.cmd.JSON:
		if r.n > 1 {
			r.printf(",")
		}
		r.printf("\n%s", mustRaw(f))
		return nil
	case r.cmd.CSV:
		return r.csv.Write([]string{
			string(f.Kind), f.Key, string(f.State), number(f.Row), number(f.OtherRow), f.Date, f.LineAmount, f.LedgerAmount, f.Currency,
			csvcell.Literal(f.BankID), strings.Join(f.Keys, " "), f.Detail,
		})
	}
	about := f.Key
	if len(f.Keys) > 0 {
		about = strings.Join(f.Keys, " or ")
	}
	r.printf(differenceRow, f.Kind, number(f.Row), f.Date, f.LineAmount, f.LedgerAmount, f.Currency, strings.TrimSpace(about+" "+f.Detail))
	return nil
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (r *reconcileReport) proposal(p reconcile.Proposal) error {
	r.proposals = append(r.proposals, foundPayment{p.Key.String(), p.State, p.Row, p.Day.String(), p.Amount.String(), p.Currency, p.BankID})
	return nil
}

// reconciledSum is a number and a sum as --json prints them.
type reconciledSum struct {
	Currency string `json:"currency"`
	Count    int    `json:"count"`
	Sum      string `json:"sum"`
}

func tallies(by map[string]*reconcile.Tally) []reconciledSum {
	all := []reconciledSum{}
	for _, currency := range slices.Sorted(maps.Keys(by)) {
		all = append(all, reconciledSum{currency, by[currency].Count, by[currency].Sum.String()})
	}
	return all
}

// undisputed are the groups of lines and payments that are no differences.
func undisputed(s *reconcile.Summary) []struct {
	name, says string
	by         map[string]*reconcile.Tally
} {
	return []struct {
		name, says string
		by         map[string]*reconcile.Tally
	}{
		{"matched", "payments agree", s.Matched},
		{"proposals", "payments that nobody resolved are on the statement", s.Proposals},
		{"waiting", "payments may still come: their days are not over", s.Waiting},
		{"held_not_found", "open payments have no line, which proves nothing", s.HeldNotFound},
		{"own", "lines are the bank's own", s.Own},
		{"other", "lines are of other money", s.Other},
		{"skipped", "lines were not executed", s.Skipped},
	}
}

// end prints proposals and sums.
func (r *reconcileReport) end(s *reconcile.Summary) error {
	if err := errors.Join(r.inOrder(), r.propose()); err != nil {
		return err
	}
	switch {
	case r.cmd.JSON:
		r.endJSON(s)
	case r.cmd.CSV:
		for _, p := range r.proposals {
			_ = r.csv.Write([]string{"resolve_as_succeeded", p.Key, string(p.State), number(p.Row), "", p.Date, p.Amount, p.Amount, p.Currency, csvcell.Literal(p.BankID), "", ""})
		}
		if r.csv.Flush(); r.csv.Error() != nil {
			return r.csv.Error()
		}
	default:
		r.endTable(s)
	}
	return r.flush()
}

func (r *reconcileReport) endJSON(s *reconcile.Summary) {
	sums := map[string]any{}
	for _, c := range undisputed(s) {
		sums[c.name] = tallies(c.by)
	}
	differences := map[reconcile.Kind][]reconciledSum{}
	for kind, by := range s.Differences {
		differences[kind] = tallies(by)
	}
	sums["differences"] = differences
	if r.proposals == nil {
		r.proposals = []foundPayment{}
	}
	recorded := ""
	if r.recorded != nil {
		recorded = fmt.Sprintf(",\n\"recorded\":%s", mustRaw(r.recorded))
	}
	r.printf("],\n\"proposals\":%s,\n\"sums\":%s%s}\n", mustRaw(r.proposals), mustRaw(sums), recorded)
}

func (r *reconcileReport) endTable(s *reconcile.Summary) {
	if r.n == 0 {
		r.printf("none\n")
	}
	for _, p := range r.proposals {
		r.printf(differenceRow, "resolve: succeeded", number(p.Row), p.Date, p.Amount, p.Amount, p.Currency, p.Key)
	}
	r.printf("\n")
	for _, kind := range reconcile.Kinds() {
		for _, t := range tallies(s.Differences[kind]) {
			r.printf("%9d  %-3s %18s  %s\n", t.Count, t.Currency, t.Sum, kind)
		}
	}
	for _, c := range undisputed(s) {
		for _, t := range tallies(c.by) {
			r.printf("%9d  %-3s %18s  %s\n", t.Count, t.Currency, t.Sum, c.says)
		}
	}
	for _, one := range r.recorded {
		r.printf("%-9s %s\n", one.Result, strings.TrimSpace(one.Key+" "+one.Error))
	}
	if len(r.proposals) > 0 && r.cmd.Propose == "" {
		r.printf("\nWrite the payments to be resolved into a file with --propose FILE.\n")
	}
}

// propose writes a file for enqueue resolve: a key a line, behind it what goes into the note.
func (r *reconcileReport) propose() error {
	if r.cmd.Propose == "" {
		return nil
	}
	f, err := os.OpenFile(r.cmd.Propose, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return usage("--propose: %w", err)
	}
	out := bufio.NewWriter(f)
	for _, p := range r.proposals {
		_, _ = fmt.Fprintf(out, "%s\t%s\n", p.Key, r.evidence(p.Row, p.BankID)) // the flush tells what cannot be written
	}
	if err := out.Flush(); err != nil {
		_ = f.Close()
		return err
	}
	r.notice("%d payments to resolve: enqueue resolve --file %s --as succeeded --by NAME --note TEXT", len(r.proposals), r.cmd.Propose)
	return f.Close()
}

// evidence says where the statement has a line, for a note: nothing of what stands in it but the
// bank's id.
func (r *reconcileReport) evidence(row int, bankID string) string {
	text := fmt.Sprintf("%s sha256 %s row %d", nameForHistory(r.name), r.file.SHA256, row)
	if bankID = clean(bankID); bankID != "" {
		text += " bank id " + bankID[:min(len(bankID), longestBankID)]
	}
	return text
}

const longestBankID = 64
