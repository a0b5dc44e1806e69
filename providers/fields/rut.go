package fields

import (
	"regexp"
	"strings"
)

var rutPattern = regexp.MustCompile(`^([0-9]{5,8}|[0-9]{1,2}(\.[0-9]{3}){2}|[0-9]{2,3}\.[0-9]{3})-?[0-9Kk]$`)

// rutSigns takes out the signs that a RUT is written with.
var rutSigns = strings.NewReplacer(".", "", "-", "")

// CanonicalRUT reads a Chilean RUT with or without dots and dash, and checks its check digit. The
// canonical form has neither dots nor leading zeros, a dash, and an upper-case K: "12345678-5".
func CanonicalRUT(s string) (string, bool) {
	if isCanonicalRUT(s) {
		return s, true // as every payment under way has it
	}
	return readRUT(s)
}

func readRUT(s string) (string, bool) {
	if !rutPattern.MatchString(s) {
		return "", false
	}
	plain := strings.ToUpper(rutSigns.Replace(s))
	body, digit := strings.TrimLeft(plain[:len(plain)-1], "0"), plain[len(plain)-1]
	if body == "" || rutCheckDigit(body) != digit {
		return "", false
	}
	return body + "-" + string(digit), true
}

// isCanonicalRUT reports a canonical form of five to eight digits and the right check digit.
func isCanonicalRUT(s string) bool {
	body, digit, ok := strings.Cut(s, "-")
	if !ok || len(body) < 5 || len(body) > 8 || body[0] == '0' || len(digit) != 1 {
		return false
	}
	for i := range len(body) {
		if body[i] < '0' || '9' < body[i] {
			return false
		}
	}
	return rutCheckDigit(body) == digit[0]
}

// rutCheckDigit is modulo 11 with the weights 2 to 7, from the right, again and again.
func rutCheckDigit(body string) byte {
	sum := 0
	for i := range len(body) {
		sum += int(body[len(body)-1-i]-'0') * (2 + i%6)
	}
	return "0K987654321"[sum%11]
}
