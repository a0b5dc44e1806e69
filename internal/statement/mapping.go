// Package statement reads what banks and providers say about money: files with a line for each
// movement, in the layout of whoever made them. A mapping says what the columns of one layout mean;
// a file is recognised by the words of its header, and refused where no mapping knows them.
package statement

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/spreadsheet"
)

// Mapping is one layout of statements. Its texts are compared as spreadsheet.Fold writes them.
type Mapping struct {
	// Name is the mapping's, such as bci-cl; Title is for people.
	Name  string `json:"name"`
	Title string `json:"title"`
	// Version is the date on which the layout was last looked at. Assumed: no public page shows it.
	Version string `json:"version"`
	Assumed bool   `json:"assumed,omitempty"`
	// Kind is bank, whose lines go in or out of an account, or report, whose lines are payments.
	Kind string `json:"kind"`
	// Provider is the only one whose report it can be; empty for any.
	Provider string `json:"provider,omitempty"`
	// Currency of lines without a currency column; empty for that of the provider's payments.
	Currency string `json:"currency,omitempty"`
	// Locale of amounts: es-CL, es-CO, es-MX; empty for a point before decimals and no groups.
	Locale spreadsheet.Locale `json:"locale,omitempty"`
	// Zone of dates and of times without an offset.
	Zone string `json:"zone"`
	// Dates are layouts of Go's package time; one of them must read every date of a file.
	Dates []string `json:"dates"`
	// Columns are the words of the header, by field; see Fields.
	Columns map[string][]string `json:"columns"`
	// Optional are fields whose column may be missing; Ignore are columns that mean nothing here.
	Optional []string `json:"optional,omitempty"`
	Ignore   []string `json:"ignore,omitempty"`
	// Signs are the texts of the sign column that mean money out, and in.
	SignOut []string `json:"sign_out,omitempty"`
	SignIn  []string `json:"sign_in,omitempty"`
	// Paid, Returned and Skip are the texts of a report's status column: what was executed, what
	// was executed and came back, and what was not executed.
	Paid     []string `json:"paid,omitempty"`
	Returned []string `json:"returned,omitempty"`
	Skip     []string `json:"skip,omitempty"`
	// OwnWords are words of descriptions of the bank's own movements, such as its fees; GroupWords
	// those of deposits of many payments at once. EndWords begin a row behind the last line.
	OwnWords   []string `json:"own_words,omitempty"`
	GroupWords []string `json:"group_words,omitempty"`
	EndWords   []string `json:"end_words,omitempty"`

	zone *time.Location
}

// Fields are what a column may mean.
func Fields() []string {
	return []string{
		"date", "description", "reference", "provider_id", "bank_id", "amount", "sign", "in", "out", "fee", "currency", "balance",
		"document", "bank", "account", "beneficiary", "status", "members",
	}
}

//go:embed mappings/*.json
var embedded embed.FS

// Mappings are those that remesa brings along, by name.
func Mappings() ([]Mapping, error) {
	names, err := embedded.ReadDir("mappings")
	if err != nil {
		return nil, err
	}
	var all []Mapping
	for _, n := range names {
		text, err := embedded.ReadFile(path.Join("mappings", n.Name()))
		if err != nil {
			return nil, err
		}
		m, err := ParseMapping(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name(), err)
		}
		all = append(all, m)
	}
	return all, nil
}

// ParseMapping reads a mapping. The error names the field that is wrong.
func ParseMapping(text []byte) (Mapping, error) {
	var m Mapping
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("not a mapping: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return m, errors.New("not a mapping: something stands behind it")
	}
	return m, m.complete()
}

func (m *Mapping) complete() (err error) {
	if m.zone, err = time.LoadLocation(m.Zone); err != nil || m.Zone == "" {
		return errors.New("zone: not a time zone such as America/Santiago")
	}
	both := len(m.Columns["in"]) > 0 && len(m.Columns["out"]) > 0
	switch one := len(m.Columns["amount"]) > 0; {
	case m.Name == "":
		return errors.New("name: required")
	case m.Kind != "bank" && m.Kind != "report":
		return errors.New("kind: must be bank or report")
	case len(m.Columns["date"]) == 0 || len(m.Dates) == 0:
		return errors.New("columns and dates: a date is required")
	case one == both:
		return errors.New("columns: either amount, or both in and out")
	case !slices.Contains([]spreadsheet.Locale{"", spreadsheet.Chile, spreadsheet.Colombia, spreadsheet.Mexico, spreadsheet.DecimalComma}, m.Locale):
		return errors.New("locale: must be es-CL, es-CO, es-MX or decimal-comma")
	}
	for field := range m.Columns {
		if !slices.Contains(Fields(), field) {
			return fmt.Errorf("columns: %s is no field; the nearest is %s", field, spreadsheet.Nearest(field, Fields()))
		}
	}
	for _, list := range []*[]string{&m.Ignore, &m.SignOut, &m.SignIn, &m.Paid, &m.Returned, &m.Skip, &m.OwnWords, &m.GroupWords, &m.EndWords} {
		*list = folded(*list)
	}
	for field, words := range m.Columns {
		m.Columns[field] = folded(words)
	}
	return nil
}

func folded(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = spreadsheet.Fold(w)
	}
	return out
}

// Location is the zone of dates.
func (m *Mapping) Location() *time.Location { return m.zone }

// knows reports whether a cell is a word of the header.
func (m *Mapping) knows(cell string) bool {
	cell = spreadsheet.Fold(cell)
	for _, words := range m.Columns {
		if slices.Contains(words, cell) {
			return true
		}
	}
	return slices.Contains(m.Ignore, cell)
}

// header finds the columns of a header row. known is how many of its cells the mapping knows,
// unknown the first that it does not; fits says whether the row is this layout's header.
func (m *Mapping) header(cells []string) (at map[string]int, known int, unknown string, fits bool) {
	at = map[string]int{}
	twice := false
	for i, cell := range cells {
		word := spreadsheet.Fold(cell)
		if word == "" {
			continue
		}
		field := m.field(word)
		switch _, has := at[field]; {
		case field == "" && !slices.Contains(m.Ignore, word):
			unknown = strings.TrimSpace(cell)
			continue
		case field != "" && has:
			twice = true
		case field != "":
			at[field] = i
		}
		known++
	}
	fits = unknown == "" && !twice
	for field := range m.Columns {
		if _, has := at[field]; !has && !slices.Contains(m.Optional, field) {
			fits = false
		}
	}
	return at, known, unknown, fits
}

func (m *Mapping) field(word string) string {
	for field, words := range m.Columns {
		if slices.Contains(words, word) {
			return field
		}
	}
	return ""
}
