package login

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

const argonPrefix = "$argon2id$"

// argon is a hash of argon2id in its usual form: $argon2id$v=19$m=65536,t=3,p=4$SALT$HASH.
type argon struct {
	memory, time uint32
	threads      uint8
	salt, hash   []byte
}

// Bounds of a hash that is read: no line of a file may make a login take the worker's memory or its
// time.
const (
	mostMemory  = 64 << 10 // KiB
	leastMemory = 8 << 10
	mostTime    = 16
	mostThreads = 16
	leastSalt   = 8
	leastHash   = 16
	mostHash    = 64
)

func parseArgon(text string) (argon, error) {
	var a argon
	var version int
	parts := strings.Split(strings.TrimPrefix(text, argonPrefix), "$")
	if len(parts) != 4 {
		return a, errors.New("the hash is not $argon2id$v=19$m=…,t=…,p=…$SALT$HASH")
	}
	_, versionErr := fmt.Sscanf(parts[0], "v=%d", &version)
	_, costErr := fmt.Sscanf(parts[1], "m=%d,t=%d,p=%d", &a.memory, &a.time, &a.threads)
	var saltErr, hashErr error
	a.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[2])
	a.hash, hashErr = base64.RawStdEncoding.DecodeString(parts[3])
	switch {
	case errors.Join(versionErr, costErr, saltErr, hashErr) != nil || version != argon2.Version:
		return a, errors.New("the hash is not $argon2id$v=19$m=…,t=…,p=…$SALT$HASH")
	case a.memory < leastMemory || a.memory > mostMemory || a.time < 1 || a.time > mostTime || a.threads < 1 || a.threads > mostThreads:
		return a, fmt.Errorf("the hash needs m from %d to %d, t to %d and p to %d", leastMemory, mostMemory, mostTime, mostThreads)
	case len(a.salt) < leastSalt || len(a.hash) < leastHash || len(a.hash) > mostHash:
		return a, fmt.Errorf("the hash needs a salt of %d bytes or more, and %d to %d bytes of its own", leastSalt, leastHash, mostHash)
	}
	return a, nil
}

func (a argon) matches(password string) bool {
	got := argon2.IDKey([]byte(password), a.salt, a.time, a.memory, a.threads, uint32(len(a.hash))) // #nosec G115 -- 64 at most
	return subtle.ConstantTimeCompare(got, a.hash) == 1
}
