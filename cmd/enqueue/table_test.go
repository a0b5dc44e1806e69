package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/spreadsheet"
)

// spanish is the header of finance's files.
const spanish = "Proveedor de pago;Referencia;Monto;Moneda;Glosa;RUT beneficiario;Nombre beneficiario;Correo;Código de banco;Número de cuenta"

// finance is a row under that header, with these replacements of old by new text.
func finance(reference string, oldnew ...string) string {
	line := "VirtualPOS;" + reference + ";12500;CLP;Devolución nº 1;12.345.678-5;Ana Muñoz;ana@example.cl;012;0012345678"
	return strings.NewReplacer(oldnew...).Replace(line)
}

// tableOf are lines under the header in the ways of spreadsheets.
func tableOf(rows ...string) string { return spanish + "\n" + strings.Join(rows, "\n") + "\n" }

func separated(separator, file string) string { return strings.ReplaceAll(file, ";", separator) }

func as1252(file string) string {
	out, err := charmap.Windows1252.NewEncoder().String(file)
	if err != nil {
		panic(err)
	}
	return out
}

func asUTF16(e unicode.Endianness, file string) string {
	out, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().String(file)
	if err != nil {
		panic(err)
	}
	return out
}

// workbook has the file's first line as its header; a cell "=N" is the number N.
func workbook(t *testing.T, sheets ...string) string {
	t.Helper()
	var all []spreadsheet.Sheet
	for i, file := range sheets {
		s := spreadsheet.Sheet{Name: fmt.Sprintf("Hoja%d", i+1)}
		for line := range strings.Lines(file) {
			s.Rows = append(s.Rows, strings.Split(strings.TrimSuffix(line, "\n"), ";"))
		}
		all = append(all, s)
	}
	var b bytes.Buffer
	if err := spreadsheet.WriteWorkbook(&b, all...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const bom = "\xef\xbb\xbf"

// tableFile is one file of the table of forty: accepted, accepted with a word on stderr, or
// refused.
type tableFile struct {
	says, name, file, args string
	code                   int
	// want are the results, with the beginning of an error behind a colon.
	want []string
	// told are on stderr; silent: nothing but the summary is.
	told   []string
	silent bool
}

// The forty files that finance has, in the words of those who collected them: A accepted, W
// accepted and told, R refused.
func fortyFiles(t *testing.T) []tableFile {
	enqueued, refused := []string{"enqueued"}, []string(nil)
	return []tableFile{
		{says: "1 A UTF-8 ,", file: separated(",", tableOf(finance("f01"))), want: enqueued, silent: true},
		{says: "2 A UTF-8 BOM ,", file: bom + separated(",", tableOf(finance("f02"))), want: enqueued, silent: true},
		{says: "3 W BOM ;", file: bom + tableOf(finance("f03")), want: enqueued, told: []string{"UTF-8", `";"`, "header in row 1, 1 row"}},
		{says: "4 W Windows-1252 ; with ñ and º", file: as1252(tableOf(finance("f04"))), want: enqueued, told: []string{"Windows-1252", `";"`}},
		{says: "5 W UTF-16 LE tab", name: "f.txt", file: asUTF16(unicode.LittleEndian, separated("\t", tableOf(finance("f05")))), want: enqueued, told: []string{"UTF-16 LE", "tabs"}},
		{says: "6 W UTF-16 BE with BOM", file: asUTF16(unicode.BigEndian, tableOf(finance("f06"))), want: enqueued, told: []string{"UTF-16 BE"}},
		{says: "7 W sep=;", file: "sep=;\n" + tableOf(finance("f07")), want: enqueued, told: []string{"sep=", "header in row 2"}},
		{says: "8 W sep= tab in UTF-16", file: asUTF16(unicode.LittleEndian, "sep=\t\r\n"+separated("\t", tableOf(finance("f08")))), want: enqueued, told: []string{"UTF-16 LE", "tabs", "sep="}},
		{says: "9 W |", file: separated("|", tableOf(finance("f09"))), want: enqueued, told: []string{`"|"`}},
		{says: "10 R two separators equally likely", file: "Monto;Referencia,Moneda\n1;2,3\n", code: exitRefused, want: refused, told: []string{"two separators"}},
		{says: "11 A CR LF", file: separated(",", strings.ReplaceAll(tableOf(finance("f11")), "\n", "\r\n")), want: enqueued, silent: true},
		{says: "12 W no last line end", file: strings.TrimSuffix(tableOf(finance("f12")), "\n"), want: enqueued, told: []string{"may have been cut"}},
		{says: "12 R no last line end, and a count", file: strings.TrimSuffix(tableOf(finance("f12b")), "\n"), args: "--expect-count 1", code: exitRefused, want: refused, told: []string{"may have been cut", "nothing was enqueued"}},
		{says: "12 R a program's, too", file: strings.TrimSuffix(programFile("f12c"), "\n"), args: "--expect-count 1", code: exitRefused, want: refused, told: []string{"may have been cut"}},
		{says: "13 A CR only", file: separated(",", strings.ReplaceAll(tableOf(finance("f13")), "\n", "\r")), want: enqueued, silent: true},
		{says: "14 A blank rows between and at the end", file: separated(",", tableOf("", finance("f14"), "", finance("f14b"), "  ", "")), want: []string{"enqueued", "enqueued"}, silent: true},
		{says: "15 W rows of only separators", file: tableOf(finance("f15"), ";;;;;;;;;", " ; ;;;;;;;;"), want: enqueued, told: []string{"2 empty rows"}},
		{says: "16 R invalid UTF-8 that is not 1252", file: tableOf(finance("f16")) + as1252(finance("f16b")) + "\n", code: exitRefused, want: []string{"enqueued", "invalid:description: not valid UTF-8"}},
		{says: "16 R bytes that 1252 lacks", file: as1252(tableOf(finance("f16c"))) + "\x81\n", code: exitRefused, want: refused, told: []string{"line 3", "neither UTF-8 nor Windows-1252", "nothing was enqueued"}},
		{says: "16 R 1252, and UTF-8 further on", file: as1252(tableOf(finance("f16d"))) + finance("f16e") + "\n", code: exitRefused, want: refused, told: []string{"line 3", "nothing was enqueued"}},
		{says: "17 A Spanish header in capitals with accents", file: separated(",", strings.ToUpper(spanish)+"\n"+finance("f17")+"\n"), want: enqueued, silent: true},
		{says: "18 A header with spaces, _, footnotes", file: separated(",", " Proveedor_de_pago ;Referencia (1);Monto Transferencia (3);MONEDA;Glosa TEF;Rut Benef.;nombre benef.;E-mail;Cod_banco;Nº cuenta de destino\n"+finance("f18")+"\n"), want: enqueued, silent: true},
		{says: "19 R two columns for RUT", file: strings.Replace(tableOf(finance("f19")), "Correo", "RUT", 1), code: exitRefused, want: refused, told: []string{`"RUT beneficiario"`, `"RUT"`, "nothing was enqueued"}},
		{says: "20 R unknown column with the nearest named", file: strings.Replace(tableOf(finance("f20")), "Código de banco", "Codigo de vanco", 1), code: exitRefused, want: refused, told: []string{`"Codigo de vanco"`, `"Código de banco"`, "--map"}},
		{says: "21 A --map", file: separated(",", strings.Replace(tableOf(finance("f21")), "Correo", "Centro de costo", 1)), args: "--map|Centro de costo=metadata.centro", want: enqueued},
		{says: "21 R --map of a column that there is not", file: tableOf(finance("f21b")), args: "--map|Centro=metadata.centro", code: exitRefused, want: refused, told: []string{`"Centro"`}},
		{says: "22 R cuenta de cargo beside cuenta", file: strings.Replace(tableOf(finance("f22")), "Correo", "Nº Cuenta de Cargo", 1), code: exitRefused, want: refused, told: []string{`"Nº Cuenta de Cargo"`, "--map"}},
		{says: "22 A unless mapped", file: strings.Replace(tableOf(finance("f22b")), "Correo", "Nº Cuenta de Cargo", 1), args: "--map|Nº Cuenta de Cargo=-", want: enqueued},
		{says: "23 A RUT + DV in two columns", file: separated(",", strings.Replace(tableOf(finance("f23", "12.345.678-5", "12345678", "ana@example.cl", "5")), "Correo", "Dig. Verif. Beneficiario", 1)), want: enqueued, silent: true},
		{says: "23 R RUT with another DV beside it", file: strings.Replace(tableOf(finance("f23b", "ana@example.cl", "6")), "Correo", "DV", 1), code: exitRefused, want: []string{"invalid:recipient.document: "}, told: []string{"row 2, \"RUT beneficiario\""}},
		{says: "24 R RUT without DV", file: tableOf(finance("f24", "12.345.678-5", "12345678")), code: exitRefused, want: []string{"invalid:recipient.document: has no check digit"}, told: []string{"row 2", "RUT beneficiario", "12345678-5"}},
		{says: "24 R RUT without DV that would pass as a whole one", file: tableOf(finance("f24b", "12.345.678-5", "11111112")), code: exitRefused, want: []string{"invalid:recipient.document: has no check digit"}},
		{says: "25 A RUT with points, dash, small k", file: separated(",", tableOf(finance("f25", "12.345.678-5", "1.000.005-k"))), want: enqueued, silent: true},
		{says: "26 R 1,23E+11", file: tableOf(finance("f26", "0012345678", "1,23E+11"), finance("f26b")), code: exitRefused, want: []string{"invalid:bank.account_number: a spreadsheet shortened", "enqueued"}, told: []string{"row 2, \"Número de cuenta\"", "Text"}},
		{says: "27 W bank code 12 for 012", file: tableOf(finance("f27", ";012;", ";12;")), want: enqueued, told: []string{"1 bank code"}},
		{says: "28 A bank by exact name", file: separated(",", tableOf(finance("f28", ";012;", ";Banco del Estado;"), finance("f28b", ";012;", ";BANCOESTADO;"))), want: []string{"enqueued", "enqueued"}, silent: true},
		{says: "29 R bank by near name", file: tableOf(finance("f29", ";012;", ";BancoEstados;")), code: exitRefused, want: []string{"invalid:bank.code: "}, told: []string{"row 2, \"Código de banco\"", "BancoEstado"}},
		{says: "30 W '0012345", file: tableOf(finance("f30", "0012345678", "'0012345")), want: enqueued, told: []string{"1 apostrophe"}},
		{says: "31 R 12.500 in CLP", file: tableOf(finance("f31", ";12500;", ";12.500;")), code: exitRefused, want: []string{"invalid:amount: "}, told: []string{"row 2, \"Monto\"", "--locale es-CL"}},
		{says: "31 R a program's, with its error as ever and the hint", file: strings.Replace(programFile("f31b"), ",12500,", ",12.500,", 1), code: exitRefused, want: []string{"invalid:amount: CLP takes 0 decimals, not 3"}, told: []string{"--locale es-CL"}},
		{says: "32 A the same with --locale es-CL", file: separated(",", tableOf(finance("f32", ";12500;", ";12.500;"))), args: "--locale|es-CL", want: enqueued},
		{says: "32 A with --decimal-comma", file: tableOf(finance("f32b", ";12500;", ";12.500,00;")), args: "--decimal-comma", want: enqueued},
		{says: "33 R 12,500.00 under es-CL", file: tableOf(finance("f33", ";12500;", ";12,500.00;")), args: "--locale|es-CL", code: exitRefused, want: []string{"invalid:amount: not an amount"}},
		{says: "34 A $ 12.500 with locale", file: tableOf(finance("f34", ";12500;", ";$ 12.500;")), args: "--locale|es-CL", want: enqueued},
		{says: "35 R negative or in parentheses", file: tableOf(finance("f35", ";12500;", ";-12500;"), finance("f35b", ";12500;", ";(12.500);"), finance("f35c", ";12500;", ";12500-;")), code: exitRefused,
			want: []string{"invalid:amount: must be above zero", "invalid:amount: must be above zero", "invalid:amount: must be above zero"}},
		{says: "36 R total row", file: tableOf(finance("f36"), "Total;;12500;CLP;;;;;;"), code: exitRefused, want: []string{"enqueued", "invalid:line: a row of totals"}, told: []string{"row 3", "totals"}},
		{says: "36 R total row in another column", file: tableOf(finance("f36b"), ";;12500;;TOTAL GENERAL:;;;;;"), code: exitRefused, want: []string{"enqueued", "invalid:line: a row of totals"}},
		{says: "37 R title rows above the header", file: "Pagos de noviembre\n\nEmpresa, S.A.\n" + tableOf(finance("f37")), code: exitRefused, want: refused, told: []string{"row 4", "nothing was enqueued"}},
		{says: "37 R title rows in a program's form", file: "Pagos,,\n" + programFile("f37b"), code: exitRefused, want: refused, told: []string{"row 2"}},
		{says: "38 W same row twice", file: tableOf(finance("f38"), finance("f38")), want: []string{"enqueued", "duplicate"}, told: []string{"row 3", "row 2"}},
		{says: "39 R same reference, other amount", file: tableOf(finance("f39"), finance("f39", ";12500;", ";12501;")), code: exitRefused, want: []string{"enqueued", "conflict:amount"}, told: []string{"row 3", "row 2", "another amount"}},
		{says: "40 A XLSX with text cells", name: "f.xlsx", file: workbook(t, tableOf(finance("f40"))), want: enqueued},
		{says: "40 W XLSX with a second sheet", name: "f.XLSX", file: workbook(t, tableOf(finance("f40b")), "Notas\n"), want: enqueued, told: []string{`"Hoja1"`, "Hoja2"}},
		{says: "40 R XLSX with a number cell for account", name: "f.xlsx", file: workbookWithNumber(t, tableOf(finance("f40c")), "0012345678"), code: exitRefused, want: []string{"invalid:bank.account_number: is a number"}, told: []string{"row 2, \"Número de cuenta\"", "Text"}},
		{says: "40 A XLSX with a number cell for the amount", name: "f.xlsx", file: workbookWithNumber(t, tableOf(finance("f40d")), "12500"), want: enqueued},

		{says: "40 R XLSX with a number that only a text would group", name: "f.xlsx", file: workbookWithNumber(t, tableOf(finance("f40e", ";12500;", ";1.234;")), "1.234"), args: "--locale|es-CL", code: exitRefused, want: []string{"invalid:amount: CLP takes 0 decimals, not 3"}},

		{says: "a column for card numbers", file: strings.Replace(tableOf(finance("g1")), "Correo", "Número de tarjeta", 1), code: exitRefused, want: refused, told: []string{"card"}},
		{says: "a due date that would move money", file: strings.Replace(tableOf(finance("g2")), "Correo", "Fecha de aplicación", 1), code: exitRefused, want: refused, told: []string{"--map"}},
		{says: "a cell under no column", file: strings.Replace(tableOf(finance("g3")), "\n", ";;\n", 1) + finance("g3b") + ";;x\n", code: exitRefused, want: []string{"enqueued", "invalid:line: a cell stands under no column"}},
		{says: "a row that is too short", file: tableOf("VirtualPOS;g4", finance("g4b")), code: exitRefused, want: []string{"invalid:line: has 2 cells, the header has 10", "enqueued"}},
		{says: "a file that is cut in a row", file: tableOf(finance("g5")) + "VirtualPOS;g5b;12", code: exitFailed, want: []string{"enqueued", "invalid:line: has 3 cells"}, told: []string{"cut"}},
		{says: "a quote that takes rows", file: tableOf("\""+finance("g6"), finance("g6b")), code: exitRefused, want: []string{"invalid:line: a quoted cell has no end", "invalid:line: belongs to"}},
		{says: "an unknown column of a program", file: strings.Replace(programFile("g7"), "amount", "amout", 1), code: exitRefused, want: []string{"invalid:amout: unknown column"}, told: []string{`"amout"`, `"amount"`}},
		{says: "several things wrong with the header at once", file: strings.Replace(strings.Replace(tableOf(finance("g8")), "Correo", "Tarjeta", 1), "Glosa", "Glozas", 1), code: exitRefused, want: refused, told: []string{"card", `"Glozas"`, `"Glosa"`}},
		{says: "no header and no column that is known", file: "x;y\n1;2\n", code: exitRefused, want: refused, told: []string{"first row must name the columns"}},
		{says: "a bank that became part of another", file: tableOf(finance("g9", ";012;", ";049;")), want: enqueued, told: []string{"BICE"}},
		{says: "no workbook", name: "f.xlsx", file: "Monto;RUT\n", code: exitRefused, want: refused, told: []string{"not a workbook"}},
		{says: "JSON Lines in a .txt", name: "f.txt", file: payout("g10") + "\n", want: enqueued, silent: true},
		{says: "an empty table", file: "", want: refused, told: []string{"is empty"}},
		{says: "a table with nothing but its header", file: tableOf(), want: refused, told: []string{"is empty"}},
	}
}

// programFile is a payment as a program writes it.
func programFile(reference string) string {
	return "type,provider,merchant_id,amount,currency,recipient.document,recipient.name,bank.code,bank.account_number\n" +
		"payout,virtualpos," + reference + ",12500,CLP,12345678-5,Ana Soto,012,12345678\n"
}

func TestTheFortyFilesOfFinance(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	env := environment(redisAt(s.URL()))
	for _, f := range fortyFiles(t) {
		if f.name == "" {
			f.name = "f.csv"
		}
		args := []string{"submit", write(t, f.name, f.file)}
		if f.args != "" {
			args = append(args, strings.FieldsFunc(f.args, func(r rune) bool { return r == '|' || r == ' ' && strings.HasPrefix(f.args, "--expect") })...)
		}
		got := enqueuePlain(t, env, nil, args...)
		wantCode(t, f.says, got, f.code)
		wantText(t, f.says, got.err, f.told...)
		compareTable(t, f, got)
		for _, hidden := range []string{"Ana", "ana@", "0012345678", "12.345.678", "12345678-5\""} {
			if strings.Contains(got.out+got.err, hidden) {
				t.Errorf("%s: %q is in the output:\n%s%s", f.says, hidden, got.out, got.err)
			}
		}
	}
	if r, err := ledgerOf(s).Show(t.Context(), mustKey(t, "virtualpos/f04")); err != nil || r.Amount != "12500" {
		t.Errorf("%+v %v", r, err)
	}
}

// TestWhoeverReadsSpanishIsToldInSpanish: in the words that finance knows.
func TestWhoeverReadsSpanishIsToldInSpanish(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	env := environment(redisAt(s.URL()), "REMESA_LANG=es-CL")
	file := tableOf(finance("e1"), finance("e1", ";12500;", ";7;"), finance("e2", ";12500;", ";12.500;"), finance("e3", "0012345678", "1,23E+11"), finance("e4", ";012;", ";Banco Estada;"))
	got := enqueue(t, env, nil, "submit", write(t, "pagos.csv", as1252(file)))
	wantCode(t, "a file with wrong rows", got, exitRefused)
	wantText(t, "a file with wrong rows", got.err,
		"leído como Windows-1252, separado por «;», encabezado en la fila 1, 5 filas",
		"fila 3: la misma referencia está en la fila 2 con otro monto. Esta fila no se envió",
		"fila 4, «Monto»: no se sabe si el punto o la coma separa miles o decimales",
		"fila 5, «Número de cuenta»: Excel acortó el número. Dé formato Texto a la columna y escríbalo de nuevo",
		"fila 6, «Código de banco»: ningún banco", "«BancoEstado»")
	wantText(t, "its results", got.out, `"error":"amount: it cannot be told`)
	got = enqueue(t, env, nil, "submit", write(t, "pagos.csv", strings.Replace(tableOf(finance("e5")), "Correo", "Ctro Costo", 1)))
	wantCode(t, "an unknown column", got, exitRefused)
	wantText(t, "an unknown column", got.err, "encabezado: no se conoce la columna «Ctro Costo». Quítela o asígnela con --map. ¿Quiso decir «", "no se envió nada")
	got = enqueue(t, env, nil, "submit", "--dry-run", write(t, "pagos.csv", tableOf(finance("e1"), finance("e6"))))
	wantCode(t, "a dry run", got, 0)
	wantText(t, "a dry run", got.err, "simulación: se enviaría 1 operación por $12.500 CLP")
}

func compareTable(t *testing.T, f tableFile, got commandResult) {
	t.Helper()
	all := results(t, got.out)
	if len(all) != len(f.want) {
		t.Errorf("%s: %d results, want %q\nstdout %s\nstderr %s", f.says, len(all), f.want, got.out, got.err)
		return
	}
	for i, want := range f.want {
		result, problem, _ := strings.Cut(want, ":")
		if all[i].Result != result || !strings.HasPrefix(all[i].Error, problem) || result == "enqueued" && all[i].Key == "" {
			t.Errorf("%s: %+v, want %q", f.says, all[i], want)
		}
	}
	for line := range strings.Lines(got.err) {
		if f.silent && !strings.Contains(line, "lines of") && !strings.Contains(line, "no worker has ever") && !strings.HasPrefix(line, "  ") {
			t.Errorf("%s: not silent: %s", f.says, line)
		}
	}
}

// workbookWithNumber is a workbook in which the cells with this text are numbers.
func workbookWithNumber(t *testing.T, file, text string) string {
	t.Helper()
	in := workbook(t, file)
	r := must[*zip.Reader](t)(zip.NewReader(strings.NewReader(in), int64(len(in))))
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, part := range r.File {
		content := must[io.ReadCloser](t)(part.Open())
		all := string(must[[]byte](t)(io.ReadAll(content)))
		all = strings.ReplaceAll(all, `t="inlineStr"><is><t xml:space="preserve">`+text+`</t></is>`, `><v>`+text+`</v>`)
		_ = must[int](t)(io.WriteString(must[io.Writer](t)(w.Create(part.Name)), all))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
