package strictcsv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/remesa/remesa/internal/strictjson"
)

// table keeps what it is given, and refuses the column and the cell "bad".
type table struct {
	columns []string
	cells   []string
}

func (t *table) Header(names []string) error {
	t.columns = names
	return refuse(names)
}

func (t *table) Row(cells []string) error {
	t.cells = cells
	return refuse(cells)
}

func refuse(cells []string) error {
	for i, c := range cells {
		if c == "bad" {
			return fmt.Errorf("cell %d is bad", i)
		}
	}
	return nil
}

// readAll describes each row as "line: cells" or "line: error", with the lines that it took.
func readAll(in io.Reader) []string {
	tab := &table{}
	var got []string
	for r := NewReader(in, tab); ; {
		row, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return got
		case err != nil:
			return append(got, err.Error())
		case row.Err != nil && row.Spread != "":
			got = append(got, fmt.Sprintf("%d: %v (%s)", row.Line, row.Err, row.Spread))
		case row.Err != nil:
			got = append(got, fmt.Sprintf("%d: %v", row.Line, row.Err))
		default:
			got = append(got, fmt.Sprintf("%d: %q", row.Line, tab.cells))
		}
	}
}

func TestRowsAreRead(t *testing.T) {
	t.Parallel()
	cut := strictjson.ErrCut.Error()
	for _, row := range []struct {
		says, in string
		want     []string
	}{
		{"an empty file", "", nil},
		{"a header alone", "a,b\n", nil},
		{"rows", "a,b\n1,2\n3,\n", []string{`2: ["1" "2"]`, `3: ["3" ""]`}},
		{"a byte order mark, CRLF and blank lines", "\xef\xbb\xbfa,b\r\n\r\n1,2\r\n  \r\n", []string{`3: ["1" "2"]`}},
		{"CR alone", "a,b\r1,2\r", []string{`2: ["1" "2"]`}},
		{"quotes", "a,b\n\"1,\"\"x\"\"\",\"\"\n", []string{`2: ["1,\"x\"" ""]`}},
		{"a cell of several lines", "a,b\n1,\"x\r\ny\"\n3,4", []string{`2: ["1" "x\ny"]`, `4: ["3" "4"]`}},
		{"a quoted blank is no blank line", "a\n\" \"\n", []string{`2: [" "]`}},
		{"bad quotes harm no other row", "a,b\n1\",2\n\"1\"x,2\n3,4", []string{"2: line: a quote stands where none may", "3: line: a quote stands where none may", `4: ["3" "4"]`}},
		{"cells that are too few or many", "a,b\n1\n1,2,3\n", []string{"2: line: has 1 cells, the header has 2", "3: line: has 3 cells, the header has 2"}},
		{"a row that the table refuses", "a,b\nbad,1\n1,2\n", []string{"2: cell 0 is bad", `3: ["1" "2"]`}},
		{"a header that the table refuses", "a,bad\n1,2\n3,4\n", []string{"2: cell 1 is bad", "3: cell 1 is bad"}},
		{"a header that the table refuses, and no row", "a,bad\n", []string{"1: cell 1 is bad"}},
		{"a refused row of several lines", "a,b\nbad,\"x\ny\"\n3,4", []string{"2: cell 0 is bad (a quoted cell (the last one begins on line 2) makes the 2 lines 2 to 3 one row, and none of them was taken)",
			"3: line: belongs to the invalid row that begins on line 2", `4: ["3" "4"]`}},
		{"a quote without an end", "a,b\n1,\"2\n3,4\n5,6\n", []string{"2: line: a quoted cell has no end (", "3: line: belongs to", "4: line: belongs to"}},
		{"cut in a row", "a,b\n1,2\n3", []string{`2: ["1" "2"]`, "3: line: has 1 cells", "line 3: " + cut}},
		{"cut in a quoted cell", "a,b\n1,\"2", []string{"2: line: a quoted cell has no end", "line 2: " + cut}},
		{"too long", "a,b\n" + strings.Repeat("x", strictjson.MaxLine) + ",2\n3,4", []string{"2: line: longer than 1 MiB", `3: ["3" "4"]`}},
	} {
		compare(t, row.says, readAll(strings.NewReader(row.in)), row.want)
		if len(row.in) < 1000 {
			compare(t, row.says+", byte by byte", readAll(iotest.OneByteReader(strings.NewReader(row.in))), row.want)
		}
	}
	compare(t, "a reader that breaks", readAll(io.MultiReader(strings.NewReader("a\n1\n2"), iotest.ErrReader(errors.New("disk")))), []string{`2: ["1"]`, "disk"})
}

func compare(t *testing.T, says string, got, want []string) {
	t.Helper()
	same := len(got) == len(want)
	for i := 0; same && i < len(got); i++ {
		same = strings.HasPrefix(got[i], want[i])
	}
	if !same {
		t.Errorf("%s:\ngot  %q\nwant %q", says, got, want)
	}
}

func TestARowOfAnyLengthTakesTheMemoryOfTheLongest(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	readAll(io.MultiReader(strings.NewReader("a\n\""), bytes.NewReader(make([]byte, 32<<20))))
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc - 32<<20; int64(grown) > 12<<20 {
		t.Errorf("a row of 32 MiB took %d MiB", grown>>20)
	}
}

// FuzzReader: each line is answered at most once and in order, and a row has the header's cells.
func FuzzReader(f *testing.F) {
	for _, file := range []string{"a,b\n1,2\r\n\"3\n\",4", "a\r\r\n\"\"\"\n", "\"a\n,b\nbad,"} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		tab := &table{}
		before := 0
		for r := NewReader(bytes.NewReader(file), tab); ; {
			tab.cells = nil
			row, err := r.Next()
			if err != nil {
				return
			}
			if row.Line <= before {
				t.Fatalf("line %d after line %d", row.Line, before)
			}
			if row.Err == nil && len(tab.cells) != len(tab.columns) {
				t.Fatalf("line %d: %q under %q", row.Line, tab.cells, tab.columns)
			}
			before = row.Line
		}
	})
}
