package delivery

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
)

// stream is one outcome stream. Its name stands in cursors, in open deliveries and in tasks.
type stream struct{ name, provider, key string }

// streamsOf lists the streams of some providers. It is the only place that knows which those are.
func streamsOf(providers []string) []stream {
	var all []stream
	for _, p := range providers {
		all = append(all, stream{name: p, provider: p, key: idempotency.OutcomesKey(p)})
	}
	return all
}

// find is the stream of a name; none where an older version named a stream that is gone.
func find(streams []stream, name string) (stream, bool) {
	i := slices.IndexFunc(streams, func(s stream) bool { return s.name == name })
	if i < 0 {
		return stream{}, false
	}
	return streams[i], true
}

const beginning = "0-0"

// place is how far a stream was read: behind the entry After, the Read-th that the stream ever had.
// Its text is a receiver's cursor.
type place struct {
	After string
	Read  int64
}

func (p place) String() string { return p.After + " " + strconv.FormatInt(p.Read, 10) }

// parsePlace reads a cursor. One that is damaged is an error: to begin anew would repeat a month.
func parsePlace(text string) (place, error) {
	after, read, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(read, 10, 64)
	if _, _, ok := parseID(after); !ok || err != nil {
		return place{}, errors.New("the cursor cannot be read")
	}
	return place{after, n}, nil
}

// parseID reads the id of a stream's entry, "milliseconds-sequence".
func parseID(id string) (ms, sequence uint64, ok bool) {
	first, second, both := strings.Cut(id, "-")
	ms, err1 := strconv.ParseUint(first, 10, 64)
	sequence, err2 := strconv.ParseUint(second, 10, 64)
	return ms, sequence, both && err1 == nil && err2 == nil
}

// info is that of an empty stream where there is none yet.
func info(cmd *redis.XInfoStreamCmd) (redis.XInfoStream, error) {
	found, err := cmd.Result()
	switch {
	case redis.HasErrorPrefix(err, "no such key"), redis.HasErrorPrefix(err, "ERR no such key"):
		return redis.XInfoStream{LastGeneratedID: beginning}, nil
	case err != nil:
		return redis.XInfoStream{}, err
	}
	return *found, nil
}

// entryAt reads one entry; ok is false where it was trimmed.
func entryAt(ctx context.Context, rdb redis.UniversalClient, s stream, id string) (m redis.XMessage, ok bool, err error) {
	found, err := rdb.XRangeN(ctx, s.key, id, id, 1).Result()
	if err != nil || len(found) == 0 {
		return redis.XMessage{}, false, err
	}
	return found[0], true, nil
}
