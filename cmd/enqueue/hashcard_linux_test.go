package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
)

// terminalBuffer is a pseudo terminal with what was written to it.
type terminalBuffer struct {
	keys, terminal *os.File

	mu    sync.Mutex
	shown bytes.Buffer
}

func newScreen(t *testing.T) *terminalBuffer {
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
	s := &terminalBuffer{keys: keys, terminal: terminal}
	go func() { _, _ = io.Copy(s, keys) }()
	return s
}

func (s *terminalBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(p)
}

func (s *terminalBuffer) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// echoes reports whether the terminal shows what is typed.
func (s *terminalBuffer) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(s.terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// answer types a line once the prompt is there and echo is off.
func (s *terminalBuffer) answer(t *testing.T, question, line string) {
	t.Helper()
	eventually.NoError(t, testTimeout, func() error {
		if !strings.Contains(s.text(), question) || s.echoes(t) {
			return fmt.Errorf("%q is not asked: %q", question, s.text())
		}
		return nil
	})
	if _, err := s.keys.WriteString(line); err != nil {
		t.Fatal(err)
	}
}

// startHashcard runs the command on a terminal; its stdout is kept.
func startHashcard(t *testing.T, s *terminalBuffer, env []string) *processtest.Process {
	t.Helper()
	cmd := exec.Command(binary(t), "hashcard", "--provider", "pagoseguro")
	cmd.Env, cmd.Stdin, cmd.Stderr = env, s.terminal, s.terminal
	return processtest.Start(t, "enqueue hashcard", cmd)
}

func TestHashcardAsksWithoutEcho(t *testing.T) {
	t.Parallel()
	_, env := pagoSeguro(t)
	s := newScreen(t)
	p := startHashcard(t, s, env)
	s.answer(t, "card number: ", testNumber+"\n")
	s.answer(t, "security code: ", testCode+"\n")
	if code := p.Exit(testTimeout); code != 0 {
		t.Fatalf("exit code %d; the terminal shows %q", code, s.text())
	}
	out := p.Output()
	if len(out) < 16 || strings.Contains(s.text(), testNumber) || strings.Contains(s.text(), testCode) {
		t.Errorf("%d bytes of stdout; the terminal shows %q", len(out), s.text())
	}
	if !s.echoes(t) {
		t.Error("the terminal was left without echo")
	}
}

func TestHashcardGivesTheTerminalBackAfterASignal(t *testing.T) {
	t.Parallel()
	_, env := pagoSeguro(t)
	s := newScreen(t)
	p := startHashcard(t, s, env)
	s.answer(t, "card number: ", "4000")
	p.Signal(os.Interrupt)
	if code := p.Exit(testTimeout); code == 0 || !s.echoes(t) {
		t.Errorf("exit code %d; the terminal echoes: %t", code, s.echoes(t))
	}
}
