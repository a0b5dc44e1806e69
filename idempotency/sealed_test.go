package idempotency_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
)

// sealedFixture is one Redis with books that have other keys, or none.
type sealedFixture struct {
	t *testing.T
	s *redistest.Server
}

func newSealedFixture(t *testing.T) sealedFixture { return sealedFixture{t, redistest.Start(t)} }

func (v sealedFixture) with(ring *seal.Ring) *ledgerFixture {
	return open(v.t, v.s, v.s.Client(), idempotency.Options{Seal: ring})
}

const (
	canaryName    = "Canariona Soto"
	canaryMessage = "la cuenta de Canariona no existe"
	canaryURL     = "https://pay.example/session/canary-session"
	canaryNote    = "F-canary-17"
)

func canary(reference string) idempotency.Registration {
	r := registration(reference)
	r.Payload, r.Metadata = []byte(`{"name":"`+canaryName+`"}`), `{"invoice":"`+canaryNote+`"}`
	return r
}

func (f *ledgerFixture) queryAndRecord(rs ...idempotency.Registration) {
	f.t.Helper()
	_, err := f.store.Register(f.t.Context(), rs...)
	f.must(err)
}

// dump is every key and value that the ledger wrote.
func dump(t *testing.T, rdb redis.UniversalClient) string {
	t.Helper()
	var text strings.Builder
	for keys := rdb.Scan(t.Context(), 0, "*", 1000).Iterator(); keys.Next(t.Context()); {
		k := keys.Val()
		kind := rdb.Type(t.Context(), k).Val()
		var value any
		var err error
		switch kind {
		case "string":
			value, err = rdb.Get(t.Context(), k).Result()
		case "hash":
			value, err = rdb.HGetAll(t.Context(), k).Result()
		case "zset":
			value, err = rdb.ZRange(t.Context(), k, 0, -1).Result()
		case "stream":
			value, err = rdb.XRange(t.Context(), k, "-", "+").Result()
		default:
			t.Errorf("%s is a %s, which is not searched", k, kind)
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&text, k, value)
	}
	return text.String()
}

func wantNoCanary(t *testing.T, where, text string) {
	t.Helper()
	if text == "" {
		t.Errorf("%s: nothing to search", where)
	}
	if i := strings.Index(strings.ToLower(text), "canary"); i >= 0 || strings.Contains(text, "Canariona") {
		t.Errorf("%s: a canary in …%s…", where, text[max(0, i-100):min(len(text), max(i, 0)+60)])
	}
}

func TestNoPersonalDataInRedis(t *testing.T) {
	t.Parallel()
	v := newSealedFixture(t)
	f := v.with(sealtest.Ring(t, "a"))
	for _, reference := range []string{"session", "declined", "mismatch", "rejected", "blocked"} {
		f.queryAndRecord(canary(reference))
	}
	f.begin("session", "s")
	refs := map[string]string{"session_token": "canary-session", "signature_token": "canary-signature"}
	f.must(f.checkpoint(key("session"), "s", refs, false))
	f.finish("session", "s", providers.Outcome{Class: providers.Pending, ActionURL: canaryURL, ActionWithin: 24 * time.Hour, Message: canaryMessage, ProviderRefs: refs})
	for reference, class := range map[string]providers.Class{"declined": providers.Refused, "mismatch": providers.Mismatch} {
		f.begin(reference, reference)
		f.finish(reference, reference, providers.Outcome{Class: class, Code: "E-1", Message: canaryMessage})
	}
	_, err := f.store.Reject(t.Context(), key("rejected"), idempotency.Rejection{Code: "payload_unreadable", Message: canaryMessage})
	f.must(err)
	_, err = f.store.Block(t.Context(), key("blocked"), "limit", canaryMessage)
	f.must(err)
	wantNoCanary(t, "Redis", dump(t, f.rdb))

	for _, reference := range []string{"session", "declined", "mismatch", "rejected", "blocked"} {
		r, err := f.store.Show(t.Context(), key(reference))
		f.must(err)
		if r.DecryptErr != nil || r.Message != canaryMessage || r.Metadata["invoice"] != canaryNote {
			t.Errorf("%s shows as %q, %v, %v", reference, r.Message, r.Metadata, r.DecryptErr)
		}
		for _, h := range r.History {
			if seal.Sealed([]byte(h.Note)) {
				t.Errorf("%s: a note of its history is still sealed", reference)
			}
		}
	}
	q, err := f.store.StartQuery(t.Context(), key("session"))
	f.must(err)
	if q.DecryptErr != nil || q.ProviderRefs["signature_token"] != "canary-signature" || !strings.Contains(string(q.Payload), canaryName) {
		t.Errorf("queried with %v, %s, %v", q.ProviderRefs, q.Payload, q.DecryptErr)
	}
	if r := f.want("session", idempotency.Pending); r.ActionURL != canaryURL {
		t.Errorf("the payer's address shows as %q", r.ActionURL)
	}
}

