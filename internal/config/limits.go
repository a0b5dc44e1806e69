package config

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Limits are the settings of an account's brakes. Empty is no limit, or in the file of further
// accounts the limit of the provider's variable; noLimit is none in any case.
type Limits struct {
	LimitAmount     string `placeholder:"AMOUNT" help:"Largest amount of one payment, in the provider's currency; a larger one is blocked."`
	LimitHour       string `placeholder:"sum=AMOUNT,count=N" help:"What may begin in any hour: a sum, a count, or both; what exceeds it is blocked."`
	LimitDay        string `placeholder:"sum=AMOUNT,count=N" help:"What may begin in any 24 hours."`
	LimitDoubt      string `placeholder:"AMOUNT" help:"Largest sum of payments of which nobody knows whether they were executed."`
	LookalikeWindow string `placeholder:"DURATION" help:"A payment with the beneficiary (or card) and amount of one that began under another reference within that time is blocked."`
}

// noLimit, in the file of further accounts, is no limit although the provider's variable sets one.
const noLimit = "none"

// counting names the limits that compare a payment with others.
func (l Limits) counting(name func(setting string) string) []string {
	var set []string
	for _, limit := range []struct{ setting, text string }{
		{"LIMIT_HOUR", l.LimitHour}, {"LIMIT_DAY", l.LimitDay}, {"LIMIT_DOUBT", l.LimitDoubt}, {"LOOKALIKE_WINDOW", l.LookalikeWindow},
	} {
		if limit.text != "" && limit.text != noLimit {
			set = append(set, name(limit.setting))
		}
	}
	return set
}

// Brakes are limits that have been read; zero is no limit. Amounts are in hundredths of the
// currency's unit.
type Brakes struct {
	Amount, HourSum, HourCount, DaySum, DayCount, Doubt int64
	Lookalike                                           time.Duration
}

// Brakes are those of an account: its own in the file of further accounts, else those of the
// provider's variables, which hold for each of its accounts by itself.
func (p *Providers) Brakes(provider, account string) Brakes {
	var own, general Limits
	for _, r := range p.rows {
		if r.account.Provider.Name == provider {
			general = *r.limits
		}
	}
	for _, a := range p.accounts {
		if a.Provider.Name == provider && a.Name == account && account != DefaultAccount {
			own = a.limits
		}
	}
	b, _ := Limits{
		LimitAmount: oneOf(own.LimitAmount, general.LimitAmount), LimitHour: oneOf(own.LimitHour, general.LimitHour),
		LimitDay: oneOf(own.LimitDay, general.LimitDay), LimitDoubt: oneOf(own.LimitDoubt, general.LimitDoubt),
		LookalikeWindow: oneOf(own.LookalikeWindow, general.LookalikeWindow),
	}.read(strings.ToLower) // checked by Complete
	return b
}

// read reads the limits; name says how people call a setting of them.
func (l Limits) read(name func(setting string) string) (Brakes, []error) {
	var b Brakes
	var problems []error
	add := func(setting string, err error) {
		if err != nil {
			problems = append(problems, problem(name(setting), "%s", err))
		}
	}
	var err error
	b.Amount, err = readSum(l.LimitAmount)
	add("LIMIT_AMOUNT", err)
	b.HourSum, b.HourCount, err = readWindow(l.LimitHour)
	add("LIMIT_HOUR", err)
	b.DaySum, b.DayCount, err = readWindow(l.LimitDay)
	add("LIMIT_DAY", err)
	b.Doubt, err = readSum(l.LimitDoubt)
	add("LIMIT_DOUBT", err)
	b.Lookalike, err = readLookalike(l.LookalikeWindow)
	add("LOOKALIKE_WINDOW", err)
	return b, problems
}

var sumPattern = regexp.MustCompile(`^[0-9]{1,13}(\.[0-9]{1,2})?$`)

// readSum reads an amount as hundredths; "" and noLimit are 0.
func readSum(text string) (int64, error) {
	if text == "" || text == noLimit {
		return 0, nil
	}
	whole, part, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole+part+"00"[min(len(part), 2):], 10, 64)
	if !sumPattern.MatchString(text) || err != nil || n == 0 {
		return 0, errors.New("must be an amount above 0 such as 50000000 or 149.50 (found " + shapeOf(text) + ")")
	}
	return n, nil
}

const windowForm = "must be sum=AMOUNT, count=N, or both with a comma between"

func readWindow(text string) (sum, count int64, err error) {
	if text == "" || text == noLimit {
		return 0, 0, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case name == "sum" && sum == 0 && value != noLimit:
			sum, err = readSum(value)
			if sum == 0 && err == nil {
				err = errors.New(windowForm)
			}
		case name == "count" && count == 0:
			count, err = strconv.ParseInt(value, 10, 32)
			if err != nil || count < 1 {
				err = errors.New("count must be a whole number from 1 to 2147483647")
			}
		default:
			err = errors.New(windowForm + " (found " + shapeOf(text) + ")")
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return sum, count, nil
}

func readLookalike(text string) (time.Duration, error) {
	if text == "" || text == noLimit {
		return 0, nil
	}
	d, err := ParseDuration(text)
	if err != nil {
		return 0, err
	}
	if d < time.Second || d > longestLookalike {
		return 0, errors.New("must be a duration from 1s to 30d")
	}
	return d, nil
}

const longestLookalike = 30 * 24 * time.Hour
