package kv

import (
	_ "embed"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

//go:embed commit.lua
var commitLua string

// commits are the two forms of the one script that writes decisions.
type commits struct{ refuseWhenFull, allowWhenFull *Script }

func newCommits(clock string) commits {
	return commits{refuseWhenFull: NewScript(clock+commitLua, RefuseWhenFull), allowWhenFull: NewScript(clock+commitLua, AllowWhenFull)}
}

// Commit is a decision on its way into Redis: what it was made from, what must still hold, and what
// it writes. All of it is written, or nothing.
type Commit struct {
	// Owner is the provider, whose hash tag all keys share.
	Owner string
	// WhenFull says whether it is refused when Redis is full.
	WhenFull FullPolicy
	// Intent: replicas must have it before anybody relies on it, where they are asked for.
	Intent bool

	keys   []string
	number map[string]int
	head   [3]any
	guards []any
	writes []any
}

// NewCommit begins a decision that was made from a record under key, which read as text ("" where
// there was none) at the store's time readAt (ms; 0 where the decision never grows old). The text
// itself is compared, not a counter: one that starts again in a store that forgot could come to the
// same number, a text with its attempt ids and times does not.
func NewCommit(owner, key, text string, readAt int64) *Commit {
	c := &Commit{Owner: owner, WhenFull: AllowWhenFull, number: map[string]int{}}
	c.head = [3]any{text, readAt, maxDecisionAge}
	c.key(key)
	return c
}

// NewGuardedCommit begins a decision that was made from no record: only its guards hold it.
func NewGuardedCommit(owner string) *Commit { return NewCommit(owner, Prefix(owner)+"none", "", 0) }

// maxDecisionAge is how old a decision may be, in ms: a process that stood still between reading and
// writing cannot write it.
const maxDecisionAge = 2000

// key numbers a key.
func (c *Commit) key(name string) int {
	n, known := c.number[name]
	if !known {
		c.keys = append(c.keys, name)
		n = len(c.keys)
		c.number[name] = n
	}
	return n
}

// Guard wants a read command's answer to be one of two; "" stands for no value.
func (c *Commit) Guard(command, key, argument, right, alsoRight string) {
	c.guards = append(c.guards, command, c.key(key), argument, right, alsoRight)
}

// Write adds a write of one key.
func (c *Commit) Write(command, key string, args ...any) {
	c.writes = append(c.writes, len(args), command, c.key(key))
	c.writes = append(c.writes, args...)
}

// Copy adds a copy of one key's value to another key, unless that has one.
func (c *Commit) Copy(from, to string) {
	c.writes = append(c.writes, 1, "COPY", c.key(from), c.key(to))
}

// Result is what became of a decision.
type Result struct {
	// Done: it was written. Otherwise Moved (the record is another), Stale (the decision is too
	// old), or the number of the guard that failed, from 1, and what that found.
	Done, Changed, Stale bool
	Guard                int
	Found                string
}

const guardWidth = 5

func (c *Commit) argv() []any {
	argv := make([]any, 0, len(c.head)+1+len(c.guards)+len(c.writes))
	argv = append(argv, c.head[:]...)
	argv = append(argv, len(c.guards)/guardWidth)
	argv = append(argv, c.guards...)
	return append(argv, c.writes...)
}

// parse reads the script's answer.
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
		return Result{Done: true}, nil
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
