package kv

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"
)

//go:embed commit.lua
var commitLua string

// commits are the two forms of the script that writes decisions.
type commits struct{ refuseWhenFull, allowWhenFull *Script }

func newCommits(clock string) commits {
	return commits{refuseWhenFull: NewScript(clock+commitLua, RefuseWhenFull), allowWhenFull: NewScript(clock+commitLua, AllowWhenFull)}
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

	keys []string
	// args are the script's ARGV: the head, the guards, the writes.
	args   []any
	guards int
}

// NewCommit begins a decision that was made from the record under key. text is that record as it
// was read ("" if there was none), readAt the store's time then (Unix ms; 0 if the decision cannot
// grow too old). The script compares the text and not a counter: a store that lost writes could
// count to the same number again, but would not come to the same attempt ids and times.
func NewCommit(owner, key, text string, readAt int64) *Commit {
	c := &Commit{Owner: owner, WhenFull: AllowWhenFull, keys: make([]string, 0, usualKeys)}
	c.args = append(make([]any, 0, usualArgs), text, readAt, maxDecisionAge, 0)
	c.key(key)
	return c
}

// NewGuardedCommit begins a decision that depends on no record, only on its guards.
func NewGuardedCommit(owner string) *Commit { return NewCommit(owner, Prefix(owner)+"none", "", 0) }

// usualKeys and usualArgs are how many keys and arguments a payment's decision has.
const usualKeys, usualArgs = 8, 64

// headWidth is how many arguments stand before the guards; the last of them is their number.
// guardWidth is how many each guard has.
const headWidth, guardWidth = 4, 5

// maxDecisionAge is how old a decision may be, in ms, so that a process that stood still between
// reading and writing cannot write it.
const maxDecisionAge = 2000

// key returns the number of a key.
func (c *Commit) key(name string) int {
	n := slices.Index(c.keys, name) // a decision has few keys
	if n < 0 {
		c.keys = append(c.keys, name)
		n = len(c.keys) - 1
	}
	return n + 1
}

// Guard requires that a read command returns one of two values; "" stands for no value.
func (c *Commit) Guard(command, key, argument, right, alsoRight string) {
	c.guard(command, c.key(key), argument, right, alsoRight)
}

// Guards is how many guards it has: the number of the last one.
func (c *Commit) Guards() int { return c.guards }

func (c *Commit) guard(args ...any) {
	c.args = slices.Insert(c.args, headWidth+c.guards*guardWidth, args...)
	c.guards++
	c.args[headWidth-1] = c.guards
}

// AtMost requires that the numbers of a hash, whose fields are numbers too, sum up to at most the
// given one. It counts the fields from oldest on, and drops those before.
func (c *Commit) AtMost(key string, oldest, most int64) {
	c.guard("SUM", c.key(key), oldest, most, "")
}

// RunGuard requires that the server is still in the run with that id; with "" it requires nothing.
func (c *Commit) RunGuard(runID string) {
	if runID != "" {
		c.Guard("INFO", c.keys[0], "", runID, runID)
	}
}

// Write adds a write of one key. A commit has one INCR at most, and its Result has the count.
func (c *Commit) Write(command, key string, args ...any) {
	c.args = append(append(c.args, len(args), command, c.key(key)), args...)
}

// Copy adds a copy of one key's value to another key, unless that has one.
func (c *Commit) Copy(from, to string) {
	c.args = append(c.args, 1, "COPY", c.key(from), c.key(to))
}

// Result is what became of a decision.
type Result struct {
	// Done: it was written. Otherwise Changed (the record is another), Stale (the decision is too
	// old), or Guard, the number of the guard that failed, from 1, and Found, what it found.
	Done, Changed, Stale bool
	Guard                int
	Found                string
	// Count is the result of the decision's INCR, if it has one.
	Count int64
}

// parse reads the script's reply.
func parse(cmd *redis.Cmd) (Result, error) {
	reply, err := cmd.Slice()
	if err != nil {
		return Result{}, err
	}
	word := ""
	if len(reply) > 0 {
		word, _ = reply[0].(string)
	}
	switch word {
	case "done":
		r := Result{Done: true}
		if len(reply) > 1 {
			r.Count, _ = reply[1].(int64)
		}
		return r, nil
	case "moved":
		return Result{Changed: true}, nil
	case "stale":
		return Result{Stale: true}, nil
	case "guard":
		if len(reply) == 3 {
			n, _ := strconv.Atoi(fmt.Sprint(reply[1]))
			return Result{Guard: n, Found: fmt.Sprint(reply[2])}, nil
		}
	}
	return Result{}, fmt.Errorf("redis: a commit was answered by %q", word)
}
