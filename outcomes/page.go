package outcomes

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/kv"
)

// PageQuery selects a page of the outcome stream of one partition.
type PageQuery struct {
	Partition idempotency.Partition
	// State selects the events of payments that came into this state; empty for all events.
	State idempotency.State
	// Newest lists the newest events first; otherwise the oldest come first.
	Newest bool
	// From and To bound the time of the event: From is included, To is not. Zero bounds nothing.
	From, To time.Time
	// After is the StreamID behind which the page begins; empty for the beginning of the list.
	After string
	// Limit is the largest number of entries that are read.
	Limit int
}

// PageResult is a page of a stream.
type PageResult struct {
	// Events are those that were selected.
	Events []Event
	// Read is how many entries were read, Last the StreamID of the last of them.
	Read int
	Last string
	// More: there may be more behind it.
	More bool
}

// Page reads a page of a stream for whoever belongs to no group, such as a page that people look
// at. It opens nothing that is sealed. A page costs the same wherever it stands in the stream.
func Page(ctx context.Context, rdb redis.UniversalClient, q PageQuery) (PageResult, error) {
	low, high := "-", "+"
	if !q.From.IsZero() {
		low = strconv.FormatInt(q.From.UnixMilli(), 10)
	}
	if !q.To.IsZero() {
		high = "(" + strconv.FormatInt(q.To.UnixMilli(), 10) + "-0"
	}
	key, limit := kv.OutcomesKey(q.Partition.String()), int64(q.Limit)
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
		return PageResult{}, fmt.Errorf("outcomes of %s: %w", q.Partition, err)
	}
	out := PageResult{Last: q.After, Read: len(entries.Val()), More: len(entries.Val()) == q.Limit}
	for _, m := range entries.Val() {
		out.Last = m.ID
		if q.State != "" && (m.Values["state"] != string(q.State) || m.Values["event"] != "state") {
			continue
		}
		if e, err := Decode(q.Partition.Provider, m, nil); err == nil {
			out.Events = append(out.Events, e)
		}
	}
	return out, nil
}
