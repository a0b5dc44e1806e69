package tasks

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/fields"
)

var examples = []string{"virtualpos", "coordinador", "pagoseguro", "pagandocheck", "etpay", "etpay-payout", "status"}

// example is the golden line of testdata, with each pair of replacements made in it.
func example(t testing.TB, name string, replace ...string) []byte {
	t.Helper()
	line, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	s := strings.TrimSpace(string(line))
	for i := 0; i+1 < len(replace); i += 2 {
		if !strings.Contains(s, replace[i]) {
			t.Fatalf("the example of %s has no %s", name, replace[i])
		}
		s = strings.Replace(s, replace[i], replace[i+1], 1)
	}
	return []byte(s)
}

func must(t testing.TB, line []byte) Task {
	t.Helper()
	task, err := Decode(line)
	if err != nil {
		t.Fatalf("%v\n%s", err, line)
	}
	return task
}

func TestTheWireFormatOfEveryProviderStaysAsItIs(t *testing.T) {
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			line := example(t, name)
			if got := string(must(t, line).Payload()); got != string(line) {
				t.Errorf("decoded and written again:\n%s\nwant\n%s", got, line)
			}
		})
	}
}

// The examples of ETpay's and Pago Seguro's own pages, with every field that a task can carry.
func TestWhatTheProvidersOwnExamplesHaveIsTaken(t *testing.T) {
	t.Parallel()
	urls := `"is_rut_block":false,"payment_completed_url":"https://tienda.example/ok?a=1&b=2","payment_cancellation_url":"https://tienda.example/no"`
	for says, line := range map[string][]byte{
		"an order id with a dash":     example(t, "etpay", `OC700104`, `OC-700104`),
		"an order id with everything": example(t, "etpay", `OC700104`, `0c.7_0-`),
		"a payout's, too":             example(t, "etpay-payout", `PO700104`, `PO-700104`),
		"a RUT in block":              example(t, "etpay", `"metadata"`, `"is_rut_block":true,"metadata"`),
		"the ways back":               example(t, "etpay", `"user_bank_code":"cl_estado"`, `"user_bank_code":"cl_estado",`+urls),
		"a way back on this machine":  example(t, "etpay", `"metadata"`, `"payment_completed_url":"http://127.0.0.1:8000/ok","metadata"`),
		"no way back":                 example(t, "etpay", `"metadata"`, `"payment_completed_url":"","metadata"`),
		"a billing address":           example(t, "pagoseguro", `"document_type"`, `"billing_email":"pagos@example.com","document_type"`),
		"a phone of 7 digits":         example(t, "pagoseguro", `3100000000`, `6010000`),
	} {
		task := must(t, line)
		if again := must(t, task.Payload()); string(again.Payload()) != string(task.Payload()) {
			t.Errorf("%s: read again it is another: %s", says, again.Payload())
		}
	}
	c, _ := must(t, example(t, "etpay", `"user_bank_code":"cl_estado"`, `"user_bank_code":"cl_estado",`+urls)).Charge()
	if d := providers.DetailsAs[etpay.Details](c.Details); d.RUTBlock == nil || *d.RUTBlock || d.CompletedURL != "https://tienda.example/ok?a=1&b=2" || d.CancellationURL == "" {
		t.Errorf("the adapter gets %+v", d)
	}
	p, _ := must(t, example(t, "pagoseguro", `"document_type"`, `"billing_email":"pagos@example.com","document_type"`)).Charge()
	if p.Customer.BillingEmail != "pagos@example.com" {
		t.Errorf("the adapter gets %+v", p.Customer)
	}
}

