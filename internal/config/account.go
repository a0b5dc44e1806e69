package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/remesa/remesa/providers"
)

// Settings are one account's settings of one provider: *VirtualPOS, *PagoSeguro, *PagandoCheck,
// *ETpay or *Coordinador.
type Settings interface {
	// shape says what the settings must have; it holds for every provider alike.
	shape() shape
}

// Account is one configured account.
type Account struct {
	Provider string
	Name     string
	Settings Settings
}

// shape is what an account's settings have to check.
type shape struct {
	// credentials must all be set; where none is, the account is off.
	credentials []setting
	// urls must be https, or on loopback; the first ones, as many as needed says, must be set.
	urls   []setting
	needed int
	// identity tells two accounts of a provider apart; no secret is in it.
	identity []string
	// others are further problems, each found already, by setting.
	others []setting
}

// setting is a setting's name and its value, or what is wrong with it.
type setting struct{ name, text string }

func (v *VirtualPOS) shape() shape {
	return shape{
		credentials: []setting{{"API_KEY", v.APIKey.Reveal()}, {"SECRET_KEY", v.SecretKey.Reveal()}},
		urls:        []setting{{"BASE_URL", v.BaseURL}},
		needed:      1,
		identity:    []string{hostOf(v.BaseURL), "key " + digest(v.APIKey)},
		others:      v.others(),
	}
}

func (v *VirtualPOS) others() []setting {
	var found []setting
	add := func(bad bool, name, what string) {
		if bad {
			found = append(found, setting{name, what})
		}
	}
	add((v.ClientCertFile == "") != (v.ClientKeyFile == ""), "CLIENT_CERT_FILE", "a client certificate and its key go together: set both CLIENT_CERT_FILE and CLIENT_KEY_FILE, or none")
	for _, f := range []setting{{"CLIENT_CERT_FILE", v.ClientCertFile}, {"CLIENT_KEY_FILE", v.ClientKeyFile}, {"CA_FILE", v.CAFile}} {
		if f.text != "" {
			err := regular(f.text)
			add(err != nil, f.name, fmt.Sprintf("names a file that cannot be read: %v", err))
		}
	}
	add(!strings.HasPrefix(v.CreatePath, "/"), "CREATE_PATH", "must begin with /")
	add(!pathHolds(v.StatusPath, "{id}"), "STATUS_PATH", "must begin with / and hold {id}")
	add(!pathHolds(v.StatusByMerchantPath, "{merchant_id}"), "STATUS_BY_MERCHANT_PATH", "must begin with / and hold {merchant_id}")
	add(v.Body != "wrapped" && v.Body != "flat", "BODY", "must be wrapped or flat")
	add(v.StatusSignature != "tef" && v.StatusSignature != "api_key", "STATUS_SIGNATURE", "must be tef or api_key")
	return found
}

func (s *PagoSeguro) shape() shape {
	return shape{
		credentials: []setting{{"ACCOUNT_ID", s.AccountID}, {"API_KEY", s.APIKey.Reveal()}},
		urls:        []setting{{"BASE_URL", s.BaseURL}},
		needed:      1,
		identity:    []string{hostOf(s.BaseURL), s.AccountID},
	}
}

func (s *PagandoCheck) shape() shape {
	return shape{
		credentials: []setting{{"USER", s.User}, {"PASSWORD", s.Password.Reveal()}},
		urls:        []setting{{"BASE_URL", s.BaseURL}},
		needed:      1,
		identity:    []string{hostOf(s.BaseURL), s.User},
	}
}

func (s *ETpay) shape() shape {
	own := shape{
		credentials: []setting{{"MERCHANT_CODE", s.MerchantCode}, {"MERCHANT_API_TOKEN", s.MerchantAPIToken.Reveal()}},
		urls:        []setting{{"BASE_URL", s.BaseURL}, {"PAYMENT_URL", s.PaymentURL}, {"WEBHOOK_URL", s.WebhookURL}},
		needed:      2,
		identity:    []string{hostOf(s.BaseURL), s.MerchantCode},
	}
	if s.Payouts() {
		s.addPayouts(&own)
	}
	return own
}

// Payouts reports whether the account is meant to send payouts: some of their settings are set.
func (s *ETpay) Payouts() bool {
	return s.PayoutsURL != "" || s.PayoutsUsername != "" || s.PayoutsPassword != "" // a file has been read by now
}

