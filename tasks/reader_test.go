package tasks

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/coordinador"
)

// readAll describes each line as "number reference" or "number: error".
func readAll(t testing.TB, in io.Reader, f Format) []string {
	t.Helper()
	r, err := NewReader(in, f)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if errors.Is(err, ErrCut) {
			return append(got, "cut at "+err.Error())
		}
		if err != nil {
			t.Fatal(err)
		}
		if line.Err != nil {
			got = append(got, fmt.Sprintf("%d: %v", line.Number, line.Err))
			continue
		}
		got = append(got, fmt.Sprintf("%d %s", line.Number, line.Task.Reference()))
	}
}

func compare(t *testing.T, says string, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s:\ngot  %q\nwant %q", says, got, want)
		return
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%s:\ngot  %q\nwant %q", says, got[i], want[i])
		}
	}
}

func TestJSONLinesAreReadOneByOne(t *testing.T) {
	a, b := string(example(t, "virtualpos")), string(example(t, "etpay"))
	full := a + strings.Repeat(" ", strictjson.MaxLine-len(a))
	rows := []struct {
		says, in string
		want     []string
	}{
		{"an empty file", "", nil},
		{"a file with nothing but a byte order mark", "\xef\xbb\xbf", nil},
		{"blank lines only", "\n  \n\r\n\t\n", nil},
		{"two lines", a + "\n" + b + "\n", []string{"1 tef-0001", "2 OC700104"}},
		{"no line end at the end", a + "\n" + b, []string{"1 tef-0001", "2 OC700104"}},
		{"carriage returns", a + "\r\n" + b + "\r\n", []string{"1 tef-0001", "2 OC700104"}},
		{"a byte order mark", "\xef\xbb\xbf" + a, []string{"1 tef-0001"}},
		{"a byte order mark elsewhere", a + "\n\xef\xbb\xbf" + a, []string{"1 tef-0001", "2: line: not valid JSON"}},
		{"blank lines between count", "\n" + a + "\n\n \n" + b, []string{"2 tef-0001", "5 OC700104"}},
		{"bad lines harm no other", "{\n" + a + "\n\xff\n[]\n" + b, []string{"1: line: ", "2 tef-0001", "3: line: not valid UTF-8", "4: line: ", "5 OC700104"}},
		{"a line of 1 MiB", full + "\n" + b, []string{"1 tef-0001", "2 OC700104"}},
		{"a line of 1 MiB with a carriage return", full + "\r\n" + b, []string{"1 tef-0001", "2 OC700104"}},
		{"a line of 1 MiB and a byte", full + " \n" + b, []string{"1: line: longer than 1 MiB", "2 OC700104"}},
		{"a line of 1 MiB and two bytes", full + "\r\r\n" + b, []string{"1: line: longer than 1 MiB", "2 OC700104"}},
		{"cut in the middle of an object", a + "\n" + b[:len(b)/2], []string{"1 tef-0001", "2: line: not valid JSON", "cut at line 2"}},
		{"cut in the middle of a letter", a + "\n" + a[:strings.Index(a, "ó")+1], []string{"1 tef-0001", "2: line: not valid UTF-8", "cut at line 2"}},
		{"a last line that is invalid but whole", a + "\n{}", []string{"1 tef-0001", "2: type: required"}},
		{"a last line that never was JSON", a + "\npay Ana", []string{"1 tef-0001", "2: line: not valid JSON"}},
		{"an object that is cut before the last line", a[:len(a)/2] + "\n" + b, []string{"1: line: not valid JSON", "2 OC700104"}},
		{"a line of 2 MiB without an end", b + "\n" + strings.Repeat("x", 2<<20), []string{"1 OC700104", "2: line: longer than 1 MiB"}},
	}
	for _, row := range rows {
		compare(t, row.says, readAll(t, strings.NewReader(row.in), JSONLines), row.want...)
		if len(row.in) < 10<<10 {
			compare(t, row.says+", byte by byte", readAll(t, iotest.OneByteReader(strings.NewReader(row.in)), JSONLines), row.want...)
		}
	}
}

const payoutColumns = "type,provider,merchant_id,amount,currency,description,recipient.document,recipient.name,bank.code,bank.account_number"