// TestWithoutKeysNothingChanges: what stands in Redis without keys is what was handed in, byte for
// byte.
func TestWithoutKeysNothingChanges(t *testing.T) {
	t.Parallel()
	v := newSealedFixture(t)
	f := v.with(nil)
	f.queryAndRecord(canary("open"))
	if got := f.rdb.Get(t.Context(), payloadKey("open")).Val(); got != string(canary("open").Payload) {
		t.Errorf("the payload stands there as %q", got)
	}
	if got := f.rdb.Get(t.Context(), recordKey("open")).Val(); !strings.Contains(got, canaryNote) {
		t.Errorf("the metadata is not there as it was: %s", got)
	}
}

func payloadKey(reference string) string { return "remesa:{" + provider + "}:d:" + reference }
func recordKey(reference string) string  { return "remesa:{" + provider + "}:p:" + reference }

// edit changes a record as an attacker could who can write to Redis.
func (f *ledgerFixture) edit(reference string, change func(map[string]any)) {
	f.t.Helper()
	var r map[string]any
	f.must(json.Unmarshal([]byte(f.rdb.Get(f.t.Context(), recordKey(reference)).Val()), &r))
	change(r)
	text, err := json.Marshal(r)
	f.must(err)
	f.must(f.rdb.Set(f.t.Context(), recordKey(reference), text, 0).Err())
}

func TestWhatWasMovedOrChangedIsNeverUsed(t *testing.T) {
	t.Parallel()
	refsOf := func(r map[string]any) map[string]any { return r["provider_refs"].(map[string]any) }
	for does, change := range map[string]func(t *testing.T, f *ledgerFixture){
		"another payment's payload": func(t *testing.T, f *ledgerFixture) {
			f.must(f.rdb.Set(t.Context(), payloadKey("mine"), f.rdb.Get(t.Context(), payloadKey("other")).Val(), 0).Err())
		},
		"another payment's provider reference": func(_ *testing.T, f *ledgerFixture) {
			var stolen any
			f.edit("other", func(r map[string]any) { stolen = refsOf(r)["order"] })
			f.edit("mine", func(r map[string]any) { refsOf(r)["order"] = stolen })
		},
		"a provider reference under another's name": func(_ *testing.T, f *ledgerFixture) {
			f.edit("mine", func(r map[string]any) { refsOf(r)["order"] = refsOf(r)["session"] })
		},
		"another type": func(_ *testing.T, f *ledgerFixture) { f.edit("mine", func(r map[string]any) { r["type"] = "charge" }) },
		"the metadata as payload": func(t *testing.T, f *ledgerFixture) {
			f.edit("mine", func(r map[string]any) { f.must(f.rdb.Set(t.Context(), payloadKey("mine"), r["metadata"], 0).Err()) })
		},
		"a letter of the payload": func(t *testing.T, f *ledgerFixture) {
			text := f.rdb.Get(t.Context(), payloadKey("mine")).Val()
			f.must(f.rdb.Set(t.Context(), payloadKey("mine"), text[:20]+swapped(text[20:21])+text[21:], 0).Err())
		},
	} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			v := newSealedFixture(t)
			f := v.with(sealtest.Ring(t, "a"))
			f.queryAndRecord(canary("mine"), canary("other"))
			for _, reference := range []string{"mine", "other"} {
				f.begin(reference, reference)
				refs := map[string]string{"order": "o-" + reference, "session": "s-" + reference}
				f.must(f.checkpoint(key(reference), reference, refs, false))
				_, err := f.store.Release(t.Context(), key(reference), reference, "not sent", 0)
				f.must(err)
			}
			change(t, f)
			got := f.begin("mine", "again")
			if got.Decision != idempotency.Send || !errors.Is(got.DecryptErr, seal.ErrTampered) {
				t.Fatalf("decision %s, %v", got.Decision, got.DecryptErr)
			}
			if got.Payload != nil || got.ProviderRefs != nil {
				t.Error("some of it was handed out all the same")
			}
		})
	}
}

func swapped(letter string) string {
	if letter == "A" {
		return "B"
	}
	return "A"
}

