package paymentfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/spreadsheet"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/tasks"
)

// paid are the payloads of the file's tasks, or "line: error" of each that is none.
func paid(t *testing.T, in string, o Options) []string {
	t.Helper()
	r, err := Open(strings.NewReader(in), o)
	if err != nil {
		return []string{err.Error()}
	}
	var all []string
	for {
		line, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			return append(all, err.Error())
		case line.Err != nil:
			all = append(all, fmt.Sprintf("%d: %v", line.Number, line.Err))
		default:
			all = append(all, string(line.Task.Payload()))
		}
	}
}

func wantPaid(t *testing.T, says string, got []string, want ...string) {
	t.Helper()
	same := len(got) == len(want)
	for i := 0; same && i < len(want); i++ {
		same = strings.HasPrefix(got[i], want[i])
	}
	if !same {
		t.Errorf("%s:\ngot  %q\nwant %q", says, got, want)
	}
}

func TestARowIsTheTaskThatAPersonMeans(t *testing.T) {
	t.Parallel()
	const head = "Tipo;Proveedor de pago;Referencia;Monto;Moneda;"
	for _, row := range []struct {
		says, header, cells string
		options             Options
		want                string
	}{
		{"a payout, whose type only its provider says", "Pasarela;Ref;Importe;Divisa;Rut benef.;Nombres;Apellidos;Banco;Cta destino", "VirtualPOS;a;12500;CLP;12345678-5;Ana;Soto;Itaú;'0012345", Options{},
			`{"type":"payout","provider":"virtualpos","merchant_id":"a","amount":"12500","currency":"CLP","recipient":{"document":"12345678-5","name":"Ana Soto"},"bank":{"code":"039","account_number":"0012345"}}`},
		{"a payout in another provider's words for banks", head + "RUT;Nombre;Banco;Cuenta;Tipo de cuenta", "pago;etpay;a;12500;CLP;12345678-5;Ana;Banco de Crédito e Inversiones;1234;Cta. Cte.", Options{},
			`{"type":"payout","provider":"etpay","merchant_id":"a","amount":"12500","currency":"CLP","recipient":{"document":"12345678-5","name":"Ana"},"bank":{"code":"cl_bci","account_number":"1234","account_type":"corriente"}}`},
		{"a charge", head + "RUT;Correo", "COBRO;ETpay;a;50.000;CLP;12.345.678-5;a@b.cl", Options{Locale: spreadsheet.Chile},
			`{"type":"charge","provider":"etpay","txnid":"a","amount":"50000","currency":"CLP","customer":{"email":"a@b.cl","document":"12345678-5"}}`},
		{"a charge of a card", "Proveedor de pago;Folio;Valor;Moneda;Concepto;Tipo identificación;Cédula;Nombre;Nombres;Apellidos;Mail;Teléfono;Dirección;Municipio;Token;Franquicia;Cuotas;Mes venc.;Año venc.",
			"Pago Seguro;a;32.900,50;COP;Plan;cc;100000000;Ana Ruiz;Ana;Ruiz;a@b.co;3100000000;Calle 10;Bogotá;tok1;MasterCard;1;06;31", Options{Locale: spreadsheet.Colombia},
			`{"type":"charge","provider":"pagoseguro","txnid":"a","amount":"32900.50","currency":"COP","description":"Plan","customer":{"name":"Ana Ruiz","email":"a@b.co","document_type":1,"document":"100000000","phone":"3100000000","address":"Calle 10","city":"Bogotá","first_names":"Ana","last_names":"Ruiz"},"card":{"token":"tok1","brand":"MasterCard","expiry_month":6,"expiry_year":31,"installments":1}}`},
		{"cents that always are there", "Pasarela;Folio;Importe;Moneda;Id cliente;Token;Contrato", "pagandocheck;a;149.5;MXN;c1;t1;k1", Options{},
			`{"type":"charge","provider":"pagandocheck","txnid":"a","amount":"149.50","currency":"MXN"`},
		{"a date, the day first", "Pasarela;Ref;Monto;Moneda;Deudor;Acreedor;Id instrucción;Folio DTE;Fecha de pago", "coordinador;a;1;CLP;1;2;3;4;05-12-2026", Options{},
			`{"type":"payout","provider":"coordinador","merchant_id":"a","amount":"1","currency":"CLP","details":{"debtor":1,"creditor":2,"instruction":3,"dtes":[4],"paid_on":"2026-12-05"}}`},
		{"a status query", "Tipo;Pasarela;Referencia", "consulta;etpay;a", Options{}, `{"type":"status","provider":"etpay","reference":"a"}`},
		{"English words in any case, and data of one's own", "TYPE;Provider;Merchant ID;Amount;Currency;Recipient.Document;recipient name;Bank Code;bank_account_number;metadata.Orden", "payout;virtualpos;a;1;CLP;12345678-5;Ana;012;1234;O-7", Options{},
			`{"type":"payout","provider":"virtualpos","merchant_id":"a","amount":"1","currency":"CLP","recipient":{"document":"12345678-5","name":"Ana"},"bank":{"code":"012","account_number":"1234"},"metadata":{"Orden":"O-7"}}`},
		{"a column that was mapped", head + "Centro de Costo", "cobro;etpay;a;1;CLP;N-7", Options{Maps: []Map{{"centro  de costo", "metadata.centro"}}}, `{"type":"charge","provider":"etpay","txnid":"a","amount":"1","currency":"CLP","metadata":{"centro":"N-7"}}`},
		{"no type, where there are two", "Pasarela;Ref;Monto;Moneda", "etpay;a;1;CLP", Options{}, "2: type: required"},
		{"a number for a kind of document", "Pasarela;Ref;Tipo de documento", "pagoseguro;a;3", Options{}, "2: customer.document_type: must be CC"},
		{"a currency in the amount", "Pasarela;Ref;Monto;Moneda", "virtualpos;a;12.500 MXN;CLP", Options{Locale: spreadsheet.Chile}, "2: amount: not an amount"},
		{"decimals that are some", "Pasarela;Ref;Monto;Moneda;RUT;Nombre;Banco;Cuenta", "virtualpos;a;12.500,50;CLP;12345678-5;Ana;012;1234", Options{Locale: spreadsheet.Chile}, "2: amount: CLP takes 0 decimals, not 2"},
		{"a card number", "Pasarela;Ref;Glosa", "virtualpos;a;pay 4111 1111 1111 1111", Options{}, "2: description: looks like a card number"},
		{"a field that the provider does not have", "Pasarela;Ref;Monto;Moneda;RUT;Nombre;Banco;Cuenta;Tipo de cuenta", "virtualpos;a;1;CLP;12345678-5;Ana;012;1234;vista", Options{}, "2: bank.account_type: unknown field"},
	} {
		wantPaid(t, row.says, paid(t, row.header+"\n"+row.cells+"\n", row.options), row.want)
	}
}