func TestCSVIsReadAsTheSameTasks(t *testing.T) {
	const tail = ",12500,CLP,Pago,12345678-5,Ana Soto,012,12345678"
	rows := []struct {
		says, in string
		want     []string
	}{
		{"an empty file", "", nil},
		{"a header alone", payoutColumns, nil},
		{"two rows", payoutColumns + "\npayout,virtualpos,a" + tail + "\npayout,virtualpos,b" + tail, []string{"2 a", "3 b"}},
		{"a byte order mark and carriage returns", "\xef\xbb\xbf" + payoutColumns + "\r\npayout,virtualpos,a" + tail + "\r\n", []string{"2 a"}},
		{"blank lines", "\n\n" + payoutColumns + "\n\npayout,virtualpos,a" + tail + "\n  \n\r\n", []string{"5 a"}},
		{"quoted cells", payoutColumns + "\n\"payout\",\"virtualpos\",a,12500,CLP,\"Pago, \"\"uno\"\"\",12345678-5,Ana Soto,012,12345678\n", []string{"2 a"}},
		{"a cell of several lines", payoutColumns + ",metadata.note\npayout,virtualpos,a" + tail + ",\"one\r\ntwo\"\npayout,virtualpos,b" + tail + ",\n", []string{"2 a", "4 b"}},
		{"a line end where none may be", payoutColumns + "\npayout,virtualpos,a,12500,CLP,\"Pa\ngo\",12345678-5,Ana Soto,012,12345678\npayout,virtualpos,b" + tail, []string{"2: description: must be one line", "3: line: belongs to the invalid row that begins on line 2", "4 b"}},
		{"an empty cell of a required field", payoutColumns + "\npayout,virtualpos,a,12500,CLP,Pago,12345678-5,,012,12345678\npayout,virtualpos,b" + tail, []string{"2: recipient.name: required", "3 b"}},
		{"a missing column", strings.Replace(payoutColumns, ",bank.code", "", 1) + "\npayout,virtualpos,a,12500,CLP,Pago,12345678-5,Ana Soto,12345678", []string{"2: bank.code: required"}},
		{"an unknown column", payoutColumns + ",foo\npayout,virtualpos,a" + tail + ",\npayout,virtualpos,b" + tail + ",1", []string{"2: foo: unknown column", "3: foo: unknown column"}},
		{"an object as a column", payoutColumns + ",bank\npayout,virtualpos,a" + tail + ",", []string{"2: bank: unknown column"}},
		{"a map as a column", payoutColumns + ",metadata\npayout,virtualpos,a" + tail + ",", []string{"2: metadata: unknown column"}},
		{"a column in the wrong case", strings.Replace(payoutColumns, "amount", "Amount", 1) + "\npayout,virtualpos,a" + tail, []string{"2: Amount: unknown column"}},
		{"a column twice", payoutColumns + ",amount\npayout,virtualpos,a" + tail + ",1", []string{"2: amount: given twice in the header"}},
		{"a cell too few", payoutColumns + "\npayout,virtualpos,a\npayout,virtualpos,b" + tail, []string{"2: line: has 3 cells, the header has 10", "3 b"}},
		{"a cell too many", payoutColumns + "\npayout,virtualpos,a" + tail + ",\npayout,virtualpos,b" + tail, []string{"2: line: has 11 cells", "3 b"}},
		{"a quote inside a cell", payoutColumns + "\npayout,virtualpos,a,12500,CLP,Pago 5\",12345678-5,Ana Soto,012,12345678\npayout,virtualpos,b" + tail, []string{"2: line: a quote stands where none may", "3 b"}},
		{"a text behind a quoted cell", payoutColumns + "\npayout,virtualpos,a,12500,CLP,\"Pago\" 5,12345678-5,Ana Soto,012,12345678\npayout,virtualpos,b" + tail, []string{"2: line: a quote stands where none may", "3 b"}},
		{"a quote that is never closed", payoutColumns + "\npayout,virtualpos,a" + tail + "\npayout,\"virtualpos,b" + tail, []string{"2 a", "3: line: a quoted cell has no end", "cut at line 3"}},
		{"carriage returns alone", payoutColumns + "\rpayout,virtualpos,a" + tail + "\r\rpayout,virtualpos,b" + tail + "\r", []string{"2 a", "4 b"}},
		{"a carriage return too many", payoutColumns + "\r\r\npayout,virtualpos,a" + tail + "\r\r\n", []string{"3 a"}},
		{"line ends of several kinds", payoutColumns + "\npayout,virtualpos,a" + tail + "\rpayout,virtualpos,b" + tail + "\r\npayout,virtualpos,c" + tail, []string{"2 a", "3 b", "4 c"}},
		{"a carriage return within a row", payoutColumns + "\npayout,virtualpos,a,12500,CLP,Pa\rgo,12345678-5,Ana Soto,012,12345678\n", []string{"2: line: has 6 cells", "3: line: has 5 cells"}},
		{"a quote that is not closed, and no other", payoutColumns + "\npayout,virtualpos,a" + tail + "\npayout,virtualpos,b,12500,CLP,\"Pago,12345678-5,Ana Soto,012,12345678\n" + strings.Repeat("payout,virtualpos,c"+tail+"\n", 3),
			[]string{"2 a", "3: line: a quoted cell has no end; a quoted cell (the last one begins on line 3) makes the 4 lines 3 to 6 one row, and none of them was taken",
				"4: line: belongs to the invalid row that begins on line 3", "5: line: ", "6: line: "}},
		{"a quote that is closed by the next row's", payoutColumns + "\npayout,virtualpos,a,12500,CLP,\"Pago,12345678-5,Ana Soto,012,12345678\npayout,virtualpos,b,12500,CLP,\"Pago\",12345678-5,Ana Soto,012,12345678\npayout,virtualpos,c" + tail + "\n",
			[]string{"2: line: a quote stands where none may", "3: line: belongs to", "4 c"}},
		{"a quote in the header that is not closed", "\"" + payoutColumns + "\npayout,virtualpos,a" + tail + "\n", []string{"1: header: a quoted cell has no end", "2: line: belongs to"}},
		{"a header that is none, and no row", "payout,virtualpos,a" + tail, []string{"1: "}},
		{"cut in the middle of a row", payoutColumns + "\npayout,virtualpos,a" + tail + "\npayout,virtualpos,b,125", []string{"2 a", "3: line: has 4 cells", "cut at line 3"}},
		{"cut in the middle of a quoted cell", payoutColumns + "\npayout,virtualpos,a" + tail + "\npayout,virtualpos,b,12500,CLP,\"Pag", []string{"2 a", "3: line: a quoted cell has no end", "cut at line 3"}},
		{"a last row that is invalid but whole", payoutColumns + "\npayout,virtualpos,a,x,CLP,Pago,12345678-5,Ana Soto,012,12345678", []string{"2: amount: "}},
		{"bytes that are no UTF-8", payoutColumns + "\npayout,virtualpos,a,12500,CLP,Pago,12345678-5,An\xff,012,12345678\npayout,virtualpos,b" + tail, []string{"2: recipient.name: not valid UTF-8", "3 b"}},
		{"a NUL", payoutColumns + "\npayout,virtualpos,a,12500,CLP,Pago,12345678-5,An\x00,012,12345678\npayout,virtualpos,b" + tail, []string{"2: recipient.name: contains a NUL", "3 b"}},
		{"a card number", payoutColumns + ",metadata.x\npayout,virtualpos,a" + tail + ",4111 1111 1111 1111", []string{"2: metadata.x: " + noCards}},
		{"a row above 1 MiB", payoutColumns + "\npayout,virtualpos,a,12500,CLP," + strings.Repeat("x", strictjson.MaxLine) + ",12345678-5,Ana,012,12345678\npayout,virtualpos,b" + tail, []string{"2: line: longer than 1 MiB", "3 b"}},
		{"a header with a misplaced quote", "ty\"pe\npayout\n", []string{"2: header: a quote"}},
	}
	for _, row := range rows {
		compare(t, row.says, readAll(t, strings.NewReader(row.in), CSV), row.want...)
	}
	compare(t, "byte by byte", readAll(t, iotest.OneByteReader(strings.NewReader(rows[3].in)), CSV), "2 a")
}

