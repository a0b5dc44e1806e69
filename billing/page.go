package billing

import (
	"cmp"
	"context"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/merge"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/tasks"
)

// PageQuery selects a page of subscriptions, those added first first.
type PageQuery struct {
	Filter
	// After is the place behind which the page begins; the zero Place is the beginning.
	After Place
	// Limit is the largest number of subscriptions. A page reads at most twenty times as many.
	Limit int
}

// Place is where a subscription stands in the list of all.
type Place struct {
	// Added is in Unix ms.
	Added        int64
	ID, Provider string
}

func placeOf(r Record) Place { return Place{r.Added, r.ID, r.Provider} }

func (p Place) compare(o Place) int {
	return cmp.Or(cmp.Compare(p.Added, o.Added), strings.Compare(p.ID, o.ID), strings.Compare(p.Provider, o.Provider))
}

// Page returns a page, the place of the last subscription that it read, and whether there may be
// more behind it: a filter that few match may leave a page short.
func (c *Client) Page(ctx context.Context, q PageQuery) (subs []Subscription, last Place, more bool, err error) {
	var lists []iter.Seq2[Record, error]
	for _, name := range catalog.Names() {
		if q.Provider == "" || q.Provider == name {
			lists = append(lists, c.config.Store.listFrom(ctx, name, q.After))
		}
	}
	read := 0
	for r, err := range merge.Ordered(func(a, b Record) int { return placeOf(a).compare(placeOf(b)) }, lists...) {
		if err != nil {
			return nil, last, false, err
		}
		if len(subs) == q.Limit || read == 20*q.Limit {
			return subs, last, true, nil
		}
		read++
		last = placeOf(r)
		if q.State == "" || q.State == r.State {
			subs = append(subs, view(r))
		}
	}
	return subs, last, false, nil
}

// listFrom yields the records of a provider's subscriptions behind a place, oldest first.
func (s *Store) listFrom(ctx context.Context, provider string, after Place) iter.Seq2[Record, error] {
	const some = 100
	return func(yield func(Record, error) bool) {
		by := redis.ZRangeBy{Min: strconv.FormatInt(after.Added, 10), Max: "+inf", Count: some}
		for {
			ids, err := s.db.Client.ZRangeByScore(ctx, allKey(provider), &by).Result()
			if err != nil || len(ids) == 0 {
				if err != nil {
					yield(Record{}, err)
				}
				return
			}
			records, err := s.records(ctx, provider, ids)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, r := range records {
				if placeOf(r).compare(after) > 0 && !yield(r, nil) {
					return
				}
			}
			by.Offset += some
		}
	}
}

// records reads records without their content.
func (s *Store) records(ctx context.Context, provider string, ids []string) ([]Record, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = recordKey(provider, id)
	}
	texts, err := s.db.Client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, err
	}
	out := make([]Record, len(ids))
	for i, t := range texts {
		text, _ := t.(string)
		if out[i], err = record(provider, ids[i], text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Upcoming is a charge that an active subscription will make.
type Upcoming struct {
	Subscription, Provider string
	Period                 int
	Due                    time.Time
	// Amount is the decimal text of what it will charge, in Currency.
	Amount, Currency string
}

// Upcoming lists what a provider's active subscriptions will charge before an instant, as they are
// now: each period that falls due, without new charges after declines. It reads at most limit
// subscriptions, those due first, and reports whether there are more. Of one whose content cannot
// be opened it knows the next period only.
func (c *Client) Upcoming(ctx context.Context, provider string, before time.Time, limit int) (all []Upcoming, more bool, err error) {
	s := c.config.Store
	ids, err := s.db.Client.ZRangeByScore(ctx, dueKey(provider), &redis.ZRangeBy{
		Min: "-inf", Max: "(" + strconv.FormatInt(before.UnixMilli(), 10), Count: int64(limit),
	}).Result()
	if err != nil || len(ids) == 0 {
		return nil, false, err
	}
	held, err := s.Load(ctx, provider, ids...)
	for _, h := range held {
		all = append(all, h.upcoming(before)...)
	}
	return all, len(ids) == limit, err
}

// upcoming are the charges of one subscription.
func (h Stored) upcoming(before time.Time) (all []Upcoming) {
	r := h.Record
	if r.State != Active || r.NextDue == 0 {
		return nil
	}
	add := func(period int, due time.Time) {
		if due.Before(before) {
			all = append(all, Upcoming{r.ID, r.Provider, period, due, r.Amount, r.Currency})
		}
	}
	add(r.Next, r.local(r.NextDue))
	sub, err := tasks.DecodeStoredSubscription(h.Content)
	if h.Err != nil || err != nil {
		return all
	}
	terms := termsOf(sub)
	for n := r.Next + 1; ; n++ {
		due, ok := terms.due(n)
		if !ok || !due.Before(before) {
			return all
		}
		add(n, due)
	}
}
