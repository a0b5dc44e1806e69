package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Fault makes a provider misbehave. It applies to the requests that match all of Operation,
// Reference and Amount; of several that match, the one added first applies, and latency comes on
// top of any other.
type Fault struct {
	// Kind is one of Kinds().
	Kind string `json:"kind"`
	// Operation is one of the operations below; empty means what the kind is made for.
	Operation string `json:"operation,omitempty"`
	// Reference is a prefix of our reference; empty matches all.
	Reference string `json:"reference,omitempty"`
	// Amount is the exact amount as text; empty matches all.
	Amount string `json:"amount,omitempty"`
	// Next is how many matching requests it applies to; 0 means all.
	Next int `json:"next,omitempty"`
	// Delay is for latency, slow_after, delayed, pending and rejected_later.
	Delay Duration `json:"delay,omitempty"`
	// Polls is how many status queries a pending or rejected_later payment stays pending for, where
	// no delay is given.
	Polls int `json:"polls,omitempty"`
	// RetryAfter is the header's text of throttled.
	RetryAfter string `json:"retry_after,omitempty"`
	// Code replaces the code of a refusal; each provider says which it has.
	Code string `json:"code,omitempty"`
	// Status replaces the HTTP status of Unauthorized and unauthorized_in_body, for providers
	// with tokens; it is 400 to 599.
	Status int `json:"status,omitempty"`
}

// Operations that a fault can be for.
const (
	SendOperation   = "send"  // requests that can move money
	StepOperation   = "step"  // requests before those, which cannot
	StatusOperation = "ask"   // status queries
	LoginOperation  = "login" // requests for a token
	AnyOperation    = "any"   // all but logins
)

// Duration is a time.Duration that JSON writes as text, such as "1.5s".
type Duration time.Duration

// MarshalText writes Go's form of a duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads Go's form of a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// MoneyEffect says what a request does to the money.
type MoneyEffect int

// What becomes of the money.
const (
	MovesNow MoneyEffect = iota
	MovesNever
	MovesAfterNotFound
	MovesDelayed
	MovesPending
	RejectsPending
	Untaken // the payment is not even recorded
)

// Reply is what the client gets.
type Reply string

// Replies; the first is as it should be.
const (
	Normal             Reply = ""
	HangUp             Reply = "hang_up"
	Slow               Reply = "slow"
	BadGateway         Reply = "bad_gateway"
	HTML               Reply = "html"
	CutJSON            Reply = "cut_json"
	CutBody            Reply = "cut_body"
	Twice              Reply = "twice"
	Huge               Reply = "huge"
	Redirect           Reply = "redirect"
	Bare404            Reply = "bare_404"
	Throttle           Reply = "throttle"
	WrongTypes         Reply = "wrong_types"
	Unauthorized       Reply = "unauthorized"
	UnauthorizedInBody Reply = "unauthorized_in_body"
	ExpireTokens       Reply = "expire_tokens"
	Declined           Reply = "declined"
	RejectedObject     Reply = "rejected_object"
	RejectionBeside    Reply = "rejection_beside"
	Duplicate          Reply = "duplicate"
	UnknownStatus      Reply = "unknown_status"
	UnknownCode        Reply = "unknown_code"
	NotFound           Reply = "not_found"
	WrongAmount        Reply = "wrong_amount"
)

// Behaviour is what a fault makes of a request; the zero value is that nothing is wrong.
type Behaviour struct {
	Effect MoneyEffect
	Reply  Reply
}

type kind struct {
	operation string
	Behaviour
}

const latency = "latency"

