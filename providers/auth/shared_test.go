package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
)

const account = "pagoseguro/default"

func tokenKey(letter string) providers.Secret { return providers.Secret(strings.Repeat(letter, 32)) }

func store(t *testing.T, server *redistest.Server, letter string) *auth.Redis {
	t.Helper()
	r, err := auth.NewRedis(server.Client(), tokenKey(letter))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// workers stands for that many processes: each with a source and a connection of its own.
func workers(t *testing.T, server *redistest.Server, i *fakeLogin, n int, change ...func(o *auth.Options)) []*auth.Source {
	t.Helper()
	all := make([]*auth.Source, n)
	for w := range all {
		o := auth.Options{Account: account, Login: i.login, Shared: store(t, server, "k"), LoginRevokesTokens: i.revokes, Timeout: 30 * time.Second}
		for _, c := range change {
			c(&o)
		}
		all[w] = auth.New(o)
	}
	return all
}

// Four workers, 1,000 charges, every token ended twice in mid-run; with and without a provider
// whose login revokes the older token.
func TestWorkersShareOneLoginPerExpiry(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for n, row := range []struct {
		name    string
		workers int
		revokes bool
	}{{"four workers", 4, false}, {"eight workers, and a login that revokes", 8, true}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			i := &fakeLogin{revokes: row.revokes, takes: 20 * time.Millisecond, life: time.Hour}
			all := workers(t, server, i, row.workers, func(o *auth.Options) { o.Account = fmt.Sprintf("pagoseguro/%d", n) })
			const expiries = 2
			for charge := range 1000 {
				if charge%400 == 399 {
					i.expire()
				}
				if charge%100 == 0 {
					burst(t, i, all)
				}
				if err := i.charge(t.Context(), all[charge%len(all)]); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d workers, %d charges, %d expiries: %d logins", row.workers, i.calls, expiries, i.count())
			if n := i.count(); n > 1+expiries {
				t.Errorf("%d logins for %d expiries", n, expiries)
			}
		})
	}
}

