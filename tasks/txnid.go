package tasks

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
)

// TxnID is the reference of the charge of one period: 20 letters and digits, which every provider
// takes, the same on every machine and in every version of this program. dunningAttempt is 0 for
// the first charge of the period, 1 for the one after its first soft decline.
//
// It has 90 bits of a hash: two of a thousand million charges are alike with a chance below one in
// a thousand million. The letter in the middle keeps it from ever looking like a card number, with
// which no charge would be accepted.
func TxnID(subscription string, period, dunningAttempt int) string {
	sum := hashParts(sha256.New(), []string{"remesa charge of a subscription 1", subscription, strconv.Itoa(period), strconv.Itoa(dunningAttempt)})
	text := base32.StdEncoding.EncodeToString(sum)
	return "S" + text[:9] + "P" + text[9:18]
}
