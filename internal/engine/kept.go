package engine

import (
	"encoding/binary"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// keptReport is a sentReport as a worker keeps it. It keeps up to maxReports for each partition: as
// texts they take less memory, and the garbage collector need not look into them.
type keptReport struct {
	at    time.Time
	epoch int64
	text  string
}

func keep(s sentReport) *keptReport {
	var room [1024]byte
	p := packer{text: room[:0]}
	p.report(&s)
	return &keptReport{at: s.at, epoch: s.epoch, text: string(p.text)}
}

// report is the report that was kept, without its payload and what the provider repeated.
func (k *keptReport) report() *sentReport {
	s := &sentReport{at: k.at, epoch: k.epoch}
	p := packer{text: []byte(k.text), reading: true}
	p.report(s)
	return s
}

// packer writes values one behind the other, or reads them again: both take the same way through
// what is packed.
type packer struct {
	text    []byte
	reading bool
}

func (p *packer) report(s *sentReport) {
	o := &s.owned
	text(p, &o.id)
	p.registration(&o.registered)
	p.instant(&o.leaseEnd)
	p.flag(&o.queryable)
	n := len(o.sequences)
	if number(p, &n); p.reading {
		o.sequences = make([]int64, n)
	}
	for i := range o.sequences {
		number(p, &o.sequences[i])
	}
	number(p, &o.epoch)
	reported := s.result != nil
	if p.flag(&reported); !reported {
		return
	}
	if p.reading {
		s.result = &idempotency.AttemptResult{}
	}
	p.result(s.result)
}

func (p *packer) registration(r *idempotency.Registration) {
	for _, s := range []*string{
		&r.Key.Provider, &r.Key.Account, &r.Key.Reference, &r.Type, &r.Fingerprint, &r.Amount, &r.Currency, &r.Object, &r.Metadata,
		&r.Subscription, &r.Period, &r.Traceparent, &r.ChargeGuard,
	} {
		text(p, s)
	}
	p.instant(&r.NotBefore)
	p.instant(&r.Deadline)
	p.flag(&r.Bulk)
}

func (p *packer) result(r *idempotency.AttemptResult) {
	o := &r.Outcome
	text(p, &r.Attempt)
	text(p, &o.Class)
	text(p, &o.ProviderID)
	text(p, &o.SecondID)
	text(p, &o.Code)
	text(p, &o.Message)
	text(p, &o.Decline)
	text(p, &o.ActionURL)
	number(p, &o.ActionWithin)
	number(p, &o.ActionGrace)
	p.texts(&o.ProviderRefs)
	p.flag(&r.MoneyStepReached)
	p.flag(&r.Queryable)
	number(p, &r.QueryAfter)
	a := &r.Answer
	text(p, &a.Question)
	number(p, &a.HTTPStatus)
	text(p, &a.Class)
	number(p, &a.Took)
}

func text[T ~string](p *packer, s *T) {
	n := len(*s)
	if number(p, &n); !p.reading {
		p.text = append(p.text, *s...)
		return
	}
	*s, p.text = T(p.text[:n]), p.text[n:]
}

func (p *packer) texts(all *map[string]string) {
	n := len(*all)
	if number(p, &n); !p.reading {
		for name, value := range *all {
			text(p, &name)
			text(p, &value)
		}
		return
	}
	for range n {
		if *all == nil {
			*all = make(map[string]string, n)
		}
		var name, value string
		text(p, &name)
		text(p, &value)
		(*all)[name] = value
	}
}

func number[T ~int | ~int64](p *packer, n *T) {
	if !p.reading {
		p.text = binary.AppendVarint(p.text, int64(*n))
		return
	}
	v, size := binary.Varint(p.text)
	*n, p.text = T(v), p.text[size:]
}

func (p *packer) flag(b *bool) {
	n := 0
	if *b {
		n = 1
	}
	number(p, &n)
	*b = n == 1
}

func (p *packer) instant(t *time.Time) {
	second, rest := t.Unix(), t.Nanosecond()
	number(p, &second)
	number(p, &rest)
	*t = time.Unix(second, int64(rest)).UTC()
}
