// Package seal makes what rests in Redis unreadable to whoever can read Redis: AES-256-GCM under
// keys that only producers, workers and operators hold. A sealed text says which key opens it and
// is bound to what it belongs to, so that it is worth nothing anywhere else.
//
//	s1.<key id>.<base64url of: check (3 bytes), nonce (12), ciphertext, tag (16)>
//
// The check is the beginning of the key's SHA-256 under a fixed prefix. It is no proof of anything:
// it tells a process that was given other bytes under the same id, which should wait for the right
// ones, from a text that somebody changed, which is never opened.
//
// A key is good for 2^32 seals: nonces are random, and beyond that two may meet. A payment takes
// about ten, so change the first key before it has sealed 400 million payments, at least once a
// year, and whenever somebody who knew it leaves. docs/sealing.md says how.
package seal

import (
	"bytes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of Open.
var (
	// ErrUnknownKey: sealed with a key that this ring does not have, or has with other bytes. A
	// process with the right key opens it.
	ErrUnknownKey = errors.New("sealed with a key that is not at hand")
	// ErrNotSealed: with keys, nothing unsealed is taken.
	ErrNotSealed = errors.New("not sealed")
	// ErrTampered: the right key does not open it. It was changed, or taken from where it belongs.
	ErrTampered = errors.New("sealed, but changed or moved since")
)

// Ring is the keys of a process: the first seals, any opens. It is safe for concurrent use. A nil
// Ring means that sealing is off: what is sealed with it stays as it is, and nothing that is sealed
// can be opened. A Ring prints as the ids of its keys.
type Ring struct{ keys []*key }

// Seal makes a text that only Open with the same bindings opens. Bindings say what the text belongs
// to, such as a field and a payment. A nil ring returns the plain bytes, and every ring returns an
// empty text for an empty one.
func (r *Ring) Seal(plain []byte, bindings ...string) []byte {
	if r == nil || len(plain) == 0 {
		return plain
	}
	k := r.keys[0]
	raw := make([]byte, checkBytes, checkBytes+len(plain)+k.aead.Overhead())
	copy(raw, k.check[:])
	raw = k.aead.Seal(raw, nil, plain, k.bound(bindings)) // #nosec G407 -- this AEAD makes its own random nonce
	return base64.RawURLEncoding.AppendEncode([]byte(k.head), raw)
}

// Open returns what was sealed with the same bindings. A nil ring returns what is not sealed as it
// is.
func (r *Ring) Open(sealed []byte, bindings ...string) ([]byte, error) {
	switch {
	case len(sealed) == 0, r == nil && !Sealed(sealed):
		return sealed, nil
	case !Sealed(sealed):
		return nil, ErrNotSealed
	}
	id, text, _ := bytes.Cut(sealed[len(prefix):], []byte("."))
	k := r.find(string(id))
	if k == nil {
		return nil, unknown(id)
	}
	raw, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	switch {
	case len(raw) >= checkBytes && [checkBytes]byte(raw) != k.check:
		return nil, fmt.Errorf("%w: key %q has other bytes here", ErrUnknownKey, k.id)
	case err != nil || len(raw) < checkBytes:
		return nil, ErrTampered
	}
	plain, err := k.aead.Open(nil, nil, raw[checkBytes:], k.bound(bindings))
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}

// SealText is Seal for texts.
func (r *Ring) SealText(plain string, bindings ...string) string {
	return string(r.Seal([]byte(plain), bindings...))
}

// OpenText is Open for texts.
func (r *Ring) OpenText(sealed string, bindings ...string) (string, error) {
	plain, err := r.Open([]byte(sealed), bindings...)
	return string(plain), err
}

// Current reports whether the text is sealed with the first key: whether it would still open after
// all others were dropped.
func (r *Ring) Current(text []byte) bool {
	return r != nil && bytes.HasPrefix(text, []byte(r.keys[0].prefix()))
}

const prefix = "s1."

// CanOpen reports whether the key that a text was sealed with is here, without opening it: nil,
// ErrUnknownKey, or, where there are keys, ErrNotSealed. A text that its key does not open passes:
// Open tells.
func (r *Ring) CanOpen(text []byte) error {
	switch {
	case len(text) == 0, r == nil && !Sealed(text):
		return nil
	case !Sealed(text):
		return ErrNotSealed
	}
	id, _, _ := bytes.Cut(text[len(prefix):], []byte("."))
	k := r.find(string(id))
	switch {
	case k == nil:
		return unknown(id)
	case !bytes.HasPrefix(text, []byte(k.prefix())):
		return fmt.Errorf("%w: key %q has other bytes here", ErrUnknownKey, k.id)
	}
	return nil
}

// Prefixes is how a text begins that each key has sealed. It lets somebody without keys tell who
// can open a text.
func (r *Ring) Prefixes() []string {
	if r == nil {
		return nil
	}
	all := make([]string, len(r.keys))
	for i, k := range r.keys {
		all[i] = k.prefix()
	}
	return all
}

// Sealed reports whether the text has the form of a sealed one. No JSON object and no number has.
func Sealed(text []byte) bool {
	rest, found := bytes.CutPrefix(text, []byte(prefix))
	id, _, dotted := bytes.Cut(rest, []byte("."))
	return found && dotted && idPattern.Match(id)
}

func (r *Ring) find(id string) *key {
	if r == nil {
		return nil
	}
	for _, k := range r.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

// unknown names the key that is missing: ids are no secrets.
func unknown(id []byte) error { return fmt.Errorf("%w: key %q", ErrUnknownKey, id) }

// key is one of a ring's.
type key struct {
	id, head string
	check    [checkBytes]byte
	aead     cipher.AEAD // makes its own random nonces
}

// checkBytes fill four characters of base64 exactly, so that all that a key has sealed begins
// alike.
const checkBytes = 3

func (k *key) prefix() string { return k.head + base64.RawURLEncoding.EncodeToString(k.check[:]) }

// bound is what is authenticated beside the text: the key's id, and each binding behind its length,
// so that no two lists of bindings are the same bytes.
func (k *key) bound(bindings []string) []byte {
	b := []byte("remesa sealed 1")
	for _, part := range append([]string{k.id}, bindings...) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) // #nosec G115 -- names and keys of payments, far below 4 GB
		b = append(b, part...)
	}
	return b
}
