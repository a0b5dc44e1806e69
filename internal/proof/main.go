// Command proof plays the simulation's seeds, leaves out each safeguard in turn, and writes down in
// docs/proof.md what it found:
//
//	go run ./internal/proof -seeds 20000
//
// It is run at the module's root. `make proof` runs it after the searches of the rules.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

const (
	page      = "docs/proof.md"
	foundFile = "internal/proof/testdata/proof.json"
)

// found is what the page is made from. All but Machine and the seconds is the same each time.
type found struct {
	Machine  string   `json:"machine"`
	Seeds    report   `json:"seeds"`
	Caught   []caught `json:"caught"`
	OfARule  []caught `json:"of_a_rule"`
	OfARules int      `json:"seeds_of_a_rule"`
}

// report is what the simulation reports of many seeds.
type report struct {
	Seeds   int            `json:"seeds"`
	Steps   int            `json:"steps"`
	Faults  map[string]int `json:"faults"`
	Broken  []string       `json:"broken"`
	Seconds float64        `json:"seconds"`
}

func main() {
	seeds := flag.Int("seeds", 20_000, "how many seeds to play")
	played := flag.String("report", "", "take what the seeds came to from this file of `sim -report`, and play none")
	only := flag.String("only", "", "leave out only the safeguard of this name, and write nothing")
	flag.Parse()
	if err := run(context.Background(), *seeds, *played, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, seeds int, played, only string) error {
	if only != "" {
		return try(ctx, only)
	}
	folder, err := os.MkdirTemp("", "proof")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	f := found{Machine: machine(), OfARules: seedsOfARule}
	if played == "" {
		played = filepath.Join(folder, "report.json")
		if err := play(ctx, played, seeds); err != nil {
			return err
		}
	}
	if f.Seeds, err = readReport(played); err != nil {
		return err
	}
	for _, m := range mutants() {
		c, err := m.check(ctx, ".")
		if err != nil {
			return err
		}
		fmt.Printf("without %q: %s\n", c.Safeguard, c.text())
		f.Caught = append(f.Caught, c)
	}
	if f.OfARule, err = checkRules(ctx, ".", folder); err != nil {
		return err
	}
	return write(f)
}

// try leaves out one safeguard and says what fails.
func try(ctx context.Context, name string) error {
	for _, m := range mutants() {
		if string(m.safeguard) == name {
			c, err := m.check(ctx, ".")
			fmt.Println(c.text())
			return err
		}
	}
	return fmt.Errorf("no safeguard is called %q", name)
}

// play plays the seeds with all safeguards in place.
func play(ctx context.Context, file string, seeds int) error {
	cmd := exec.CommandContext(ctx, "go", "run", "./internal/sim", "-seeds", strconv.Itoa(seeds), "-report", file) // #nosec G204
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the simulation: %w", err)
	}
	return nil
}

func readReport(file string) (r report, err error) {
	text, err := os.ReadFile(file) // #nosec G304 -- the caller's own
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

func write(f found) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(foundFile), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(foundFile, append(text, '\n'), 0o600); err != nil {
		return err
	}
	was, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(firstPart(string(was))+f.text()), 0o600) // #nosec G703 -- the page that whoever runs it names
}

// machine names the processor and how many of them there are.
func machine() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	return fmt.Sprintf("%s, %s/%s, %d processors, %s", host, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}
