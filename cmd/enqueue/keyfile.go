package main

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"

	"github.com/remesa/remesa/idempotency"
)

// interveneInFile intervenes in each payment that a file names, one key a line, in the version that
// was counted. It does nothing unless every line is a key of its own whose payment can be read, and
// count and sums are those that were repeated. What a line has behind a tab goes into evidence,
// which is nil where a line is a key alone.
func (a *app) interveneInFile(name string, confirm *confirmFlags, do intervention, evidence map[idempotency.Key]string) error {
	in, err := openInput(name)
	if err != nil {
		return err
	}
	defer in.Close()
	var worst error
	var found []countedPayment
	sums, seen := map[string]*sum{}, map[idempotency.Key]bool{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestKeyLine)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		r, err := a.lineOfFile(text, seen, evidence)
		if err != nil {
			if err := a.goOn(&worst, fmt.Errorf("%s %d: %w", a.text.CLI.Bulk.Line, n, err)); err != nil {
				return err
			}
			continue
		}
		found = append(found, countedPayment{r.Key, r.Version})
		addTo(sums, r)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if worst != nil {
		a.say(a.text.CLI.Bulk.MendFirst)
		return worst
	}
	if !confirm.confirmed(len(found), sums) {
		confirm.explain(a, a.text.CLI.Bulk.NoneNamed, a.text.CLI.Bulk.RepeatNamed, len(found), sums)
		return exitError(exitRefused)
	}
	if err := a.interveneCounted(&worst, found, do); err != nil {
		return err
	}
	return worst
}

func (a *app) lineOfFile(text string, seen map[idempotency.Key]bool, evidence map[idempotency.Key]string) (idempotency.Record, error) {
	key, more, has := strings.Cut(text, "\t")
	k, err := idempotency.ParseKey(key)
	switch {
	case has && (evidence == nil || strings.ContainsFunc(more, unicode.IsControl)):
		return idempotency.Record{}, fmt.Errorf("%w: something stands behind the key", idempotency.ErrRefused)
	case err != nil:
		return idempotency.Record{}, fmt.Errorf("%w: %w", idempotency.ErrRefused, err)
	case seen[k]:
		return idempotency.Record{}, fmt.Errorf("%w: %s", idempotency.ErrRefused, a.text.CLI.Errors.NamedTwice(k.String()))
	}
	if seen[k] = true; has {
		evidence[k] = more
	}
	r, err := a.ledger.Show(a.ctx, k)
	if err == nil && !sumForm.MatchString(r.Amount) {
		return r, fmt.Errorf("%w: %s", idempotency.ErrRefused, a.text.CLI.Errors.AmountUnreadable(k.String()))
	}
	return r, a.failed(err)
}
