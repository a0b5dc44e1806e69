package pagoseguro_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/pagoseguro"
)

func simulate(t *testing.T, o simulator.Options, faults ...sandbox.Fault) (*sandbox.Provider, string) {
	t.Helper()
	s := simulator.New(o, sandbox.Options{})
	return s, providertest.Simulate(t, s, faults...)
}

func TestBadSettingsAreNamedWithoutTheirValues(t *testing.T) {
	t.Parallel()
	providertest.Settings(t, "REMESA_PAGOSEGURO_", pagoseguro.New, config("https://pay.example"), providertest.WrongSettings[pagoseguro.Config]{
		{"BASE_URL: must be https", func(c *pagoseguro.Config) { c.BaseURL = "http://canary.example" }},
		{"BASE_URL: certificate auth", func(c *pagoseguro.Config) { c.Wire.CAFile = "nowhere.pem" }},
		{"ACCOUNT_ID: must be a whole number", func(c *pagoseguro.Config) { c.AccountID = "canary" }},
		{"ACCOUNT_ID: must be a whole number", func(c *pagoseguro.Config) { c.AccountID = "" }},
		{"ACCOUNT_ID: must be a whole number", func(c *pagoseguro.Config) { c.AccountID = "012" }},
		{"API_KEY: must be set", func(c *pagoseguro.Config) { c.APIKey = "" }},
	})
}

func TestItCannotBeQueried(t *testing.T) {
	t.Parallel()
	if _, can := any(newClient(t, config("http://127.0.0.1:1"))).(providers.StatusChecker); can {
		t.Error("an adapter without a status query has one")
	}
}

func TestWhatCannotBeExpressedIsRefusedUnsent(t *testing.T) {
	t.Parallel()
	sim, url := simulate(t, simulator.Options{})
	c := newClient(t, config(url))
	for name, row := range map[string]struct {
		spoil func(p *providers.Charge)
		code  string
	}{
		"another currency":           {func(p *providers.Charge) { p.Amount = providertest.Amount(t, "10.00", "MXN") }, "invalid"},
		"no amount":                  {func(p *providers.Charge) { p.Amount = providers.Money{} }, "invalid"},
		"a reference of 21":          {func(p *providers.Charge) { p.Reference = strings.Repeat("a", 21) }, "invalid"},
		"a phone that begins with 0": {func(p *providers.Charge) { p.Customer.Phone = "0100000000" }, "invalid"},
		"a separator in the name":    {func(p *providers.Charge) { p.Customer.Name = "Ana|Ruiz" }, "invalid"},
		"an expired card":            {func(p *providers.Charge) { p.Card.ExpiryYear = 20 }, "card_expired"},
	} {
		p := charge(t, "SO0001")
		row.spoil(&p)
		o, err := c.Charge(t.Context(), p, providers.Attempt{})
		if err != nil || o.Class != providers.Refused || o.Code != row.code || o.Message == "" || (row.code == "card_expired") != (o.Decline == providers.Hard) {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
	}
	if n := len(sim.Arrivals()) + sim.Logins(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// 1,000 charges while tokens end every now and then, in each of the ways that tell it: every charge
// is executed once.
func TestManyChargesWhileTokensEnd(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"expire_tokens", "unauthorized", "unauthorized_in_body"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var faults []sandbox.Fault
			const expiries = 3
			for n := range expiries {
				faults = append(faults, sandbox.Fault{Kind: kind, Next: 1, Reference: fmt.Sprintf("SO%04d", 250*(n+1))})
			}
			sim, url := simulate(t, simulator.Options{}, faults...)
			c := newClient(t, config(url))
			var group sync.WaitGroup
			for lane := range 8 {
				group.Go(func() {
					for n := lane; n < 1000; n += 8 {
						if o, err := c.Charge(t.Context(), charge(t, fmt.Sprintf("SO%04d", n)), providers.Attempt{}); err != nil || o.Class != providers.Succeeded {
							t.Errorf("charge %d: %s, %v", n, o.Class, err)
						}
					}
				})
			}
			group.Wait()
			for n := range 1000 {
				if moved := sim.ExecutionCount(fmt.Sprintf("SO%04d", n)); moved != 1 {
					t.Errorf("charge %d was executed %d times", n, moved)
				}
			}
			t.Logf("1,000 charges, %d ended tokens: %d logins", expiries, sim.Logins())
			if n := sim.Logins(); n > 1+expiries {
				t.Errorf("%d logins for %d ended tokens", n, expiries)
			}
		})
	}
}

