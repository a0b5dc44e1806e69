package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// stages parses a Dockerfile as docker build does, and returns what BuildKit's linter says about
// it.
func stages(text []byte) ([]instructions.Stage, []string, error) {
	var warnings []string
	tree, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	for _, w := range tree.Warnings {
		warnings = append(warnings, w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(name, _, _, message string, _ []parser.Range) {
		warnings = append(warnings, fmt.Sprintf("%s: %s", name, message))
	}})
	found, _, err := instructions.Parse(tree.AST, lint)
	return found, warnings, err
}

// of lists a stage's instructions of a type.
func of[T any](s instructions.Stage) []T {
	var found []T
	for _, c := range s.Commands {
		if c, ok := c.(T); ok {
			found = append(found, c)
		}
	}
	return found
}

func TestDockerfile(t *testing.T) {
	found, warnings, err := stages(read(t, "Dockerfile"))
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v, %q", err, warnings)
	}
	last := found[len(found)-1]
	user, entry, cmd := of[*instructions.UserCommand](last), of[*instructions.EntrypointCommand](last), of[*instructions.CmdCommand](last)
	health, stop := of[*instructions.HealthCheckCommand](last), of[*instructions.StopSignalCommand](last)
	if len(user) != 1 || len(entry) != 1 || len(cmd) != 1 || len(health) != 1 || len(stop) != 1 {
		t.Fatal("the last stage lacks an instruction, or has one twice")
	}
	check(t, "Dockerfile", []rule{
		{"the image begins with nothing", last.BaseName == "scratch"},
		{"its user is a number, and not root's", strings.Trim(user[0].User, "0123456789:") == "" && !strings.HasPrefix(user[0].User, "0")},
		{"no shell is needed to start", !entry[0].PrependShell && !cmd[0].PrependShell},
		{"the binary itself says how it is", slices.Equal(health[0].Health.Test, []string{"CMD", "/worker", "healthcheck"})},
		{"SIGTERM drains", stop[0].Signal == "SIGTERM"},
		{"nothing runs in it", len(of[*instructions.RunCommand](last)) == 0},
		{"nothing is fetched", len(of[*instructions.AddCommand](last)) == 0},
	})
	for _, c := range of[*instructions.CopyCommand](last) {
		if c.From != "build" {
			t.Errorf("%s is copied from %q", c.SourcePaths, c.From)
		}
	}
}

func TestAMistakeInTheDockerfileIsFound(t *testing.T) {
	good := string(read(t, "Dockerfile"))
	for sentence, change := range map[string][2]string{
		"an instruction that is misspelt":       {"ENTRYPOINT", "ENTRYPIONT"},
		"a flag that is none":                   {"--interval", "--intervall"},
		"a stage whose name is found by nobody": {"AS build", "AS Build"},
	} {
		_, warnings, err := stages([]byte(strings.Replace(good, change[0], change[1], 1)))
		if err == nil && len(warnings) == 0 {
			t.Errorf("%s is accepted", sentence)
		}
	}
}
