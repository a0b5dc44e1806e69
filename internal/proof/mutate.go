package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// apply returns the file as it is without the safeguard. The text must stand there once.
func (m mutant) apply(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file)) // #nosec G304 -- a file of this list
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(text, []byte(m.was)); n != 1 {
		return nil, fmt.Errorf("%s: %s: the text to change stands there %d times", m.safeguard, m.file, n)
	}
	return bytes.Replace(text, []byte(m.was), []byte(m.is), 1), nil
}

// overlay writes what the go command needs to build with another text of a file, and returns its
// own file.
func overlay(root, file string, text []byte, folder string) (string, error) {
	changed := filepath.Join(folder, filepath.Base(file))
	if err := os.WriteFile(changed, text, 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(filepath.Join(root, file))
	if err != nil {
		return "", err
	}
	listed, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(folder, "overlay.json")
	return name, os.WriteFile(name, listed, 0o600)
}

// caught is what fails without a safeguard.
type caught struct {
	Safeguard string `json:"safeguard"`
	// Test is the test that fails, with its folder.
	Test string `json:"test,omitempty"`
	// Seed is the simulation's first that breaks a promise, and what it finds.
	Seed  *uint64 `json:"seed,omitempty"`
	Finds string  `json:"finds,omitempty"`
}

// errNothingFails means that a safeguard can be left out, and nobody notices.
var errNothingFails = errors.New("nothing fails without it")

// check leaves the safeguard out and returns what fails then.
func (m mutant) check(ctx context.Context, root string) (caught, error) {
	c := caught{Safeguard: string(m.safeguard)}
	folder, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return c, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	text, err := m.apply(root)
	if err != nil {
		return c, err
	}
	file, err := overlay(root, m.file, text, folder)
	if err != nil {
		return c, err
	}
	if m.test != "" {
		c.Test, err = m.failingTest(ctx, root, file)
	} else {
		c.Seed, c.Finds, err = brokenSeed(ctx, root, file, folder)
	}
	if err == nil && c.Test == "" && c.Seed == nil {
		err = errNothingFails
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", m.safeguard, err)
	}
	return c, nil
}

var failedTest = regexp.MustCompile(`(?m)^--- FAIL: |running tests:`)

// failingTest returns the mutant's test if it fails, or does not end.
func (m mutant) failingTest(ctx context.Context, root, overlay string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout", "90s", "-overlay", overlay, "-run", "^"+m.test+"$", "./"+m.folder) // #nosec G204
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	switch {
	case failedTest.Match(out):
		return m.folder + ": " + m.test, nil
	case err != nil:
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return "", errNothingFails
}

var brokenPromise = regexp.MustCompile(`(?m)^seed (\d+): [^:]*: (.*)$`)

// seedsOfAMutant is how many seeds a mutant is given.
const seedsOfAMutant = 3000

// brokenSeed builds the simulation with the overlay, and returns the first seed that breaks a
// promise, and which.
func brokenSeed(ctx context.Context, root, overlay, folder string) (*uint64, string, error) {
	program, err := buildSimulation(ctx, root, overlay, folder)
	if err != nil {
		return nil, "", err
	}
	return firstBroken(exec.CommandContext(ctx, program, "-seeds", strconv.Itoa(seedsOfAMutant), "-stop")) // #nosec G204
}

func buildSimulation(ctx context.Context, root, overlay, folder string) (program string, err error) {
	program = filepath.Join(folder, "sim")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", program, "./internal/sim") // #nosec G204
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
}

// firstBroken runs a simulation, which fails where it finds something.
func firstBroken(simulation *exec.Cmd) (*uint64, string, error) {
	out, err := simulation.Output()
	found := brokenPromise.FindSubmatch(out)
	switch {
	case found != nil:
	case err != nil:
		return nil, "", fmt.Errorf("the simulation: %w: %s", err, out)
	default:
		return nil, "", nil
	}
	var seed uint64
	if _, err := fmt.Sscan(string(found[1]), &seed); err != nil {
		return nil, "", err
	}
	return &seed, strings.TrimSpace(string(found[2])), nil
}
