package wiring

import (
	"fmt"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/virtualpos"
)

// Registry makes the client of each configured account. It dials nothing.
func Registry(c *config.Config) (providers.Registry, error) {
	r := providers.Registry{}
	for _, a := range c.Accounts() {
		client, err := adapter(c, a)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", a.Provider, a.Name, err)
		}
		r.Add(providers.Account{Provider: a.Provider, Name: a.Name, Client: client, Identity: a.Identity(), Real: a.Real()})
	}
	return r, nil
}

// adapter is the one place that knows every provider's package.
func adapter(c *config.Config, a config.Account) (any, error) {
	p := c.Policy(a.Provider)
	switch s := a.Settings.(type) {
	case *config.VirtualPOS:
		return virtualpos.New(virtualpos.Config{
			BaseURL: s.BaseURL, APIKey: s.APIKey, SecretKey: s.SecretKey,
			ClientCertFile: s.ClientCertFile, ClientKeyFile: s.ClientKeyFile, CAFile: s.CAFile,
			CreatePath: s.CreatePath, StatusPath: s.StatusPath, StatusByMerchantPath: s.StatusByMerchantPath,
			Body: s.Body, StatusSignature: s.StatusSignature,
			Timeout: c.RequestTimeout, Concurrency: 2 * p.Concurrency,
		})
	default:
		return nil, fmt.Errorf("this provider is not served yet; unset its settings")
	}
}