// addPayouts makes the settings of payouts part of the account: all are needed, and who gets the
// payouts is part of its identity.
func (s *ETpay) addPayouts(own *shape) {
	own.urls = append([]setting{{"PAYOUTS_URL", s.PayoutsURL}}, own.urls...)
	own.needed++
	own.identity = append(own.identity, hostOf(s.PayoutsURL), s.PayoutsUsername)
	own.credentials = append(own.credentials, setting{"PAYOUTS_USERNAME", s.PayoutsUsername}, setting{"PAYOUTS_PASSWORD", s.PayoutsPassword.Reveal()})
	for _, path := range []setting{{"PAYOUTS_CREATE_PATH", s.PayoutsCreatePath}, {"PAYOUTS_RANGE_PATH", s.PayoutsRangePath}} {
		if !strings.HasPrefix(path.text, "/") {
			own.others = append(own.others, setting{path.name, "must begin with /"})
		}
	}
	if !pathHolds(s.PayoutsStatusPath, "{id}") {
		own.others = append(own.others, setting{"PAYOUTS_STATUS_PATH", "must begin with / and hold {id}"})
	}
}

// PaysOut reports whether the account sends payouts.
func (a Account) PaysOut() bool {
	if s, ok := a.Settings.(*ETpay); ok {
		return s.Payouts()
	}
	return a.Provider == providers.VirtualPOS || a.Provider == providers.Coordinador
}

func (s *Coordinador) shape() shape {
	return shape{
		credentials: []setting{{"USERNAME", s.Username}, {"PASSWORD", s.Password.Reveal()}},
		urls:        []setting{{"PORTAL_URL", s.PortalURL}, {"GATEWAY_URL", s.GatewayURL}},
		needed:      2,
		identity:    []string{hostAndPath(s.PortalURL), hostAndPath(s.GatewayURL), s.Username},
	}
}

// Identity tells the account from every other of its provider, whatever it is called; no secret is
// in it.
func (a Account) Identity() string { return strings.Join(a.Settings.shape().identity, " ") }

// Real reports whether the account talks to a provider off loopback.
func (a Account) Real() bool {
	shape := a.shape()
	for _, u := range shape.urls[:shape.needed] {
		if !IsLoopbackURL(u.text) {
			return true
		}
	}
	return false
}

func (a Account) shape() shape { return a.Settings.shape() }

func (s shape) configured() bool {
	for _, c := range s.credentials {
		if c.text != "" {
			return true
		}
	}
	return false
}

// problems lists what is wrong with the account; name says how people call a setting of it.
func (a Account) problems(name func(setting string) string) []error {
	var problems []error
	s := a.shape()
	for _, c := range s.credentials {
		if c.text == "" {
			problems = append(problems, problem(name(c.name), "missing: %s is on, because others of its credentials are set", a.Provider))
		}
	}
	for i, u := range s.urls {
		if what := urlProblem(u.text, i < s.needed); what != "" {
			problems = append(problems, problem(name(u.name), "%s", what))
		}
	}
	for _, o := range s.others {
		problems = append(problems, problem(name(o.name), "%s", o.text))
	}
	return problems
}

func urlProblem(text string, needed bool) string {
	if text == "" {
		if needed {
			return "missing: set the provider's URL"
		}
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "not a URL such as https://host or https://host/prefix (found " + shapeOf(text) + ")"
	case u.User != nil:
		return "holds a user or password, which would show in logs: use the provider's own settings"
	case u.RawQuery != "" || u.Fragment != "":
		return "may carry a path, but no query and no fragment"
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "must be https: plain http is accepted on loopback only"
	}
	return ""
}

// IsLoopbackURL reports whether the URL stays on this machine.
func IsLoopbackURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// hostOf is the URL's host, with its port unless that is the scheme's own.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

func hostAndPath(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return hostOf(text) + strings.TrimRight(u.Path, "/")
}

func pathHolds(path, placeholder string) bool {
	return strings.HasPrefix(path, "/") && strings.Count(path, placeholder) == 1
}

// digest names a key without giving it away: API keys are random and long.
func digest(key providers.Secret) string {
	sum := sha256.Sum256([]byte("remesa account identity\n" + key.Reveal()))
	return hex.EncodeToString(sum[:8])
}
