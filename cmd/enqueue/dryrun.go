package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

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
		a.notice("%s", fileTexts().NotCompared(a.config.Where()))
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
	var all []string
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		all = append(all, currency+" "+sums[currency].text())
	}
	words := fileTexts()
	s.app.notice("%s", words.WouldEnqueue(payments, strings.Join(all, ", ")))
	if s.tasks.Seen.Full() {
		s.app.notice("%s", words.SeenFull(intake.MostSeen))
	}
}
