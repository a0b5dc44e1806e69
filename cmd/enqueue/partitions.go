package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/spec"
)

type partitionsCmd struct {
	Provider string `required:"" enum:"${providers}" placeholder:"P" help:"${providers}."`
	To       int    `placeholder:"N" help:"Move all payments into this many partitions. Stop the provider's workers and producers first; see docs/partitions.md."`
}

// Validate checks the number.
func (c *partitionsCmd) Validate() error {
	if c.To < 0 || c.To > config.MaxPartitions {
		return usage("--to: must be between 1 and %d", config.MaxPartitions)
	}
	i := slices.IndexFunc(catalog.Providers(), func(p spec.Provider) bool { return p.Name == c.Provider })
	if object := catalog.Providers()[max(i, 0)].Exclusive(); i >= 0 && c.To > 1 && object != "" {
		return usage("--to: must be 1 for %s: two payments of one %s could be in two partitions, where neither sees the other", c.Provider, object)
	}
	return nil
}

// partitioned is the line that the command prints.
type partitioned struct {
	Provider   string `json:"provider"`
	Partitions int    `json:"partitions"`
	// Names are the partitions' hash tags and queues.
	Names []string `json:"names"`
	Moved *int     `json:"moved,omitempty"`
}

// Run prints the number that Redis has, after it was raised where that was requested.
func (c *partitionsCmd) Run(a *app) error {
	out := partitioned{Provider: c.Provider}
	if c.To > 0 {
		if err := c.refuseWorkers(a); err != nil {
			return a.failed(err)
		}
		moved, err := a.ledger.RaisePartitions(a.ctx, c.Provider, c.To, a.movedSoFar())
		if err != nil {
			return a.failed(err)
		}
		out.Moved = &moved
	}
	parts, err := idempotency.StoredPartitions(a.ctx, a.rdb, c.Provider)
	if err != nil {
		return a.failed(err)
	}
	out.Partitions = len(parts)
	for _, p := range parts {
		out.Names = append(out.Names, p.String())
	}
	if err := a.print(out); err != nil {
		return err
	}
	return a.flush()
}

// refuseWorkers refuses while a worker serves the provider; one that was killed counts for some
// seconds more.
func (c *partitionsCmd) refuseWorkers(a *app) error {
	servers, err := asynq.NewInspectorFromRedisClient(a.rdb).Servers()
	if err != nil {
		return err
	}
	for _, s := range servers {
		for queue := range s.Queues {
			if rest, ok := strings.CutPrefix(queue, c.Provider); ok && (rest == "" || rest[0] == ':' || rest[0] == '-') {
				return fmt.Errorf("%w: a worker on %s (process %d) serves %s; stop all of them, and try again in 15 s",
					idempotency.ErrRefused, s.Host, s.PID, c.Provider)
			}
		}
	}
	return nil
}

// movedSoFar prints how many payments have moved, every few seconds.
func (a *app) movedSoFar() func(n int) {
	last := time.Now()
	return func(n int) {
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			a.notice("%d payments moved", n)
		}
	}
}
