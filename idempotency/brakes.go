package idempotency

import (
	"fmt"
	"strconv"

	"github.com/remesa/remesa/idempotency/rules"
)

// brakeMessage says to operators what a brake found. Sums are amounts of the payment's currency.
func brakeMessage(k Key, c rules.Change, failed CommitResult) string {
	if failed.FailedGuard == rules.NoLookalike {
		return fmt.Sprintf("%s, begun shortly before, has the same beneficiary and amount", keyFromID(k.Provider, failed.Found))
	}
	n, _ := strconv.ParseInt(failed.Found, 10, 64)
	switch counter := rules.Counter(failed.FailedGuard); counter {
	case rules.HourCount, rules.DayCount:
		return fmt.Sprintf("%d payments have begun in that time", n)
	case rules.HourSum, rules.DaySum:
		return fmt.Sprintf("%s %s have begun in that time", hundredths(n), c.Record.Currency)
	case rules.DoubtSum, rules.UncertainSum:
		return fmt.Sprintf("%s %s are in doubt or held", hundredths(n), c.Record.Currency)
	}
	return ""
}

// hundredths writes a number of hundredths as a decimal text.
func hundredths(n int64) string {
	if n%100 == 0 {
		return strconv.FormatInt(n/100, 10)
	}
	return fmt.Sprintf("%d.%02d", n/100, n%100)
}
