package outcomes

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
)

// PageQuery selects a page of one provider's outcome stream.
type PageQuery struct {
	Provider string
	// Newest lists the newest events first; otherwise the oldest come first.
	Newest bool
	// From and To bound the time of the event: From is included, To is not. Zero bounds nothing.
	From, To time.Time
	// After is the StreamID behind which the page begins; empty for the beginning of the list.
	After string
	// Limit is the largest number of events.
	Limit int
}

// Page reads a page of a stream for whoever belongs to no group, such as a page that people look
// at: the events, the StreamID of the last entry that it read, and whether there may be more behind
// it. It opens nothing that is sealed. A page costs the same wherever it stands in the stream.
func Page(ctx context.Context, rdb redis.UniversalClient, q PageQuery) (events []Event, last string, more bool, err error) {
	low, high := "-", "+"
	if !q.From.IsZero() {
		low = strconv.FormatInt(q.From.UnixMilli(), 10)
	}
	if !q.To.IsZero() {
		high = "(" + strconv.FormatInt(q.To.UnixMilli(), 10) + "-0"
	}
	key, limit := kv.OutcomesKey(q.Provider), int64(q.Limit)
	var entries *redis.XMessageSliceCmd
	if q.Newest {
		if q.After != "" {
			high = "(" + q.After
		}
		entries = rdb.XRevRangeN(ctx, key, high, low, limit)
	} else {
		if q.After != "" {
			low = "(" + q.After
		}
		entries = rdb.XRangeN(ctx, key, low, high, limit)
	}
	if err := entries.Err(); err != nil {
		return nil, q.After, false, fmt.Errorf("outcomes of %s: %w", q.Provider, err)
	}
	last = q.After
	for _, m := range entries.Val() {
		last = m.ID
		if e, err := Decode(q.Provider, m, nil); err == nil {
			events = append(events, e)
		}
	}
	return events, last, len(entries.Val()) == q.Limit, nil
}
