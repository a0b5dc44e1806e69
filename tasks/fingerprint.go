package tasks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"strings"

	"github.com/remesa/remesa/providers"
)

// Versions of fingerprints, the prefix of each.
const (
	plainVersion = "1:"
	keyedVersion = "1h:"
)

// KeyedFingerprint begins every fingerprint that needs the key.
const KeyedFingerprint = keyedVersion

// Errors of FingerprintLike.
var (
	ErrFingerprintKey     = errors.New("the record's fingerprint is keyed, and no fingerprint key is set")
	ErrFingerprintVersion = errors.New("the record's fingerprint has a version that this program does not know")
)

// Meaning is what the payment means, as "name=value" in a fixed order: two tasks of one key with
// equal meaning are the same payment. Not in it are descriptions, names, e-mail addresses,
// metadata, times, and how the task was written. A status task means nothing.
func (t Task) Meaning() []string {
	if t.payout == nil && t.charge == nil {
		return nil
	}
	m := []string{"type=" + t.Type(), "amount=" + t.amount.Trimmed(), "currency=" + t.amount.Currency()}
	return append(m, t.identity...)
}

// Fingerprint is a short hash of the task's meaning with its version in front: "1:" a plain hash,
// "1h:" one keyed with key, which keeps documents and account numbers from being found by trying
// them all. A status task has none.
func (t Task) Fingerprint(key []byte) string {
	if t.Meaning() == nil {
		return ""
	}
	return fingerprint(key, t.Meaning())
}

// FingerprintLike is the task's fingerprint in the version of an existing one, so that the two can
// be compared.
func (t Task) FingerprintLike(existing string, key []byte) (string, error) {
	key, err := keyLike(existing, key)
	if err != nil {
		return "", err
	}
	return t.Fingerprint(key), nil
}

// MeaningPaths are the fields of a payment that say who is paid or who pays, or what: Meaning
// without type, amount and currency. Nil where the provider takes no payments of that type.
func MeaningPaths(provider, kind string) []string {
	r, ok := rulesFor(provider, kind)
	if !ok {
		return nil
	}
	var paths []string
	for _, part := range r.Meaning {
		paths = append(paths, part.Path)
	}
	return paths
}

// FingerprintOf is the fingerprint of a payment with these values of MeaningPaths, in their order,
// without its task: to compare what others say about a payment with what is on record. It is empty
// where a value does not have the form that a task's must have. key is as for Fingerprint.
func FingerprintOf(provider, kind string, amount providers.Money, values []string, key []byte) string {
	r, ok := rulesFor(provider, kind)
	if !ok || len(values) != len(r.Meaning) {
		return ""
	}
	parts := []string{"type=" + kind, "amount=" + amount.Trimmed(), "currency=" + amount.Currency()}
	for i, part := range r.Meaning {
		f, ok := r.payment.find(part.Path)
		if !ok || f.Valid != nil && !f.Valid(values[i]) {
			return ""
		}
		if value := r.canonical(part.Path, values[i]); value != "" && value != "0" {
			parts = append(parts, part.Name+"="+value)
		}
	}
	return fingerprint(key, parts)
}

func fingerprint(key []byte, parts []string) string {
	if len(key) == 0 {
		return plainVersion + digest(sha256.New(), parts)
	}
	return keyedVersion + digest(hmac.New(sha256.New, key), parts)
}

// keyLike is the key with which a fingerprint has the version of an existing one: none where that
// is a plain one.
func keyLike(existing string, key []byte) ([]byte, error) {
	switch {
	case strings.HasPrefix(existing, plainVersion):
		return nil, nil
	case !strings.HasPrefix(existing, keyedVersion):
		return nil, ErrFingerprintVersion
	case len(key) == 0:
		return nil, ErrFingerprintKey
	}
	return key, nil
}

func digest(h hash.Hash, parts []string) string {
	return base64.RawURLEncoding.EncodeToString(hashParts(h, parts)[:16])
}

// hashParts hashes each part with its length in front: no two lists are hashed as the same bytes.
func hashParts(h hash.Hash, parts []string) []byte {
	for _, part := range parts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}
