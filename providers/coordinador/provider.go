package coordinador

import (
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/providers/spec"
)

const largestID = 999_999_999_999

// registrations: payments/create for one instruction; paid_on is its payment_dt and decides whether
// the payment was late.
func registrations() spec.Payments {
	return spec.Payments{
		Type: spec.Payout, Currency: "CLP", Reference: fields.Reference("", 64),
		Fields: []fields.Field{
			fields.OrEmpty(fields.Free("description", 100)),
			fields.Need(fields.IntegerOf("details.debtor", 1, largestID)),
			fields.Need(fields.IntegerOf("details.creditor", 1, largestID)),
			fields.Need(fields.IntegerOf("details.instruction", 1, largestID)),
			fields.IntegersOf("details.dtes", 1, largestID),
			fields.Need(fields.Date("details.paid_on")),
		},
		Details: func() providers.Details { return &Details{} },
		Meaning: []fields.Part{
			{Name: "debtor", Path: "details.debtor"}, {Name: "creditor", Path: "details.creditor"},
			{Name: "instruction", Path: "details.instruction"},
		},
		Sample: []spec.Sample{
			{Path: "merchant_id", Text: "PAY-42"}, {Path: "amount", Text: "119000"}, {Path: "currency", Text: "CLP"},
			{Path: "details.debtor", Text: "101"}, {Path: "details.creditor", Text: "202"}, {Path: "details.instruction", Text: "3456789"},
			{Path: "details.dtes", Text: "2285813"}, {Path: "details.paid_on", Text: "2026-05-15"},
		},
		Exclusive: fields.Part{Name: "instruction", Path: "details.instruction"},
	}
}

// Provider is the Coordinador's row of the catalog.
func Provider() spec.Provider {
	return spec.Provider{
		Name: Name, Title: "Coordinador", Settings: func() spec.Settings { return &Settings{} },
		Clients: []any{(*Client)(nil)}, Payments: []spec.Payments{registrations()},
	}
}

// Details name the instruction that a payment between companies settles.
type Details struct {
	Debtor      int64   `json:"debtor"`
	Creditor    int64   `json:"creditor"`
	Instruction int64   `json:"instruction"`
	DTEs        []int64 `json:"dtes,omitempty"`
	// PaidOn is the bank's date of the payment, YYYY-MM-DD.
	PaidOn string `json:"paid_on"`
}

// IsZero reports whether there are no details.
func (d Details) IsZero() bool {
	return d.Debtor == 0 && d.Creditor == 0 && d.Instruction == 0 && len(d.DTEs) == 0 && d.PaidOn == ""
}

// Settings are one account's.
type Settings struct {
	PortalURL    string           `name:"portal-url" placeholder:"URL" help:"The portal, which is queried."`
	GatewayURL   string           `name:"gateway-url" placeholder:"URL" help:"The gateway, which is written to."`
	Username     string           `name:"username" placeholder:"NAME" help:"User of the portal."`
	Password     providers.Secret `name:"password" placeholder:"TEXT" help:"The portal's password."`
	PasswordFile string           `name:"password-file" placeholder:"FILE" help:"File that holds the password."`
}

// Requirements of an account. Its identity is both URLs with their paths, in which alone production
// and staging differ, and the user.
func (s *Settings) Requirements() spec.Requirements {
	return spec.Requirements{
		Credentials: []spec.Setting{{Name: "USERNAME", Text: s.Username}, {Name: "PASSWORD", Text: s.Password.Reveal()}},
		URLs:        []spec.Setting{{Name: "PORTAL_URL", Text: s.PortalURL}, {Name: "GATEWAY_URL", Text: s.GatewayURL}},
		Needed:      2,
		Identity:    []string{spec.HostAndPath(s.PortalURL), spec.HostAndPath(s.GatewayURL), s.Username},
	}
}

// Client makes the account's client.
func (s *Settings) Client(p spec.Parts) (any, error) {
	return New(Config{
		PortalURL: s.PortalURL, GatewayURL: s.GatewayURL, Username: s.Username, Password: s.Password, Wire: p.Wire, Auth: p.Auth,
	})
}
