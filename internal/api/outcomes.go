package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/outcomes"
	"github.com/remesa/remesa/providers/catalog"
)

const mostWait = 60 // seconds

func outcomeParameters() []parameter {
	return []parameter{
		{name: "after", about: "The cursor of the call before. Without it from the oldest event on that is kept; `now` begins with the events to come."},
		{name: "wait", about: "How many seconds to wait where there is no event yet, 0 unless given.", number: [2]int{0, mostWait}},
		{name: "provider", about: "Only this provider's; with a cursor, the one that it was made with.", values: catalog.Names()},
		{name: "limit", about: "How many, 100 unless given.", number: [2]int{1, mostLimit}},
	}
}

// outcomeList is what a call returns.
type outcomeList struct {
	Events []view.Event `json:"events"`
	// Cursor is the place behind them.
	Cursor string `json:"cursor"`
	// Missed is how many events were trimmed by age before this cursor came to them.
	Missed int64 `json:"missed"`
}

// place is how far one partition's stream was read.
type place struct {
	// After is the id of the last entry that was read.
	After string `json:"a"`
	// Read is how many entries the stream ever had up to that one.
	Read int64 `json:"n"`
}

// cursor is a place in each stream that is read, by its partition's name.
type cursor map[string]place

func (c cursor) text() string {
	raw, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// readCursor reads a cursor of some of these partitions. One that was made while a provider had
// fewer of them reads the others from their beginning: all that is there came later.
func readCursor(text string, parts []idempotency.Partition) (cursor, error) {
	var c cursor
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	good := err == nil && len(c) > 0
	for name, at := range c {
		known := slices.ContainsFunc(parts, func(p idempotency.Partition) bool { return p.String() == name })
		good = good && known && isEntryID(at.After) && at.Read >= 0
	}
	if !good {
		return nil, badParameter("after", "is no cursor of these events: give the one that the call before returned, now, or nothing")
	}
	for _, p := range parts {
		_, provider := c[p.Provider]
		if _, ok := c[p.String()]; provider && !ok {
			c[p.String()] = place{After: "0-0"}
		}
	}
	return c, nil
}

// pollInterval is how often a call that waits looks for events. A blocked connection for each
// waiting call and each stream would be the alternative.
const pollInterval = 200 * time.Millisecond

func (a *API) readOutcomes(c *call) error {
	values, err := c.readQuery()
	if err != nil {
		return err
	}
	wait := time.Duration(number(values, "wait", 0)) * time.Second
	if wait > 0 {
		deadline := time.Now().Add(wait + requestTimeout)
		_ = c.control.SetReadDeadline(deadline)
		_ = c.control.SetWriteDeadline(deadline)
	}
	at, err := a.begin(c.r.Context(), values)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), wait)
	defer cancel()
	for {
		list, err := a.outcomesBehind(c.r.Context(), at, number(values, "limit", usualLimit))
		if err != nil {
			return err
		}
		if len(list.Events) > 0 || list.Missed > 0 || !a.pause(ctx) {
			writeJSON(c.w, http.StatusOK, jsonMedia, list)
			return nil
		}
	}
}

// pause waits a moment, and reports whether there is time for another look.
func (a *API) pause(ctx context.Context) bool {
	select {
	case <-time.After(pollInterval):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	case <-a.drained:
		return false
	}
}

// begin is where the call begins to read.
func (a *API) begin(ctx context.Context, values url.Values) (cursor, error) {
	names := catalog.Names()
	if p := values.Get("provider"); p != "" {
		names = []string{p}
	}
	var parts []idempotency.Partition
	for _, name := range names {
		own, err := a.Ledger.KnownPartitions(ctx, name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, own...)
	}
	after := values.Get("after")
	if after != "" && after != "now" {
		return readCursor(after, parts)
	}
	c := cursor{}
	for _, p := range parts {
		name := p.String()
		info, err := a.streamInfo(ctx, name)
		if err != nil {
			return nil, err
		}
		c[name] = place{"0-0", info.EntriesAdded - info.Length}
		if after == "now" && info.EntriesAdded > 0 {
			c[name] = place{info.LastGeneratedID, info.EntriesAdded}
		}
	}
	return c, nil
}

// streamInfo is that of an empty stream where there is none yet.
func (a *API) streamInfo(ctx context.Context, partition string) (redis.XInfoStream, error) {
	info, err := a.Redis.XInfoStream(ctx, idempotency.OutcomesKey(partition)).Result()
	switch {
	case redis.HasErrorPrefix(err, "no such key"), redis.HasErrorPrefix(err, "ERR no such key"):
		return redis.XInfoStream{}, nil
	case err != nil:
		return redis.XInfoStream{}, err
	}
	return *info, nil
}

// found is an event and its place.
type found struct {
	outcomes.Event
	partition string
	at        place
}

// outcomesBehind reads the oldest events behind a cursor, of all its streams together, by time.
// What is trimmed between the two questions to Redis is counted by the next call.
func (a *API) outcomesBehind(ctx context.Context, at cursor, limit int) (outcomeList, error) {
	list := outcomeList{Events: []view.Event{}}
	next := cursor{}
	var all []found
	for name, from := range at {
		info, err := a.streamInfo(ctx, name)
		if err != nil {
			return list, err
		}
		if trimmed := info.EntriesAdded - info.Length; trimmed > from.Read {
			list.Missed += trimmed - from.Read
			from.Read = trimmed
		}
		next[name] = from
		if info.LastGeneratedID == from.After {
			continue
		}
		entries, err := a.Redis.XRangeN(ctx, idempotency.OutcomesKey(name), "("+from.After, "+", int64(limit)).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return list, err
		}
		for i, m := range entries {
			provider, _, _ := strings.Cut(name, ":")
			e, _ := outcomes.Decode(provider, m, a.Ring) // an entry that is no event is told all the same
			all = append(all, found{e, name, place{m.ID, from.Read + int64(i) + 1}})
		}
	}
	slices.SortFunc(all, byTime)
	for _, f := range all[:min(limit, len(all))] {
		list.Events = append(list.Events, view.Event(f.Event))
		next[f.partition] = f.at
	}
	list.Cursor = next.text()
	return list, nil
}

// byTime orders by the milliseconds and the number of the entries' ids.
func byTime(a, b found) int {
	ams, aseq := idParts(a.StreamID)
	bms, bseq := idParts(b.StreamID)
	return cmp.Or(cmp.Compare(ams, bms), cmp.Compare(aseq, bseq), strings.Compare(a.partition, b.partition))
}

// isEntryID reports whether Redis takes a text for an entry's id.
func isEntryID(id string) bool {
	first, second, both := strings.Cut(id, "-")
	_, err1 := strconv.ParseUint(first, 10, 64)
	_, err2 := strconv.ParseUint(second, 10, 64)
	return both && err1 == nil && err2 == nil
}

func idParts(id string) (ms, sequence uint64) {
	first, second, _ := strings.Cut(id, "-")
	ms, _ = strconv.ParseUint(first, 10, 64) // ids are Redis' own
	sequence, _ = strconv.ParseUint(second, 10, 64)
	return ms, sequence
}
