package shell

import (
	"os"
	"testing"
)

func TestWhenThereIsColour(t *testing.T) {
	t.Parallel()
	read, pipe, err := os.Pipe() // no terminal
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer pipe.Close()
	for _, row := range []struct {
		when string
		env  map[string]string
		want bool
	}{
		{Auto, nil, false},
		{"", nil, false},
		{Always, nil, true},
		{Always, map[string]string{"NO_COLOR": "1", "TERM": "dumb"}, true}, // whoever says so means it
		{Never, map[string]string{"CLICOLOR_FORCE": "1"}, false},
		{Auto, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{Auto, map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{Auto, map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "0"}, false}, // to anything
		{Auto, map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": ""}, true},
	} {
		p := PaintFor(row.when, func(name string) (string, bool) { v, ok := row.env[name]; return v, ok }, pipe)
		if got := p.Good("done") != "done"; got != row.want {
			t.Errorf("%s %v: %t", row.when, row.env, got)
		}
	}
}

func TestColourStandsAroundTheText(t *testing.T) {
	t.Parallel()
	p := PaintFor(Always, func(string) (string, bool) { return "", false }, os.Stdout)
	for got, want := range map[string]string{
		p.Good("a"): "\x1b[32ma\x1b[0m", p.Warn("a"): "\x1b[33ma\x1b[0m", p.Bad("a"): "\x1b[31ma\x1b[0m", p.Strong("a"): "\x1b[1ma\x1b[0m", p.Bad(""): "",
		(Paint{}).Bad("a"): "a",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
