package i18n

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Say is what the program says in English, such as an error, in the locale's language: line by
// line, and of a line such as "REMESA_LEASE: must be …" what stands behind its names. A line for
// which no words are known stays as it is, so a text that is in the language already does.
func (l Locale) Say(english string) string {
	if l.row.phrases == nil {
		return english
	}
	lines := strings.Split(english, "\n")
	for i, line := range lines {
		lines[i] = l.row.phrases().part(line)
	}
	return strings.Join(lines, "\n")
}

// Phrase is a text that the program makes in English in the locale's language; false where no words
// are known for it. In English it is the text itself.
func (l Locale) Phrase(english string) (string, bool) {
	if l.row.phrases == nil {
		return english, true
	}
	return l.row.phrases().say(english)
}

// phrasebook has texts of one language by the English ones. In both %s stands for what only the
// program knows: a name, a number, a part that is a phrase itself.
type phrasebook struct {
	whole    map[string]string
	patterns []phrase
}

type phrase struct {
	english *regexp.Regexp
	own     string
	literal int
}

func newPhrasebook(parts ...map[string]string) *phrasebook {
	b := &phrasebook{whole: map[string]string{}}
	for _, part := range parts {
		for english, own := range part {
			if !strings.Contains(english, "%s") {
				b.whole[english] = own
				continue
			}
			pattern := strings.NewReplacer("%s", "(.+?)", "%%", "%").Replace(regexp.QuoteMeta(english))
			b.patterns = append(b.patterns, phrase{regexp.MustCompile("^" + pattern + "$"), own, len(english) - 2*strings.Count(english, "%s")})
		}
	}
	slices.SortFunc(b.patterns, func(x, y phrase) int { // what says most is tried first
		return cmp.Or(y.literal-x.literal, strings.Compare(x.english.String(), y.english.String()))
	})
	return b
}

func (b *phrasebook) say(text string) (string, bool) {
	if own, known := b.whole[text]; known {
		return own, true
	}
	for _, p := range b.patterns {
		found := p.english.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		parts := make([]any, len(found)-1)
		for i, part := range found[1:] {
			parts[i] = b.part(part)
		}
		return fmt.Sprintf(p.own, parts...), true
	}
	return "", false
}

// line is a line, or what stands behind the names at its beginning, or before its semicolon.
func (b *phrasebook) line(english string) (string, bool) {
	text := strings.TrimLeft(english, " ")
	indent := english[:len(english)-len(text)]
	if own, known := b.say(text); known {
		return indent + own, true
	}
	if first, rest, two := strings.Cut(text, "; "); two {
		if own, known := b.line(first); known {
			return indent + own + "; " + b.part(rest), true
		}
	}
	name, rest, named := strings.Cut(text, ": ")
	if !named {
		return "", false
	}
	own, known := b.line(rest)
	if !known {
		return "", false
	}
	return indent + b.part(name) + ": " + own, true
}

// part is a line in the language, or as it is where no words are known for it.
func (b *phrasebook) part(text string) string {
	if own, known := b.line(text); known {
		return own
	}
	return text
}
