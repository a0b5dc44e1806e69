// Package sealtest makes payload keys for tests.
package sealtest

import (
	"strings"
	"testing"

	"github.com/remesa/remesa/seal"
)

// Ring has a random key for each id; it seals with the first.
func Ring(t testing.TB, ids ...string) *seal.Ring {
	t.Helper()
	return RingOf(t, Keys(t, ids...)...)
}

// Keys are random keys in the form of REMESA_PAYLOAD_KEYS, one for each id.
func Keys(t testing.TB, ids ...string) []string {
	t.Helper()
	var keys []string
	for _, id := range ids {
		key, err := seal.NewKey(id)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// RingOf has these keys; it seals with the first.
func RingOf(t testing.TB, keys ...string) *seal.Ring {
	t.Helper()
	ring, err := seal.Parse(strings.Join(keys, ","))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}
