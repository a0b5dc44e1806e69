package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/alecthomas/kong"
)

// Prefix begins the name of every variable but OpenTelemetry's.
const Prefix = "REMESA_"

// testPrefix begins variables that steer the tests; they are no settings.
const testPrefix = Prefix + "TEST_"

// LookupEnv finds a variable's value, as os.LookupEnv does.
type LookupEnv func(name string) (string, bool)

// Variables lists the variables that are settings, in alphabetical order.
func Variables() []string { return slices.Sorted(maps.Values(variables())) }

// variables maps a setting's flag to its variable.
var variables = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for _, f := range flagsOf(New()) {
		names[f.Name] = variableName(f.Name)
	}
	return names
})

// flagsOf lists the flags that a struct of settings makes; a struct that makes none is a mistake of
// the program.
func flagsOf(settings any) []*kong.Flag {
	parser, err := kong.New(settings, kong.NoDefaultHelp())
	if err != nil {
		panic(err)
	}
	return parser.Model.Flags
}

// environment resolves settings from variables. A variable that is set to nothing counts as not
// set: container files often do that.
func environment(lookup LookupEnv) kong.ResolverFunc {
	return func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		name, ok := variables()[flag.Name]
		if !ok {
			return nil, nil
		}
		if value, ok := lookup(name); ok && value != "" {
			return value, nil
		}
		return nil, nil
	}
}

// UnknownVariables warns of each variable in environ (NAME=value, as os.Environ gives them) that
// begins as ours do and is no setting. The warnings name variables, never their values.
func UnknownVariables(environ []string) []string {
	known := Variables()
	var warnings []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, Prefix) || strings.HasPrefix(name, testPrefix) || slices.Contains(known, name) {
			continue
		}
		warnings = append(warnings, unknownVariable(name, known))
	}
	slices.Sort(warnings)
	return warnings
}

func unknownVariable(name string, known []string) string {
	nearest := slices.MinFunc(known, func(a, b string) int { return editDistance(name, a) - editDistance(name, b) })
	if editDistance(name, nearest) > 3 {
		return fmt.Sprintf("%s is not a setting and has no effect", name)
	}
	return fmt.Sprintf("%s is not a setting and has no effect; did you mean %s?", name, nearest)
}

// editDistance counts the letters to insert, delete or replace to make b of a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
