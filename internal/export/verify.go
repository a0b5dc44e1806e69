package export

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with an export. Line is 0 where it is about the whole file.
// Neither text holds anything of a record.
type Problem struct {
	File string `json:"file"`
	Line int64  `json:"line,omitempty"`
	Text string `json:"problem"`
}

func (p Problem) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("%s, line %d: %s", p.File, p.Line, p.Text)
	}
	return p.File + ": " + p.Text
}

// Verified is what was verified.
type Verified struct {
	Files   int   `json:"files"`
	Records int64 `json:"records"`
	Days    int   `json:"days"`
	// First and Last are the days of an archive; Head the hash of its newest manifest.
	First string `json:"first,omitempty"`
	Last  string `json:"last,omitempty"`
	Head  Hash   `json:"head,omitempty"`
	// Before is the manifest that the first one here names, if that is not here.
	Before   string    `json:"before,omitempty"`
	Problems []Problem `json:"problems"`
	// More is how many problems were found beyond those that are listed.
	More int `json:"more,omitempty"`
}

// Intact reports whether no problem was found.
func (v *Verified) Intact() bool { return len(v.Problems) == 0 }

// Checks are what a verification is held against beside the files themselves.
type Checks struct {
	// Public is the key by which every manifest must be signed; nil for none.
	Public ed25519.PublicKey
	// Head, if set, is the hash of the newest manifest, as it was noted elsewhere.
	Head Hash
	// Payment, if set, is called for each record of JSON Lines that was read.
	Payment func(file string, line int64, p Payment) error
	// Manifest, if set, is called for each manifest of JSON Lines that were read.
	Manifest func(m Manifest)
}

// mostProblems are listed; a file that was shifted by one byte has one in every line.
const mostProblems = 20

// Verify checks a file or a folder of an export. It returns an error only where something cannot be
// read.
func Verify(path string, c Checks) (*Verified, error) {
	v := &verifier{Verified: &Verified{Problems: []Problem{}}, checks: c}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		err = v.folder(path)
	case strings.HasSuffix(path, manifestSuffix):
		_, err = v.manifest(path)
	default:
		err = v.file(path)
	}
	if v.Head != "" && c.Head != "" && c.Head != v.Head {
		v.add(filepath.Base(path), 0, "the newest manifest is not the one whose hash was given")
	}
	return v.Verified, err
}

type verifier struct {
	*Verified
	checks Checks
}

func (v *verifier) add(file string, line int64, text string) {
	if len(v.Problems) == mostProblems {
		v.More++
		return
	}
	v.Problems = append(v.Problems, Problem{file, line, text})
}

// folder verifies an archive: each day, and that each names the day before.
func (v *verifier) folder(path string) error {
	names, err := Archive{path}.manifests()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		v.add(filepath.Base(path), 0, "there is no manifest in it")
	}
	named := map[string]bool{}
	var before *stored
	for _, name := range names {
		m, err := v.manifest(filepath.Join(path, name))
		if err != nil {
			return err
		}
		if m == nil {
			before = nil
			continue
		}
		for _, f := range m.Files {
			named[f.Name] = true
		}
		v.follows(m, before)
		before = m
		if v.Last = m.Day; v.First == "" {
			v.First = m.Day
		}
		v.Head = m.Previous.SHA256
	}
	return v.unnamed(path, named)
}

// follows checks that a manifest continues the one before it in the folder.
func (v *verifier) follows(m, before *stored) {
	previous := m.Manifest.Previous
	switch {
	case before == nil && v.First == "":
		if previous != nil {
			v.Before = previous.Name
		}
		return
	case before == nil: // the one before could not be read, which was said
		return
	case previous == nil:
		v.add(m.Name, 0, "it names no manifest before it, although there is one")
	case previous.Name != before.Name:
		v.add(m.Name, 0, "the manifest that it names as the one before is missing")
	case previous.SHA256 != before.SHA256:
		v.add(m.Name, 0, "the manifest before it is not the one that it names: "+before.Name+" was replaced or changed, or this one was")
	}
	if previous == nil || previous.Name != before.Name {
		return
	}
	day, err := ParseDay(before.Day)
	if err != nil || day.Add(1).String() != m.Day {
		v.add(m.Name, 0, "it is not of the day after the manifest before it")
	}
}

// unnamed reports files of an archive that no manifest names.
func (v *verifier) unnamed(path string, named map[string]bool) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		name := e.Name()
		ours := strings.HasPrefix(name, filePrefix) && (strings.HasSuffix(name, linesSuffix) || strings.HasSuffix(name, csvSuffix))
		if ours && !named[name] {
			v.add(name, 0, "no manifest names it")
		}
	}
	return err
}