// TestAProgramsFileIsReadByTheStrictReader: byte for byte the same tasks and the same errors.
func TestAProgramsFileIsReadByTheStrictReader(t *testing.T) {
	t.Parallel()
	const head = "type,provider,merchant_id,amount,currency,recipient.document,recipient.name,bank.code,bank.account_number\n"
	for says, file := range map[string]string{
		"rows":                  head + "payout,virtualpos,a,12500,CLP,12345678-5,Ana,012,12345678\n",
		"what people get read":  head + "payout,virtualpos,a,12500,CLP,12345678,Ana,12,'12345678\npago,VirtualPOS,b, 1,CLP,12345678-5,Ana,Itaú,1\n",
		"amounts":               head + "payout,virtualpos,a,12.500,CLP,12345678-5,Ana,012,12345678\npayout,virtualpos,a,\"12,5\",CLP,12345678-5,Ana,012,12345678\n",
		"an unknown column":     strings.Replace(head, "amount", "sum", 1) + "payout,virtualpos,a,1,CLP,12345678-5,Ana,012,12345678\n",
		"a column twice":        strings.Replace(head, "currency", "amount", 1) + "payout,virtualpos,a,1,CLP,12345678-5,Ana,012,12345678\n",
		"no header":             "payout,virtualpos,a,12500,CLP,12345678-5,Ana,012,12345678\n",
		"an unclosed quote":     head + "payout,\"virtualpos,a\n\n1,2\n",
		"cut":                   head + "payout,virt",
		"bytes that are broken": head + "payout,virtualpos,añ,12500,CLP,12345678-5,An\xff,012,12345678\n",
		"nothing":               "",
		"blank lines":           "\n" + head + "\n\npayout,virtualpos,a,12500,CLP,12345678-5,Ana,012,12345678",
		"# for a reference":     head + "#,virtualpos,a,12500,CLP,12345678-5,Ana,012,12345678\n",
	} {
		strict, err := tasks.NewReader(strings.NewReader(file), tasks.CSV)
		if err != nil {
			t.Fatal(err)
		}
		people, err := Open(strings.NewReader(file), Options{})
		if err != nil {
			t.Errorf("%s: %v", says, err)
			continue
		}
		for {
			want, wantErr := strict.Next()
			got, gotErr := people.Next()
			if fmt.Sprint(got.Number, got.Key, got.Err, string(got.Task.Payload()), gotErr) != fmt.Sprint(want.Number, want.Key, want.Err, string(want.Task.Payload()), wantErr) {
				t.Errorf("%s:\ngot  %d %v %v %v\nwant %d %v %v %v", says, got.Number, got.Key, got.Err, gotErr, want.Number, want.Key, want.Err, wantErr)
			}
			if wantErr != nil {
				break
			}
		}
	}
}

