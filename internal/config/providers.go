package config

import (
	"slices"
	"strings"

	"github.com/remesa/remesa/providers"
)

// Providers holds the account "default" of each provider, what each has otherwise than the rest,
// and the file of further accounts.
type Providers struct {
	VirtualPOS   VirtualPOS   `embed:"" prefix:"virtualpos-" group:"VirtualPOS"`
	PagoSeguro   PagoSeguro   `embed:"" prefix:"pagoseguro-" group:"Pago Seguro"`
	PagandoCheck PagandoCheck `embed:"" prefix:"pagandocheck-" group:"Pagando Check"`
	ETpay        ETpay        `embed:"" prefix:"etpay-" group:"ETpay"`
	Coordinador  Coordinador  `embed:"" prefix:"coordinador-" group:"Coordinador"`

	VirtualPOSOverrides   Overrides `embed:"" prefix:"virtualpos-" group:"VirtualPOS"`
	PagoSeguroOverrides   Overrides `embed:"" prefix:"pagoseguro-" group:"Pago Seguro"`
	PagandoCheckOverrides Overrides `embed:"" prefix:"pagandocheck-" group:"Pagando Check"`
	ETpayOverrides        Overrides `embed:"" prefix:"etpay-" group:"ETpay"`
	CoordinadorOverrides  Overrides `embed:"" prefix:"coordinador-" group:"Coordinador"`

	AccountsFile string `placeholder:"FILE" group:"Further accounts" help:"JSON list of further accounts: provider, account, the provider's settings by name (base_url), secrets as files (api_key_file)."`

	accounts []Account
}

// DefaultAccount is the name of the account that the variables describe.
const DefaultAccount = "default"

// VirtualPOS holds one account's settings.
type VirtualPOS struct {
	BaseURL              string           `name:"base-url" placeholder:"URL" help:"The payout API; may carry a path prefix."`
	APIKey               providers.Secret `name:"api-key" placeholder:"TEXT" help:"API key."`
	APIKeyFile           string           `name:"api-key-file" placeholder:"FILE" help:"File that holds the API key."`
	SecretKey            providers.Secret `name:"secret-key" placeholder:"TEXT" help:"Key that signs requests."`
	SecretKeyFile        string           `name:"secret-key-file" placeholder:"FILE" help:"File that holds the secret key."`
	ClientCertFile       string           `name:"client-cert-file" placeholder:"FILE" help:"Client certificate for mutual TLS, PEM."`
	ClientKeyFile        string           `name:"client-key-file" placeholder:"FILE" help:"Its private key, PEM."`
	CAFile               string           `name:"ca-file" placeholder:"FILE" help:"Authorities that may sign the server's certificate, PEM; without it the system's."`
	CreatePath           string           `name:"create-path" default:"/v3/payout" placeholder:"PATH" help:"Path of a new payout."`
	StatusPath           string           `name:"status-path" default:"/v3/payout/{id}" placeholder:"PATH" help:"Path of a payout by its provider id; holds {id}."`
	StatusByMerchantPath string           `name:"status-by-merchant-path" default:"/v3/payout/merchant/{merchant_id}" placeholder:"PATH" help:"Path of a payout by our reference; holds {merchant_id}."`
	Body                 string           `name:"body" default:"wrapped" placeholder:"wrapped|flat" help:"Whether the payout stands inside a tef object, or is the body."`
	StatusSignature      string           `name:"status-signature" default:"tef" placeholder:"tef|api_key" help:"What signs a status query: the payout, or the API key alone."`
}

// PagoSeguro holds one account's settings.
type PagoSeguro struct {
	BaseURL    string           `name:"base-url" placeholder:"URL" help:"The host; /pagosegurocanal/public/… is added."`
	AccountID  string           `name:"account-id" placeholder:"ID" help:"Account id."`
	APIKey     providers.Secret `name:"api-key" placeholder:"TEXT" help:"API key."`
	APIKeyFile string           `name:"api-key-file" placeholder:"FILE" help:"File that holds the API key."`

	HardDeclines string `name:"hard-declines" placeholder:"TEXT,…" help:"Messages of declines that no later charge will pass, separated by commas; every other decline counts as soft."`
}

