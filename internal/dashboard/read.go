package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/merge"
	"github.com/remesa/remesa/outcomes"
)

// found is a payment as a list comes by it.
type found struct {
	place
	// Record is empty where the list came by something else.
	idempotency.Record
	// Reads is how much was read for it.
	Reads int
}

// read yields what the lists of the query's providers hold, in the query's order and from its place
// on: payments that match, and an empty Record for each that does not, so that the reader can end
// where it has read enough. damaged is called for records that cannot be read.
func (p *pages) read(ctx context.Context, q query, chunk int, damaged func(idempotency.Key, error)) iter.Seq2[found, error] {
	var lists []iter.Seq2[found, error]
	for _, provider := range q.providers() {
		r := reader{pages: p, query: q, provider: provider, chunk: chunk, damaged: damaged}
		switch {
		case q.Anomalies:
			lists = append(lists, r.anomalies(ctx))
		case q.settled():
			parts, err := p.Ledger.KnownPartitions(ctx, provider)
			if err != nil {
				parts = []idempotency.Partition{{Provider: provider}}
			}
			for _, part := range parts {
				lists = append(lists, r.settled(ctx, part, err))
			}
		default:
			lists = append(lists, r.indexed(ctx))
		}
	}
	return merge.Ordered(func(a, b found) int { return q.compare(a.place, b.place) }, lists...)
}

// compare orders places as the query lists them: providers in one order in either direction.
func (q query) compare(a, b place) int {
	order := cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.ID, b.ID))
	if q.Newest {
		order = -order
	}
	return cmp.Or(order, strings.Compare(a.Provider, b.Provider))
}

// reader reads one provider's list.
type reader struct {
	*pages
	query
	provider string
	chunk    int
	damaged  func(idempotency.Key, error)
}

// indexed reads the index of a state.
func (r reader) indexed(ctx context.Context) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		q := idempotency.PageQuery{
			Provider: r.provider, State: r.State, Newest: r.Newest, From: r.from, To: r.to, Limit: r.chunk, Damaged: r.damaged,
		}
		if r.After != (place{}) {
			q.After = r.After.ofIndex(r.Newest, r.provider)
		}
		for more := true; more; {
			rs, last, again, err := r.Ledger.Page(ctx, q)
			if err != nil {
				yield(found{}, fmt.Errorf("list %s: %w", r.provider, err))
				return
			}
			for _, rec := range rs {
				f := found{place{At: rec.ListedAt().UnixMilli(), ID: rec.Key.ID(), Provider: r.provider}, rec, 1}
				if !r.yield(f, yield) {
					return
				}
			}
			q.After, more, q.Limit = last, again, r.more(q.Limit)
		}
	}
}

// largestChunk bounds what is read at a time where a filter is sparse.
const largestChunk = 1000

// more is how much to read after a chunk that was not enough.
func (r reader) more(chunk int) int { return max(chunk, min(2*chunk, largestChunk)) }

// yield passes on what comes behind the query's place, and empties what does not match.
func (r reader) yield(f found, yield func(found, error) bool) bool {
	if r.After != (place{}) && r.compare(f.place, r.After) <= 0 {
		return true
	}
	if f.Key.Reference != "" && !r.match(f.Record) {
		f.Record = idempotency.Record{}
	}
	return yield(f, nil)
}

// anomalies reads the list of anomalies, which is short: at most mostAnomalies of each provider.
func (r reader) anomalies(ctx context.Context) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		var all []idempotency.Record
		err := r.Ledger.List(ctx, idempotency.Filter{Provider: r.provider, Anomalies: true, Damaged: r.damaged}, func(rec idempotency.Record) bool {
			all = append(all, rec)
			return len(all) < mostAnomalies
		})
		if err != nil {
			yield(found{}, err)
			return
		}
		for i := range all {
			rec := all[i]
			if r.Newest {
				rec = all[len(all)-1-i]
			}
			at := since(rec)
			if !r.from.IsZero() && at.Before(r.from) || !r.to.IsZero() && !at.Before(r.to) {
				continue
			}
			if !r.yield(found{place{At: at.UnixMilli(), ID: rec.Key.ID(), Provider: r.provider}, rec, 1}, yield) {
				return
			}
		}
	}
}

