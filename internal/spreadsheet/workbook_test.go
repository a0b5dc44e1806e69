package spreadsheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const relationsHead = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`

// book are the parts of a workbook as a spreadsheet saves them, with this data in its first sheet.
func book(data string) map[string]string {
	return map[string]string{
		"_rels/.rels": relationsHead + `<Relationship Id="rId1" Type="` + relationTypes + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><workbook xmlns="` + mainSpace + `" xmlns:r="` + relationTypes + `"><workbookPr/><sheets>` +
			`<sheet name="Oculta" sheetId="3" state="hidden" r:id="rId3"/><sheet name="Pagos" sheetId="1" r:id="rId1"/><sheet name="Notas" sheetId="2" r:id="rId2"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": relationsHead +
			`<Relationship Id="rId1" Type="` + relationTypes + `/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="` + relationTypes + `/worksheet" Target="/xl/worksheets/sheet2.xml"/>` +
			`<Relationship Id="rId3" Type="` + relationTypes + `/worksheet" Target="worksheets/sheet2.xml"/>` +
			`<Relationship Id="rId4" Type="` + relationTypes + `/sharedStrings" Target="sharedStrings.xml"/>` +
			`<Relationship Id="rId5" Type="` + relationTypes + `/styles" Target="styles.xml"/></Relationships>`,
		"xl/sharedStrings.xml": `<sst xmlns="` + mainSpace + `" count="3" uniqueCount="3"><si><t>RUT</t></si><si><r><rPr><b/></rPr><t>Mon</t></r><r><t xml:space="preserve">to </t></r><rPh><t>x</t></rPh></si><si><t>A &amp; B ñ</t></si></sst>`,
		"xl/styles.xml": `<styleSheet xmlns="` + mainSpace + `"><numFmts count="3"><numFmt numFmtId="164" formatCode="dd\-mm\-yyyy"/><numFmt numFmtId="165" formatCode="&quot;d&quot;#,##0"/><numFmt numFmtId="166" formatCode="[Red]0.00"/></numFmts>` +
			`<cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>`,
		"xl/worksheets/sheet1.xml": `<worksheet xmlns="` + mainSpace + `"><sheetData>` + data + `</sheetData><mergeCells/></worksheet>`,
		"xl/worksheets/sheet2.xml": `<worksheet xmlns="` + mainSpace + `"><sheetData/></worksheet>`,
	}
}

