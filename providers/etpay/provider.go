package etpay

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay/internal/dialect"
	"github.com/remesa/remesa/providers/etpay/payouts"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/providers/spec"
)

// reported is the message of {"payment": "<JWT>"}, or of a form with that field.
func readReport(r spec.Report) string {
	if r.Media == "application/json" {
		var sent struct {
			Payment string `json:"payment"`
		}
		if json.Unmarshal(r.Body, &sent) != nil {
			return ""
		}
		return sent.Payment
	}
	sent, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return ""
	}
	return sent.Get("payment")
}

// mostShown: ETpay advises three or four.
const maxNamedTexts = 10

// sessionRules: session/initialize; the payer chooses bank and account there. A session names
// neither card nor contract, so the payer's document stands for the payer.
func sessionRules() spec.Payments {
	banks := regexp.MustCompile(`^[A-Za-z]{2}_[A-Za-z0-9_]{1,29}$`)
	block := fields.BooleanOf("details.is_rut_block")
	block.Needs, block.NeedsProblem = "customer.document", "needs customer.document, the RUT that pays"
	return spec.Payments{
		Type: spec.Charge, Currency: "CLP", Reference: orderIDs(),
		Fields: []fields.Field{
			fields.OrEmpty(fields.Free("description", 100)),
			fields.OrEmpty(fields.Email("customer.email")),
			fields.OrEmpty(fields.RUT("customer.document")),
			fields.OrEmpty(fields.Pattern("details.user_bank_code", "must be a bank's code such as cl_estado", banks)),
			block,
			fields.OrEmpty(fields.WebAddress("details.payment_completed_url")),
			fields.OrEmpty(fields.WebAddress("details.payment_cancellation_url")),
			fields.NamedTextsOf("details.metadata", maxNamedTexts),
		},
		Details: func() providers.Details { return &Details{} },
		Sample: []spec.Sample{
			{Path: "txnid", Text: "OC700104"}, {Path: "amount", Text: "50000"}, {Path: "currency", Text: "CLP"}, {Path: "description", Text: "Cuenta gas"},
			{Path: "customer.document", Text: "12345678-5"}, {Path: "customer.email", Text: "ana@example.cl"},
			{Path: "details.user_bank_code", Text: "cl_estado"}, {Path: "details.metadata.Cuenta", Text: "30215"},
		},
		Meaning: []fields.Part{{Name: "document", Path: "customer.document"}},
	}
}

// payoutRules: the payouts API, whose fields are assumed. One spelling of a bank only, so that no
// payout means the same in two ways.
func payoutRules() spec.Payments {
	banks, accounts := regexp.MustCompile(`^cl_[a-z0-9_]{1,29}$`), regexp.MustCompile(`^[0-9]{4,20}$`)
	types := regexp.MustCompile(`^(corriente|vista|ahorro)$`)
	return spec.Payments{
		Type: spec.Payout, Currency: "CLP", Reference: orderIDs(),
		Fields: []fields.Field{
			fields.OrEmpty(fields.Free("description", 100)),
			fields.Need(fields.RUT("recipient.document")),
			fields.Need(fields.Free("recipient.name", 100)),
			fields.OrEmpty(fields.Email("recipient.email")),
			fields.Need(fields.Pattern("bank.code", "must be a bank's code in lower case, such as cl_estado", banks)),
			fields.Need(fields.Pattern("bank.account_number", "must be 4 to 20 digits", accounts)),
			fields.Need(fields.Pattern("bank.account_type", "must be corriente, vista or ahorro", types)),
		},
		Sample: []spec.Sample{
			{Path: "merchant_id", Text: "PO700104"}, {Path: "amount", Text: "12500"}, {Path: "currency", Text: "CLP"}, {Path: "description", Text: "Retiro 700104"},
			{Path: "recipient.document", Text: "12345678-5"}, {Path: "recipient.name", Text: "Ana Soto"}, {Path: "recipient.email", Text: "ana@example.cl"},
			{Path: "bank.code", Text: "cl_estado"}, {Path: "bank.account_number", Text: "12345678"}, {Path: "bank.account_type", Text: "vista"},
		},
		Meaning: []fields.Part{
			{Name: "document", Path: "recipient.document"}, {Name: "bank", Path: "bank.code"},
			{Name: "account_number", Path: "bank.account_number"}, {Name: "account_type", Path: "bank.account_type"},
		},
	}
}

