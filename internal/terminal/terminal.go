// Package terminal asks a person for what nobody else may read.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// ReadSecret writes the question to prompt and reads one line from in, a terminal, without echo. When ctx
// ends, as a signal ends it, the terminal gets its echo back. No error repeats what was typed.
func ReadSecret(ctx context.Context, in *os.File, prompt io.Writer, question string) (string, error) {
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", errors.New("the terminal cannot be read")
	}
	_, _ = fmt.Fprint(prompt, question) // a person who sees no question answers none
	type reading struct {
		text []byte
		err  error
	}
	read := make(chan reading, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- reading{text, err}
	}()
	defer func() { _, _ = fmt.Fprintln(prompt) }() // the line break was not shown either
	select {
	case r := <-read:
		if r.err != nil {
			return "", errors.New("the terminal cannot be read")
		}
		return string(r.text), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return "", errors.New("interrupted")
	}
}
