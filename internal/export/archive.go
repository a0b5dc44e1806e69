package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Archive is a folder with one export for each day, each of which names the manifest of the day
// before. One process at a time may add to it.
type Archive struct{ Folder string }

// Names of the files of a day.
const (
	filePrefix     = "remesa-"
	manifestSuffix = ".manifest.json"
	linesSuffix    = ".jsonl"
	csvSuffix      = ".csv"
	partSuffix     = ".part"
)

// dayIsOver is how long after its end a day is exported: a record's time can be that much older
// than its writing.
const dayIsOver = time.Minute

// ErrArchive: the days cannot be added to this archive.
var ErrArchive = errors.New("the archive")

// Exported is a day that was added.
type Exported struct {
	Manifest Manifest
	// Name is the manifest's file, SHA256 the hash of it that the next day's manifest will hold.
	Name   string
	SHA256 Hash
}

// Missing returns the days that are to be added: from the day after the newest, or from the one
// that is asked for if the archive is empty, until the one that is asked for, or else the last one
// that is over. Without anything to begin with it is that last day alone.
func (a Archive) Missing(o Options, from, until *Day) ([]Day, error) {
	over := DayAt(o.Now.Add(-dayIsOver), o.Zone).Add(-1)
	last := over
	if until != nil {
		if last = *until; over.Before(last) {
			return nil, fmt.Errorf("%w: %s is not over in %s yet", ErrArchive, last, o.Zone)
		}
	}
	newest, err := a.newest()
	if err != nil {
		return nil, err
	}
	first := last
	switch {
	case newest != nil:
		day, err := newest.check(o)
		if err != nil {
			return nil, err
		}
		if first = day.Add(1); from != nil && first.Before(*from) {
			return nil, fmt.Errorf("%w: its next day is %s; a later one would leave a gap", ErrArchive, first)
		}
	case from != nil:
		first = *from
	}
	var days []Day
	for d := first; !last.Before(d); d = d.Add(1) {
		days = append(days, d)
	}
	return days, nil
}

// stored is a manifest as it stands in the archive.
type stored struct {
	Manifest
	Previous
}

// check returns the day of the newest manifest, if the options continue it.
func (s *stored) check(o Options) (Day, error) {
	d, err := ParseDay(s.Day)
	switch {
	case err != nil:
		return d, fmt.Errorf("%w: %s has no day", ErrArchive, s.Name)
	case s.Zone != o.Zone.String():
		return d, fmt.Errorf("%w: its days are those of %s; another zone would leave hours out, or have them twice", ErrArchive, s.Zone)
	case s.Manifest.Provider != o.Provider:
		return d, fmt.Errorf("%w: it was begun for another choice of providers", ErrArchive)
	}
	return d, nil
}

// newest returns the newest manifest; nil where there is none.
func (a Archive) newest() (*stored, error) {
	names, err := a.manifests()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	name := names[len(names)-1]
	text, err := readSmall(filepath.Join(a.Folder, name))
	if err != nil {
		return nil, err
	}
	m, err := readManifest([]byte(strings.TrimSuffix(string(text), "\n")), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrArchive, name, err)
	}
	return &stored{m, Previous{name, sum(text)}}, nil
}

// largestManifest is above every manifest, which has a key for each damaged record.
const largestManifest = 64 << 20

// readSmall reads a manifest.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestManifest+1))
	if err == nil && len(text) > largestManifest {
		err = fmt.Errorf("%s is larger than %d bytes: it is no manifest", filepath.Base(path), largestManifest)
	}
	return text, err
}