// TestAFileWithoutAHeaderIsNotRepeated: its first row is somebody's data.
func TestAFileWithoutAHeaderIsNotRepeated(t *testing.T) {
	const row = "payout,virtualpos,ref-1,12500,CLP,Sueldo mayo,12345678-5,Ana Soto,012,12345678\n"
	for says, file := range map[string]string{"one row": row, "three rows": row + row + row, "a name first": "Ana Soto,payout,virtualpos\n" + row} {
		got := strings.Join(readAll(t, strings.NewReader(file), CSV), "\n")
		if !strings.Contains(got, ": header: missing") {
			t.Errorf("%s: %s", says, got)
		}
		for _, cell := range strings.FieldsFunc(row, func(r rune) bool { return r == ',' || r == '\n' }) {
			if strings.Contains(got, cell) && cell != "payout" && cell != "virtualpos" {
				t.Errorf("%s: %q is repeated: %s", says, cell, got)
			}
		}
	}
}

// TestEveryLineThatAQuoteTakesIsAnswered: also beyond the size that a row may have, and in order.
func TestEveryLineThatAQuoteTakesIsAnswered(t *testing.T) {
	const tail = ",12500,CLP,Pago,12345678-5,Ana Soto,012,12345678\n"
	const taken = 2 * strictjson.MaxLine / len("payout,virtualpos,a"+tail)
	file := payoutColumns + "\npayout,virtualpos,a,12500,CLP,\"Pago,12345678-5,Ana Soto,012,12345678\n" +
		strings.Repeat("payout,virtualpos,a"+tail, taken)
	got := readAll(t, strings.NewReader(file), CSV)
	if len(got) != taken+1 {
		t.Fatalf("%d answers for %d lines", len(got), taken+1)
	}
	for i, line := range got {
		if !strings.HasPrefix(line, fmt.Sprintf("%d: line: ", i+2)) {
			t.Fatalf("answer %d: %s", i+1, line)
		}
	}
	compare(t, "the first", got[:1], fmt.Sprintf("2: line: longer than 1 MiB; a quoted cell (the last one begins on line 2) makes the %d lines 2 to %d one row", taken+1, taken+2))
	compare(t, "subscriptions that are cut", subscriptionAnswers(t, `{"id":"a"}`+"\n"+`{"id":`), "1: ", "2: line: not valid JSON", "cut")
}

