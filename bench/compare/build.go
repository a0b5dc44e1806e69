package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/bench/rig"
)

// buildCommit builds remesa as it was at a commit, in a worktree that it takes away again.
func buildCommit(ctx context.Context, commit, source, into string) error {
	if err := git(ctx, "worktree", "add", "--detach", "--quiet", source, commit); err != nil {
		return err
	}
	defer func() { _ = git(context.WithoutCancel(ctx), "worktree", "remove", "--force", source) }()
	return rig.Build(ctx, source, into, "./cmd/worker", "./cmd/enqueue")
}

func git(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "git", args...).CombinedOutput(); err != nil { // #nosec G204 -- see the callers
		return fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return nil
}

// versions says on what was measured, and with what.
func versions(ctx context.Context) []string {
	first := func(name string, args ...string) string {
		out, err := exec.CommandContext(ctx, name, args...).Output() // #nosec G204 -- constants
		if err != nil {
			return name + ": not known"
		}
		text, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return text
	}
	all := []string{
		rig.Machine(), "kernel " + first("uname", "-sr"),
		"fsync of 4 KiB, median of 200: " + fsyncTime().Round(time.Microsecond).String(),
		"remesa " + first("git", "describe", "--always", "--dirty"), runtime.Version(), first("redis-server", "--version"),
	}
	for _, module := range []string{"hibiken/asynq", "redis/go-redis/v9", "riverqueue/river", "jackc/pgx/v5"} {
		all = append(all, first("go", "list", "-m", "github.com/"+module))
	}
	return append(all, "BullMQ 6.7.0, ioredis 6.0.0, undici 7.30.2 (bullmq/package-lock.json)")
}

// fsyncTime is how long the disk of the temporary folder, where the stores write, takes to keep a
// page.
func fsyncTime() time.Duration {
	f, err := os.CreateTemp("", "bench-fsync")
	if err != nil {
		return 0
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var took []time.Duration
	page := make([]byte, 4096)
	for range 200 {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0
		}
		if err := f.Sync(); err != nil {
			return 0
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[len(took)/2]
}
