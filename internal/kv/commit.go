package kv

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

//go:embed commit.lua
var commitLua string

// commits are the two forms of the script that writes decisions.
type commits struct{ refuseWhenFull, allowWhenFull *Script }

func newCommits(clock string) commits {
	return commits{refuseWhenFull: NewScript(clock+commitLua, RefuseWhenFull), allowWhenFull: NewScript(clock+commitLua, AllowWhenFull)}
}

func (c commits) of(p FullPolicy) *Script {
	if p == RefuseWhenFull {
		return c.refuseWhenFull
	}
	return c.allowWhenFull
}

// Commit is a decision to write: the record that it was made from, the guards that must hold, and
// the writes. Redis writes all of it or nothing.
type Commit struct {
	// Owner is the provider, whose hash tag all keys share.
	Owner string
	// WhenFull says whether a full Redis refuses it.
	WhenFull FullPolicy
	// Intent: replicas must have it before others act on it, where the settings require replicas.
	Intent bool

	text         string
	readAt       int64
	epoch, runID string
	// keys are named by their numbers, the record's first.
	keys           []string
	guards, writes part
	guardCount     int
}

// part is a part of a packed decision, and where it names keys.
type part struct {
	packed packed
	keys   []int
	values int
}

// NewCommit begins a decision that was made from the record under key. text is that record as it
// was read ("" if there was none), readAt the store's time then (Unix ms; 0 if the decision cannot
// grow too old). The script compares the text and not a counter: a store that lost writes could
// count to the same number again, but would not come to the same attempt ids and times.
func NewCommit(owner, key, text string, readAt int64) *Commit {
	return &Commit{
		Owner: owner, WhenFull: AllowWhenFull, text: text, readAt: readAt, keys: append(make([]string, 0, usualKeys), key),
		writes: part{packed: make(packed, 0, usualWrites), keys: make([]int, 0, usualKeys)},
	}
}

// NewGuardedCommit begins a decision that depends on no record, only on its guards.
func NewGuardedCommit(owner string) *Commit { return NewCommit(owner, Prefix(owner)+"none", "", 0) }

// usualKeys is how many keys a payment's decision has, and usualWrites how many bytes its writes
// take.
const usualKeys, usualWrites = 8, 1536

// maxDecisionAge is how old a decision may be, in ms, so that a process that stood still between
// reading and writing cannot write it.
const maxDecisionAge = 2000

// key returns the number of a key, from 0.
func (c *Commit) key(name string) int {
	n := slices.Index(c.keys, name) // a decision has few keys
	if n < 0 {
		c.keys = append(c.keys, name)
		n = len(c.keys) - 1
	}
	return n
}

// name packs a key's number; Commit.append replaces it by the one that the key has in the script.
func (p *part) name(key int) {
	p.keys = append(p.keys, len(p.packed))
	p.packed = p.packed.place()
	p.packed.set(len(p.packed)-placeWidth, key)
}

const placeWidth = 3

// InEpoch requires that the owner's epoch is the one with this text, and that the server is still
// in the run with this id; what is empty is not required. Result.Outdated says that it is not so.
func (c *Commit) InEpoch(text, runID string) { c.epoch, c.runID = text, runID }

// Guard requires that a read command returns one of two values; "" stands for no value.
func (c *Commit) Guard(command, key, argument, right, alsoRight string) {
	c.guards.packed = c.guards.packed.text(command)
	c.guards.name(c.key(key))
	c.guards.packed = c.guards.packed.text(argument).text(right).text(alsoRight)
	c.guards.values += 5
	c.guardCount++
}

// Guards is how many guards it has: the number of the last one.
func (c *Commit) Guards() int { return c.guardCount }

// AtMost requires that the numbers of a hash, whose fields are numbers too, sum up to at most the
// given one. It counts the fields from oldest on, and drops those before.
func (c *Commit) AtMost(key string, oldest, most int64) {
	c.Guard("SUM", key, fmt.Sprint(oldest), fmt.Sprint(most), "")
}

// Neither requires that a hash has neither of two fields. Result.Found is the one that it has.
func (c *Commit) Neither(key, field, otherField string) {
	c.Guard("HMGET", key, field, otherField, "")
}

