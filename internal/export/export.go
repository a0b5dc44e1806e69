// Package export writes payments with their histories into files that can be read and checked
// without remesa, and verifies such files. Each line of a file carries its own hash and that of the
// line before; a manifest holds counts, sums and the hash of each file, and, in an archive of days,
// that of the manifest of the day before.
package export

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// Source is where payments are read from.
type Source interface {
	// Scan returns some of the payments that match, in no order, and where to go on: it begins with
	// an empty cursor and ends with one. It may return a payment twice.
	Scan(ctx context.Context, f idempotency.Filter, cursor string) (rs []idempotency.Record, next string, err error)
}

// Options say what is exported.
type Options struct {
	// Providers are those whose payments are exported; Provider is the only one that was asked for,
	// empty for all.
	Providers []string
	Provider  string
	// From and Until bound the instants of which every payment is exported that has an entry in its
	// history, or changed last, within them; Until aside. A zero time is no bound.
	From, Until time.Time
	Zone        *time.Location
	Personal    bool
	// CSV: an archive gets a CSV file beside each file of JSON Lines.
	CSV bool
	// Now is the store's time; By and Program are who exports, and with what.
	Now         time.Time
	By, Program string
	// Key signs manifests; nil signs none.
	Key ed25519.PrivateKey
	// TempDir is where records wait that are too many for memory; empty for the system's.
	TempDir string
}

// Write writes payments as JSON Lines, ordered by key, and the manifest as the last line.
func Write(ctx context.Context, s Source, o Options, w io.Writer) (Manifest, error) {
	found, err := collect(ctx, s, o, o.TempDir)
	if err != nil {
		return Manifest{}, err
	}
	defer found.close()
	m := o.manifest(found)
	chain := newChainWriter(w, jsonLines, noHash)
	if err := found.each(func(text []byte, p Payment) error {
		m.count(p)
		return chain.write(text)
	}); err != nil {
		return Manifest{}, err
	}
	file, err := chain.file("")
	if err != nil {
		return Manifest{}, err
	}
	m.Files = []File{file}
	line, err := m.finish().sign(o.Key)
	if err != nil {
		return Manifest{}, err
	}
	_, err = w.Write(append(line, '\n'))
	return m.Manifest, err
}

// collection is what an export found.
type collection struct {
	*sorter
	damaged []string
}

// collect reads every record and keeps those that have an entry within the bounds.
func collect(ctx context.Context, s Source, o Options, folder string) (*collection, error) {
	c := &collection{sorter: newSorter(folder, heldInMemory), damaged: []string{}}
	for _, provider := range o.Providers {
		if err := c.scan(ctx, s, o, provider); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *collection) scan(ctx context.Context, s Source, o Options, provider string) error {
	damaged := map[string]bool{}
	f := idempotency.Filter{Provider: provider, Damaged: func(k idempotency.Key, _ error) {
		if !damaged[k.String()] {
			damaged[k.String()] = true
			c.damaged = append(c.damaged, k.String())
		}
	}}
	for cursor := ""; ; {
		rs, next, err := s.Scan(ctx, f, cursor)
		if err != nil {
			return err
		}
		for _, r := range rs {
			if !o.covers(r) {
				continue
			}
			text, err := encode(newPayment(r, o.Zone, o.Personal))
			if err != nil {
				return err
			}
			if err := c.add(sortable{r.Key.String(), r.Version, text}); err != nil {
				return err
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// covers reports whether the payment was registered, or anything happened to it, within the bounds.
func (o Options) covers(r idempotency.Record) bool {
	within := func(t time.Time) bool {
		return (o.From.IsZero() || !t.Before(o.From)) && (o.Until.IsZero() || t.Before(o.Until))
	}
	if within(r.Created) || within(r.Updated) {
		return true
	}
	for _, h := range r.History {
		if within(h.At) || !h.Last.IsZero() && within(h.Last) {
			return true
		}
	}
	return false
}

// each calls do with each payment, as text and as it reads, ordered by key.
func (c *collection) each(do func(text []byte, p Payment) error) error {
	for r, err := range c.all() {
		if err != nil {
			return err
		}
		var p Payment
		if err := json.Unmarshal(r.Text, &p); err != nil {
			return fmt.Errorf("%s: %w", r.Key, err)
		}
		if err := do(r.Text, p); err != nil {
			return err
		}
	}
	return nil
}

// counting is a manifest that is being made.
type counting struct {
	Manifest
	totals totals
}

func (o Options) manifest(found *collection) *counting {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(o.Zone).Format(stamp)
	}
	return &counting{Manifest{
		Schema: Schema, Zone: o.Zone.String(), From: at(o.From), Until: at(o.Until), ExportedAt: at(o.Now), ExportedBy: o.By,
		Program: o.Program, Provider: o.Provider, Personal: o.Personal, Columns: columnsOf(o.Personal), Damaged: found.damaged,
	}, totals{}}
}

func (m *counting) count(p Payment) {
	m.Records++
	m.totals.add(p)
}

func (m *counting) finish() Manifest {
	m.Totals = m.totals.list()
	return m.Manifest
}