func orderIDs() fields.Field {
	return fields.TextOf("", "must match [0-9A-Za-z][0-9A-Za-z._-]*, and at most 64 characters", dialect.OrderID)
}

// Provider is ETpay's row of the catalog.
func Provider() spec.Provider {
	return spec.Provider{
		Name: Name, Title: "ETpay", Settings: func() spec.Settings { return &Settings{} },
		Clients: []any{(*Client)(nil), (*WithPayouts)(nil)}, Payments: []spec.Payments{sessionRules(), payoutRules()},
		Webhook: &spec.Webhook{
			Media: []string{"application/json", "application/x-www-form-urlencoded"},
			Read:  func(r spec.Report) (string, error) { return MessageSession(readReport(r)) },
			Verify: func(r spec.Report, expected spec.Reported) error {
				_, err := Verify(readReport(r), Expected{ProviderRefs: expected.ProviderRefs, Reference: expected.Reference, Amount: expected.Amount, Now: expected.Now})
				return err
			},
		},
	}
}

// Details of a charge.
type Details struct {
	// UserBankCode is the payer's bank in ETpay's words, such as "cl_estado".
	UserBankCode string `json:"user_bank_code,omitempty"`
	// RUTBlock keeps the payer from paying under another RUT than the customer's document; nil
	// means that it does where there is one.
	RUTBlock *bool `json:"is_rut_block,omitempty"`
	// CompletedURL and CancellationURL are where the payer's browser is sent. What arrives there
	// proves nothing.
	CompletedURL    string `json:"payment_completed_url,omitempty"`
	CancellationURL string `json:"payment_cancellation_url,omitempty"`
	// Metadata is kept with the session and shown to the payer.
	Metadata []NamedText `json:"metadata,omitempty"`
}

// IsZero reports whether there are no details.
func (d Details) IsZero() bool {
	return d.UserBankCode == "" && d.RUTBlock == nil && d.CompletedURL == "" && d.CancellationURL == "" && len(d.Metadata) == 0
}

// Shown is one named text of a session; Show says whether the payer sees it.
type NamedText struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Show  bool   `json:"show"`
}

// Settings are one account's.
type Settings struct {
	BaseURL              string           `name:"base-url" placeholder:"URL" help:"The API."`
	PaymentURL           string           `name:"payment-url" placeholder:"URL" help:"Where payers are sent."`
	MerchantCode         string           `name:"merchant-code" placeholder:"CODE" help:"Merchant code."`
	MerchantAPIToken     providers.Secret `name:"merchant-api-token" placeholder:"TEXT" help:"Merchant API token."`
	MerchantAPITokenFile string           `name:"merchant-api-token-file" placeholder:"FILE" help:"File that holds the merchant API token."`
	WebhookURL           string           `name:"webhook-url" placeholder:"URL" help:"Where ETpay reports to; REMESA_WEBHOOK_ADDR listens behind it."`

	PayoutsURL          string           `name:"payouts-url" placeholder:"URL" help:"The payouts API. Payouts are off without it, and need user and password; their contract is assumed, see docs/providers/etpay.md."`
	PayoutsUsername     string           `name:"payouts-username" placeholder:"NAME" help:"User of the payouts API."`
	PayoutsPassword     providers.Secret `name:"payouts-password" placeholder:"TEXT" help:"Its password."`
	PayoutsPasswordFile string           `name:"payouts-password-file" placeholder:"FILE" help:"File that holds the password."`
	PayoutsCreatePath   string           `name:"payouts-create-path" default:"/v1/payouts" placeholder:"PATH" help:"Path of a new payout."`
	PayoutsStatusPath   string           `name:"payouts-status-path" default:"/v1/payouts/{id}" placeholder:"PATH" help:"Path of a payout by ETpay's id; holds {id}."`
	PayoutsRangePath    string           `name:"payouts-range-path" default:"/v1/payouts" placeholder:"PATH" help:"Path of the payouts from a day to a day."`
}

