package wiring

import (
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/etpay/payouts"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/virtualpos"
)

// Parts are what the accounts of a process share; the zero value is usable.
type Parts struct {
	// Tokens keeps provider tokens for all workers; nil means that each process logs in by itself.
	Tokens auth.Shared
	// Renewed is told of each renewal of a token, and why.
	Renewed func(provider, reason string)
	// Contended is told when an account's fresh tokens are refused again and again.
	Contended func(provider, account string)
}

// Tokens is the store of provider tokens that the workers share, nil without REMESA_TOKEN_KEY.
func Tokens(c *config.Config, rdb redis.UniversalClient) (auth.Shared, error) {
	key, err := c.Token()
	if err != nil || key == "" {
		return nil, err
	}
	return auth.NewRedis(rdb, key)
}

// Registry makes the client of each configured account. It dials nothing.
func Registry(c *config.Config, parts Parts) (providers.Registry, error) {
	r := providers.Registry{}
	for _, a := range c.Accounts() {
		client, err := adapter(c, a, parts)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", a.Provider, a.Name, err)
		}
		r.Add(providers.Account{Provider: a.Provider, Name: a.Name, Client: client, Identity: a.Identity(), Real: a.Real()})
	}
	return r, nil
}

// adapter is the one place that knows every provider's package.
func adapter(c *config.Config, a config.Account, parts Parts) (any, error) {
	p := c.Policy(a.Provider)
	var fresh contention
	renewed := func(reason string) {
		if parts.Renewed != nil {
			parts.Renewed(a.Provider, reason)
		}
		if fresh.renewed(reason, time.Now()) && parts.Contended != nil {
			parts.Contended(a.Provider, a.Name)
		}
	}
	switch s := a.Settings.(type) {
	case *config.VirtualPOS:
		return virtualpos.New(virtualpos.Config{
			BaseURL: s.BaseURL, APIKey: s.APIKey, SecretKey: s.SecretKey,
			ClientCertFile: s.ClientCertFile, ClientKeyFile: s.ClientKeyFile, CAFile: s.CAFile,
			CreatePath: s.CreatePath, StatusPath: s.StatusPath, StatusByMerchantPath: s.StatusByMerchantPath,
			Body: s.Body, StatusSignature: s.StatusSignature,
			Timeout: c.RequestTimeout, Concurrency: 2 * p.Concurrency,
		})
	case *config.PagoSeguro:
		return pagoseguro.New(pagoseguro.Config{
			Name: a.Name, BaseURL: s.BaseURL, AccountID: s.AccountID, APIKey: s.APIKey, HardDeclines: list(s.HardDeclines),
			Shared: parts.Tokens, Cooldown: c.CircuitCooldown, Renewed: renewed,
			Timeout: c.RequestTimeout, Concurrency: 2 * p.Concurrency,
		})
	case *config.PagandoCheck:
		settings := pagandocheck.Config{
			Account: a.Provider + "/" + a.Name, BaseURL: s.BaseURL, User: s.User, Password: s.Password, Origin: s.Origin,
			TokenHeader: s.TokenHeader, HardDeclines: list(s.HardDeclines), UncertainDeclines: list(s.UncertainDeclines),
			Shared: parts.Tokens, Cooldown: c.CircuitCooldown, Renewed: renewed,
			Timeout: c.RequestTimeout, Concurrency: 2 * p.Concurrency,
		}
		if s.TwoStep {
			return pagandocheck.NewTwoStep(settings)
		}
		return pagandocheck.New(settings)
	case *config.ETpay:
		sessions := etpay.Config{
			BaseURL: s.BaseURL, PaymentURL: s.PaymentURL, MerchantCode: s.MerchantCode, MerchantAPIToken: s.MerchantAPIToken,
			WebhookURL: s.WebhookURL, Timeout: c.RequestTimeout, Concurrency: 2 * p.Concurrency,
		}
		if !s.Payouts() {
			return etpay.New(sessions)
		}
		return etpay.NewWithPayouts(sessions, payouts.Config{
			URL: s.PayoutsURL, Username: s.PayoutsUsername, Password: s.PayoutsPassword,
			CreatePath: s.PayoutsCreatePath, StatusPath: s.PayoutsStatusPath, RangePath: s.PayoutsRangePath,
			Account: a.Provider + "/" + a.Name, Shared: parts.Tokens, Cooldown: c.CircuitCooldown, Renewed: renewed,
		})
	case *config.Coordinador:
		return coordinador.New(coordinador.Config{
			Account: a.Provider + "/" + a.Name, PortalURL: s.PortalURL, GatewayURL: s.GatewayURL, Username: s.Username, Password: s.Password,
			Shared: parts.Tokens, Cooldown: c.CircuitCooldown, Renewed: renewed,
			Timeout: c.RequestTimeout, Concurrency: 2 * p.Concurrency,
		})
	default:
		return nil, fmt.Errorf("this provider is not served yet; unset its settings")
	}
}

// list reads texts separated by commas.
func list(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// Client makes the client of one account. It dials nothing.
func Client(c *config.Config, a config.Account, parts Parts) (any, error) {
	return adapter(c, a, parts)
}
