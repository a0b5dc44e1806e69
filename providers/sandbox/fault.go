package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Fault tells a provider to misbehave. It applies to the requests that match all of Operation,
// Reference and Amount; of several that match, the one added first applies, and latency comes on
// top of any other.
type Fault struct {
	// Kind is one of Kinds().
	Kind string `json:"kind"`
	// Operation is Send, Step, Ask, Login or Any; empty means what the kind is made for.
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
	// Status replaces the HTTP status of unauthorized and unauthorized_in_body, for providers
	// with tokens; it is 400 to 599.
	Status int `json:"status,omitempty"`
}

// Operations that a fault can be for.
const (
	Send  = "send"  // requests that can move money
	Step  = "step"  // requests before those, which cannot
	Ask   = "ask"   // status queries
	Login = "login" // requests for a token
	Any   = "any"   // all but logins
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

// moves says what a request does to the money.
type moves int

const (
	movesNow moves = iota
	movesNever
	movesAfterNotFound
	movesDelayed
	movesPending
	rejectsPending
	untaken // the payment is not even recorded
)

// replies that the client gets.
type reply string

const (
	normal       reply = ""
	hangUp       reply = "hang_up"
	slow         reply = "slow"
	badGateway   reply = "bad_gateway"
	html         reply = "html"
	cutJSON      reply = "cut_json"
	cutBody      reply = "cut_body"
	twice        reply = "twice"
	huge         reply = "huge"
	redirect     reply = "redirect"
	bare404      reply = "bare_404"
	throttle     reply = "throttle"
	wrongTypes   reply = "wrong_types"
	unauthorized reply = "unauthorized"
	bodyOnly401  reply = "unauthorized_in_body"
	expireTokens reply = "expire_tokens"
	declined     reply = "declined"
	rejectedObj  reply = "rejected_object"
	rejectedToo  reply = "rejection_beside"
	taken        reply = "duplicate"
	oddStatus    reply = "unknown_status"
	oddCode      reply = "unknown_code"
	absent       reply = "not_found"
	wrongAmount  reply = "wrong_amount"
)

type behaviour struct {
	operation string
	moves     moves
	reply     reply
}

const latency = "latency"

// kinds names every fault. "before" means that nothing moved, "after" that the money did.
func kinds() map[string]behaviour {
	return map[string]behaviour{
		latency:                {Any, movesNow, normal},
		"decline":              {Send, untaken, declined},
		"rejected_object":      {Send, untaken, rejectedObj},
		"duplicate":            {Send, untaken, taken},
		"rejected_word":        {Send, movesNever, normal},
		"rejected_later":       {Send, rejectsPending, normal},
		"pending":              {Send, movesPending, normal},
		"unauthorized":         {Any, untaken, unauthorized},
		"unauthorized_in_body": {Any, untaken, bodyOnly401},
		"expire_tokens":        {Any, untaken, expireTokens},
		"throttled":            {Any, untaken, throttle},
		"hang_up_before":       {Send, untaken, hangUp},
		"hang_up_after":        {Send, movesNow, hangUp},
		"slow_before":          {Send, untaken, slow},
		"slow_after":           {Send, movesNow, slow},
		"bad_gateway_before":   {Send, untaken, badGateway},
		"bad_gateway_after":    {Send, movesNow, badGateway},
		"html_before":          {Send, untaken, html},
		"html_after":           {Send, movesNow, html},
		"cut_json_after":       {Send, movesNow, cutJSON},
		"cut_body_after":       {Send, movesNow, cutBody},
		"huge_after":           {Send, movesNow, huge},
		"name_twice_after":     {Send, movesNow, twice},
		"wrong_types_after":    {Send, movesNow, wrongTypes},
		"unknown_status_after": {Send, movesNow, oddStatus},
		"unknown_code_after":   {Send, movesNow, oddCode},
		"rejection_beside":     {Any, movesNow, rejectedToo},
		"redirect":             {Send, untaken, redirect},
		"late":                 {Send, movesAfterNotFound, hangUp},
		"delayed":              {Send, movesDelayed, hangUp},
		"bare_404":             {Ask, untaken, bare404},
		"login_page":           {Ask, untaken, html},
		"not_found":            {Ask, untaken, absent},
		"wrong_amount":         {Ask, untaken, wrongAmount},
	}
}

// Kinds lists the names of all faults.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds())) }

type rule struct {
	Fault
	behaviour
}

// AddFaults adds faults behind those that are there.
func (d *Desk) AddFaults(faults ...Fault) error {
	rules := make([]*rule, 0, len(faults))
	for i, f := range faults {
		b, known := kinds()[f.Kind]
		if !known {
			return fmt.Errorf("fault %d: kind: not one of %s", i, strings.Join(Kinds(), ", "))
		}
		if !slices.Contains([]string{"", Send, Step, Ask, Login, Any}, f.Operation) {
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
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.faults)+len(rules) > 1000 {
		return fmt.Errorf("more than 1000 faults")
	}
	d.faults = append(d.faults, rules...)
	return nil
}

// Faults lists those that still apply; Next is what is left of it.
func (d *Desk) Faults() []Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := []Fault{}
	for _, r := range d.faults {
		all = append(all, r.Fault)
	}
	return all
}

// ClearFaults ends all faults. Payments that wait for something go on waiting.
func (d *Desk) ClearFaults() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

// fault uses up the faults that apply to a request: the sum of the latencies, and one other.
func (d *Desk) fault(operation, reference, amount string) (time.Duration, Fault, behaviour) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var wait time.Duration
	var chosen *rule
	for _, r := range d.faults {
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
	d.faults = slices.DeleteFunc(d.faults, func(r *rule) bool { return r.Next == usedUp })
	if chosen == nil {
		return wait, Fault{}, behaviour{}
	}
	return wait, chosen.Fault, chosen.behaviour
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
	return (r.operation == operation || r.operation == Any && operation != Login) && strings.HasPrefix(reference, r.Reference) &&
		(r.Amount == "" || r.Amount == amount)
}
