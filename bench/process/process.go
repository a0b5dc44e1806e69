// Package process starts the programs of a measurement, and reads from /proc what they cost.
package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a program that runs.
type Process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error
	output *tail
}

// Start starts a program; env is added to the environment, without the variables of remesa that
// were in it.
func Start(ctx context.Context, env []string, name string, args ...string) (*Process, error) {
	return start(ctx, nil, nil, env, name, args...)
}

// StartAs is Start as another user.
func StartAs(ctx context.Context, user *syscall.Credential, env []string, name string, args ...string) (*Process, error) {
	return start(ctx, user, nil, env, name, args...)
}

// StartInto is Start with the standard output in a file.
func StartInto(ctx context.Context, file string, env []string, name string, args ...string) (*Process, error) {
	out, err := os.Create(file) // #nosec G304 -- a file of the measurement itself
	if err != nil {
		return nil, err
	}
	defer out.Close()
	return start(ctx, nil, out, env, name, args...)
}

func start(ctx context.Context, user *syscall.Credential, out *os.File, env []string, name string, args ...string) (*Process, error) {
	cmd := exec.CommandContext(ctx, name, args...) // #nosec G204 -- programs of the measurement itself
	cmd.Env = append(Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	p := &Process{cmd: cmd, ended: make(chan struct{}), output: &tail{}}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	if out != nil {
		cmd.Stdout = out
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.err = cmd.Wait(); close(p.ended) }()
	return p, nil
}

// Environ is the environment without the variables of remesa.
func Environ() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "REMESA_") {
			env = append(env, v)
		}
	}
	return env
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Wait waits for the end of the process; a failure comes with the end of its output.
func (p *Process) Wait() error {
	<-p.ended
	if p.err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(p.cmd.Path), p.err, p.output)
	}
	return nil
}

// Output is the end of what the process wrote.
func (p *Process) Output() string { return p.output.String() }

// Stop asks the process to end, and kills it where it has not after a while.
func (p *Process) Stop() { p.StopWith(syscall.SIGTERM) }

// StopWith is Stop by another signal.
func (p *Process) StopWith(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// Ready polls until check returns nil, the process has ended, or a minute has passed.
func (p *Process) Ready(ctx context.Context, check func() error) error {
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %w: %s", filepath.Base(p.cmd.Path), p.err, p.output)
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if err = check(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s is not ready: %w: %s", filepath.Base(p.cmd.Path), err, p.output)
}

// MaxMemory is the most memory the process had resident, in bytes; it has ended.
func (p *Process) MaxMemory() int64 {
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return usage.Maxrss * 1024
}

// ticks is how many units of /proc's processor times a second has on Linux.
const ticks = 100

// CPU is how long these processes, and the children that they waited for, kept a processor busy.
func CPU(pids ...int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		stat, err := readStat(pid)
		if errors.Is(err, os.ErrNotExist) {
			continue // it has ended since it was listed; its parent's times hold its own
		}
		if err != nil {
			return 0, err
		}
		for _, field := range stat[11:15] { // utime, stime, cutime, cstime
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(n) * time.Second / ticks
		}
	}
	return sum, nil
}

// readStat returns the fields of /proc/PID/stat behind the name: state, parent, …
func readStat(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 15 {
		return nil, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	return fields, nil
}

// Children are the processes whose parent is pid.
func Children(pid int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if stat, err := readStat(child); err == nil && stat[1] == strconv.Itoa(pid) {
			found = append(found, child)
		}
	}
	return found, nil
}

// Memory is what these processes have resident now, and the most they had, in bytes.
func Memory(pids ...int) (now, most int64, err error) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, 0, err
		}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			switch name {
			case "VmRSS":
				now += kb << 10
			case "VmHWM":
				most += kb << 10
			}
		}
	}
	return now, most, nil
}

// FreeAddress is a loopback address that nobody listens on.
func FreeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// tail keeps the end of an output.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 4096

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if len(t.text) > tailSize {
		t.text = t.text[len(t.text)-tailSize:]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
