// Package i18n is what people read in their own language: texts, states, amounts, dates, counts. It
// serves the commands on a terminal and the pages. What programs read (JSON, keys, codes, columns,
// flags, logs) is the same in every language and does not pass through here.
//
// The texts of each part of the product are in one file per language: states_es.go, cli_es.go,
// pages_es.go and so on. A new language is a set of such files and a row in rows; a test names
// every text that it lacks.
package i18n

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"

	"github.com/remesa/remesa/idempotency"
)

// Texts are all texts in one language: a field for each, a function for one with arguments. Every
// string argument is put in as it is, so escaping and cleaning are up to the caller.
type Texts struct {
	Formats Formats
	States  States
	// Fields are those of tasks and subscriptions, by their path.
	Fields   map[string]Field
	CLI      CLI
	Files    Files
	Pages    Pages
	Overview Overview
}

// row is one language.
type row struct {
	name  string
	texts *Texts
	// dates are the layouts of dates (package time) by country, for those countries that have a
	// way of their own to write numbers and dates; the empty one is for all others.
	dates map[string]string
	// signs stand before amounts in these currencies.
	signs map[string]string
	// refusals are the words for what the ledger refuses; nil where its own words do.
	refusals map[idempotency.RefusalReason]refusal
	// help are the texts of the commands' help by the English ones, and phrases those that the
	// program makes elsewhere; nil where the English ones are the texts.
	help    map[string]string
	phrases func() *phrasebook
}

var rows = []row{
	{
		"en", &Texts{formatsEnglish, statesEnglish, fieldsEnglish, cliEnglish, filesEnglish, pagesEnglish, overviewEnglish},
		map[string]string{"": "2006-01-02"}, nil, nil, nil, nil,
	},
	{
		"es", &Texts{formatsSpanish, statesSpanish, fieldsSpanish, cliSpanish, filesSpanish, pagesSpanish, overviewSpanish},
		map[string]string{"": "02-01-2006", "CL": "02-01-2006", "CO": "02/01/2006", "MX": "02/01/2006"},
		// One sign for three pesos: the code behind the amount says which.
		map[string]string{"CLP": "$", "COP": "$", "MXN": "$"},
		refusalsSpanish,
		helpOf(helpSpanish, settingsSpanish, placeholdersSpanish),
		sync.OnceValue(func() *phrasebook {
			return newPhrasebook(parserSpanish, usageSpanish, problemsSpanish, conflictsSpanish, shapesSpanish, settingProblemsSpanish, checkSpanish, machineSpanish, demoSpanish)
		}),
	},
}

// Tag is a language, and the country whose way to write numbers and dates is wanted; empty where
// none is, or none that makes a difference. The zero Tag is English.
type Tag struct{ Language, Country string }

// The languages there are.
var (
	English = Tag{"en", ""}
	Spanish = Tag{"es", ""}
)

// String is the tag as BCP 47 and HTML's lang attribute write it, such as es-CL.
func (t Tag) String() string {
	switch {
	case t.Language == "":
		return English.Language
	case t.Country == "":
		return t.Language
	}
	return t.Language + "-" + t.Country
}

// Locale is how one person is addressed. It is immutable, and cheap to copy. The zero Locale has no
// texts: New makes one.
type Locale struct {
	*Texts
	row  *row
	tag  Tag
	zone *time.Location
}

// New addresses people in a language, with times in a zone; nil is UTC.
//
//	l := i18n.New(i18n.Tag{Language: "es", Country: "CL"}, santiago)
//	l.Money("13160000", "CLP") // "$13.160.000 CLP"
func New(t Tag, zone *time.Location) Locale {
	i := max(0, slices.IndexFunc(rows, func(r row) bool { return r.name == t.Language }))
	r := &rows[i]
	if _, own := r.dates[t.Country]; !own {
		t.Country = ""
	}
	if zone == nil {
		zone = time.UTC
	}
	return Locale{r.texts, r, Tag{r.name, t.Country}, zone}
}

// Tag is the language, with the country if one was asked for and makes a difference.
func (l Locale) Tag() Tag { return l.tag }

// Zone is the zone in which times are written.
func (l Locale) Zone() *time.Location { return l.zone }

// Names are the languages there are, as settings name them.
func Names() []string {
	var names []string
	for _, r := range rows {
		names = append(names, r.name)
	}
	return names
}

var errLanguage = errors.New("must be one of " + strings.Join(Names(), ", ") + ", with a country if you like, such as es-CL")

// Parse reads a setting such as "es", "es-CL" or "es_CL". The error does not repeat the text.
func Parse(text string) (Tag, error) {
	t, err := language.Parse(text)
	if err != nil {
		return Tag{}, errLanguage
	}
	known, ok := supported(t)
	if !ok {
		return Tag{}, errLanguage
	}
	return known, nil
}

// supported is a tag of one of our languages.
func supported(t language.Tag) (Tag, bool) {
	base, _ := t.Base()
	for _, r := range rows {
		if r.name != base.String() {
			continue
		}
		known := Tag{Language: r.name}
		region, confidence := t.Region()
		if _, own := r.dates[region.String()]; own && confidence == language.Exact {
			known.Country = region.String()
		}
		return known, true
	}
	return Tag{}, false
}

// FromEnvironment is the language of a terminal: that of the first of LC_ALL, LC_MESSAGES and LANG
// that is set, as for other commands; English where it is none of ours.
func FromEnvironment(lookup func(name string) (string, bool)) Tag {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		text, _ := lookup(name)
		if text == "" {
			continue
		}
		text, _, _ = strings.Cut(text, ".") // es_CL.UTF-8
		text, _, _ = strings.Cut(text, "@") // es_ES@euro
		t, err := Parse(text)
		if err != nil { // C and POSIX too
			return English
		}
		return t
	}
	return English
}

// longestHeader is more than any browser sends.
const longestHeader = 1 << 10

// FromHeader is the language that a browser's Accept-Language asks for first among ours, or among
// those whose speakers read one of ours; English where there is none.
func FromHeader(accept string) Tag {
	if len(accept) > longestHeader {
		return English
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return English
	}
	var ours []language.Tag
	for _, name := range Names() {
		ours = append(ours, language.Make(name))
	}
	_, i, confidence := language.NewMatcher(ours).Match(wanted...)
	if confidence == language.No {
		return English
	}
	best := Tag{Language: Names()[i]}
	for _, t := range wanted { // the matcher does not say for which of them
		if known, ok := supported(t); ok && known.Language == best.Language {
			return known
		}
	}
	return best
}