// burst charges from all workers at once.
func burst(t *testing.T, i *fakeLogin, all []*auth.Source) {
	t.Helper()
	var group sync.WaitGroup
	for _, s := range all {
		for range 4 {
			group.Go(func() {
				if err := i.charge(t.Context(), s); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
}

func TestWorkersDoNotChaseOneAnotherWhenAllNoticeAtOnce(t *testing.T) {
	t.Parallel()
	i := &fakeLogin{revokes: true, takes: 20 * time.Millisecond}
	all := workers(t, redistest.Start(t), i, 8)
	const expiries = 5
	burst(t, i, all)
	for range expiries {
		i.expire()
		burst(t, i, all)
	}
	t.Logf("8 workers, %d charges at once after each of %d expiries: %d logins", len(all)*4, expiries, i.count())
	if n := i.count(); n != 1+expiries {
		t.Errorf("%d logins for %d expiries", n, expiries)
	}
}

func TestALateRejectionByAnotherWorkerLeavesTheSuccessorAlone(t *testing.T) {
	t.Parallel()
	i := &fakeLogin{}
	all := workers(t, redistest.Start(t), i, 2)
	first := must(t, all[0])
	if got := must(t, all[1]); got.Value != first.Value || got.Refresh != first.Refresh {
		t.Fatal("the second worker logged in by itself")
	}
	all[0].Reject(first)
	second := must(t, all[0])
	all[1].Reject(first) // late: the token has a successor in the store
	if got := must(t, all[1]); got.Value != second.Value {
		t.Error("the successor was not taken over")
	}
	wantLogins(t, i, 2, "after a late rejection")
}

func TestAClaimReturnsOneOfFour(t *testing.T) {
	t.Parallel()
	s := store(t, redistest.Start(t), "k")
	ctx := t.Context()
	claim := func(have int64) auth.Claim {
		t.Helper()
		c, err := s.Claim(ctx, account, have, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := claim(0)
	if first.Fence == 0 || first.Version != 0 {
		t.Fatalf("with nothing there: %+v", first)
	}
	if c := claim(0); c != (auth.Claim{}) {
		t.Errorf("while another renews: %+v", c)
	}
	kept := auth.Shareable{Token: auth.Token{Value: "canary", Refresh: "r", Expires: time.Unix(9, 0), RefreshUntil: time.Unix(10, 0)}, Obtained: time.Unix(8, 0)}
	if ok, err := s.Store(ctx, account, first.Fence, kept, time.Minute); !ok || err != nil {
		t.Fatal(ok, err)
	}
	c := claim(0)
	if c.Version != first.Fence || c.Fence != 0 || c.Stored.Token.Value != "canary" || c.Stored.Token.Refresh != "r" ||
		!c.Stored.Token.Expires.Equal(time.Unix(9, 0)) || !c.Stored.Token.RefreshUntil.Equal(time.Unix(10, 0)) || !c.Stored.Obtained.Equal(time.Unix(8, 0)) {
		t.Errorf("with a token there: %+v", c)
	}
	next := claim(first.Fence)
	if next.Fence <= first.Fence {
		t.Errorf("for a successor: %+v", next)
	}
	if err := s.Drop(ctx, account, next.Fence, "109", time.Minute); err != nil {
		t.Fatal(err)
	}
	if c := claim(first.Fence); c != (auth.Claim{Refused: "109"}) {
		t.Errorf("after refused credentials: %+v", c)
	}
}

// Without a token the payments under way could not be queried.
func TestTokensAreRenewedWhileRedisIsFull(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Client().ConfigSet(t.Context(), "maxmemory", "1")
	s, ctx := store(t, server, "k"), t.Context()
	c, err := s.Claim(ctx, account, 0, time.Minute)
	if err != nil || c.Fence == 0 {
		t.Fatalf("claimed: %+v, %v", c, err)
	}
	if ok, err := s.Store(ctx, account, c.Fence, auth.Shareable{Token: auth.Token{Value: "canary"}}, time.Minute); !ok || err != nil {
		t.Errorf("kept: %t, %v", ok, err)
	}
	if c, err = s.Claim(ctx, account, c.Fence, time.Minute); err != nil || c.Fence == 0 {
		t.Fatalf("claimed again: %+v, %v", c, err)
	}
	if err := s.Drop(ctx, account, c.Fence, "109", time.Minute); err != nil {
		t.Errorf("given back: %v", err)
	}
}

func TestASlowFormerHolderOverwritesNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s, ctx := store(t, server, "k"), t.Context()
	slow, err := s.Claim(ctx, account, 0, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	quick := slow
	eventually.True(t, 20*time.Second, "the slow one's claim runs out", func() bool {
		quick, err = s.Claim(ctx, account, 0, time.Minute)
		return err == nil && quick.Fence != 0
	})
	if quick.Fence <= slow.Fence {
		t.Fatalf("fences %d, then %d", slow.Fence, quick.Fence)
	}
	keep := func(fence int64, value providers.Secret) bool {
		ok, err := s.Store(ctx, account, fence, auth.Shareable{Token: auth.Token{Value: value}}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if keep(slow.Fence, "slow") {
		t.Error("stored under an overtaken claim, while its successor renews")
	}
	if err := s.Drop(ctx, account, slow.Fence, "109", time.Minute); err != nil {
		t.Fatal(err)
	}
	if c, _ := s.Claim(ctx, account, 0, time.Minute); c != (auth.Claim{}) {
		t.Errorf("a former holder ended its successor's claim: %+v", c)
	}
	if !keep(quick.Fence, "quick") || keep(slow.Fence, "slow") {
		t.Error("the newer token does not stand")
	}
	if c, _ := s.Claim(ctx, account, 0, time.Minute); c.Stored.Token.Value != "quick" {
		t.Errorf("the store has %+v", c)
	}
	server.Client().FlushAll(ctx)
	if keep(quick.Fence, "quick") {
		t.Error("stored under a claim from before all data were lost")
	}
	if c, _ := s.Claim(ctx, account, 0, time.Minute); c.Fence <= quick.Fence {
		t.Errorf("fence %d after a loss of all data, %d before", c.Fence, quick.Fence)
	}
}

func TestWhatCannotBeOpenedCountsAsAbsent(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, rdb redis.UniversalClient){
		"another key": nil,
		"a changed ciphertext": func(t *testing.T, rdb redis.UniversalClient) {
			sealed := []byte(field(t, rdb, account, "sealed"))
			sealed[len(sealed)/2] ^= 1
			rdb.HSet(t.Context(), key1(account), "sealed", sealed)
		},
		"a cut ciphertext": func(t *testing.T, rdb redis.UniversalClient) { rdb.HSet(t.Context(), key1(account), "sealed", "short") },
		"another account's": func(t *testing.T, rdb redis.UniversalClient) {
			other := auth.New(auth.Options{Account: "pagoseguro/other", Login: (&fakeLogin{}).login, Shared: open(t, rdb, "k")})
			must(t, other)
			rdb.HSet(t.Context(), key1(account), "sealed", field(t, rdb, "pagoseguro/other", "sealed"), "version", field(t, rdb, "pagoseguro/other", "version"))
		},
		"under another version": func(t *testing.T, rdb redis.UniversalClient) { rdb.HSet(t.Context(), key1(account), "version", "7") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			i := &fakeLogin{}
			must(t, workers(t, server, i, 1)[0])
			letter := "k"
			if spoil == nil {
				letter = "n"
			} else {
				spoil(t, server.Client())
			}
			fresh := auth.New(auth.Options{Account: account, Login: i.login, Shared: store(t, server, letter)})
			if got := must(t, fresh); got.Value != "canary-2" {
				t.Error("a token was taken over that could not be opened")
			}
			again := auth.New(auth.Options{Account: account, Login: i.login, Shared: store(t, server, letter)})
			must(t, again)
			wantLogins(t, i, 2, name)
		})
	}
}

func open(t *testing.T, rdb redis.UniversalClient, letter string) *auth.Redis {
	t.Helper()
	r, err := auth.NewRedis(rdb, tokenKey(letter))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func key1(account string) string { return "remesa:{" + account + "}:token" }

func field(t *testing.T, rdb redis.UniversalClient, account, name string) string {
	t.Helper()
	text, err := rdb.HGet(t.Context(), key1(account), name).Result()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestNoTokenRestsInRedisInClear(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	must(t, workers(t, server, &fakeLogin{life: time.Hour}, 1)[0])
	rdb := server.Client()
	names, err := rdb.Keys(t.Context(), "*").Result()
	if err != nil || len(names) != 1 {
		t.Fatalf("%v, %v", names, err)
	}
	all, err := rdb.HGetAll(t.Context(), names[0]).Result()
	if err != nil || len(all) != 3 {
		t.Fatalf("%d fields, %v", len(all), err)
	}
	for name, text := range all {
		if strings.Contains(text, "canary") {
			t.Errorf("%s holds the token in clear", name)
		}
	}
	if life := rdb.TTL(t.Context(), names[0]).Val(); life <= 0 || life > time.Hour {
		t.Errorf("it rests for %s", life)
	}
}

func TestWithoutRedisEachWorkerRenewsByItself(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(s *redistest.Server){"gone": (*redistest.Server).Kill, "hanging": (*redistest.Server).Stop} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			i := &fakeLogin{}
			all := workers(t, server, i, 2, func(o *auth.Options) { o.Timeout = 2 * time.Second })
			stop(server)
			for range 5 {
				for _, s := range all {
					if err := i.charge(t.Context(), s); err != nil {
						t.Error(err)
					}
				}
			}
			wantLogins(t, i, 2, "two workers")
		})
	}
}

func TestALoginThatRevokesIsNotCalledWithoutTheStore(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	i := &fakeLogin{revokes: true}
	s := workers(t, server, i, 1, func(o *auth.Options) { o.Timeout = 2 * time.Second })[0]
	server.Kill()
	if _, err := s.Token(t.Context()); !errors.As(err, new(*providers.NotSent)) {
		t.Errorf("got %v", err)
	}
	wantLogins(t, i, 0, "without the store")
}

func TestNobodyWaitsLongerThanARenewalTakes(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	i := &fakeLogin{}
	if _, err := store(t, server, "k").Claim(t.Context(), account, 0, time.Hour); err != nil {
		t.Fatal(err)
	}
	s := workers(t, server, i, 1, func(o *auth.Options) { o.Timeout = 300 * time.Millisecond })[0]
	_, err := s.Token(t.Context())
	var notSent *providers.NotSent
	if !errors.As(err, &notSent) || t.Context().Err() != nil {
		t.Errorf("got %v", err)
	}
	wantLogins(t, i, 0, "while another worker has the claim")
}

func TestAWorkerThatDiedInMidRenewalIsSucceeded(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	i := &fakeLogin{}
	if _, err := store(t, server, "k").Claim(t.Context(), account, 0, 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	must(t, workers(t, server, i, 1)[0])
	wantLogins(t, i, 1, "after the dead worker's claim ran out")
}

func TestAllWorkersTogetherTryRefusedCredentialsOncePerCooldown(t *testing.T) {
	t.Parallel()
	i := &fakeLogin{fail: &providers.CredentialsError{Code: "109"}}
	all := workers(t, redistest.Start(t), i, 8, func(o *auth.Options) { o.Cooldown = time.Hour })
	for range 10 {
		for _, s := range all {
			_, err := s.Token(t.Context())
			var refused *providers.CredentialsError
			if !errors.As(err, &refused) || refused.Code != "109" {
				t.Fatalf("got %v", err)
			}
		}
	}
	wantLogins(t, i, 1, "8 workers, 80 tokens asked for")
}

func TestAllWorkersHealWithTheirCredentials(t *testing.T) {
	t.Parallel()
	i := &fakeLogin{fail: &providers.CredentialsError{Code: "109"}}
	all := workers(t, redistest.Start(t), i, 4, func(o *auth.Options) { o.Cooldown = 100 * time.Millisecond })
	for _, s := range all {
		_, _ = s.Token(t.Context())
	}
	i.set(func() { i.fail = nil })
	for _, s := range all {
		eventually.True(t, 20*time.Second, "there is a token", func() bool { _, err := s.Token(t.Context()); return err == nil })
	}
}

func TestATokenThatCouldNotBeStoredServesItsWorker(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	i := &fakeLogin{}
	var once sync.Once
	lost := func(o *auth.Options) {
		o.Login = func(ctx context.Context, old auth.Token) (auth.Token, error) {
			once.Do(func() { server.Client().FlushAll(ctx) })
			return i.login(ctx, old)
		}
	}
	all := workers(t, server, i, 2, lost)
	first := must(t, all[0])
	if must(t, all[0]).Value != first.Value || must(t, all[1]).Value == first.Value {
		t.Error("the token that was not stored is lost, or was shared")
	}
	all[0].Reject(first)
	if got := must(t, all[0]); got.Value != must(t, all[1]).Value {
		t.Error("the stored token was not taken over")
	}
	wantLogins(t, i, 2, "in the end")
}

func TestAKeyOfAnotherLengthIsRefused(t *testing.T) {
	t.Parallel()
	_, err := auth.NewRedis(nil, "canary")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

// lossyStore loses what happens to Store: its response, or the token as well.
type lossyStore struct {
	*auth.Redis
	loses func() (response, token bool)
}

func (f lossyStore) Store(ctx context.Context, account string, fence int64, t auth.Shareable, life time.Duration) (bool, error) {
	response, token := f.loses()
	if token {
		return false, errors.Join(errors.New("lost"), f.Drop(ctx, account, fence, "", 0))
	}
	kept, err := f.Redis.Store(ctx, account, fence, t, life)
	if response {
		return false, errors.New("lost")
	}
	return kept, err
}

func TestARejectedTokenIsNotTakenFromTheStoreAgain(t *testing.T) {
	t.Parallel()
	for name, loses := range map[string]func(logins int) (response, token bool){
		"the store answers":                         func(int) (bool, bool) { return false, false },
		"its answer to the first token is lost":     func(n int) (bool, bool) { return n == 1, false },
		"the second token is lost":                  func(n int) (bool, bool) { return false, n == 2 },
		"all answers are lost":                      func(int) (bool, bool) { return true, false },
		"all tokens are lost, and so never shared":  func(int) (bool, bool) { return false, true },
		"the first answer and the second are lost.": func(n int) (bool, bool) { return n == 1, n == 2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := &fakeLogin{}
			s := source(i, func(o *auth.Options) {
				o.Shared = lossyStore{store(t, redistest.Start(t), "k"), func() (bool, bool) { return loses(i.count()) }}
			})
			for n := range 4 {
				token := must(t, s)
				if want := providers.Secret(fmt.Sprintf("canary-%d", n+1)); token.Value != want {
					t.Fatalf("token %d is not a new one", n+1)
				}
				s.Reject(token)
			}
		})
	}
}
