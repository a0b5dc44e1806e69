package receiver

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/outcomes"
	"github.com/remesa/remesa/providers"
)

// secrets are the files of these tests by path.
func secrets(path string) (string, error) {
	switch path {
	case "one", "two":
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(path, 10))), nil
	case "short":
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte("CANARY")), nil
	case "bare":
		return "CANARY-without-its-prefix-000000000000", nil
	}
	return "", errors.New("names a file that cannot be read: no such file")
}

func TestAReceiverIsRead(t *testing.T) {
	t.Parallel()
	all, problems := Parse([]byte(`[{"name":"billing","url":"https://billing.example/hooks?k=1","secret_file":"one"},
		{"name":"erp-2","url":"http://10.0.0.7:8080/in","second_secret_file":"two","secret_file":"one","provider":["virtualpos","etpay"],"account":"default",
		 "type":["payout"],"event":["state","anomaly"],"state":["succeeded","failed"],"allow_private":true,"concurrency":9}]`), secrets)
	if len(problems) != 0 || len(all) != 2 {
		t.Fatal(all, problems)
	}
	a, b := all[0], all[1]
	if a.Name != "billing" || a.URL.String() != "https://billing.example/hooks?k=1" || len(a.Secrets) != 1 || a.Concurrency != usualConcurrency || a.AllowPrivate || a.OpenSealed {
		t.Errorf("%+v", a)
	}
	first, _ := secrets("one")
	if len(b.Secrets) != 2 || b.Secrets[0].Reveal() != first || !b.AllowPrivate || b.Concurrency != 9 || !slices.Equal(b.Filter.Providers, []string{"virtualpos", "etpay"}) ||
		!slices.Equal(b.Filter.Accounts, []string{"default"}) || !slices.Equal(b.Filter.States, []string{"succeeded", "failed"}) {
		t.Errorf("%+v", b)
	}
	if b.Where() != "http://10.0.0.7:8080" {
		t.Errorf("where: %s", b.Where())
	}
}

// TestWhatIsRefusedNamesTheFieldAndNoValue: a URL may hold a password, and a secret may stand in
// the place of its file's name.
func TestWhatIsRefusedNamesTheFieldAndNoValue(t *testing.T) {
	t.Parallel()
	const rest = `"secret_file":"one"`
	for text, want := range map[string]string{
		`{}`:             "is not a JSON list of objects",
		`[{}] CANARY`:    "has something after its list",
		`["CANARY"]`:     "entry 1: line: must be a JSON object",
		`[{"name":"a"}]`: "entry 1: url: required",
		`[{"name":"a","url":"https://a.example"}]`:                                                                  "entry 1: secret_file: required",
		`[{"name":"a","name":"b"}]`:                                                                                 "entry 1: name: given twice",
		`[{"name":"CANARY","url":"https://a.example",` + rest + `}]`:                                                "entry 1: name: must be 1 to 32",
		`[{"name":"a","url":"https://user:CANARY@a.example",` + rest + `}]`:                                         "entry 1: url: must be https://HOST/PATH",
		`[{"name":"a","url":"ftp://CANARY",` + rest + `}]`:                                                          "entry 1: url: must be",
		`[{"name":"a","url":"http://CANARY.example",` + rest + `}]`:                                                 "entry 1: url: must begin with https://",
		`[{"name":"a","url":"http://a.example","open_sealed":true,"allow_private":true,` + rest + `}]`:              "entry 1: open_sealed: needs an url",
		`[{"name":"a","url":"https://127.0.0.1/CANARY",` + rest + `}]`:                                              "entry 1: url: is an address that no receiver may have",
		`[{"name":"a","url":"https://[::1]/CANARY",` + rest + `}]`:                                                  "entry 1: url: is an address",
		`[{"name":"a","url":"http://8.8.8.8/CANARY","allow_private":true,` + rest + `}]`:                            "entry 1: url: is a public address",
		`[{"name":"a","url":"https://169.254.169.254/","allow_private":true,` + rest + `}]`:                         "entry 1: url: is an address",
		`[{"name":"a","url":"https://a.example","secret_file":"none"}]`:                                             "entry 1: secret_file: names a file that cannot be read",
		`[{"name":"a","url":"https://a.example","secret_file":"short"}]`:                                            "entry 1: secret_file: must be whsec_",
		`[{"name":"a","url":"https://a.example","secret_file":"bare"}]`:                                             "entry 1: secret_file: must be whsec_",
		`[{"name":"a","url":"https://a.example","secret":"CANARY",` + rest + `}]`:                                   "entry 1: secret: unknown field",
		`[{"name":"a","url":"https://a.example","second_secret_file":"one",` + rest + `}]`:                          "entry 1: second_secret_file: holds the first secret again",
		`[{"name":"a","url":"https://a.example","provider":"CANARY",` + rest + `}]`:                                 "entry 1: provider: must be one of",
		`[{"name":"a","url":"https://a.example","state":["failed","CANARY"],` + rest + `}]`:                         "entry 1: state[1]: must be one of",
		`[{"name":"a","url":"https://a.example","account":["CANARY"],` + rest + `}]`:                                "entry 1: account[0]: must be an account",
		`[{"name":"a","url":"https://a.example","event":[],` + rest + `}]`:                                          "entry 1: event: must be a word or a list",
		`[{"name":"a","url":"https://a.example","event":[["CANARY"]],` + rest + `}]`:                                "entry 1: event[0]: must be a text",
		`[{"name":"a","url":"https://a.example","concurrency":65,` + rest + `}]`:                                    "entry 1: concurrency: must be a number from 1 to 64",
		`[{"name":"a","url":"https://a.example","allow_private":"CANARY",` + rest + `}]`:                            "entry 1: allow_private: must be true or false",
		`[{"name":"a","url":"https://a.example",` + rest + `},{"name":"a","url":"https://b.example",` + rest + `}]`: "entry 2: name: an entry before this one has it",
	} {
		_, problems := Parse([]byte(text), secrets)
		got := errors.Join(problems...)
		if got == nil || !strings.Contains(got.Error(), want) {
			t.Errorf("%s: %v, want %q", text, got, want)
		}
		if got != nil && strings.Contains(got.Error(), "CANARY") {
			t.Errorf("%s: the error repeats a value: %v", text, got)
		}
	}
}

