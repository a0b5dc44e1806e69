package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// The rows of the table.
const (
	rowRate       = "payouts a second"
	rowCPU        = "Redis: processor (INFO cpu), µs"
	rowTime       = "Redis: time in all commands (INFO commandstats), µs"
	rowScripts    = "Redis: time in scripts, µs"
	rowCommands   = "commands, those inside scripts included"
	rowCalls      = "scripts run"
	rowReads      = "reads of a socket"
	rowWrites     = "writes of a socket"
	rowAOF        = "append-only file, bytes"
	rowWorker     = "worker: processor, µs"
	rowEnqueue    = "enqueue: processor, µs"
	rowDuplicates = "payouts that arrived twice, in all"
)

// rows is their order. All but the first and the last are for each payout.
var rows = []string{rowRate, rowCPU, rowTime, rowScripts, rowCommands, rowCalls, rowReads, rowWrites, rowAOF, rowWorker, rowEnqueue, rowDuplicates}

// reading is what Redis says of itself at one moment.
type reading struct {
	cpu, reads, writes, aof float64
	commands                map[string]command
}

// command is how often a command was called, and how long all calls took, in µs.
type command struct{ calls, usec float64 }

// measured is one case: its rows, and its commands, for each payout.
type measured struct {
	of       map[string]float64
	commands map[string]command
}

func read(ctx context.Context, client *redis.Client) (reading, error) {
	r := reading{commands: map[string]command{}}
	for _, section := range []string{"commandstats", "cpu", "stats", "persistence"} {
		text, err := client.Info(ctx, section).Result()
		if err != nil {
			return r, err
		}
		if err := r.take(text); err != nil {
			return r, fmt.Errorf("INFO %s: %w", section, err)
		}
	}
	return r, nil
}

// take reads a section of INFO.
func (r *reading) take(text string) error {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name, ok := strings.CutPrefix(name, "cmdstat_"); ok {
			c, err := parseCommand(value)
			if err != nil {
				return err
			}
			r.commands[name] = c
			continue
		}
		var field *float64
		unit := 1.0
		switch name {
		case "used_cpu_sys", "used_cpu_user":
			field, unit = &r.cpu, 1e6
		case "total_reads_processed":
			field = &r.reads
		case "total_writes_processed":
			field = &r.writes
		case "aof_current_size":
			field = &r.aof
		default:
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return err
		}
		*field += n * unit
	}
	return nil
}

// parseCommand reads "calls=3,usec=14,...".
func parseCommand(text string) (c command, err error) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "calls":
			c.calls, err = strconv.ParseFloat(value, 64)
		case "usec":
			c.usec, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// forget subtracts the commands of the measurement itself.
func (r *reading) forget(looks int) {
	delete(r.commands, "info")
	for name, each := range map[string]float64{"zcard": 1, "llen": 2} {
		c := r.commands[name]
		mine := float64(looks) * each
		if c.calls > 0 {
			r.commands[name] = command{c.calls - mine, c.usec * (c.calls - mine) / c.calls}
		}
	}
	r.reads -= float64(looks)
	r.writes -= float64(looks)
}

// compare is what happened between two readings, for each payout.
func compare(from, to reading, payouts int) measured {
	n := float64(payouts)
	m := measured{
		of: map[string]float64{
			rowCPU: (to.cpu - from.cpu) / n, rowAOF: (to.aof - from.aof) / n,
			rowReads: (to.reads - from.reads) / n, rowWrites: (to.writes - from.writes) / n,
		},
		commands: map[string]command{},
	}
	for name, c := range to.commands {
		was := from.commands[name]
		each := command{(c.calls - was.calls) / n, (c.usec - was.usec) / n}
		if each.calls <= 0 {
			continue
		}
		m.commands[name] = each
		m.of[rowCommands] += each.calls
		m.of[rowTime] += each.usec
		if strings.HasPrefix(name, "eval") {
			m.of[rowScripts] += each.usec
			m.of[rowCalls] += each.calls
		}
	}
	return m
}
