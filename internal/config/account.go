package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/remesa/remesa/providers/spec"
)

// Account is one configured account.
type Account struct {
	Provider spec.Provider
	Name     string
	Settings spec.Settings
	limits   Limits
}

// Makes reports whether the account makes payments of that type.
func (a Account) Makes(t spec.Type) bool {
	return a.Provider.Takes(t) && !slices.Contains(a.Settings.Requirements().Off, t)
}

// Identity tells the account from every other of its provider, whatever it is called; no secret is
// in it.
func (a Account) Identity() string {
	return strings.Join(a.Settings.Requirements().Identity, " ")
}

// Live reports whether the account talks to a provider off loopback.
func (a Account) Live() bool {
	r := a.Settings.Requirements()
	for _, u := range r.URLs[:r.Needed] {
		if !IsLoopbackURL(u.Text) {
			return true
		}
	}
	return false
}

// configured reports whether any of the account's credentials is set.
func (a Account) configured() bool {
	return slices.ContainsFunc(a.Settings.Requirements().Credentials, func(c spec.Setting) bool { return c.Text != "" })
}

// problems lists what is wrong with the account; name says how people call a setting of it.
func (a Account) problems(name func(setting string) string) []error {
	var problems []error
	r := a.Settings.Requirements()
	for _, c := range r.Credentials {
		if c.Text == "" {
			problems = append(problems, problem(name(c.Name), "missing: %s is on, because others of its credentials are set", a.Provider.Name))
		}
	}
	for i, u := range r.URLs {
		if what := urlProblem(u.Text, i < r.Needed); what != "" {
			problems = append(problems, problem(name(u.Name), "%s", what))
		}
	}
	for _, f := range r.Files {
		if f.Text == "" {
			continue
		}
		if err := regular(f.Text); err != nil {
			problems = append(problems, problem(name(f.Name), "names a file that cannot be read: %v", err))
		}
	}
	for _, o := range r.Problems {
		problems = append(problems, problem(name(o.Name), "%s", o.Text))
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

func (a Account) String() string { return fmt.Sprintf("%s/%s", a.Provider.Name, a.Name) }