// manifests are the names of all manifests, oldest day first.
func (a Archive) manifests() ([]string, error) {
	entries, err := os.ReadDir(a.Folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filePrefix) && strings.HasSuffix(e.Name(), manifestSuffix) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

// Add exports one day, which must be the archive's next. The manifest is written last: a day
// without one was not finished, and is written again.
func (a Archive) Add(ctx context.Context, s Source, o Options, d Day) (Exported, error) {
	if err := os.MkdirAll(a.Folder, 0o700); err != nil {
		return Exported{}, err
	}
	newest, err := a.newest()
	if err != nil {
		return Exported{}, err
	}
	o.From, o.Until = d.Begins(o.Zone), d.Add(1).Begins(o.Zone)
	found, err := collect(ctx, s, o, a.Folder)
	if err != nil {
		return Exported{}, err
	}
	defer found.close()
	m := o.manifest(found)
	m.Day = d.String()
	before := noHash
	if newest != nil {
		m.Previous, before = &newest.Previous, newest.SHA256
	}
	if err := a.write(m, found, o, before); err != nil {
		return Exported{}, err
	}
	return a.seal(m.finish(), o)
}

// write writes the day's records, as JSON Lines and, if asked for, as CSV.
func (a Archive) write(m *counting, found *collection, o Options, before Hash) (err error) {
	name := filePrefix + m.Day
	lines, err := a.create(name+linesSuffix, jsonLines, before)
	if err != nil {
		return err
	}
	files := []*dayFile{lines}
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.discard())
		}
	}()
	if o.CSV {
		table, err := a.create(name+csvSuffix, csvLines, before)
		if err != nil {
			return err
		}
		files = append(files, table)
		if err := table.header(csvHeader(o.Personal)); err != nil {
			return err
		}
	}
	if err := found.each(func(text []byte, p Payment) error { return writeTo(files, m, text, p) }); err != nil {
		return err
	}
	for _, f := range files {
		file, err := f.finish()
		if err != nil {
			return err
		}
		m.Files = append(m.Files, file)
	}
	return nil
}

func writeTo(files []*dayFile, m *counting, text []byte, p Payment) error {
	m.count(p)
	if err := files[0].write(text); err != nil || len(files) == 1 {
		return err
	}
	row, err := p.csvRow()
	if err != nil {
		return err
	}
	return files[1].write(row)
}

// seal writes the manifest. It replaces none: another process may have added the day.
func (a Archive) seal(m Manifest, o Options) (Exported, error) {
	line, err := m.sign(o.Key)
	if err != nil {
		return Exported{}, err
	}
	line = append(line, '\n')
	name := filePrefix + m.Day + manifestSuffix
	final := filepath.Join(a.Folder, name)
	if err := writeSynced(final+partSuffix, func(f io.Writer) error { _, err := f.Write(line); return err }); err != nil {
		return Exported{}, err
	}
	if _, err := os.Lstat(final); !errors.Is(err, os.ErrNotExist) {
		return Exported{}, fmt.Errorf("%w: %s is there already", ErrArchive, name)
	}
	if err := os.Rename(final+partSuffix, final); err != nil {
		return Exported{}, err
	}
	return Exported{m, name, sum(line)}, syncFolder(a.Folder)
}

// dayFile is a file of a day while it is written.
type dayFile struct {
	*chainWriter
	file        *os.File
	name, final string
}

func (a Archive) create(name string, f format, before Hash) (*dayFile, error) {
	final := filepath.Join(a.Folder, name)
	file, err := os.OpenFile(final+partSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &dayFile{newChainWriter(file, f, before), file, name, final}, nil
}

// finish gives the file its name once all of it is on the disk.
func (f *dayFile) finish() (File, error) {
	described, err := f.chainWriter.file(f.name)
	if err == nil {
		err = f.file.Sync()
	}
	if err = errors.Join(err, f.file.Close()); err != nil {
		return File{}, err
	}
	return described, os.Rename(f.final+partSuffix, f.final)
}

// discard removes what was not finished.
func (f *dayFile) discard() error {
	_ = f.file.Close()
	if err := os.Remove(f.final + partSuffix); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func writeSynced(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolder puts the names of new files on the disk, where the system can do that.
func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	_ = folder.Sync()
	return folder.Close()
}
