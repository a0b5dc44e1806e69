// Package journal keeps on a worker's own disk which attempts it lets go, so that the end of the
// worker together with a loss of the store cannot hide a send. It holds no personal data: keys,
// amounts, fingerprints and provider ids.
//
// An intent is on disk before the first byte of its request leaves; many share one fsync. A journal
// is locked as long as its worker lives, and the next worker that opens the directory takes over
// what a dead one left.
package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Entry is an attempt on its way to the provider, and what became of it.
type Entry struct {
	Provider string `json:"provider"`
	// Partition is the number of the provider's partition whose store counted the send.
	Partition int    `json:"partition,omitempty"`
	Account   string `json:"account,omitempty"`
	Reference string `json:"reference,omitempty"`
	Attempt   string `json:"attempt,omitempty"`
	// Sequence is the number under which the store counted the send, in its Epoch.
	Sequence int64 `json:"sequence"`
	Epoch    int64 `json:"epoch,omitempty"`
	// LeaseEnd is the end of the attempt's lease, in Unix ms by the store's clock.
	LeaseEnd int64 `json:"lease_end,omitempty"`
	// What the record says of the payment.
	Type        string `json:"type,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Amount      string `json:"amount,omitempty"`
	Currency    string `json:"currency,omitempty"`
	Object      string `json:"object,omitempty"`
	Queryable   bool   `json:"queryable,omitempty"`
	// Class is the class of the attempt's outcome; empty as long as it is not on record.
	Class      string `json:"class,omitempty"`
	ProviderID string `json:"provider_id,omitempty"`
	Code       string `json:"code,omitempty"`
	// At is when the entry was written, in Unix ms by this machine's clock.
	At int64 `json:"at"`
}

// Store names the partition whose store counted the send, as idempotency.Partition does.
func (e Entry) Store() string { return counter{e.Provider, e.Partition}.String() }

// counter is what counts sends: a partition of a provider.
type counter struct {
	provider  string
	partition int
}

func (c counter) String() string {
	if c.partition == 0 {
		return c.provider
	}
	return c.provider + ":" + strconv.Itoa(c.partition)
}

const (
	// keepSettled is how long an entry is kept whose outcome is on record: as long a worker's own
	// memory of its reports.
	keepSettled = 2 * time.Minute
	compactAt   = 8 << 20 // bytes
	suffix      = ".journal"
)

// Journal is the journal of one worker. Its methods are safe for concurrent use.
type Journal struct {
	dir string
	now func() time.Time
	// compactAt is the least size at which the journal is written anew.
	compactAt int64

	mu   sync.Mutex
	file *os.File
	// size is the file's, rewritten what it was when the file was begun, and begun when that was.
	size, rewritten int64
	begun           time.Time
	entries         map[string]Entry // by attempt
	// sequences are the highest of each partition.
	sequences map[counter]int64
	waiting   []waiter
	writing   bool
	// failed is why nothing is taken now, and failedAt since when; closed is for good.
	failed   error
	failedAt time.Time
	closed   bool
}

// waiter is an attempt's line that is to be written, and whoever waits until it is on disk, if
// anybody does.
type waiter struct {
	attempt string
	// before is what the journal had of the attempt until then, if anything.
	before *Entry
	line   []byte
	done   chan error
}

// Open opens a journal of its own in the directory, which must exist, and takes over the journals
// of workers that have ended. What they left is in Entries.
func Open(dir string) (*Journal, error) {
	j := &Journal{dir: dir, now: time.Now, compactAt: compactAt, entries: map[string]Entry{}, sequences: map[counter]int64{}}
	left, err := takeOver(dir)
	defer func() {
		for _, f := range left {
			_ = f.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	for _, f := range left {
		if err := j.read(f); err != nil {
			return nil, err
		}
	}
	if err := j.rewrite(); err != nil {
		return nil, err
	}
	for _, f := range left {
		if err := os.Remove(f.Name()); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	return j, nil
}

// takeOver opens and locks the journals whose workers have ended.
func takeOver(dir string) ([]*os.File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var out []*os.File
	for _, name := range names {
		f, err := os.OpenFile(name, os.O_RDWR, 0) // #nosec G304 -- a file of the operator's own directory
		if errors.Is(err, os.ErrNotExist) {
			continue // another worker took it over
		}
		if err != nil {
			return out, fmt.Errorf("journal: %w", err)
		}
		if !own(f) {
			_ = f.Close()
			continue
		}
		out = append(out, f)
	}
	return out, nil
}

// own reports whether the file is this process's from now on, and still in its directory: another
// worker may have taken it over, and removed it, between its opening and the lock. What is written
// to such a file ends with the process, and what it holds is another worker's to report.
func own(f *os.File) bool {
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false
	}
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(f.Name())
	return err == nil && os.SameFile(opened, named)
}

// read takes the entries of a journal over. A last line that was cut off was never on disk as a
// whole, so nothing was sent for it.
func (j *Journal) read(f *os.File) error {
	in := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // the end, or a cut line
		}
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("journal: %s: line %d is no entry; move the file away and look at it", f.Name(), n)
		}
		j.take(e)
	}
}

// take keeps an entry, and the highest sequence number of its partition.
func (j *Journal) take(e Entry) {
	c := counter{e.Provider, e.Partition}
	j.sequences[c] = max(j.sequences[c], e.Sequence)
	if e.Attempt != "" {
		j.entries[e.Attempt] = e
	}
}

// Entries are the attempts on the journal, of this worker and of those that it took over from.
func (j *Journal) Entries() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Entry, 0, len(j.entries))
	for _, e := range j.entries {
		out = append(out, e)
	}
	return out
}

// Sequences are the highest sequence numbers that the journals have seen, by the partition's name.
func (j *Journal) Sequences() map[string]int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make(map[string]int64, len(j.sequences))
	for c, n := range j.sequences {
		out[c.String()] = n
	}
	return out
}

// Intend writes an attempt down before it sends, and returns once it is on disk. After an error the
// attempt must not send.
func (j *Journal) Intend(e Entry) error {
	done := make(chan error, 1)
	if err := j.add(e, done); err != nil {
		return err
	}
	return <-done
}

// Settle writes down what an attempt came to, once the store has it. It waits for nothing: an entry
// that stays open is reported once more, which changes nothing.
func (j *Journal) Settle(attempt, class, providerID, code string) error {
	j.mu.Lock()
	e, known := j.entries[attempt]
	j.mu.Unlock()
	if !known {
		return nil
	}
	e.Class, e.ProviderID, e.Code = class, providerID, code
	return j.add(e, nil)
}

func (j *Journal) add(e Entry, done chan error) error {
	e.At = j.now().UnixMilli()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ready() {
		return j.failed
	}
	w := waiter{attempt: e.Attempt, line: append(line, '\n'), done: done}
	if before, known := j.entries[e.Attempt]; known {
		w.before = &before
	}
	j.take(e)
	j.waiting = append(j.waiting, w)
	if !j.writing {
		j.writing = true
		go j.write()
	}
	return nil
}

// write writes what waits, in as few fsyncs as there are rounds, until nothing waits.
func (j *Journal) write() {
	for {
		j.mu.Lock()
		batch := j.waiting
		j.waiting = nil
		if len(batch) == 0 {
			j.writing = false
			j.mu.Unlock()
			return
		}
		file, err := j.file, j.failed
		j.mu.Unlock()
		if err == nil { // else what follows a line that was cut off could not be read
			err = appendAll(file, batch)
		}
		j.written(batch, err)
		for _, w := range batch {
			if w.done != nil {
				w.done <- err
			}
		}
	}
}

func appendAll(f *os.File, batch []waiter) error {
	var all []byte
	for _, w := range batch {
		all = append(all, w.line...)
	}
	if _, err := f.Write(all); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// beginAgainAfter is how long a journal that could not be written takes nothing.
const beginAgainAfter = time.Second

// ready reports whether the journal takes an entry. After a failed write or fsync nobody knows what
// is on disk, so it goes on in a new file, once that can be written whole: a disk that was full for
// a while stops a worker no longer than that.
func (j *Journal) ready() bool {
	if j.failed == nil {
		return true
	}
	if j.closed || j.writing || j.now().Sub(j.failedAt) < beginAgainAfter {
		return false
	}
	j.failed = j.replace()
	j.failedAt = j.now()
	return j.failed == nil
}

// replace goes on in a new file.
func (j *Journal) replace() error {
	old := j.file
	if err := j.rewriteLocked(); err != nil {
		return err
	}
	_ = os.Remove(old.Name())
	_ = old.Close()
	return nil
}

// written counts what was written, and writes the journal anew when it has grown. Of a batch that
// could not be written nobody sends anything; what an attempt sent for an earlier line stays.
func (j *Journal) written(batch []waiter, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, w := range slices.Backward(batch) {
		j.size += int64(len(w.line))
		switch {
		case err == nil || w.done == nil:
		case w.before != nil:
			j.entries[w.attempt] = *w.before
		default:
			delete(j.entries, w.attempt)
		}
	}
	if err == nil && j.grown() {
		err = j.replace()
	}
	if err != nil && j.failed == nil {
		j.failed, j.failedAt = err, j.now()
	}
}

// grown reports whether the journal is worth writing anew: what is still needed would else be
// written again with each batch.
func (j *Journal) grown() bool {
	return j.size > j.compactAt && (j.size > 2*j.rewritten || j.now().Sub(j.begun) > keepSettled)
}

func (j *Journal) rewrite() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.rewriteLocked()
}

// rewriteLocked begins a new file with the entries that are still needed.
func (j *Journal) rewriteLocked() error {
	old := j.now().Add(-keepSettled).UnixMilli()
	var text strings.Builder
	for attempt, e := range j.entries {
		if e.Class != "" && e.At < old {
			delete(j.entries, attempt)
			continue
		}
		line, _ := json.Marshal(e)
		text.Write(append(line, '\n'))
	}
	for c, n := range j.sequences {
		line, _ := json.Marshal(Entry{Provider: c.provider, Partition: c.partition, Sequence: n, At: j.now().UnixMilli()})
		text.Write(append(line, '\n'))
	}
	f, err := createLocked(j.dir)
	if err != nil {
		return err
	}
	err = appendAll(f, []waiter{{line: []byte(text.String())}})
	if err == nil {
		err = syncDir(j.dir)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the old one has it all
		_ = f.Close()
		return err
	}
	j.file, j.size, j.rewritten, j.begun = f, int64(text.Len()), int64(text.Len()), j.now()
	return nil
}

// createLocked creates a file (mode 0600) and locks it. Another worker that starts at this moment
// may take the new file for one that a dead worker left, and remove it, so it tries three times.
func createLocked(dir string) (*os.File, error) {
	for range 3 {
		f, err := os.CreateTemp(dir, "worker-*"+suffix)
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		if own(f) {
			return f, nil
		}
		_ = f.Close()
	}
	return nil, fmt.Errorf("journal: files in %s cannot be locked; use a local disk", dir)
}

// syncDir puts the names in a directory on disk.
func syncDir(dir string) error {
	d, err := os.Open(dir) // #nosec G304 -- the operator's own directory
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Close lets the journal go; the file stays for the next worker.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed, j.closed = errors.New("journal: closed"), true
	return j.file.Close()
}