// TestPaymentWaitsForItsKey: a worker with the wrong keys, or a payment of before the keys,
// must cost no payment its life.
func TestPaymentWaitsForItsKey(t *testing.T) {
	t.Parallel()
	keys := sealtest.Keys(t, "a", "b")
	right := sealtest.RingOf(t, keys[0])
	plain := func(t *testing.T, f *ledgerFixture) {
		f.must(f.rdb.Set(t.Context(), payloadKey("mine"), canary("mine").Payload, 0).Err())
	}
	for does, row := range map[string]struct {
		ring   *seal.Ring
		change func(t *testing.T, f *ledgerFixture)
		want   error
	}{
		"without keys":                {nil, nil, seal.ErrUnknownKey},
		"with another key":            {sealtest.RingOf(t, keys[1]), nil, seal.ErrUnknownKey},
		"with other bytes":            {sealtest.Ring(t, "a"), nil, seal.ErrUnknownKey},
		"with keys, unsealed payload": {right, plain, seal.ErrNotSealed},
		"with keys, unsealed provider reference": {right, func(_ *testing.T, f *ledgerFixture) {
			f.edit("mine", func(r map[string]any) { r["provider_refs"] = map[string]any{"order": "o-1"} })
		}, seal.ErrNotSealed},
	} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			v := newSealedFixture(t)
			f := v.with(right)
			f.queryAndRecord(canary("mine"))
			if row.change != nil {
				row.change(t, f)
			}
			got, err := v.with(row.ring).store.Begin(t.Context(), key("mine"), idempotency.BeginParams{Attempt: "x", Lease: lease})
			f.must(err)
			if got.Decision != idempotency.Wait || !errors.Is(got.DecryptErr, row.want) || got.Payload != nil {
				t.Fatalf("decision %s, %v, want wait with %v", got.Decision, got.DecryptErr, row.want)
			}
			reason := "key"
			if errors.Is(row.want, seal.ErrUnknownKey) {
				reason += ":" + right.Prefixes()[0]
			}
			if got.ParkReason != reason {
				t.Errorf("waits for %q, want %q", got.ParkReason, reason)
			}
			if got.DecryptErr != nil && strings.Contains(got.DecryptErr.Error(), "anario") {
				t.Errorf("the error repeats the payload: %v", got.DecryptErr)
			}
			r := f.want("mine", idempotency.Queued)
			if r.Attempts != 0 || r.NextDue.Sub(got.Now) != 30*time.Second || len(r.History) != 1 {
				t.Errorf("%d attempts, due in %s, history %v", r.Attempts, r.NextDue.Sub(got.Now), r.History)
			}
			if row.change != nil {
				return
			}
			if got := f.begin("mine", "y"); got.Decision != idempotency.Send || string(got.Payload) != string(canary("mine").Payload) {
				t.Errorf("a worker with the key: %s, %s, %v", got.Decision, got.Payload, got.DecryptErr)
			}
		})
	}
}

func TestANewKeyOpensWhatTheOldOneSealed(t *testing.T) {
	t.Parallel()
	v := newSealedFixture(t)
	keys := sealtest.Keys(t, "2025", "2026")
	before, after := v.with(sealtest.RingOf(t, keys[0])), v.with(sealtest.RingOf(t, keys[1], keys[0]))
	before.queryAndRecord(canary("old"))
	after.queryAndRecord(canary("young"))
	for _, reference := range []string{"old", "young"} {
		if got := after.begin(reference, reference); got.Decision != idempotency.Send || !strings.Contains(string(got.Payload), canaryName) {
			t.Errorf("%s: %s, %v", reference, got.Decision, got.DecryptErr)
		}
	}
	if got := before.begin("young", "x"); got.Payload != nil {
		t.Error("a ring without the new key opened what it sealed")
	}
}

func TestAQuestionThatCannotBeOpenedSaysSo(t *testing.T) {
	t.Parallel()
	v := newSealedFixture(t)
	f := v.with(sealtest.Ring(t, "a"))
	f.queryAndRecord(canary("mine"), canary("other"))
	f.begin("mine", "m")
	f.finish("mine", "m", providers.Outcome{Class: providers.InDoubt})
	q, err := v.with(sealtest.Ring(t, "b")).store.StartQuery(t.Context(), key("mine"))
	if err != nil || !errors.Is(q.DecryptErr, seal.ErrUnknownKey) || q.Payload != nil || !q.Needed {
		t.Errorf("without the key: %+v, %v", q, err)
	}
	f.must(f.rdb.Set(t.Context(), payloadKey("mine"), f.rdb.Get(t.Context(), payloadKey("other")).Val(), 0).Err())
	q, err = f.store.StartQuery(t.Context(), key("mine"))
	if err != nil || !errors.Is(q.DecryptErr, seal.ErrTampered) || q.Payload != nil {
		t.Errorf("with another's payload: %+v, %v", q, err)
	}
}

