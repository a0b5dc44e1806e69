package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
)

const half = 0.5

func source(i *fakeLogin, change ...func(o *auth.Options)) *auth.Source {
	o := auth.Options{Account: "pagoseguro/default", Login: i.login, Random: func() float64 { return half }}
	for _, c := range change {
		c(&o)
	}
	return auth.New(o)
}

func must(t *testing.T, s *auth.Source) auth.Token {
	t.Helper()
	token, err := s.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func wantLogins(t *testing.T, i *fakeLogin, want int, when string) {
	t.Helper()
	if got := i.count(); got != want {
		t.Errorf("%s: %d logins, want %d", when, got, want)
	}
}

func TestATokenIsKeptUntilItIsNearItsEnd(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name               string
		stated, documented time.Duration
		random             float64
		renewed            time.Duration
	}{
		{"an hour, latest", time.Hour, 0, 0, 54 * time.Minute},
		{"an hour, earliest", time.Hour, 0, 0.9999, 48 * time.Minute},
		{"no word of its end: the documented lifetime", 0, time.Hour, 0, 54 * time.Minute},
		{"no word at all: ten minutes", 0, 0, 0, 9 * time.Minute},
		{"ended before it began, by a clock that is ahead", -time.Hour, 0, 0, 1800 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			i := &fakeLogin{life: row.stated}
			login := func(ctx context.Context, old auth.Token) (auth.Token, error) {
				token, err := i.login(ctx, old)
				if row.stated < 0 {
					token.Expires = time.Now().Add(row.stated)
				}
				return token, err
			}
			s := auth.New(auth.Options{Account: "a/b", Login: login, Lifetime: row.documented, Random: func() float64 { return row.random }})
			first := must(t, s)
			time.Sleep(row.renewed - time.Second)
			if again := must(t, s); again.Value != first.Value {
				t.Errorf("%s: renewed too early", row.name)
			}
			wantLogins(t, i, 1, row.name)
			time.Sleep(2 * time.Second)
			must(t, s)
			synctest.Wait()
			wantLogins(t, i, 2, row.name)
		})
	}
}

func TestARenewalAheadMakesNobodyWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &fakeLogin{life: time.Hour, takes: 5 * time.Second}
		s := source(i)
		first := must(t, s)
		time.Sleep(55 * time.Minute)
		began := time.Now()
		if got := must(t, s); got.Value != first.Value || time.Since(began) != 0 {
			t.Errorf("waited %s for a renewal ahead of the end", time.Since(began))
		}
		time.Sleep(6 * time.Second)
		if got := must(t, s); got.Value == first.Value {
			t.Error("the renewed token is not handed out")
		}
		wantLogins(t, i, 2, "in the end")
	})
}

func TestATokenThatCannotBeRenewedServesToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &fakeLogin{life: time.Hour}
		s := source(i)
		must(t, s)
		i.set(func() { i.fail = &providers.CredentialsError{Code: "109"} })
		time.Sleep(57 * time.Minute)
		for range 10 {
			must(t, s)
			synctest.Wait()
		}
		wantLogins(t, i, 2, "before the end")
		time.Sleep(2 * time.Minute)
		if _, err := s.Token(t.Context()); !errors.As(err, new(*providers.CredentialsError)) {
			t.Errorf("near its end: got %v", err)
		}
	})
}

func TestManyCallersOneLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &fakeLogin{takes: time.Second}
		s := source(i)
		var group sync.WaitGroup
		for range 200 {
			group.Go(func() {
				if err := i.charge(t.Context(), s); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		wantLogins(t, i, 1, "at first")
		i.expire()
		for range 200 {
			group.Go(func() {
				if err := i.charge(t.Context(), s); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		wantLogins(t, i, 2, "after an expiry")
	})
}

func TestALateRejectionLeavesTheSuccessorAlone(t *testing.T) {
	t.Parallel()
	i := &fakeLogin{}
	s := source(i)
	first := must(t, s)
	s.Reject(first)
	second := must(t, s)
	s.Reject(first)
	s.Reject(auth.Token{})
	if got := must(t, s); got.Value != second.Value {
		t.Error("the successor was thrown away")
	}
	wantLogins(t, i, 2, "after a late rejection")
}

func TestAWaiterMayLeaveAndTheRenewalGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &fakeLogin{takes: 10 * time.Second}
		s := source(i)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := s.Token(ctx)
		var notSent *providers.NotSent
		if !errors.As(err, &notSent) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("left after %s with %v", time.Since(began), err)
		}
		must(t, s)
		wantLogins(t, i, 1, "after a waiter left")
	})
}

type key struct{}

func TestARenewalSharesNothingWithThePaymentThatAskedForIt(t *testing.T) {
	t.Parallel()
	var value any
	var deadline time.Time
	s := auth.New(auth.Options{Account: "a/b", Timeout: time.Minute, Login: func(ctx context.Context, _ auth.Token) (auth.Token, error) {
		value = ctx.Value(key{})
		deadline, _ = ctx.Deadline()
		return auth.Token{Value: "canary"}, nil
	}})
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "payment"), 10*time.Second)
	defer cancel()
	if _, err := s.Token(ctx); err != nil {
		t.Fatal(err)
	}
	if value != nil || time.Until(deadline) < 30*time.Second {
		t.Errorf("the login saw %v, and %s of time", value, time.Until(deadline))
	}
}

func TestALoginThatHangsOrPanicsEnds(t *testing.T) {
	t.Parallel()
	for name, login := range map[string]auth.Login{
		"hangs": func(ctx context.Context, _ auth.Token) (auth.Token, error) {
			<-ctx.Done()
			return auth.Token{}, ctx.Err()
		},
		"panics":          func(context.Context, auth.Token) (auth.Token, error) { panic("canary") },
		"yields no token": func(context.Context, auth.Token) (auth.Token, error) { return auth.Token{}, nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := auth.New(auth.Options{Account: "a/b", Login: login, Timeout: 7 * time.Second})
			_, err := s.Token(t.Context())
			var notSent *providers.NotSent
			if !errors.As(err, &notSent) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: got %v", name, err)
			}
		})
	}
}

