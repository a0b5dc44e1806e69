package kv

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// maxGroup is how many decisions one call of the script writes: what it does once for all of them
// is then next to nothing for each, and Redis is busy with a call for less than a millisecond.
const maxGroup = 32

// group is decisions that one call of the script writes, each for itself. They share the epoch in
// which they were made, or depend on none.
type group struct {
	script       *Script
	epoch, runID string
	ops          []*op
	cmd          *redis.Cmd
}

// grouped puts the commits among ops into groups. Those of one script stay in their order.
func grouped(ops []*op, scripts *commits) []*group {
	var all []*group
	open := map[*Script]*group{}
	for _, o := range ops {
		if o.commit == nil {
			continue
		}
		script := scripts.of(o.commit.WhenFull)
		g := open[script]
		if g == nil || !g.takes(o.commit) {
			g = &group{script: script}
			open[script], all = g, append(all, g)
		}
		g.add(o)
	}
	return all
}

func (g *group) takes(c *Commit) bool {
	same := func(a, b string) bool { return a == "" || b == "" || a == b }
	return len(g.ops) < maxGroup && same(g.epoch, c.epoch) && same(g.runID, c.runID)
}

func (g *group) add(o *op) {
	if g.epoch == "" {
		g.epoch = o.commit.epoch
	}
	if g.runID == "" {
		g.runID = o.commit.runID
	}
	o.in, o.place = g, len(g.ops)
	g.ops = append(g.ops, o)
}

// enqueue adds the group's call of the script to a pipeline.
func (g *group) enqueue(ctx context.Context, pipe redis.Pipeliner, db *DB, owner string) {
	src, err := db.source(ctx, g.script)
	if err != nil {
		for _, o := range g.ops {
			o.err = err
		}
		return
	}
	keys, numbers := make([]string, 0, 2*len(g.ops)+usualKeys), make(map[string]int, 2*len(g.ops)+usualKeys)
	number := func(key string) int {
		n := numbers[key]
		if n == 0 {
			keys = append(keys, key)
			n = len(keys)
			numbers[key] = n
		}
		return n
	}
	epoch := 0
	if g.epoch != "" {
		epoch = number(EpochKey(owner))
	}
	args := make([]any, 0, headWidth+len(g.ops))
	args = append(args, g.epoch, g.runID, epoch, maxDecisionAge)
	for _, o := range g.ops {
		args = append(args, []byte(o.commit.append(make(packed, 0, o.commit.size()), number)))
	}
	g.cmd = pipe.EvalSha(ctx, src.sha, db.Keys(owner, keys...), args...)
}

// headWidth is how many arguments stand before the decisions.
const headWidth = 4

// size is how many bytes the packed decision has, or a few more.
func (c *Commit) size() int {
	return len(c.text) + len(c.guards.packed) + len(c.writes.packed) + 32
}

// result is what became of the decision at a place.
func (g *group) result(place int) (Result, error) {
	replies, err := g.cmd.Slice()
	if err != nil {
		return Result{}, err
	}
	if len(replies) != len(g.ops) {
		return Result{}, fmt.Errorf("redis: %d commits were answered by %d results", len(g.ops), len(replies))
	}
	return parse(replies[place])
}