// Write adds a write of one key; its arguments are texts and whole numbers, some thousand at the
// most. A commit has one INCR at most, and its Result has the count.
func (c *Commit) Write(command, key string, args ...any) {
	end := c.begin(command, key)
	for _, a := range args {
		c.writes.packed = c.writes.packed.argument(a)
	}
	end(len(args))
}

// begin begins a write, whose arguments follow; the returned function ends it with their number.
func (c *Commit) begin(command, key string) (end func(arguments int)) {
	at := len(c.writes.packed)
	c.writes.packed = c.writes.packed.place().text(command)
	c.writes.name(c.key(key))
	return func(n int) {
		if n > maxArguments {
			panic(fmt.Sprintf("kv: %s has %d arguments", command, n))
		}
		c.writes.packed.set(at, n)
		c.writes.values += 3 + n
	}
}

// Copy adds a copy of one key's value to another key, unless that has one.
func (c *Commit) Copy(from, to string) {
	c.key(to) // a script names all its keys
	c.Write("COPY", from, to)
}

// headValues is how many values stand before a decision's guards. More than maxValues are packed as
// a list: Lua takes no more than 8,000 one by one, and takes longer for a list.
const headValues, maxValues = 5, 4000

// maxArguments is how many arguments a write has at most: Lua hands over no more at once.
const maxArguments = 7000

// What must hold of the epoch, for the script.
const (
	textHolds = 1
	runHolds  = 2
)

// append appends the decision as the script reads it, values one after the other; number gives each
// key its number there:
//
//   - the record's key, the record as it was read, the store's time then, what must hold of the
//     epoch (textHolds, runHolds), and how many guards follow;
//   - of each guard the command, key, argument, and the two answers that are right. SUM is
//     AtMost, and HMGET is Neither;
//   - of each write how many arguments follow its key, the command, the key, and they.
//
// The script returns what parse reads: the result of INCR, or 0, once the decision is written; a
// word; the number of a guard with what it found; or "error" with what Redis says.
func (c *Commit) append(p packed, number func(key string) int) packed {
	what := int64(0)
	if c.epoch != "" {
		what |= textHolds
	}
	if c.runID != "" {
		what |= runHolds
	}
	numbers := make([]int, 0, 2*usualKeys)
	for _, key := range c.keys {
		numbers = append(numbers, number(key))
	}
	if n := headValues + c.guards.values + c.writes.values; n > maxValues {
		p = p.list(n)
	}
	p = p.number(int64(numbers[0])).text(c.text).number(c.readAt).number(what).number(int64(c.guardCount))
	for _, part := range []*part{&c.guards, &c.writes} {
		from := len(p)
		p = append(p, part.packed...)
		for _, at := range part.keys {
			p.set(from+at, numbers[part.packed.number16(at)])
		}
	}
	return p
}

// Result is what became of a decision.
type Result struct {
	// Done: it was written. Otherwise Changed (the record is another), Stale (the decision is too
	// old), Outdated (the epoch or the server's run is another), or Guard, the number of the guard
	// that failed, from 1, and Found, what it found.
	Done, Changed, Stale, Outdated bool
	Guard                          int
	Found                          string
	// Count is the result of the decision's INCR, if it has one.
	Count int64
}

// parse reads the script's reply about one decision.
func parse(reply any) (Result, error) {
	switch reply := reply.(type) {
	case int64:
		return Result{Done: true, Count: reply}, nil
	case string:
		switch reply {
		case "moved":
			return Result{Changed: true}, nil
		case "stale":
			return Result{Stale: true}, nil
		case "outdated":
			return Result{Outdated: true}, nil
		}
	case []any:
		if len(reply) != 2 {
			break
		}
		text, _ := reply[1].(string)
		switch first := reply[0].(type) {
		case int64:
			return Result{Guard: int(first), Found: text}, nil
		case string:
			return Result{}, refusal(text)
		}
	}
	return Result{}, fmt.Errorf("redis: a commit was answered by a %T", reply)
}

// refusal is what Redis says of a command within a script.
type refusal string

var _ redis.Error = refusal("")

// Error implements error; it says, as Redis does, that a script has failed.
func (r refusal) Error() string { return string(r) + " script: commit" }

// RedisError implements redis.Error.
func (refusal) RedisError() {}
