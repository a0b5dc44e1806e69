// Package seal encrypts texts before they reach Redis, with AES-256-GCM and keys that only
// producers, workers and operators hold. A sealed text names its key, and is bound to the field and
// payment that it belongs to, so that it does not open anywhere else.
//
//	s1.<key id>.<base64url of: check (3 bytes), nonce (12), ciphertext, tag (16)>
//
// The check is the first 3 bytes of SHA-256 over a fixed prefix and the key. It proves nothing; it
// tells a process whose key has the same id but other bytes (ErrUnknownKey) from a text that was
// changed (ErrTampered).
//
// A key may seal 2^32 texts, because nonces are random (NIST SP 800-38D, 8.3). A payment takes
// about ten, so change the first key before it has sealed 400 million payments, at least once a
// year, and whenever a person who knew it leaves. docs/sealing.md says how.
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
	// ErrUnknownKey: it is sealed with a key that this ring lacks, or has with other bytes. A
	// process with the right key can open it.
	ErrUnknownKey = errors.New("sealed with a key that is not at hand")
	// ErrNotSealed: it is not sealed, and a ring with keys accepts only sealed texts.
	ErrNotSealed = errors.New("not sealed")
	// ErrTampered: the right key does not open it. It was changed, or moved from where it belongs.
	ErrTampered = errors.New("sealed, but changed or moved since")
)

// Ring holds the keys of a process: the first one seals, and all open. It is safe for concurrent
// use. With a nil Ring sealing is off: Seal returns its input, and Open fails on sealed texts. A
// Ring prints as the ids of its keys.
type Ring struct{ keys []*key }

// Seal encrypts plain so that only Open with the same bindings opens it. Bindings name what the
// text belongs to, such as a field and a payment. A nil ring returns plain as it is, and every ring
// returns an empty text for an empty one.
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

// Open returns what was sealed with the same bindings. Its errors wrap ErrUnknownKey, ErrNotSealed
// or ErrTampered. A nil ring returns unsealed texts as they are.
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

// Current reports whether the text is sealed with the first key, so that it opens without the
// others.
func (r *Ring) Current(text []byte) bool {
	return r != nil && bytes.HasPrefix(text, []byte(r.keys[0].prefix()))
}

const prefix = "s1."

// CanOpen reports, without decrypting, whether the ring has the key of a text. It returns nil,
// ErrUnknownKey, or, if the ring has keys, ErrNotSealed. Only Open detects ErrTampered.
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

// Prefixes returns, for each key, how all texts begin that it has sealed. By these a process
// without keys can tell which ring opens a text.
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

// Sealed reports whether the text has the form of a sealed one. JSON objects and numbers never do.
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

// unknown names the key that is missing; ids are not secret.
func unknown(id []byte) error { return fmt.Errorf("%w: key %q", ErrUnknownKey, id) }

// key is one key of a ring.
type key struct {
	id, head string
	check    [checkBytes]byte
	aead     cipher.AEAD // makes its own random nonces
}

// checkBytes is the length of the check. Three bytes are exactly four characters of base64, so that
// all texts of a key have the same prefix.
const checkBytes = 3

func (k *key) prefix() string { return k.head + base64.RawURLEncoding.EncodeToString(k.check[:]) }

// bound returns the additional authenticated data: the key's id and the bindings, each after its
// length, so that no two lists of bindings yield the same bytes.
func (k *key) bound(bindings []string) []byte {
	b := []byte("remesa sealed 1")
	for _, part := range append([]string{k.id}, bindings...) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) // #nosec G115 -- names and keys of payments, far below 4 GB
		b = append(b, part...)
	}
	return b
}
