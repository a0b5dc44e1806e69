package main

import (
	"fmt"
	"io"

	"github.com/remesa/remesa/tasks"
)

// A file of more than tasks.BulkAbove lines is bulk: its payments let others go first. Whether it
// is one can be read ahead of a regular file. Of anything else, such as a pipe, whose lines must
// not wait for later ones, the first tasks.BulkAbove lines are not bulk.

// big reports whether a regular file has more than tasks.BulkAbove lines, blank ones aside.
func (c *submitCmd) big(file input) (bool, error) {
	if inputName(c.File) == "stdin" || !file.before.Mode().IsRegular() {
		return false, nil
	}
	lines, err := c.countSome(file, tasks.BulkAbove+1)
	if err != nil {
		return false, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("%w: %w", errInput, err)
	}
	return lines > tasks.BulkAbove, nil
}

// countSome counts lines, most at the most. What is wrong with the input is found again, and
// reported, when it is submitted.
func (c *submitCmd) countSome(in io.Reader, most int) (n int, err error) {
	reader, err := c.reader(in)
	if err != nil {
		return 0, err
	}
	for n < most {
		if _, err := reader.Next(); err != nil {
			break
		}
		n++
	}
	return n, nil
}
