package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// begins is where this command's part of the page begins; the part before it is that of the rules.
const begins = "\n## The simulation\n"

// firstPart is the page up to this command's part.
func firstPart(page string) string {
	first, _, _ := strings.Cut(page, begins)
	return first
}

// text is this command's part of the page.
func (f found) text() string {
	var b strings.Builder
	r := f.Seeds
	fmt.Fprintf(&b, begins+`
`+"`go run ./internal/sim -seed N`"+` plays one simulated installation: one to three workers with the engine, the ledger and its rules, the
subscriptions and their calendar, the tokens and the clients of all providers as they are shipped, a store in memory,
and all simulated providers, in one process on virtual time. The seed decides who takes the next step, at each request
to the store, each connection, request and response, and each step of a payment's path, and what goes wrong there.
The same seed is the same story. When the faults end, everything must come to rest: each payment executed at most once
by the provider's own book, final or in a list, its state what the book and its last outcome event say, and each period
of a subscription paid at most once.

**%d seeds, %d steps, %d promises broken.** `+"`make fault`"+` plays as many again, `+"`make test`"+` some hundred.

%s

| what went wrong | times |
|---|---|
`, r.Seeds, r.Steps, len(r.Broken), f.rate())
	for _, fault := range slices.Sorted(maps.Keys(r.Faults)) {
		fmt.Fprintf(&b, "| %s | %d |\n", fault, r.Faults[fault])
	}
	for _, broken := range r.Broken {
		fmt.Fprintf(&b, "\n**%s**\n", broken)
	}
	f.writeSafeguards(&b)
	b.WriteString(notCovered)
	return b.String()
}

// rate is the one line of the page that differs from machine to machine.
func (f found) rate() string {
	return fmt.Sprintf("On %s: %.0f seeds a second.", f.Machine, float64(f.Seeds.Seeds)/max(f.Seeds.Seconds, 1))
}

func (f found) writeSafeguards(b *strings.Builder) {
	b.WriteString("\n## Safeguards outside the rules\n\nEach is left out in turn, by a build in which one text of one file is another" +
		" (`internal/proof/safeguards.go` has them). With it\neverything is green; without it this fails:\n\n" +
		"| safeguard | where | what fails without it |\n|---|---|---|\n")
	files := map[safeguard]string{}
	for _, m := range mutants() {
		files[m.safeguard] = m.file
	}
	for _, c := range f.Caught {
		fmt.Fprintf(b, "| %s | `%s` | %s |\n", c.Safeguard, files[safeguard(c.Safeguard)], c.text())
	}
	fmt.Fprintf(b, "\nThe safeguards of the rules, left out in the simulation, too, for %d seeds each. Where no seed finds it, the table of the rules\n"+
		"above says what does:\n\n| safeguard | first seed | which finds |\n|---|---|---|\n", f.OfARules)
	for _, c := range f.OfARule {
		seed := "-"
		if c.Seed != nil {
			seed = fmt.Sprint(*c.Seed)
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.Safeguard, seed, cmp.Or(c.Finds, "-"))
	}
}

// text says what fails.
func (c caught) text() string {
	if c.Seed != nil {
		return fmt.Sprintf("seed %d: %s", *c.Seed, c.Finds)
	}
	return "`" + c.Test + "`"
}

const notCovered = `
## What is not covered

- The simulation has no asynq and no Redis: wake-ups come from the ledger's due index and from registration, get lost
  and come twice as the seed has it. Real processes, a real Redis and its restarts are what ` + "`internal/faulttest`" + ` is for.
- Its store is the one in memory. That the one in Redis answers alike is what the conformance suite of the ledger proves.
- A store that forgets is simulated only with ` + "`-forget`" + `, and is not part of the seeds above.
- All processes share one clock; only the store's steps. Where payments may be sent again (` + "`resend`" + `), stalls, steps and
  late executions stay within what the promise says of them.
- Threads of one process take turns at the points where they reach for something outside; what they share inside is for
  the race detector.
- TLS, sealed payloads, rate limits and shared throttles have tests of their own, and no seed.
- A provider that executes one request twice is outside every promise.
`
