package preflight

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/virtualpos"
)

func registry(accounts ...providers.Account) providers.Registry {
	r := providers.Registry{}
	for _, a := range accounts {
		r.Add(a)
	}
	return r
}

func account(name, identity string) providers.Account {
	return providers.Account{Provider: virtualpos.Name, Name: name, Identity: identity}
}

func stored(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	all, err := c.HGetAll(t.Context(), "remesa:{virtualpos}:identity").Result()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAnAccountKeepsItsIdentity(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t).Client()
	claim := func(accounts ...providers.Account) error {
		return ClaimIdentities(t.Context(), c, registry(accounts...))
	}
	if err := claim(account("default", "h1 ana@example.cl")); err != nil {
		t.Fatalf("the first time: %s", err)
	}
	if err := claim(account("default", "h1 ana@example.cl"), account("second", "h2 b")); err != nil {
		t.Fatalf("again, with another: %s", err)
	}
	err := claim(account("default", "h1 eva@example.cl"))
	if err == nil || !strings.Contains(err.Error(), "identity of virtualpos/default is h1 #") || !strings.Contains(err.Error(), "worker check --accept-identity virtualpos/default --by NAME --note TEXT") {
		t.Errorf("another merchant under the same name: %v", err)
	}
	if strings.Contains(err.Error(), "example.cl") || strings.Contains(stored(t, c)["default"], "example.cl") {
		t.Errorf("a person's address is reported or stored: %v", err)
	}
	if err := claim(account("renamed", "h1 ana@example.cl")); err == nil || !strings.Contains(err.Error(), "call the account default as before") {
		t.Errorf("the same merchant under another name: %v", err)
	}
	if got := stored(t, c); len(got) != 2 {
		t.Errorf("what was refused is stored: %v", got)
	}
}

func TestTwoAccountsMayNotBeTheSame(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t).Client()
	err := ClaimIdentities(t.Context(), c, registry(account("default", "h a"), account("second", "h a"), account("third", "h b")))
	if err == nil || !strings.Contains(err.Error(), "identity of virtualpos/second is that of virtualpos/default") {
		t.Errorf("%v", err)
	}
	if got := stored(t, c); len(got) != 0 {
		t.Errorf("something is stored all the same: %v", got)
	}
	other := account("default", "h a")
	other.Provider = etpay.Name
	if err := ClaimIdentities(t.Context(), c, registry(account("default", "h a"), other)); err != nil {
		t.Errorf("two providers on one host: %s", err)
	}
}

func TestCheckingStoresNothing(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t).Client()
	findings, err := CheckIdentities(t.Context(), c, registry(account("default", "h a")))
	if err != nil || len(findings) != 1 || findings[0].Level != OK {
		t.Errorf("%+v, %v", findings, err)
	}
	if got := stored(t, c); len(got) != 0 {
		t.Errorf("stored: %v", got)
	}
}

func TestAnAcceptedIdentityHoldsAndIsWrittenDown(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t).Client()
	if err := ClaimIdentities(t.Context(), c, registry(account("default", "h a"), account("second", "h b"))); err != nil {
		t.Fatal(err)
	}
	changed := account("default", "h b")
	for _, row := range [][2]string{{"", "note"}, {"ana", ""}, {" ", "note"}} {
		if _, err := AcceptIdentity(t.Context(), c, changed, row[0], row[1]); err == nil {
			t.Errorf("accepted by %q, note %q", row[0], row[1])
		}
	}
	before, err := AcceptIdentity(t.Context(), c, changed, "ana", "moved to the other merchant")
	if err != nil || before != Fingerprint(account("default", "h a")) {
		t.Fatalf("before %q, %v", before, err)
	}
	if err := ClaimIdentities(t.Context(), c, registry(changed)); err != nil {
		t.Errorf("what was accepted is refused: %s", err)
	}
	if err := ClaimIdentities(t.Context(), c, registry(account("second", "h b"))); err == nil {
		t.Error("its former holder goes on beside it")
	}
	history, err := c.LRange(t.Context(), "remesa:{virtualpos}:identity:history", 0, -1).Result()
	if err != nil || len(history) != 1 || !strings.Contains(history[0], `"by":"ana"`) || !strings.Contains(history[0], `"note":"moved to the other merchant"`) || !strings.Contains(history[0], `"taken_from":["second"]`) {
		t.Errorf("history: %q, %v", history, err)
	}
}

func TestOfTwoWorkersOnlyOneDefinesAnAccount(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t).Client()
	errs := make([]error, 8)
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() {
			errs[i] = ClaimIdentities(t.Context(), c, registry(account("default", "h "+string(rune('a'+i)))))
		})
	}
	workers.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d workers started as different merchants under one name", won)
	}
}

// interferingHook lets somebody else act right after identities were read for the first time.
type interferingHook struct {
	once sync.Once
	act  func()
}

func (*interferingHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (*interferingHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (b *interferingHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "hgetall" {
			b.once.Do(b.act)
		}
		return err
	}
}

func TestAnIdentityThatChangesMeanwhileIsDecidedAnew(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		meanwhile providers.Account
		want      string
	}{
		"another account gets it by a person": {account("second", "h new"), "call the account second as before"},
		"the account gets another one":        {account("first", "h other"), "give the account its former settings"},
		"an account that matters to nobody":   {account("second", "h third"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			other, c := s.Client(), s.Client()
			if err := ClaimIdentities(t.Context(), other, registry(account("second", "h b"))); err != nil {
				t.Fatal(err)
			}
			c.AddHook(&interferingHook{act: func() {
				if _, err := AcceptIdentity(t.Context(), other, row.meanwhile, "ana", "meanwhile"); err != nil {
					t.Error(err)
				}
			}})
			err := ClaimIdentities(t.Context(), c, registry(account("first", "h new")))
			if (err != nil) != (row.want != "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

func TestIdentitiesInTheEmbeddedStore(t *testing.T) {
	t.Parallel()
	c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer c.Close()
	if err := ClaimIdentities(t.Context(), c, registry(account("default", "h a"))); err != nil {
		t.Error(err)
	}
	if before, err := AcceptIdentity(t.Context(), c, account("default", "h b"), "ana", "why"); err != nil || before != Fingerprint(account("default", "h a")) {
		t.Error(before, err)
	}
	if err := ClaimIdentities(t.Context(), c, registry(account("default", "h a"))); err == nil {
		t.Error("another merchant goes on under the name")
	}
}

func TestIdentitiesInACluster(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Cluster())
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
	defer c.Close()
	if err := ClaimIdentities(t.Context(), c, registry(account("default", "h a"))); err != nil {
		t.Error(err)
	}
	if _, err := AcceptIdentity(t.Context(), c, account("default", "h b"), "ana", "why"); err != nil {
		t.Error(err)
	}
}

func TestWithoutRedisNoIdentityIsSure(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Kill()
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	if err := ClaimIdentities(t.Context(), c, registry(account("default", "h a"))); err == nil {
		t.Error("claimed without a store")
	}
}
