package delivery

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
)

// stream is one outcome stream: a partition's. Its name stands in cursors, in open deliveries and
// in tasks.
type stream struct{ name, provider, key string }

func streamOf(p idempotency.Partition) stream {
	return stream{name: p.String(), provider: p.Provider, key: idempotency.OutcomesKey(p.String())}
}

// streamNamed is the stream of a name that stands in a cursor or in a task.
func streamNamed(name string) stream {
	provider, _, _ := strings.Cut(name, ":")
	return stream{name: name, provider: provider, key: idempotency.OutcomesKey(name)}
}

// streams lists the streams of the store's providers, as many as Redis says that there are.
func (s *Store) streams(ctx context.Context) ([]stream, error) {
	var all []stream
	for _, provider := range s.providers {
		parts, err := idempotency.StoredPartitions(ctx, s.rdb, provider)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			all = append(all, streamOf(p))
		}
	}
	return all, nil
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
