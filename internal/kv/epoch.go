package kv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// EpochKey holds the epoch of a provider's store: JSON whose field "epoch" is its number.
func EpochKey(owner string) string { return Prefix(owner) + "epoch" }

// RunID returns the run id in a reply to INFO, "" if the server does not tell it.
func RunID(info string) string { return InfoField(info, "run_id") }

// InfoField returns a field of a reply to INFO, "" if the server does not tell it.
func InfoField(info, name string) string {
	_, rest, _ := strings.Cut(info, "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

// EpochNumber reads the number of the owner's epoch, for the ids of outcome events; zero if there
// is none yet.
func (db *DB) EpochNumber(ctx context.Context, owner string) (int64, error) {
	text, err := db.Client.Get(ctx, EpochKey(owner)).Result()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var e struct {
		Number int64 `json:"epoch"`
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return 0, fmt.Errorf("the epoch of %s is no JSON of an epoch", owner)
	}
	return e.Number, nil
}
