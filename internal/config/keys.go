package config

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
)

// Keys seal what rests in Redis, and key the fingerprints.
type Keys struct {
	TokenKey           providers.Secret `name:"token-key" placeholder:"BASE64" help:"32 bytes in base64: seals provider tokens shared through Redis; without it each worker keeps its own in memory."`
	TokenKeyFile       string           `name:"token-key-file" placeholder:"FILE" help:"File that holds the token key."`
	FingerprintKey     providers.Secret `name:"fingerprint-key" placeholder:"TEXT" help:"At least 16 characters: makes fingerprints an HMAC. Never change it; required with payload keys."`
	FingerprintKeyFile string           `name:"fingerprint-key-file" placeholder:"FILE" help:"File that holds the fingerprint key."`
	PayloadKeys        providers.Secret `name:"payload-keys" placeholder:"ID:BASE64,…" help:"Keys of 32 bytes in base64: payloads are sealed with the first and opened with any; unsealed tasks are then refused."`
	PayloadKeysFile    string           `name:"payload-keys-file" placeholder:"FILE" help:"File that holds the payload keys."`
	ExportKey          providers.Secret `name:"export-key" placeholder:"BASE64" help:"32 bytes in base64: signs the manifests of enqueue export (Ed25519)."`
	ExportKeyFile      string           `name:"export-key-file" placeholder:"FILE" help:"File that holds the export key."`
}

const (
	sealingKeyBytes     = 32 // also those of an Ed25519 seed
	leastFingerprintKey = 16
)

// Token is the raw key that seals shared tokens, empty where there is none.
func (k *Keys) Token() (providers.Secret, error) {
	if k.TokenKey == "" {
		return "", nil
	}
	key, err := sealingKey(k.TokenKey.Reveal())
	if err != nil {
		return "", problem("REMESA_TOKEN_KEY", "%s", err)
	}
	return key, nil
}

// Signer is the key that signs manifests, nil where there is none.
func (k *Keys) Signer() (ed25519.PrivateKey, error) {
	if k.ExportKey == "" {
		return nil, nil
	}
	seed, err := sealingKey(k.ExportKey.Reveal())
	if err != nil {
		return nil, problem("REMESA_EXPORT_KEY", "%s", err)
	}
	return ed25519.NewKeyFromSeed([]byte(seed.Reveal())), nil
}

// Ring is the payload keys: the first seals, each opens. Nil where there are none.
func (k *Keys) Ring() (*seal.Ring, error) {
	ring, err := seal.Parse(k.PayloadKeys.Reveal())
	if err != nil {
		return nil, problem("REMESA_PAYLOAD_KEYS", "%s", err)
	}
	return ring, nil
}

func sealingKey(text string) (providers.Secret, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("is not base64: make one with `openssl rand -base64 32`")
	}
	if len(raw) != sealingKeyBytes {
		return "", fmt.Errorf("holds %d bytes instead of %d: make one with `openssl rand -base64 32`", len(raw), sealingKeyBytes)
	}
	return providers.Secret(raw), nil
}

func (k *Keys) complete() []error {
	var problems []error
	if _, err := k.Token(); err != nil {
		problems = append(problems, err)
	}
	if _, err := k.Signer(); err != nil {
		problems = append(problems, err)
	}
	if _, err := k.Ring(); err != nil {
		problems = append(problems, err)
	}
	switch length := len(k.FingerprintKey.Reveal()); {
	case length == 0 && k.PayloadKeys != "":
		problems = append(problems, problem("REMESA_FINGERPRINT_KEY", "required with REMESA_PAYLOAD_KEYS: a plain fingerprint of a sealed payment can be guessed"))
	case length > 0 && length < leastFingerprintKey:
		problems = append(problems, problem("REMESA_FINGERPRINT_KEY", "has %d characters, needs at least %d", length, leastFingerprintKey))
	}
	return problems
}
