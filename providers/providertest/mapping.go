package providertest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
)

// Now is a time at which mappings are tested. It is read only.
var Now = time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)

// Credentials is the word of Said for an error because the credentials, or a token, were refused.
const Credentials providers.Class = "credentials"

// Said is class and code of what a mapping yielded. The class of an error is NoAct with its reason,
// Credentials with its code, or NoAnswer without any.
func Said(o providers.Outcome, err error) (class providers.Class, code string) {
	var credentials *providers.CredentialsError
	var notSent *providers.NotSent
	switch {
	case errors.As(err, &credentials):
		return Credentials, credentials.Code
	case errors.As(err, &notSent):
		return NoAct, notSent.Reason
	case err != nil:
		return NoAnswer, ""
	}
	return o.Class, o.Code
}

// Throttled holds that an error says that nothing was done, and how long to wait.
func Throttled(t *testing.T, what string, err error, after time.Duration) {
	t.Helper()
	var e *providers.NotSent
	if !errors.As(err, &e) || e.RetryAfter != after {
		t.Errorf("%s: got %v, want to wait for %s", what, err, after)
	}
}

// Scrubbed holds that none of the texts is left in what an outcome says.
func Scrubbed(t *testing.T, o providers.Outcome, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(o.Code+o.Message, text) {
			t.Errorf("%q is left in %q %q", text, o.Code, o.Message)
		}
	}
}

// Amount is money of a test.
func Amount(t testing.TB, amount, currency string) providers.Money {
	t.Helper()
	m, err := providers.ParseMoney(amount, currency)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Attempt is one of which nothing is kept.
func Attempt() providers.Attempt {
	return providers.Attempt{
		Note:  func(context.Context, map[string]string, bool) error { return nil },
		Alias: func(context.Context, string) error { return nil },
	}
}

// Cut is an answer without its last character: what is true of the whole must not be concluded from
// its beginning.
func Cut(body []byte) []byte {
	text := bytes.TrimRight(body, " \t\r\n")
	return text[:max(len(text)-1, 0)]
}

// Seed adds every body under every HTTP status to what a mapping is fuzzed with.
func Seed(f *testing.F, statuses []int, bodies ...string) {
	f.Helper()
	for _, body := range bodies {
		for _, status := range statuses {
			f.Add(status, []byte(body))
		}
	}
}