// manifest verifies one manifest and the files that it names; nil if it cannot be understood.
func (v *verifier) manifest(path string) (*stored, error) {
	name := filepath.Base(path)
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	body, ended := bytes.CutSuffix(text, []byte("\n"))
	m, err := readManifest(body, v.checks.Public)
	if !ended || bytes.Contains(body, []byte("\n")) {
		err = errors.Join(err, errCutOff)
	}
	if err != nil {
		v.add(name, 1, strings.ReplaceAll(err.Error(), "\n", "; "))
		return nil, nil
	}
	if m.Day != "" && name != filePrefix+m.Day+manifestSuffix {
		v.add(name, 0, "it is the manifest of another day")
	}
	s := &stored{m, Previous{name, sum(text)}}
	v.Days++
	v.Head = s.Previous.SHA256
	for _, f := range m.Files {
		if err := v.named(filepath.Dir(path), f, m); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// named verifies a file that a manifest names.
func (v *verifier) named(folder string, f File, m Manifest) error {
	if f.Name != filepath.Base(f.Name) || !strings.HasPrefix(f.Name, filePrefix) {
		v.add(filePrefix+m.Day+manifestSuffix, 0, "it names a file outside its folder")
		return nil
	}
	in, err := os.Open(filepath.Join(folder, f.Name))
	if errors.Is(err, os.ErrNotExist) {
		v.add(f.Name, 0, "it is missing")
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	before := noHash
	if m.Previous != nil {
		before = m.Previous.SHA256
	}
	return v.content(f.Name, in, before, func(*scan) (Manifest, File) { return m, f })
}

// file verifies a file of records on its own: by the manifest on its last line, or by the one that
// lies beside it.
func (v *verifier) file(path string) error {
	name := filepath.Base(path)
	day := strings.TrimSuffix(strings.TrimSuffix(name, linesSuffix), csvSuffix)
	if text, err := readSmall(filepath.Join(filepath.Dir(path), day+manifestSuffix)); err == nil {
		m, err := readManifest(bytes.TrimSuffix(text, []byte("\n")), v.checks.Public)
		for _, f := range m.Files {
			if err == nil && f.Name == name {
				v.Days++
				return v.named(filepath.Dir(path), f, m)
			}
		}
		v.add(day+manifestSuffix, 0, "it cannot be read, or does not name "+name)
		return nil
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	return v.content(name, in, noHash, func(s *scan) (Manifest, File) { return v.inline(name, s) })
}

// inline reads the manifest on the last line of a file. Without one nobody can tell whether lines
// at the end are missing.
func (v *verifier) inline(name string, s *scan) (Manifest, File) {
	if s.manifest == "" {
		v.add(name, s.line, "it ends without a manifest: what follows may be cut off")
		return Manifest{}, File{}
	}
	m, err := readManifest([]byte(s.manifest), v.checks.Public)
	if err == nil && len(m.Files) != 1 {
		err = errNoManifest
	}
	if err != nil {
		v.add(name, s.line, "the manifest on the last line: "+err.Error())
		return Manifest{}, File{}
	}
	return m, m.Files[0]
}

// scan is what one reading of a file found.
type scan struct {
	chainReader
	manifest string
	records  int64
	totals   totals
	sha256   Hash
	// found counts the problems of its lines.
	found int
}

// content verifies what stands in a file, against the manifest that expected returns once all of it
// was read.
func (v *verifier) content(name string, in io.Reader, before Hash, expected func(*scan) (Manifest, File)) error {
	s, err := v.read(name, in, before)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m, f := expected(s)
	v.Files++
	v.Records += s.records
	if m.Schema == "" {
		return nil
	}
	if v.checks.Manifest != nil && s.totals != nil {
		v.checks.Manifest(m)
	}
	switch {
	case f.Records != m.Records:
		v.add(name, 0, "its manifest names two numbers of records")
	case s.records < f.Records:
		v.add(name, s.line, fmt.Sprintf("it ends behind %d records of %d", s.records, f.Records))
	case s.records > f.Records:
		v.add(name, s.line, fmt.Sprintf("it has %d records, and its manifest says %d", s.records, f.Records))
	case s.last != f.Last && s.found == 0:
		v.add(name, s.line, "its last record is not the one that its manifest names")
	case s.sha256 != f.SHA256 && s.found == 0:
		v.add(name, 0, "it was changed: its hash is not the one in its manifest")
	}
	if s.totals != nil && s.found == 0 && !slices.Equal(s.totals.list(), m.Totals) {
		v.add(name, 0, "counts and sums are not those of its manifest")
	}
	return nil
}

const inlineManifest = `{"manifest":`

// read reads a file line by line. before is the hash on which its chain begins.
func (v *verifier) read(name string, in io.Reader, before Hash) (*scan, error) {
	all := sha256.New()
	s := &scan{chainReader: chainReader{format: jsonLines, lines: bufio.NewReaderSize(in, 64<<10), last: before}, totals: totals{}}
	s.problem = func(line int64, text string) { s.found++; v.add(name, line, text) }
	table := strings.HasSuffix(name, csvSuffix)
	if table {
		s.format, s.totals = csvLines, nil
	}
	for {
		text, err := s.text()
		switch {
		case errors.Is(err, io.EOF):
			s.sha256 = hex.EncodeToString(all.Sum(nil))
			return s, nil
		case err != nil:
			return nil, err
		case table && s.line == 1:
			if !strings.HasPrefix(text, strings.Join(chainColumns, ",")+",") {
				s.problem(1, "it is not the header of an export")
			}
		default:
			if err := v.line(name, s, text); err != nil {
				return nil, err
			}
		}
		if s.manifest == "" {
			_, _ = all.Write(append([]byte(text), '\n')) // a hash takes everything
		}
	}
}

// line verifies one line.
func (v *verifier) line(name string, s *scan, text string) error {
	if s.manifest != "" {
		s.problem(s.line, "it stands behind the manifest")
		return nil
	}
	if strings.HasPrefix(text, inlineManifest) {
		s.manifest = text
		return nil
	}
	record := s.record(text)
	s.records++
	if record == "" || s.totals == nil {
		return nil
	}
	var p Payment
	if json.Unmarshal([]byte(record), &p) != nil {
		s.problem(s.line, "its payment cannot be read")
		return nil
	}
	s.totals.add(p)
	if v.checks.Payment == nil {
		return nil
	}
	return v.checks.Payment(name, s.line, p)
}
