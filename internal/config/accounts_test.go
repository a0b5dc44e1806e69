package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/providers/virtualpos"
)

func TestFurtherAccounts(t *testing.T) {
	t.Parallel()
	secret := file(t, "from-the-file\n")
	list := fmt.Sprintf(`[
		{"provider":"virtualpos","account":"second","base_url":"http://127.0.0.1:9090/virtualpos","api_key_file":%q,"secret_key_file":%q,"body":"flat"},
		{"provider":"pagandocheck","account":"mx-2","base_url":"https://pc.example","user":"u2","password_file":%q,"two_step":false}
	]`, secret, secret, secret)
	c := mustParse(t, virtualPOS("REMESA_ACCOUNTS_FILE", file(t, list)))
	accounts := c.Accounts()
	if len(accounts) != 3 || accounts[0].Name != "default" || accounts[1].Name != "second" || accounts[2].Name != "mx-2" {
		t.Fatalf("%d accounts", len(accounts))
	}
	second, ok := accounts[1].Settings.(*virtualpos.Settings)
	if !ok || second.APIKey.Reveal() != "from-the-file" || second.Body != "flat" || second.StatusSignature != "tef" || accounts[1].Live() {
		t.Errorf("second: %+v", accounts[1])
	}
	third, ok := accounts[2].Settings.(*pagandocheck.Settings)
	if !ok || third.TwoStep || third.Origin != "MAGENTO" || !accounts[2].Live() {
		t.Errorf("mx-2: %+v", accounts[2])
	}
}

func TestAccountsThatAreRefused(t *testing.T) {
	t.Parallel()
	secret := file(t, "s")
	for sentence, row := range map[string]struct{ list, want string }{
		"no JSON":                       {`{`, "is not a JSON list of objects"},
		"an object instead of a list":   {`{"provider":"virtualpos"}`, "is not a JSON list of objects"},
		"something after the list":      {`[] []`, "has something after its list"},
		"an unknown provider":           {`[{"provider":"` + canary + `","account":"a"}]`, "entry 1: provider: missing, or not one of coordinador, etpay"},
		"a bad account name":            {`[{"provider":"etpay","account":"` + strings.ToUpper(canary) + `"}]`, "entry 1: account: missing, or not 1 to 32"},
		"an unknown setting":            {`[{"provider":"etpay","account":"a","base_ulr":"x"}]`, "entry 1: base_ulr: is not a setting of this provider; known are provider, account, base_url"},
		"a value where a name belongs":  {`[{"provider":"etpay","account":"a","` + canary + `":1}]`, "entry 1: a name of 19 characters: is not a setting"},
		"a secret inside the list":      {`[{"provider":"virtualpos","account":"a","base_url":"https://x.example","api_key":"` + canary + `"}]`, "api_key: is a secret: put it into a file of its own and name that as api_key_file"},
		"no credentials":                {`[{"provider":"virtualpos","account":"a","base_url":"https://x.example"}]`, "entry 1: api_key: missing"},
		"plain http off loopback":       {fmt.Sprintf(`[{"provider":"virtualpos","account":"a","base_url":"http://x.example","api_key_file":%q,"secret_key_file":%q}]`, secret, secret), "entry 1: base_url: must be https"},
		"a list where a text belongs":   {`[{"provider":"etpay","account":"a","base_url":["x"]}]`, "base_url: must be a text"},
		"a secret's file that is gone":  {`[{"provider":"virtualpos","account":"a","api_key_file":"/` + canary + `"}]`, "api_key_file: names a file that cannot be read"},
		"the account of the variables":  {fmt.Sprintf(`[{"provider":"virtualpos","account":"default","base_url":"https://y.example","api_key_file":%q,"secret_key_file":%q}]`, secret, secret), "virtualpos/default is described more than once"},
		"a second entry that is broken": {`[{"provider":"etpay"},{"provider":"x"}]`, "entry 2: provider"},
	} {
		_, err := parse(t, virtualPOS("REMESA_ACCOUNTS_FILE", file(t, row.list)))
		switch {
		case err == nil:
			t.Errorf("%s: accepted", sentence)
		case !strings.Contains(err.Error(), "REMESA_ACCOUNTS_FILE: ") || !strings.Contains(err.Error(), row.want):
			t.Errorf("%s:\n got %s\nwant %s", sentence, err, row.want)
		case strings.Contains(strings.ToLower(err.Error()), canary):
			t.Errorf("%s: the error repeats the value: %s", sentence, err)
		}
	}
	if _, err := parse(t, map[string]string{"REMESA_ACCOUNTS_FILE": "/" + canary}); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("a file that is gone: %v", err)
	}
}

