package i18ntest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Sentences are the texts in the source files that match a pattern, as the program would make them:
// literals that are put together are one text, and a marker stands for what only the program knows.
// A text counts that has two words in a row, and is neither a tag of a struct, nor logged, nor for
// a panic.
func Sentences(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	s := sentences{constants: map[string]string{}, found: map[string]bool{}}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		t.Fatalf("no file is %s", pattern)
	}
	for _, file := range files {
		ast.Inspect(file, s.constant)
	}
	for _, file := range files {
		ast.Inspect(file, s.inspect)
	}
	return slices.Sorted(maps.Keys(s.found))
}

type sentences struct {
	constants map[string]string
	found     map[string]bool
}

// constant notes constants that are texts: other texts may hold them.
func (s *sentences) constant(n ast.Node) bool {
	if spec, is := n.(*ast.ValueSpec); is && len(spec.Names) == len(spec.Values) {
		for i, value := range spec.Values {
			if text, is := s.text(value); is {
				s.constants[spec.Names[i].Name] = text
			}
		}
	}
	return true
}

func (s *sentences) inspect(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec:
		return false
	case *ast.Field:
		n.Tag = nil
	case *ast.CallExpr:
		return !forNobody(n.Fun)
	case ast.Expr:
		text, is := s.text(n)
		if !is {
			return true
		}
		if twoWords.MatchString(text) {
			s.found[made(text)] = true
		}
		return false
	}
	return true
}

var (
	twoWords = regexp.MustCompile(`[a-z,;:]+ [a-z]+|⟧ [a-z]+$`)
	verb     = regexp.MustCompile(`%[-+#0]*[0-9]*(\.[0-9]+)?[a-zA-Z]`)
)

// forNobody reports a call whose texts nobody reads on a terminal.
func forNobody(f ast.Expr) bool {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name == "panic"
	case *ast.SelectorExpr:
		return f.Sel.Name == "Msg" || f.Sel.Name == "Msgf"
	}
	return false
}

// text is what an expression of literals comes to.
func (s *sentences) text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		x, isX := s.text(e.X)
		y, isY := s.text(e.Y)
		if e.Op != token.ADD || !isX && !isY {
			return "", false
		}
		return s.known(e.X, x, isX) + s.known(e.Y, y, isY), true
	}
	return "", false
}

// known is a part of a text.
func (s *sentences) known(e ast.Expr, text string, is bool) string {
	if name, named := e.(*ast.Ident); named {
		if constant, of := s.constants[name.Name]; of {
			return constant
		}
	}
	if !is {
		return marker(0)
	}
	return text
}

// made is a format with its verbs filled in.
func made(format string) string {
	return strings.ReplaceAll(verb.ReplaceAllString(strings.ReplaceAll(format, "%%", "\x00"), marker(0)), "\x00", "%")
}
