package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// Settings are one account's settings of one provider.
type Settings interface {
	// Requirements says what the settings must have; files of secrets have been read by then.
	Requirements() Requirements
	// Client makes the account's client, one of Provider.Clients. It dials nothing.
	Client(p Parts) (any, error)
}

// Setting is a setting's name, such as BASE_URL, and its value, or what is wrong with it.
type Setting struct{ Name, Text string }

// Requirements are what an account's settings have to meet.
type Requirements struct {
	// Credentials must all be set; where none is, the account is off.
	Credentials []Setting
	// URLs must be https, or on loopback; the first ones, as many as Needed says, must be set.
	URLs   []Setting
	Needed int
	// Files must be readable where they are named.
	Files []Setting
	// Problems are further ones, each found already.
	Problems []Setting
	// Identity tells two accounts of a provider apart; no secret is in it. Its first part is a
	// host.
	Identity []string
	// Off are types of payments that the provider takes and this account does not make.
	Off []Type
	// HoldOnly says why a payment that was not found is never sent again; empty where it may be. It
	// completes "must be hold while PROVIDER/ACCOUNT …".
	HoldOnly string
}

// AtHost are the requirements of an account at BASE_URL: what it is called there, and its secret.
// The host and the name are its identity.
func AtHost(baseURL string, name, secret Setting) Requirements {
	return Requirements{
		Credentials: []Setting{name, secret},
		URLs:        []Setting{{Name: "BASE_URL", Text: baseURL}},
		Needed:      1,
		Identity:    []string{Host(baseURL), name.Text},
	}
}

// Parts are what a client is given besides its account's settings; the zero value is usable.
type Parts struct {
	// Wire bounds the exchanges with the provider.
	Wire wire.Options
	// Auth names the account, "acme/default" for instance, and says how its token is shared
	// and renewed. What the provider fixes of it, such as Login, is the client's own.
	Auth auth.Options
}

// Check collects what is wrong with settings.
type Check []Setting

// Add records what is wrong with a setting, if anything is.
func (c *Check) Add(bad bool, name, what string) {
	if bad {
		*c = append(*c, Setting{name, what})
	}
}

// Host is the URL's host, with its port unless that is the scheme's own.
func Host(text string) string {
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

// HostAndPath is the URL's host as Host has it, and its path without a slash at the end.
func HostAndPath(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return Host(text) + strings.TrimRight(u.Path, "/")
}

// PathHolds reports whether a path begins with a slash and holds the placeholder once.
func PathHolds(path, placeholder string) bool {
	return strings.HasPrefix(path, "/") && strings.Count(path, placeholder) == 1
}

// Digest names a key without giving it away: API keys are random and long.
func Digest(key providers.Secret) string {
	sum := sha256.Sum256([]byte("remesa account identity\n" + key.Reveal()))
	return hex.EncodeToString(sum[:8])
}

// List reads texts separated by commas.
func List(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
