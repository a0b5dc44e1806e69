package providertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/wire"
)

// Now is a time at which mappings are tested. It is read only.
var Now = time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)

// Credentials is the word of ClassAndCode for an error because the credentials, or a token, were
// refused.
const Credentials providers.Class = "credentials"

// ClassAndCode is class and code of what a mapping yielded. The class of an error is NoAct with its
// reason, Credentials with its code, or NoStatusAnswer without any.
func ClassAndCode(o providers.Outcome, err error) (class providers.Class, code string) {
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

// MappingRows are the lines of a table: a response, and class and code of what a mapping makes of
// it.
type MappingRows = []struct {
	Name   string
	Status int
	Body   string
	Class  providers.Class
	Code   string
}

// Mapping runs a table of responses through a mapping.
func Mapping(t *testing.T, rows MappingRows, mapping func(r wire.Reply) (providers.Outcome, error)) {
	t.Helper()
	for _, row := range rows {
		o, err := mapping(Reply(row.Status, row.Body))
		if class, code := ClassAndCode(o, err); class != row.Class || code != row.Code {
			t.Errorf("%s: got %s %s (%v), want %s %s", row.Name, class, code, err, row.Class, row.Code)
		}
	}
}

// Reply is a response of that status and body.
func Reply(status int, body string) wire.Reply {
	return wire.Reply{Status: status, Body: []byte(body)}
}

// Exchange is what kind of request a broken exchange was.
type Exchange int

// Kinds of an Exchange.
const (
	MoneyExchange  Exchange = iota // it can move money
	StatusExchange                 // it is a status query
	OtherExchange                  // it moves nothing and may be made again
)

// Broken holds what a mapping makes of every way in which an exchange breaks: only proof ends a
// request that can move money, everything else is doubt; a status query has no result; a step may
// be made again.
func Broken(t *testing.T, kind Exchange, mapping func(err error) (providers.Outcome, error)) {
	t.Helper()
	for name, row := range map[string]struct {
		err  error
		word string
		// proof is what the error proves; empty where something may have left.
		proof providers.Class
	}{
		"nothing left":                 {&wire.Error{Reason: wire.Connect}, "connect", NoAct},
		"no time was left":             {&wire.Error{Reason: wire.NoTime}, "no_time", NoAct},
		"the time ran out":             {&wire.Error{Sent: true, Reason: wire.Timeout}, "timeout", ""},
		"the answer was too large":     {&wire.Error{Sent: true, Reason: wire.TooLarge, Status: 200}, "too_large", ""},
		"the answer of a 401 broke":    {&wire.Error{Sent: true, Reason: wire.EOF, Status: 401}, "eof", ""},
		"an error that nobody foresaw": {errors.New("boom"), "unreadable", ""},
		"there was no token":           {&providers.NotSent{Reason: "token"}, "token", NoAct},
		"the credentials were refused": {&providers.CredentialsError{Code: "http_401"}, "http_401", Credentials},
	} {
		want, code := row.proof, row.word
		switch {
		case want == "" && kind == MoneyExchange:
			want = providers.InDoubt
		case want == "" && kind == StatusExchange:
			want, code = NoAnswer, ""
		case want == "":
			want = NoAct
		}
		if class, gotCode := ClassAndCode(mapping(row.err)); class != want || gotCode != code {
			t.Errorf("%s: got %s %s, want %s %s", name, class, gotCode, want, code)
		}
	}
}

// Throttled holds that each mapping of a response "too many requests" repeats how long to wait,
// which responses say in seconds or as a time.
func Throttled(t *testing.T, mappings map[string]func(r wire.Reply) error) {
	t.Helper()
	for _, text := range []string{"30", Now.Add(30 * time.Second).Format("Mon, 02 Jan 2006 15:04:05 GMT")} {
		r := wire.Reply{Status: 429, Header: map[string][]string{"Retry-After": {text}}}
		for name, mapping := range mappings {
			err := mapping(r)
			var e *providers.NotSent
			if !errors.As(err, &e) || e.RetryAfter != 30*time.Second {
				t.Errorf("%s, %s: got %v, want to wait for 30 s", name, text, err)
			}
		}
	}
}

// TextsStayHidden holds that an outcome is of that class, says something, and repeats none of the
// texts.
func TextsStayHidden(t *testing.T, class providers.Class, o providers.Outcome, err error, texts ...string) {
	t.Helper()
	if err != nil || o.Class != class || o.Message == "" {
		t.Fatalf("got %+v, %v; want %s, in words", o, err, class)
	}
	for _, text := range texts {
		if strings.Contains(o.Code+o.Message, text) {
			t.Errorf("%q is left in %q %q", text, o.Code, o.Message)
		}
	}
}

// SecretsStayHidden holds that none of the secrets shows in what an adapter says, whatever goes
// wrong in those operations.
func SecretsStayHidden(t *testing.T, secrets, operations []string, say func(t *testing.T, f sandbox.Fault) string) {
	t.Helper()
	for _, kind := range sandbox.Kinds() {
		for _, operation := range operations {
			t.Run(kind+" "+operation, func(t *testing.T) {
				t.Parallel()
				text := say(t, sandbox.Fault{Kind: kind, Operation: operation, Delay: sandbox.Duration(time.Millisecond)})
				for _, secret := range secrets {
					if strings.Contains(text, secret) {
						t.Errorf("%q shows in %s", secret, text)
					}
				}
			})
		}
	}
}
