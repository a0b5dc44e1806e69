package sandbox

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
)

// ReadBody reads a request's body, of 64 KiB at most.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
}

// StrictJSON reads one JSON value, of exactly the fields that into has.
func StrictJSON(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// ReadStrict reads a JSON object of exactly the fields that into has; it says what is wrong, or
// nothing.
func ReadStrict(w http.ResponseWriter, r *http.Request, into any) string {
	body, err := ReadBody(w, r)
	if err != nil {
		return "the body cannot be read"
	}
	if err := StrictJSON(body, into); err != nil {
		return "the body has an unknown field or a wrong type"
	}
	if !IsType(r, "application/json") {
		return "Content-Type is not application/json"
	}
	if HasIdempotencyKey(r) {
		return "there is no Idempotency-Key here"
	}
	return ""
}

// IsType reports whether the request's body says that it is of that type.
func IsType(r *http.Request, want string) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == want
}

// HasIdempotencyKey reports a header that none of the providers knows.
func HasIdempotencyKey(r *http.Request) bool {
	return r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != ""
}

var wholeNumber = regexp.MustCompile(`^[1-9][0-9]*$`)

// WholeNumber reports digits that begin with none that is zero.
func WholeNumber(text string) bool { return wholeNumber.MatchString(text) }

// SameSecret compares in a time that says nothing.
func SameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Duplicates is how a provider treats a reference that it has seen before.
type Duplicates string

// Ways with duplicates. Under Execute the money moves again: only then does a test prove the
// client's care and not the provider's.
const (
	Execute Duplicates = ""
	Same    Duplicates = "same"   // answers as the first time
	Refuse  Duplicates = "refuse" // refuses with 409
)
