package journal

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func entry(attempt string, sequence int64) Entry {
	return Entry{
		Provider: "virtualpos", Account: "default", Reference: "ref-" + attempt, Attempt: attempt, Sequence: sequence, Epoch: 2,
		LeaseEnd: 7, Type: "payout", Fingerprint: "v1:f", Amount: "12500", Currency: "CLP", Object: "o", Queryable: true,
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func attempts(j *Journal) []string {
	var out []string
	for _, e := range j.Entries() {
		out = append(out, e.Attempt+":"+e.Class)
	}
	slices.Sort(out)
	return out
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	return names
}

// What a worker has written down is there for the next one, once its own process has ended.
func TestTheNextWorkerTakesOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir)
	must(t, first.Intend(entry("a", 1)))
	must(t, first.Intend(entry("b", 2)))
	must(t, first.Settle("b", "succeeded", "X", "0"))
	must(t, first.Intend(entry("c", 3))) // its fsync covers the line before
	if alive := open(t, dir); len(alive.Entries()) != 0 {
		t.Fatalf("took over %v from a worker that lives", attempts(alive))
	}
	must(t, first.file.Close()) // as the end of its process does
	second := open(t, dir)
	if got := attempts(second); !slices.Equal(got, []string{"a:", "b:succeeded", "c:"}) {
		t.Fatalf("took over %v", got)
	}
	for _, e := range second.Entries() {
		want := entry(e.Attempt, e.Sequence)
		want.Class, want.ProviderID, want.Code, want.At = e.Class, e.ProviderID, e.Code, e.At
		if e != want || e.At == 0 {
			t.Errorf("got %+v, want %+v", e, want)
		}
	}
	if got := second.Sequences(); !maps.Equal(got, map[string]int64{"virtualpos": 3}) {
		t.Errorf("sequences %v", got)
	}
	if n := len(files(t, dir)); n != 2 { // the second worker's, and that of the one in between
		t.Errorf("%d files", n)
	}
}

// A line that was cut off while it was written was never on disk as a whole: nothing was sent for
// it. Anything else that is no entry stops the worker.
func TestACutLineIsLeftOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole := `{"provider":"virtualpos","attempt":"a","sequence":1,"at":1}` + "\n"
	must(t, os.WriteFile(filepath.Join(dir, "dead.journal"), []byte(whole+`{"provider":"virtualpos","atte`), 0o600))
	j := open(t, dir)
	if got := attempts(j); !slices.Equal(got, []string{"a:"}) {
		t.Fatalf("took over %v", got)
	}
	must(t, os.WriteFile(filepath.Join(dir, "broken.journal"), []byte("nonsense\n"+whole), 0o600))
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "line 1 is no entry") {
		t.Errorf("got %v", err)
	}
}

// A journal that has grown is written anew, without what has been settled for two minutes. The
// highest sequence number stays.
func TestAGrownJournalIsWrittenAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	now := time.Unix(1_000, 0)
	j.now, j.compactAt = func() time.Time { return now }, 500
	must(t, j.Intend(entry("settled", 9)))
	must(t, j.Settle("settled", "failed", "", "51"))
	must(t, j.Intend(entry("open", 1)))
	now = now.Add(keepSettled + time.Second)
	must(t, j.Intend(entry("late", 2)))
	must(t, j.Intend(entry("later", 3)))
	if got := attempts(j); !slices.Equal(got, []string{"late:", "later:", "open:"}) {
		t.Errorf("kept %v", got)
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files %v", got)
	}
	must(t, j.Close())
	if next := open(t, dir); next.Sequences()["virtualpos"] != 9 || len(next.Entries()) != 3 {
		t.Errorf("%v, %v", next.Sequences(), attempts(next))
	}
}

// What is kept is not written again with each line: at hundreds of sends a second the outcomes of
// two minutes alone are more than the least size at which a journal is written anew.
func TestAJournalWhoseEntriesAreNeededIsRarelyWrittenAnew(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	j.compactAt = 1_000
	files := map[string]bool{}
	for i := range 200 {
		must(t, j.Intend(entry(fmt.Sprint(i), int64(i))))
		files[j.name()] = true
	}
	if len(files) > 10 {
		t.Errorf("written anew %d times for 200 lines", len(files)-1)
	}
}

