package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// KeyBytes is the length of a key of AES-256.
const KeyBytes = 32

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// Parse parses "ID:BASE64,…", the form of REMESA_PAYLOAD_KEYS: standard base64 (RFC 4648, 4) of 32
// bytes a key. It returns nil for an empty text. Its errors contain no part of a key.
func Parse(text string) (*Ring, error) {
	if text == "" {
		return nil, nil
	}
	r := &Ring{}
	for i, entry := range strings.Split(text, ",") {
		id, encoded, found := strings.Cut(strings.TrimSpace(entry), ":")
		switch {
		case !found || !idPattern.MatchString(id):
			return nil, fmt.Errorf("entry %d is not ID:BASE64 with an id of 1 to 32 letters, digits, _ or -", i+1)
		case r.find(id) != nil:
			return nil, fmt.Errorf("entry %d has the id of an earlier one", i+1)
		}
		k, err := newKey(id, encoded)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

func newKey(id, encoded string) (*key, error) {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("is not base64: make one with `worker key`")
	}
	if len(raw) != KeyBytes {
		return nil, fmt.Errorf("holds %d bytes instead of %d: make one with `worker key`", len(raw), KeyBytes)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, errors.New("cannot be used")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, errors.New("cannot be used")
	}
	sum := sha256.Sum256(append([]byte("remesa key check 1"), raw...))
	return &key{id: id, head: prefix + id + ".", check: [checkBytes]byte(sum[:]), aead: aead}, nil
}

// NewKey returns a random key in the form that Parse reads.
func NewKey(id string) (string, error) {
	if !idPattern.MatchString(id) {
		return "", errors.New("the id of a key has 1 to 32 letters, digits, _ or -")
	}
	var raw [KeyBytes]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return id + ":" + base64.StdEncoding.EncodeToString(raw[:]), nil
}

// IDs returns the keys' ids; the first key seals.
func (r *Ring) IDs() []string {
	if r == nil {
		return nil
	}
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

func (r *Ring) String() string { return "keys " + strings.Join(r.IDs(), ", ") }

// GoString keeps %#v from printing a key.
func (r *Ring) GoString() string { return r.String() }

// MarshalText keeps encodings from printing a key.
func (r *Ring) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
