package pagandocheck

import (
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/providers/spec"
)

// charges: create-order with an agreement instead of the card's security code.
func charges() spec.Payments {
	return spec.Payments{
		Type: spec.Charge, Currency: "MXN", Reference: fields.Reference("", 64),
		Fields: []fields.Field{
			fields.OrEmpty(fields.Free("description", 100)),
			fields.Need(fields.ID(fields.Opaque("customer.id", 64))),
			fields.Need(fields.Opaque("card.token", 4096)),
			fields.Need(fields.ID(fields.Free("agreement", 64))),
			fields.OrEmpty(fields.ID(fields.Opaque("details.antifraud_token", 4096))),
		},
		Details: func() providers.Details { return &Details{} },
		Sample: []spec.Sample{
			{Path: "txnid", Text: "PAY-0000000042"}, {Path: "amount", Text: "149.50"}, {Path: "currency", Text: "MXN"}, {Path: "description", Text: "Plan mensual"},
			{Path: "customer.id", Text: "5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10"}, {Path: "card.token", Text: "cd_example-000001"},
			{Path: "agreement", Text: "CONTRATO-000812"},
		},
		Meaning: []fields.Part{
			{Name: "card", Path: "card.token"}, {Name: "customer", Path: "customer.id"}, {Name: "agreement", Path: "agreement"},
		},
	}
}

// Provider is Pagando Check's row of the catalog.
func Provider() spec.Provider {
	return spec.Provider{
		Name: Name, Title: "Pagando Check", Settings: func() spec.Settings { return &Settings{} },
		Clients: []any{(*TwoStep)(nil), (*Client)(nil)}, Payments: []spec.Payments{charges()},
	}
}

// Details of a charge.
type Details struct {
	// AntifraudToken is captured at enrolment; it may be empty.
	AntifraudToken providers.Token `json:"antifraud_token,omitempty"`
}

// IsZero reports whether there are no details.
func (d Details) IsZero() bool { return d == Details{} }

// Settings are one account's.
type Settings struct {
	BaseURL      string           `name:"base-url" placeholder:"URL" help:"The host; /v1/pagando/… is added."`
	User         string           `name:"user" placeholder:"NAME" help:"User of the API."`
	Password     providers.Secret `name:"password" placeholder:"TEXT" help:"Its password."`
	PasswordFile string           `name:"password-file" placeholder:"FILE" help:"File that holds the password."`
	TwoStep      bool             `name:"two-step" default:"true" negatable:"" help:"Create an order before the charge, so that it can be queried."`
	Origin       string           `name:"origin" default:"MAGENTO" placeholder:"TEXT" help:"The originECommerce of an order."`
	TokenHeader  string           `name:"token-header" default:"Authorization: Bearer" placeholder:"NAME: SCHEME" help:"Header and scheme of the token; Authorization: alone sends it bare."`

	HardDeclines      string `name:"hard-declines" placeholder:"CODE,…" help:"Codes of declines that no later charge will pass, such as SWITCH_4041, separated by commas; every other decline counts as soft."`
	UncertainDeclines string `name:"uncertain-declines" placeholder:"TEXT,…" help:"Parts of a decline's key or message that leave open whether the card was charged, separated by commas; without it, what speaks of a time-out or of no answer."`
}

// Requirements of an account. Its identity is the host and the user.
func (s *Settings) Requirements() spec.Requirements {
	return spec.AtHost(s.BaseURL, spec.Setting{Name: "USER", Text: s.User}, spec.Setting{Name: "PASSWORD", Text: s.Password.Reveal()})
}

// Client makes the account's client, which charges in two steps unless the account is set not to.
func (s *Settings) Client(p spec.Parts) (any, error) {
	c := Config{
		BaseURL: s.BaseURL, User: s.User, Password: s.Password, Origin: s.Origin,
		TokenHeader: s.TokenHeader, HardDeclines: spec.List(s.HardDeclines), UncertainDeclines: spec.List(s.UncertainDeclines),
		Wire: p.Wire, Auth: p.Auth,
	}
	if s.TwoStep {
		return NewTwoStep(c)
	}
	return New(c)
}
