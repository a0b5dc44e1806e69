package coordinador_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/coordinador"
)

func TestBadSettingsAreNamedWithoutTheirValues(t *testing.T) {
	t.Parallel()
	providertest.Settings(t, "REMESA_COORDINADOR_", coordinador.New, config("https://pay.example"), providertest.WrongSettings[coordinador.Config]{
		{"PORTAL_URL: must be https", func(c *coordinador.Config) { c.PortalURL = "http://canary.example" }},
		{"PORTAL_URL: does not begin", func(c *coordinador.Config) { c.PortalURL = "" }},
		{"GATEWAY_URL: must be https", func(c *coordinador.Config) { c.GatewayURL = "http://canary.example/staging/api/" }},
		{"GATEWAY_URL: takes no login", func(c *coordinador.Config) { c.GatewayURL = "https://a:canary@pay.example" }},
		{"USERNAME: must be set", func(c *coordinador.Config) { c.Username = "" }},
		{"USERNAME: must be set, in printable", func(c *coordinador.Config) { c.Username = "canary\r\nX: 1" }},
		{"PASSWORD: must be set", func(c *coordinador.Config) { c.Password = "" }},
		{"PASSWORD: must be set, in printable", func(c *coordinador.Config) { c.Password = "canary\n" }},
		{"PASSWORD: must be set, in printable", func(c *coordinador.Config) { c.Password = " canary" }},
		{"PASSWORD: must be set, in printable", func(c *coordinador.Config) { c.Password = "canaryñ" }},
	})
}

// spoiled changes a payout's details.
func spoiled(change func(d *coordinador.Details)) func(p *providers.Payout) {
	return func(p *providers.Payout) {
		d := providers.DetailsAs[coordinador.Details](p.Details)
		change(&d)
		p.Details = d
	}
}

