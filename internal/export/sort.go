package export

import (
	"bufio"
	"cmp"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"github.com/remesa/remesa/internal/merge"
)

// sorter orders records by key in bounded memory, and keeps the newest of each: a scan of the
// ledger has no order, and may return a record twice.
type sorter struct {
	folder string
	most   int // bytes held in memory
	held   []sortable
	size   int
	runs   []*os.File
}

type sortable struct {
	Key     string
	Version int64
	Text    []byte
}

// heldInMemory bounds the records that wait to be sorted; the rest waits in files.
const heldInMemory = 16 << 20

func newSorter(folder string, most int) *sorter { return &sorter{folder: folder, most: most} }

func (s *sorter) add(r sortable) error {
	s.held = append(s.held, r)
	if s.size += len(r.Key) + len(r.Text) + 80; s.size < s.most {
		return nil
	}
	return s.spill()
}

// spill writes what is held into a file of its own, which nobody else can read.
func (s *sorter) spill() error {
	slices.SortFunc(s.held, byKey)
	f, err := os.CreateTemp(s.folder, ".export-*.tmp")
	if err != nil {
		return fmt.Errorf("a temporary file: %w", err)
	}
	s.runs = append(s.runs, f)
	out := bufio.NewWriter(f)
	e := gob.NewEncoder(out)
	for _, r := range s.held {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	s.held, s.size = s.held[:0], 0
	clear(s.held[:cap(s.held)])
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// byKey has the newest version of a key first.
func byKey(a, b sortable) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(b.Version, a.Version))
}

// all yields each key once.
func (s *sorter) all() iter.Seq2[sortable, error] {
	slices.SortFunc(s.held, byKey)
	lists := []iter.Seq2[sortable, error]{func(yield func(sortable, error) bool) {
		for _, r := range s.held {
			if !yield(r, nil) {
				return
			}
		}
	}}
	for _, f := range s.runs {
		lists = append(lists, readRun(f))
	}
	return func(yield func(sortable, error) bool) {
		last, any := "", false
		for r, err := range merge.Ordered(byKey, lists...) {
			if err == nil && any && r.Key == last {
				continue
			}
			if last, any = r.Key, true; !yield(r, err) {
				return
			}
		}
	}
}

func readRun(f *os.File) iter.Seq2[sortable, error] {
	return func(yield func(sortable, error) bool) {
		d := gob.NewDecoder(bufio.NewReader(f))
		for {
			var r sortable
			err := d.Decode(&r)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// close removes the files.
func (s *sorter) close() {
	for _, f := range s.runs {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}
