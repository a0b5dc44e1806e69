package idempotency

import (
	"context"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Partitions is how many partitions each provider's payments are kept in. Every process that uses a
// Redis must have the same numbers.
type Partitions map[string]int

// Partition is a part of a provider's payments: their records, indexes, outcome events and
// wake-ups. Its keys share a hash tag, so that they lie on one node of a Redis Cluster.
type Partition struct {
	Provider string
	// Number counts from 0, the home partition, which also keeps what belongs to the provider and
	// to no single payment: its subscriptions with their charges, aliases, tokens, rates.
	Number int
}

// String names the partition: "acme" is the home partition of a provider acme, "acme:3" its
// partition 3. The name is its hash tag and its queue.
func (p Partition) String() string {
	if p.Number == 0 {
		return p.Provider
	}
	return p.Provider + ":" + strconv.Itoa(p.Number)
}

// Count is the number of a provider's partitions, 1 for a provider that is not named.
func (p Partitions) Count(provider string) int { return max(p[provider], 1) }

// All lists a provider's partitions, the home partition first.
func (p Partitions) All(provider string) []Partition {
	return allPartitions(provider, p.Count(provider))
}

func allPartitions(provider string, n int) []Partition {
	all := make([]Partition, n)
	for i := range all {
		all[i] = Partition{provider, i}
	}
	return all
}

// Of is the partition of a payment: the CRC-32 (IEEE) of its ID modulo the number of partitions.
// The charges of subscriptions are in the home partition, because a charge and its subscription's
// record change in one step.
func (p Partitions) Of(k Key) Partition { return partitionAmong(p.Count(k.Provider), k) }

func partitionAmong(n int, k Key) Partition {
	if n == 1 || isPeriodCharge(k.Reference) {
		return Partition{Provider: k.Provider}
	}
	return Partition{k.Provider, int(int64(crc32.ChecksumIEEE([]byte(k.id()))) % int64(n))}
}

// isPeriodCharge reports whether a reference has the form that tasks.TxnID gives the charges of
// subscriptions: 20 characters, "S" and "P" each before nine of base32. Another payment of that
// form is in the home partition too, which harms nothing.
func isPeriodCharge(reference string) bool {
	const part = 10
	if len(reference) != 2*part || reference[0] != 'S' || reference[part] != 'P' {
		return false
	}
	for i := range len(reference) {
		if c := reference[i]; (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// partitionCounts are the numbers of partitions that a ledger uses: those of its settings, and for
// a provider that they do not name, what the store said last.
type partitionCounts struct {
	set Partitions
	// learns: the store has numbers to learn.
	learns  bool
	learned sync.Map // of learnedCount, by provider
}

type learnedCount struct {
	n  int
	at time.Time
}

// learnAgainAfter is how long a number that was learned is used before the store is asked again.
const learnAgainAfter = 10 * time.Second

func (c *partitionCounts) isSet(provider string) bool {
	_, set := c.set[provider]
	return set || !c.learns
}

func (c *partitionCounts) of(provider string) int {
	if l, ok := c.learned.Load(provider); ok && !c.isSet(provider) {
		return l.(learnedCount).n
	}
	return c.set.Count(provider)
}

// known reports whether the store need not be asked for the number now.
func (c *partitionCounts) known(provider string) bool {
	if c.isSet(provider) {
		return true
	}
	l, ok := c.learned.Load(provider)
	return ok && time.Since(l.(learnedCount).at) < learnAgainAfter
}

func (c *partitionCounts) learn(provider string, n int) {
	c.learned.Store(provider, learnedCount{n, time.Now()})
}

// learnPartitions makes sure that the ledger knows how many partitions a provider has, where its
// settings do not say so.
func (l *Ledger) learnPartitions(ctx context.Context, provider string) error {
	if l.counts.known(provider) {
		return nil
	}
	return l.store.CheckPartitions(ctx, provider)
}

// Partitions lists the provider's partitions, the home partition first. Where Options.Partitions
// does not name the provider, it lists those that the store told of last: see KnownPartitions.
func (l *Ledger) Partitions(provider string) []Partition {
	return allPartitions(provider, l.counts.of(provider))
}

// KnownPartitions is Partitions that asks the store first where Options.Partitions does not name
// the provider.
func (l *Ledger) KnownPartitions(ctx context.Context, provider string) ([]Partition, error) {
	if err := l.learnPartitions(ctx, provider); err != nil {
		return nil, err
	}
	return l.Partitions(provider), nil
}

// PartitionOf is the partition that keeps a payment; see Partitions.
func (l *Ledger) PartitionOf(k Key) Partition { return partitionAmong(l.counts.of(k.Provider), k) }

// partition names the partition that keeps a payment.
func (l *Ledger) partition(k Key) string { return l.PartitionOf(k).String() }

// providerOf is the provider of a partition's name.
func providerOf(partition string) string {
	provider, _, _ := strings.Cut(partition, ":")
	return provider
}

// CheckPartitions returns ErrPartitions unless the store keeps the provider's payments in as many
// partitions as Options.Partitions says: in any other, a payment would be unknown and could be
// registered again. The first call for an empty store keeps the number. For a provider that
// Options.Partitions does not name it learns the store's number. What reads or writes payments
// makes this check by itself; a program may make it when it starts.
func (l *Ledger) CheckPartitions(ctx context.Context, provider string) error {
	return l.store.CheckPartitions(ctx, provider)
}

// misplaced is the error about a payment that is in a partition where nobody looks for it: only a
// process of a version that knows no partitions can have recorded it there.
func misplaced(k Key, in, belongs Partition) error {
	return fmt.Errorf("%w: %s is in %s, belongs in %s, and is not sent: a process of an older version recorded it; see docs/partitions.md",
		ErrPartitions, k, in, belongs)
}

// placeable says why a payment cannot be registered beside what its registration refers to: both
// must be written in one step.
func (l *Ledger) placeable(r Registration) error {
	switch {
	case r.Object != "" && l.counts.of(r.Key.Provider) > 1:
		return fmt.Errorf("%w: a provider whose payments claim an exclusive object (%s) must have 1", ErrPartitions, r.Object)
	case r.ChargeGuard != "" && l.PartitionOf(r.Key).Number != 0:
		return fmt.Errorf("%w: the charge of a subscription needs a reference of tasks.TxnID", ErrPartitions)
	}
	return nil
}
