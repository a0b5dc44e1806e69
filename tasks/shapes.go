package tasks

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remesa/remesa/providers"
)

// The types of tasks.
const (
	typePayout = "payout"
	typeCharge = "charge"
	typeStatus = "status"
)

// DefaultAccount is the account of a task that names none.
const DefaultAccount = "default"

// rules are what one provider takes of one type of payment: in which currency, up to which amount,
// and the table of its fields.
type rules struct {
	moves    string
	currency string
	limit    func(providers.Money) string // what is wrong with an amount, empty if nothing
	payment  *shape
	status   *shape
}

var (
	references   = regexp.MustCompile(`^[A-Za-z0-9._-]*[A-Za-z0-9][A-Za-z0-9._-]*$`)
	etpayOrders  = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]*$`)
	accounts     = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	bankCodes    = regexp.MustCompile(`^[0-9]{3}$`)
	bankAccounts = regexp.MustCompile(`^[0-9]{4,20}$`)
	documents    = regexp.MustCompile(`^[A-Za-z0-9]{4,20}$`)
	phones       = regexp.MustCompile(`^[1-9]([0-9]{6}|[0-9]{9})$`)
	brandNames   = regexp.MustCompile(`^[A-Za-z][A-Za-z ]{0,29}$`)
	etpayBanks   = regexp.MustCompile(`^[A-Za-z]{2}_[A-Za-z0-9_]{1,29}$`)
	payoutBanks  = regexp.MustCompile(`^cl_[a-z0-9_]{1,29}$`)
	accountTypes = regexp.MustCompile(`^(corriente|vista|ahorro)$`)
)

// byProvider holds the rules of every provider, one for each type of payment that it takes; each
// table follows the provider's own field list. Where there are two, both take the same references:
// a question names no type.
var byProvider = map[string][]rules{
	providers.VirtualPOS:   {virtualpos()},
	providers.Coordinador:  {coordinador()},
	providers.PagoSeguro:   {pagoseguro()},
	providers.PagandoCheck: {pagandocheck()},
	providers.ETpay:        {etpaySession(), etpayPayout()},
}

// virtualpos: tef{merchant_id, message, amount, recipient, bank}. 40 characters of message are a
// cautious limit.
func virtualpos() rules {
	return payoutRules("CLP", instantTransfer, reference("merchant_id", 64),
		orEmpty(free("description", 40)),
		need(rut("recipient.document")),
		need(free("recipient.name", 100)),
		orEmpty(email("recipient.email")),
		need(pattern("bank.code", "must be the bank's code of 3 digits, such as 012", bankCodes)),
		need(pattern("bank.account_number", "must be 4 to 20 digits", bankAccounts)),
	)
}

// coordinador: payments/create for one instruction; paid_on is its payment_dt and decides whether
// the payment was late.
func coordinador() rules {
	return payoutRules("CLP", anyAmount, reference("merchant_id", 64),
		orEmpty(free("description", 100)),
		need(integer("details.debtor", 1, largestID)),
		need(integer("details.creditor", 1, largestID)),
		need(integer("details.instruction", 1, largestID)),
		integers("details.dtes", 1, largestID),
		need(date("details.paid_on")),
	)
}

const largestID = 999_999_999_999

// pagoseguro: the fields of tokenization, all of them required there; name, description and e-mail
// are part of its hash.
func pagoseguro() rules {
	return chargeRules("COP", thirteenCharacters, reference("txnid", 20),
		need(hashed("description", 40)),
		need(hashed("customer.name", 40)),
		need(email("customer.email")),
		orEmpty(email("customer.billing_email")),
		need(integer("customer.document_type", 1, 3)),
		need(pattern("customer.document", "must be 4 to 20 letters and digits", documents)),
		need(pattern("customer.phone", "must be 7 or 10 digits, the first not 0", phones)),
		need(free("customer.address", 100)),
		need(free("customer.city", 60)),
		need(free("customer.first_names", 60)),
		need(free("customer.last_names", 60)),
		need(opaque("card.token", 4096)),
		need(pattern("card.brand", "must be a card brand such as MasterCard", brandNames)),
		need(integer("card.expiry_month", 1, 12)),
		need(integer("card.expiry_year", 1, 99)),
		need(integer("card.installments", 1, 36)),
	)
}

// pagandocheck: create-order with an agreement instead of the card's security code.
func pagandocheck() rules {
	return chargeRules("MXN", anyAmount, reference("txnid", 64),
		orEmpty(free("description", 100)),
		need(opaque("customer.id", 64)),
		need(opaque("card.token", 4096)),
		need(free("agreement", 64)),
		orEmpty(opaque("details.antifraud_token", 4096)),
	)
}

// etpaySession: session/initialize; the payer chooses bank and account there.
func etpaySession() rules {
	return chargeRules("CLP", anyAmount, etpayReference("txnid"),
		orEmpty(free("description", 100)),
		orEmpty(email("customer.email")),
		orEmpty(rut("customer.document")),
		orEmpty(pattern("details.user_bank_code", "must be a bank's code such as cl_estado", etpayBanks)),
		boolean("details.is_rut_block"),
		orEmpty(webAddress("details.payment_completed_url")),
		orEmpty(webAddress("details.payment_cancellation_url")),
		shown("details.metadata"),
	)
}

// etpayPayout: the payouts API, whose fields are assumed. One spelling of a bank only, so that no
// payout means the same in two ways.
func etpayPayout() rules {
	return payoutRules("CLP", anyAmount, etpayReference("merchant_id"),
		orEmpty(free("description", 100)),
		need(rut("recipient.document")),
		need(free("recipient.name", 100)),
		orEmpty(email("recipient.email")),
		need(pattern("bank.code", "must be a bank's code in lower case, such as cl_estado", payoutBanks)),
		need(pattern("bank.account_number", "must be 4 to 20 digits", bankAccounts)),
		need(pattern("bank.account_type", "must be corriente, vista or ahorro", accountTypes)),
	)
}

func etpayReference(path string) field {
	return text(path, "must match [0-9A-Za-z][0-9A-Za-z._-]*, and at most 64 characters", func(s string) bool {
		return len(s) <= 64 && etpayOrders.MatchString(s)
	})
}

func payoutRules(currency string, limit func(providers.Money) string, reference field, fields ...field) rules {
	return newRules(typePayout, currency, limit, reference, fields)
}

func chargeRules(currency string, limit func(providers.Money) string, reference field, fields ...field) rules {
	return newRules(typeCharge, currency, limit, reference, fields)
}

func newRules(moves, currency string, limit func(providers.Money) string, reference field, fields []field) rules {
	account := pattern("account", "must be 1 to 32 lower-case letters, digits or dashes", accounts)
	head := []field{need(anyText("type")), need(anyText("provider")), account}
	payment := append(slices.Clone(head), need(reference), need(anyText("amount")), need(anyText("currency")),
		instant("not_before"), instant("deadline"), metadata("metadata"))
	asked := reference
	asked.path = "reference"
	return rules{
		moves:    moves,
		currency: currency,
		limit:    limit,
		payment:  newShape(append(payment, fields...)...),
		status:   newShape(append(head, need(asked))...),
	}
}

func anyAmount(providers.Money) string { return "" }

// instantTransfer is the limit of an instant transfer between Chilean banks; more would be refused
// or take another way.
func instantTransfer(m providers.Money) string {
	if whole, ok := m.Whole(); !ok || whole > 7_000_000 {
		return "must be at most 7000000 for this provider"
	}
	return ""
}

// thirteenCharacters is the size of Pago Seguro's amount, dot included.
func thirteenCharacters(m providers.Money) string {
	if len(m.Shortest()) > 13 {
		return "must have at most 13 characters for this provider"
	}
	return ""
}

// anyText is a text that is judged elsewhere: type and provider choose the table, amount and
// currency are judged together.
func anyText(path string) field { return text(path, "", func(string) bool { return true }) }

func reference(path string, longest int) field {
	problem := "must match [A-Za-z0-9._-]+ with a letter or digit, and at most 64 characters"
	if longest == 20 {
		problem = strings.Replace(problem, "64", "20", 1)
	}
	return text(path, problem, func(s string) bool { return len(s) <= longest && references.MatchString(s) })
}
