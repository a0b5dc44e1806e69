package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// Every line: which tokens the provider refuses, and what comes of a request under them.
func TestARequestGoesOutUnderTheAccountsToken(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		refused []string
		tokens  []string
		code    string
	}{
		"its token is taken":     {nil, []string{"canary-1"}, ""},
		"its successor is taken": {[]string{"canary-1"}, []string{"canary-1", "canary-2"}, ""},
		"both are refused":       {[]string{"canary-1", "canary-2"}, []string{"canary-1", "canary-2"}, "http_401"},
	} {
		var offered []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			offered = append(offered, r.Header.Get("Token"))
			if slices.Contains(row.refused, r.Header.Get("Token")) {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}))
		client := newClient(t, auth.Options{Authorize: func(h http.Header, token providers.Secret) { h.Set("Token", token.Reveal()) }})
		r := wire.NewRequest(http.MethodPost, server.URL, []byte("{}"))
		hide := []string{"x"}
		reply, err := client.Do(t.Context(), r, unauthorized, &hide)
		server.Close()
		var refused *providers.CredentialsError
		if code := ""; errors.As(err, &refused) != (row.code != "") || row.code != code && refused.Code != row.code {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && reply.Status != http.StatusOK {
			t.Errorf("%s: HTTP %d", name, reply.Status)
		}
		if !slices.Equal(offered, row.tokens) || !slices.Equal(hide, append([]string{"x"}, row.tokens...)) {
			t.Errorf("%s: offered %q, hidden %q; want %q", name, offered, hide, row.tokens)
		}
		if r.Header.Get("Token") != "" {
			t.Errorf("%s: the caller's request carries a token", name)
		}
	}
}

func unauthorized(r wire.Reply) auth.Refusal {
	if r.Status == http.StatusUnauthorized {
		return auth.Refusal{Code: r.Code()}
	}
	return auth.Refusal{}
}

func newClient(t *testing.T, o auth.Options) *auth.Client {
	t.Helper()
	i := &fakeLogin{life: time.Hour}
	o.Account, o.Login = "x/default", i.login
	client, err := auth.NewClient(wire.Options{}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestABrokenExchangeIsNotRepeated(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL
	server.Close()
	client, hide := newClient(t, auth.Options{}), []string(nil)
	_, err := client.Do(t.Context(), wire.NewRequest(http.MethodGet, address, nil), unauthorized, &hide)
	var e *wire.Error
	if !errors.As(err, &e) || e.Reason != wire.Connect || len(hide) != 1 {
		t.Errorf("got %v, %d tokens", err, len(hide))
	}
}

func TestAnAccountWhoseLoginsRevokeNeedsASharedToken(t *testing.T) {
	t.Parallel()
	login := func(context.Context, auth.Token) (auth.Token, error) { return auth.Token{}, nil }
	if _, err := auth.NewClient(wire.Options{}, auth.Options{Login: login, LoginRevokesTokens: true}); !errors.Is(err, auth.ErrSharingRequired) {
		t.Errorf("got %v", err)
	}
	if _, err := auth.NewClient(wire.Options{CAFile: "/gone"}, auth.Options{Login: login}); err == nil {
		t.Error("a certificate file that is gone was read")
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	if auth.Bearer(h, "t-1"); h.Get("Authorization") != "Bearer t-1" {
		t.Errorf("got %v", h)
	}
}