func TestAWrongRowKeepsItsKey(t *testing.T) {
	t.Parallel()
	r, err := Open(strings.NewReader("Pasarela;Ref;Monto;Moneda\nvirtualpos;a;12.500;CLP\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	line, err := r.Next()
	if err != nil || line.Err == nil || line.Key.String() != "virtualpos/a" {
		t.Errorf("%v %v %v", err, line.Err, line.Key)
	}
}

// TestNothingOfAFileWithoutAHeaderIsRepeated: its first row is somebody's data.
func TestNothingOfAFileWithoutAHeaderIsRepeated(t *testing.T) {
	t.Parallel()
	for _, file := range []string{
		"virtualpos;ref-1;12500;Ana Soto;12345678-5;0012345678\n",
		"Referencia;Monto;Moneda;12345678-5;ana@example.cl;0012345678\n",
	} {
		_, err := Open(strings.NewReader(file), Options{})
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok {
			t.Fatal(err)
		}
		for _, hidden := range []string{"Ana", "ana@", "12345678", "001234"} {
			if strings.Contains(fmt.Sprint(refusal.Problems, err), hidden) {
				t.Errorf("%q is repeated: %+v", hidden, refusal.Problems)
			}
		}
	}
}

func TestAMapNamesAField(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Map{
		"Centro de costo=metadata.centro": {"Centro de costo", "metadata.centro"},
		"a=b = amount":                    {"a=b", "amount"},
		"x=-":                             {"x", "-"},
	} {
		if got, err := ParseMap(text); err != nil || got != want {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "=amount", "x=", "x=sum", "x=metadata", "x=metadata."} {
		if got, err := ParseMap(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestEveryWordHasOneMeaning: a header is never read in two ways.
func TestEveryWordHasOneMeaning(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	add := func(word, meaning string) {
		folded := spreadsheet.Fold(word)
		if before, twice := seen[folded]; twice && before != meaning {
			t.Errorf("%q means %s and %s", word, before, meaning)
		}
		seen[folded] = meaning
	}
	for _, m := range meanings {
		for _, word := range append([]string{m.label}, m.words...) {
			add(word, m.label)
		}
		for _, path := range append([]string{m.path}, m.byType[payout], m.byType[charge], m.byType[status]) {
			if _, known := tasks.ColumnKind(path); !known && path != "" && path != checkDigit && path != firstNames && path != lastNames {
				t.Errorf("%s: %q is no field", m.label, path)
			}
		}
	}
	for fault, all := range never {
		for _, word := range all {
			add(word, string(fault))
		}
	}
}

func TestBanksAreInTheListOnce(t *testing.T) {
	t.Parallel()
	if !strings.Contains(strings.SplitN(chile, "\n", 2)[0], "As of 20") {
		t.Error("the list does not say of what day it is")
	}
	codes := map[string]string{}
	for line := range strings.Lines(chile) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "\n"), ";")
		if len(cells) != 4 {
			t.Errorf("%q has %d cells", line, len(cells))
			continue
		}
		for _, key := range append(strings.Fields(cells[0]), strings.Split(cells[2]+"|"+cells[1], "|")...) {
			if other, twice := codes[spreadsheet.Fold(key)]; twice && key != "" && other != cells[1] {
				t.Errorf("%q is %s and %s", key, other, cells[1])
			}
			codes[spreadsheet.Fold(key)] = cells[1]
		}
	}
	if len(banks().names) < 15 {
		t.Error(banks().names)
	}
}

// TestEveryProviderHasASampleOfEachType: with each required field.
func TestEveryProviderHasASampleOfEachType(t *testing.T) {
	t.Parallel()
	for _, p := range catalog.Providers() {
		for _, payments := range p.Payments {
			filled := map[string]bool{"type": true, "provider": true}
			for _, s := range payments.Sample {
				filled[s.Path] = true
			}
			for _, f := range tasks.Table(p.Name, string(payments.Type)) {
				if f.Required && !filled[f.Path] {
					t.Errorf("%s %s: no sample of %s", p.Name, payments.Type, f.Path)
				}
			}
		}
		for _, spanish := range []bool{false, true} {
			if _, err := NewTemplate(p.Name, TemplateWords{Spanish: spanish}); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := NewTemplate("bank", TemplateWords{}); !errors.Is(err, ErrNoProvider) {
		t.Error(err)
	}
}

// FuzzReader: a table of people's is read to its end, its rows in order, each a task or an error
// that begins with a path.
func FuzzReader(f *testing.F) {
	for _, file := range []string{
		"Pasarela;Ref;Monto;Moneda\nvirtualpos;a;12.500;CLP\n", "Monto|Total\n1|2", "\xff\xfeR\x00e\x00f\x00;\x00I\x00d\x00", "sep=,\nRUT,DV\n1,k\n",
		"type,provider\npayout,etpay\n", "Referencia;Monto\nTotal;1\n#;2\n",
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := Open(bytes.NewReader(file), Options{Locale: spreadsheet.Chile})
		if err != nil {
			return
		}
		for before := 0; ; {
			line, err := r.Next()
			if err != nil {
				_ = r.Notes()
				return
			}
			if line.Number <= before {
				t.Fatalf("line %d after line %d", line.Number, before)
			}
			before = line.Number
			if line.Err != nil && !strings.Contains(line.Err.Error(), ": ") {
				t.Fatal(line.Err)
			}
		}
	})
}
