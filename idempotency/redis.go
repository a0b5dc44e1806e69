package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/seal"
)

// Policy is what a provider's configuration says about doubt.
type Policy struct {
	// Settle is how long after an attempt's end the provider may still execute it.
	Settle time.Duration
	// NotFoundInterval is the least time between two counted answers of "not found", Confirmations how many must be counted.
	NotFoundInterval time.Duration
	Confirmations    int
	// Resend sends again after that, MaxResends times at most; else the payment is held.
	Resend     bool
	MaxResends int
	// PollDeadline: what is still undecided then is held.
	PollDeadline time.Duration
	// Retention is how long a settled record is kept, OutcomesRetention how long an entry of the outcome stream.
	Retention         time.Duration
	OutcomesRetention time.Duration
}

// DefaultPolicy is the policy of the documented defaults.
func DefaultPolicy() Policy {
	const day = 24 * time.Hour
	return Policy{
		Settle: 5 * time.Minute, NotFoundInterval: 15 * time.Second, Confirmations: 2, MaxResends: 1,
		PollDeadline: 72 * time.Hour, Retention: 400 * day, OutcomesRetention: 30 * day,
	}
}

// Options of a Redis ledger; the zero value has the documented defaults.
type Options struct {
	// Policies by provider; a provider without one has Default.
	Policies map[string]Policy
	Default  Policy
	// FirstWake is how long after its registration a payment is woken if nobody else did; 10 s by default.
	FirstWake time.Duration
	// Replicas must acknowledge an intent before it may be sent, within ReplicaTimeout (1 s by default).
	Replicas       int
	ReplicaTimeout time.Duration
	// Seal makes payload, handles, metadata, message and action URL unreadable in Redis; nil leaves them open.
	Seal *seal.Ring
	// Observe, if set, is told how long each step took.
	Observe func(step string, took time.Duration)
	// TestClock takes the time from the key "remesa:{provider}:clock" (ms since 1970) instead of from Redis. For tests.
	TestClock bool
}

// Redis is the ledger in Redis 7.0 or newer, alone, with Sentinel or as a cluster. It holds no state of its own.
type Redis struct {
	rdb     redis.UniversalClient
	opts    Options
	scripts *scripts
}

var _ Store = (*Redis)(nil)

// NewRedis makes a ledger on a client that stays the caller's to close.
func NewRedis(rdb redis.UniversalClient, o Options) *Redis {
	if o.Default == (Policy{}) {
		o.Default = DefaultPolicy()
	}
	if o.FirstWake == 0 {
		o.FirstWake = 10 * time.Second
	}
	if o.Observe == nil {
		o.Observe = func(string, time.Duration) {}
	}
	if o.ReplicaTimeout == 0 {
		o.ReplicaTimeout = time.Second
	}
	clock := read("clock")
	if o.TestClock {
		clock = testClock
	}
	return &Redis{rdb: rdb, opts: o, scripts: loadScripts(clock)}
}

func (l *Redis) policy(provider string) Policy {
	if p, ok := l.opts.Policies[provider]; ok {
		return p
	}
	return l.opts.Default
}

// Prefix is the beginning of all of a provider's keys; its braces keep them on one node of a cluster.
func prefix(provider string) string { return "remesa:{" + provider + "}:" }

// OutcomesKey is the stream of a provider's outcome events.
func OutcomesKey(provider string) string { return prefix(provider) + "outcomes" }

func recordKey(k Key) string { return prefix(k.Provider) + "p:" + k.id() }

// NewsKey is the index of what became of the charges of subscriptions: members "subscription|id" by time in ms.
func NewsKey(provider string) string { return prefix(provider) + "subscriptions:news" }

// keys are the KEYS of every script; lib.lua lists them.
func (l *Redis) keys(k Key, more ...string) []string {
	p := prefix(k.Provider)
	keys := append([]string{recordKey(k), p + "d:" + k.id(), p + "due", p + "states", p + "outcomes", p + "anomalies", p + "lookup",
		p + "halted", NewsKey(k.Provider)}, more...)
	if l.opts.TestClock {
		keys = append(keys, p+"clock")
	}
	return keys
}

