package spreadsheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// known are the words of a header in these tests.
func known(cell string) bool {
	switch Fold(cell) {
	case "rut", "monto", "glosa", "correo electronico", "fecha":
		return true
	}
	return false
}

// describe is what was found of a file, and its rows as "number: cells" or "number: error".
func describe(r io.Reader, within int) []string {
	d, err := OpenDelimited(r, Search{Known: known, Within: within})
	if err != nil {
		return []string{err.Error()}
	}
	var rows []string
	for {
		row, err := d.Next()
		switch {
		case errors.Is(err, io.EOF):
			separator, told := d.Separator()
			found := fmt.Sprintf("%s %q", d.Charset(), separator)
			if told {
				found += " told"
			}
			return append([]string{found}, rows...)
		case err != nil:
			return append(rows, err.Error())
		case row.Err != nil:
			rows = append(rows, fmt.Sprintf("%d: %v", row.Number, row.Err))
		default:
			text := fmt.Sprintf("%d: %q", row.Number, row.Texts())
			if row.Open {
				text += " open"
			}
			rows = append(rows, text)
		}
	}
}

func utf16(e unicode.Endianness, bom unicode.BOMPolicy, text string) string {
	out, err := unicode.UTF16(e, bom).NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return out
}

func windows1252(text string) string {
	out, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return out
}

func TestCharsetAndSeparatorAreFoundByRule(t *testing.T) {
	t.Parallel()
	const file = "RUT;Monto;Glosa\n1-9;12.500;Año nº 1\n"
	rows := []string{`1: ["RUT" "Monto" "Glosa"]`, `2: ["1-9" "12.500" "Año nº 1"]`}
	found := func(first string, rows ...string) []string { return append([]string{first}, rows...) }
	for _, row := range []struct {
		says, in string
		want     []string
	}{
		{"an empty file", "", found(`UTF-8 ','`)},
		{"ASCII", "rut,monto\n1,2\n", found(`UTF-8 ','`, `1: ["rut" "monto"]`, `2: ["1" "2"]`)},
		{"UTF-8", file, found(`UTF-8 ';'`, rows...)},
		{"UTF-8 with a byte order mark", "\xef\xbb\xbf" + file, found(`UTF-8 with a byte order mark ';'`, rows...)},
		{"Windows-1252", windows1252(file), found(`Windows-1252 ';'`, rows...)},
		{"Windows-1252 with signs that Latin-1 lacks", windows1252("rut;glosa\n1;€ “x”\n"), found(`Windows-1252 ';'`, `1: ["rut" "glosa"]`, `2: ["1" "€ “x”"]`)},
		{"UTF-16 LE with a mark", utf16(unicode.LittleEndian, unicode.UseBOM, strings.ReplaceAll(file, ";", "\t")), found(`UTF-16 LE '\t'`, rows...)},
		{"UTF-16 BE with a mark", utf16(unicode.BigEndian, unicode.UseBOM, file), found(`UTF-16 BE ';'`, rows...)},
		{"UTF-16 LE without a mark", utf16(unicode.LittleEndian, unicode.IgnoreBOM, file), found(`UTF-16 LE ';'`, rows...)},
		{"UTF-16 BE without a mark", utf16(unicode.BigEndian, unicode.IgnoreBOM, file), found(`UTF-16 BE ';'`, rows...)},
		{"UTF-8, and a byte that is none later", "rut;glosa\n1;ñ\n2;\xf1\n", found(`UTF-8 ';'`, `1: ["rut" "glosa"]`, `2: ["1" "ñ"]`, "3: [\"2\" \"\\xf1\"]")},
		{"Windows-1252, and UTF-8 later", "rut;glosa\n1;a\xf1o\n2;a\xc3\xb1o\n", []string{`1: ["rut" "glosa"]`, `2: ["1" "año"]`, "line 3: " + ErrCharset.Error()}},
		{"a byte that Windows-1252 lacks", "rut;glosa\n1;\x81\n", []string{`1: ["rut" "glosa"]`, "line 2: " + ErrCharset.Error()}},
		{"sep=", "sep=;\nrut,monto;glosa\n1;2\n", found(`UTF-8 ';' told`, `2: ["rut,monto" "glosa"]`, `3: ["1" "2"]`)},
		{"SEP= in quotes, CR LF, a tab", "\"SEP=\t\"\r\nrut\tmonto\r\n", found(`UTF-8 '\t' told`, `2: ["rut" "monto"]`)},
		{"half a character of UTF-16", utf16(unicode.LittleEndian, unicode.UseBOM, file) + "\x00\xd8\n\x00", append(slices.Clone(rows), "line 3: "+ErrCharset.Error())},
		{"UTF-16 that was cut in a character", utf16(unicode.LittleEndian, unicode.UseBOM, file) + "a", append(slices.Clone(rows), "line 3: "+ErrCharset.Error())},
		{"sep= in UTF-16", utf16(unicode.LittleEndian, unicode.UseBOM, "sep=\t\nrut\tmonto\n"), found(`UTF-16 LE '\t' told`, `2: ["rut" "monto"]`)},
		{"sep= and old line ends", "sep=|\rrut|monto\r", found(`UTF-8 '|' told`, `2: ["rut" "monto"]`)},
		{"sep= of something else", "sep=x\nrutxmonto\n", []string{ErrNoSeparator.Error()}},
		{"a vertical bar", "rut|monto\n1|2", found(`UTF-8 '|'`, `1: ["rut" "monto"]`, `2: ["1" "2"] open`)},
		{"commas inside of names", "rut;monto;\"glosa, corta\"\n", found(`UTF-8 ';'`, `1: ["rut" "monto" "glosa, corta"]`)},
		{"more of a separator that makes no words", "rut;monto;a,b,c,d,e\n", found(`UTF-8 ';'`, `1: ["rut" "monto" "a,b,c,d,e"]`)},
		{"a separator inside of quotes", "rut,\"a;b\",monto\n", found(`UTF-8 ','`, `1: ["rut" "a;b" "monto"]`)},
		{"two that are equally likely", "rut;x,monto\n", []string{ErrSeparator.Error()}},
		{"no known word", "a;b\n1;2\n", found(`UTF-8 ';'`, `1: ["a" "b"]`, `2: ["1" "2"]`)},
		{"no known word, a comma too", "a;b,c\n", found(`UTF-8 ','`, `1: ["a;b" "c"]`)},
		{"one column", "monto\n1\n", found(`UTF-8 ','`, `1: ["monto"]`, `2: ["1"]`)},
		{"blank lines first", "\n \nrut;monto\n", found(`UTF-8 ';'`, `3: ["rut" "monto"]`)},
		{"a header of two lines", "\"rut\n\";monto\n1;2\n", found(`UTF-8 ';'`, `1: ["rut\n" "monto"]`, `3: ["1" "2"]`)},
		{"a quote that does not end", "rut;monto\n1;\"2\n3;4\n", found(`UTF-8 ';'`, `1: ["rut" "monto"]`,
			"2: line: a quoted cell has no end; a quoted cell (the last one begins on line 2) makes the 2 lines 2 to 3 one row, and none of them was taken",
			"3: line: belongs to the invalid row that begins on line 2, by a quoted cell that goes on over it")},
	} {
		compare(t, row.says, describe(strings.NewReader(row.in), 1), row.want)
		compare(t, row.says+", byte by byte", describe(iotest.OneByteReader(strings.NewReader(row.in)), 1), row.want)
	}
	titles := "Cartola, noviembre\n\nEmpresa;76.086.428-5\nFecha;Glosa;Monto\n1;2;3\n"
	compare(t, "a header below titles", describe(strings.NewReader(titles), 20), found(`UTF-8 ';'`,
		`1: ["Cartola, noviembre"]`, `3: ["Empresa" "76.086.428-5"]`, `4: ["Fecha" "Glosa" "Monto"]`, `5: ["1" "2" "3"]`))
	compare(t, "a reader that breaks", describe(io.MultiReader(strings.NewReader("rut;monto\n1;2\n3"), iotest.ErrReader(errors.New("disk"))), 1),
		[]string{`1: ["rut" "monto"]`, `2: ["1" "2"]`, "disk"})
}

