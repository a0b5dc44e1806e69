package statement

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/remesa/remesa/internal/spreadsheet"
)

func known(t *testing.T) []Mapping {
	t.Helper()
	all, err := Mappings()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func save(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "statement.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func lines(t *testing.T, f *File) []Line {
	t.Helper()
	var all []Line
	if err := f.Read(func(l Line) error { all = append(all, l); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// samples are statements as banks and providers make them, each with money out and in, or paid and
// returned; shown as "day direction amount id".
var samples = []struct {
	mapping, text string
	want          []string
}{
	{"bci-cl", "Cartola;;;;;;\nBCI;;;;;;\nFecha;Sucursal;Descripción;N° Documento;Cheques y otros cargos;Depósitos y Abono;Saldo diario\n" +
		"24-11-2026;Central;TRANSF tef-0001;123;12.500;;987.500\n25-11-2026;Central;ABONO;124;;1.000;988.500\nTotales;;;;12.500;1.000;\n",
		[]string{"2026-11-24 out 12500 123", "2026-11-25 in 1000 124"}},
	{"bancochile-cl", "Fecha,Detalle Movimiento,Cheque o Cargo,Deposito o Abono,Saldo,Docto. Nro.,Trn,Caja,Sucursal\n" +
		"24/11/2026,TEF tef-0001,12500,,987500,123,1,2,3\n2/12/2026,ABONO,,1000,988500,124,1,2,3\n",
		[]string{"2026-11-24 out 12500 123", "2026-12-02 in 1000 124"}},
	{"bancoestado-cl", "Fecha;Sucursal;N° Cuenta;Alias;N° Cartola;N° Operación;Descripción;Cheques / Cargos;Depósitos / Abonos;Saldo\n" +
		"24/11/2026;x;1;a;7;123;TEF;$ 12.500;;987.500\n25/11/2026;x;1;a;7;124;ABONO;;$ 1.000;988.500\n",
		[]string{"2026-11-24 out 12500 123", "2026-11-25 in 1000 124"}},
	{"itau-cl", "Fecha;Número de operación;Sucursal;Descripción;Depósitos o abonos;Giros o cargos;Saldo diario\n" +
		"30/12;123;x;TEF;;12.500;987.500\n02/01;124;x;ABONO;1.000;;988.500\n",
		[]string{"2026-12-30 out 12500 123", "2027-01-02 in 1000 124"}},
	{"scotiabank-cl", "Fecha;Descripción;Numero Documento;Cargo;Abono;Saldo Diario\n24-11-2026;TEF;123;12.500;0;987.500\n25-11-2026;ABONO;124;;1.000;988.500\n",
		[]string{"2026-11-24 out 12500 123", "2026-11-25 in 1000 124"}},
	{"santander-cl", strings.Repeat("Santander;\n", 13) + "MONTO;DESCRIPCION;FECHA;N DOC;SUCURSAL;CARGO/ABONO\n" +
		"-12.500;TEF;24/11/2026;123;x;C\n1.000;ABONO;25/11/2026;124;x;A\nSaldos diarios;;;;;\n24/11/2026;987.500;;;;\n",
		[]string{"2026-11-24 out 12500 123", "2026-11-25 in 1000 124"}},
	{"bancolombia-co", "Fecha,Descripción,Valor\n24/11/2026,PAGO,\"-12.500,50\"\n25/11/2026,ABONO,1.000\n24/11/2026,IMPTO GOBIERNO 4X1000,-50\n",
		[]string{"2026-11-24 out 12500.50 ", "2026-11-25 in 1000 ", "2026-11-24 out 50  own"}},
	{"bancolombia-co-columns", "Fecha;Referencia;Descripcion;Retiros;Consignaciones\n24/11/2026;123;PAGO;12.500,50;\n25/11/2026;124;ABONO;;1.000\n",
		[]string{"2026-11-24 out 12500.50 123", "2026-11-25 in 1000 124"}},
	{"bbva-mx", "FECHA,DESCRIPCIÓN,CARGO,ABONO,SALDO\n24/11/2026,SPEI ENVIADO,\"-2,500.00\",,\"97,500.00\"\n25/11/2026,SPEI RECIBIDO,,149.50,\"97,649.50\"\n",
		[]string{"2026-11-24 out 2500 ", "2026-11-25 in 149.50 "}},
	{"banorte-mx", "CUENTA,FECHA DE OPERACIÓN,FECHA,REFERENCIA,DESCRIPCIÓN,COD. TRANSAC,SUCURSAL,DEPÓSITOS,RETIROS,SALDO,MOVIMIENTO,DESCRIPCIÓN DETALLADA,CHEQUE\n" +
		"'0012345,24/11/2026,24/11/2026,1,x,2,3,-,\"$2,500.00\",\"$97,500.00\",77,SPEI,-\n'0012345,24/11/2026,25/11/2026,1,x,2,3,$149.50,-,\"$97,649.50\",78,SPEI,-\n",
		[]string{"2026-11-24 out 2500 77", "2026-11-25 in 149.50 78"}},
	{"sandbox-virtualpos", "seq,id,reference,amount,currency,beneficiary,at\n1,pyt_1,tef-0001,12500,CLP,12345678-5 012 12345678,2026-11-24T02:30:00.5Z\n",
		[]string{"2026-11-23 executed 12500 1"}},
	{"virtualpos-report", "Fecha;Id;Merchant Id;Monto;Estado;RUT\n24/11/2026;1;tef-0001;12.500;Pagado;12345678-5\n24/11/2026;2;tef-0002;12.500;Rechazado;\n24/11/2026;2;tef-0002;12.500;Devuelto;\n",
		[]string{"2026-11-24 executed 12500 ", "2026-11-24 executed 12500  skip", "2026-11-24 returned 12500 "}},
	{"pagoseguro-report", "Fecha;Transaction Code;Txnid;Valor;Estado\n24/11/2026;1;SO1;32.900,50;Aprobada\n", []string{"2026-11-24 executed 32900.50 "}},
	{"pagandocheck-report", "Fecha,Folio,Referencia,Importe,Estatus,Comisión\n24/11/2026,1,PAY-1,149.50,Aprobado,3.50\n", []string{"2026-11-24 executed 149.50 "}},
	{"etpay-report", "Fecha;Payment Token;Merchant Order Id;Monto;Estado\n2026-11-24 12:00:00;1;OC1;50.000;pagado\n", []string{"2026-11-24 executed 50000 "}},
	{"coordinador-report", "payment_dt;Id;erp_a;informed_paid_amount;status_paid\n2026-11-24;1;PAY-42;119.000;2\n", []string{"2026-11-24 executed 119000 "}},
	{"plain", "date,reference,amount,status\n2026-11-24,a,12500,paid\n2026-11-24,a,12500,returned\n", []string{"2026-11-24 executed 12500 ", "2026-11-24 returned 12500 "}},
}

func shown(l Line) string {
	if l.Err != nil {
		return l.Err.Error()
	}
	text := fmt.Sprintf("%s %s %s %s", l.Day, []string{"out", "in", "executed", "returned"}[l.Direction], l.Amount, l.BankID)
	if l.Own {
		text += " own"
	}
	if l.Skip {
		text += " skip"
	}
	return text
}

func TestEachLayoutIsRecognisedAndRead(t *testing.T) {
	t.Parallel()
	all := known(t)
	sampled := map[string]bool{}
	for _, s := range samples {
		sampled[s.mapping] = true
		provider, isProvider := strings.CutSuffix(strings.TrimPrefix(s.mapping, "sandbox-"), "-report")
		mine := slices.Clone(all)
		if isProvider || strings.HasPrefix(s.mapping, "sandbox-") {
			mine = slices.DeleteFunc(mine, func(m Mapping) bool { return m.Provider != "" && m.Provider != provider })
		}
		texts := map[string]string{"UTF-8": s.text}
		if latin, err := charmap.Windows1252.NewEncoder().String(s.text); err == nil {
			texts["Windows-1252"] = latin
		}
		for charset, text := range texts {
			f, err := Open(save(t, text), Options{Mappings: mine, From: 20788, Until: 20823}) // 2026-12-01 to 2027-01-05
			if err != nil {
				t.Errorf("%s in %s: %v", s.mapping, charset, err)
				continue
			}
			var got []string
			for _, l := range lines(t, f) {
				got = append(got, shown(l))
			}
			if f.Mapping.Name != s.mapping || !slices.Equal(got, s.want) || f.Gap {
				t.Errorf("%s in %s: as %s %q gap %t, want %q", s.mapping, charset, f.Mapping.Name, got, f.Gap, s.want)
			}
		}
	}
	for _, m := range all {
		if !sampled[m.Name] && !strings.HasPrefix(m.Name, "sandbox-") {
			t.Errorf("no sample of %s", m.Name)
		}
	}
}

func TestAWorkbookIsReadToo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "statement.xlsx")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]string{{"BCI"}, {"Fecha", "Sucursal", "Descripción", "N° Documento", "Cheques y otros cargos", "Depósitos y Abono", "Saldo diario"},
		{"24-11-2026", "Central", "TEF", "123", "12.500", "", "987.500"}}
	if err := spreadsheet.WriteWorkbook(out, spreadsheet.Sheet{Name: "Hoja1", Rows: rows}); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, Options{Mappings: known(t)})
	if err != nil || f.Mapping.Name != "bci-cl" || f.Lines != 1 || f.HeaderRow != 2 {
		t.Errorf("%+v %v", f, err)
	}
}

