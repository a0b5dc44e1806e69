package apikey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/providers"
)

// Errors that callers may test for.
var (
	// ErrUnknown: there is no such key, it was revoked, or the text is not the key's.
	ErrUnknown = errors.New("no such key")
	// ErrNone is an ErrUnknown: no key was ever made.
	ErrNone = fmt.Errorf("%w: none was made", ErrUnknown)
)

// Store keeps keys in Redis. A key that is revoked there opens nothing from the next call on, in
// every process: nobody keeps a copy.
type Store struct{ rdb redis.UniversalClient }

// NewStore keeps keys in a Redis that stays the caller's.
func NewStore(rdb redis.UniversalClient) *Store { return &Store{rdb} }

// Create makes a key and stores it; the text is shown once and not kept.
func (s *Store) Create(ctx context.Context, name string, scopes []Scope) (Key, providers.Secret, error) {
	now, err := s.now(ctx)
	if err != nil {
		return Key{}, "", err
	}
	k, text, err := New(name, scopes, now)
	if err != nil {
		return Key{}, "", err
	}
	return k, text, s.put(ctx, k)
}

func (s *Store) put(ctx context.Context, k Key) error {
	record, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return s.rdb.HSet(ctx, kv.APIKeysKey(), k.ID, record).Err()
}

// List returns all keys, those made first first; those that were revoked too.
func (s *Store) List(ctx context.Context) ([]Key, error) {
	all, err := s.rdb.HGetAll(ctx, kv.APIKeysKey()).Result()
	if err != nil {
		return nil, err
	}
	keys := make([]Key, 0, len(all))
	for id, record := range all {
		k, err := read(id, record)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b Key) int { return a.Created.Compare(b.Created) })
	return keys, nil
}

func read(id, record string) (k Key, err error) {
	if err := json.Unmarshal([]byte(record), &k); err != nil || k.ID != id {
		return Key{}, fmt.Errorf("the record of key %s is damaged", id)
	}
	return k, nil
}

// Find returns the valid key of that text. Its error is ErrUnknown, and ErrNone where no key
// was ever made; any other is one of Redis.
func (s *Store) Find(ctx context.Context, text string) (Key, error) {
	id := idOf(text)
	if id == "" {
		return Key{}, s.unknown(ctx)
	}
	record, err := s.rdb.HGet(ctx, kv.APIKeysKey(), id).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return Key{}, s.unknown(ctx)
	case err != nil:
		return Key{}, err
	}
	k, err := read(id, record)
	if err != nil {
		return Key{}, err
	}
	if !k.opens(text) || !k.Revoked.IsZero() {
		return Key{}, s.unknown(ctx)
	}
	return k, nil
}

// unknown is ErrNone where there is no key yet: whoever has just set the system up is told what to
// do.
func (s *Store) unknown(ctx context.Context) error {
	n, err := s.rdb.Exists(ctx, kv.APIKeysKey()).Result()
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNone
	}
	return ErrUnknown
}

// Revoke makes a key open nothing from now on; ErrUnknown where there is none of that id. It may be
// called again.
func (s *Store) Revoke(ctx context.Context, id string) (Key, error) {
	record, err := s.rdb.HGet(ctx, kv.APIKeysKey(), id).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return Key{}, ErrUnknown
	case err != nil:
		return Key{}, err
	}
	k, err := read(id, record)
	if err != nil || !k.Revoked.IsZero() {
		return k, err
	}
	if k.Revoked, err = s.now(ctx); err != nil {
		return k, err
	}
	return k, s.put(ctx, k)
}

func (s *Store) now(ctx context.Context) (time.Time, error) {
	now, err := s.rdb.Time(ctx).Result()
	return now.UTC(), err
}
