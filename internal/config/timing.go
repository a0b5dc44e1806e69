package config

import (
	"fmt"
	"time"
)

// Timing holds what bounds an attempt, and what follows one after which its payment is not final.
type Timing struct {
	Concurrency    int           `default:"64" placeholder:"N" help:"Payments under way at a time, per provider."`
	RequestTimeout time.Duration `default:"20s" placeholder:"DURATION" help:"Longest single request to a provider."`
	Lease          time.Duration `default:"60s" placeholder:"DURATION" help:"Longest attempt; a worker silent for longer is taken for dead. At least two request timeouts and 5 s (or a tenth of the lease)."`

	SettleTime            time.Duration `default:"5m" placeholder:"DURATION" help:"Longest a provider may take to execute a request after its end; before that its 'not found' proves nothing."`
	NotFoundConfirmations int           `default:"2" placeholder:"N" help:"How often a provider must say 'not found' before it counts."`
	NotFoundInterval      time.Duration `default:"15s" placeholder:"DURATION" help:"Least time between two that count."`
	OnNotFound            string        `default:"hold" placeholder:"hold|resend" help:"A payment in doubt that the provider does not know: hold it for an operator, or resend it with the same reference."`
	MaxResends            int           `default:"1" placeholder:"N" help:"How often a payment may be resent."`

	RetryBase    time.Duration `default:"1s" placeholder:"DURATION" help:"First wait after an attempt that the provider cannot have acted on; doubles, with full jitter."`
	RetryMax     time.Duration `default:"10m" placeholder:"DURATION" help:"Longest such wait."`
	PollFirst    time.Duration `default:"2s" placeholder:"DURATION" help:"First wait between two status queries of a payment; doubles."`
	PollMax      time.Duration `default:"15m" placeholder:"DURATION" help:"Longest such wait."`
	PollDeadline time.Duration `default:"72h" placeholder:"DURATION" help:"After this a payment without a final status result is held for an operator."`

	JanitorInterval time.Duration `default:"1s" placeholder:"DURATION" help:"How often overdue payments are looked for."`
	SweepInterval   time.Duration `default:"1s" placeholder:"DURATION" help:"How often subscriptions that are due are looked for."`
	SweepLimit      int           `default:"0" placeholder:"N" help:"Charges of subscriptions that one worker begins at most in one sweep, per provider, so that a long standstill does not become one burst; 0 is no limit."`
	CircuitCooldown time.Duration `default:"30s" placeholder:"DURATION" help:"Wait between probes after refused credentials or repeated failures to connect."`
}

// What becomes of a payment in doubt that its provider does not know.
const (
	Hold   = "hold"
	Resend = "resend"
)

const leastSettleTime = 5 * time.Minute

// The time limits stand in one row, each a promise of the one before it:
//
//	request timeout < attempt deadline < lease < asynq's task timeout
//	< shutdown timeout < the orchestrator's grace

// AttemptDeadline bounds a whole attempt, from before Begin: renewal, pre-checks and one repeat
// included.
func (t *Timing) AttemptDeadline() time.Duration { return t.Lease - leaseMargin(t.Lease) }

// TaskTimeout is asynq's, in whole seconds because asynq drops the rest.
func (t *Timing) TaskTimeout() time.Duration { return wholeSeconds(t.Lease + 15*time.Second) }

// ShutdownTimeout is how long asynq waits for what is under way when the worker stops.
func (t *Timing) ShutdownTimeout() time.Duration { return wholeSeconds(t.Lease + 20*time.Second) }

// Grace is what an orchestrator must grant between SIGTERM and SIGKILL.
func (t *Timing) Grace() time.Duration { return wholeSeconds(t.Lease + 30*time.Second) }

// leaseMargin is the end of a lease in which no attempt may be under way: 5 s, or a tenth of a
// short lease.
func leaseMargin(lease time.Duration) time.Duration { return min(5*time.Second, lease/10) }

func wholeSeconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

func (t *Timing) complete() []error {
	problems := t.positive()
	add := func(bad bool, setting, format string, args ...any) {
		if bad {
			problems = append(problems, problem(setting, format, args...))
		}
	}
	least := 2*t.RequestTimeout + leaseMargin(t.Lease)
	add(t.Lease < least, "REMESA_LEASE", "%s is too short: one attempt is up to two requests of REMESA_REQUEST_TIMEOUT (%s) and a margin; set at least %s, or shorten REMESA_REQUEST_TIMEOUT",
		t.Lease, t.RequestTimeout, leastLease(t.RequestTimeout))
	add(t.RetryMax < t.RetryBase, "REMESA_RETRY_MAX", "must not be below REMESA_RETRY_BASE (%s)", t.RetryBase)
	add(t.PollMax < t.PollFirst, "REMESA_POLL_MAX", "must not be below REMESA_POLL_FIRST (%s)", t.PollFirst)
	add(t.SweepLimit < 0, "REMESA_SWEEP_LIMIT", "must not be negative; 0 is no limit")
	add(t.PollDeadline < t.PollFirst, "REMESA_POLL_DEADLINE", "must not be below REMESA_POLL_FIRST (%s)", t.PollFirst)
	return append(problems, overridesProblems("", Overrides{
		Concurrency: t.Concurrency, SettleTime: t.SettleTime, NotFoundConfirmations: t.NotFoundConfirmations,
		NotFoundInterval: t.NotFoundInterval, OnNotFound: t.OnNotFound, MaxResends: &t.MaxResends,
	}, true)...)
}

