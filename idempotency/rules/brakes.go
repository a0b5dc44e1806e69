package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits are the brakes of one account. Zero means no limit. Amounts and sums count hundredths of
// the currency's unit: 1250000 is 12500 CLP, or 12500.00 MXN.
type Limits struct {
	// Amount is the largest amount of one payment.
	Amount int64
	// Hour and Day bound what begins in any 60 minutes and in any 24 hours.
	Hour, Day Window
	// Doubt bounds the sum of the payments of which nobody knows whether they were executed.
	Doubt int64
	// Lookalike is for how long no payment begins that has the same meaning as one that began
	// under another reference: the same type, beneficiary or card, amount and currency.
	Lookalike time.Duration
}

// Window bounds the sum and the number of payments.
type Window struct{ Sum, Count int64 }

// Brake is why a payment was blocked, the Code of its record.
type Brake string

// The brakes.
const (
	NoBrake        Brake = ""
	AmountBrake    Brake = "limit_amount"
	HourBrake      Brake = "limit_hour"
	DayBrake       Brake = "limit_day"
	DoubtBrake     Brake = "limit_doubt"
	LookalikeBrake Brake = "lookalike"
)

// Brakes lists all brakes.
func Brakes() []Brake {
	return []Brake{AmountBrake, HourBrake, DayBrake, DoubtBrake, LookalikeBrake}
}

// Counter is a count of one account and currency, kept in numbered buckets.
type Counter string

// The counters. Sums are in hundredths.
const (
	HourSum   Counter = "hour_sum"
	HourCount Counter = "hour_count"
	DaySum    Counter = "day_sum"
	DayCount  Counter = "day_count"
	// DoubtSum is the sum of the payments in doubt or held that may have been executed.
	// UncertainSum adds to it those that are being sent under a limit of it.
	DoubtSum     Counter = "doubt_sum"
	UncertainSum Counter = "uncertain_sum"
)

// Bound is a guard with a number: the buckets of the counter from Oldest on must sum up to Most at
// the most, at the moment when the change is written. Its name as a Guard is the counter's.
type Bound struct {
	Counter      Counter
	Oldest, Most int64
}

// Count adds to a bucket of a counter.
type Count struct {
	Counter     Counter
	Bucket, Add int64
}

// maxDecisionAge is how far a decision's time may be from the time at which it is written.
const maxDecisionAge = 2 * time.Second

// buckets are the parts of a window that slides by one bucket at a time. A begin is counted no
// earlier than it is written, and a check looks back one whole bucket further than the window: no
// hour exceeds its limit, and a payment may be blocked up to one bucket longer than it must be.
func buckets(c Counter) (width time.Duration, window int64) {
	if c == HourSum || c == HourCount {
		return 5 * time.Minute, 12
	}
	return time.Hour, 24
}

// bucketAt is the bucket in which what begins now is counted.
func bucketAt(c Counter, now Time) int64 {
	width, _ := buckets(c)
	return int64(now.Add(maxDecisionAge)) / width.Milliseconds()
}

// oldestAt is the oldest bucket that what begins now must be held against.
func oldestAt(c Counter, now Time) int64 {
	width, window := buckets(c)
	return int64(now.Add(-maxDecisionAge))/width.Milliseconds() - window
}

// brake returns the brake that a guard of Begin belongs to.
func (g Guard) brake() Brake {
	switch g {
	case Guard(HourSum), Guard(HourCount):
		return HourBrake
	case Guard(DaySum), Guard(DayCount):
		return DayBrake
	case Guard(DoubtSum):
		return DoubtBrake
	case NoLookalike:
		return LookalikeBrake
	case EpochCurrent, NotHalted, ChargeGuardHeld, ObjectFree, QueryNotProbed:
	}
	return NoBrake
}

// OfBrake reports whether the guard belongs to a brake.
func (g Guard) OfBrake() bool { return g.brake() != NoBrake || g == Guard(UncertainSum) }

// unreadable stands for an amount that cannot be read; it is above every limit.
const unreadable = int64(1) << 53

// hundredths reads a decimal text with at most 13 digits before the point and two behind it, as
// intake accepts them.
func hundredths(amount string) int64 {
	whole, part, _ := strings.Cut(amount, ".")
	part = strings.TrimRight(part, "0")
	if whole == "" || len(whole) > 13 || len(part) > 2 {
		return unreadable
	}
	n, err := strconv.ParseInt(whole+part+"00"[len(part):], 10, 64)
	if err != nil || n < 0 {
		return unreadable
	}
	return n
}

func (r *Record) releasedFrom(b Brake) bool { return slices.Contains(r.ReleasedFrom, string(b)) }

// uncertainRetry is how long a payment waits for others that are being sent.
const uncertainRetry = 5 * time.Second

