package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
)

const sealedMetadata = `"metadata":{"invoice":"F-canary-17"},`

// newSealedFixture has one payment that a producer with keys submitted, and that the provider
// declined.
func newSealedFixture(t *testing.T) (s *redistest.Server, env []string, key string) {
	t.Helper()
	s = redistest.Start(t)
	key = must[string](t)(seal.NewKey("2026"))
	env = environment(redisAt(s.URL()), "REMESA_FINGERPRINT_KEY=0123456789abcdef", "REMESA_PAYLOAD_KEYS="+key)
	got := enqueue(t, env, lines(payout("a", `"merchant_id"`, sealedMetadata+`"merchant_id"`)), "submit")
	wantCode(t, "with payload keys", got, 0)
	ledger := idempotency.NewRedis(s.Client(), idempotency.Options{Seal: must[*seal.Ring](t)(seal.Parse(key))})
	k := mustKey(t, "virtualpos/a")
	b := must[idempotency.BeginResult](t)(ledger.Begin(t.Context(), k, idempotency.BeginParams{Attempt: "x", Lease: 1e9}))
	if !strings.Contains(string(b.Payload), "merchant_id") {
		t.Fatalf("the worker got %q, %v", b.Payload, b.DecryptErr)
	}
	must[idempotency.Transition](t)(ledger.Finish(t.Context(), k, idempotency.AttemptResult{Attempt: "x", Outcome: providers.Outcome{Class: providers.Refused, Code: "E-1", Message: "canary: no such account"}, QueryAfter: 0}))
	return s, env, key
}

func TestWhatIsSubmittedWithKeysIsSealed(t *testing.T) {
	t.Parallel()
	s, env, _ := newSealedFixture(t)
	for _, name := range []string{"p:a", "d:a"} {
		text := s.Client().Get(t.Context(), "remesa:{virtualpos}:"+name).Val()
		if !strings.Contains(text, "s1.2026.") || strings.Contains(text, "canary") || strings.Contains(text, "recipient") {
			t.Errorf("%s stands in Redis as %s", name, text)
		}
	}
	got := enqueue(t, env, lines(payout("a", `"merchant_id"`, sealedMetadata+`"merchant_id"`)), "submit")
	wantText(t, "the same again", got.out, `"result":"duplicate"`)
}

func TestWhoHoldsTheKeysReadsWhatIsSealed(t *testing.T) {
	t.Parallel()
	_, env, _ := newSealedFixture(t)
	for _, args := range []string{"show virtualpos/a", "list --state failed --json", "watch --no-follow"} {
		got := enqueue(t, env, nil, strings.Fields(args)...)
		wantCode(t, args, got, 0)
		wantText(t, args, got.out, `"message":"canary: no such account"`, `"metadata":{"invoice":"F-canary-17"}`)
		if strings.Contains(got.out, "s1.") || got.err != "" {
			t.Errorf("%s: %s%s", args, got.out, got.err)
		}
	}
}

func TestWhoHoldsNoKeySeesThatSomethingIsSealed(t *testing.T) {
	t.Parallel()
	s, _, key := newSealedFixture(t)
	other := must[string](t)(seal.NewKey("2025"))
	for says, settings := range map[string][]string{
		"no keys":       nil,
		"another key":   {"REMESA_FINGERPRINT_KEY=0123456789abcdef", "REMESA_PAYLOAD_KEYS=" + other},
		"unusable keys": {"REMESA_PAYLOAD_KEYS=2026:canary"},
	} {
		env := environment(append(settings, redisAt(s.URL()))...)
		for _, args := range []string{"show virtualpos/a", "list --state failed --json", "watch --no-follow"} {
			got := enqueue(t, env, nil, strings.Fields(args)...)
			wantCode(t, says+": "+args, got, 0)
			wantText(t, says+": "+args, got.out, `"message":"s1.2026.`, `"state":"failed"`)
			if strings.Contains(got.out+got.err, "canary") || strings.Count(got.err, "REMESA_PAYLOAD_KEYS at hand") != 1 {
				t.Errorf("%s: %s: %s%s", says, args, got.out, got.err)
			}
		}
		halt := enqueue(t, env, nil, "halt", "--provider", "etpay", "--by", "ana", "--note", "no key needed")
		wantCode(t, says+": halt", halt, 0)
	}
	// An operator who only reads needs the payload keys alone.
	got := enqueue(t, environment(redisAt(s.URL()), "REMESA_PAYLOAD_KEYS="+key), nil, "show", "virtualpos/a")
	wantText(t, "without a fingerprint key", got.out, "canary: no such account")
}

func TestKeysFromAFile(t *testing.T) {
	t.Parallel()
	s, _, key := newSealedFixture(t)
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := environment(redisAt(s.URL()), "REMESA_PAYLOAD_KEYS_FILE="+path, "REMESA_FINGERPRINT_KEY=0123456789abcdef")
	wantText(t, "show", enqueue(t, env, nil, "show", "virtualpos/a").out, "canary: no such account")
	wantCode(t, "submit", enqueue(t, env, lines(payout("b")), "submit"), 0)
	if text := fmt.Sprint(s.Client().Get(t.Context(), "remesa:{virtualpos}:d:b").Val()); !strings.HasPrefix(text, "s1.2026.") {
		t.Errorf("submitted with a key from a file: %s", text)
	}
}