func (t *Timing) positive() []error {
	var problems []error
	for _, d := range []struct {
		setting string
		value   time.Duration
	}{
		{"REMESA_REQUEST_TIMEOUT", t.RequestTimeout}, {"REMESA_LEASE", t.Lease},
		{"REMESA_RETRY_BASE", t.RetryBase}, {"REMESA_RETRY_MAX", t.RetryMax},
		{"REMESA_POLL_FIRST", t.PollFirst}, {"REMESA_POLL_MAX", t.PollMax}, {"REMESA_POLL_DEADLINE", t.PollDeadline},
		{"REMESA_JANITOR_INTERVAL", t.JanitorInterval}, {"REMESA_SWEEP_INTERVAL", t.SweepInterval},
		{"REMESA_CIRCUIT_COOLDOWN", t.CircuitCooldown},
	} {
		if d.value < time.Millisecond {
			problems = append(problems, problem(d.setting, "must be a duration of 1ms or more"))
		}
	}
	return problems
}

// leastLease is the shortest lease that two requests fit into.
func leastLease(request time.Duration) time.Duration {
	return min(2*request+5*time.Second, (2*request*10+8)/9)
}

// Overrides are the settings that one provider may have otherwise than the rest. What is zero, or
// nil, is not overridden.
type Overrides struct {
	Concurrency           int           `placeholder:"N" help:"Payments under way at a time."`
	Partitions            int           `placeholder:"N" help:"Parts in which the provider's payments are kept, so that a Redis Cluster can spread them; 1 by default. Every worker must have the same; enqueue learns it from Redis. More come by a drill (docs/partitions.md)."`
	Rate                  float64       `placeholder:"PER-SECOND" help:"Requests a second over all workers together; without it there is no limit."`
	SettleTime            time.Duration `placeholder:"DURATION" help:"Longest the provider may take to execute a request after its end."`
	NotFoundConfirmations int           `placeholder:"N" help:"How often 'not found' must be said before it counts."`
	NotFoundInterval      time.Duration `placeholder:"DURATION" help:"Least time between two that count."`
	OnNotFound            string        `placeholder:"hold|resend" help:"A payment in doubt that the provider does not know: hold or resend."`
	MaxResends            *int          `placeholder:"N" help:"How often a payment may be resent."`
}

// Policy is what holds for one provider.
type Policy struct {
	Concurrency int
	// Partitions is how many partitions the provider's payments are kept in.
	Partitions int
	// Rate is in requests a second over all workers; zero is no limit.
	Rate                  float64
	SettleTime            time.Duration
	NotFoundConfirmations int
	NotFoundInterval      time.Duration
	// Resend is false where a payment that the provider does not know is held for an operator.
	Resend     bool
	MaxResends int
}

// over returns the policy: what is overridden, else the settings for all providers.
func (o Overrides) over(t *Timing) Policy {
	resends := &t.MaxResends
	if o.MaxResends != nil {
		resends = o.MaxResends
	}
	return Policy{
		Concurrency:           oneOf(o.Concurrency, t.Concurrency),
		Partitions:            oneOf(o.Partitions, 1),
		Rate:                  o.Rate,
		SettleTime:            oneOf(o.SettleTime, t.SettleTime),
		NotFoundConfirmations: oneOf(o.NotFoundConfirmations, t.NotFoundConfirmations),
		NotFoundInterval:      oneOf(o.NotFoundInterval, t.NotFoundInterval),
		Resend:                oneOf(o.OnNotFound, t.OnNotFound) == Resend,
		MaxResends:            *resends,
	}
}

func oneOf[T comparable](own, general T) T {
	var none T
	if own != none {
		return own
	}
	return general
}

// overridesProblems checks the settings that exist for all providers and for each; provider is
// empty for the former, where each is required.
func overridesProblems(provider string, o Overrides, required bool) []error {
	var problems []error
	add := func(bad bool, setting, format string, args ...any) {
		if bad {
			problems = append(problems, problem(variable(provider, setting), format, args...))
		}
	}
	outside := func(n, least, most int) bool { return (required || n != 0) && (n < least || n > most) }
	short := func(d time.Duration) bool { return (required || d != 0) && d < time.Millisecond }
	add(outside(o.Concurrency, 1, 10_000), "CONCURRENCY", "must be between 1 and 10000")
	add(o.Rate < 0, "RATE", "must be above 0, in requests a second")
	add(short(o.SettleTime), "SETTLE_TIME", "must be a duration of 1ms or more")
	add(outside(o.NotFoundConfirmations, 1, 100), "NOT_FOUND_CONFIRMATIONS", "must be between 1 and 100")
	add(short(o.NotFoundInterval), "NOT_FOUND_INTERVAL", "must be a duration of 1ms or more")
	add((required || o.OnNotFound != "") && o.OnNotFound != Hold && o.OnNotFound != Resend, "ON_NOT_FOUND", "must be hold or resend (found %s)", shapeOf(o.OnNotFound))
	add(o.MaxResends != nil && (*o.MaxResends < 0 || *o.MaxResends > 100), "MAX_RESENDS", "must be between 0 and 100")
	return problems
}

// String is the row of time limits, for the log at start.
func (t *Timing) String() string {
	return fmt.Sprintf("request %s < attempt %s < lease %s < task %s < shutdown %s < grace %s",
		t.RequestTimeout, t.AttemptDeadline(), t.Lease, t.TaskTimeout(), t.ShutdownTimeout(), t.Grace())
}