func compare(t *testing.T, says string, got, want []string) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%s:\ngot  %q\nwant %q", says, got, want)
	}
}

// TestARowIsHandedOutBeforeTheNextComes: a program may write row by row and wait for each answer.
func TestARowIsHandedOutBeforeTheNextComes(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	lines := []string{"rut;monto\r\n", "1;a\xf1o\r\n", "2;3\r\n"}
	answered := make(chan string)
	go func() {
		for _, line := range lines {
			_, _ = io.WriteString(out, line)
			<-answered
		}
		_ = out.Close()
	}()
	d, err := OpenDelimited(in, Search{Known: known})
	for range lines {
		row, rowErr := d.Next()
		if err != nil || rowErr != nil {
			t.Fatal(err, rowErr)
		}
		answered <- row.Cells[0].Text
	}
}

// FuzzDelimited: whatever comes is read to its end, in order, as UTF-8 unless its bytes are handed
// out as they are.
func FuzzDelimited(f *testing.F) {
	for _, file := range []string{"rut;monto\n1;2\r\n", "\xff\xfer\x00;\x00", "sep=\t\nrut\tx", "rut;a\xf1o\n\"x", "\xef\xbb\xbfrut|\"\r\n", "a\x00b\x00"} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		d, err := OpenDelimited(bytes.NewReader(file), Search{Known: known, Within: 3})
		if err != nil {
			return
		}
		for before := 0; ; {
			row, err := d.Next()
			if err != nil {
				return
			}
			if row.Number <= before {
				t.Fatalf("row %d after row %d", row.Number, before)
			}
			before = row.Number
		}
	})
}
