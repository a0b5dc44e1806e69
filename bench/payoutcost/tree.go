package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Names of the trees.
const (
	present = "present"
	before  = "before"
)

// tree is a checkout with its commands built.
type tree struct {
	name, commit string
	bin          string
}

// plant builds the present checkout, and beside it the commit to compare with, where the history
// has it. remove takes that checkout away again.
func plant(ctx context.Context, dir, commit string) (trees []tree, remove func(), err error) {
	remove = func() {}
	now, err := build(ctx, "..", filepath.Join(dir, present), tree{name: present, commit: describe(ctx)})
	if err != nil {
		return nil, remove, err
	}
	trees = []tree{now}
	if commit == "" {
		return trees, remove, nil
	}
	if git(ctx, "cat-file", "-e", commit+"^{commit}") != nil {
		fmt.Fprintf(os.Stderr, "the history here has no commit %s: only the present tree is measured\n", commit)
		return trees, remove, nil
	}
	source := filepath.Join(dir, "source")
	if err := git(ctx, "worktree", "add", "--detach", "--quiet", source, commit); err != nil {
		return nil, remove, err
	}
	remove = func() { _ = git(context.WithoutCancel(ctx), "worktree", "remove", "--force", source) }
	old, err := build(ctx, source, filepath.Join(dir, before), tree{name: before, commit: commit})
	if err != nil {
		return nil, remove, err
	}
	return []tree{old, now}, remove, nil
}

func build(ctx context.Context, source, bin string, t tree) (tree, error) {
	t.bin = bin
	if err := os.Mkdir(bin, 0o700); err != nil {
		return t, err
	}
	fmt.Fprintf(os.Stderr, "building the %s tree, %s\n", t.name, t.commit)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin+"/", "./cmd/worker", "./cmd/enqueue") // #nosec G204 -- folders of our own
	cmd.Dir, cmd.Stderr = source, os.Stderr
	if err := cmd.Run(); err != nil {
		return t, fmt.Errorf("build %s: %w", t.name, err)
	}
	return t, nil
}

func git(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "git", args...).CombinedOutput() // #nosec G204 -- see the callers
	if err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return nil
}

// describe names the present checkout.
func describe(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "without its history"
	}
	return strings.TrimSpace(string(out))
}