func archived(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		part, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(part, parts[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readSheet describes the rows of the first sheet.
func readSheet(file []byte) []string {
	w, err := OpenWorkbook(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return []string{err.Error()}
	}
	rows, err := w.Rows(0)
	if err != nil {
		return []string{err.Error()}
	}
	defer rows.Close()
	var all []string
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			return append(all, err.Error())
		}
		text := fmt.Sprintf("%d:", row.Number)
		for _, c := range row.Cells {
			text += fmt.Sprintf(" %s%q", []string{"", "number ", "date ", "truth ", "failed "}[c.Kind], c.Text)
		}
		if row.Hidden {
			text += " hidden"
		}
		all = append(all, text)
	}
}

func TestCellsOfAWorkbookAreReadWithTheirKind(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ says, data, want string }{
		{"shared texts, of several runs", `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c></row>`, `1: "RUT" "Monto " "A & B ñ"`},
		{"a text in the cell, with leading zeros", `<row r="2"><c r="A2" t="inlineStr"><is><t>0012</t></is></c></row>`, `2: "0012"`},
		{"numbers", `<row r="3"><c r="A3"><v>12500</v></c><c r="B3"><v>149.5</v></c><c r="C3"><v>1.23456789012E+11</v></c><c r="D3"><v>0.1</v></c><c r="E3"><v>149.49999999999997</v></c></row>`,
			`3: number "12500" number "149.5" number "123456789012" number "0.1" number "149.5"`},
		{"a number in a format with quoted letters or a colour", `<row r="1"><c r="A1" s="3"><v>12500</v></c><c r="B1" s="4"><v>1</v></c></row>`, `1: number "12500" number "1"`},
		{"dates", `<row r="1"><c r="A1" s="1"><v>46157</v></c><c r="B1" s="2"><v>46157.5</v></c><c r="C1" t="d"><v>2026-05-15</v></c><c r="D1" s="1"><v>59</v></c></row>`,
			`1: date "2026-05-15" date "2026-05-15T12:00:00" date "2026-05-15" date "1900-02-28"`},
		{"formulas with and without a value", `<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>A1&amp;""</f><v>2</v></c><c r="C1"><f>NOW()</f></c><c r="D1" t="e"><v>#REF!</v></c></row>`,
			`1: number "2" "2" failed "" failed ""`},
		{"true and false", `<row r="1"><c r="A1" t="b"><v>1</v></c><c r="B1" t="b"><v>0</v></c></row>`, `1: truth "true" truth "false"`},
		{"cells and rows that are left out", `<row r="1"><c r="C1" t="inlineStr"><is><t>x</t></is></c></row><row r="9"><c><v>1</v></c><c r="AB9"><v>2</v></c></row>`,
			`1: "" "" "x"|9: number "1"` + strings.Repeat(` ""`, 26) + ` number "2"`},
		{"rows without numbers, and one that is blank", `<row><c><v>1</v></c></row><row><c t="inlineStr"><is><t> </t></is></c></row><row/><row><c><v>4</v></c></row>`, `1: number "1"|4: number "4"`},
		{"a hidden row", `<row r="1" hidden="1"><c r="A1"><v>1</v></c></row>`, `1: number "1" hidden`},
		{"a shared text that is not there", `<row r="1"><c r="A1" t="s"><v>7</v></c></row>`, `1: failed ""`},
		{"rows out of order", `<row r="5"><c><v>1</v></c></row><row r="5"><c><v>2</v></c></row>`, `5: number "1"|` + ErrWorkbook.Error() + `: its rows are out of order`},
		{"a row above the others", `<row r="5"><c><v>1</v></c></row><row r="-3"><c><v>2</v></c></row>`, `5: number "1"|` + ErrWorkbook.Error() + `: its rows are out of order`},
		{"a row that no sheet has", `<row r="99999999"><c><v>1</v></c></row>`, ErrTooLarge.Error()},
		{"the last moments of a day, and less than a moment", `<row r="1"><c s="1"><v>46157.999999</v></c><c s="1"><v>46157.99999999999</v></c><c s="1"><v>46157.000000000004</v></c></row>`,
			`1: date "2026-05-15T23:59:59" date "2026-05-16" date "2026-05-15"`},
		{"damaged XML", `<row r="1"><c r="A1"><v>1</v></c></row><row <`, `1: number "1"|` + ErrWorkbook.Error() + `: its XML is damaged`},
	} {
		compare(t, row.says, readSheet(archived(t, book(row.data))), strings.Split(row.want, "|"))
	}
	parts := book(`<row r="1"><c r="A1" s="1"><v>44695</v></c></row>`)
	parts["xl/workbook.xml"] = strings.Replace(parts["xl/workbook.xml"], "<workbookPr/>", `<workbookPr date1904="1"/>`, 1)
	compare(t, "dates from 1904 on", readSheet(archived(t, parts)), []string{`1: date "2026-05-15"`})
}

func TestHiddenSheetsAreNotRead(t *testing.T) {
	t.Parallel()
	file := archived(t, book(""))
	w, err := OpenWorkbook(bytes.NewReader(file), int64(len(file)))
	if err != nil || fmt.Sprint(w.Sheets()) != "[Pagos Notas]" {
		t.Fatal(err, w)
	}
}

func TestAFileThatIsNoWorkbookIsRefused(t *testing.T) {
	t.Parallel()
	whole := archived(t, book(`<row r="1"><c r="A1"><v>1</v></c></row>`))
	missing := book("")
	delete(missing, "xl/workbook.xml")
	damaged := bytes.Replace(whole, []byte("PK\x01\x02"), []byte("PK\x01\x03"), 1)
	for says, file := range map[string][]byte{
		"nothing": nil, "text": []byte("rut;monto\n"), "cut": whole[:len(whole)/2], "no archive": damaged, "a part is missing": archived(t, missing),
	} {
		if got := readSheet(file); len(got) != 1 || !strings.HasPrefix(got[0], ErrWorkbook.Error()) {
			t.Errorf("%s: %q", says, got)
		}
	}
}