func TestIdentityTellsAccountsApartAndNothingElse(t *testing.T) {
	t.Parallel()
	identity := func(s spec.Settings) string { return Account{Settings: s}.Identity() }
	for sentence, row := range map[string]struct {
		a, b spec.Settings
		same bool
	}{
		"VirtualPOS: another key":                {&virtualpos.Settings{BaseURL: "https://h", APIKey: "a"}, &virtualpos.Settings{BaseURL: "https://h", APIKey: "b"}, false},
		"VirtualPOS: another host":               {&virtualpos.Settings{BaseURL: "https://h", APIKey: "a"}, &virtualpos.Settings{BaseURL: "https://i", APIKey: "a"}, false},
		"VirtualPOS: another secret":             {&virtualpos.Settings{BaseURL: "https://h", APIKey: "a", SecretKey: "x"}, &virtualpos.Settings{BaseURL: "https://H/v1", APIKey: "a", SecretKey: "y"}, true},
		"VirtualPOS: the port that https has":    {&virtualpos.Settings{BaseURL: "https://h", APIKey: "a"}, &virtualpos.Settings{BaseURL: "https://h:443", APIKey: "a"}, true},
		"VirtualPOS: another port":               {&virtualpos.Settings{BaseURL: "https://h", APIKey: "a"}, &virtualpos.Settings{BaseURL: "https://h:8443", APIKey: "a"}, false},
		"Pago Seguro: another account":           {&pagoseguro.Settings{BaseURL: "https://h", AccountID: "1"}, &pagoseguro.Settings{BaseURL: "https://h", AccountID: "2"}, false},
		"Pago Seguro: another key":               {&pagoseguro.Settings{BaseURL: "https://h", AccountID: "1", APIKey: "a"}, &pagoseguro.Settings{BaseURL: "https://h", AccountID: "1", APIKey: "b"}, true},
		"Pagando Check: another user":            {&pagandocheck.Settings{BaseURL: "https://h", User: "1"}, &pagandocheck.Settings{BaseURL: "https://h", User: "2"}, false},
		"ETpay: another merchant":                {&etpay.Settings{BaseURL: "https://h", MerchantCode: "1"}, &etpay.Settings{BaseURL: "https://h", MerchantCode: "2"}, false},
		"ETpay: the same merchant, with payouts": {&etpay.Settings{BaseURL: "https://h", MerchantCode: "1"}, &etpay.Settings{BaseURL: "https://h", MerchantCode: "1", PayoutsURL: "https://o", PayoutsUsername: "u"}, false},
		"ETpay: payouts of another user":         {&etpay.Settings{PayoutsURL: "https://o", PayoutsUsername: "u"}, &etpay.Settings{PayoutsURL: "https://o", PayoutsUsername: "v"}, false},
		"Coordinador: another path, same host":   {&coordinador.Settings{PortalURL: "https://h/cen", GatewayURL: "https://g"}, &coordinador.Settings{PortalURL: "https://h/other", GatewayURL: "https://g"}, false},
		"Coordinador: another user":              {&coordinador.Settings{PortalURL: "https://h", Username: "1"}, &coordinador.Settings{PortalURL: "https://h", Username: "2"}, false},
		"Coordinador: a slash at the end":        {&coordinador.Settings{PortalURL: "https://h/cen", Username: "1"}, &coordinador.Settings{PortalURL: "https://h/cen/", Username: "1"}, true},
	} {
		if (identity(row.a) == identity(row.b)) != row.same {
			t.Errorf("%s: %q and %q", sentence, identity(row.a), identity(row.b))
		}
	}
	if id := identity(&virtualpos.Settings{BaseURL: "https://h", APIKey: canary}); strings.Contains(id, canary) {
		t.Errorf("the identity holds the key: %s", id)
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"http://127.0.0.1:9090": true, "http://127.8.9.1": true, "http://[::1]:1/x": true, "http://localhost/x": true, "http://LOCALHOST": true,
		"https://example.com": false, "http://10.0.0.1": false, "http://127.0.0.1.example.com": false, "http://0.0.0.0": false, "": false, "http://[::ffff:127.0.0.1]": true,
	} {
		if got := IsLoopbackURL(url); got != want {
			t.Errorf("%s: %t", url, got)
		}
	}
}
