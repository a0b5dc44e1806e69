package paymentfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/remesa/remesa/internal/spreadsheet"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/tasks"
)

// Template is a filled example of a file for one provider, which a Reader takes.
type Template struct {
	// Columns explain themselves; Rows are the examples, one for each type of payment.
	Columns []TemplateColumn
	Rows    [][]string
	// Lines are the same payments as JSON.
	Lines    []string
	words    TemplateWords
	provider string
}

// TemplateColumn is one column.
type TemplateColumn struct {
	// Name is in the header, Path the field's, or that of the first of its fields.
	Name, Path string
	Required   bool
	// Text says what to write.
	Text string
}

// TemplateWords are the words of a template in one language.
type TemplateWords struct {
	// Spanish heads the columns in Spanish, with semicolons between them, as spreadsheets in Chile
	// want it; else the fields' own names do, with commas.
	Spanish bool
	// Required and Optional begin an explanation. Texts are the explanations by path; a field
	// without one has its rule's text.
	Required, Optional string
	Texts              map[string]string
	// Sheet and HelpSheet are the sheets of a workbook, Help the header of the second.
	Sheet, HelpSheet string
	Help             []string
}

// ErrNoProvider: there is no such provider.
var ErrNoProvider = errors.New("no such provider")

// NewTemplate makes the template of a provider.
func NewTemplate(provider string, w TemplateWords) (Template, error) {
	p, ok := catalog.Find(provider)
	if !ok {
		return Template{}, ErrNoProvider
	}
	t := Template{words: w, provider: provider}
	mixed := len(p.Payments) > 1
	if mixed {
		t.column("type", payout, mixed)
	}
	t.column("provider", payout, mixed)
	for _, payments := range p.Payments {
		for _, s := range payments.Sample {
			t.column(s.Path, string(payments.Type), mixed)
		}
	}
	for _, payments := range p.Payments {
		cells := map[string]string{"type": string(payments.Type), "provider": provider}
		for _, s := range payments.Sample {
			cells[s.Path] = s.Text
		}
		line := tasks.ReadCells(0, cells)
		if line.Err != nil {
			return Template{}, fmt.Errorf("the sample of %s: %w", provider, line.Err)
		}
		t.Lines = append(t.Lines, string(line.Task.Payload()))
		row := make([]string, len(t.Columns))
		for path, text := range cells {
			if i := t.find(t.nameOf(path, string(payments.Type), mixed)); i >= 0 {
				row[i] = t.value(path, text)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	t.explain()
	return t, nil
}

// column adds a column, once.
func (t *Template) column(path, kind string, mixed bool) {
	if name := t.nameOf(path, kind, mixed); t.find(name) < 0 {
		t.Columns = append(t.Columns, TemplateColumn{Name: name, Path: path})
	}
}

func (t *Template) find(name string) int {
	return slices.IndexFunc(t.Columns, func(c TemplateColumn) bool { return c.Name == name })
}

// people are the words for whoever is paid, and for whoever pays.
var people = map[string]string{payout: " beneficiario", charge: " pagador"}

// nameOf heads a column. A file of both types has one column for those who are paid and who pay.
func (t *Template) nameOf(path, kind string, mixed bool) string {
	if !t.words.Spanish {
		return path
	}
	label, person := labelOf(path, kind)
	switch {
	case strings.HasSuffix(path, ".document") && !t.rut(path, kind):
		return "Número de identificación"
	case person && !mixed:
		return label + people[kind]
	}
	return label
}

// labelOf is the word for a field, and whether it may say whose it is.
func labelOf(path, kind string) (label string, person bool) {
	switch path {
	case "customer.first_names":
		return "Nombres", false
	case "customer.last_names":
		return "Apellidos", false
	}
	for _, m := range meanings {
		if m.path == path || m.byType[kind] == path {
			return m.label, strings.HasSuffix(path, ".document") || strings.HasSuffix(path, ".name")
		}
	}
	return path, false
}

// rut reports whether the provider wants a RUT for a document.
func (t *Template) rut(path, kind string) bool {
	return slices.ContainsFunc(tasks.Table(t.provider, kind), func(f fields.Field) bool { return f.Path == path && f.Canonical != nil })
}

// spanishValues are the values of fields as people write them.
var spanishValues = map[string]map[string]string{
	"type":                   {payout: "pago", charge: "cobro"},
	"customer.document_type": {"1": "CC", "2": "CE", "3": "pasaporte"},
}

func (t *Template) value(path, text string) string {
	if word := spanishValues[path][text]; word != "" && t.words.Spanish {
		return word
	}
	return text
}

// explain says of each column whether it must be filled, and with what.
func (t *Template) explain() {
	p, _ := catalog.Find(t.provider)
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Text = t.words.Texts[c.Path]
		for _, payments := range p.Payments {
			for _, f := range tasks.Table(t.provider, string(payments.Type)) {
				if f.Path != c.Path {
					continue
				}
				c.Required = f.Required
				if c.Text == "" {
					c.Text = rule(f)
				}
			}
		}
		if c.Text == "" {
			c.Text = c.Path
		}
	}
}

// rule is what a field must be, in the words of its table.
func rule(f fields.Field) string {
	switch f.Kind {
	case fields.Integer:
		return fmt.Sprintf("must be a whole number from %d to %d", f.Low, f.High)
	case fields.Boolean:
		return "must be true or false"
	default:
		return f.Problem
	}
}

// Explanation is what stands under a column's name.
func (t Template) Explanation(c TemplateColumn) string {
	if c.Required {
		return t.words.Required + ": " + c.Text
	}
	return t.words.Optional + ": " + c.Text
}

func (t Template) header() []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names
}

// WriteCSV writes the template as spreadsheets open it with a double click: UTF-8 with a byte order
// mark, and below the header a row that begins with # and explains each column.
func (t Template) WriteCSV(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if t.words.Spanish {
		out.Comma = ';'
	}
	var explained []string
	for _, c := range t.Columns {
		explained = append(explained, t.Explanation(c))
	}
	explained[0] = "# " + explained[0]
	return out.WriteAll(append([][]string{t.header(), explained}, t.Rows...))
}

// WriteWorkbook writes the template as a workbook, with a second sheet that explains each column.
func (t Template) WriteWorkbook(w io.Writer) error {
	help := [][]string{t.words.Help}
	var widths []int
	for _, c := range t.Columns {
		required := t.words.Optional
		if c.Required {
			required = t.words.Required
		}
		help = append(help, []string{c.Name, c.Path, required, c.Text})
		widths = append(widths, max(16, len([]rune(c.Name))+4))
	}
	return spreadsheet.WriteWorkbook(w,
		spreadsheet.Sheet{Name: t.words.Sheet, Rows: append([][]string{t.header()}, t.Rows...), Widths: widths},
		spreadsheet.Sheet{Name: t.words.HelpSheet, Rows: help, Widths: []int{28, 28, 14, 80}})
}