// TestInterventionsNeedNoKey: an operator without keys sees all but the sealed fields, and can make
// every intervention.
func TestInterventionsNeedNoKey(t *testing.T) {
	t.Parallel()
	v := newSealedFixture(t)
	f := v.with(sealtest.Ring(t, "a"))
	f.queryAndRecord(canary("mine"))
	f.begin("mine", "m")
	f.finish("mine", "m", providers.Outcome{Class: providers.Pending, Message: canaryMessage, ActionURL: canaryURL, ActionWithin: 24 * time.Hour})
	blind := v.with(nil)
	r, err := blind.store.Show(t.Context(), key("mine"))
	f.must(err)
	if !errors.Is(r.DecryptErr, seal.ErrUnknownKey) || r.Metadata != nil || !seal.Sealed([]byte(r.Message)) || !seal.Sealed([]byte(r.ActionURL)) {
		t.Errorf("shown as %+v", r)
	}
	if r.State != idempotency.Pending || r.Amount != "12500" {
		t.Errorf("what is not sealed: %+v", r)
	}
	_, err = blind.store.Resolve(t.Context(), key("mine"), r.Version,
		idempotency.Resolution{Actor: idempotency.Actor{By: "ana", Note: "seen at the bank"}, As: "succeeded"})
	f.must(err)
	if r := f.want("mine", idempotency.Succeeded); r.DecryptErr != nil || r.History[len(r.History)-1].Note == "" {
		t.Errorf("afterwards: %+v", r)
	}
}

// TestPayersAreSentToNoAddressOfAStranger: with keys, an address that was not sealed with a key is
// not shown.
func TestPayersAreSentToNoAddressOfAStranger(t *testing.T) {
	t.Parallel()
	v := newSealedFixture(t)
	ring := sealtest.Ring(t, "a")
	f := v.with(ring)
	f.queryAndRecord(canary("mine"), canary("other"))
	for _, reference := range []string{"mine", "other"} {
		f.begin(reference, reference)
		f.finish(reference, reference, providers.Outcome{Class: providers.Pending, ActionURL: canaryURL + reference, ActionWithin: 24 * time.Hour})
	}
	f.edit("mine", func(r map[string]any) { r["action_url"] = "https://evil.example" })
	if r := f.want("mine", idempotency.Pending); r.ActionURL != "" || !errors.Is(r.DecryptErr, seal.ErrNotSealed) {
		t.Errorf("an unsealed address shows as %q, %v", r.ActionURL, r.DecryptErr)
	}
	f.edit("other", func(r map[string]any) {
		f.edit("mine", func(mine map[string]any) { mine["action_url"] = r["action_url"] })
	})
	if r := f.want("mine", idempotency.Pending); strings.Contains(r.ActionURL, "https") || !errors.Is(r.DecryptErr, seal.ErrTampered) {
		t.Errorf("another payment's address shows as %q, %v", r.ActionURL, r.DecryptErr)
	}
	entry := map[string]any{"key": "p/mine", "action_url": "https://evil.example", "message": "the deadline passed", "metadata": ""}
	if err := idempotency.OpenOutcome(ring, entry); !errors.Is(err, seal.ErrNotSealed) || entry["action_url"] != "" {
		t.Errorf("in the stream: %v, %v", entry, err)
	}
	if entry["message"] != "the deadline passed" {
		t.Errorf("the ledger's own message became %q", entry["message"])
	}
}

func TestOutcomesOpenWithTheKey(t *testing.T) {
	t.Parallel()
	v := newSealedFixture(t)
	ring := sealtest.Ring(t, "a")
	f := v.with(ring)
	f.queryAndRecord(canary("mine"))
	f.begin("mine", "m")
	f.finish("mine", "m", providers.Outcome{Class: providers.Pending, Message: canaryMessage, ActionURL: canaryURL, ActionWithin: 24 * time.Hour})
	entries, err := f.rdb.XRange(t.Context(), idempotency.OutcomesKey(provider), "-", "+").Result()
	f.must(err)
	last := entries[len(entries)-1].Values
	sealed := fmt.Sprint(last)
	if err := idempotency.OpenOutcome(nil, last); !errors.Is(err, seal.ErrUnknownKey) || fmt.Sprint(last) != sealed {
		t.Errorf("without a key: %v, %v", last, err)
	}
	f.must(idempotency.OpenOutcome(ring, last))
	if last["message"] != canaryMessage || last["action_url"] != canaryURL || last["metadata"] != canary("mine").Metadata {
		t.Errorf("opened to %v", last)
	}
}
