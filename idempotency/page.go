package idempotency

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency/rules"
)

// PageQuery selects a page of one provider's payments in one indexed state.
type PageQuery struct {
	Provider string
	// State is any but succeeded and reversed, which have no index.
	State State
	// Newest lists what came into the list last first; otherwise the oldest come first.
	Newest bool
	// From and To bound Record.ListedAt: From is included, To is not. Zero bounds nothing.
	From, To time.Time
	// After is the place behind which the page begins; the zero Place is the list's beginning.
	After Place
	// Limit is the largest number of records.
	Limit int
	// Damaged, if set, is called for each record that cannot be read; Page skips it.
	Damaged func(Key, error)
}

// Place is where a payment stands in its state's list: At is its Record.ListedAt in Unix ms, ID its
// Key.ID. It stays meaningful when the payment leaves the list.
type Place struct {
	At int64
	ID string
}

// Page returns a page, the place of the last payment that it read, skipped ones included, and
// whether there may be more behind it. A page costs the same wherever it stands in the list.
func (l *Ledger) Page(ctx context.Context, q PageQuery) (rs []Record, last Place, more bool, err error) {
	parts, err := l.KnownPartitions(ctx, q.Provider)
	if err != nil {
		return nil, q.After, false, err
	}
	r := PageRange{State: q.State, Newest: q.Newest, From: fromTime(q.From), To: fromTime(q.To), After: q.After, Limit: q.Limit}
	var places []Place
	for _, p := range parts {
		some, err := l.store.PageIDs(ctx, p.String(), r)
		if err != nil {
			return nil, q.After, false, err
		}
		places, more = append(places, some...), more || len(some) == q.Limit
	}
	if len(places) == 0 {
		return nil, q.After, false, nil
	}
	slices.SortFunc(places, r.compare)
	if len(places) > q.Limit {
		places, more = places[:q.Limit], true
	}
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.ID
	}
	rs, err = l.loadAll(ctx, Filter{Provider: q.Provider, State: q.State, Damaged: q.Damaged}, ids)
	return rs, places[len(places)-1], more, err
}

// ShowAll returns the records of one provider's payments, in the order of the keys, without those
// that the ledger does not know. It reports those that cannot be read to damaged, if set.
func (l *Ledger) ShowAll(ctx context.Context, provider string, keys []Key, damaged func(Key, error)) ([]Record, error) {
	if err := l.learnPartitions(ctx, provider); err != nil {
		return nil, err
	}
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.id()
	}
	return l.loadAll(ctx, Filter{Provider: provider, Damaged: damaged}, ids)
}

// loadAll is load from all partitions, in the order of the ids.
func (l *Ledger) loadAll(ctx context.Context, f Filter, ids []string) ([]Record, error) {
	of := map[Partition][]string{}
	for _, id := range ids {
		p := l.PartitionOf(keyFromID(f.Provider, id))
		of[p] = append(of[p], id)
	}
	found := make(map[string]Record, len(ids))
	for p, some := range of {
		rs, err := l.load(ctx, p, f, some)
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			found[r.Key.id()] = r
		}
	}
	rs := make([]Record, 0, len(found))
	for _, id := range ids {
		if r, ok := found[id]; ok {
			rs = append(rs, r)
		}
	}
	return rs, nil
}

// PageRange is a PageQuery as a store reads it.
type PageRange struct {
	State    State
	Newest   bool
	From, To rules.Time
	After    Place
	Limit    int
}

// compare orders places as the range lists them.
func (r PageRange) compare(a, b Place) int {
	order := cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	if r.Newest {
		return -order
	}
	return order
}

// holds reports whether the range has the place, whatever its limit.
func (r PageRange) holds(p Place) bool {
	return p.At >= int64(r.From) && (r.To == 0 || p.At < int64(r.To)) && (r.After == Place{} || r.compare(p, r.After) > 0)
}

// PageIDs implements Store. Many payments may have come into a list in one millisecond: those of
// them that the page before had are read again, by their ids alone.
func (s *redisStore) PageIDs(ctx context.Context, partition string, r PageRange) ([]Place, error) {
	if err := s.checkOnce(ctx, partition); err != nil {
		return nil, err
	}
	by, base := redis.ZRangeArgs{Key: keysOf(partition).states(), ByScore: true, Rev: r.Newest}, int64(rank[r.State])*rankDistance
	low, high, count := r.scores(base)
	if by.Start, by.Stop, by.Count = low, high, count; r.Newest {
		by.Start, by.Stop = high, low
	}
	var places []Place
	for {
		page, err := s.db.Client.ZRangeArgsWithScores(ctx, by).Result()
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", partition, err)
		}
		for _, z := range page {
			id, _ := z.Member.(string)
			if p := (Place{int64(z.Score) - base, id}); r.holds(p) && len(places) < r.Limit {
				places = append(places, p)
			}
		}
		if len(places) == r.Limit || int64(len(page)) < by.Count {
			return places, nil
		}
		by.Offset += by.Count
	}
}

// scores are the lowest and the highest score of the range, base being the score of the state's
// beginning, and how many members to read at a time.
func (r PageRange) scores(base int64) (low, high string, count int64) {
	from, to, border := int64(r.From), int64(r.To), r.After != Place{}
	if border && !r.Newest {
		from = max(from, r.After.At)
	}
	low, high = strconv.FormatInt(base+from, 10), "("+strconv.FormatInt(base+rankDistance, 10)
	if to > 0 {
		high = "(" + strconv.FormatInt(base+to, 10)
	}
	if border && r.Newest && (to == 0 || r.After.At < to) {
		high = strconv.FormatInt(base+r.After.At, 10)
	}
	return low, high, int64(max(r.Limit, 100))
}

// PageIDs implements Store.
func (m *Memory) PageIDs(_ context.Context, partition string, r PageRange) ([]Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var places []Place
	for id, l := range m.provider(partition).listed {
		if p := (Place{int64(l.at), id}); l.state == r.State && r.holds(p) {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, r.compare)
	return places[:min(r.Limit, len(places))], nil
}
