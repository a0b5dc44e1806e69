package rules

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/remesa/remesa/providers"
)

// ParseRecord parses the JSON text of a record. What MarshalJSON writes is read by hand, in a fifth
// of the time that encoding/json takes, and what is written in any other way by encoding/json; a
// test compares the two. The record's texts are parts of the text, and keep it in memory.
func ParseRecord(s string) (Record, error) {
	var r Record
	p := parser{text: s}
	t := text{record: (*record)(&r)}
	if p.record(&t) {
		r.infer(&t)
		return r, nil
	}
	r = Record{}
	return r, r.UnmarshalJSON([]byte(s))
}

// parser reads JSON. Once something is written in a way that it does not read, it has failed.
type parser struct {
	text   string
	at     int
	failed bool
}

func (p *parser) record(t *text) bool {
	p.object(func(name string) {
		if to := t.timeOf(name); to != nil {
			*to = Time(p.int())
		} else if to := t.textOf(name); to != nil {
			*to = p.string()
		} else if to := t.flagOf(name); to != nil {
			*to = p.bool()
		} else if to := t.countOf(name); to != nil {
			*to = int(p.int())
		} else {
			p.other(t, name)
		}
	})
	return !p.failed && p.at == len(p.text)
}

// other reads a field of a type of its own. The rare ones are left to the standard decoder.
func (p *parser) other(t *text, name string) {
	switch name {
	case "state":
		t.State = State(p.string())
	case "version":
		t.Version = p.int()
	case "generation":
		t.Generation = p.int()
	case "decline":
		t.Decline = providers.Decline(p.string())
	case "history":
		t.History = p.strings()
	case "attempts":
		t.Attempts = p.attempts()
	case "attempt_count":
		n := int(p.int())
		t.AttemptCount = &n
	case "provider_refs":
		t.ProviderRefs = p.refs()
	default:
		p.failed = true
	}
}

func (t *text) textOf(name string) *string {
	switch name {
	case "type":
		return &t.Type
	case "fingerprint":
		return &t.Fingerprint
	case "amount":
		return &t.Amount
	case "currency":
		return &t.Currency
	case "metadata":
		return &t.Metadata
	case "subscription":
		return &t.Subscription
	case "period":
		return &t.Period
	case "object":
		return &t.Object
	case "traceparent":
		return &t.Traceparent
	case "provider_id":
		return &t.ProviderID
	case "code":
		return &t.Code
	case "message":
		return &t.Message
	case "action_url":
		return &t.ActionURL
	case "owner":
		return &t.Owner
	case "cleared_anomaly":
		return &t.Cleared
	case "cleared_difference":
		return &t.ClearedDifference
	}
	return nil
}

func (t *text) timeOf(name string) *Time {
	switch name {
	case "created":
		return &t.Created
	case "updated":
		return &t.Updated
	case "not_before":
		return &t.NotBefore
	case "deadline":
		return &t.Deadline
	case "payer_deadline":
		return &t.PayerDeadline
	case "payer_grace":
		return &t.PayerGrace
	case "lease_end":
		return &t.LeaseEnd
	case "retry_not_before":
		return &t.RetryNotBefore
	case "woken":
		return &t.Woken
	case "polling_since":
		return &t.PollingSince
	case "not_found_at":
		return &t.NotFoundAt
	case "refused_at":
		return &t.RefusedAt
	case "watch_until":
		return &t.WatchUntil
	case "forgotten":
		return &t.Forgotten
	}
	return nil
}

func (t *text) flagOf(name string) *bool {
	switch name {
	case "bulk":
		return &t.Bulk
	case "queryable":
		return &t.Queryable
	case "query_first":
		return &t.QueryFirst
	case "risk_accepted":
		return &t.RiskAccepted
	case "ready_published":
		return &t.ReadyPublished
	case "proof_query_only":
		return &t.ProofQueryOnly
	}
	return nil
}