// kinds names every fault. "before" means that nothing moved, "after" that the money did.
func kinds() map[string]kind {
	return map[string]kind{
		latency:                {AnyOperation, Behaviour{MovesNow, Normal}},
		"decline":              {SendOperation, Behaviour{Untaken, Declined}},
		"rejected_object":      {SendOperation, Behaviour{Untaken, RejectedObject}},
		"duplicate":            {SendOperation, Behaviour{Untaken, Duplicate}},
		"rejected_word":        {SendOperation, Behaviour{MovesNever, Normal}},
		"rejected_later":       {SendOperation, Behaviour{RejectsPending, Normal}},
		"pending":              {SendOperation, Behaviour{MovesPending, Normal}},
		"unauthorized":         {AnyOperation, Behaviour{Untaken, Unauthorized}},
		"unauthorized_in_body": {AnyOperation, Behaviour{Untaken, UnauthorizedInBody}},
		"expire_tokens":        {AnyOperation, Behaviour{Untaken, ExpireTokens}},
		"throttled":            {AnyOperation, Behaviour{Untaken, Throttle}},
		"hang_up_before":       {SendOperation, Behaviour{Untaken, HangUp}},
		"hang_up_after":        {SendOperation, Behaviour{MovesNow, HangUp}},
		"slow_before":          {SendOperation, Behaviour{Untaken, Slow}},
		"slow_after":           {SendOperation, Behaviour{MovesNow, Slow}},
		"bad_gateway_before":   {SendOperation, Behaviour{Untaken, BadGateway}},
		"bad_gateway_after":    {SendOperation, Behaviour{MovesNow, BadGateway}},
		"html_before":          {SendOperation, Behaviour{Untaken, HTML}},
		"html_after":           {SendOperation, Behaviour{MovesNow, HTML}},
		"cut_json_after":       {SendOperation, Behaviour{MovesNow, CutJSON}},
		"cut_body_after":       {SendOperation, Behaviour{MovesNow, CutBody}},
		"huge_after":           {SendOperation, Behaviour{MovesNow, Huge}},
		"name_twice_after":     {SendOperation, Behaviour{MovesNow, Twice}},
		"wrong_types_after":    {SendOperation, Behaviour{MovesNow, WrongTypes}},
		"unknown_status_after": {SendOperation, Behaviour{MovesNow, UnknownStatus}},
		"unknown_code_after":   {SendOperation, Behaviour{MovesNow, UnknownCode}},
		"rejection_beside":     {AnyOperation, Behaviour{MovesNow, RejectionBeside}},
		"redirect":             {SendOperation, Behaviour{Untaken, Redirect}},
		"late":                 {SendOperation, Behaviour{MovesAfterNotFound, HangUp}},
		"delayed":              {SendOperation, Behaviour{MovesDelayed, HangUp}},
		"bare_404":             {StatusOperation, Behaviour{Untaken, Bare404}},
		"login_page":           {StatusOperation, Behaviour{Untaken, HTML}},
		"not_found":            {StatusOperation, Behaviour{Untaken, NotFound}},
		"wrong_amount":         {StatusOperation, Behaviour{Untaken, WrongAmount}},
	}
}

// Kinds lists the names of all faults.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds())) }

type rule struct {
	Fault
	kind
}

// AddFaults adds faults behind those that are there.
func (s *Simulator) AddFaults(faults ...Fault) error {
	rules := make([]*rule, 0, len(faults))
	for i, f := range faults {
		b, known := kinds()[f.Kind]
		if !known {
			return fmt.Errorf("fault %d: kind: not one of %s", i, strings.Join(Kinds(), ", "))
		}
		if !slices.Contains([]string{"", SendOperation, StepOperation, StatusOperation, LoginOperation, AnyOperation}, f.Operation) {
			return fmt.Errorf("fault %d: operation: not one of send, step, ask, login, any", i)
		}
		if f.Next < 0 || f.Delay < 0 || f.Polls < 0 {
			return fmt.Errorf("fault %d: next, delay and polls cannot be below zero", i)
		}
		if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
			return fmt.Errorf("fault %d: status: not from 400 to 599", i)
		}
		if f.Operation != "" {
			b.operation = f.Operation
		}
		rules = append(rules, &rule{f, b})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults)+len(rules) > 1000 {
		return fmt.Errorf("more than 1000 faults")
	}
	s.faults = append(s.faults, rules...)
	return nil
}

// Faults lists those that still apply; Next is what is left of it.
func (s *Simulator) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Fault{}
	for _, r := range s.faults {
		all = append(all, r.Fault)
	}
	return all
}

// ClearFaults ends all faults. Payments that wait for something go on waiting.
func (s *Simulator) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// ApplyFaults uses up the faults that apply to a request: it waits for the sum of the latencies, or
// until the client left, and returns one other.
func (s *Simulator) ApplyFaults(ctx context.Context, operation, reference, amount string) (Fault, Behaviour) {
	delay, f, b := s.fault(operation, reference, amount)
	wait(ctx, delay)
	return f, b
}

func (s *Simulator) fault(operation, reference, amount string) (time.Duration, Fault, Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var wait time.Duration
	var chosen *rule
	for _, r := range s.faults {
		if !r.matches(operation, reference, amount) {
			continue
		}
		if r.Kind == latency {
			wait += time.Duration(r.Delay)
		} else if chosen == nil {
			chosen = r
		} else {
			continue
		}
		r.use()
	}
	s.faults = slices.DeleteFunc(s.faults, func(r *rule) bool { return r.Next == usedUp })
	if chosen == nil {
		return wait, Fault{}, Behaviour{}
	}
	return wait, chosen.Fault, chosen.Behaviour
}

const usedUp = -1

func (r *rule) use() {
	if r.Next == 1 {
		r.Next = usedUp
	} else if r.Next > 1 {
		r.Next--
	}
}

func (r *rule) matches(operation, reference, amount string) bool {
	return (r.operation == operation || r.operation == AnyOperation && operation != LoginOperation) && strings.HasPrefix(reference, r.Reference) &&
		(r.Amount == "" || r.Amount == amount)
}
