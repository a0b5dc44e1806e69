package export

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/seal"
)

// Current is the ledger as it stands now.
type Current interface {
	Source
	// ShowAll returns the records of one provider's payments that the ledger knows, and reports to
	// damaged those that cannot be read.
	ShowAll(ctx context.Context, provider string, keys []idempotency.Key, damaged func(idempotency.Key, error)) ([]idempotency.Record, error)
}

// Against says which ledger an export is held against.
type Against struct {
	Ledger Current
	// Now is the store's time. A final payment that changed last before Retention ago may be gone.
	Now       time.Time
	Retention time.Duration
	// Providers are those whose payments are looked for that no file has.
	Providers []string
}

// Compared is what came of holding an export against the ledger.
type Compared struct {
	// Records were compared, of which Later changed since as their later history tells, and Expired
	// are gone because the ledger keeps none that long.
	Records int64 `json:"records"`
	Later   int64 `json:"later"`
	Expired int64 `json:"expired"`
	// Gone, Changed and Added count what nothing explains: records that are missing from the
	// ledger, that differ from it, and that it has for the days of the export beside those of the
	// files.
	Gone     int64     `json:"gone"`
	Changed  int64     `json:"changed"`
	Added    int64     `json:"added"`
	Problems []Problem `json:"problems"`
	More     int       `json:"more,omitempty"`
}

// Agrees reports whether the ledger explains every record.
func (c *Compared) Agrees() bool { return len(c.Problems) == 0 }

// VerifyAgainst verifies an export as Verify does, and holds its payments against the ledger. It
// reads a batch of records at a time, and keeps some 20 bytes for each payment.
func VerifyAgainst(ctx context.Context, path string, c Checks, a Against) (*Verified, *Compared, error) {
	k := &comparison{Compared: &Compared{Problems: []Problem{}}, ctx: ctx, against: a, seed: maphash.MakeSeed(), known: map[uint64]struct{}{}}
	c.Payment, c.Manifest = k.payment, k.manifest
	v, err := Verify(path, c)
	if err == nil {
		err = k.flush()
	}
	if err == nil {
		err = k.findAdded()
	}
	return v, k.Compared, err
}

// exported is a payment as a file has it.
type exported struct {
	file string
	line int64
	key  idempotency.Key
	Payment
}

type comparison struct {
	*Compared
	ctx     context.Context
	against Against
	batch   []exported
	// known are hashes of the keys of all payments that were exported, or could not be.
	seed  maphash.Seed
	known map[uint64]struct{}
	spans []span
}

// span is what one manifest covers.
type span struct {
	provider    string
	from, until time.Time
}

// comparedAtOnce is how many records are read from the ledger at a time.
const comparedAtOnce = 500

func (c *comparison) add(file string, line int64, text string) {
	if len(c.Problems) == mostProblems {
		c.More++
		return
	}
	c.Problems = append(c.Problems, Problem{file, line, text})
}

func (c *comparison) know(key string) { c.known[maphash.String(c.seed, key)] = struct{}{} }

func (c *comparison) payment(file string, line int64, p Payment) error {
	k, err := idempotency.ParseKey(p.Key)
	if err != nil {
		c.Changed++
		c.add(file, line, "it has no key of a payment")
		return nil
	}
	c.know(p.Key)
	if len(c.batch) == comparedAtOnce || len(c.batch) > 0 && c.batch[0].key.Provider != k.Provider {
		if err := c.flush(); err != nil {
			return err
		}
	}
	c.batch = append(c.batch, exported{file, line, k, p})
	return nil
}

// manifest takes what a manifest covers: until it was made, at most.
func (c *comparison) manifest(m Manifest) {
	at := func(text string) time.Time {
		t, _ := time.Parse(stamp, text) // a manifest of ours; no text is no bound
		return t
	}
	s := span{m.Provider, at(m.From), at(m.Until)}
	if made := at(m.ExportedAt); s.until.IsZero() || made.Before(s.until) {
		s.until = made
	}
	c.spans = append(c.spans, s)
	for _, key := range m.Damaged {
		c.know(key)
	}
}

// flush compares the batch.
func (c *comparison) flush() error {
	if len(c.batch) == 0 {
		return nil
	}
	keys := make([]idempotency.Key, len(c.batch))
	for i, e := range c.batch {
		keys[i] = e.key
	}
	damaged := map[idempotency.Key]bool{}
	rs, err := c.against.Ledger.ShowAll(c.ctx, keys[0].Provider, keys, func(k idempotency.Key, _ error) { damaged[k] = true })
	if err != nil {
		return err
	}
	now := map[idempotency.Key]*idempotency.Record{}
	for i := range rs {
		now[rs[i].Key] = &rs[i]
	}
	for _, e := range c.batch {
		c.compare(e, now[e.key], damaged[e.key])
	}
	c.batch = c.batch[:0]
	return nil
}

