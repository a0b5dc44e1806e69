package preflight

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/providers"
)

// A payment's key holds the account's name, not the merchant behind it. If the name were given to
// another merchant, a worker could query a payment where it was never sent, find it unknown, and
// send it again. So each name keeps its identity until an operator accepts another.

// CheckIdentities compares each account with the identity that is stored under its name, and with
// the other accounts. It stores nothing.
func CheckIdentities(ctx context.Context, rdb redis.UniversalClient, registry providers.Registry) ([]Finding, error) {
	return identities(ctx, rdb, registry, false)
}

// ClaimIdentities checks as CheckIdentities does, stores the identity of each account that is new,
// and returns an error where an account is not what it was. A worker calls it before it sends
// anything.
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

// AcceptIdentity stores the account's present identity, and records who decided so and why. Another
// account that had this identity loses it. It returns the identity that was stored before.
func AcceptIdentity(ctx context.Context, rdb redis.UniversalClient, account providers.Account, by, note string) (before string, err error) {
	if strings.TrimSpace(by) == "" || strings.TrimSpace(note) == "" {
		return "", errors.New("accepting an identity needs --by and --note")
	}
	k := newIdentityStore(rdb, account.Provider)
	now, err := k.batcher.Now(ctx, account.Provider)
	if err != nil {
		return "", fmt.Errorf("accept the identity of %s/%s: %w", account.Provider, account.Name, err)
	}
	err = k.change(ctx, func(stored map[string]string, c *kv.Commit) error {
		before = stored[account.Name]
		a := acceptance{At: now.Unix(), Account: account.Name, Before: before, After: Fingerprint(account), By: by, Note: note}
		return a.write(stored, c, k.key)
	})
	if err != nil {
		return "", fmt.Errorf("accept the identity of %s/%s: %w", account.Provider, account.Name, err)
	}
	return before, nil
}

// acceptance is an entry of the list of accepted identities.
type acceptance struct {
	At              int64    `json:"at"`
	Account         string   `json:"account"`
	Before          string   `json:"before"`
	After           string   `json:"after"`
	By              string   `json:"by"`
	Note            string   `json:"note"`
	PreviousAccount []string `json:"taken_from,omitempty"`
}

func (a acceptance) write(stored map[string]string, c *kv.Commit, key string) error {
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if name != a.Account && stored[name] == a.After {
			a.PreviousAccount = append(a.PreviousAccount, name)
			c.Write("HDEL", key, name)
		}
	}
	entry, err := json.Marshal(a)
	if err != nil {
		return err
	}
	c.Write("HSET", key, a.Account, a.After)
	c.Write("RPUSH", key+":history", entry)
	return nil
}

// identityStore changes the identities that are stored for one provider: a hash of account name to
// identity.
type identityStore struct {
	rdb           redis.UniversalClient
	batcher       *kv.Batcher
	provider, key string
}

func newIdentityStore(rdb redis.UniversalClient, provider string) identityStore {
	return identityStore{rdb, kv.NewBatcher(kv.NewDB(rdb, false), 0, 0), provider, identityKey(provider)}
}

// tries is how often a change is decided: each time another process changed the identities in
// between.
const tries = 20

// errNoWrite is a decision to write nothing.
var errNoWrite = errors.New("nothing to write")

// change calls decide with all identities of the provider, and writes only if they are still the
// same then. Writes are few and small, so that a full Redis takes them.
func (k identityStore) change(ctx context.Context, decide func(stored map[string]string, c *kv.Commit) error) error {
	for range tries {
		stored, err := k.rdb.HGetAll(ctx, k.key).Result()
		if err != nil {
			return err
		}
		c := kv.NewGuardedCommit(k.provider)
		c.Guard("HLEN", k.key, "", strconv.Itoa(len(stored)), "")
		for name, identity := range stored {
			c.Guard("HGET", k.key, name, identity, identity)
		}
		if err := decide(stored, c); err != nil {
			return err
		}
		results, errs := k.batcher.Commit(ctx, k.provider, c)
		if errs[0] != nil || results[0].Done {
			return errs[0]
		}
	}
	return errors.New("others change the identities again and again")
}

// Fingerprint is the form in which an identity is stored and shown: its first part, a host, and a
// digest of the whole. A user name may be a person's e-mail address, so it goes into neither Redis
// nor a log.
func Fingerprint(account providers.Account) string {
	host, _, _ := strings.Cut(account.Identity, " ")
	sum := sha256.Sum256([]byte(account.Identity))
	return host + " #" + hex.EncodeToString(sum[:8])
}

// WasServed reports whether a worker ever served the provider on this Redis: each one leaves its
// accounts' identities there before it sends anything.
func WasServed(ctx context.Context, rdb redis.UniversalClient, provider string) (bool, error) {
	n, err := rdb.Exists(ctx, identityKey(provider)).Result()
	return n > 0, err
}

func identityKey(provider string) string { return kv.Prefix(provider) + "identity" }

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

// shared finds accounts of one provider with the same identity: one payment could be made through
// each.
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
	var f Finding
	k, own := newIdentityStore(rdb, account.Provider), Fingerprint(account)
	err := k.change(ctx, func(stored map[string]string, c *kv.Commit) error {
		f = compare(account, own, stored)
		if _, known := stored[account.Name]; known || f.Level != OK || !store {
			return errNoWrite
		}
		c.Write("HSET", k.key, account.Name, own)
		return nil
	})
	if err != nil && !errors.Is(err, errNoWrite) {
		return Finding{}, fmt.Errorf("identity of %s/%s: %w", account.Provider, account.Name, err)
	}
	return f, nil
}

// compare says whether an account is who it was, and nobody else is.
func compare(account providers.Account, own string, stored map[string]string) Finding {
	f := Finding{Name: identityName(account), Got: own, Want: own}
	accept := fmt.Sprintf("`worker check --accept-identity %s/%s --by NAME --note TEXT`", account.Provider, account.Name)
	if held, known := stored[account.Name]; known && held != own {
		f.Want = held + ", as stored"
		return fail(f, "give the account its former settings, or another name; if the same payments may go on under the new identity, run "+accept)
	}
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if name != account.Name && stored[name] == own {
			f.Want = "another than that of " + account.Provider + "/" + name
			return fail(f, "call the account "+name+" as before; if it was renamed on purpose and nothing is open under the former name, run "+accept)
		}
	}
	return ok(f)
}

func identityName(account providers.Account) string {
	return "identity of " + account.Provider + "/" + account.Name
}