// subscriptionAnswers describes the lines, which are all wrong.
func subscriptionAnswers(t *testing.T, in string) []string {
	t.Helper()
	var got []string
	for r := NewSubscriptionReader(strings.NewReader(in)); ; {
		line, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return got
		case errors.Is(err, ErrCut):
			return append(got, "cut")
		case err != nil:
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d: %v", line.Number, line.Err))
	}
}

// The rows say in CSV what the golden files say in JSON; one file mixes all providers.
func TestACSVFileMayMixAllProviders(t *testing.T) {
	const file = `type,provider,merchant_id,txnid,reference,amount,currency,description,recipient.document,recipient.name,recipient.email,bank.code,bank.account_number,details.debtor,details.creditor,details.instruction,details.dtes,details.paid_on,customer.name,customer.email,customer.document_type,customer.document,customer.phone,customer.address,customer.city,customer.first_names,customer.last_names,customer.id,card.token,card.brand,card.expiry_month,card.expiry_year,card.installments,agreement,details.user_bank_code,details.metadata.Cuenta,bank.account_type
payout,virtualpos,tef-0001,,,12500,CLP,Devolución OC 1,12345678-5,Ana Soto,ana@example.cl,012,12345678,,,,,,,,,,,,,,,,,,,,,,,,
payout,coordinador,PAY-42,,,119000,CLP,,,,,,,101,202,3456789,2285813,2026-05-15,,,,,,,,,,,,,,,,,,,
charge,pagoseguro,,SO0001,,32900,COP,Suscripción Canal,,,,,,,,,,,Ana Ruiz,ana@example.com,1,100000000,3100000000,Calle 10 # 10-99,Bogotá,Ana,Ruiz,,eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=,MasterCard,06,31,1,,,,
charge,pagandocheck,,PAY-0000000042,,149.50,MXN,Plan mensual,,,,,,,,,,,,,,,,,,,,5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10,cd_example-000001,,,,,CONTRATO-000812,,,
charge,etpay,,OC700104,,50000,CLP,Cuenta gas,,,,,,,,,,,,ana@example.cl,,12345678-5,,,,,,,,,,,,,cl_estado,30215,
payout,etpay,PO700104,,,12500,CLP,Retiro 700104,12345678-5,Ana Soto,ana@example.cl,cl_estado,12345678,,,,,,,,,,,,,,,,,,,,,,,,vista
status,virtualpos,,,tef-0001,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
`
	r, err := NewReader(strings.NewReader(file), CSV)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range examples {
		line, err := r.Next()
		if err != nil || line.Err != nil {
			t.Fatalf("%s: %v, %v", name, err, line.Err)
		}
		if got, want := string(line.Task.Payload()), string(example(t, name)); got != want || line.Number != i+2 {
			t.Errorf("line %d:\n%s\nwant\n%s", line.Number, got, want)
		}
	}
}

