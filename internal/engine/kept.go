package engine

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// keptReport is a sentReport in a third of its memory, and without pointers for the collector to
// follow: a worker keeps some ten thousand, and hardly ever needs one.
type keptReport struct {
	packed []byte
	// at is in Unix ms.
	at, epoch int64
}

// pack keeps a report: all of it but the payload, what the provider repeated, and the snapshot.
func (s *sentReport) pack() *keptReport {
	var p packing
	r := &s.owned.registered
	p.text(s.owned.id, r.Key.Provider, r.Key.Account, r.Key.Reference, r.Type, r.Fingerprint, r.Amount, r.Currency, r.Object, r.Metadata,
		r.Subscription, r.Period, r.Traceparent, r.ChargeGuard)
	p.time(r.NotBefore, r.Deadline, s.owned.leaseEnd)
	p.flag(r.Bulk, s.owned.queryable)
	p.number(s.owned.epoch, int64(len(s.owned.sequences)))
	p.number(s.owned.sequences...)
	p.flag(s.result != nil)
	if a := s.result; a != nil {
		o := &a.Outcome
		p.text(a.Attempt, string(o.Class), o.ProviderID, o.SecondID, o.Code, o.Message, string(o.Decline), o.ActionURL)
		p.number(int64(o.ActionWithin), int64(o.ActionGrace), int64(a.QueryAfter), int64(len(o.ProviderRefs)))
		p.flag(a.MoneyStepReached, a.Queryable, o.ProviderRefs != nil)
		for _, name := range slices.Sorted(maps.Keys(o.ProviderRefs)) {
			p.text(name, o.ProviderRefs[name])
		}
	}
	return &keptReport{packed: slices.Clone(p), at: s.at.UnixMilli(), epoch: s.epoch}
}

// unpack is the report that was kept.
func (k *keptReport) unpack() *sentReport {
	u := unpacking(k.packed)
	s := &sentReport{at: time.UnixMilli(k.at), epoch: k.epoch}
	r := &s.owned.registered
	u.text(&s.owned.id, &r.Key.Provider, &r.Key.Account, &r.Key.Reference, &r.Type, &r.Fingerprint, &r.Amount, &r.Currency, &r.Object, &r.Metadata,
		&r.Subscription, &r.Period, &r.Traceparent, &r.ChargeGuard)
	r.NotBefore, r.Deadline, s.owned.leaseEnd = u.time(), u.time(), u.time()
	r.Bulk, s.owned.queryable = u.flag(), u.flag()
	s.owned.epoch = u.number()
	for range u.number() {
		s.owned.sequences = append(s.owned.sequences, u.number())
	}
	if !u.flag() {
		return s
	}
	a := &idempotency.AttemptResult{}
	o := &a.Outcome
	var class, decline string
	u.text(&a.Attempt, &class, &o.ProviderID, &o.SecondID, &o.Code, &o.Message, &decline, &o.ActionURL)
	o.Class, o.Decline = providers.Class(class), providers.Decline(decline)
	o.ActionWithin, o.ActionGrace, a.QueryAfter = time.Duration(u.number()), time.Duration(u.number()), time.Duration(u.number())
	refs := u.number()
	a.MoneyStepReached, a.Queryable = u.flag(), u.flag()
	if u.flag() {
		o.ProviderRefs = map[string]string{}
	}
	for range refs {
		var name, value string
		u.text(&name, &value)
		o.ProviderRefs[name] = value
	}
	s.result = a
	return s
}

// packing is values one after the other, and unpacking what is still to be read of them, in the
// same order.
type (
	packing   []byte
	unpacking []byte
)

func (p *packing) text(texts ...string) {
	for _, s := range texts {
		*p = append(binary.AppendUvarint(*p, uint64(len(s))), s...)
	}
}

func (p *packing) number(numbers ...int64) {
	for _, n := range numbers {
		*p = binary.AppendVarint(*p, n)
	}
}

// time keeps milliseconds, as the ledger does.
func (p *packing) time(times ...time.Time) {
	for _, t := range times {
		n := int64(0)
		if !t.IsZero() {
			n = t.UnixMilli()
		}
		p.number(n)
	}
}

func (p *packing) flag(flags ...bool) {
	for _, is := range flags {
		n := int64(0)
		if is {
			n = 1
		}
		p.number(n)
	}
}

func (u *unpacking) text(texts ...*string) {
	for _, s := range texts {
		size, n := binary.Uvarint(*u)
		end := n + int(size) //nolint:gosec // it was a length
		*s, *u = string((*u)[n:end]), (*u)[end:]
	}
}

func (u *unpacking) number() int64 {
	v, n := binary.Varint(*u)
	*u = (*u)[n:]
	return v
}

func (u *unpacking) time() time.Time {
	n := u.number()
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

func (u *unpacking) flag() bool { return u.number() == 1 }
