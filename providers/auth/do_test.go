package auth_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
)

// Every line: what exchange after exchange says of its token, which tokens were offered, and what
// it came to.
func TestOneExchangeRenewsOnceAndRepeatsOnce(t *testing.T) {
	t.Parallel()
	const ok = ""
	for _, row := range []struct {
		name    string
		answers []auth.Refusal
		offered []string
		code    string
	}{
		{"the token is taken", []auth.Refusal{{}}, []string{"canary-1"}, ok},
		{"its successor is taken", []auth.Refusal{{Code: "401"}, {}}, []string{"canary-1", "canary-2"}, ok},
		{"both are refused", []auth.Refusal{{Code: "401"}, {Code: "100"}}, []string{"canary-1", "canary-2"}, "100"},
		{"the credentials are refused", []auth.Refusal{{Code: "109", Permanent: true}}, []string{"canary-1"}, "109"},
		{"the credentials are, at the second time", []auth.Refusal{{Code: "100"}, {Code: "109", Permanent: true}}, []string{"canary-1", "canary-2"}, "109"},
	} {
		i := &fakeLogin{life: time.Hour}
		s := auth.New(auth.Options{Account: "x/default", Login: i.login})
		var offered []string
		err := s.Do(t.Context(), func(token auth.Token) auth.Refusal {
			offered = append(offered, token.Value.Reveal())
			return row.answers[len(offered)-1]
		})
		var refused *providers.CredentialsError
		code := ok
		if errors.As(err, &refused) {
			code = refused.Code
		}
		if !slices.Equal(offered, row.offered) || code != row.code || (err == nil) != (row.code == ok) {
			t.Errorf("%s: offered %q, %v; want %q, %q", row.name, offered, err, row.offered, row.code)
		}
	}
}

// A provider that refuses whatever it gave out is offered each token once, and its login is
// spaced out.
func TestNoRefusedTokenIsOfferedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &fakeLogin{life: time.Hour}
		s := auth.New(auth.Options{Account: "x/default", Login: i.login, Random: func() float64 { return 0 }})
		offered := map[providers.Secret]int{}
		for range 1000 {
			err := s.Do(t.Context(), func(token auth.Token) auth.Refusal {
				offered[token.Value]++
				return auth.Refusal{Code: "401"}
			})
			if err == nil {
				t.Fatal("a refused token was taken")
			}
		}
		for token, n := range offered {
			if n > 1 {
				t.Errorf("%s was offered %d times", token.Reveal(), n)
			}
		}
		if n := i.count(); n > 12 || n != len(offered) {
			t.Errorf("%d logins in no time, %d tokens offered", n, len(offered))
		}
	})
}

func TestATokenThatALoginGivesOutAgainIsNotOfferedTwiceInARow(t *testing.T) {
	t.Parallel()
	logins, offered := 0, 0
	s := auth.New(auth.Options{Account: "x/default", Login: func(context.Context, auth.Token) (auth.Token, error) {
		logins++
		return auth.Token{Value: "canary-1"}, nil
	}})
	for range 2 {
		err := s.Do(t.Context(), func(auth.Token) auth.Refusal {
			offered++
			return auth.Refusal{Code: "401"}
		})
		if !errors.As(err, new(*providers.CredentialsError)) {
			t.Errorf("got %v", err)
		}
	}
	if offered != 2 || logins != 4 {
		t.Errorf("offered %d times after %d logins", offered, logins)
	}
}

func TestWithoutATokenNothingIsExchanged(t *testing.T) {
	t.Parallel()
	i := &fakeLogin{fail: errors.New("down")}
	s := auth.New(auth.Options{Account: "x/default", Login: i.login})
	err := s.Do(t.Context(), func(auth.Token) auth.Refusal {
		t.Error("an exchange without a token")
		return auth.Refusal{}
	})
	if !errors.As(err, new(*providers.NotSent)) {
		t.Errorf("got %v", err)
	}
}
