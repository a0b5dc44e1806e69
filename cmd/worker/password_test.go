package main

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/login"
)

// typed makes a text the process's standard input; these tests do not run in parallel.
func typed(t *testing.T, text string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
	w.Close()
	stdin := os.Stdin
	os.Stdin = r
	t.Cleanup(func() { os.Stdin = stdin; r.Close() })
}

func TestAPasswordBecomesALineOfTheUsersFile(t *testing.T) {
	typed(t, "correct horse battery\n")
	text, code := printed(t, "password", "ana")
	users, err := login.ParseUsers(text)
	if code != 0 || err != nil || len(users) != 1 || users[0].Name != "ana" || strings.Contains(text, "horse") {
		t.Fatalf("exit %d, %q, %v", code, text, err)
	}
	d := login.NewAuthenticator(users, nil)
	if a := d.Authenticate(t.Context(), netip.Addr{}, "ana", "correct horse battery"); !a.OK {
		t.Errorf("the line does not let ana in: %+v", a)
	}
}

// TestThePasswordIsTheLineWithoutItsEnd, whatever that is; a hash would tell the same in seconds.
func TestThePasswordIsTheLineWithoutItsEnd(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n"} {
		if got, err := oneLine(strings.NewReader("correct horse battery" + end)); got != "correct horse battery" || err != nil {
			t.Errorf("%q: %q, %v", end, got, err)
		}
	}
}

func TestWhatMakesNoLine(t *testing.T) {
	for says, row := range map[string]struct{ name, text string }{
		"too short": {"ana", "short\n"}, "nothing": {"ana", ""}, "the placeholder": {"ana", "CHANGE-ME-PLEASE\n"},
		"two lines": {"ana", "correct horse battery\nand another one\n"}, "no name": {"a:b", "correct horse battery\n"},
		"longer than bcrypt looks": {"ana", strings.Repeat("x", 73)}, "without end": {"ana", strings.Repeat("x", 10<<10)},
	} {
		typed(t, row.text)
		if text, code := printed(t, "password", row.name); code == 0 || text != "" {
			t.Errorf("%s: exit %d, %q", says, code, text)
		}
	}
}