// TestADamagedSheetIsRefusedBeforeItsFirstRow: no row of it may be paid.
func TestADamagedSheetIsRefusedBeforeItsFirstRow(t *testing.T) {
	t.Parallel()
	data := strings.Repeat(`<row><c><v>1</v></c></row>`, 1000) + "<!--" + "here-it-is" + "-->"
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range book(data) {
		part, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := bytes.Replace(b.Bytes(), []byte("here-it-is"), []byte("here-it-be"), 1)
	if got := readSheet(file); len(got) != 1 || !strings.HasPrefix(got[0], ErrWorkbook.Error()) {
		t.Errorf("%.200q", got)
	}
}

// TestAWorkbookThatUnpacksToTooMuchIsRefused: a small file may say anything.
func TestAWorkbookThatUnpacksToTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	long := book(`<row r="1"><c r="A1" t="inlineStr"><is><t>` + strings.Repeat("x", maxToken+1) + `</t></is></c></row>`)
	far := book(`<row r="1"><c r="ZZZ1"><v>1</v></c></row>`)
	styles := book("")
	styles["xl/styles.xml"] = "<styleSheet>" + strings.Repeat("<a/>", maxPart/4) + "</styleSheet>"
	texts := book("")
	texts["xl/sharedStrings.xml"] = "<sst>" + strings.Repeat("<si><t>"+strings.Repeat("x", maxToken/2)+"</t></si>", 2*maxShared/maxToken+2) + "</sst>"
	// Each text alone is short: only the sum of a cell, or of a row, tells.
	cell := book(`<row r="1"><c r="A1">` + strings.Repeat("<v>"+strings.Repeat("1", 1000)+"</v>", maxRow/1000+1) + `</c></row>`)
	wide := strings.Repeat(`<c t="inlineStr"><is><t>`+strings.Repeat("x", maxRow/100)+`</t></is></c>`, 101)
	row := book(`<row r="1">` + wide + `</row>`)
	var before, after runtime.MemStats
	for says, parts := range map[string]map[string]string{
		"a long text": long, "a column far out": far, "styles": styles, "shared texts": texts, "a long cell": cell, "a long row": row,
	} {
		file := archived(t, parts)
		runtime.ReadMemStats(&before)
		got := readSheet(file)
		runtime.ReadMemStats(&after)
		if len(got) != 1 || got[0] != ErrTooLarge.Error() {
			t.Errorf("%s: %.200q", says, got)
		}
		if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 6*maxShared {
			t.Errorf("%s: took %d MiB", says, grown>>20)
		}
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	err := WriteWorkbook(&b, Sheet{Name: "Pagos & más", Rows: [][]string{{"RUT", "Cuenta"}, {"12345678-5", "0012345"}, {" <x> ", "ñ\n2"}}, Widths: []int{12, 20}},
		Sheet{Name: "Ayuda", Rows: [][]string{{"a"}}})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "the first sheet", readSheet(b.Bytes()), []string{`1: "RUT" "Cuenta"`, `2: "12345678-5" "0012345"`, `3: " <x> " "ñ\n2"`})
	w, err := OpenWorkbook(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || fmt.Sprintf("%q", w.Sheets()) != `["Pagos & más" "Ayuda"]` {
		t.Error(err, w.Sheets())
	}
}

func FuzzWorkbook(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" t="s"><v>0</v></c></row>`, `<si><t>x</t></si>`)
	f.Add(`<row><c t="inlineStr"><is><t>1</t></is></c><c s="1"><v>1e5</v></c></row>`, ``)
	f.Fuzz(func(t *testing.T, data, texts string) {
		parts := book(data)
		parts["xl/sharedStrings.xml"] = "<sst>" + texts + "</sst>"
		_ = readSheet(archived(t, parts))
	})
}