func TestACellIsTrueOrFalse(t *testing.T) {
	t.Parallel()
	const head = "type,provider,txnid,amount,currency,customer.document,details.is_rut_block\n"
	row := func(id, cell string) string { return "charge,etpay," + id + ",1,CLP,12345678-5," + cell + "\n" }
	compare(t, "cells", readAll(t, strings.NewReader(head+row("a", "true")+row("b", "FALSE")+row("c", "Verdadero")+row("d", "")+row("e", "1")), CSV),
		"2 a", "3 b", "4 c", "5 d", "6: details.is_rut_block: must be true or false, not a text")
}

func TestCellsAreTypedByTheirField(t *testing.T) {
	const head = "type,provider,merchant_id,amount,currency,details.debtor,details.creditor,details.instruction,details.dtes,details.paid_on,metadata.a.b,metadata.c\n"
	compare(t, "numbers", readAll(t, strings.NewReader(head+
		"payout,coordinador,a,1,CLP,1,2,3,4;5; 6,2026-05-15,x,\n"+
		"payout,coordinador,b,1,CLP,1.0,2,3,,2026-05-15,,\n"+
		"payout,coordinador,c,1,CLP,1,-2,3,,2026-05-15,,\n"+
		"payout,coordinador,d,1,CLP,1,2,3,4;x,2026-05-15,,\n"), CSV),
		"2 a", "3: details.debtor: must be a number", "4: details.creditor: must be a number", "5: details.dtes[1]: must be a number")
	r, err := NewReader(strings.NewReader(head+"payout,coordinador,a,1,CLP,1,2,3,4;5; 6,2026-05-15,x,\n"), CSV)
	if err != nil {
		t.Fatal(err)
	}
	line, err := r.Next()
	if err != nil || line.Err != nil {
		t.Fatal(err, line.Err)
	}
	if m := line.Task.Metadata(); len(m) != 1 || m["a.b"] != "x" {
		t.Errorf("metadata %v", m)
	}
	if p, _ := line.Task.Payout(); !slices.Equal(providers.DetailsAs[coordinador.Details](p.Details).DTEs, []int64{4, 5, 6}) {
		t.Errorf("details %+v", p.Details)
	}
}

func TestARowMayHaveOneMebibyteAndNoByteMore(t *testing.T) {
	const head = "type,provider,merchant_id,amount,currency,details.debtor,details.creditor,details.instruction,details.paid_on\n"
	const begin, end = "payout,coordinador,a,1,CLP,", "1,2,3,2026-05-15"
	full := begin + strings.Repeat("0", strictjson.MaxLine-len(begin)-len(end)) + end
	compare(t, "1 MiB", readAll(t, strings.NewReader(head+full+"\r\n"), CSV), "2 a")
	compare(t, "1 MiB and a byte", readAll(t, strings.NewReader(head+begin+"0"+full[len(begin):]+"\n"), CSV), "2: line: longer than 1 MiB")
}

func TestAReaderThatBreaksIsNoEndOfTheFile(t *testing.T) {
	broken := errors.New("disk")
	for _, f := range []Format{JSONLines, CSV} {
		for _, start := range []string{"", "a", payoutColumns + "\npayout", string(example(t, "status")) + "\n{"} {
			r, err := NewReader(io.MultiReader(strings.NewReader(start), iotest.ErrReader(broken)), f)
			for err == nil {
				_, err = r.Next()
			}
			if !errors.Is(err, broken) {
				t.Errorf("%s after %q: %v", f, start, err)
			}
		}
	}
	if _, err := NewReader(strings.NewReader(""), "xml"); err == nil {
		t.Error("a format that is none was accepted")
	}
}

// endlessLine is a line that does not end for n bytes.
type endlessLine struct{ n int }

func (e *endlessLine) Read(p []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'x'
	}
	e.n -= len(p)
	return len(p), nil
}

func TestALineOfAnyLengthTakesNoMemory(t *testing.T) {
	for f, start := range map[Format]string{JSONLines: "", CSV: payoutColumns + "\n\""} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := readAll(t, io.MultiReader(strings.NewReader(start), &endlessLine{24 << 20}), f)
		runtime.ReadMemStats(&after)
		compare(t, string(f), got, map[Format]string{JSONLines: "1: line: longer", CSV: "2: line: longer"}[f])
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 12<<20 {
			t.Errorf("%s: a line of 24 MiB took %d MiB", f, grown>>20)
		}
	}
}
