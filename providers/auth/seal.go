package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/remesa/remesa/providers"
)

// sealer seals what the store keeps: a random nonce, then the ciphertext. Account and version are
// part of what is authenticated.
type sealer struct{ aead cipher.AEAD }

func newSealer(key providers.Secret) (sealer, error) {
	if len(key.Reveal()) != 32 {
		return sealer{}, fmt.Errorf("the token key has %d bytes instead of 32", len(key.Reveal()))
	}
	block, err := aes.NewCipher([]byte(key.Reveal()))
	if err != nil {
		return sealer{}, errors.New("the token key cannot be used")
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead}, err
}

// plain is the form in which a token is sealed; a providers.Secret would write REDACTED.
type plain struct {
	Value        string    `json:"value"`
	Expires      time.Time `json:"expires"`
	Refresh      string    `json:"refresh"`
	RefreshUntil time.Time `json:"refresh_until"`
	Obtained     time.Time `json:"obtained"`
}

func bound(account string, version int64) []byte {
	return fmt.Appendf(nil, "remesa provider token 1\x00%s\x00%d", account, version)
}

func (s sealer) seal(account string, version int64, t Shareable) ([]byte, error) {
	text, err := json.Marshal(plain{
		t.Token.Value.Reveal(), t.Token.Expires, t.Token.Refresh.Reveal(), t.Token.RefreshUntil, t.Obtained,
	})
	if err != nil {
		return nil, errors.New("the token cannot be sealed")
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(text)+s.aead.Overhead())
	_, _ = rand.Read(nonce) // it never fails
	return s.aead.Seal(nonce, nonce, text, bound(account, version)), nil
}

var errSealed = errors.New("the stored token cannot be opened")

func (s sealer) open(account string, version int64, sealed []byte) (Shareable, error) {
	size := s.aead.NonceSize()
	if len(sealed) < size {
		return Shareable{}, errSealed
	}
	text, err := s.aead.Open(nil, sealed[:size], sealed[size:], bound(account, version))
	if err != nil {
		return Shareable{}, errSealed
	}
	var p plain
	if json.Unmarshal(text, &p) != nil || p.Value == "" {
		return Shareable{}, errSealed
	}
	return Shareable{Obtained: p.Obtained, Token: Token{
		Value: providers.Secret(p.Value), Expires: p.Expires, Refresh: providers.Secret(p.Refresh), RefreshUntil: p.RefreshUntil,
	}}, nil
}
