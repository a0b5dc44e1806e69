package spreadsheet

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Limits of a workbook, whose parts are compressed: a small file may unpack to anything.
const (
	maxSheet   = 4 << 30  // bytes of a sheet, which is read as a stream
	maxShared  = 32 << 20 // bytes of the texts that cells share, which are kept in memory
	maxPart    = 4 << 20  // bytes of any other part
	maxToken   = 1 << 20  // bytes between two signs of XML: a cell holds 32,767 characters at most
	maxRow     = 4 << 20  // bytes of the cells of a row
	maxRows    = 1 << 20  // a sheet has no row with a higher number
	maxColumns = 1000
)

// ErrWorkbook is the error of a file that is no workbook (.xlsx) that can be read.
var ErrWorkbook = errors.New("not a workbook (.xlsx) that can be read")

// ErrTooLarge is the error of a workbook over a limit.
var ErrTooLarge = errors.New("the workbook is too large: save the sheet as \"CSV UTF-8\"")

// Workbook is an open .xlsx file. Nothing of it is unpacked to a disk.
type Workbook struct {
	parts  map[string]*zip.File
	sheets []sheet
	shared shared
	dates  map[int]bool // styles that show a number as a date
	y1904  bool
}

type sheet struct{ name, part string }

// OpenWorkbook reads what a workbook says about itself. r must stay open while its rows are read.
func OpenWorkbook(r io.ReaderAt, size int64) (*Workbook, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWorkbook, err)
	}
	w := &Workbook{parts: map[string]*zip.File{}}
	for _, f := range archive.File {
		w.parts[strings.TrimPrefix(f.Name, "/")] = f
	}
	parts, err := w.readBook()
	if err != nil {
		return nil, err
	}
	for _, r := range parts {
		switch path.Base(r.Type) {
		case "sharedStrings":
			err = w.readShared(r.Target)
		case "styles":
			err = w.readStyles(r.Target)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(w.sheets) == 0 {
		return nil, fmt.Errorf("%w: it has no visible sheet", ErrWorkbook)
	}
	return w, nil
}

// Sheets are the names of the visible sheets, in their order.
func (w *Workbook) Sheets() []string {
	names := make([]string, len(w.sheets))
	for i, s := range w.sheets {
		names[i] = s.name
	}
	return names
}

// relation is one part that another one names.
type relation struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
}

// relations are those of a part, with targets as paths in the archive.
func (w *Workbook) relations(part string) ([]relation, error) {
	folder, name := path.Split(part)
	var found struct {
		All []relation `xml:"Relationship"`
	}
	if err := w.decode(path.Join(folder, "_rels", name+".rels"), &found); err != nil {
		return nil, err
	}
	for i, r := range found.All {
		target := path.Join(folder, r.Target)
		if strings.HasPrefix(r.Target, "/") {
			target = strings.TrimPrefix(path.Clean(r.Target), "/")
		}
		found.All[i].Target = target
	}
	return found.All, nil
}

// readBook finds the workbook's part, in it the sheets, and returns the parts that it names.
func (w *Workbook) readBook() ([]relation, error) {
	top, err := w.relations("")
	if err != nil {
		return nil, err
	}
	book := ""
	for _, r := range top {
		if path.Base(r.Type) == "officeDocument" {
			book = r.Target
		}
	}
	var found struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			State string     `xml:"state,attr"`
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := w.decode(book, &found); err != nil {
		return nil, err
	}
	w.y1904 = found.Properties.Date1904 == "1" || found.Properties.Date1904 == "true"
	parts, err := w.relations(book)
	if err != nil {
		return nil, err
	}
	for _, s := range found.Sheets {
		for _, r := range parts {
			if path.Base(r.Type) == "worksheet" && hasID(s.Attrs, r.ID) && (s.State == "" || s.State == "visible") {
				w.sheets = append(w.sheets, sheet{s.Name, r.Target})
			}
		}
	}
	return parts, nil
}

func hasID(attrs []xml.Attr, id string) bool {
	for _, a := range attrs {
		if a.Name.Local == "id" && a.Value == id {
			return true
		}
	}
	return false
}

// open opens a part for at most so many bytes.
func (w *Workbook) open(part string, most int64) (io.ReadCloser, error) {
	f := w.parts[part]
	if f == nil {
		return nil, fmt.Errorf("%w: a part is missing", ErrWorkbook)
	}
	if f.UncompressedSize64 > uint64(most) { //nolint:gosec // a constant of ours
		return nil, ErrTooLarge
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWorkbook, err)
	}
	return &bounded{ReadCloser: r, left: most}, nil
}

// decode reads a small part.
func (w *Workbook) decode(part string, into any) error {
	r, err := w.open(part, maxPart)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := xml.NewDecoder(r).Decode(into); err != nil {
		return workbookError(err)
	}
	return nil
}

// workbookError is the error of XML that cannot be read.
func workbookError(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return ErrTooLarge
	}
	return fmt.Errorf("%w: its XML is damaged", ErrWorkbook)
}

// bounded ends with ErrTooLarge after so many bytes, whatever the archive says of the size, and
// where so many have no sign of XML among them, which a decoder would keep in memory.
type bounded struct {
	io.ReadCloser
	left  int64
	token int
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	for _, c := range p[:n] {
		if b.token++; c == '<' || c == '>' {
			b.token = 0
		}
		if b.token > maxToken {
			return 0, ErrTooLarge
		}
	}
	return n, err
}

// shared are the texts that cells name by number, in one piece of memory.
type shared struct {
	text string
	ends []uint32
}

func (s *shared) at(i int) (string, bool) {
	if i < 0 || i >= len(s.ends) {
		return "", false
	}
	begin := uint32(0)
	if i > 0 {
		begin = s.ends[i-1]
	}
	return s.text[begin:s.ends[i]], true
}

// readShared reads the shared texts.
func (w *Workbook) readShared(part string) error {
	r, err := w.open(part, 2*maxShared)
	if err != nil {
		return err
	}
	defer r.Close()
	var text strings.Builder
	for d := xml.NewDecoder(r); ; {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			w.shared.text = text.String()
			return nil
		}
		if err != nil {
			return workbookError(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "si" {
			if err := readText(d, "si", &text, maxShared); err != nil {
				return err
			}
			w.shared.ends = append(w.shared.ends, uint32(text.Len())) //nolint:gosec // at most maxShared
		}
		if text.Len() > maxShared {
			return ErrTooLarge
		}
	}
}

// readText adds what stands in the t elements up to the end of the named one, until there are more
// than so many bytes: a text may be made of runs of several styles. How it is pronounced (rPh) is
// not part of it.
func readText(d *xml.Decoder, until string, into *strings.Builder, most int) error {
	in, phonetic := false, 0
	for {
		token, err := d.RawToken()
		if err != nil {
			return workbookError(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			in = e.Name.Local == "t"
			if e.Name.Local == "rPh" {
				phonetic++
			}
		case xml.EndElement:
			in = false
			if e.Name.Local == "rPh" {
				phonetic--
			}
			if e.Name.Local == until {
				return nil
			}
		case xml.CharData:
			if in && phonetic == 0 {
				if into.Write(e); into.Len() > most {
					return ErrTooLarge
				}
			}
		}
	}
}
