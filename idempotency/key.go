package idempotency

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// DefaultAccount is the account of tasks that name none.
const DefaultAccount = "default"

// Key names a payment: provider, account and our own reference.
type Key struct {
	Provider, Account, Reference string
}

var (
	providerPattern  = regexp.MustCompile(`^[a-z0-9]{1,32}$`)
	accountPattern   = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	referencePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// ParseKey parses "provider/reference" (account default) or "provider/account/reference".
func ParseKey(s string) (Key, error) {
	parts := strings.Split(s, "/")
	if len(parts) == 2 {
		parts = []string{parts[0], DefaultAccount, parts[1]}
	}
	if len(parts) != 3 {
		return Key{}, fmt.Errorf("key: want provider/reference or provider/account/reference")
	}
	k := Key{parts[0], parts[1], parts[2]}
	return k, k.Validate()
}

// Validate returns an error that names the part of the key that has the wrong form.
func (k Key) Validate() error {
	switch {
	case !providerPattern.MatchString(k.Provider):
		return fmt.Errorf("key: the provider must match %s", providerPattern)
	case !accountPattern.MatchString(k.Account):
		return fmt.Errorf("key: the account must match %s", accountPattern)
	case !referencePattern.MatchString(k.Reference):
		return fmt.Errorf("key: the reference must match %s", referencePattern)
	}
	return nil
}

func (k Key) String() string { return k.Provider + "/" + k.id() }

// TaskID returns the key and a generation, joined by colons: the dashboard could not open a task
// whose id has a slash.
func (k Key) TaskID(generation int64) string {
	return k.Provider + ":" + strings.ReplaceAll(k.id(), "/", ":") + ":" + strconv.FormatInt(generation, 10)
}

// ID returns the key without the provider: "account/reference", or the reference alone for the
// default account.
func (k Key) ID() string { return k.id() }

// KeyOf returns the key with this ID.
func KeyOf(provider, id string) Key { return keyFromID(provider, id) }

func (k Key) id() string {
	if k.Account == DefaultAccount {
		return k.Reference
	}
	return k.Account + "/" + k.Reference
}

func keyFromID(provider, id string) Key {
	if account, reference, ok := strings.Cut(id, "/"); ok {
		return Key{provider, account, reference}
	}
	return Key{provider, DefaultAccount, id}
}

// NewAttempt makes an attempt's id: a UUID of version 7 (RFC 9562) in base64url without padding, 22
// characters. Its first 48 bits are the time in milliseconds, so that ids
// sort in the order in which they were made.
func NewAttempt() string {
	id := uuid.Must(uuid.NewV7()) // fails only where crypto/rand does, which ends the process
	return base64.RawURLEncoding.EncodeToString(id[:])
}
