// Package docstest reads the command lines that the pages of this project show, so that each
// command tests those that are its own.
package docstest

import (
	"crypto/ed25519"
	"encoding/base64"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers/catalog"
)

// Line is a command line of a page.
type Line struct {
	// Where is the page, and Text the line as it stands there.
	Where, Text string
	// Words are the arguments, placeholders replaced; the command's name is not among them.
	Words []string
	// Whole lines stand in a block that is typed as it is; others, in the middle of a sentence, may
	// lack what must be given.
	Whole bool
}

// Check parses each line of the pages below root that begins with command. Parse is the command's
// own: it prints nothing, and its error says what is wrong with the words.
func Check(t testing.TB, root, command string, parse func(words []string) error) {
	t.Helper()
	lines := Lines(t, root, command)
	if len(lines) < leastLines {
		t.Errorf("only %d lines begin with %s", len(lines), command)
	}
	for _, line := range lines {
		err := parse(line.Words)
		if err != nil && !line.Whole && strings.Contains(err.Error(), "--by and --note") {
			err = parse(append(line.Words, "--by=ana", "--note=ticket 4711"))
		}
		if err != nil && !missingFile(err) && (line.Whole || !unfinished(err)) {
			t.Errorf("%s: %s: %v", line.Where, line.Text, err)
		}
	}
}

// leastLines is what each command has by far: fewer are a fault of the reader's.
const leastLines = 30

// missingFile reports whether all is right but for a file that only a reader of the page has.
func missingFile(err error) bool { return strings.Contains(err.Error(), "no such file") }

// unfinished reports whether the parser of a command missed something, and found nothing wrong in
// what is there.
func unfinished(err error) bool {
	return incomplete.MatchString(err.Error())
}

var (
	fence  = regexp.MustCompile("(?ms)^([ \t]*)```([a-z]*)\n(.*?)^[ \t]*```")
	inline = regexp.MustCompile("`([^`\n]+)`")
)