func TestWhatCannotBeExpressedIsRefusedUnsent(t *testing.T) {
	t.Parallel()
	s := newFixture(t, simulator.Options{})
	for name, spoil := range map[string]func(p *providers.Payout){
		"amount: another currency":  func(p *providers.Payout) { p.Amount = providertest.Amount(t, "10.00", "MXN") },
		"amount: none":              func(p *providers.Payout) { p.Amount = providers.Money{} },
		"details: none":             func(p *providers.Payout) { p.Details = nil },
		"details.debtor: none":      spoiled(func(d *coordinador.Details) { d.Debtor = 0 }),
		"details.creditor: none":    spoiled(func(d *coordinador.Details) { d.Creditor = 0 }),
		"details.instruction: none": spoiled(func(d *coordinador.Details) { d.Instruction = 0 }),
		"details.paid_on: unpadded": spoiled(func(d *coordinador.Details) { d.PaidOn = "2026-5-15" }),
	} {
		p := payout(t, "PAY-1")
		spoil(&p)
		o, err := s.pay(t, p, &providertest.CheckpointRecorder{})
		field, _, _ := strings.Cut(name, " ")
		if err != nil || o.Class != providers.Refused || o.Code != "invalid" || !strings.HasPrefix(o.Message, field) {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
		if _, err := s.query(t, p, &providertest.CheckpointRecorder{}); err == nil {
			t.Errorf("%s: it could be queried", name)
		}
	}
	if n := len(s.Arrivals()) + s.Logins(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestCheckSaysWhereItWouldWrite(t *testing.T) {
	t.Parallel()
	const prod, test = "https://ppagos-sen.coordinador.example", "https://stg3-ppagos-sen.coordinador.example"
	for _, row := range []struct {
		portal, gateway string
		says            string
		warns           int
	}{
		{prod, "https://cadena-pagos.api.coordinador.example:443/ppagos/api/", "in PRODUCTION: cadena-pagos.api.coordinador.example:443/ppagos/api", 0},
		{test, "https://cadena-pagos.api.coordinador.example:443/staging/api/", "in STAGING: cadena-pagos.api.coordinador.example:443/staging/api", 0},
		{test, "https://cadena-pagos.api.coordinador.example/ppagos/api", "in PRODUCTION", 1},
		{prod, "https://cadena-pagos.api.coordinador.example/staging/api", "in STAGING", 1},
		{prod, "https://cadena-pagos.api.coordinador.example/elsewhere/staging", "UNKNOWN", 1},
		{prod, "https://cadena-pagos.api.coordinador.example", "UNKNOWN", 1},
	} {
		c := config("")
		c.PortalURL, c.GatewayURL, c.Wire.Timeout = row.portal, row.gateway, time.Nanosecond // nothing is dialled
		found, err := newClient(t, c).Check(t.Context())
		warns := 0
		for _, f := range found {
			if f.Warn {
				warns++
			}
		}
		if err == nil || len(found) == 0 || !strings.Contains(found[0].Text, row.says) || warns != row.warns {
			t.Errorf("%s: got %+v, %v; want %q and %d warnings", row.gateway, found, err, row.says, row.warns)
		}
	}
}

func TestCheckProvesLoginAndGatewayWithoutRegistering(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		fault   sandbox.Fault
		spoil   func(c *coordinador.Config)
		refused bool
		wrong   bool
	}{
		{name: "all is well"},
		{name: "another password", spoil: func(c *coordinador.Config) { c.Password = "another" }, refused: true, wrong: true},
		{name: "a login page for a gateway", fault: sandbox.Fault{Kind: "login_page", Operation: sandbox.StepOperation}, wrong: true},
		{name: "the gateway's path is wrong", spoil: func(c *coordinador.Config) { c.GatewayURL += "/x" }, wrong: true},
		{name: "the gateway takes no token", fault: sandbox.Fault{Kind: "unauthorized"}, refused: true, wrong: true},
	} {
		var faults []sandbox.Fault
		if row.fault.Kind != "" {
			faults = append(faults, row.fault)
		}
		s := newFixture(t, simulator.Options{}, faults...)
		c := s.config
		if row.spoil != nil {
			row.spoil(&c)
		}
		found, err := newClient(t, c).Check(t.Context())
		var credentials *providers.CredentialsError
		if (err != nil) != row.wrong || errors.As(err, &credentials) != row.refused {
			t.Errorf("%s: got %v", row.name, err)
		}
		if len(found) == 0 || !strings.Contains(found[0].Text, "simulator") || found[0].Warn {
			t.Errorf("%s: found %+v", row.name, found)
		}
		if err == nil && len(found) != 3 {
			t.Errorf("%s: found %+v", row.name, found)
		}
		if len(s.Arrivals()) != 0 {
			t.Errorf("%s: a registration arrived", row.name)
		}
	}
}

// Nothing of the account's login shows in an outcome or an error, whatever the portal does.
func TestNoOutcomeCarriesTheLogin(t *testing.T) {
	t.Parallel()
	secrets := []string{"sandbox-password", "pagos@", "empresa", "eyJ", "refresh-"}
	providertest.SecretsStayHidden(t, secrets, []string{"", sandbox.LoginOperation, sandbox.StepOperation}, func(t *testing.T, f sandbox.Fault) string {
		s := newFixture(t, simulator.Options{}, f)
		p := payout(t, "PAY-1")
		var r providertest.CheckpointRecorder
		paid, payErr := s.pay(t, p, &r)
		queried, queryErr := s.query(t, p, &r)
		return fmt.Sprintf("%+v %v %+v %v %+v", paid, payErr, queried, queryErr, s.client.Prepare(t.Context()))
	})
}

func TestACertificateThatIsNotTrustedIsNoConnection(t *testing.T) {
	t.Parallel()
	server := newTLSPortal(t)
	c := config(server.URL)
	_, err := newClient(t, c).Pay(t.Context(), payout(t, "PAY-1"), (&providertest.CheckpointRecorder{}).Attempt())
	var notSent *providers.NotSent
	if !errors.As(err, &notSent) || notSent.Reason != "connect" {
		t.Errorf("got %v", err)
	}
}
