package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// With --expect-count or --expect-sum a file is read twice: first it is counted, then, if all is as
// expected, submitted. Counted are its payments: payouts and charges, valid, registered before or
// not; status tasks move nothing and are not counted. A file with an invalid line never is as
// expected, because nobody knows what that line was to move.

var errChanged = errors.New("the file changed between counting and submitting")

// expected counts the file and returns a reader of exactly the bytes that were counted.
func (c *submitCmd) expected(s *taskIntake, f *os.File) (io.Reader, error) {
	before, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInput, err)
	}
	if inputName(c.File) == "stdin" || !before.Mode().IsRegular() {
		return nil, usage("--expect-count and --expect-sum need a regular file, which can be read twice")
	}
	counted := &verifiedReader{in: f}
	if err := c.count(s, counted); err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errInput, err)
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, errChanged
	}
	_, err = f.Seek(0, io.SeekStart)
	return &verifiedReader{in: f, want: counted.sums, verify: true}, err
}

// count reads all lines, prints those that are invalid, and refuses a file that is not as expected.
func (c *submitCmd) count(s *taskIntake, in io.Reader) error {
	reader, err := c.reader(in)
	if err != nil {
		return err
	}
	var found tally
	for s.app.ctx.Err() == nil {
		line, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return c.compareExpected(s, &found)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errInput, err)
		}
		r, err := s.tasks.Check(s.app.ctx, line)
		if err != nil {
			return s.app.failed(err)
		}
		if r.Result != intake.Invalid {
			found.add(line.Task)
			continue
		}
		found.invalid++
		s.problems.add(r.Line, r.Result, r.Error, c.told(s.app, line, r))
		if err := s.app.print(r); err != nil {
			return fmt.Errorf("%w: %w", errOutput, err)
		}
	}
	return s.app.ctx.Err()
}

// tally is what a file was found to hold.
type tally struct {
	payments, invalid int
	sums              map[string]*sum
}

func (t *tally) add(task tasks.Task) {
	if m := task.Amount(); !m.IsZero() {
		t.addMoney(m)
	}
}

func (t *tally) addMoney(m providers.Money) {
	if t.sums == nil {
		t.sums = map[string]*sum{}
	}
	if t.sums[m.Currency()] == nil {
		t.sums[m.Currency()] = &sum{}
	}
	t.payments++
	t.sums[m.Currency()].add(m)
}

func (t *tally) sum(currency string) sum {
	if s := t.sums[currency]; s != nil {
		return *s
	}
	return sum{}
}

// compareExpected lists all that differs from what is expected.
func (c *submitCmd) compareExpected(s *taskIntake, found *tally) error {
	a := s.app
	if err := a.flush(); err != nil {
		return fmt.Errorf("%w: %w", errOutput, err)
	}
	s.problems.tell(a)
	differences := c.differences(a.text, found)
	if c.cutOff() {
		differences = append(differences, a.text.Files.Read.OpenRefused)
	}
	for _, d := range differences {
		a.say(inputName(c.File) + ": " + d)
	}
	if len(differences) > 0 {
		a.say(a.text.CLI.Submit.NothingEnqueued)
		return exitError(exitRefused)
	}
	return nil
}

func (c *submitCmd) differences(l i18n.Locale, found *tally) []string {
	var all []string
	add := func(text string) { all = append(all, text) }
	words := l.CLI.Submit
	if found.invalid > 0 {
		add(words.InvalidLines(countOf(l, found.invalid)))
	}
	if c.ExpectCount != nil && *c.ExpectCount != found.payments {
		add(words.OtherCount(countOf(l, found.payments), countOf(l, *c.ExpectCount)))
	}
	if len(c.sums) == 0 {
		return all
	}
	for _, currency := range slices.Sorted(maps.Keys(c.sums)) {
		if got, want := found.sum(currency), c.sums[currency]; !got.equal(want) {
			add(words.OtherSum(currency, got.text(), want.text()))
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(found.sums)) {
		if _, ok := c.sums[currency]; !ok {
			add(words.OtherCurrency(currency))
		}
	}
	return all
}

// verifiedReader reads a file by the page. It keeps each page's hash, or hands out only pages whose
// hash was kept before, so that no byte is submitted that was not counted.
type verifiedReader struct {
	in     io.Reader
	sums   [][sha256.Size]byte
	want   [][sha256.Size]byte
	verify bool
	page   [64 << 10]byte
	rest   []byte
	err    error
}

func (p *verifiedReader) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		p.nextPage()
	}
	if len(p.rest) == 0 {
		return 0, p.err
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// nextPage reads the next page.
func (p *verifiedReader) nextPage() {
	if p.err != nil {
		return
	}
	n, err := io.ReadFull(p.in, p.page[:])
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	p.rest, p.err = p.page[:n], err
	if n > 0 {
		p.sums = append(p.sums, sha256.Sum256(p.rest))
	}
	if p.verify && !p.known() {
		p.rest, p.err = nil, errChanged
	}
}

// known reports whether all pages so far, and their number at the end, are as they were.
func (p *verifiedReader) known() bool {
	i := len(p.sums)
	if i > len(p.want) || i > 0 && p.sums[i-1] != p.want[i-1] {
		return false
	}
	return !errors.Is(p.err, io.EOF) || i == len(p.want)
}
