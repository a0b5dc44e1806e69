package preflight

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/providers"
)

//go:embed identity.lua
var identityLua string

//go:embed accept.lua
var acceptLua string

// A payment's key holds the account's name, not who is behind it: were a name given to another merchant, a payment could be asked about
// where it was never sent, found unknown, and sent again. So each name keeps its identity until a person says otherwise.

// CheckIdentities compares each account with what is stored under its name, and with the others. It stores nothing.
func CheckIdentities(ctx context.Context, rdb redis.UniversalClient, registry providers.Registry) ([]Finding, error) {
	return identities(ctx, rdb, registry, false)
}

// ClaimIdentities does as CheckIdentities does, stores the identity of each account that is new, and refuses to go on where one is not
// what it was. A worker calls it before it sends anything.
func ClaimIdentities(ctx context.Context, rdb redis.UniversalClient, registry providers.Registry) error {
	findings, err := identities(ctx, rdb, registry, true)
	if err != nil {
		return err
	}
	var refused []error
	for _, f := range findings {
		if f.Level == Fail {
			refused = append(refused, fmt.Errorf("%s is %s, must be %s: %s", f.Name, f.Got, f.Want, f.Fix))
		}
	}
	return errors.Join(refused...)
}

// AcceptIdentity makes the account's present identity the one that is stored, and records who decided so and why. Another account that
// had it loses it. It returns the identity that was stored before.
func AcceptIdentity(ctx context.Context, rdb redis.UniversalClient, account providers.Account, by, note string) (before string, err error) {
	if strings.TrimSpace(by) == "" || strings.TrimSpace(note) == "" {
		return "", errors.New("accepting an identity needs --by and --note")
	}
	key := identityKey(account.Provider)
	before, err = redis.NewScript(acceptLua).Run(ctx, rdb, []string{key, key + ":history"}, account.Name, Fingerprint(account), by, note).Text()
	if err != nil {
		return "", fmt.Errorf("accept the identity of %s/%s: %w", account.Provider, account.Name, err)
	}
	return before, nil
}

// Fingerprint is the form in which an identity is stored and shown: its first part, a host, and a digest of the whole. A user name may
// be a person's address, and does not go into Redis or a log.
func Fingerprint(account providers.Account) string {
	host, _, _ := strings.Cut(account.Identity, " ")
	sum := sha256.Sum256([]byte(account.Identity))
	return host + " #" + hex.EncodeToString(sum[:8])
}

// Served reports whether a worker ever served the provider on this Redis: each one leaves its
// accounts' identities there before it sends anything.
func Served(ctx context.Context, rdb redis.UniversalClient, provider string) (bool, error) {
	n, err := rdb.Exists(ctx, identityKey(provider)).Result()
	return n > 0, err
}

func identityKey(provider string) string { return "remesa:{" + provider + "}:identity" }

func identities(ctx context.Context, rdb redis.UniversalClient, registry providers.Registry, store bool) ([]Finding, error) {
	findings := shared(registry)
	if Failed(findings) {
		return findings, nil // nothing is stored for accounts of which one must be wrong
	}
	for _, provider := range registry.Providers() {
		for _, name := range slices.Sorted(maps.Keys(registry[provider])) {
			f, err := identity(ctx, rdb, registry[provider][name], store)
			if err != nil {
				return nil, err
			}
			findings = append(findings, f)
		}
	}
	return findings, nil
}

// shared finds accounts of one provider with the same identity: one payment could be made through each.
func shared(registry providers.Registry) []Finding {
	var findings []Finding
	for _, provider := range registry.Providers() {
		holder := map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(registry[provider])) {
			account := registry[provider][name]
			if other, found := holder[account.Identity]; found {
				findings = append(findings, Finding{
					Name: identityName(account), Level: Fail, Got: "that of " + provider + "/" + other, Want: "its own",
					Fix: "remove one of the two accounts: the same payment could be made through each",
				})
			}
			holder[account.Identity] = name
		}
	}
	return findings
}

func identity(ctx context.Context, rdb redis.UniversalClient, account providers.Account, store bool) (Finding, error) {
	flag := "0"
	if store {
		flag = "1"
	}
	own := Fingerprint(account)
	answer, err := redis.NewScript(identityLua).Run(ctx, rdb, []string{identityKey(account.Provider)}, account.Name, own, flag).StringSlice()
	if err != nil {
		return Finding{}, fmt.Errorf("identity of %s/%s: %w", account.Provider, account.Name, err)
	}
	f := Finding{Name: identityName(account), Got: own, Want: own}
	accept := fmt.Sprintf("`worker check --accept-identity %s/%s --by NAME --note TEXT`", account.Provider, account.Name)
	switch answer[0] {
	case "ok":
		return ok(f), nil
	case "differs":
		f.Want = answer[1] + ", as stored"
		return fail(f, "give the account its former settings, or another name; if the same payments may go on under the new identity, run "+accept), nil
	case "taken":
		f.Want = "another than that of " + account.Provider + "/" + answer[1]
		return fail(f, "call the account "+answer[1]+" as before; if it was renamed on purpose and nothing is open under the former name, run "+accept), nil
	default:
		return Finding{}, fmt.Errorf("identity of %s/%s: an answer that is none", account.Provider, account.Name)
	}
}

func identityName(account providers.Account) string {
	return "identity of " + account.Provider + "/" + account.Name
}
