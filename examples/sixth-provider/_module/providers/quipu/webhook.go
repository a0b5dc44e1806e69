package quipu

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/providers/wire"
)

// SignatureHeader carries a report's HMAC-SHA256 under the webhook secret, in hexadecimal.
const SignatureHeader = "X-Quipu-Signature"

// reported is the id of the transfer that a report is about, by which Pay made it findable.
func reported(r spec.Report) (string, error) {
	o, ok := wire.ReadObject(r.Body)
	if id := o.Text("id"); ok && !o.Bad() && id != "" {
		return id, nil
	}
	return "", spec.ErrReport
}

// verify holds the signature against the account's own secret. What the report says is not
// believed: Quipu is queried.
func verify(r spec.Report, about spec.Reported) error {
	client, ok := about.Client.(*Client)
	if !ok || client.config.WebhookSecret == "" {
		return spec.ErrReport
	}
	mac := hmac.New(sha256.New, []byte(client.config.WebhookSecret.Reveal()))
	mac.Write(r.Body)
	sent, err := hex.DecodeString(r.Header.Get(SignatureHeader))
	if err != nil || !hmac.Equal(sent, mac.Sum(nil)) {
		return spec.ErrReport
	}
	return nil
}
