package virtualpos_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/virtualpos"
	"github.com/remesa/remesa/providers/virtualpos"
)

func TestBadSettingsAreNamedWithoutTheirValues(t *testing.T) {
	t.Parallel()
	providertest.Settings(t, "REMESA_VIRTUALPOS_", virtualpos.New, config("https://pay.example"), providertest.WrongSettings[virtualpos.Config]{
		{"BASE_URL: must be https", func(c *virtualpos.Config) { c.BaseURL = "http://canary.example" }},
		{"BASE_URL: does not begin", func(c *virtualpos.Config) { c.BaseURL = "" }},
		{"BASE_URL: takes no login", func(c *virtualpos.Config) { c.BaseURL = "https://a:canary@pay.example" }},
		{"API_KEY: must be set", func(c *virtualpos.Config) { c.APIKey = "" }},
		{"API_KEY: must be set, in printable", func(c *virtualpos.Config) { c.APIKey = "canary\n" }},
		{"SECRET_KEY: must be set", func(c *virtualpos.Config) { c.SecretKey = "" }},
		{"CREATE_PATH: must be a path", func(c *virtualpos.Config) { c.CreatePath = "canary" }},
		{"CREATE_PATH: has braces", func(c *virtualpos.Config) { c.CreatePath = "/{canary}" }},
		{"STATUS_PATH: must contain {id}", func(c *virtualpos.Config) { c.StatusPath = "/canary" }},
		{"STATUS_BY_MERCHANT_PATH: must contain {merchant_id}", func(c *virtualpos.Config) { c.StatusByMerchantPath = "/canary/{id}" }},
		{"BODY: must be wrapped or flat", func(c *virtualpos.Config) { c.Body = "canary" }},
		{"STATUS_SIGNATURE: must be tef or api_key", func(c *virtualpos.Config) { c.StatusSignature = "canary" }},
		{"CLIENT_CERT_FILE, CLIENT_KEY_FILE or CA_FILE: client certificate", func(c *virtualpos.Config) { c.Wire.ClientCertFile = "cert.pem" }},
		{"CLIENT_CERT_FILE, CLIENT_KEY_FILE or CA_FILE: certificate auth", func(c *virtualpos.Config) { c.Wire.CAFile = "nowhere.pem" }},
	})
}

func TestWhatCannotBeExpressedIsRefusedUnsent(t *testing.T) {
	t.Parallel()
	s := simulator.New(simulator.Options{}, sandbox.Options{})
	base := providertest.Simulate(t, s)
	c := newClient(t, config(base))
	for name, spoil := range map[string]func(p *providers.Payout){
		"another currency":                     func(p *providers.Payout) { p.Amount = providertest.Amount(t, "10.00", "MXN") },
		"no amount":                            func(p *providers.Payout) { p.Amount = providers.Money{} },
		"a reference that is no path segment":  func(p *providers.Payout) { p.Reference = ".." },
		"a reference that is no path segment,": func(p *providers.Payout) { p.Reference = "" },
	} {
		p := payout(t, "po-1")
		spoil(&p)
		o, err := c.Pay(t.Context(), p, providers.Attempt{})
		if err != nil || o.Class != providers.Refused || o.Code != "invalid" || o.Message == "" {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
	}
	if n := len(s.Arrivals()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestCheckProvesCredentialsWithoutMovingMoney(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		fault     string
		key       providers.Secret
		strict    bool
		signature string
		refused   bool
		wrong     bool
	}{
		{name: "all is well", key: "sandbox-api-key"},
		{name: "questions are signed in full", key: "sandbox-api-key", strict: true},
		{name: "questions are signed in full, with another key", key: "another", strict: true, refused: true, wrong: true},
		{name: "the key signs alone", key: "sandbox-api-key", signature: virtualpos.SignAPIKey},
		{name: "the key signs alone, which is not enough", key: "sandbox-api-key", signature: virtualpos.SignAPIKey, strict: true, wrong: true},
		{name: "another key signs alone", key: "another", signature: virtualpos.SignAPIKey, wrong: true},
		{name: "another key", key: "another", refused: true, wrong: true},
		{name: "the status path is wrong", fault: "bare_404", key: "sandbox-api-key", wrong: true},
		{name: "a login page", fault: "login_page", key: "sandbox-api-key", wrong: true},
	} {
		s := simulator.New(simulator.Options{SignedQueries: row.strict}, sandbox.Options{})
		if row.fault != "" {
			providertest.Fault(t, s, sandbox.Fault{Kind: row.fault})
		}
		base := providertest.Simulate(t, s)
		c := config(base)
		c.APIKey, c.StatusSignature = row.key, row.signature
		found, err := newClient(t, c).Check(t.Context())
		var credentials *providers.CredentialsError
		if (err != nil) != row.wrong || errors.As(err, &credentials) != row.refused {
			t.Errorf("%s: got %v", row.name, err)
		}
		if err == nil && (len(found) != 1 || found[0].Warn) {
			t.Errorf("%s: found %+v", row.name, found)
		}
		if len(s.Arrivals()) != 0 {
			t.Errorf("%s: a request that can move money arrived", row.name)
		}
	}
}

func TestCheckWarnsOfAResponseThatMeansNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"NOK","error":{"error_code":"E-090"}}`))
	}))
	defer server.Close()
	found, err := newClient(t, config(server.URL)).Check(t.Context())
	if err != nil || len(found) != 1 || !found[0].Warn || !strings.Contains(found[0].Text, "E-090") {
		t.Errorf("got %+v, %v", found, err)
	}
}

func TestCheckWarnsOfAMissingClientCertificate(t *testing.T) {
	t.Parallel()
	c := config("https://pay.invalid")
	c.Wire.Timeout = time.Nanosecond // nothing is dialled
	found, err := newClient(t, c).Check(t.Context())
	if err == nil || len(found) != 1 || !found[0].Warn || !strings.Contains(found[0].Text, "REMESA_VIRTUALPOS_CLIENT_CERT_FILE") {
		t.Errorf("got %+v, %v", found, err)
	}
}

// Nothing of a payout's beneficiary or of the account's secrets shows in an outcome or an error,
// whatever the provider does.
func TestNoOutcomeCarriesPersonalDataOrSecrets(t *testing.T) {
	t.Parallel()
	secrets := []string{"sandbox-api-key", "sandbox-secret-key", "00123456789", "12345678-5", "Ana", "ana@", "eyJ"}
	providertest.SecretsStayHidden(t, secrets, []string{""}, func(t *testing.T, f sandbox.Fault) string {
		c := newClient(t, config(providertest.Simulate(t, simulator.New(simulator.Options{}, sandbox.Options{}), f)))
		p := payout(t, "po-1")
		paid, payErr := c.Pay(t.Context(), p, providers.Attempt{})
		queried, queryErr := c.Status(t.Context(), providers.StatusQuery{Reference: "po-1", Amount: p.Amount, Payout: &p})
		return fmt.Sprintf("%+v %v %+v %v", paid, payErr, queried, queryErr)
	})
}
