package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/docstest"
	"github.com/remesa/remesa/providers"
)

// notRun are the lines in sentences that no test runs, by how they begin, with the reason.
var notRun = map[string]string{
	"serve":                   "a server: docs/api.md has it as a line of its own, which is run",
	"hashcard":                "it asks for a card on a terminal",
	"webhook":                 "it needs a receiver: docs/tutorial.md has one, and is run",
	"verify --head":           "the hash is that of a reader's archive",
	"verify FOLDER":           "the key is that of a reader's archive",
	"verify --against-ledger": "the folder is a reader's archive",
}

// counts are the lines that end with 2 by themselves: they count, and say what to repeat.
var counts = []string{"resolve --file KEYS", "release --all", "forgot close --provider P --send-not-found"}

// TestTheLinesInSentencesDoWhatTheySay runs each complete line that a sentence of a page quotes,
// against a store whose payments are in the state that the command is for. Lines in blocks are run
// by package tutorialtest.
func TestTheLinesInSentencesDoWhatTheySay(t *testing.T) {
	t.Parallel()
	pages, ran := map[string][]docstest.Line{}, 0
	for _, line := range docstest.Lines(t, "../..", "enqueue") {
		if !line.Whole && len(line.Words) > 1 && !begins(line, slices.Collect(maps.Keys(notRun))) {
			pages[line.Where] = append(pages[line.Where], line)
		}
	}
	for page, lines := range pages {
		ran += len(lines)
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			d := &sentences{fixture: newFixture(t), parse: lineParser(t)}
			d.prepare()
			for _, line := range lines {
				d.run(page, line)
			}
		})
	}
	if ran < 60 {
		t.Errorf("only %d lines are run", ran)
	}
}

// begins reports whether a line begins as one of the list.
func begins(line docstest.Line, list []string) bool {
	text := strings.TrimPrefix(line.Text, "enqueue ")
	return slices.ContainsFunc(list, func(beginning string) bool { return strings.HasPrefix(text, beginning) })
}

// sentences are what lines in sentences are run against.
type sentences struct {
	*fixture
	n     int
	parse func([]string) error
	// given are what pages name by a placeholder.
	given map[string]string
}

// prepare makes the files, the subscription and the key of the HTTP interface.
func (d *sentences) prepare() {
	d.t.Helper()
	folder := d.t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		d.must(os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	file := write("payouts.jsonl", payout("of-a-file")+"\n")
	wantCode(d.t, "subscription add", d.fixture.run("subscription", "add", write("subscription.jsonl", recurring("sub-0001")+"\n")), 0)
	_, key, _ := strings.Cut(d.fixture.run("apikey", "create", "shop", "--scope", "read").out, `"key":"remesa_`)
	id, _, _ := strings.Cut(key, "_")
	d.given = map[string]string{
		"FILE": file, "ARCHIVO": file, "KEYS": write("keys", d.held("virtualpos/held-in-file").String()+"\n"),
		"subscription ID": "sub-0001", "apikey ID": id,
	}
}

// run runs one line, with what it is about.
func (d *sentences) run(page string, line docstest.Line) {
	d.t.Helper()
	words := d.complete(line.Words)
	if d.parse(words) != nil {
		words = append(words, "--by=ana", "--note=ticket 4711")
		if d.parse(words) != nil {
			return // it lacks something: the test of parsing says whether rightly so
		}
	}
	want := 0
	if begins(line, counts) {
		want = exitRefused
	}
	wantCode(d.t, page+": "+line.Text, d.fixture.run(words...), want)
}

// complete puts a payment in the right state, or what was prepared, in the place of what stands for
// one.
func (d *sentences) complete(words []string) []string {
	d.t.Helper()
	words = slices.Clone(words)
	for i, w := range words[1:] {
		switch given := cmp.Or(d.given[w], d.given[words[0]+" "+w]); {
		case given != "":
			words[i+1] = given
		case strings.HasSuffix(w, "tef-0001"):
			words[i+1] = d.paymentFor(words).String()
		}
	}
	if words[0] == "watch" {
		words = append(words, "--no-follow")
	}
	return words
}

// paymentFor is one in the state that the command is for.
func (d *sentences) paymentFor(words []string) idempotency.Key {
	d.t.Helper()
	d.n++
	key := fmt.Sprintf("virtualpos/%s-%d", words[0], d.n)
	switch {
	case slices.Contains(words, "accept"):
		return d.anomalous(key, idempotency.Failed, "1")
	case slices.Contains(words, "reverse"):
		return d.anomalous(key, idempotency.Succeeded, "2")
	case words[0] == "resolve":
		return d.held(key)
	case words[0] == "retry":
		return d.finished(key, providers.Outcome{Class: providers.Refused, Code: "051"})
	case words[0] == "release":
		return d.blocked(key)
	}
	return d.queued(key)
}