func TestRefusedCredentialsAreTriedOncePerCooldown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &fakeLogin{fail: &providers.CredentialsError{Code: "109"}, takes: 10 * time.Millisecond}
		var reasons []string
		s := source(i, func(o *auth.Options) {
			o.Cooldown = 30 * time.Second
			o.Renewed = func(reason string) { reasons = append(reasons, reason) }
		})
		const minutes = 10
		attempts := 0
		for range minutes * 60 {
			var group sync.WaitGroup
			for range 20 {
				attempts++
				group.Go(func() {
					_, err := s.Token(t.Context())
					var refused *providers.CredentialsError
					if !errors.As(err, &refused) || refused.Code != "109" {
						t.Errorf("got %v", err)
					}
				})
			}
			group.Wait()
			time.Sleep(time.Second - 10*time.Millisecond)
		}
		t.Logf("credentials refused for %d minutes, %d tokens asked for: %d login calls", minutes, attempts, i.count())
		if n := i.count(); n > minutes*2+1 || n < minutes {
			t.Errorf("%d logins", n)
		}
		i.set(func() { i.fail = nil })
		time.Sleep(30 * time.Second)
		must(t, s)
		if !slices.Contains(reasons, auth.ReasonRefused) || reasons[len(reasons)-1] != auth.ReasonFirst {
			t.Errorf("told %v", reasons)
		}
	})
}

func TestALoginThatFailsForEverIsCalledLessAndLess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &fakeLogin{fail: &providers.NotSent{Reason: "connect", Err: errors.New("refused")}}
		s := source(i)
		const minutes = 10
		attempts := 0
		for range minutes * 60 * 10 {
			_, err := s.Token(t.Context())
			var notSent *providers.NotSent
			if !errors.As(err, &notSent) || notSent.Reason != "connect" || notSent.RetryAfter != 0 {
				t.Fatalf("got %v", err)
			}
			attempts++
			time.Sleep(100 * time.Millisecond)
		}
		t.Logf("login failed for %d minutes, %d tokens asked for: %d login calls", minutes, attempts, i.count())
		if n := i.count(); n > 40 {
			t.Errorf("%d logins", n)
		}
		i.set(func() { i.fail = nil })
		time.Sleep(30 * time.Second)
		must(t, s)
	})
}

func TestRetryAfterOfALoginIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &fakeLogin{fail: &providers.NotSent{Reason: "throttled", RetryAfter: 5 * time.Minute}}
		s := source(i)
		began := time.Now()
		for range 4 * 60 {
			_, err := s.Token(t.Context())
			var notSent *providers.NotSent
			if !errors.As(err, &notSent) || notSent.RetryAfter != 5*time.Minute-time.Since(began) {
				t.Fatalf("after %s: got %v", time.Since(began), err)
			}
			time.Sleep(time.Second)
		}
		wantLogins(t, i, 1, "within the wait that was asked for")
	})
}

func TestTokensRejectedAsSoonAsTheyAreGivenOutAreSpacedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &fakeLogin{}
		s := source(i)
		for range 10 * 60 * 10 {
			if token, err := s.Token(t.Context()); err == nil {
				s.Reject(token)
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Logf("every token rejected for 10 minutes: %d login calls", i.count())
		if n := i.count(); n > 50 {
			t.Errorf("%d logins", n)
		}
	})
}

func TestTheLoginIsGivenTheTokenBefore(t *testing.T) {
	t.Parallel()
	i := &fakeLogin{}
	s := source(i)
	s.Reject(must(t, s))
	must(t, s)
	if i.olds[0].Value != "" || i.olds[1].Refresh != "canary-refresh" {
		t.Errorf("given %v", i.olds)
	}
}

func TestRenewalsAreReportedWithTheirReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reasons []string
		i := &fakeLogin{life: time.Hour}
		s := source(i, func(o *auth.Options) { o.Renewed = func(r string) { reasons = append(reasons, r) } })
		must(t, s)
		time.Sleep(2 * time.Hour)
		s.Reject(must(t, s))
		must(t, s)
		time.Sleep(2 * time.Hour)
		i.set(func() { i.fail = errors.New("503") })
		_, _ = s.Token(t.Context())
		if want := []string{auth.ReasonFirst, auth.ReasonAhead, auth.ReasonRejected, auth.ReasonFailed}; !slices.Equal(reasons, want) {
			t.Errorf("told %v, want %v", reasons, want)
		}
	})
}

func TestLoginsThatRevokeNeedAStore(t *testing.T) {
	t.Parallel()
	i := &fakeLogin{}
	o := auth.Options{Account: "a/b", Login: i.login, LoginRevokesTokens: true}
	if err := o.Check(); !errors.Is(err, auth.ErrSharingRequired) || !strings.Contains(err.Error(), "REMESA_TOKEN_KEY") {
		t.Errorf("got %v", err)
	}
	if _, err := auth.New(o).Token(t.Context()); !errors.Is(err, auth.ErrSharingRequired) {
		t.Errorf("got %v", err)
	}
	wantLogins(t, i, 0, "alone")
	o.LoginRevokesTokens = false
	if err := o.Check(); err != nil {
		t.Error(err)
	}
}

func TestTokensPrintAsRedacted(t *testing.T) {
	t.Parallel()
	i := &fakeLogin{}
	token := must(t, source(i))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if text := fmt.Sprintf(verb, token); strings.Contains(text, "canary") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