func (t *text) countOf(name string) *int {
	switch name {
	case "wake_ups":
		return &t.WakeUps
	case "polls":
		return &t.Polls
	case "not_founds":
		return &t.NotFounds
	case "resends":
		return &t.Resends
	}
	return nil
}

func (p *parser) attempts() (all []attemptText) {
	p.list(func() {
		var a attemptText
		p.object(func(name string) {
			switch name {
			case "id":
				a.ID = p.string()
			case "end":
				a.End = Time(p.int())
			case "fate":
				a.Fate = Fate(p.string())
			case "inferred":
				a.Inferred = p.bool()
			case "provider_id":
				a.ProviderID = p.string()
			case "same_provider_id":
				a.SameID = p.bool()
			default:
				p.failed = true
			}
		})
		all = append(all, a)
	})
	return all
}

func (p *parser) refs() map[string]string {
	refs := map[string]string{}
	p.object(func(name string) { refs[name] = p.string() })
	return refs
}

func (p *parser) strings() []string {
	all := make([]string, 0, 4)
	p.list(func() { all = append(all, p.string()) })
	return all
}

// is steps over a sign, if it comes next.
func (p *parser) is(sign byte) bool {
	if p.at < len(p.text) && p.text[p.at] == sign {
		p.at++
		return true
	}
	return false
}

func (p *parser) must(sign byte) { p.failed = p.failed || !p.is(sign) }

// object calls member for each of the object's members, which must read its value.
func (p *parser) object(member func(name string)) {
	p.must('{')
	for n := 0; !p.failed && !p.is('}'); n++ {
		if n > 0 {
			p.must(',')
		}
		name := p.string()
		p.must(':')
		if !p.failed {
			member(name)
		}
	}
}

// list calls element for each of the list's elements, which must read it.
func (p *parser) list(element func()) {
	p.must('[')
	for n := 0; !p.failed && !p.is(']'); n++ {
		if n > 0 {
			p.must(',')
		}
		if !p.failed {
			element()
		}
	}
}

// int reads a whole number of at most 18 digits, which always fits.
func (p *parser) int() int64 {
	from := p.at
	p.is('-')
	first := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	digits := p.at - first
	if digits == 0 || digits > 18 || digits > 1 && p.text[first] == '0' {
		p.failed = true
		return 0
	}
	n, err := strconv.ParseInt(p.text[from:p.at], 10, 64)
	p.failed = p.failed || err != nil
	return n
}

func (p *parser) bool() bool {
	if rest := p.text[p.at:]; strings.HasPrefix(rest, "true") {
		p.at += len("true")
		return true
	}
	p.failed = true // what is false is left out
	return false
}

func (p *parser) string() string {
	p.must('"')
	from := p.at
	for ; !p.failed && p.at < len(p.text); p.at++ {
		switch b := p.text[p.at]; {
		case b == '"':
			p.at++
			return p.valid(p.text[from : p.at-1])
		case b == '\\':
			return p.valid(p.escaped(from))
		case b < ' ':
			p.failed = true
		}
	}
	p.failed = true
	return ""
}

// escaped reads the rest of a string, which has an escape at the present place.
func (p *parser) escaped(from int) string {
	out := append(make([]byte, 0, 2*(p.at-from)+64), p.text[from:p.at]...)
	for ; !p.failed && p.at < len(p.text); p.at++ {
		switch b := p.text[p.at]; {
		case b == '"':
			p.at++
			return string(out)
		case b == '\\' && p.at+1 < len(p.text) && strings.IndexByte(`"\/`, p.text[p.at+1]) >= 0:
			p.at++
			out = append(out, p.text[p.at])
		case b == '\\', b < ' ':
			p.failed = true
		default:
			out = append(out, b)
		}
	}
	p.failed = true
	return ""
}

// valid fails for text that is no UTF-8: encoding/json replaces what is wrong in it.
func (p *parser) valid(s string) string {
	p.failed = p.failed || !utf8.ValidString(s)
	return s
}
