package virtualpos

import (
	"regexp"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/providers/spec"
)

// payouts: tef{merchant_id, message, amount, recipient, bank}. 40 characters of message are a
// cautious limit.
func payouts() spec.Payments {
	codes, accounts := regexp.MustCompile(`^[0-9]{3}$`), regexp.MustCompile(`^[0-9]{4,20}$`)
	return spec.Payments{
		Type: spec.Payout, Currency: "CLP", Reference: fields.Reference("", 64), Limit: instantTransfer,
		Fields: []fields.Field{
			fields.OrEmpty(fields.Free("description", 40)),
			fields.Need(fields.RUT("recipient.document")),
			fields.Need(fields.Free("recipient.name", 100)),
			fields.OrEmpty(fields.Email("recipient.email")),
			fields.Need(fields.Pattern("bank.code", "must be the bank's code of 3 digits, such as 012", codes)),
			fields.Need(fields.Pattern("bank.account_number", "must be 4 to 20 digits", accounts)),
		},
		Meaning: []fields.Part{
			{Name: "document", Path: "recipient.document"}, {Name: "bank", Path: "bank.code"},
			{Name: "account_number", Path: "bank.account_number"},
		},
		Sample: []spec.Sample{
			{Path: "merchant_id", Text: "tef-0001"}, {Path: "amount", Text: "12500"}, {Path: "currency", Text: "CLP"},
			{Path: "description", Text: "Devolución OC 1"}, {Path: "recipient.document", Text: "12345678-5"}, {Path: "recipient.name", Text: "Ana Soto"},
			{Path: "recipient.email", Text: "ana@example.cl"}, {Path: "bank.code", Text: "012"}, {Path: "bank.account_number", Text: "12345678"},
		},
	}
}

// instantTransfer is the limit of an instant transfer between Chilean banks; more would be refused
// or take another way.
func instantTransfer(m providers.Money) string {
	if whole, ok := m.WholeUnits(); !ok || whole > 7_000_000 {
		return "must be at most 7000000 for this provider"
	}
	return ""
}

// Provider is VirtualPOS's row of the catalog.
func Provider() spec.Provider {
	return spec.Provider{
		Name: Name, Title: "VirtualPOS", Settings: func() spec.Settings { return &Settings{} },
		Clients: []any{(*Client)(nil)}, Payments: []spec.Payments{payouts()},
	}
}

// Settings are one account's.
type Settings struct {
	BaseURL              string           `name:"base-url" placeholder:"URL" help:"The payout API; may carry a path prefix."`
	APIKey               providers.Secret `name:"api-key" placeholder:"TEXT" help:"API key."`
	APIKeyFile           string           `name:"api-key-file" placeholder:"FILE" help:"File that holds the API key."`
	SecretKey            providers.Secret `name:"secret-key" placeholder:"TEXT" help:"Key that signs requests."`
	SecretKeyFile        string           `name:"secret-key-file" placeholder:"FILE" help:"File that holds the secret key."`
	ClientCertFile       string           `name:"client-cert-file" placeholder:"FILE" help:"Client certificate for mutual TLS, PEM."`
	ClientKeyFile        string           `name:"client-key-file" placeholder:"FILE" help:"Its private key, PEM." private:""`
	CAFile               string           `name:"ca-file" placeholder:"FILE" help:"Authorities that may sign the server's certificate, PEM; without it the system's."`
	CreatePath           string           `name:"create-path" default:"/v3/payout" placeholder:"PATH" help:"Path of a new payout."`
	StatusPath           string           `name:"status-path" default:"/v3/payout/{id}" placeholder:"PATH" help:"Path of a payout by its provider id; holds {id}."`
	StatusByMerchantPath string           `name:"status-by-merchant-path" default:"/v3/payout/merchant/{merchant_id}" placeholder:"PATH" help:"Path of a payout by our reference; holds {merchant_id}."`
	Body                 string           `name:"body" default:"wrapped" placeholder:"wrapped|flat" help:"Whether the payout stands inside a tef object, or is the body."`
	StatusSignature      string           `name:"status-signature" default:"tef" placeholder:"tef|api_key" help:"What signs a status query: the payout, or the API key alone."`
}

// Requirements of an account. Its identity is the host and a hash of the API key, as it has no
// other name.
func (s *Settings) Requirements() spec.Requirements {
	return spec.Requirements{
		Credentials: []spec.Setting{{Name: "API_KEY", Text: s.APIKey.Reveal()}, {Name: "SECRET_KEY", Text: s.SecretKey.Reveal()}},
		URLs:        []spec.Setting{{Name: "BASE_URL", Text: s.BaseURL}},
		Needed:      1,
		Files: []spec.Setting{
			{Name: "CLIENT_CERT_FILE", Text: s.ClientCertFile}, {Name: "CLIENT_KEY_FILE", Text: s.ClientKeyFile}, {Name: "CA_FILE", Text: s.CAFile},
		},
		Problems: s.problems(),
		Identity: []string{spec.Host(s.BaseURL), "key " + spec.Digest(s.APIKey)},
	}
}

func (s *Settings) problems() []spec.Setting {
	var c spec.Check
	c.Add((s.ClientCertFile == "") != (s.ClientKeyFile == ""), "CLIENT_CERT_FILE", "a client certificate and its key go together: set both CLIENT_CERT_FILE and CLIENT_KEY_FILE, or none")
	c.Add(!strings.HasPrefix(s.CreatePath, "/"), "CREATE_PATH", "must begin with /")
	c.Add(!spec.PathHolds(s.StatusPath, "{id}"), "STATUS_PATH", "must begin with / and hold {id}")
	c.Add(!spec.PathHolds(s.StatusByMerchantPath, "{merchant_id}"), "STATUS_BY_MERCHANT_PATH", "must begin with / and hold {merchant_id}")
	c.Add(s.Body != Wrapped && s.Body != Flat, "BODY", "must be wrapped or flat")
	c.Add(s.StatusSignature != SignTef && s.StatusSignature != SignAPIKey, "STATUS_SIGNATURE", "must be tef or api_key")
	return c
}

// Client makes the account's client.
func (s *Settings) Client(p spec.Parts) (any, error) {
	p.Wire.ClientCertFile, p.Wire.ClientKeyFile, p.Wire.CAFile = s.ClientCertFile, s.ClientKeyFile, s.CAFile
	return New(Config{
		BaseURL: s.BaseURL, APIKey: s.APIKey, SecretKey: s.SecretKey,
		CreatePath: s.CreatePath, StatusPath: s.StatusPath, StatusByMerchantPath: s.StatusByMerchantPath,
		Body: s.Body, StatusSignature: s.StatusSignature,
		Wire: p.Wire,
	})
}
