package main

import (
	"strconv"
	"strings"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/tasks"
)

// mostProblems bounds what stderr tells of a file: its result lines have the rest.
const mostProblems = 10

// lineProblems are the first lines of a file that were not taken in, told to people at its end. The
// result lines tell programs the same, always in English.
type lineProblems struct {
	first []lineProblem
	more  int
}

type lineProblem struct {
	line         int
	result, text string
	told         string
}

// add notes a line that was not taken in, or one of which there is something to tell.
func (p *lineProblems) add(line int, result, text, told string) {
	switch {
	case result != intake.Invalid && result != string(tasks.Conflict) && told == "":
	case len(p.first) < mostProblems:
		p.first = append(p.first, lineProblem{line, result, text, told})
	default:
		p.more++
	}
}

func (p *lineProblems) tell(a *app) {
	for _, of := range p.first {
		a.say(of.words(a.text))
	}
	if p.more > 0 {
		a.say(a.text.CLI.Submit.MoreProblems(countOf(a.text, p.more)))
	}
}

// words begin with the line and, of an invalid one, the field, which its error begins with too. No
// part of an error repeats a value of the line.
func (p lineProblem) words(l i18n.Locale) string {
	if p.told != "" {
		return clean(p.told)
	}
	line := strconv.Itoa(p.line)
	path, problem, named := strings.Cut(p.text, ": ")
	switch {
	case p.result == string(tasks.Conflict):
		return l.CLI.Submit.Conflict(line, clean(l.Say(p.text)))
	case !named:
		path, problem = "line", p.text
	}
	return l.CLI.Submit.Problem(line, clean(path), clean(l.Say(problem)))
}
