package paymentfile

import (
	"slices"
	"strings"
	"sync"

	"github.com/remesa/remesa/internal/spreadsheet"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/tasks"
)

// meaning is what a column means: the field that its cells are, which may depend on the type of the
// payment, and the words by which people head it.
type meaning struct {
	// label is the word by which a template heads the column; it is one of the words.
	label string
	// path is that of the field; for a word of several fields it is empty, and byType says which.
	path   string
	byType map[string]string
	words  []string
}

const (
	payout = string(spec.Payout)
	charge = string(spec.Charge)
	status = "status"
)

func either(label, ofPayout, ofCharge string, words ...string) meaning {
	return meaning{label: label, byType: map[string]string{payout: ofPayout, charge: ofCharge}, words: words}
}

func one(label, path string, words ...string) meaning {
	return meaning{label: label, path: path, words: words}
}

// Columns that are no field by themselves.
const (
	checkDigit = "check digit" // joined with the document
	firstNames = "first names" // joined with the last names for a payout
	lastNames  = "last names"
	leftOut    = "-"
)

// meanings are all that a word of a header may mean, each word as people write it. Words that are
// left out on purpose: "proveedor" alone is whoever is paid; "saldo", "subtotal" and "neto" are no
// amount to pay; invoices and purchase orders are not unique, so that they are no reference.
var meanings = []meaning{
	one("Tipo", "type", "tipo de operación", "operación"),
	one("Proveedor de pago", "provider", "pasarela", "psp"),
	one("Perfil", "account", "perfil de credenciales", "comercio"),
	{label: "Referencia", byType: map[string]string{payout: "merchant_id", charge: "txnid", status: "reference"},
		words: []string{"ref", "referencia interna", "referencia cliente", "id", "id pago", "folio", "número de operación", "código de pago", "documento autorizado"}},
	one("Monto", "amount", "monto transferencia", "mto total", "monto del pago", "valor", "valortransaccion", "valor transaccion", "valor del pago", "importe", "total a pagar"),
	one("Moneda", "currency", "divisa", "moneda destino"),
	one("Glosa", "description", "glosa tef", "mensaje destinatario", "motivo", "detalle del pago", "descripción", "concepto"),
	either("RUT", "recipient.document", "customer.document", "rut beneficiario", "rut benef", "rut destinatario", "rut pagador", "nit", "nit beneficiario",
		"cédula", "número de identificación", "número de documento", "documento", "documento beneficiario", "documento pagador", "rfc"),
	one("DV", checkDigit, "dig verif", "dígito verificador", "dig verif beneficiario"),
	either("Nombre", "recipient.name", "customer.name", "nombre beneficiario", "nombre benef", "nombre pagador", "beneficiario", "destinatario", "titular", "razón social"),
	one("Nombres", firstNames),
	one("Apellidos", lastNames, "apellido"),
	either("Correo", "recipient.email", "customer.email", "correo electrónico", "e-mail", "email", "mail", "email destinatario"),
	one("Código de banco", "bank.code", "banco", "banco destino", "cod banco", "codigo banco", "codigo banco abono", "institución"),
	one("Número de cuenta", "bank.account_number", "cuenta", "n cuenta", "n cuenta de destino", "cuenta de destino", "cuenta destino", "cta destino",
		"número cuenta", "número de cuenta beneficiario", "número cuenta beneficiario", "cuenta beneficiario", "cuenta abono", "clabe"),
	one("Tipo de cuenta", "bank.account_type", "tipo cuenta", "tipo de producto"),
	one("Tipo de documento", "customer.document_type", "tipo identificación", "tipo de identificación"),
	one("Celular", "customer.phone", "teléfono", "móvil"),
	one("Dirección", "customer.address", "domicilio"),
	one("Ciudad", "customer.city", "municipio"),
	one("Id de cliente", "customer.id", "id cliente"),
	one("Contrato", "agreement"),
	one("Token", "card.token", "token de tarjeta"),
	one("Franquicia", "card.brand", "marca"),
	one("Cuotas", "card.installments", "meses", "número de cuotas"),
	one("Mes de vencimiento", "card.expiry_month", "mes venc"),
	one("Año de vencimiento", "card.expiry_year", "año venc"),
	one("Deudor", "details.debtor"),
	one("Acreedor", "details.creditor"),
	one("Instrucción", "details.instruction", "id instrucción"),
	one("DTE", "details.dtes", "folio dte"),
	one("Fecha de pago", "details.paid_on"),
	one("Banco del pagador", "details.user_bank_code"),
	one("Prioridad", "priority"),
}