func TestWhatIsNotKnownIsRefusedByName(t *testing.T) {
	t.Parallel()
	bci := "Fecha;Sucursal;Descripción;N° Documento;Cheques y otros cargos;Depósitos y Abono;Saldo diario"
	for text, says := range map[string]string{
		"a;b\n1;2\n":                   "no header in the first 60 rows",
		bci + ";Ejecutivo\n":           "looks like bci-cl, which has no column «Ejecutivo»",
		strings.TrimSuffix(bci, "o"):   "looks like bci-cl",
		"date,reference,amount,foo\n":  "looks like plain, which has no column «foo»",
		"date,reference,amount,date\n": "looks like plain, but columns of it are missing or stand twice",
	} {
		_, err := Open(save(t, text), Options{Mappings: known(t)})
		if !errors.Is(err, ErrUnknown) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func TestDayAndMonthAreNotGuessed(t *testing.T) {
	t.Parallel()
	const head = "Fecha,Detalle Movimiento,Cheque o Cargo,Deposito o Abono,Saldo,Docto. Nro.,Trn,Caja,Sucursal\n"
	row := func(date string) string { return date + ",TEF,12500,,987500,123,1,2,3\n" }
	for _, c := range []struct {
		dates    []string
		dayFirst bool
		want     string
	}{
		{[]string{"2/12/2026", "24/11/2026"}, false, "2026-12-02"},
		{[]string{"12/2/2026", "11/24/2026"}, false, "2026-12-02"},
		{[]string{"2/12/2026"}, false, ""},
		{[]string{"2/12/2026"}, true, "2026-12-02"},
		{[]string{"5/5/2026"}, false, "2026-05-05"}, // both ways
		{[]string{"5/5/2026", "2/12/2026"}, false, ""},
		{[]string{"2/12/2026", "24/11/2026", "25/11/2026", "11/26/2026"}, false, ""}, // two programs wrote it
		{[]string{"2/12/2026", "24/11/2026", "25/11/2026", "11/26/2026"}, true, "2026-12-02"},
		{[]string{"12/2/2026", "11/24/2026", "x"}, false, "2026-12-02"},
		{[]string{"2/12/2026", "x"}, false, ""},
		{nil, false, "none"},
	} {
		text := head
		for _, d := range c.dates {
			text += row(d)
		}
		f, err := Open(save(t, text), Options{Mappings: known(t), DayFirst: c.dayFirst})
		if c.want == "none" {
			if err != nil {
				t.Errorf("no dates: %v", err)
			}
			continue
		}
		if (err != nil) != (c.want == "") || err == nil && lines(t, f)[0].Day.String() != c.want {
			t.Errorf("%v: %v, want %s", c.dates, err, c.want)
		}
	}
}

func TestWhatCannotBeReadSaysWhichColumn(t *testing.T) {
	t.Parallel()
	const head = "Fecha;Descripción;Numero Documento;Cargo;Abono;Saldo Diario\n"
	for line, says := range map[string]string{
		"32-11-2026;x;1;100;;0":       "date: not a date",
		"24-11-2026;x;1;100;100;0":    "in and out: both are filled",
		"24-11-2026;x;1;;;0":          "in and out: both are empty",
		"24-11-2026;x;1;doce;;0":      "out: not an amount",
		"24-11-2026;x;1;12,500.00;;0": "out: not an amount",
		"24-11-2026;x;1;100-;;x":      "balance: not an amount",
		"24-11-2026;x;1;;-100;0":      "in: it is negative",
		"24-11-1926;x;1;100;;0":       "date: it lies before 2000",
		"24-11-0000;x;1;100;;0":       "date: it lies before 2000",
		"24-11-2062;x;1;100;;0":       "date: it lies in the future",
		"24-11-2026;x;1;1-2500;;0":    "out: not an amount",
		"24-11-2026;x;1;--100;;0":     "out: not an amount",
		"24-11-2026;x;1;+-100;;0":     "out: not an amount",
		"24-11-2026;x;1;(100;;0":      "out: not an amount",
		"24-11-2026;x;1;-(100);;0":    "out: not an amount",
		"24-11-2026;x;1;12 50;;0":     "out: not an amount",
		"24-11-2026;x;1;1e3;;0":       "out: not an amount",
		"24-11-2026;x;1;=1+1;;0":      "out: not an amount",
		"24-11-2026;\"x;1;100;;0":     "the row: it is not written as the others",
	} {
		f, err := Open(save(t, head+line+"\n"), Options{Mappings: known(t), Latest: 20800})
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(t, f); len(got) != 1 || got[0].Err == nil || !strings.Contains(got[0].Err.Error(), says) || f.Unreadable != 1 {
			t.Errorf("%q: %+v, want %q", line, got, says)
		}
	}
}

func TestAMissingLineShowsInTheBalances(t *testing.T) {
	t.Parallel()
	const head = "Fecha;Descripción;Numero Documento;Cargo;Abono;Saldo Diario\n"
	rows := []string{"24-11-2026;x;1;100;;900\n", "24-11-2026;x;2;;50;950\n", "25-11-2026;x;3;200;;750\n", "25-11-2026;x;4;50;;700\n"}
	gap := func(rows ...string) bool {
		f, err := Open(save(t, head+strings.Join(rows, "")), Options{Mappings: known(t)})
		if err != nil {
			t.Fatal(err)
		}
		return f.Gap
	}
	if gap(rows...) {
		t.Error("a whole statement")
	}
	newestFirst := slices.Clone(rows)
	slices.Reverse(newestFirst)
	if gap(newestFirst...) {
		t.Error("the newest line first")
	}
	if !gap(rows[0], rows[1], rows[3]) {
		t.Error("a line is missing")
	}
}

func TestAMappingSaysWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	const good = `{"name":"x","kind":"bank","zone":"UTC","dates":["2006"],"columns":{"date":["d"],"amount":["a"]}}`
	if _, err := ParseMapping([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for replaced, says := range map[string]string{
		`"zone":"UTC"`: "zone: not a time zone", `"kind":"bank"`: "kind: must be", `"name":"x"`: "name: required", `"dates":["2006"]`: "a date is required",
		`"amount":["a"]`: "either amount, or both",
	} {
		if _, err := ParseMapping([]byte(strings.Replace(good, replaced, `"title":""`, 1))); err == nil || !strings.Contains(err.Error(), says) && !strings.Contains(err.Error(), "not a mapping") {
			t.Errorf("without %s: %v, want %q", replaced, err, says)
		}
	}
	if _, err := ParseMapping([]byte(strings.Replace(good, `"amount"`, `"amounts":["b"],"amount"`, 1))); err == nil || !strings.Contains(err.Error(), "amounts is no field; the nearest is amount") {
		t.Error(err)
	}
	if _, err := ParseMapping([]byte(strings.Replace(good, `"name"`, `"nombre":"x","name"`, 1))); err == nil {
		t.Error("an unknown word")
	}
}

func TestAnAmountHasOneSign(t *testing.T) {
	t.Parallel()
	const head = "Fecha,Descripción,Valor\n"
	for text, want := range map[string]string{
		"-100": "out 100", "100-": "out 100", "\u2212100": "out 100", "(100)": "out 100", "- 100": "out 100", "-$100": "out 100", "$-100": "out 100",
		"$ -100": "out 100", "$(100)": "out 100", "( 100 )": "out 100", "-12.500": "out 12500", "+100": "in 100", "100+": "in 100", "$ 12.500": "in 12500",
		"\u00a012.500\u00a0": "in 12500",
	} {
		f, err := Open(save(t, head+"24/11/2026,x,"+text+"\n"), Options{Mappings: known(t)})
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(lines(t, f)[0]); got != "2026-11-24 "+want+" " {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// On 6 September 2026 the clocks of Chile have no midnight, on 4 April an hour twice.
func TestADateIsTheOneThatIsWritten(t *testing.T) {
	t.Parallel()
	for date, want := range map[string]string{
		"06/09/2026": "2026-09-06", "05/09/2026": "2026-09-05", "04/04/2026": "2026-04-04", "06/09/2026 00:30:00": "2026-09-06",
		"2026-09-06T03:59:59Z": "2026-09-05", "2026-09-06T04:00:00Z": "2026-09-06", "2026-11-24T02:59:59Z": "2026-11-23", "2026-11-24T03:00:00Z": "2026-11-24",
	} {
		f, err := Open(save(t, "Fecha;Payment Token;Merchant Order Id;Monto;Estado\n"+date+";1;OC1;50.000;pagado\n"), Options{Mappings: ofProvider(t, "etpay")})
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(t, f)[0]; got.Err != nil || got.Day.String() != want {
			t.Errorf("%s: %s %v, want %s", date, got.Day, got.Err, want)
		}
	}
}

func ofProvider(t *testing.T, provider string) []Mapping {
	t.Helper()
	return slices.DeleteFunc(known(t), func(m Mapping) bool { return m.Provider != "" && m.Provider != provider })
}

func TestADateWithoutAYearIsOfOneYear(t *testing.T) {
	t.Parallel()
	day := func(text string) Day {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return DayOf(at, time.UTC)
	}
	for _, c := range []struct{ date, from, until, want string }{
		{"30/12", "2026-12-01", "2027-01-31", "2026-12-30"}, {"02/01", "2026-12-01", "2027-01-31", "2027-01-02"},
		{"30/12", "2025-12-01", "2026-12-31", ""}, {"15/06", "2026-12-01", "2027-01-31", ""}, {"29/02", "2027-01-01", "2027-12-31", ""},
		{"29/02", "2028-01-01", "2028-12-31", "2028-02-29"},
	} {
		text := "Fecha;Número de operación;Sucursal;Descripción;Depósitos o abonos;Giros o cargos;Saldo diario\n" + c.date + ";123;x;TEF;;12.500;987.500\n"
		f, err := Open(save(t, text), Options{Mappings: known(t), From: day(c.from), Until: day(c.until)})
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(t, f)[0]; (got.Err == nil) != (c.want != "") || got.Err == nil && got.Day.String() != c.want {
			t.Errorf("%s from %s to %s: %s %v, want %q", c.date, c.from, c.until, got.Day, got.Err, c.want)
		}
	}
}

// The hash that a history keeps is that of the lines that were read.
func TestAStatementThatChangesIsNotReadOn(t *testing.T) {
	t.Parallel()
	const text = "date,reference,amount,status\n2026-11-24,a,12500,paid\n"
	path := save(t, text)
	f, err := Open(path, Options{Mappings: known(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text+"2026-11-24,b,1,paid\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Read(func(Line) error { return nil }); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.TempDir(), Options{Mappings: known(t)}); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a folder: %v", err)
	}
}

// A refusal repeats a column's name only where that is one: it may be a person's data, or move a
// terminal's cursor.
func TestARefusalRepeatsNothingOfALine(t *testing.T) {
	t.Parallel()
	for column, want := range map[string]string{
		"Ejecutivo": "«Ejecutivo»", "12.345.678-5": "«?»", "ana@example.cl": "«?»", "a\x1b[2J": "«?»", strings.Repeat("a", 65): "«?»",
	} {
		_, err := Open(save(t, "date,reference,amount,"+column+"\n"), Options{Mappings: known(t)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", column, err, want)
		}
	}
}

// Of two layouts that fit alike, and of two sheets, none is taken.
func TestWhatCouldBeTwoIsRefused(t *testing.T) {
	t.Parallel()
	const text = `{"name":"x","kind":"report","zone":"UTC","dates":["2006-01-02"],"columns":{"date":["d"],"amount":["a"]}}`
	var two []Mapping
	for _, name := range []string{"one", "two"} {
		m, err := ParseMapping([]byte(strings.Replace(text, `"x"`, `"`+name+`"`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		two = append(two, m)
	}
	if _, err := Open(save(t, "d,a\n2026-11-24,1\n"), Options{Mappings: two}); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "row 1 is the header of one and of two") {
		t.Errorf("two layouts: %v", err)
	}
	path := filepath.Join(t.TempDir(), "statement.xlsx")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]string{{"date", "amount"}, {"2026-11-24", "1"}}
	err = spreadsheet.WriteWorkbook(out, spreadsheet.Sheet{Name: "a", Rows: rows}, spreadsheet.Sheet{Name: "b", Rows: rows})
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{Mappings: known(t)}); err == nil || !strings.Contains(err.Error(), "2 visible sheets") {
		t.Errorf("two sheets: %v", err)
	}
}