// name is that of the journal's present file.
func (j *Journal) name() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Name()
}

// A file that another worker has taken over and removed, between its opening and its lock, is
// nobody's journal: what is written to it is gone with the process, and what it holds is reported
// by the other.
func TestAFileThatWasRemovedIsNoJournal(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(string) error{
		"removed":  os.Remove,
		"replaced": func(name string) error { return errors.Join(os.Remove(name), os.WriteFile(name, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Create(filepath.Join(t.TempDir(), "worker-1.journal"))
			must(t, err)
			t.Cleanup(func() { _ = f.Close() })
			if !own(f) {
				t.Error("a file of the directory cannot be owned")
			}
			must(t, remove(f.Name()))
			if own(f) {
				t.Error("a file that is not in its directory can be owned")
			}
		})
	}
}

// A journal that cannot be read to its end is not taken for one that ends there: the sends behind
// would be forgotten, and its file removed.
func TestAJournalThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	f, err := os.Open(dir) // reading a directory fails as a bad disk does
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	if err := j.read(f); err == nil {
		t.Error("no error")
	}
}

// An intent that is not on disk must not be sent.
func TestADiskThatFails(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	j.now = func() time.Time { return time.Unix(1_000, 0) }
	must(t, j.file.Close())
	for range 2 {
		if err := j.Intend(entry("a", 1)); err == nil {
			t.Fatal("an intent that is not on disk")
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("opened in a directory that is not there")
	}
}

// An attempt may have two steps that can move money. A second intent that is not on disk takes
// nothing away from the first, for which a request may have left.
func TestAnIntentOutlivesALaterOneThatFailed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	now := time.Unix(1_000, 0)
	j.now = func() time.Time { return now }
	must(t, j.Intend(entry("sent", 1)))
	must(t, j.file.Close()) // as little can be written as on a full disk
	if err := j.Intend(entry("sent", 2)); err == nil {
		t.Fatal("an intent that is not on disk")
	}
	now = now.Add(beginAgainAfter)
	must(t, j.Intend(entry("after", 3)))
	must(t, j.Close())
	if got := attempts(open(t, dir)); !slices.Equal(got, []string{"after:", "sent:"}) {
		t.Errorf("kept %v", got)
	}
}

// A disk that was full for a while stops no worker for ever: the journal goes on in a new file,
// with all that was on the old one and without what was not sent.
func TestADiskThatHasRoomAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	now := time.Unix(1_000, 0)
	j.now = func() time.Time { return now }
	must(t, j.Intend(entry("before", 1)))
	must(t, j.file.Close()) // as little can be written as on a full disk
	if err := j.Intend(entry("refused", 2)); err == nil {
		t.Fatal("an intent that is not on disk")
	}
	now = now.Add(beginAgainAfter)
	must(t, os.Chmod(dir, 0o500))
	if os.Getuid() != 0 { // whoever may do anything can write there
		if err := j.Intend(entry("refused", 3)); err == nil {
			t.Error("an intent that is not on disk")
		}
	}
	must(t, os.Chmod(dir, 0o700))
	now = now.Add(beginAgainAfter)
	must(t, j.Intend(entry("after", 4)))
	must(t, j.Close())
	now = now.Add(beginAgainAfter)
	if err := j.Intend(entry("closed", 5)); err == nil {
		t.Error("a closed journal takes an intent")
	}
	if n := len(files(t, dir)); n != 1 {
		t.Errorf("%d files", n)
	}
	if got := attempts(open(t, dir)); !slices.Equal(got, []string{"after:", "before:"}) {
		t.Errorf("kept %v", got)
	}
}

func TestManyShareTheDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	j.compactAt = 5_000
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			e := entry(fmt.Sprint(i), int64(i))
			if err := j.Intend(e); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	must(t, j.Close())
	if n := len(open(t, dir).Entries()); n != 200 {
		t.Errorf("%d of 200", n)
	}
}

func TestFilesAreTheWorkersAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	for _, name := range files(t, dir) {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
