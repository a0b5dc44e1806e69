// Package terminal reads secrets that an operator types. It shows none of what was typed.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// ReadSecret writes question to prompt and reads one line from in, a terminal, without echo. When
// ctx ends, it turns the echo on again and returns an error. No error repeats what was typed.
func ReadSecret(ctx context.Context, in *os.File, prompt io.Writer, question string) (string, error) {
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", errors.New("the terminal cannot be read")
	}
	_, _ = fmt.Fprint(prompt, question) // an operator who sees no question types nothing
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
