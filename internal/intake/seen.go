package intake

import (
	"hash/maphash"
	"math"

	"github.com/remesa/remesa/tasks"
)

// MostSeen is how many payments a Seen remembers, in some 40 bytes each.
const MostSeen = 1_500_000

// shards bounds what growing costs: one of them at a time is copied.
const shards = 256

// Seen remembers which payments an input had, and on which line: their hashes, not what they are.
// Beyond MostSeen it remembers no more. Its zero value is empty.
type Seen struct {
	seed   maphash.Seed
	tables [shards][]sight
	counts [shards]int
	all    int
}

// sight is one payment; its line is 0 where there is none.
type sight struct {
	key, meaning uint64
	amount, line uint32
}

// Full reports whether there were more payments than can be remembered.
func (s *Seen) Full() bool { return s.all >= MostSeen }

// Add remembers a payment. Where the input had its key before it returns that line, and what
// differs: "amount" or "fingerprint", nothing where the two are the same payment.
func (s *Seen) Add(t tasks.Task, line int) (first int, differs string) {
	if s.all == 0 {
		s.seed = maphash.MakeSeed()
	}
	now := sight{maphash.String(s.seed, t.Key().String()), s.meaning(t), uint32(maphash.String(s.seed, t.Amount().Trimmed())), line32(line)} //nolint:gosec // part of a hash
	shard := now.key % shards
	if at := find(s.tables[shard], now.key); at >= 0 && s.tables[shard][at].line > 0 {
		old := s.tables[shard][at]
		switch {
		case old.amount != now.amount:
			differs = "amount"
		case old.meaning != now.meaning:
			differs = "fingerprint"
		}
		return int(old.line), differs
	}
	if s.Full() {
		return 0, ""
	}
	s.put(now)
	return 0, ""
}

// put adds what is not there.
func (s *Seen) put(now sight) {
	shard := now.key % shards
	if s.counts[shard]*10 >= len(s.tables[shard])*8 {
		s.tables[shard] = grown(s.tables[shard])
	}
	s.tables[shard][find(s.tables[shard], now.key)] = now
	s.counts[shard]++
	s.all++
}

func line32(line int) uint32 { return uint32(min(max(line, 1), math.MaxUint32)) }

func (s *Seen) meaning(t tasks.Task) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, part := range t.Meaning() {
		_, _ = h.WriteString(part) // a Hash returns no error
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}

// find is the place of a key, or that of the hole in which it belongs; -1 in an empty table.
func find(table []sight, key uint64) int {
	if len(table) == 0 {
		return -1
	}
	at := int(key / shards % uint64(len(table))) //nolint:gosec // below the length
	for table[at].line != 0 && table[at].key != key {
		at = (at + 1) % len(table)
	}
	return at
}

func grown(table []sight) []sight {
	larger := make([]sight, max(16, len(table)*3/2))
	for _, old := range table {
		if old.line != 0 {
			larger[find(larger, old.key)] = old
		}
	}
	return larger
}
