package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// The rules have safeguards of their own, and a build with the tag "mutants" leaves one out. Here
// the environment says which one, so that one build of the simulation serves all.
const (
	ruleSwitch    = "idempotency/rules/safeguards_on.go"
	ruleList      = "idempotency/rules/testdata/safeguards.json"
	leaveOut      = "REMESA_LEAVE_OUT"
	seedsOfARule  = 40
	ruleSwitchEnv = `//go:build !mutants

package rules

import "os"

var leftOut = safeguard(os.Getenv("` + leaveOut + `"))

func leftOutInTest(s safeguard) bool { return s == leftOut }
`
)

// ruleSafeguards are the names of the rules' safeguards.
func ruleSafeguards(root string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, ruleList)) // #nosec G304 -- a file of this module
	if err != nil {
		return nil, err
	}
	var listed []caught
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, err
	}
	names := make([]string, len(listed))
	for i, l := range listed {
		names[i] = l.Safeguard
	}
	return names, nil
}

// checkRules leaves out each safeguard of the rules, and returns which seed finds it, if any.
func checkRules(ctx context.Context, root, folder string) ([]caught, error) {
	names, err := ruleSafeguards(root)
	if err != nil {
		return nil, err
	}
	file, err := overlay(root, ruleSwitch, []byte(ruleSwitchEnv), folder)
	if err != nil {
		return nil, err
	}
	program, err := buildSimulation(ctx, root, file, folder)
	if err != nil {
		return nil, err
	}
	var all []caught
	for _, name := range names {
		cmd := exec.CommandContext(ctx, program, "-seeds", strconv.Itoa(seedsOfARule), "-stop") // #nosec G204
		cmd.Env = append(os.Environ(), leaveOut+"="+name)
		c := caught{Safeguard: name}
		if c.Seed, c.Finds, err = firstBroken(cmd); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("without %q: %s\n", name, c.Finds)
		all = append(all, c)
	}
	return all, nil
}
