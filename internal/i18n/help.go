package i18n

import "maps"

// HelpWords are the words of the help that stand in none of its texts.
type HelpWords struct {
	// Usage stands before the first line, Flags and Command in it.
	Usage, FlagsPlace, CommandPlace string
	// Arguments, Flags, Commands and Examples are titles.
	Arguments, Flags, Commands, Examples string
	// More is the last line; command is what to type.
	More func(command string) string
	// See stands behind an error of a command line; command is what to type.
	See func(command string) string
	// ProviderSettings is behind the settings; command is what to type.
	ProviderSettings func(command string) string
	// NoSection says which sections there are.
	NoSection func(sections string) string
}

// Help is a text of the commands' help, by the English one that stands beside the command or flag,
// or a word that stands there for a value; false where no words are known for it. In English it is
// the text itself.
func (l Locale) Help(english string) (string, bool) {
	if l.row.help == nil {
		return english, true
	}
	text, known := l.row.help[english]
	return text, known
}

// helpOf are the texts of the help in one language.
func helpOf(parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}
