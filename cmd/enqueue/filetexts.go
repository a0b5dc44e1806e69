package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/paymentfile"
	"github.com/remesa/remesa/internal/spreadsheet"
	"github.com/remesa/remesa/tasks"
)

// fileWords tells people about a table, in their language.
type fileWords struct{ i18n.Locale }

// problem is what is wrong with a file or a row.
func (w fileWords) problem(p paymentfile.Problem) string {
	if text := w.headerProblem(p); text != "" {
		return w.Files.Header(text)
	}
	row, text := strconv.Itoa(p.Row), w.rowProblem(p)
	switch {
	case text == "" && p.Column == "":
		return w.Files.Row(row, strings.TrimPrefix(p.Path+": "+w.Say(p.Text), "line: "))
	case text == "":
		text = w.Say(p.Text)
	case p.Column == "":
		return w.Files.Row(row, text)
	}
	return w.Files.Cell(row, p.Column, text)
}

func (w fileWords) rowProblem(p paymentfile.Problem) string {
	words := w.Files.Problem
	if p.Fault == paymentfile.UnknownBank {
		return words.UnknownBank(p.Near)
	}
	return map[paymentfile.Fault]string{
		paymentfile.AmountUnclear: words.AmountUnclear, paymentfile.AmountNegative: words.AmountNegative, paymentfile.AmountForm: words.AmountForm,
		paymentfile.Shortened: words.Shortened, paymentfile.NumberCell: words.NumberCell, paymentfile.FailedCell: words.FailedCell,
		paymentfile.NoCheckDigit: words.NoCheckDigit, paymentfile.OtherCheckDigit: words.OtherCheckDigit, paymentfile.TotalRow: words.TotalRow,
		paymentfile.NamelessCell: words.NamelessCell, paymentfile.CodeOfOthers: words.DocumentType,
	}[p.Fault]
}

func (w fileWords) headerProblem(p paymentfile.Problem) string {
	words, without := w.Files.Heading, fmt.Sprintf("--map %q", p.Column+"=-")
	switch p.Fault {
	case paymentfile.NoHeader:
		if p.Row > 0 {
			return words.Below(strconv.Itoa(p.Row))
		}
		return words.None
	case paymentfile.UnknownColumn:
		return words.Unknown(p.Column, p.Near)
	case paymentfile.TwoColumns:
		return words.Twice(p.Column, p.Other, p.Path)
	case paymentfile.FundingColumn:
		return words.Funding(p.Column, without)
	case paymentfile.CardColumn:
		return words.Cards
	case paymentfile.MapOnlyColumn:
		return words.ByMapOnly(p.Column, fmt.Sprintf("--map %q", p.Column+"=metadata.note"), without)
	case paymentfile.UnusedMap:
		return words.UnusedMapping(p.Column)
	default:
		return ""
	}
}

// unreadable is what is wrong with a file that is no table, with the line where one is named.
func (w fileWords) unreadable(err error) string {
	words, text := w.Files.Read, err.Error()
	for _, known := range []struct {
		err  error
		text string
	}{
		{spreadsheet.ErrCharset, words.Charset}, {spreadsheet.ErrSeparator, words.Separators}, {spreadsheet.ErrNoSeparator, words.NoSeparator},
		{spreadsheet.ErrTooLarge, words.TooLarge}, {spreadsheet.ErrWorkbook, words.NoWorkbook},
	} {
		if errors.Is(err, known.err) {
			return strings.Replace(text, known.err.Error(), known.text, 1)
		}
	}
	return text
}

// row is what a person is told of a row; of a program's only what a person would do about it.
func (w fileWords) row(line tasks.Line, r intake.Result, program bool) string {
	row, first := strconv.Itoa(line.Number), strconv.Itoa(r.First)
	words, amount := w.Files.Problem, strings.HasPrefix(r.Error, "amount")
	switch {
	case r.Result == intake.Invalid:
		p, ok := paymentfile.ProblemOf(line)
		if ok && (!program || p.Fault == paymentfile.AmountUnclear) {
			return w.problem(p)
		}
	case program:
	case r.Result == string(tasks.Duplicate) && r.First > 0:
		return words.Twice(row, first)
	case r.Result != string(tasks.Conflict):
	case r.First > 0 && amount:
		return words.TwiceOtherAmount(row, first)
	case r.First > 0:
		return words.TwiceOtherContent(row, first)
	case amount:
		return words.ConflictAmount(row)
	default:
		return words.ConflictContent(row)
	}
	return ""
}

// notes are what was done to read a file. A file in the charset and with the separator of programs
// is not worth a word.
func (w fileWords) notes(n paymentfile.Notes) []string {
	words := w.Files.Read
	var all []string
	for _, p := range n.Unknown {
		all = append(all, w.problem(p))
	}
	header := strconv.Itoa(n.HeaderRow)
	switch {
	case n.Sheet != "":
		all = append(all, words.Sheet(n.Sheet, header, countOf(w.Locale, n.Rows)))
	case n.Charset != "" && !plainText(n):
		all = append(all, words.Text(w.charset(n), w.separator(n.Separator), header, countOf(w.Locale, n.Rows)))
	}
	if len(n.Others) > 0 {
		all = append(all, words.OtherSheets(strings.Join(n.Others, ", ")))
	}
	for _, of := range []struct {
		n    int
		text func(i18n.Number) string
	}{
		{n.EmptyRows, words.EmptyRows}, {n.CommentRows, words.Comments}, {n.HiddenRows, words.HiddenRows},
		{n.ShortCodes, words.ShortCodes}, {n.Apostrophes, words.Apostrophes},
	} {
		if of.n > 0 {
			all = append(all, of.text(countOf(w.Locale, of.n)))
		}
	}
	for _, note := range n.Banks {
		all = append(all, map[string]string{"security": words.Security}[note])
	}
	if n.Open {
		all = append(all, words.Open)
	}
	return all
}

func plainText(n paymentfile.Notes) bool {
	return n.Separator == ',' && !n.Told && (n.Charset == spreadsheet.UTF8 || n.Charset == spreadsheet.UTF8BOM)
}

func (w fileWords) charset(n paymentfile.Notes) string {
	name := string(n.Charset)
	if n.Charset == spreadsheet.UTF8BOM {
		name = w.Files.Read.ByteOrderMark
	}
	if n.Told {
		name += w.Files.Read.ToldBySep
	}
	return name
}

func (w fileWords) separator(b byte) string {
	if b == '\t' {
		return w.Files.Read.Tab
	}
	return w.Files.Read.Separator(string(rune(b)))
}

// template are the words of a template.
func (w fileWords) template() paymentfile.TemplateWords {
	t := w.Files.Template
	return paymentfile.TemplateWords{
		Spanish: w.Tag().Language == i18n.Spanish.Language, Required: t.Required, Optional: t.Optional, Texts: t.Texts,
		Sheet: t.Sheet, HelpSheet: t.HelpSheet, Help: []string{t.Column, t.Field, t.Need, t.Write},
	}
}
