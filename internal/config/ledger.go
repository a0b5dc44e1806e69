package config

import (
	"fmt"
	"time"
)

// Ledger says how long records and outcomes are kept, and when intake must stop.
type Ledger struct {
	LedgerRetention   time.Duration `default:"400d" placeholder:"DURATION" help:"How long a final payment's record is kept; its reference is refused as a duplicate that long."`
	OutcomesRetention time.Duration `default:"30d" placeholder:"DURATION" help:"How long outcome events stay in the streams."`
	Outcomes          string        `default:"changes" placeholder:"WHAT" help:"What is published in the outcome streams: changes, or all, which adds sending, and ready each time."`
	JournalDir        string        `placeholder:"DIR" help:"Directory on the worker's own disk for a journal of its sends: each is on disk before it leaves, so that the worker's end together with a loss of Redis hides none. Empty: none."`
	IntakeMemoryStop  float64       `default:"0.7" placeholder:"SHARE" help:"Share of Redis maxmemory above which nothing new is enqueued."`
}

// AllOutcomes publishes every change of state in the outcome streams.
const (
	AllOutcomes      = "all"
	outcomeOfChanges = "changes"
)

const safeRetention = 30 * 24 * time.Hour

func (l *Ledger) complete() []error {
	var problems []error
	if l.LedgerRetention < time.Second {
		problems = append(problems, problem("REMESA_LEDGER_RETENTION", "must be a duration of 1s or more"))
	}
	if l.OutcomesRetention < time.Second {
		problems = append(problems, problem("REMESA_OUTCOMES_RETENTION", "must be a duration of 1s or more"))
	}
	if l.Outcomes != AllOutcomes && l.Outcomes != outcomeOfChanges {
		problems = append(problems, problem("REMESA_OUTCOMES", "must be changes or all"))
	}
	if !(l.IntakeMemoryStop > 0 && l.IntakeMemoryStop <= 1) {
		problems = append(problems, problem("REMESA_INTAKE_MEMORY_STOP", "must be a share above 0 and at most 1, such as 0.7"))
	}
	return problems
}

func (l *Ledger) warnings() []string {
	if l.LedgerRetention >= safeRetention {
		return nil
	}
	return []string{fmt.Sprintf("REMESA_LEDGER_RETENTION is %s: a reference that is submitted again after that is paid again", l.LedgerRetention)}
}
