package quipu

import (
	"regexp"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/providers/spec"
)

// Name is the provider's in tasks, keys and settings.
const Name = "quipu"

// Provider is Quipu's row of the catalog.
func Provider() spec.Provider {
	return spec.Provider{
		Name:     Name,
		Title:    "Quipu",
		Clients:  []any{(*Client)(nil)},
		Payments: []spec.Payments{transfers()},
		Settings: func() spec.Settings { return &Settings{} },
		Webhook:  &spec.Webhook{Media: []string{"application/json"}, Read: reported, Verify: verify},
	}
}

func transfers() spec.Payments {
	banks, accounts := regexp.MustCompile(`^[0-9]{3}$`), regexp.MustCompile(`^[0-9]{4,20}$`)
	return spec.Payments{
		Type:      spec.Payout,
		Currency:  "CLP",
		Reference: fields.Reference("", 64),
		Fields: []fields.Field{
			fields.OrEmpty(fields.Free("description", 100)),
			fields.Need(fields.RUT("recipient.document")),
			fields.Need(fields.Free("recipient.name", 100)),
			fields.Need(fields.Pattern("bank.code", "must be the bank's code of 3 digits, such as 012", banks)),
			fields.Need(fields.Pattern("bank.account_number", "must be 4 to 20 digits", accounts)),
			fields.OrEmpty(fields.Free("details.purpose", 30)),
		},
		Details: func() providers.Details { return &Details{} },
		Meaning: []fields.Part{
			{Name: "document", Path: "recipient.document"}, {Name: "bank", Path: "bank.code"},
			{Name: "account_number", Path: "bank.account_number"},
		},
	}
}

// Details of a payout.
type Details struct {
	// Purpose is shown to the recipient.
	Purpose string `json:"purpose,omitempty"`
}

// IsZero reports whether there are no details.
func (d Details) IsZero() bool { return d == Details{} }

// Settings are one account's.
type Settings struct {
	BaseURL           string           `name:"base-url" placeholder:"URL" help:"The API."`
	ClientID          string           `name:"client-id" placeholder:"ID" help:"Id of the API's client."`
	ClientSecret      providers.Secret `name:"client-secret" placeholder:"TEXT" help:"Its secret."`
	ClientSecretFile  string           `name:"client-secret-file" placeholder:"FILE" help:"File that holds the secret."`
	WebhookURL        string           `name:"webhook-url" placeholder:"URL" help:"Where Quipu reports to; REMESA_WEBHOOK_ADDR listens behind it."`
	WebhookSecret     providers.Secret `name:"webhook-secret" placeholder:"TEXT" help:"Key that signs reports."`
	WebhookSecretFile string           `name:"webhook-secret-file" placeholder:"FILE" help:"File that holds that key."`
}

// Requirements of an account. Its identity is the host and the client's id.
func (s *Settings) Requirements() spec.Requirements {
	var c spec.Check
	c.Add(s.WebhookURL != "" && s.WebhookSecret == "", "WEBHOOK_SECRET", "missing: reports to WEBHOOK_URL could not be proven")
	return spec.Requirements{
		Credentials: []spec.Setting{{Name: "CLIENT_ID", Text: s.ClientID}, {Name: "CLIENT_SECRET", Text: s.ClientSecret.Reveal()}},
		URLs:        []spec.Setting{{Name: "BASE_URL", Text: s.BaseURL}, {Name: "WEBHOOK_URL", Text: s.WebhookURL}},
		Needed:      1,
		Problems:    c,
		Identity:    []string{spec.Host(s.BaseURL), s.ClientID},
	}
}

// Client makes the account's client.
func (s *Settings) Client(p spec.Parts) (any, error) {
	return New(Config{
		BaseURL: s.BaseURL, ClientID: s.ClientID, ClientSecret: s.ClientSecret,
		WebhookURL: s.WebhookURL, WebhookSecret: s.WebhookSecret,
		Wire: p.Wire, Auth: p.Auth,
	})
}
