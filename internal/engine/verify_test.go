package engine

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// fingerprintKey is one of the canaries: no log line may have it.
var fingerprintKey = []byte("secret-canary-2")

// fakeCardProvider makes payments of both types, so that a changed type is no reason to wait for
// another account.
type fakeCardProvider struct{ queryablePayer }

func (t fakeCardProvider) Charge(ctx context.Context, o providers.Charge, a providers.Attempt) (providers.Outcome, error) {
	return t.queryablePayer.fakeProvider.send(ctx, o.Reference, a)
}

func (r *fixture) teller(o *Options) {
	o.Registry = providers.Registry{}
	o.Registry.Add(providers.Account{Provider: "virtualpos", Name: "default", Client: fakeCardProvider{queryablePayer{fakePayer{r.provider}, r.provider}}})
}

// anomalies counts by kind.
type anomalies struct {
	noMetrics
	mu   sync.Mutex
	seen map[string]int
}

func (a *anomalies) Anomaly(_, kind string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[kind]++
}

func (a *anomalies) all() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.seen)
}

// edit changes one text of a value in Redis, as whoever can write there could.
func (r *fixture) edit(name, from, to string) {
	r.t.Helper()
	text, err := r.rdb.Get(r.t.Context(), name).Result()
	if err != nil || strings.Count(text, from) != 1 {
		r.t.Fatalf("%q stands %d times in %s: %v", from, strings.Count(text, from), name, err)
	}
	if err := r.rdb.Set(r.t.Context(), name, strings.Replace(text, from, to, 1), 0).Err(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *fixture) editPayload(k idempotency.Key, from, to string) {
	r.t.Helper()
	r.edit("remesa:{virtualpos}:d:"+k.ID(), from, to)
}

func (r *fixture) editRecord(k idempotency.Key, from, to string) {
	r.t.Helper()
	r.edit("remesa:{virtualpos}:p:"+k.ID(), from, to)
}

// registerWith registers with this fingerprint key, none where it is nil.
func (r *fixture) registerWith(fingerprintKey []byte, ks ...idempotency.Key) {
	r.t.Helper()
	for _, k := range ks {
		if _, err := r.ledger.Register(r.t.Context(), r.task(k).Registration(fingerprintKey)); err != nil {
			r.t.Fatal(err)
		}
	}
}

func keyed(fingerprintKey []byte) func(*Options) {
	return func(o *Options) { o.FingerprintKey = fingerprintKey }
}

// TestWhatIsNotAsRegisteredIsHeldUnsent: whatever was changed in Redis after the registration, in
// the payload or in the record.
func TestWhatIsNotAsRegisteredIsHeldUnsent(t *testing.T) {
	rows := []struct{ name, record, from, to, field string }{
		{"the payload's account number", "", "77889900112", "77889900113", "fingerprint"},
		{"the payload's document", "", "12345678-5", "11111111-1", "fingerprint"},
		{"the payload's bank", "", `"code":"012"`, `"code":"001"`, "fingerprint"},
		{"the payload's amount", "", `"12500"`, `"99999"`, "amount"},
		{"the payload's reference", "", `"merchant_id":"p"`, `"merchant_id":"q"`, "key"},
		{"the payload's provider", "", `"virtualpos"`, `"coordinador"`, "key"},
		{"the payload's type", "", `"payout"`, `"charge"`, "type"},
		{"the payload's type, to one that there is not", "", `"payout"`, `"refund"`, "type"},
		{"the payload's currency", "", `"CLP"`, `"MXN"`, "currency"},
		{"the payload's amount, to one that nobody moves", "", `"12500"`, `"99999999999999"`, "amount"},
		{"the record's amount", "record", `"12500"`, `"99999"`, "amount"},
		{"the record's currency", "record", `"CLP"`, `"MXN"`, "currency"},
		{"the record's type", "record", `"payout"`, `"charge"`, "type"},
	}
	for word, fk := range map[string][]byte{"plain": nil, "keyed": fingerprintKey} {
		for _, row := range rows {
			t.Run(word+"/"+row.name, func(t *testing.T) {
				r := newFixture(t)
				r.registerWith(fk, key("p"), key("other"))
				if row.record != "" {
					r.editRecord(key("p"), row.from, row.to)
				} else {
					r.editPayload(key("p"), row.from, row.to)
				}
				r.heldAsChanged(row.field, keyed(fk), r.teller)
			})
		}
		t.Run(word+"/the record's fingerprint", func(t *testing.T) {
			r := newFixture(t)
			r.registerWith(fk, key("p"), key("other"))
			mine, another := r.task(key("p")).Fingerprint(fk), r.taskOf(key("p"), "99999").Fingerprint(fk)
			r.editRecord(key("p"), mine, another)
			r.heldAsChanged("fingerprint", keyed(fk))
		})
		t.Run(word+"/the payload is another payment's", func(t *testing.T) {
			r := newFixture(t)
			r.registerWith(fk, key("p"), key("other"))
			r.overwrite(key("p"), r.stored(key("other")))
			r.heldAsChanged("key", keyed(fk))
		})
	}
}

func (r *fixture) taskOf(k idempotency.Key, amount string) tasks.Task {
	r.t.Helper()
	t, err := tasks.Decode(payload(k, amount))
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

// heldAsChanged: p is held for an operator and never left, an anomaly is counted, and another
// payment is not held up.
func (r *fixture) heldAsChanged(field string, change ...func(*Options)) {
	r.t.Helper()
	seen := &anomalies{seen: map[string]int{}}
	r.run(append(change, func(o *Options) { o.Metrics = seen })...)
	r.awaitState(key("other"), idempotency.Succeeded)
	got := r.awaitState(key("p"), idempotency.Held)
	if got.Code != codePayloadChanged || got.MayHaveLeft || !strings.Contains(got.Message, field) {
		r.t.Errorf("code %q, message %q, may have left %t", got.Code, got.Message, got.MayHaveLeft)
	}
	if r.provider.allSends() != 1 || r.provider.sends("other") != 1 {
		r.t.Errorf("sent %d times, the other one %d", r.provider.allSends(), r.provider.sends("other"))
	}
	if counts := seen.all(); len(counts) != 1 || counts[codePayloadChanged] != 1 {
		r.t.Errorf("counted %v", counts)
	}
	lines := r.log.lines("PAYLOAD CHANGED")
	if len(lines) != 1 {
		r.t.Fatalf("logged %d times: %q", len(lines), lines)
	}
	var line struct{ Level, Key string }
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil || line.Level != "error" || line.Key != key("p").String() {
		r.t.Errorf("%v in %s", err, lines[0])
	}
}

// waitsUncompared: p was not sent, and is parked for another worker; the log line has the words.
func (r *fixture) waitsUncompared(words string) {
	r.t.Helper()
	var got idempotency.Record
	// A wake-up between the release and the parking may begin it once more, so state and reason are
	// of one reading.
	r.until("it is parked", func() bool {
		got = r.show(key("p"))
		return strings.HasPrefix(got.ParkReason, "key:fingerprint") && got.State != idempotency.Sending
	})
	if got.State != idempotency.Ready || got.MayHaveLeft || r.provider.allSends() != 0 {
		r.t.Errorf("it is %s, may have left %t, sent %d times", got.State, got.MayHaveLeft, r.provider.allSends())
	}
	lines := r.log.lines("PAYLOAD NOT COMPARED")
	if len(lines) != 1 || !strings.Contains(lines[0], `"level":"error"`) || !strings.Contains(lines[0], words) {
		r.t.Errorf("logged %d times: %q", len(lines), lines)
	}
}

func TestAWorkerWithoutTheFingerprintKeyWaitsForOneThatHasIt(t *testing.T) {
	r := newFixture(t)
	r.registerWith(fingerprintKey, key("p"))
	stop := r.run()
	r.waitsUncompared("REMESA_FINGERPRINT_KEY is missing")
	stop()
	r.run(keyed(fingerprintKey))
	r.awaitState(key("p"), idempotency.Succeeded)
	if r.provider.sends("p") != 1 {
		r.t.Errorf("sent %d times", r.provider.sends("p"))
	}
}

// TestAKeyedFingerprintCannotBeReplacedByAPlainOne: anybody can make a plain one.
func TestAKeyedFingerprintCannotBeReplacedByAPlainOne(t *testing.T) {
	r := newFixture(t)
	r.registerWith(fingerprintKey, key("p"))
	theirs, err := tasks.Decode([]byte(strings.Replace(r.stored(key("p")), "77889900112", "77889900113", 1)))
	if err != nil {
		t.Fatal(err)
	}
	r.overwrite(key("p"), string(theirs.Payload()))
	r.editRecord(key("p"), r.task(key("p")).Fingerprint(fingerprintKey), theirs.Fingerprint(nil))
	r.run(keyed(fingerprintKey))
	r.waitsUncompared("plain")
}

// TestWhatWasRegisteredBeforeTheKeyIsSentByAWorkerWithoutIt: as with payload keys, one is kept
// until they are done.
func TestWhatWasRegisteredBeforeTheKeyIsSentByAWorkerWithoutIt(t *testing.T) {
	r := newFixture(t)
	r.registerWith(nil, key("p"))
	stop := r.run(keyed(fingerprintKey))
	r.waitsUncompared("plain")
	stop()
	r.run()
	r.awaitState(key("p"), idempotency.Succeeded)
}

// TestASealedPayloadNeedsNoKeyedFingerprint: it cannot be changed unnoticed.
func TestASealedPayloadNeedsNoKeyedFingerprint(t *testing.T) {
	ring := sealtest.Ring(t, "a")
	r := newSealedFixture(t, ring)
	r.registerWith(nil, key("p"))
	r.run(r.with(ring), keyed(fingerprintKey))
	r.awaitState(key("p"), idempotency.Succeeded)
}