const mostAnomalies = 1000

// settled reads payments that moved money. No index has them, but the outcome stream has each when
// it happened, as long as the stream is kept. Each partition has a stream of its own. An error is
// the list's only element.
func (r reader) settled(ctx context.Context, part idempotency.Partition, err error) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		q := outcomes.PageQuery{Partition: part, State: r.State, Newest: r.Newest, From: r.from, To: r.to, Limit: r.chunk}
		if r.After != (place{}) {
			q.After = r.After.streamID(r.Newest, part.String())
		}
		for more := err == nil; more; {
			var all []found
			var page outcomes.PageResult
			if page, err = outcomes.Page(ctx, r.Redis, q); err == nil {
				all, err = r.settledOf(ctx, part, page)
			}
			for _, f := range all {
				if !r.yield(f, yield) {
					return
				}
			}
			q.After, more, q.Limit = page.Last, err == nil && page.More, r.more(q.Limit)
		}
		if err != nil {
			yield(found{}, err)
		}
	}
}

// settledOf reads the payments that came into the query's state with a page's events. What else was
// read for them is the last element.
func (r reader) settledOf(ctx context.Context, part idempotency.Partition, page outcomes.PageResult) ([]found, error) {
	var keys []idempotency.Key
	known, all := r.query, make([]found, len(page.Events))
	known.Fingerprint = "" // events have none
	for i, e := range page.Events {
		seen := idempotency.Record{
			Key: idempotency.Key{Provider: e.Provider, Account: e.Account, Reference: e.Reference}, State: e.State, Code: e.Code,
			Amount: e.Amount, Currency: e.Currency,
		}
		all[i] = found{place: eventPlace(e.StreamID, part), Reads: 1}
		if known.match(seen) {
			all[i].Record = seen
			keys = append(keys, seen.Key)
		}
	}
	records, err := r.Ledger.ShowAll(ctx, r.provider, keys, r.damaged)
	now := make(map[idempotency.Key]idempotency.Record, len(records))
	for _, rec := range records {
		now[rec.Key] = rec
	}
	for i := range all {
		if all[i].Key.Reference != "" {
			all[i].Record = now[all[i].Key] // empty where its record has expired
		}
	}
	if page.Read > len(all) {
		all = append(all, found{place: eventPlace(page.Last, part), Reads: page.Read - len(all)})
	}
	return all, err
}

// eventPlace is where an entry of a partition's stream stands: its number within the millisecond is
// padded, so that texts compare as numbers do.
func eventPlace(streamID string, part idempotency.Partition) place {
	ms, sequence, _ := strings.Cut(streamID, "-")
	at := int64(0)
	_, _ = fmt.Sscan(ms, &at)
	return place{At: at, ID: strings.Repeat("0", max(0, 20-len(sequence))) + sequence, Provider: part.String()}
}

// ofIndex is the place behind which a provider's index goes on. Of another provider's place at the
// same instant nothing is known: it goes on with that instant, and what was shown is left out.
func (p place) ofIndex(newest bool, provider string) idempotency.Place {
	switch {
	case p.Provider == provider:
		return idempotency.Place{At: p.At, ID: p.ID}
	case newest:
		return idempotency.Place{At: p.At + 1}
	}
	return idempotency.Place{At: p.At - 1, ID: "\xff"}
}

// streamID is the entry behind which a provider's stream goes on, as ofIndex says.
func (p place) streamID(newest bool, provider string) string {
	sequence := strings.TrimLeft(p.ID, "0")
	switch {
	case p.Provider == provider:
		return fmt.Sprintf("%d-%s", p.At, cmp.Or(sequence, "0"))
	case newest:
		return fmt.Sprintf("%d-%s", p.At+1, "0")
	}
	return fmt.Sprintf("%d-%s", max(0, p.At-1), "18446744073709551615")
}