func (c *comparison) compare(e exported, r *idempotency.Record, damaged bool) {
	c.Records++
	switch {
	case damaged:
		c.Changed++
		c.add(e.file, e.line, "its record in the ledger is damaged")
	case r == nil && c.expired(e.Payment):
		c.Expired++
	case r == nil:
		c.Gone++
		c.add(e.file, e.line, "the ledger has no record of it, and would still keep one")
	default:
		text := e.differs(*r)
		if text != "" {
			c.Changed++
			c.add(e.file, e.line, text)
		} else if r.Version > e.Version {
			c.Later++
		}
	}
}

// expired reports whether the ledger need not have the payment any more.
func (c *comparison) expired(p Payment) bool {
	at, err := time.Parse(stamp, p.UpdatedAt)
	return err == nil && p.State.Final() && p.Anomaly == "" && c.against.Now.Sub(at) > c.against.Retention
}

// differs says what of a payment the ledger has otherwise, although nothing that happened later
// explains it: a field that never changes, a version that fell, another past.
func (p Payment) differs(r idempotency.Record) string {
	now := newPayment(r, time.UTC, p.Personal != nil)
	for _, f := range []struct{ name, was, is string }{
		{"type", p.Type, now.Type}, {"amount", p.Amount, now.Amount}, {"currency", p.Currency, now.Currency}, {"fingerprint", p.Fingerprint, now.Fingerprint},
		{"subscription", p.Subscription, now.Subscription}, {"period", p.Period, now.Period}, {"created_at", instant(p.CreatedAt), instant(now.CreatedAt)},
	} {
		if f.was != f.is {
			return "the ledger has another " + f.name
		}
	}
	switch {
	case now.Version < p.Version:
		return fmt.Sprintf("the ledger has an older version of it: %d, and %d was exported", now.Version, p.Version)
	case !now.continues(p):
		return "the ledger has another history of it"
	case now.Version > p.Version:
		return ""
	}
	for _, f := range []struct{ name, was, is string }{
		{"state", string(p.State), string(now.State)}, {"provider_id", p.ProviderID, now.ProviderID}, {"code", p.Code, now.Code},
		{"decline", p.Decline, now.Decline}, {"anomaly", p.Anomaly, now.Anomaly}, {"attempts", fmt.Sprint(p.Attempts), fmt.Sprint(now.Attempts)},
		{"may_have_left", fmt.Sprint(p.MayHaveLeft), fmt.Sprint(now.MayHaveLeft)}, {"history", fmt.Sprint(len(deciding(p.History))), fmt.Sprint(len(deciding(now.History)))},
	} {
		if f.was != f.is {
			return "the ledger has another " + f.name + " in the same version"
		}
	}
	return ""
}

// instant is a time of any zone as one text.
func instant(text string) string {
	t, err := time.Parse(stamp, text)
	if err != nil {
		return text
	}
	return t.UTC().Format(stamp)
}

// continues reports whether the payment's history begins with that of an earlier export. A history
// that is full has lost entries in its middle, so that only the first must be there, and those that
// are not older than the first that follows the gap.
func (p Payment) continues(earlier Payment) bool {
	was, is := deciding(earlier.History), deciding(p.History)
	if p.HistoryGap == 0 {
		return len(was) <= len(is) && slices.EqualFunc(was, is[:len(was)], sameEntry)
	}
	if len(was) == 0 || !sameEntry(was[0], is[0]) {
		return false
	}
	kept := instant(p.History[p.HistoryGap].At)
	for _, e := range was {
		i := slices.IndexFunc(is, func(now Entry) bool { return sameEntry(e, now) })
		switch {
		case i >= 0:
			is = is[i+1:]
		case instant(e.At) > kept:
			return false
		}
	}
	return true
}

// deciding are the entries of a history without the answers that decided nothing, of which a
// history keeps only some.
func deciding(history []Entry) []Entry {
	var all []Entry
	var state idempotency.State
	for _, e := range history {
		if e.Answer == nil || e.Note != "" || e.State != state {
			all = append(all, e)
		}
		state = e.State
	}
	return all
}

// sameEntry compares entries, but for a note that nobody could open.
func sameEntry(a, b Entry) bool {
	hidden := seal.Sealed([]byte(a.Note)) || seal.Sealed([]byte(b.Note))
	return instant(a.At) == instant(b.At) && a.State == b.State && a.Attempt == b.Attempt && (a.Note == b.Note || hidden)
}

// findAdded looks for payments that a manifest covers, and that no file has.
func (c *comparison) findAdded() error {
	for _, provider := range c.against.Providers {
		f := idempotency.Filter{Provider: provider, Damaged: func(idempotency.Key, error) {}}
		for cursor := ""; ; {
			rs, next, err := c.against.Ledger.Scan(c.ctx, f, cursor)
			if err != nil {
				return err
			}
			for _, r := range rs {
				c.wasExported(r)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return nil
}

func (c *comparison) wasExported(r idempotency.Record) {
	hash := maphash.String(c.seed, r.Key.String())
	if _, known := c.known[hash]; known {
		return
	}
	for _, s := range c.spans {
		if (s.provider == "" || s.provider == r.Key.Provider) && (Options{From: s.from, Until: s.until}).covers(r) {
			c.Added++
			c.add(r.Key.String(), 0, "the ledger has it for the days of the export, and no file has it")
			c.known[hash] = struct{}{} // a scan may return it twice
			return
		}
	}
}