// PagandoCheck holds one account's settings.
type PagandoCheck struct {
	BaseURL      string           `name:"base-url" placeholder:"URL" help:"The host; /v1/pagando/… is added."`
	User         string           `name:"user" placeholder:"NAME" help:"User of the API."`
	Password     providers.Secret `name:"password" placeholder:"TEXT" help:"Its password."`
	PasswordFile string           `name:"password-file" placeholder:"FILE" help:"File that holds the password."`
	TwoStep      bool             `name:"two-step" default:"true" negatable:"" help:"Create an order before the charge, so that it can be asked about."`
	Origin       string           `name:"origin" default:"MAGENTO" placeholder:"TEXT" help:"The originECommerce of an order."`
	TokenHeader  string           `name:"token-header" default:"Authorization: Bearer" placeholder:"NAME: SCHEME" help:"Header and scheme of the token; Authorization: alone sends it bare."`

	HardDeclines      string `name:"hard-declines" placeholder:"CODE,…" help:"Codes of declines that no later charge will pass, such as SWITCH_4041, separated by commas; every other decline counts as soft."`
	UncertainDeclines string `name:"uncertain-declines" placeholder:"TEXT,…" help:"Parts of a decline's key or message that leave open whether the card was charged, separated by commas; without it, what speaks of a time-out or of no answer."`
}

// ETpay holds one account's settings.
type ETpay struct {
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

// Coordinador holds one account's settings.
type Coordinador struct {
	PortalURL    string           `name:"portal-url" placeholder:"URL" help:"The portal, which is asked."`
	GatewayURL   string           `name:"gateway-url" placeholder:"URL" help:"The gateway, which is written to."`
	Username     string           `name:"username" placeholder:"NAME" help:"User of the portal."`
	Password     providers.Secret `name:"password" placeholder:"TEXT" help:"The portal's password."`
	PasswordFile string           `name:"password-file" placeholder:"FILE" help:"File that holds the password."`
}

// Policy is what holds for a provider: its own settings over those for all.
func (c *Config) Policy(provider string) Policy {
	return c.overrides()[provider].over(&c.Timing)
}

func (p *Providers) overrides() map[string]Overrides {
	return map[string]Overrides{
		providers.VirtualPOS:   p.VirtualPOSOverrides,
		providers.PagoSeguro:   p.PagoSeguroOverrides,
		providers.PagandoCheck: p.PagandoCheckOverrides,
		providers.ETpay:        p.ETpayOverrides,
		providers.Coordinador:  p.CoordinadorOverrides,
	}
}

// Accounts lists the configured accounts, each provider's default first; complete after Complete.
func (p *Providers) Accounts() []Account { return slices.Clone(p.accounts) }

// RealURLs reports whether any account talks to a provider off loopback.
func (p *Providers) RealURLs() bool { return len(p.realProviders()) > 0 }

func (p *Providers) realProviders() []string {
	var names []string
	for _, a := range p.accounts {
		if a.Real() && !slices.Contains(names, a.Provider) {
			names = append(names, a.Provider)
		}
	}
	return names
}

func (p *Providers) complete() []error {
	var problems []error
	p.accounts = nil
	for _, provider := range providers.Names() {
		problems = append(problems, overridesProblems(provider, p.overrides()[provider], false)...)
	}
	for _, a := range p.defaultAccounts() {
		if !a.shape().configured() {
			continue
		}
		problems = append(problems, a.problems(func(setting string) string { return variable(a.Provider, setting) })...)
		p.accounts = append(p.accounts, a)
	}
	if p.AccountsFile == "" {
		return problems
	}
	further, fileProblems := readAccounts(p.AccountsFile)
	p.accounts = append(p.accounts, further...)
	return append(append(problems, fileProblems...), twice(p.accounts)...)
}

func (p *Providers) defaultAccounts() []Account {
	return []Account{
		{Provider: providers.VirtualPOS, Name: DefaultAccount, Settings: &p.VirtualPOS},
		{Provider: providers.PagoSeguro, Name: DefaultAccount, Settings: &p.PagoSeguro},
		{Provider: providers.PagandoCheck, Name: DefaultAccount, Settings: &p.PagandoCheck},
		{Provider: providers.ETpay, Name: DefaultAccount, Settings: &p.ETpay},
		{Provider: providers.Coordinador, Name: DefaultAccount, Settings: &p.Coordinador},
	}
}

// variable is the name of a setting's variable: of one provider, or of all where provider is empty.
func variable(provider, setting string) string {
	if provider == "" {
		return Prefix + setting
	}
	return Prefix + strings.ToUpper(provider) + "_" + setting
}
