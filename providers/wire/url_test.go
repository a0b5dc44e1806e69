package wire

import (
	"errors"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

func TestProviderURLs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text, wrong string
		loopback    bool
	}{
		{"https://pay.example", "", false},
		{"https://pay.example/prefix/", "", false},
		{"http://127.0.0.1:9090/virtualpos", "", true},
		{"http://127.9.9.9", "", true},
		{"http://[::1]:80", "", true},
		{"http://localhost:1", "", true},
		{"https://localhost", "", true},
		{"http://pay.example", "must be https", false},
		{"http://localhost.example", "must be https", false},
		{"http://127.0.0.1.example", "must be https", false},
		{"pay.example", "does not begin with https://", false},
		{"ftp://pay.example", "does not begin with https://", false},
		{"https://", "has no host", false},
		{"https://user:word@pay.example", "no login", false},
		{"https://pay.example/?key=word", "no query", false},
		{"https://pay.example/?", "no query", false},
		{"https://pay.example/#word", "no fragment", false},
		{"https://pay example/word", "not a URL", false},
		{"", "does not begin with https://", false},
	} {
		u, err := ParseBase(row.text)
		if row.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), row.wrong) || strings.Contains(err.Error(), "word") {
				t.Errorf("%q: got %v, want %q", row.text, err, row.wrong)
			}
			continue
		}
		if err != nil || IsLoopback(u) != row.loopback {
			t.Errorf("%q: got %v, loopback %v; want loopback %v", row.text, err, !row.loopback, row.loopback)
		}
	}
}

func TestPathsAreJoinedSafely(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("https://pay.example/prefix")
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"po-01":     "https://pay.example/prefix/v3/payout/po-01",
		"../admin":  "https://pay.example/prefix/v3/payout/..%2Fadmin",
		"a?b#c%d e": "https://pay.example/prefix/v3/payout/a%3Fb%23c%25d%20e",
	} {
		if got, err := Join(base, "/v3/payout/{id}", "id", value); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", value, got, err, want)
		}
	}
	for _, value := range []string{"", ".", ".."} {
		if got, err := Join(base, "/v3/payout/{id}", "id", value); err == nil {
			t.Errorf("%q: got %s, want an error", value, got)
		}
	}
}

func TestPathTemplates(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		template, name string
		good           bool
	}{
		{"/v3/payout/{id}", "id", true},
		{"/v3/payout", "", true},
		{"/v3/payout", "id", false},
		{"/v3/{id}/{id}", "id", false},
		{"/v3/{other}/{id}", "id", false},
		{"/v3/payout?x={id}", "id", false},
		{"v3/payout/{id}", "id", false},
		{"/v3/ /{id}", "id", false},
		{"", "", false},
	} {
		var names []string
		if row.name != "" {
			names = []string{row.name}
		}
		if err := CheckTemplate(row.template, names...); (err == nil) != row.good {
			t.Errorf("%q with %q: got %v", row.template, row.name, err)
		}
	}
}