func TestWhatBillingSystemsBuildIsTheWireFormat(t *testing.T) {
	built := map[string]Definition{
		"virtualpos": Payout{
			Provider: "virtualpos", MerchantID: "tef-0001", Amount: "12500", Currency: "CLP", Description: "Devolución OC 1",
			Recipient: providers.Recipient{Document: "12.345.678-5", Name: "Ana Soto", Email: "ana@example.cl"},
			Bank:      providers.Bank{Code: "012", AccountNumber: "12345678"},
		},
		"coordinador": Payout{
			Provider: "coordinador", MerchantID: "PAY-42", Amount: "119000", Currency: "CLP",
			Details: coordinador.Details{Debtor: 101, Creditor: 202, Instruction: 3456789, DTEs: []int64{2285813}, PaidOn: "2026-05-15"},
		},
		"pagoseguro": Charge{
			Provider: "pagoseguro", TxnID: "SO0001", Amount: "32900", Currency: "COP", Description: "Suscripción Canal",
			Customer: providers.Customer{
				Name: "Ana Ruiz", Email: "ana@example.com", DocumentType: 1, Document: "100000000", Phone: "3100000000",
				Address: "Calle 10 # 10-99", City: "Bogotá", FirstNames: "Ana", LastNames: "Ruiz",
			},
			Card: Card{
				Token: "eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=",
				Brand: "MasterCard", ExpiryMonth: 6, ExpiryYear: 31, Installments: 1,
			},
		},
		"pagandocheck": Charge{
			Provider: "pagandocheck", TxnID: "PAY-0000000042", Amount: "149.50", Currency: "MXN", Description: "Plan mensual",
			Customer: providers.Customer{ID: "5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10"}, Card: Card{Token: "cd_example-000001"},
			Agreement: "CONTRATO-000812",
		},
		"etpay": Charge{
			Provider: "etpay", TxnID: "OC700104", Amount: "50000", Currency: "CLP", Description: "Cuenta gas",
			Customer: providers.Customer{Email: "ana@example.cl", Document: "123456785"},
			Details:  etpay.Details{UserBankCode: "cl_estado", Metadata: []etpay.NamedText{{Name: "Cuenta", Value: "30215", Show: true}}},
		},
		"etpay-payout": Payout{
			Provider: "etpay", MerchantID: "PO700104", Amount: "12500", Currency: "CLP", Description: "Retiro 700104",
			Recipient: providers.Recipient{Document: "123456785", Name: "Ana Soto", Email: "ana@example.cl"},
			Bank:      providers.Bank{Code: "cl_estado", AccountNumber: "12345678", AccountType: "vista"},
		},
		"status": Status{Provider: "virtualpos", Reference: "tef-0001", Account: "default"},
	}
	for _, name := range examples {
		got, err := Encode(built[name])
		if want := string(example(t, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
}

func TestAConstructorValidatesAsDecodeDoes(t *testing.T) {
	var field *FieldError
	_, err := Payout{Provider: "virtualpos", MerchantID: "a", Amount: "1", Currency: "CLP"}.Task()
	if !errors.As(err, &field) || field.Path != "recipient.document" {
		t.Errorf("a payout without a recipient: %v", err)
	}
	if _, err = (Status{Provider: "virtualpos", Reference: "a\xff"}).Task(); err == nil {
		t.Error("a reference that is no UTF-8 was accepted")
	}
	if line, err := Encode(Charge{}); err == nil || line != nil {
		t.Errorf("an empty charge encodes to %s", line)
	}
}

func TestEveryBadLineIsRefusedByItsFieldWithoutRepeatingIt(t *testing.T) {
	bad := []struct {
		says, provider, old, new, want string
	}{
		{"a text that is no JSON", "virtualpos", `{"type"`, `{type`, "line: not valid JSON at byte 2"},
		{"a line cut off", "virtualpos", `"12345678"}}`, `"12345`, "line: not valid JSON"},
		{"a list in front of the object", "virtualpos", ``, `[]`, "line: more than one JSON value"},
		{"two values on a line", "virtualpos", `"12345678"}}`, `"12345678"}} {}`, "line: more than one JSON value"},
		{"something behind the object", "virtualpos", `"12345678"}}`, `"12345678"}},`, "line: more than one JSON value"},
		{"bytes that are no UTF-8", "virtualpos", `Ana`, "An\xff", "line: not valid UTF-8"},
		{"a NUL", "virtualpos", `Ana`, "An\x00", "line: contains a NUL"},
		{"an escaped NUL", "virtualpos", `Ana`, `An\u0000`, "recipient.name: contains a NUL"},
		{"an escaped NUL in a name", "virtualpos", `"name"`, `"na\u0000me"`, "recipient.?: contains a NUL"},
		{"half a surrogate pair", "virtualpos", `Ana`, `An\ud800`, "recipient.name: contains U+FFFD"},
		{"a key twice", "virtualpos", `"amount":"12500"`, `"amount":"1","amount":"12500"`, "amount: given twice"},
		{"a key twice, one escaped", "virtualpos", `"amount":"12500"`, `"amount":"1","\u0061mount":"12500"`, "amount: given twice"},
		{"a key twice deep inside", "etpay", `"show":true`, `"show":true,"show":true`, "details.metadata[0].show: given twice"},
		{"a key twice in metadata", "virtualpos", `"currency"`, `"metadata":{"a":"1","a":"2"},"currency"`, "metadata.a: given twice"},
		{"a key in the wrong case", "virtualpos", `"amount"`, `"AMOUNT"`, "AMOUNT: unknown field"},
		{"a key in the right and the wrong case", "virtualpos", `"amount":`, `"Amount":"1","amount":`, "Amount: unknown field"},
		{"an unknown field", "virtualpos", `"currency"`, `"foo":1,"currency"`, "foo: unknown field"},
		{"an unknown field inside", "virtualpos", `"name"`, `"foo":"x","name"`, "recipient.foo: unknown field"},
		{"an unknown field in a list", "etpay", `"show"`, `"foo":1,"show"`, "details.metadata[0].foo: unknown field"},
		{"a path written as one name", "virtualpos", `"currency"`, `"recipient.name":"x","currency"`, "recipient.name: unknown field"},
		{"another provider's field", "virtualpos", `"currency"`, `"agreement":"x","currency"`, "agreement: unknown field"},
		{"too deep a nesting", "virtualpos", `"currency"`, `"x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `,"currency"`, "x[0]"},
		{"too deep a nesting for any reader", "virtualpos", `"currency"`, `"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `,"currency"`, "line: not valid JSON"},
		{"too long a list", "coordinador", `[2285813`, `[1` + strings.Repeat(",1", 1000), "details.dtes: more than 1000"},

		{"too many fields", "virtualpos", `"currency"`, manyFields() + `"currency"`, "line: more than 1000"},
		{"no type", "virtualpos", `"type":"payout",`, ``, "type: required"},
		{"an unknown type", "virtualpos", `"type":"payout"`, `"type":"refund"`, "type: must be one of payout, charge, status"},
		{"a type in upper case", "virtualpos", `"type":"payout"`, `"type":"PAYOUT"`, "type: must be one of"},
		{"a type that the provider does not do", "virtualpos", `"type":"payout"`, `"type":"charge"`, "type: virtualpos takes a payout"},
		{"a payout at a charging provider", "pagandocheck", `"type":"charge"`, `"type":"payout"`, "type: pagandocheck takes a charge"},
		{"a session's fields in a payout", "etpay", `"type":"charge"`, `"type":"payout"`, "txnid: unknown field"},
		{"a payout's fields in a session", "etpay-payout", `"type":"payout"`, `"type":"charge"`, "merchant_id: unknown field"},
		{"an ETpay payout's reference that begins with a dash", "etpay-payout", `PO700104`, `-PO700104`, "merchant_id: must match [0-9A-Za-z][0-9A-Za-z._-]*"},
		{"an ETpay payout to a bank by its number", "etpay-payout", `cl_estado`, `012`, "bank.code: must be a bank's code in lower case"},
		{"an ETpay payout to a bank in capitals", "etpay-payout", `cl_estado`, `CL_ESTADO`, "bank.code: must be a bank's code in lower case"},
		{"an ETpay payout without a type of account", "etpay-payout", `,"account_type":"vista"`, ``, "bank.account_type: required"},
		{"an ETpay payout to another type of account", "etpay-payout", `vista`, `checking`, "bank.account_type: must be corriente, vista or ahorro"},
		{"an ETpay payout without a document", "etpay-payout", `"document":"12345678-5",`, ``, "recipient.document: required"},
		{"an ETpay payout with cents", "etpay-payout", `"12500"`, `"12500.50"`, "amount: CLP takes 0 decimals"},
		{"a type of account where none is asked for", "virtualpos", `"account_number"`, `"account_type":"vista","account_number"`, "bank.account_type: unknown field"},
		{"no provider", "virtualpos", `"provider":"virtualpos",`, ``, "provider: required"},
		{"an unknown provider", "virtualpos", `"provider":"virtualpos"`, `"provider":"bank"`, "provider: must be one of"},
		{"a provider that is a number", "virtualpos", `"provider":"virtualpos"`, `"provider":1`, "provider: must be a text, not a number"},

		{"no reference", "virtualpos", `"merchant_id":"tef-0001",`, ``, "merchant_id: required"},
		{"an empty reference", "virtualpos", `"tef-0001"`, `""`, "merchant_id: required"},
		{"a reference with a slash", "virtualpos", `tef-0001`, `tef/0001`, "merchant_id: must match"},
		{"a reference with a line end", "virtualpos", `tef-0001`, `tef-0001\n`, "merchant_id: must match"},
		{"a reference of dots, which is no path", "virtualpos", `tef-0001`, `..`, "merchant_id: must match"},
		{"a reference of 65 characters", "virtualpos", `tef-0001`, strings.Repeat("a", 65), "merchant_id: must match"},
		{"a Pago Seguro reference of 21 characters", "pagoseguro", `SO0001`, strings.Repeat("a", 21), "txnid: must match [A-Za-z0-9._-]+ with a letter or digit, and at most 20"},
		{"an ETpay reference that begins with a dot", "etpay", `OC700104`, `.OC700104`, "txnid: must match [0-9A-Za-z][0-9A-Za-z._-]*"},
		{"an ETpay reference of 65 characters", "etpay", `OC700104`, strings.Repeat("a", 65), "txnid: must match [0-9A-Za-z][0-9A-Za-z._-]*, and at most 64"},
		{"an ETpay reference with a slash", "etpay", `OC700104`, `OC/700104`, "txnid: must match"},
		{"a RUT in block that is a text", "etpay", `"user_bank_code"`, `"is_rut_block":"true","user_bank_code"`, "details.is_rut_block: must be true or false, not a text"},
		{"a RUT in block without a RUT", "etpay", `,"document":"12345678-5"},"details":{`, `},"details":{"is_rut_block":true,`, "details.is_rut_block: needs customer.document"},
		{"a RUT in block with an empty RUT", "etpay", `"12345678-5"},"details":{`, `""},"details":{"is_rut_block":true,`, "details.is_rut_block: needs customer.document"},
		{"a way back that is no URL", "etpay", `"user_bank_code"`, `"payment_completed_url":"example.cl","user_bank_code"`, "details.payment_completed_url: must be an https URL"},
		{"a way back in plain HTTP", "etpay", `"user_bank_code"`, `"payment_cancellation_url":"http://example.cl/x","user_bank_code"`, "details.payment_cancellation_url: must be an https URL"},
		{"a way back with a script", "etpay", `"user_bank_code"`, `"payment_completed_url":"javascript:alert(1)","user_bank_code"`, "details.payment_completed_url: must be an https URL"},
		{"a way back with a password", "etpay", `"user_bank_code"`, `"payment_completed_url":"https://a:b@example.cl/","user_bank_code"`, "details.payment_completed_url: must be an https URL"},
		{"a way back of 2,049 characters", "etpay", `"user_bank_code"`, `"payment_completed_url":"https://example.cl/` + strings.Repeat("a", 2030) + `","user_bank_code"`, "details.payment_completed_url: must be an https URL"},
		{"a Pago Seguro phone that begins with 0", "pagoseguro", `3100000000`, `0100000000`, "customer.phone: must be 7 or 10 digits, the first not 0"},
		{"a Pago Seguro phone of 7 digits that begins with 0", "pagoseguro", `3100000000`, `0100000`, "customer.phone: must be 7 or 10 digits, the first not 0"},
		{"a billing address that is no e-mail address", "pagoseguro", `"document_type"`, `"billing_email":"ana","document_type"`, "customer.billing_email: must be an e-mail"},
		{"a billing address where nobody asks for one", "etpay", `"email"`, `"billing_email":"ana@example.cl","email"`, "customer.billing_email: unknown field"},
		{"a charge named by merchant_id", "etpay", `"txnid"`, `"merchant_id"`, "merchant_id: unknown field"},
		{"a status task without a reference", "status", `,"reference":"tef-0001"`, ``, "reference: required"},
		{"a status task with a deadline", "status", `"reference"`, `"deadline":"2026-05-15T00:00:00Z","reference"`, "deadline: unknown field"},
		{"a status task with an ETpay reference that ETpay cannot have", "status", `"virtualpos","reference":"tef-0001"`, `"etpay","reference":"-tef-0001"`, "reference: must match [0-9A-Za-z][0-9A-Za-z._-]*"},

		{"an amount as a float", "virtualpos", `"12500"`, `12500.0`, "amount: must be a text, not a number"},
		{"an amount as an integer", "virtualpos", `"12500"`, `12500`, "amount: must be a text, not a number"},
		{"an amount that is null", "virtualpos", `"12500"`, `null`, "amount: must be a text, not null"},
		{"CLP with decimals", "virtualpos", `"12500"`, `"12500.00"`, "amount: CLP takes 0 decimals, not 2"},
		{"MXN with one decimal", "pagandocheck", `"149.50"`, `"149.5"`, "amount: MXN takes 2 decimals, not 1"},
		{"COP with three decimals", "pagoseguro", `"32900"`, `"1.234"`, "amount: COP takes 0 to 2 decimals, not 3"},
		{"an amount of zero", "virtualpos", `"12500"`, `"0"`, "amount: must be above zero"},
		{"a negative amount", "virtualpos", `"12500"`, `"-1"`, "amount: not a decimal"},
		{"an amount with an exponent", "virtualpos", `"12500"`, `"1e3"`, "amount: not a decimal"},
		{"an amount with separators", "virtualpos", `"12500"`, `"12.500"`, "amount: CLP takes 0 decimals"},
		{"an amount with a blank", "virtualpos", `"12500"`, `" 12500"`, "amount: not a decimal"},
		{"a VirtualPOS payout above the instant limit", "virtualpos", `"12500"`, `"7000001"`, "amount: must be at most 7000000"},
		{"a Pago Seguro amount of 14 characters", "pagoseguro", `"32900"`, `"12345678901.25"`, "amount: must have at most 13"},
		{"no amount", "virtualpos", `"amount":"12500",`, ``, "amount: required"},
		{"a currency in lower case", "virtualpos", `"CLP"`, `"clp"`, "currency: must be CLP"},
		{"a currency that the provider does not move", "virtualpos", `"CLP"`, `"MXN"`, "currency: must be CLP"},
		{"an unknown currency", "virtualpos", `"CLP"`, `"USD"`, "currency: must be CLP"},
		{"no currency", "virtualpos", `"currency":"CLP",`, ``, "currency: required"},

		{"an account in upper case", "virtualpos", `"currency"`, `"account":"Main","currency"`, "account: must be 1 to 32"},
		{"an empty account", "virtualpos", `"currency"`, `"account":"","currency"`, "account: must be 1 to 32"},
		{"an account of 33 characters", "virtualpos", `"currency"`, `"account":"` + strings.Repeat("a", 33) + `","currency"`, "account: must be 1 to 32"},
		{"a time without a zone", "virtualpos", `"currency"`, `"not_before":"2026-05-15T09:00:00","currency"`, "not_before: must be a time in RFC 3339"},
		{"a date for a time", "virtualpos", `"currency"`, `"deadline":"2026-05-15","currency"`, "deadline: must be a time in RFC 3339"},
		{"a day that does not exist", "virtualpos", `"currency"`, `"deadline":"2026-02-30T00:00:00Z","currency"`, "deadline: must be a time in RFC 3339"},
		{"a time as a number", "virtualpos", `"currency"`, `"deadline":1,"currency"`, "deadline: must be a text, not a number"},
		{"a time whose year in UTC has five digits", "virtualpos", `"currency"`, `"deadline":"9999-12-31T23:00:00-04:00","currency"`, "deadline: must be a time in RFC 3339"},
		{"the time that means none", "virtualpos", `"currency"`, `"deadline":"0001-01-01T00:00:00Z","currency"`, "deadline: must be a time in RFC 3339"},
		{"a deadline at not_before", "virtualpos", `"currency"`, `"not_before":"2026-05-15T09:00:00Z","deadline":"2026-05-15T05:00:00-04:00","currency"`, "deadline: must be after not_before"},
		{"metadata that is a list", "virtualpos", `"currency"`, `"metadata":[],"currency"`, "metadata: must be an object, not a list"},
		{"metadata with a number", "virtualpos", `"currency"`, `"metadata":{"order":1},"currency"`, "metadata.order: must be a text, not a number"},
		{"metadata above 1 KiB", "virtualpos", `"currency"`, `"metadata":{"order":"` + strings.Repeat("x", 1024) + `"},"currency"`, "metadata: longer than 1 KiB"},
		{"metadata with a control character", "virtualpos", `"currency"`, `"metadata":{"order":"a\u0007"},"currency"`, "metadata.order: contains a control character"},
		{"metadata with an empty name", "virtualpos", `"currency"`, `"metadata":{"":"a"},"currency"`, "metadata.?: a name must"},

		{"a RUT with a wrong check digit", "virtualpos", `12345678-5`, `12345678-6`, "recipient.document: must be a RUT"},
		{"no document", "virtualpos", `"document":"12345678-5",`, ``, "recipient.document: required"},
		{"no recipient", "virtualpos", `"recipient":{"document":"12345678-5","name":"Ana Soto","email":"ana@example.cl"},`, ``, "recipient.document: required"},
		{"a recipient that is a text", "virtualpos", `{"document":"12345678-5","name":"Ana Soto","email":"ana@example.cl"}`, `"Ana"`, "recipient: must be an object, not a text"},
		{"an empty name", "virtualpos", `Ana Soto`, ``, "recipient.name: required, must not be empty"},
		{"a name with a line end", "virtualpos", `Ana Soto`, `Ana\nSoto`, "recipient.name: must be one line"},
		{"a name that turns the text around", "virtualpos", `Ana Soto`, `Ana\u202eSoto`, "recipient.name: must be one line"},
		{"an e-mail address without a domain", "virtualpos", `ana@example.cl`, `ana@`, "recipient.email: must be an e-mail"},
		{"an e-mail address with a name", "virtualpos", `ana@example.cl`, `Ana <ana@example.cl>`, "recipient.email: must be an e-mail"},
		{"an e-mail address in angle brackets", "virtualpos", `ana@example.cl`, `<ana@example.cl>`, "recipient.email: must be an e-mail"},
		{"a bank code of two digits", "virtualpos", `"012"`, `"12"`, "bank.code: must be the bank's code of 3 digits"},
		{"a bank code as a number", "virtualpos", `"012"`, `12`, "bank.code: must be a text, not a number"},
		{"an account number with letters", "virtualpos", `"12345678"}}`, `"1234A"}}`, "bank.account_number: must be 4 to 20 digits"},
		{"an account number of 21 digits", "virtualpos", `"12345678"}}`, `"123456789012345678901"}}`, "bank.account_number: must be 4 to 20 digits"},
		{"a description of 41 characters", "virtualpos", `Devolución OC 1`, strings.Repeat("ó", 41), "description: must be one line of at most 40"},
		{"a description with a tab", "virtualpos", `OC 1`, `OC\t1`, "description: must be one line of at most 40"},

		{"an instruction that is a text", "coordinador", `3456789`, `"3456789"`, "details.instruction: must be a number, not a text"},
		{"an instruction of zero", "coordinador", `3456789`, `0`, "details.instruction: must be a whole number from 1"},
		{"an instruction with decimals", "coordinador", `3456789`, `3456789.0`, "details.instruction: must be a whole number"},
		{"an instruction with an exponent", "coordinador", `3456789`, `1e3`, "details.instruction: must be a whole number"},
		{"no debtor", "coordinador", `"debtor":101,`, ``, "details.debtor: required"},
		{"no creditor", "coordinador", `"creditor":202,`, ``, "details.creditor: required"},
		{"a DTE that is a text", "coordinador", `[2285813]`, `[2285813,"1"]`, "details.dtes[1]: must be a number, not a text"},
		{"DTEs that are no list", "coordinador", `[2285813]`, `2285813`, "details.dtes: must be a list, not a number"},
		{"a date that does not exist", "coordinador", `2026-05-15`, `2026-02-30`, "details.paid_on: must be a date"},
		{"no date", "coordinador", `,"paid_on":"2026-05-15"`, ``, "details.paid_on: required"},
		{"details that are a text", "coordinador", `{"debtor":101,"creditor":202,"instruction":3456789,"dtes":[2285813],"paid_on":"2026-05-15"}`, `"x"`, "details: must be an object, not a text"},
		{"a debtor that is a text", "coordinador", `"debtor":101`, `"debtor":"1"`, "details.debtor: must be a number, not a text"},
		{"a bank account where none goes", "coordinador", `"details"`, `"bank":{"code":"012"},"details"`, "bank: unknown field"},

		{"a phone of 8 digits", "pagoseguro", `"3100000000"`, `"31000000"`, "customer.phone: must be 7 or 10 digits"},
		{"a document type of 4", "pagoseguro", `"document_type":1`, `"document_type":4`, "customer.document_type: must be a whole number from 1 to 3"},
		{"a document of 21 characters", "pagoseguro", `"100000000"`, `"A00000000000000000001"`, "customer.document: must be 4 to 20"},
		{"a month of 13", "pagoseguro", `"expiry_month":6`, `"expiry_month":13`, "card.expiry_month: must be a whole number from 1 to 12"},
		{"a year of four digits", "pagoseguro", `"expiry_year":31`, `"expiry_year":2031`, "card.expiry_year: must be a whole number from 1 to 99"},
		{"37 instalments", "pagoseguro", `"installments":1`, `"installments":37`, "card.installments: must be a whole number from 1 to 36"},
		{"instalments as a text", "pagoseguro", `"installments":1`, `"installments":"1"`, "card.installments: must be a number, not a text"},
		{"no card", "pagoseguro", `"token":"eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=",`, ``, "card.token: required"},
		{"a token with a blank", "pagoseguro", `"token":"eyJ`, `"token":"ey J`, "card.token: must be 1 to 4096"},
		{"no brand", "pagoseguro", `"brand":"MasterCard",`, ``, "card.brand: required"},
		{"a name of 41 characters", "pagoseguro", `Ana Ruiz`, strings.Repeat("a", 41), "customer.name: must be one line of at most 40"},
		{"a sign that separates the fields of the hash", "pagoseguro", `Ana Ruiz`, `Ana|Ruiz`, "customer.name: must be one line of at most 40 printable characters without '|'"},
		{"that sign in the e-mail address", "pagoseguro", `ana@`, `a|na@`, "customer.email: must be an e-mail"},
		{"no city", "pagoseguro", `"city":"Bogotá",`, ``, "customer.city: required"},

		{"no agreement", "pagandocheck", `,"agreement":"CONTRATO-000812"`, ``, "agreement: required"},
		{"no customer id", "pagandocheck", `"id":"5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10"`, ``, "customer.id: required"},
		{"details that are a list", "pagandocheck", `,"agreement"`, `,"details":[],"agreement"`, "details: must be an object, not a list"},
		{"an antifraud token that is a number", "pagandocheck", `,"agreement"`, `,"details":{"antifraud_token":1},"agreement"`, "details.antifraud_token: must be a text, not a number"},

		{"a payer's RUT with a wrong check digit", "etpay", `12345678-5`, `12345678-4`, "customer.document: must be a RUT"},
		{"a bank of another form", "etpay", `cl_estado`, `estado`, "details.user_bank_code: must be a bank's code"},
		{"metadata for the payer without a name", "etpay", `"name":"Cuenta",`, ``, "details.metadata[0].name: required"},
		{"show as a text", "etpay", `"show":true`, `"show":"yes"`, "details.metadata[0].show: must be true or false, not a text"},
		{"a number for the payer's texts", "etpay", `"metadata":[{"name":"Cuenta","value":"30215","show":true}]`, `"metadata":7`, "details.metadata: must be a list, not a number"},
		{"eleven texts for the payer", "etpay", `[{`, `[` + strings.Repeat(`{"name":"a","value":"b"},`, 10) + `{`, "details.metadata: more than 10"},
	}
	for _, row := range bad {
		t.Run(row.says, func(t *testing.T) {
			line := example(t, row.provider, row.old, row.new)
			_, err := Decode(line)
			var field *FieldError
			if !errors.As(err, &field) {
				t.Fatalf("got %v, want a FieldError for\n%s", err, line)
			}
			if !strings.HasPrefix(err.Error(), row.want) {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
}

func manyFields() string {
	var b strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&b, `"x%d":1,`, i)
	}
	return b.String()
}

func TestALineThatIsNoObjectIsRefused(t *testing.T) {
	for _, line := range []string{``, `  `, `[]`, `null`, `1`, `"text"`, `true`, `{`, `{"a":1,}`, `{"a" 1}`, `{'a':1}`, `[1 2]`, `NaN`, `// x`} {
		var field *FieldError
		if _, err := Decode([]byte(line)); !errors.As(err, &field) || field.Path != "line" {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestALineMayHaveOneMebibyteAndNoByteMore(t *testing.T) {
	line := example(t, "status")
	full := append(line, strings.Repeat(" ", strictjson.MaxLine-len(line))...)
	if _, err := Decode(full); err != nil {
		t.Errorf("1 MiB: %v", err)
	}
	if _, err := Decode(append(full, ' ')); err == nil || err.Error() != "line: longer than 1 MiB" {
		t.Errorf("1 MiB and a byte: %v", err)
	}
}

func TestWhatIsRightAtTheBounds(t *testing.T) {
	good := []struct{ says, provider, old, new string }{
		{"7,000,000 pesos", "virtualpos", `"12500"`, `"7000000"`},
		{"one peso", "virtualpos", `"12500"`, `"1"`},
		{"40 characters of two bytes", "virtualpos", `Devolución OC 1`, strings.Repeat("ó", 40)},
		{"no description", "virtualpos", `"description":"Devolución OC 1",`, ``},
		{"no e-mail address", "virtualpos", `,"email":"ana@example.cl"`, ``},
		{"an empty e-mail address", "virtualpos", `ana@example.cl`, ``},
		{"a reference of 64 characters", "virtualpos", `tef-0001`, strings.Repeat("a", 64)},
		{"an account number of 20 digits", "virtualpos", `"12345678"}}`, `"00000000000012345678"}}`},
		{"metadata with a line end", "virtualpos", `"currency"`, `"metadata":{"note":"two\nlines"},"currency"`},
		{"signs that HTML minds", "virtualpos", `Ana Soto`, `Soto & <Hijos>`},
		{"no DTE", "coordinador", `"dtes":[2285813],`, ``},
		{"COP with cents", "pagoseguro", `"32900"`, `"32900.5"`},
		{"a phone of 7 digits", "pagoseguro", `"3100000000"`, `"3100000"`},
		{"a passport", "pagoseguro", `"100000000"`, `"AB1234567"`},
		{"an empty antifraud token", "pagandocheck", `,"agreement"`, `,"details":{"antifraud_token":""},"agreement"`},
		{"a token as the documentation abbreviates it", "pagoseguro", `eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=`, `eyJpdiI6…`},
		{"no payer data", "etpay", `"customer":{"email":"ana@example.cl","document":"12345678-5"},`, ``},
		{"no details", "etpay", `,"details":{"user_bank_code":"cl_estado","metadata":[{"name":"Cuenta","value":"30215","show":true}]}`, ``},
	}
	for _, row := range good {
		t.Run(row.says, func(t *testing.T) { must(t, example(t, row.provider, row.old, row.new)) })
	}
}

func TestEqualContentsHaveOneCanonicalForm(t *testing.T) {
	want := string(must(t, example(t, "virtualpos", `"bank"`, `"not_before":"2026-05-15T13:00:00Z","bank"`)).Payload())
	same := []struct{ says, old, new string }{
		{"the account named default", `"bank"`, `"account":"default","bank"`},
		{"a RUT with dots", `12345678-5`, `12.345.678-5`},
		{"a RUT without a dash", `12345678-5`, `123456785`},
		{"white space", `,"name"`, ` , "name"`},
		{"escapes", `Ana`, `\u0041na`},
	}
	for _, row := range same {
		line := example(t, "virtualpos", `"currency"`, `"not_before":"2026-05-15T09:00:00-04:00","currency"`, row.old, row.new)
		if got := string(must(t, line).Payload()); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", row.says, got, want)
		}
	}
}

func TestWhatIsNoRUTAndNoHTMLStaysAsItWas(t *testing.T) {
	line := example(t, "pagoseguro", `"100000000"`, `"123456785"`, `Ana Ruiz`, `Ruiz & <Hijos>`)
	if got := string(must(t, line).Payload()); got != string(line) {
		t.Errorf("a Colombian document that would be a RUT, or signs of HTML, changed:\n%s\n%s", got, line)
	}
}

func TestRUT(t *testing.T) {
	right := map[string]string{
		"12345678-5": "12345678-5", "12.345.678-5": "12345678-5", "123456785": "12345678-5", "12.345.6785": "12345678-5",
		"1000005-k": "1000005-K", "1000005K": "1000005-K", "1.000.005-K": "1000005-K", "01000005-K": "1000005-K", "11111111-1": "11111111-1",
		"73041-6": "73041-6", "730416": "73041-6", "73.041-6": "73041-6", "073041-6": "73041-6", "73041-0": "", "7304-1": "",
		"6-K": "", "12345678-4": "", "12345678-K": "", "12.34.5678-5": "", "1234.5678-5": "", "12345678--5": "", "12345678 5": "", " 12345678-5": "",
		"": "", "-5": "", "K": "", "123456789012-3": "", "00000000-0": "", "1234567-8-5": "",
	}
	for in, want := range right {
		if got, ok := fields.CanonicalRUT(in); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, ok, want)
		}
	}
}

func TestATaskKnowsWhatEveryPaymentHas(t *testing.T) {
	task := must(t, example(t, "virtualpos", `"currency"`,
		`"account":"chile-2","not_before":"2026-05-15T09:00:00-04:00","deadline":"2026-05-16T09:00:00-04:00","metadata":{"order":"7"},"currency"`))
	got := fmt.Sprint(task.Type(), task.Provider(), task.Account(), task.Reference(), task.Amount(), task.Metadata()["order"], task.Exclusive())
	if want := fmt.Sprint("payout", "virtualpos", "chile-2", "tef-0001", "12500 CLP", "7", ""); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if begin := time.Date(2026, 5, 15, 13, 0, 0, 0, time.UTC); !task.NotBefore().Equal(begin) || !task.Deadline().Equal(begin.AddDate(0, 0, 1)) {
		t.Errorf("from %v to %v", task.NotBefore(), task.Deadline())
	}
	status := must(t, example(t, "status"))
	if status.Type() != "status" || status.Account() != "default" || status.Reference() != "tef-0001" || !status.Amount().IsZero() {
		t.Errorf("the status task: %v", status)
	}
	if (Task{}).Type() != "" || (Task{}).Payload() != nil {
		t.Error("the zero task is one")
	}
}

func TestOnlyCoordinadorClaimsAnObject(t *testing.T) {
	for _, name := range examples {
		want := map[string]string{"coordinador": "instruction:3456789"}[name]
		if got := must(t, example(t, name)).Exclusive(); got != want {
			t.Errorf("%s claims %q", name, got)
		}
	}
	if got := must(t, example(t, "status", "virtualpos", "coordinador")).Exclusive(); got != "" {
		t.Errorf("asking about a payment claims %q", got)
	}
}

func TestProvidersGetTheirOwnVocabulary(t *testing.T) {
	p, ok := must(t, example(t, "coordinador")).Payout()
	instruction := coordinador.Details{Debtor: 101, Creditor: 202, Instruction: 3456789, DTEs: []int64{2285813}, PaidOn: "2026-05-15"}
	if !ok || !reflect.DeepEqual(providers.DetailsAs[coordinador.Details](p.Details), instruction) {
		t.Errorf("the details are %+v", p.Details)
	}
	p, _ = must(t, example(t, "virtualpos", `12345678-5`, `12.345.678-5`)).Payout()
	if p.Recipient.Document != "12345678-5" || p.Bank.Code != "012" || p.Details != nil || p.Account != "default" {
		t.Errorf("the payout has %q, bank %q, details %+v", p.Recipient.Document, p.Bank.Code, p.Details)
	}
	c, ok := must(t, example(t, "pagoseguro")).Charge()
	if !ok || !strings.HasPrefix(c.Card.Token.Reveal(), "eyJ") || c.Card.Installments != 1 || c.Customer.City != "Bogotá" {
		t.Errorf("the charge's card is %v", c.Card)
	}
	c, _ = must(t, example(t, "etpay")).Charge()
	if want := (etpay.Details{UserBankCode: "cl_estado", Metadata: []etpay.NamedText{{Name: "Cuenta", Value: "30215", Show: true}}}); !reflect.DeepEqual(providers.DetailsAs[etpay.Details](c.Details), want) {
		t.Errorf("the details are %+v", c.Details)
	}
	if _, ok := must(t, example(t, "etpay")).Payout(); ok {
		t.Error("a charge is a payout")
	}
	if _, ok := must(t, example(t, "status")).Charge(); ok {
		t.Error("a question is a charge")
	}
}