// never are words of columns that are not paid by, and why.
var never = map[Fault][]string{
	// The account that is debited, beside that which is paid.
	FundingColumn: {"cuenta de cargo", "cuenta cargo", "número cuenta de cargo", "cta cargo", "cta origen", "cuenta origen", "cuenta de origen",
		"cuenta a debitar", "número cuenta a debitar", "moneda origen"},
	CardColumn: {"tarjeta", "número de tarjeta", "número tarjeta", "tarjeta de crédito", "pan", "card number", "cvv", "cvc", "código de seguridad"},
	// They change when money moves, or are not unique.
	MapOnlyColumn: {"fecha de aplicación", "fecha programada", "fecha límite", "vencimiento", "fecha de vencimiento", "número factura", "factura",
		"número factura boleta", "orden de compra", "número orden de compra", "número de orden de compra"},
}

// vocabulary finds meanings and faults by folded words.
type vocabulary struct {
	byWord map[string]*meaning
	faults map[string]Fault
	// labels are what an unknown column may have been meant as.
	labels []string
}

var words = sync.OnceValue(func() *vocabulary {
	v := &vocabulary{byWord: map[string]*meaning{}, faults: map[string]Fault{}}
	for i := range meanings {
		m := &meanings[i]
		for _, word := range append([]string{m.label}, m.words...) {
			v.byWord[spreadsheet.Fold(word)] = m
		}
		v.labels = append(v.labels, m.label)
	}
	for _, name := range tasks.ColumnNames() {
		if folded := spreadsheet.Fold(name); v.byWord[folded] == nil {
			v.byWord[folded] = &meaning{label: name, path: name}
		}
	}
	for fault, all := range never {
		for _, word := range all {
			v.faults[spreadsheet.Fold(word)] = fault
		}
	}
	v.labels = append(v.labels, tasks.ColumnNames()...)
	return v
})

// known reports whether a cell is a word of a header.
func known(cell string) bool {
	if _, ok := tasks.ColumnKind(cell); ok {
		return true
	}
	folded := spreadsheet.Fold(cell)
	_, fault := words().faults[folded]
	return fault || words().byWord[folded] != nil
}

// exact reports whether a cell is a column's own name.
func exact(cell string) bool {
	_, ok := tasks.ColumnKind(cell)
	return ok
}

// values are the words of cells that stand for a value of a field, folded.
var values = map[string]map[string]string{
	"type":                   {"pago": payout, "pagos": payout, "cobro": charge, "cobros": charge, "consulta": status},
	"bank.account_type":      accountTypes,
	"customer.document_type": {"cc": "1", "cedula": "1", "cedula de ciudadania": "1", "ce": "2", "cedula de extranjeria": "2", "pasaporte": "3", "pas": "3"},
}

var accountTypes = map[string]string{
	"cc": "corriente", "cta cte": "corriente", "cuenta corriente": "corriente", "cta corriente": "corriente",
	"rut": "vista", "cuentarut": "vista", "cuenta rut": "vista", "cuenta vista": "vista", "cta vista": "vista",
	"aho": "ahorro", "ahorros": "ahorro", "cuenta de ahorro": "ahorro", "cuenta ahorro": "ahorro",
}

// valueOf is the value that a cell stands for; the cell itself where it is no word for one.
func valueOf(path, cell string) string {
	if values[path] == nil && path != "provider" {
		return cell
	}
	folded := spreadsheet.Fold(cell)
	if path == "provider" {
		if _, ok := catalog.Find(cell); ok {
			return cell
		}
		for _, p := range catalog.Providers() {
			if folded == p.Name || strings.ReplaceAll(folded, " ", "") == strings.ReplaceAll(spreadsheet.Fold(p.Title), " ", "") {
				return p.Name
			}
		}
	}
	if value, ok := values[path][folded]; ok {
		return value
	}
	if slices.Contains([]string{"corriente", "vista", "ahorro"}, folded) && path == "bank.account_type" {
		return folded
	}
	return cell
}

// onlyType is the type of payment that a provider takes, where it takes one.
func onlyType(provider string) string {
	p, ok := catalog.Find(provider)
	if !ok || len(p.Payments) != 1 {
		return ""
	}
	return string(p.Payments[0].Type)
}
