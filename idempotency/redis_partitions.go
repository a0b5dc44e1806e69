package idempotency

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
)

// Each partition has the number of the provider's partitions under a key of its own. A provider
// with one partition has no such key; while the number is being raised it is "1>6". A process with
// another number, also one that ran on while the number was changed, can neither record a payment a
// second time nor halt only a part: what makes a record holds the epoch's text as a guard, each
// change of the number changes that text in the same step, and nobody gets the new text without the
// number. A halt compares the number itself.

// guardPartitions lets a commit be written only while the number of partitions is n.
func guardPartitions(c *kv.Commit, partition string, n int) {
	key := keysOf(partition).partitions()
	if n == 1 {
		c.Guard("EXISTS", key, "", "0", "0")
		return
	}
	c.Guard("GET", key, "", strconv.Itoa(n), strconv.Itoa(n))
}

// checkOnce checks the number of partitions of the partition's provider until it was right once.
func (s *redisStore) checkOnce(ctx context.Context, partition string) error {
	provider := providerOf(partition)
	if _, right := s.checked.Load(provider); right {
		return nil
	}
	err := s.CheckPartitions(ctx, provider)
	if err == nil {
		s.checked.Store(provider, true)
	}
	return err
}

// CheckPartitions implements Store. It takes the word of the partitions that can be read, so that a
// process can start while one node of a cluster is gone.
func (s *redisStore) CheckPartitions(ctx context.Context, provider string) error {
	if !s.counts.isSet(provider) {
		return s.learnPartitions(ctx, provider)
	}
	want := s.counts.of(provider)
	numbers, unread := s.partitionNumbers(ctx, allPartitions(provider, want))
	if want == 1 { // a second partition may tell of a change, and may be elsewhere
		second, _ := s.numbersElsewhere(ctx, []Partition{{provider, 1}})
		numbers = append(numbers, second...)
	}
	missing, right := false, false
	for _, number := range numbers {
		if number != "" && number != strconv.Itoa(want) {
			return wrongPartitions(provider, want, number)
		}
		missing, right = missing || number == "", right || number != ""
	}
	switch {
	case unread != nil && !right:
		return fmt.Errorf("partitions of %s: %w", provider, unread)
	case want == 1 || !missing || unread != nil:
		return nil
	}
	return s.keepPartitions(ctx, provider, want, numbers)
}

// learnPartitions takes the store's number. Where the home partition cannot be read, its neighbour
// tells it; where that cannot be either, the number that was learned before still holds, because
// what makes a record or a halt compares it.
func (s *redisStore) learnPartitions(ctx context.Context, provider string) error {
	numbers, err := s.numbersElsewhere(ctx, allPartitions(provider, 1))
	if err != nil {
		numbers, _ = s.numbersElsewhere(ctx, []Partition{{provider, 1}})
	}
	number := numbers[0]
	if _, before := s.counts.learned.Load(provider); err != nil && number == "" {
		if !before {
			return fmt.Errorf("partitions of %s: %w", provider, err)
		}
		s.counts.learn(provider, s.counts.of(provider))
		return nil
	}
	if number == "" {
		number = "1"
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return wrongPartitions(provider, s.counts.of(provider), number)
	}
	s.counts.learn(provider, n)
	s.checked.Store(provider, true)
	return nil
}

// checkNumber compares the number that stood beside an epoch with the one that this process uses.
func (s *redisStore) checkNumber(ctx context.Context, provider, number string) error {
	n := s.counts.of(provider)
	if number == strconv.Itoa(n) || number == "" && n == 1 {
		return nil
	}
	return s.checkAgain(ctx, provider) // a store that has lost the number gets it again
}