// Requirements of an account. Its identity is the host and the merchant code and, where it sends
// payouts, who sends those.
func (s *Settings) Requirements() spec.Requirements {
	r := spec.Requirements{
		Credentials: []spec.Setting{{Name: "MERCHANT_CODE", Text: s.MerchantCode}, {Name: "MERCHANT_API_TOKEN", Text: s.MerchantAPIToken.Reveal()}},
		URLs: []spec.Setting{
			{Name: "BASE_URL", Text: s.BaseURL}, {Name: "PAYMENT_URL", Text: s.PaymentURL}, {Name: "WEBHOOK_URL", Text: s.WebhookURL},
		},
		Needed:   2,
		Identity: []string{spec.Host(s.BaseURL), s.MerchantCode},
		Off:      []spec.Type{spec.Payout},
	}
	if s.paysOut() {
		s.requirePayouts(&r)
	}
	return r
}

// paysOut reports whether the account is meant to send payouts: some of their settings are set.
func (s *Settings) paysOut() bool {
	return s.PayoutsURL != "" || s.PayoutsUsername != "" || s.PayoutsPassword != ""
}

// requirePayouts makes the settings of payouts part of the account: all are needed, and who gets
// the payouts is part of its identity. How their listing looks is assumed, so that an absent payout
// may be one that was paid.
func (s *Settings) requirePayouts(r *spec.Requirements) {
	r.Off, r.HoldOnly = nil, "sends payouts: their listing proves nothing yet"
	r.URLs = append([]spec.Setting{{Name: "PAYOUTS_URL", Text: s.PayoutsURL}}, r.URLs...)
	r.Needed++
	r.Identity = append(r.Identity, spec.Host(s.PayoutsURL), s.PayoutsUsername)
	r.Credentials = append(r.Credentials,
		spec.Setting{Name: "PAYOUTS_USERNAME", Text: s.PayoutsUsername}, spec.Setting{Name: "PAYOUTS_PASSWORD", Text: s.PayoutsPassword.Reveal()})
	var c spec.Check
	c.Add(!strings.HasPrefix(s.PayoutsCreatePath, "/"), "PAYOUTS_CREATE_PATH", "must begin with /")
	c.Add(!strings.HasPrefix(s.PayoutsRangePath, "/"), "PAYOUTS_RANGE_PATH", "must begin with /")
	c.Add(!spec.PathHolds(s.PayoutsStatusPath, "{id}"), "PAYOUTS_STATUS_PATH", "must begin with / and hold {id}")
	r.Problems = c
}

// Client makes the account's client, which sends payouts where the account has settings for them.
func (s *Settings) Client(p spec.Parts) (any, error) {
	c := Config{
		BaseURL: s.BaseURL, PaymentURL: s.PaymentURL, MerchantCode: s.MerchantCode, MerchantAPIToken: s.MerchantAPIToken,
		WebhookURL: s.WebhookURL, Wire: p.Wire,
	}
	if !s.paysOut() {
		return New(c)
	}
	return NewWithPayouts(c, payouts.Config{
		URL: s.PayoutsURL, Username: s.PayoutsUsername, Password: s.PayoutsPassword,
		CreatePath: s.PayoutsCreatePath, StatusPath: s.PayoutsStatusPath, RangePath: s.PayoutsRangePath,
		Auth: p.Auth,
	})
}
