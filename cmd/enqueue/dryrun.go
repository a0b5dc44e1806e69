package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/intake"
)

// storeTimeout is how long a dry run waits for a store that may not be there.
const storeTimeout = 3 * time.Second

// compareWithLedger makes a dry run compare the payments with each other and, where there is one,
// with the ledger.
func (s *taskIntake) compareWithLedger() {
	a := s.app
	s.tasks.Seen = &intake.Seen{}
	ctx, cancel := context.WithTimeout(a.ctx, storeTimeout)
	defer cancel()
	if err := a.rdb.Ping(ctx).Err(); err != nil {
		a.say(a.text.Files.DryRun.NotCompared(a.config.Where()))
		return
	}
	s.tasks.Compare, s.tasks.FingerprintKey = a.ledger.Compare, []byte(a.config.FingerprintKey.Reveal())
}

// tellDryRun says what would be paid.
func (s *taskIntake) tellDryRun() {
	payments, sums := 0, map[string]*sum{}
	for k, of := range s.totals {
		if k.result != intake.Valid || k.currency == "" {
			continue
		}
		payments += of.lines
		if sums[k.currency] == nil {
			sums[k.currency] = &sum{}
		}
		sums[k.currency].addText(of.sum.text())
	}
	words, text := s.app.text.Files.DryRun, s.app.text
	var all []string
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		all = append(all, plainOrMoney(text, sums[currency].text(), currency))
	}
	if payments == 0 {
		s.app.say(words.Nothing)
	} else {
		s.app.say(words.Would(countOf(text, payments), strings.Join(all, words.And)))
	}
	if s.tasks.Seen.Full() {
		s.app.say(words.TooMany(countOf(text, intake.MostSeen)))
	}
}

// plainOrMoney is an amount as it is read in a language; in English as scripts read it.
func plainOrMoney(l i18n.Locale, amount, currency string) string {
	if l.Tag().Language == i18n.English.Language {
		return currency + " " + amount
	}
	return l.Money(amount, currency)
}