func TestAReceiverGetsWhatItsFilterNames(t *testing.T) {
	t.Parallel()
	paid := outcomes.Event{Provider: "virtualpos", Account: "default", Type: "payout", Kind: "state", State: "succeeded"}
	subscription := outcomes.Event{Provider: "virtualpos", Account: "default", Kind: "subscription", State: "paused"}
	for says, row := range map[string]struct {
		filter             Filter
		paid, subscription bool
	}{
		"nothing named: all":             {Filter{}, true, true},
		"its provider":                   {Filter{Providers: []string{"etpay", "virtualpos"}}, true, true},
		"another provider":               {Filter{Providers: []string{"etpay"}}, false, false},
		"another account":                {Filter{Accounts: []string{"chile"}}, false, false},
		"a type, which not all have":     {Filter{Types: []string{"payout"}}, true, false},
		"an event":                       {Filter{Events: []string{"subscription"}}, false, true},
		"a state":                        {Filter{States: []string{"succeeded", "failed"}}, true, false},
		"all named, and one of them not": {Filter{[]string{"virtualpos"}, []string{"default"}, []string{"payout"}, []string{"state"}, []string{"failed"}}, false, false},
	} {
		if row.filter.Takes(paid) != row.paid || row.filter.Takes(subscription) != row.subscription {
			t.Errorf("%s: takes the payment's %t, the subscription's %t", says, row.filter.Takes(paid), row.filter.Takes(subscription))
		}
	}
}

// TestAddresses that name resolution may give, as the dialer hands them over.
func TestAddresses(t *testing.T) {
	t.Parallel()
	const (
		never   = 0
		allowed = 1 // with allow_private only
		public  = 2
	)
	for address, kind := range map[string]int{
		"127.0.0.1": allowed, "127.9.9.9": allowed, "10.1.2.3": allowed, "172.16.0.1": allowed, "172.31.255.255": allowed, "192.168.1.1": allowed,
		"100.64.0.1": allowed, "::1": allowed, "fd00::1": allowed, "fc00::1": allowed, "::ffff:127.0.0.1": allowed, "::ffff:10.0.0.1": allowed,
		"0.0.0.0": never, "169.254.169.254": never, "::ffff:169.254.169.254": never, "224.0.0.1": never, "255.255.255.255": never, "192.0.2.1": never,
		"198.18.0.1": never, "240.0.0.1": never, "::": never, "fe80::1": never, "ff02::1": never, "64:ff9b::7f00:1": never, "64:ff9b::a9fe:a9fe": never,
		"2001:db8::1": never, "2002:7f00:1::": never, "2001::1": never, "::127.0.0.1": never, "100.127.255.255": allowed,
		"fd00:ec2::254": never, "fd00:ec2::23": never, "fd00:ec3::1": allowed, "fd20:ce::254": never, "100.100.100.200": never, "::ffff:100.100.100.200": never,
		"8.8.8.8": public, "172.32.0.1": public, "100.128.0.1": public, "2606:4700::1111": public, "::ffff:8.8.8.8": public,
	} {
		for _, scheme := range []string{"https", "http"} {
			for _, private := range []bool{false, true} {
				r := Receiver{URL: &url.URL{Scheme: scheme, Host: "billing.example"}, AllowPrivate: private}
				want := kind == public && scheme == "https" || kind == allowed && private
				err := r.Control("tcp4", netip.AddrPortFrom(netip.MustParseAddr(address), 443).String(), nil)
				if (err == nil) != want {
					t.Errorf("%s by %s, allow_private %t: %v", address, scheme, private, err)
				}
			}
		}
	}
	r := Receiver{URL: &url.URL{Scheme: "https"}, AllowPrivate: true}
	if r.Control("unix", "/run/docker.sock", nil) == nil || r.Control("tcp4", "billing.example:443", nil) == nil {
		t.Error("what is no address is dialled")
	}
	if r.Control("tcp6", "[fe80::1%eth0]:443", nil) == nil {
		t.Error("a link-local address with a zone is dialled")
	}
}

func TestASecretIsWhatTheStandardSays(t *testing.T) {
	t.Parallel()
	for bytes, good := range map[int]bool{23: false, 24: true, 64: true, 65: false} {
		_, err := Key(providers.Secret("whsec_" + base64.StdEncoding.EncodeToString(make([]byte, bytes))))
		if (err == nil) != good {
			t.Errorf("%d bytes: %v", bytes, err)
		}
	}
}