// guardEpoch changes the text of a partition's epoch together with its number, so that no process
// with another number writes on; the partition may have no epoch yet.
func (s *redisStore) guardEpoch(ctx context.Context, c *kv.Commit, p Partition) error {
	key := keysOf(p.String()).epoch()
	text, err := s.db.Client.Get(ctx, key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	e, err := parseEpoch(text)
	if err != nil {
		return err
	}
	c.Guard("GET", key, "", text, text)
	if text != "" {
		e.Version++
		c.Write("SET", key, e.Text())
	}
	return nil
}

// checkAgain is for a write that found another number than the one that it was made for: it returns
// why, or nil where the number is right again.
func (s *redisStore) checkAgain(ctx context.Context, provider string) error {
	if err := s.CheckPartitions(ctx, provider); err != nil {
		return err
	}
	if !s.counts.isSet(provider) {
		return changedPartitions(provider)
	}
	return nil
}

func changedPartitions(provider string) error {
	return fmt.Errorf("%w: that of %s has just been changed; try again", ErrPartitions, provider)
}

// numbersTimeout is how long a number that may be elsewhere is waited for.
const numbersTimeout = 2 * time.Second

func (s *redisStore) numbersElsewhere(ctx context.Context, parts []Partition) (numbers []string, unread error) {
	ctx, cancel := context.WithTimeout(ctx, numbersTimeout)
	defer cancel()
	return s.partitionNumbers(ctx, parts)
}

// partitionNumbers reads the number that each partition has, "" for none. Its error is that of a
// partition that could not be read.
func (s *redisStore) partitionNumbers(ctx context.Context, parts []Partition) (numbers []string, unread error) {
	pipe := s.db.Client.Pipeline()
	texts := make([]*redis.StringCmd, len(parts))
	for i, p := range parts {
		texts[i] = pipe.Get(ctx, keysOf(p.String()).partitions())
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	numbers = make([]string, len(parts))
	for i, text := range texts {
		if err := text.Err(); err != nil && !errors.Is(err, redis.Nil) {
			unread = err
		}
		numbers[i] = text.Val()
	}
	return numbers, unread
}

func wrongPartitions(provider string, want int, number string) error {
	setting := "REMESA_" + strings.ToUpper(provider) + "_PARTITIONS"
	if from, to, changing := strings.Cut(number, ">"); changing {
		return fmt.Errorf("%w: the payments of %s are being moved from %s to %s partitions; end that with `enqueue partitions --provider %s --to %s`, then set %s=%s",
			ErrPartitions, provider, from, to, provider, to, setting, to)
	}
	return fmt.Errorf("%w: this Redis keeps the payments of %s in %s, and this process is set to %d; set %s=%s (in Go, Options.Partitions), "+
		"or move the payments first, see docs/partitions.md", ErrPartitions, provider, number, want, setting, number)
}

// keepPartitions writes the number of an empty store, the home partition's first, or what a store
// that lost some of its data has forgotten of it.
func (s *redisStore) keepPartitions(ctx context.Context, provider string, want int, numbers []string) error {
	for i, p := range allPartitions(provider, want) {
		if numbers[i] != "" {
			continue
		}
		found, err := s.keepNumber(ctx, p, strconv.Itoa(want))
		switch {
		case err != nil:
			return fmt.Errorf("partitions of %s: %w", provider, err)
		case found == strconv.Itoa(want): // this process was the first, or another one
		case found == "":
			return wrongPartitions(provider, want, "1")
		default:
			return wrongPartitions(provider, want, found)
		}
	}
	return nil
}

// keepNumber writes the number of a partition that has none, and returns the one that it has then:
// none if the provider's payments are from before there were partitions.
func (s *redisStore) keepNumber(ctx context.Context, p Partition, number string) (string, error) {
	keys := keysOf(p.String())
	for range maxTries {
		c := kv.NewGuardedCommit(p.String())
		c.Guard("GET", keys.partitions(), "", "", "")
		if p.Number == 0 {
			used, err := s.used(ctx, p.Provider)
			if err != nil {
				return "", err
			}
			for _, key := range append(used, keys.states(), kv.OutcomesKey(p.Provider)) {
				c.Guard("EXISTS", key, "", "0", "0")
			}
		}
		if err := s.guardEpoch(ctx, c, p); err != nil {
			return "", err
		}
		c.Write("SET", keys.partitions(), number)
		results, errs := s.batcher.Commit(ctx, p.String(), c)
		switch {
		case errs[0] != nil:
			return "", errs[0]
		case results[0].Done:
			return number, nil
		case results[0].Guard == 1:
			return results[0].Found, nil
		case results[0].Guard != c.Guards(): // else the epoch changed meanwhile
			return "", nil
		}
	}
	return "", ErrContended
}

// used returns the key of some payment's record, if there is one.
func (s *redisStore) used(ctx context.Context, provider string) (key []string, err error) {
	keys := keysOf(provider)
	err = s.scan(ctx, keys, func(ids []string) (bool, error) {
		key = []string{keys.record(ids[0])}
		return false, nil
	})
	return key, err
}

// StoredPartitions lists a provider's partitions as this Redis has them, for readers of outcome
// events: they need no settings of their own. While the number is being raised they are those that
// there will be.
func StoredPartitions(ctx context.Context, client redis.UniversalClient, provider string) ([]Partition, error) {
	number, err := client.Get(ctx, keysOf(provider).partitions()).Result()
	if errors.Is(err, redis.Nil) {
		number, err = "1", nil
	}
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(number[strings.LastIndex(number, ">")+1:])
	if err != nil {
		return nil, fmt.Errorf("%w: what this Redis has of %s is no number", ErrPartitions, provider)
	}
	return Partitions{provider: n}.All(provider), nil
}
