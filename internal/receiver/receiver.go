// Package receiver describes the billing systems that get webhooks: the file that names them, which
// outcome events each of them wants, where it may be, and the secrets that sign what it gets.
package receiver

import (
	"encoding/base64"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/remesa/remesa/outcomes"
	"github.com/remesa/remesa/providers"
)

// Receiver is one billing system.
type Receiver struct {
	// Name is how commands, metrics, logs and queues call it. Another name is another receiver.
	Name string
	URL  *url.URL
	// Secrets sign each delivery: one, or two while the secret is being changed. Each is "whsec_"
	// and the base64 of 24 to 64 bytes.
	Secrets []providers.Secret
	Filter  Filter
	// AllowPrivate allows addresses of this machine and of private networks, and http:// to them.
	AllowPrivate bool
	// OpenSealed delivers metadata, message and action_url opened where payload keys seal them;
	// else these are left out. It needs https.
	OpenSealed bool
	// Concurrency is how many deliveries a worker has under way at a time.
	Concurrency int
	// SecretFiles are the files that the secrets come from.
	SecretFiles []string
}

// Filter is which events a receiver gets: those that each list which is not empty has a word of. An
// event without the field is not one of them.
type Filter struct{ Providers, Accounts, Types, Events, States []string }

// Takes reports whether the event is for this receiver.
func (f Filter) Takes(e outcomes.Event) bool {
	in := func(list []string, word string) bool { return len(list) == 0 || slices.Contains(list, word) }
	return in(f.Providers, e.Provider) && in(f.Accounts, e.Account) && in(f.Types, e.Type) && in(f.Events, e.Kind) && in(f.States, string(e.State))
}

// Where names the receiver's server for people and logs, without the path, which may hold a secret.
func (r Receiver) Where() string { return r.URL.Scheme + "://" + r.URL.Host }

const (
	usualConcurrency = 4
	mostConcurrency  = 64
	secretPrefix     = "whsec_"
	// leastSecret and mostSecret bound a secret's bytes, as Standard Webhooks does.
	leastSecret, mostSecret = 24, 64
)

var names = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

var errSecret = errors.New(`must be whsec_ and the base64 of 24 to 64 random bytes; make one with: printf 'whsec_%s' "$(openssl rand -base64 32)"`)

// Key is the bytes of a secret. Its error repeats nothing of it.
func Key(s providers.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(s.Reveal(), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < leastSecret || len(key) > mostSecret {
		return nil, errSecret
	}
	return key, nil
}