// Lines are the command lines of every page below root that begin with command, in the order of
// the pages. The changelog is left out: it speaks of what was.
func Lines(t testing.TB, root, command string) []Line {
	t.Helper()
	var lines []Line
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (slices.Contains([]string{".git", ".bin", "dist"}, name) || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".md" || name == "CHANGELOG.md":
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		for _, line := range Page(string(text), command) {
			line.Where = name
			lines = append(lines, line)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Page are the lines of one page: those of its blocks in sh, and what its sentences quote. A line
// with alternatives (--as succeeded|failed) is one line for each.
func Page(text, command string) []Line {
	var lines []Line
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		if block[2] == "sh" {
			for _, words := range commands(block[3], command) {
				lines = append(lines, Line{Text: strings.Join(words, " "), Words: filled(words[1:]), Whole: true})
			}
		}
	}
	for _, quote := range inline.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		if !strings.HasPrefix(strings.TrimPrefix(quote[1], "go run ./cmd/"), command+" ") {
			continue
		}
		for _, words := range commands(notation.Replace(quote[1]), command) {
			for _, one := range alternatives(words[1:]) {
				lines = append(lines, Line{Text: quote[1], Words: filled(one)})
			}
		}
	}
	return lines
}

// notation is how pages write what may be left out, repeated, or chosen; a bar that separates
// choices is kept from the shell's eyes.
var notation = strings.NewReplacer(`"…"`, `"…"`, "[", "", "]", "", "\\|", choice, "|", choice, ",…", "", "…", "")

const choice = "\x00"

// alternatives are the lines that a line with choices stands for: the first of each choice, the
// second of each, and so on.
func alternatives(words []string) [][]string {
	most := 1
	for _, w := range words {
		most = max(most, strings.Count(w, choice)+1)
	}
	var all [][]string
	for i := range most {
		line := make([]string, 0, len(words))
		for _, w := range words {
			choices := strings.Split(w, choice)
			line = append(line, choices[min(i, len(choices)-1)])
		}
		all = append(all, line)
	}
	return all
}

// placeholders returns what pages write for a value that a command checks, in English and Spanish,
// each with a valid value.
func placeholders() map[string]string {
	provider := catalog.Names()[0]
	key := provider + "/tef-0001"
	return map[string]string{
		"KEY": key, "CLAVE": key,
		"P": provider, "PROVIDER": provider, "PROVEEDOR": provider,
		"S": "held", "STATE": "held", "ESTADO": "held",
		"N": "1", "CUR=AMOUNT": "CLP=1", "MONEDA=SUMA": "CLP=1", "A": "1", "AMOUNT": "1",
		"WHEN": "24h", "DATE": "2026-11-26", "TIME OF THE BACKUP": "2026-05-12T03:00:00Z", "SCOPE": "read",
		"PUBLIC_KEY": base64.StdEncoding.EncodeToString(make([]byte, ed25519.PublicKeySize)),
	}
}

// filled has values in the place of placeholders and of the shell's variables.
func filled(words []string) []string {
	line, values := make([]string, 0, len(words)), placeholders()
	for _, w := range words {
		if value, known := values[strings.TrimPrefix(w, "$")]; known {
			w = value
		}
		if w != "" {
			line = append(line, w)
		}
	}
	return line
}

var incomplete = regexp.MustCompile(`^(missing flags: |expected "|expected one of |[a-z ]+: give |[a-z ]+: --.* required$)`)

// commands are the simple commands of a script that begin with a name, as words. It knows quotes,
// comments, redirections, and what separates one command from the next; that is all that pages use.
func commands(script, name string) [][]string {
	var found [][]string
	var words []string
	end := func() {
		words = program(words)
		if len(words) > 0 && words[0] == name {
			found = append(found, words)
		}
		words = nil
	}
	redirected := false
	for _, token := range tokens(script) {
		switch {
		case token.operator && strings.ContainsAny(token.text, "<>"):
			redirected = true
			if n := len(words); n > 0 && (words[n-1] == "1" || words[n-1] == "2") {
				words = words[:n-1] // the number of what is redirected
			}
		case token.operator:
			end()
			redirected = false
		case redirected:
			redirected = false
		default:
			words = append(words, token.text)
		}
	}
	end()
	return found
}

// program drops what may stand before a command's name: variables, words of the shell, the tool
// that compiles it.
func program(words []string) []string {
	for len(words) > 0 && (variable.MatchString(words[0]) || slices.Contains([]string{"until", "while", "if", "do", "then", "!", "sudo"}, words[0])) {
		words = words[1:]
	}
	if len(words) > 2 && words[0] == "go" && words[1] == "run" {
		words = words[2:]
	}
	if len(words) > 0 {
		words[0] = strings.TrimPrefix(strings.TrimPrefix(words[0], "./"), "cmd/")
	}
	return words
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

type token struct {
	text     string
	operator bool
}

var lexeme = regexp.MustCompile(`(?s)\\\n|[ \t]+|#[^\n]*|\n|\$\(|[()|&;<>` + "`" + `]+|(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|\$[A-Za-z_{]|[^\s|&;<>()"'\\` + "`" + `$]|\$|["'\\])+`)

// tokens are the words and operators of a script, in order.
func tokens(script string) []token {
	var all []token
	for _, part := range lexeme.FindAllString(script, -1) {
		switch {
		case part == "\\\n" || strings.Trim(part, " \t") == "" || part[0] == '#':
		case part == "\n" || part == "$(" || strings.Trim(part, "()|&;<>`") == "":
			all = append(all, token{part, true})
		default:
			all = append(all, token{unquoted(part), false})
		}
	}
	return all
}

var quoted = regexp.MustCompile(`(?s)"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)`)

// unquoted is a word without its quotes.
func unquoted(word string) string {
	return quoted.ReplaceAllString(word, "$1$2$3")
}
