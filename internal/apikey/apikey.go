// Package apikey is the keys of the HTTP interface: who may call it, and what for. A key is shown
// once, when it is made; what is stored lets a key be checked and not be found out.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
)

// Scope is one thing that a key may do: "read", "settle", "submit" for all accounts,
// "submit:PROVIDER" or "submit:PROVIDER/ACCOUNT".
type Scope string

// What a key may do.
const (
	// Read: see payments, subscriptions and outcomes.
	Read Scope = "read"
	// Submit: take payments and subscriptions in, cancel the ones, and pause, resume, change and
	// cancel the others.
	Submit Scope = "submit"
	// Settle: what an operator does: resolve, retry, release, halt and unhalt.
	Settle Scope = "settle"
)

var submits = regexp.MustCompile(`^submit:([a-z0-9]{1,32})(/[a-z0-9-]{1,32})?$`)

// ParseScope reads a scope; known are the providers' names.
func ParseScope(text string, known []string) (Scope, error) {
	switch s := Scope(text); s {
	case Read, Submit, Settle:
		return s, nil
	}
	m := submits.FindStringSubmatch(text)
	switch {
	case m == nil:
		return "", errors.New("a scope must be read, settle, submit, submit:PROVIDER or submit:PROVIDER/ACCOUNT")
	case !slices.Contains(known, m[1]):
		return "", errors.New("a scope names a provider that is not one of " + strings.Join(known, ", "))
	}
	return Scope(text), nil
}

// Key is a key as it is stored: everything but the secret.
type Key struct {
	// ID is public, and part of the secret text.
	ID string `json:"id"`
	// Name says for people whose it is.
	Name   string  `json:"name"`
	Scopes []Scope `json:"scopes"`
	// Hash is SHA-256 of the whole text, in hex. The text holds 32 random bytes, so that no slow
	// hash is needed to keep anybody from trying them all.
	Hash    string    `json:"hash"`
	Created time.Time `json:"created"`
	// Revoked is when it was revoked; zero while it is valid.
	Revoked time.Time `json:"revoked,omitzero"`
}

// MayRead reports whether the key may see payments.
func (k Key) MayRead() bool { return slices.Contains(k.Scopes, Read) }

// MaySettle reports whether the key may do what an operator does.
func (k Key) MaySettle() bool { return slices.Contains(k.Scopes, Settle) }

// MaySubmit reports whether the key may submit for an account.
func (k Key) MaySubmit(provider, account string) bool {
	return slices.ContainsFunc(k.Scopes, func(s Scope) bool {
		return s == Submit || s == Submit+Scope(":"+provider) || s == Submit+Scope(":"+provider+"/"+account)
	})
}

// MaySubmitAnything reports whether the key may submit for some account.
func (k Key) MaySubmitAnything() bool {
	return slices.ContainsFunc(k.Scopes, func(s Scope) bool { return s == Submit || strings.HasPrefix(string(s), string(Submit)+":") })
}

// A key's text is "remesa_", its id, "_" and its secret: scanners of leaked texts find it.
const (
	prefix      = "remesa_"
	idBytes     = 6
	secretBytes = 32
)

var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$`)
	textForm = regexp.MustCompile(`^remesa_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$`)
)

// Check says what is wrong with the name of a key, or with its scopes.
func Check(name string, scopes []Scope) error {
	switch {
	case !nameForm.MatchString(name):
		return errors.New("the name must be 1 to 64 letters, digits, points, dashes, underscores and blanks, and begin with a letter or digit")
	case len(scopes) == 0:
		return errors.New("a key without a scope may do nothing: give read, settle, submit, submit:PROVIDER or submit:PROVIDER/ACCOUNT")
	}
	return nil
}

// New makes a key and its text, which is not kept.
func New(name string, scopes []Scope, now time.Time) (Key, providers.Secret, error) {
	if err := Check(name, scopes); err != nil {
		return Key{}, "", err
	}
	random := make([]byte, idBytes+secretBytes)
	_, _ = rand.Read(random) // it never fails (crypto/rand)
	id := hex.EncodeToString(random[:idBytes])
	text := prefix + id + "_" + base64.RawURLEncoding.EncodeToString(random[idBytes:])
	return Key{ID: id, Name: name, Scopes: scopes, Hash: hash(text), Created: now.UTC()}, providers.Secret(text), nil
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// idOf is the public part of a key's text; empty where the text is none.
func idOf(text string) string {
	m := textForm.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

// opens reports whether the text is the key's, in a time that tells nothing of how much of it is.
func (k Key) opens(text string) bool {
	return subtle.ConstantTimeCompare([]byte(hash(text)), []byte(k.Hash)) == 1
}

func (k Key) String() string { return fmt.Sprintf("key %s (%s)", k.ID, k.Name) }
