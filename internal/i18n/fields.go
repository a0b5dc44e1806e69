package i18n

import "regexp"

// Field is a field of a task or a subscription in words.
type Field struct {
	// Name is what people call it, in the singular and without an article.
	Name string
	// Must says what it must be, for every provider: whoever left it out, or wrote something else,
	// reads it.
	Must string
}

// elementOfList is what a path says of a place in a list.
var elementOfList = regexp.MustCompile(`\[[0-9]+\]`)

// Field is a field's words by its path, such as "recipient.document" or "details.dtes[2]"; false
// where nothing is known of it.
func (l Locale) Field(path string) (Field, bool) { return fieldAt(l.Fields, path) }

func fieldAt(all map[string]Field, path string) (Field, bool) {
	f, ok := all[elementOfList.ReplaceAllString(path, "")]
	return f, ok
}