// brakeBegin blocks a payment that a brake stops. Otherwise it adds the guards and counts of the
// limits to the change that opens the attempt. A payment of which an attempt may have left is not
// blocked, because the provider must still be queried about it; it waits.
func (t *transition) brakeBegin(l Limits) (BeginResult, bool) {
	r := t.record()
	brake := t.facts.BrakeGuard.brake()
	if amount := hundredths(r.Amount); l.Amount > 0 && amount > l.Amount && !r.releasedFrom(AmountBrake) && !r.MayHaveLeft() {
		brake = AmountBrake
	}
	switch {
	case t.facts.BrakeGuard == Guard(UncertainSum):
		return t.waitUntil(t.after(uncertainRetry), ""), true
	case brake == NoBrake:
		t.addWindows(l)
		t.addDoubt(l)
		if l.Lookalike > 0 {
			t.Lookalike = l.Lookalike
			if !r.releasedFrom(LookalikeBrake) {
				t.Guards = append(t.Guards, NoLookalike)
			}
		}
		return BeginResult{}, false
	case r.MayHaveLeft():
		return t.waitUntil(t.after(waitRetry), ""), true
	}
	message := t.facts.BrakeMessage
	if brake == AmountBrake {
		message = "its amount is above the account's limit for one payment"
	}
	t.block(brake, message)
	return BeginResult{Decision: Done, Blocked: brake}, true
}

// addWindows adds the guards and counts of the hour and the day.
func (t *transition) addWindows(l Limits) {
	amount := hundredths(t.record().Amount)
	for _, w := range []struct {
		counter   Counter
		limit, of int64
	}{{HourSum, l.Hour.Sum, amount}, {HourCount, l.Hour.Count, 1}, {DaySum, l.Day.Sum, amount}, {DayCount, l.Day.Count, 1}} {
		if w.limit > 0 {
			t.addWindow(w.counter, w.limit, w.of)
		}
	}
}

func (t *transition) addWindow(c Counter, limit, of int64) {
	r := t.record()
	if !r.releasedFrom(Guard(c).brake()) {
		t.Bounds = append(t.Bounds, Bound{c, oldestAt(c, t.now), limit - of})
	}
	bucket := bucketAt(c, t.now)
	t.count(c, bucket, of)
	if r.Counted == nil {
		r.Counted = map[Counter]int64{}
	}
	r.Counted[c] = bucket
}

// addDoubt adds the guards of the sum in doubt. What is being sent may all come to be in doubt, so
// that the payment waits until the sum with those is below the limit too.
func (t *transition) addDoubt(l Limits) {
	r := t.record()
	if l.Doubt == 0 {
		return
	}
	t.countUncertain = true
	if r.releasedFrom(DoubtBrake) {
		return
	}
	most := l.Doubt - hundredths(r.Amount)
	t.Bounds = append(t.Bounds, Bound{DoubtSum, 0, most}, Bound{UncertainSum, 0, most})
}

// refund takes back what the owner's Begin counted, because its attempt was not executed. After the
// lease its buckets may be gone.
func (t *transition) refund() {
	r := t.record()
	if t.now >= r.LeaseEnd {
		return
	}
	for _, c := range []Counter{HourSum, HourCount, DaySum, DayCount} {
		bucket, counted := r.Counted[c]
		switch {
		case !counted:
		case c == HourCount || c == DayCount:
			t.count(c, bucket, -1)
		default:
			t.count(c, bucket, -hundredths(r.Amount))
		}
	}
	r.Counted = nil
}

func (t *transition) count(c Counter, bucket, add int64) {
	t.Counts = append(t.Counts, Count{c, bucket, add})
}

// Uncertainty says in which sums of uncertain payments a payment is counted.
type Uncertainty string

// The uncertainties.
const (
	Certain Uncertainty = ""
	// BeingSent: in UncertainSum.
	BeingSent Uncertainty = "sending"
	// Doubted: in DoubtSum and in UncertainSum.
	Doubted Uncertainty = "doubt"
)

// setUncertainty counts the payment in the sums of its new state. The record says in which it is,
// so that it leaves those, and only those, whoever takes it there and whatever the limits are then.
func (t *transition) setUncertainty() {
	r := t.record()
	to := Certain
	switch {
	case r.State == InDoubt, r.State == Held && r.MayHaveLeft():
		to = Doubted
	case r.State == Sending && (t.countUncertain || r.Uncertainty == BeingSent):
		to = BeingSent
	}
	sums := func(u Uncertainty) (doubt, uncertain int64) {
		switch u {
		case Doubted:
			return 1, 1
		case BeingSent:
			return 0, 1
		case Certain:
		}
		return 0, 0
	}
	doubtBefore, uncertainBefore := sums(r.Uncertainty)
	doubt, uncertain := sums(to)
	amount := hundredths(r.Amount)
	if add := (doubt - doubtBefore) * amount; add != 0 {
		t.count(DoubtSum, 0, add)
	}
	if add := (uncertain - uncertainBefore) * amount; add != 0 {
		t.count(UncertainSum, 0, add)
	}
	r.Uncertainty = to
}

// block stops the payment until an operator releases or cancels it.
func (t *transition) block(b Brake, message string) {
	r := t.record()
	r.WakeUps, r.Woken, r.RetryNotBefore = 0, 0, 0
	t.setReason(string(b), message, "")
	t.setState(Blocked, "")
	t.setDue(0)
}