// args are the arguments of one step; the zero value of a field is left out.
type args struct {
	Key       string    `json:"key"`
	ID        string    `json:"id"`
	Reference string    `json:"ref"`
	Account   string    `json:"acc"`
	Policy    policyArg `json:"p"`

	Type         string `json:"t,omitempty"`
	Fingerprint  string `json:"f,omitempty"`
	Amount       string `json:"m,omitempty"`
	Currency     string `json:"c,omitempty"`
	NotBefore    int64  `json:"nb,omitempty"`
	Deadline     int64  `json:"dl,omitempty"`
	Metadata     string `json:"md,omitempty"`
	Subscription string `json:"sb,omitempty"`
	Period       string `json:"pe,omitempty"`
	Object       string `json:"ob,omitempty"`
	Permit       bool   `json:"pm,omitempty"`
	First        int64  `json:"first"`

	Attempt string            `json:"attempt,omitempty"`
	Lease   int64             `json:"lease,omitempty"`
	Late    bool              `json:"late,omitempty"`
	Askable bool              `json:"q,omitempty"`
	Seals   []string          `json:"seals,omitempty"`
	Only    string            `json:"only,omitempty"`
	Handles map[string]string `json:"handles,omitempty"`
	Moves   bool              `json:"moves,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	After   int64             `json:"after"`
	Outcome *outcomeArg       `json:"o,omitempty"`
	Version int64             `json:"version,omitempty"`
	Asked   int64             `json:"asked,omitempty"`
	Limit   int               `json:"limit,omitempty"`
	Ask     int64             `json:"ask,omitempty"`

	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	Step       string `json:"step,omitempty"`
	By         string `json:"by,omitempty"`
	Note       string `json:"note,omitempty"`
	As         string `json:"as,omitempty"`
	ProviderID string `json:"provider_id,omitempty"`
	Decline    string `json:"decline,omitempty"`
	Reverse    bool   `json:"reverse,omitempty"`
	Risk       bool   `json:"risk,omitempty"`
}

type policyArg struct {
	Settle   int64 `json:"settle"`
	Every    int64 `json:"every"`
	Confirm  int   `json:"confirm"`
	Resend   bool  `json:"resend"`
	Resends  int   `json:"resends"`
	Deadline int64 `json:"deadline"`
	Retain   int64 `json:"retain"`
	Outcomes int64 `json:"outcomes"`
}

type outcomeArg struct {
	Class      string            `json:"class"`
	ProviderID string            `json:"provider_id,omitempty"`
	Code       string            `json:"code,omitempty"`
	Message    string            `json:"message,omitempty"`
	Decline    string            `json:"decline,omitempty"`
	ActionURL  string            `json:"action_url,omitempty"`
	Second     string            `json:"second,omitempty"`
	Handles    map[string]string `json:"handles,omitempty"`
}

func (l *Redis) args(k Key) args {
	p := l.policy(k.Provider)
	return args{
		Key: k.String(), ID: k.id(), Reference: k.Reference, Account: k.Account,
		Policy: policyArg{
			Settle: p.Settle.Milliseconds(), Every: p.NotFoundInterval.Milliseconds(), Confirm: max(p.Confirmations, 1),
			Resend: p.Resend, Resends: p.MaxResends, Deadline: p.PollDeadline.Milliseconds(),
			Retain: p.Retention.Milliseconds(), Outcomes: p.OutcomesRetention.Milliseconds(),
		},
	}
}

// answer is the union of what the scripts return.
type answer struct {
	Err        string            `json:"e"`
	Why        string            `json:"why"`
	Result     string            `json:"r"`
	State      State             `json:"s"`
	Generation int64             `json:"g"`
	Text       string            `json:"c"` // register: what differs; ask: the currency
	Existing   string            `json:"x"`
	Verdict    string            `json:"d"`
	Number     int               `json:"n"`
	LeaseEnd   int64             `json:"le"`
	Until      int64             `json:"until"`
	Now        int64             `json:"now"`
	Handles    map[string]string `json:"hd"`
	Ask        bool              `json:"ask"`
	Version    int64             `json:"v"`
	ProviderID string            `json:"pi"`
	Amount     string            `json:"m"`
	Type       string            `json:"t"`
	Polls      int               `json:"po"`
	Applied    bool              `json:"ok"`
	Anomaly    string            `json:"an"`
	Moved      bool              `json:"mv"`
	Own        bool              `json:"own"`
	Created    int64             `json:"cr"`
	Wake       string            `json:"w"`
	Unopened   string            `json:"un"`
	Waits      string            `json:"wt"`
	Payload    []byte            `json:"-"`
}

func (a answer) err() error {
	switch a.Err {
	case "":
		return nil
	case "unknown":
		return ErrUnknown
	case "moved":
		return ErrMoved
	case "attempt":
		return ErrUnknownAttempt
	case "owner":
		return ErrNotOwner
	default:
		return fmt.Errorf("%w: %s", ErrRefused, a.Why)
	}
}

// call runs one step on one payment.
func (l *Redis) call(ctx context.Context, step string, k Key, a args, more ...any) (answer, error) {
	return l.callOn(ctx, l.rdb, step, k, a, more...)
}

func (l *Redis) callOn(ctx context.Context, c redis.Scripter, step string, k Key, a args, more ...any) (answer, error) {
	src, err := l.scripts.source(ctx, l.rdb, step)
	if err != nil {
		return answer{}, storeError(step, k, err)
	}
	argv, err := argv(a, more...)
	if err != nil {
		return answer{}, err
	}
	start := time.Now()
	reply, err := c.EvalSha(ctx, src.sha, l.keys(k), argv...).Result()
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		reply, err = c.Eval(ctx, src.text, l.keys(k), argv...).Result()
	}
	l.opts.Observe(step, time.Since(start))
	if err != nil {
		return answer{}, storeError(step, k, err)
	}
	return parse(reply)
}

func argv(a args, more ...any) ([]any, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return append([]any{b}, more...), nil
}

// parse reads a script's answer: a JSON text, or that and a payload.
func parse(reply any) (answer, error) {
	var a answer
	if list, ok := reply.([]any); ok && len(list) > 0 {
		reply = list[0]
		if len(list) > 1 {
			if payload, ok := list[1].(string); ok && payload != "" {
				a.Payload = []byte(payload)
			}
		}
	}
	text, ok := reply.(string)
	if !ok {
		return a, fmt.Errorf("ledger: unexpected answer of type %T", reply)
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, fmt.Errorf("ledger: unreadable answer: %w", err)
	}
	return a, a.err()
}

func storeError(step string, k Key, err error) error {
	if redis.HasErrorPrefix(err, "OOM") || strings.Contains(err.Error(), "-OOM") {
		return fmt.Errorf("%s %s: %w", step, k, ErrFull)
	}
	return fmt.Errorf("%s %s: %w", step, k, err)
}

// ms is a duration in milliseconds, at least 0.
func ms(d time.Duration) int64 { return max(d.Milliseconds(), 0) }

// unixMS is a time in milliseconds, 0 for the zero time.
func unixMS(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMS(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// Available reports whether the store answers.
func (l *Redis) Available(ctx context.Context) error {
	if err := l.rdb.Ping(ctx).Err(); err != nil {
		return errors.Join(errors.New("redis does not answer"), err)
	}
	return nil
}
