package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// screen is a pseudo terminal with what was written to it.
type screen struct {
	keys, terminal *os.File

	mu    sync.Mutex
	shown bytes.Buffer
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close() })
	fd := int(keys.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	s := &screen{keys: keys, terminal: terminal}
	go func() { _, _ = io.Copy(s, keys) }()
	return s
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(p)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// echoes reports whether the terminal shows what is typed.
func (s *screen) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(s.terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// answer types a line once the question is asked and the terminal is silent.
func (s *screen) answer(t *testing.T, question, line string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(s.text(), question) || s.echoes(t) {
		if time.Now().After(deadline) {
			t.Fatalf("%q is not asked: %q", question, s.text())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := s.keys.WriteString(line); err != nil {
		t.Fatal(err)
	}
}

func startHashcard(t *testing.T, s *screen, env []string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, binary, "hashcard", "--provider", "pagoseguro")
	var out bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, s.terminal, &out, s.terminal
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

func TestHashcardAsksWithoutEcho(t *testing.T) {
	t.Parallel()
	_, env := pagoSeguro(t)
	s := newScreen(t)
	cmd, out := startHashcard(t, s, env)
	s.answer(t, "card number: ", testNumber+"\n")
	s.answer(t, "security code: ", testCode+"\n")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v; the terminal shows %q", err, s.text())
	}
	if len(out.String()) < 16 || strings.Contains(s.text(), testNumber) || strings.Contains(s.text(), testCode) {
		t.Errorf("%d bytes of stdout; the terminal shows %q", out.Len(), s.text())
	}
	if !s.echoes(t) {
		t.Error("the terminal was left without echo")
	}
}

func TestHashcardGivesTheTerminalBackAfterASignal(t *testing.T) {
	t.Parallel()
	_, env := pagoSeguro(t)
	s := newScreen(t)
	cmd, _ := startHashcard(t, s, env)
	s.answer(t, "card number: ", "4000")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if cmd.Wait() == nil || !s.echoes(t) {
		t.Errorf("it ended well: %t; the terminal echoes: %t", cmd.ProcessState.Success(), s.echoes(t))
	}
}