func TestTheLoginIsCalledBoundedlyOften(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fault   string
		refused bool
	}{{"unauthorized", true}, {"bad_gateway_before", false}} {
		sim, url := simulate(t, simulator.Options{}, sandbox.Fault{Kind: row.fault, Operation: sandbox.LoginOperation})
		c := newClient(t, config(url))
		for range 500 {
			err := c.Prepare(t.Context())
			if err == nil || errors.As(err, new(*providers.CredentialsError)) != row.refused || strings.Contains(err.Error(), "sandbox-api-key") {
				t.Fatalf("%s: got %v", row.fault, err)
			}
		}
		t.Logf("%s at every login, 500 preparations: %d login calls", row.fault, sim.Logins())
		if n := sim.Logins(); n > 5 || row.refused && n != 1 {
			t.Errorf("%s: %d logins", row.fault, n)
		}
		if len(sim.Arrivals()) != 0 {
			t.Errorf("%s: a request that can move money arrived", row.fault)
		}
	}
}

func TestCheckLogsIn(t *testing.T) {
	t.Parallel()
	sim, url := simulate(t, simulator.Options{})
	found, err := newClient(t, config(url)).Check(t.Context())
	if err != nil || len(found) != 2 || sim.Logins() != 1 || len(sim.Arrivals()) != 0 {
		t.Errorf("got %+v, %v after %d logins", found, err, sim.Logins())
	}
	other := config(url)
	other.APIKey = "another"
	if _, err := newClient(t, other).Check(t.Context()); !errors.As(err, new(*providers.CredentialsError)) {
		t.Errorf("another key: got %v", err)
	}
}

func TestACardIsTokenized(t *testing.T) {
	t.Parallel()
	sim, url := simulate(t, simulator.Options{})
	c := newClient(t, config(url))
	card, err := c.Tokenize(t.Context(), "4000000000000002", "012")
	if err != nil {
		t.Fatal(err)
	}
	p := charge(t, "SO0001")
	p.Card.Token = card
	if o, err := c.Charge(t.Context(), p, providers.Attempt{}); err != nil || o.Class != providers.Succeeded || sim.ExecutionCount("SO0001") != 1 {
		t.Errorf("a charge of it came to %+v, %v", o, err)
	}
}

func TestNoErrorRepeatsACard(t *testing.T) {
	t.Parallel()
	const number, code = "4000000000000002", "0125"
	for name, row := range map[string]struct {
		number, code providers.Secret
		fault        string
	}{
		"a number with a letter": {number + "x", code, ""}, "a long code": {number, code + "5", ""}, "no number": {"", code, ""},
		"a page": {number, code, "html_before"}, "a broken connection": {number, code, "hang_up_before"},
		"a token that is refused for ever": {number, code, "unauthorized"}, "cut JSON": {number, code, "cut_json_after"},
	} {
		var faults []sandbox.Fault
		if row.fault != "" {
			faults = []sandbox.Fault{{Kind: row.fault, Operation: sandbox.StepOperation}}
		}
		_, url := simulate(t, simulator.Options{}, faults...)
		_, err := newClient(t, config(url)).Tokenize(t.Context(), row.number, row.code)
		if err == nil || strings.Contains(err.Error(), number) || strings.Contains(err.Error(), code) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Nothing of the payer, the card, the token or the key shows in an outcome or an error, whatever
// the provider does.
func TestNoOutcomeCarriesPersonalDataOrSecrets(t *testing.T) {
	t.Parallel()
	secrets := []string{"sandbox-api-key", cardToken, "100000000", "3100000000", "Ana", "ana@", "Calle", "eyJ"}
	providertest.SecretsStayHidden(t, secrets, []string{sandbox.SendOperation}, func(t *testing.T, f sandbox.Fault) string {
		_, url := simulate(t, simulator.Options{}, f)
		o, err := newClient(t, config(url)).Charge(t.Context(), charge(t, "SO0001"), providers.Attempt{})
		return fmt.Sprintf("%+v %v", o, err)
	})
}
