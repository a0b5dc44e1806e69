package pagoseguro

import (
	"regexp"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/providers/spec"
)

// thirteenCharacters is the size of the amount, dot included.
func thirteenCharacters(m providers.Money) string {
	if len(m.Trimmed()) > 13 {
		return "must have at most 13 characters for this provider"
	}
	return ""
}

// charges: the fields of tokenization, all of them required there; name, description and e-mail are
// part of its hash, whose values "|" separates.
func charges() spec.Payments {
	documents := regexp.MustCompile(`^[A-Za-z0-9]{4,20}$`)
	phones := regexp.MustCompile(`^[1-9]([0-9]{6}|[0-9]{9})$`)
	brands := regexp.MustCompile(`^[A-Za-z][A-Za-z ]{0,29}$`)
	return spec.Payments{
		Type: spec.Charge, Currency: "COP", Reference: fields.Reference("", 20), Limit: thirteenCharacters,
		Fields: []fields.Field{
			fields.Need(fields.Without('|', "description", 40)),
			fields.Need(fields.Without('|', "customer.name", 40)),
			fields.Need(fields.Email("customer.email")),
			fields.OrEmpty(fields.Email("customer.billing_email")),
			fields.Need(fields.IntegerOf("customer.document_type", 1, 3)),
			fields.Need(fields.Pattern("customer.document", "must be 4 to 20 letters and digits", documents)),
			fields.Need(fields.Pattern("customer.phone", "must be 7 or 10 digits, the first not 0", phones)),
			fields.Need(fields.Free("customer.address", 100)),
			fields.Need(fields.Free("customer.city", 60)),
			fields.Need(fields.Free("customer.first_names", 60)),
			fields.Need(fields.Free("customer.last_names", 60)),
			fields.Need(fields.Opaque("card.token", 4096)),
			fields.Need(fields.Pattern("card.brand", "must be a card brand such as MasterCard", brands)),
			fields.Need(fields.IntegerOf("card.expiry_month", 1, 12)),
			fields.Need(fields.IntegerOf("card.expiry_year", 1, 99)),
			fields.Need(fields.IntegerOf("card.installments", 1, 36)),
		},
		Sample: []spec.Sample{
			{Path: "txnid", Text: "SO0001"}, {Path: "amount", Text: "32900"}, {Path: "currency", Text: "COP"}, {Path: "description", Text: "Suscripción Canal"},
			{Path: "customer.document_type", Text: "1"}, {Path: "customer.document", Text: "100000000"}, {Path: "customer.name", Text: "Ana Ruiz"},
			{Path: "customer.first_names", Text: "Ana"}, {Path: "customer.last_names", Text: "Ruiz"}, {Path: "customer.email", Text: "ana@example.com"},
			{Path: "customer.phone", Text: "3100000000"}, {Path: "customer.address", Text: "Calle 10 # 10-99"}, {Path: "customer.city", Text: "Bogotá"},
			{Path: "card.token", Text: "eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0="}, {Path: "card.brand", Text: "MasterCard"},
			{Path: "card.expiry_month", Text: "6"}, {Path: "card.expiry_year", Text: "31"}, {Path: "card.installments", Text: "1"},
		},
		Meaning: []fields.Part{{Name: "installments", Path: "card.installments"}, {Name: "card", Path: "card.token"}},
	}
}

// Provider is Pago Seguro's row of the catalog.
func Provider() spec.Provider {
	return spec.Provider{
		Name: Name, Title: "Pago Seguro", Settings: func() spec.Settings { return &Settings{} },
		Clients: []any{(*Client)(nil)}, Payments: []spec.Payments{charges()},
	}
}

// Settings are one account's.
type Settings struct {
	BaseURL    string           `name:"base-url" placeholder:"URL" help:"The host; /pagosegurocanal/public/… is added."`
	AccountID  string           `name:"account-id" placeholder:"ID" help:"Account id."`
	APIKey     providers.Secret `name:"api-key" placeholder:"TEXT" help:"API key."`
	APIKeyFile string           `name:"api-key-file" placeholder:"FILE" help:"File that holds the API key."`

	HardDeclines string `name:"hard-declines" placeholder:"TEXT,…" help:"Messages of declines that no later charge will pass, separated by commas; every other decline counts as soft."`
}

// Requirements of an account. Its identity is the host and the account's id there.
func (s *Settings) Requirements() spec.Requirements {
	return spec.AtHost(s.BaseURL, spec.Setting{Name: "ACCOUNT_ID", Text: s.AccountID}, spec.Setting{Name: "API_KEY", Text: s.APIKey.Reveal()})
}

// Client makes the account's client.
func (s *Settings) Client(p spec.Parts) (any, error) {
	return New(Config{
		BaseURL: s.BaseURL, AccountID: s.AccountID, APIKey: s.APIKey, HardDeclines: spec.List(s.HardDeclines), Wire: p.Wire, Auth: p.Auth,
	})
}
