package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

var time0 = time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)

// fixture is a store with payments in it.
type fixture struct {
	t      *testing.T
	server *redistest.Server
	ledger *idempotency.Ledger
}

func newFixture(t *testing.T) *fixture {
	s := redistest.Start(t)
	return &fixture{t, s, ledgerOf(s)}
}

func (d *fixture) run(args ...string) commandResult {
	d.t.Helper()
	return enqueue(d.t, environment(redisAt(d.server.URL()), "REMESA_SETTLE_TIME=1ms"), nil, args...)
}

// byHand runs an intervention with name and note.
func (d *fixture) byHand(step string) commandResult {
	d.t.Helper()
	return d.run(append(strings.Fields(step), "--by", "Ana", "--note", "told by the bank")...)
}

func (d *fixture) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *fixture) queued(key string) idempotency.Key {
	d.t.Helper()
	k := mustKey(d.t, key)
	got, err := d.ledger.Register(d.t.Context(), idempotency.Registration{
		Key: k, Type: "payout", Fingerprint: "v1:x", Amount: "100", Currency: "CLP", Payload: []byte("{}"), Metadata: `{"order":"7"}`,
	})
	d.must(err)
	if got[0].Result != idempotency.New {
		d.t.Fatalf("%s: %s", key, got[0].Result)
	}
	return k
}

// begun is a payment with an attempt under way.
func (d *fixture) begun(key string, lease time.Duration) (idempotency.Key, string) {
	d.t.Helper()
	k, attempt := d.queued(key), idempotency.NewAttempt()
	b, err := d.ledger.Begin(d.t.Context(), k, idempotency.BeginParams{Attempt: attempt, Lease: lease})
	d.must(err)
	if b.Decision != idempotency.Send {
		d.t.Fatalf("%s: %s", key, b.Decision)
	}
	return k, attempt
}

func (d *fixture) finished(key string, o providers.Outcome) idempotency.Key {
	d.t.Helper()
	k, attempt := d.begun(key, time.Minute)
	_, err := d.ledger.Finish(d.t.Context(), k, idempotency.AttemptResult{Attempt: attempt, Outcome: o, QueryAfter: time.Minute})
	d.must(err)
	return k
}

// held is a payment in doubt whose provider cannot be queried.
func (d *fixture) held(key string) idempotency.Key {
	d.t.Helper()
	return d.finished(key, providers.Outcome{Class: providers.InDoubt, Code: "timeout"})
}

func (d *fixture) blocked(key string) idempotency.Key {
	d.t.Helper()
	k := d.queued(key)
	_, err := d.ledger.Block(d.t.Context(), k, "limit", "")
	d.must(err)
	return k
}

// anomalous was resolved as the arguments say; then its attempt reports a success after all.
func (d *fixture) anomalous(key string, as idempotency.State, id string) idempotency.Key {
	d.t.Helper()
	k, attempt := d.begun(key, time.Millisecond)
	eventually.True(d.t, testTimeout, key+" lapses", func() bool {
		_, err := d.ledger.Begin(d.t.Context(), k, idempotency.BeginParams{Attempt: idempotency.NewAttempt(), Lease: time.Minute})
		d.must(err)
		r := must[idempotency.Record](d.t)(d.ledger.Show(d.t.Context(), k))
		return r.State == idempotency.InDoubt || r.State == idempotency.Held
	})
	got := d.byHand("resolve " + key + " --as " + string(as) + " --provider-id " + id)
	wantCode(d.t, "resolve "+key, got, 0)
	_, err := d.ledger.Finish(d.t.Context(), k, idempotency.AttemptResult{Attempt: attempt, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "late"}, QueryAfter: 0})
	d.must(err)
	return k
}

func TestAPersonSettlesAPayment(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	refused := providers.Outcome{Class: providers.Refused, Code: "051"}
	d.held("virtualpos/h1")
	d.held("virtualpos/h2")
	d.held("virtualpos/shop/h3")
	d.held("virtualpos/h4")
	d.queued("virtualpos/q1")
	d.blocked("virtualpos/b1")
	d.blocked("virtualpos/b2")
	d.begun("virtualpos/s1", time.Minute)
	d.finished("virtualpos/f1", refused)
	d.finished("virtualpos/p1", providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	d.anomalous("virtualpos/a1", idempotency.Failed, "1")
	d.anomalous("virtualpos/a2", idempotency.Succeeded, "2")
	eventually.True(t, testTimeout, "the settle time passes", func() bool {
		return must[time.Time](t)(d.server.Client().Time(t.Context()).Result()).After(
			must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, "virtualpos/h2"))).Updated.Add(10 * time.Millisecond))
	})
	rows := []struct {
		step string
		code int
		want string // the state on stdout, or part of stderr
	}{
		{"resolve virtualpos/h1 --as succeeded --provider-id 77", 0, "succeeded"},
		{"resolve virtualpos/h1 --as succeeded", exitRefused, "this one is succeeded"},
		{"resolve virtualpos/h2 --as not-received", 0, "failed"},
		{"retry virtualpos/h2", exitRefused, "--accept-double-risk"},
		{"retry virtualpos/h2 --accept-double-risk", 0, "ready"},
		{"resolve virtualpos/shop/h3 --as failed --decline soft", 0, "failed"},
		{"resolve virtualpos/h4 --as failed", 0, "failed"},
		{"retry virtualpos/h4", exitRefused, "may have been executed"},
		{"resolve virtualpos/h4 --as failed --decline soft --accept-double-risk", 0, "failed"},
		{"resolve virtualpos/h4 --as failed --accept-double-risk", exitRefused, "this one is failed"},
		{"retry virtualpos/h4", 0, "ready"},
		{"resolve virtualpos/q1 --as failed", exitRefused, "this one is queued"},
		{"resolve virtualpos/q1 --anomaly accept", exitRefused, "no anomaly"},
		{"resolve virtualpos/nobody --as failed", exitUnknown, "virtualpos/nobody: no such payment"},
		{"release virtualpos/b1", 0, "queued"},
		{"release virtualpos/q1", exitRefused, "this one is queued"},
		{"release virtualpos/nobody", exitUnknown, "no such payment"},
		{"cancel virtualpos/q1", 0, "failed"},
		{"cancel virtualpos/b2", 0, "failed"},
		{"cancel virtualpos/s1", exitRefused, "too late"},
		{"cancel virtualpos/p1", exitRefused, "too late"},
		{"cancel virtualpos/nobody", exitUnknown, "no such payment"},
		{"retry virtualpos/q1", 0, "ready"},
		{"retry virtualpos/f1", 0, "ready"},
		{"retry virtualpos/p1", exitRefused, "this one is succeeded"},
		{"retry virtualpos/nobody", exitUnknown, "no such payment"},
		{"resolve virtualpos/a1 --anomaly accept", 0, "succeeded"},
		{"resolve virtualpos/a2 --anomaly reverse", 0, "reversed"},
		{"resolve virtualpos/a2 --anomaly reverse", exitRefused, "no anomaly"},
	}
	for _, row := range rows {
		got := d.byHand(row.step)
		wantCode(t, row.step, got, row.code)
		key := strings.Fields(row.step)[1]
		if want := `{"key":"` + key + `","state":"` + row.want + `"}` + "\n"; row.code == 0 && got.out != want {
			t.Errorf("%s: stdout %q, want %q", row.step, got.out, want)
		}
		if row.code != 0 {
			wantText(t, row.step, got.err, key+": ", row.want)
		}
	}
	r := must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, "virtualpos/h1")))
	if last := r.History[len(r.History)-1]; r.ProviderID != "77" || last.Note != "by Ana: told by the bank" {
		t.Errorf("id %q, note %q", r.ProviderID, last.Note)
	}
	if r := must[idempotency.Record](t)(d.ledger.Show(t.Context(), mustKey(t, "virtualpos/shop/h3"))); r.Decline != "soft" {
		t.Errorf("decline %q", r.Decline)
	}
}

func TestCancelGoesOnWithTheOthers(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for _, key := range []string{"virtualpos/a", "virtualpos/b", "virtualpos/shop/c", "etpay/d"} {
		d.queued(key)
	}
	d.begun("virtualpos/sent", time.Minute)
	got := d.byHand("cancel virtualpos/nobody virtualpos/a")
	wantCode(t, "one unknown", got, exitUnknown)
	wantText(t, "one unknown", got.out, `"virtualpos/a","state":"failed"`)
	file := write(t, "keys", "virtualpos/nobody\n\n virtualpos/b \nno key\nvirtualpos/sent\nvirtualpos/nobody\nvirtualpos/shop/c\r\n")
	got = d.byHand("cancel --file " + file)
	wantCode(t, "a file with one that left", got, exitRefused)
	wantText(t, "a file with one that left", got.out, `"virtualpos/b"`, `"virtualpos/shop/c"`)
	wantText(t, "a file with one that left", got.err, "virtualpos/sent: ", "line 4: ", "virtualpos/nobody: ")
	if strings.Count(got.out, "\n") != 2 {
		t.Errorf("stdout %q", got.out)
	}
	got = enqueue(t, environment(redisAt(d.server.URL())), strings.NewReader("etpay/d\n"), "cancel", "--file", "-", "--by", "x", "--note", "y")
	wantCode(t, "keys through stdin", got, 0)
	wantCode(t, "no such file", d.byHand("cancel --file /nonexistent"), exitFailed)
}

func TestAHaltedProviderSendsNothing(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	rows := []struct{ step, provider, want, verdict string }{
		{"halt --provider virtualpos --account shop", "virtualpos", `"account":"shop","state":"halted","halted":["shop"]`, "wait"},
		{"halt --provider virtualpos", "virtualpos", `"account":"*","state":"halted","halted":["*","shop"]`, "wait"},
		{"unhalt --provider virtualpos --account shop", "virtualpos", `"account":"shop","state":"halted","halted":["*"]`, "wait"},
		{"unhalt --provider virtualpos", "virtualpos", `"account":"*","state":"running","halted":[]`, "send"},
		{"halt --provider etpay", "virtualpos", `"provider":"etpay","account":"*","state":"halted"`, "send"},
	}
	for i, row := range rows {
		got := d.byHand(row.step)
		wantCode(t, row.step, got, 0)
		wantText(t, row.step, got.out, row.want)
		k := d.queued(row.provider + "/shop/" + string(rune('a'+i)))
		b := must[idempotency.BeginResult](t)(d.ledger.Begin(t.Context(), k, idempotency.BeginParams{Attempt: idempotency.NewAttempt(), Lease: time.Minute}))
		if string(b.Decision) != row.verdict {
			t.Errorf("after %s: %s, want %s", row.step, b.Decision, row.verdict)
		}
	}
}

func TestShowPrintsEveryField(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.held("virtualpos/shop/h")
	d.finished("virtualpos/s", providers.Outcome{Class: providers.Succeeded, ProviderID: "9", ActionURL: "https://pay.example/?a=1&b=2"})
	fields := []string{
		"key", "type", "provider", "account", "reference", "state", "provider_id", "code", "message", "decline", "amount", "currency",
		"attempts", "created_at", "updated_at", "action_url", "metadata", "may_have_left", "anomaly", "subscription", "period", "next_due",
		"history",
	}
	got := d.run("show", "virtualpos/shop/h")
	wantCode(t, "show", got, 0)
	var shown map[string]any
	d.must(json.Unmarshal([]byte(got.out), &shown))
	at := -1
	for _, f := range fields {
		next := strings.Index(got.out, `"`+f+`":`)
		if _, ok := shown[f]; !ok || next < at {
			t.Errorf("%s is missing or out of order in %s", f, got.out)
		}
		at = max(at, next)
	}
	if len(shown) != len(fields) {
		t.Errorf("%d fields, want %d: %s", len(shown), len(fields), got.out)
	}
	for f, want := range map[string]any{"state": "held", "account": "shop", "may_have_left": true, "attempts": 1.0, "amount": "100", "anomaly": ""} {
		if shown[f] != want {
			t.Errorf("%s is %v, want %v", f, shown[f], want)
		}
	}
	if order := shown["metadata"].(map[string]any)["order"]; order != "7" {
		t.Errorf("metadata %v", shown["metadata"])
	}
	created, err := time.Parse(time.RFC3339, shown["created_at"].(string))
	if err != nil || time.Since(created) > time.Hour || !strings.HasSuffix(shown["created_at"].(string), "Z") {
		t.Errorf("created_at %v %v", shown["created_at"], err)
	}
	history := shown["history"].([]any)
	first := history[0].(map[string]any)
	if len(history) != 3 || first["state"] != "queued" || first["at"] != shown["created_at"] || len(first) != 4 {
		t.Errorf("history %v", history)
	}
	got = d.run("show", "virtualpos/s")
	wantText(t, "a settled payment", got.out, `"metadata":{"order":"7"}`, `"next_due":null`, `"provider_id":"9"`, `"may_have_left":true`)
	wantCode(t, "an unknown payment", d.run("show", "virtualpos/nobody"), exitUnknown)
}

func TestShowSaysWhatAParkedPaymentWaitsFor(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.must(d.ledger.Park(t.Context(), d.queued("virtualpos/w"), "halted"))
	wantText(t, "parked", d.run("show", "virtualpos/w").out, `"state":"queued"`, `"next_due":null,"waits_for":"halted"`)
	wantCode(t, "cancel", d.byHand("cancel virtualpos/w"), 0)
	if got := d.run("show", "virtualpos/w").out; strings.Contains(got, "waits_for") {
		t.Errorf("a final payment is parked: %s", got)
	}
}

// TestARetryLetsAReadyPaymentGoBeforeItsTime: a provider may have throttled it for a day.
func TestARetryLetsAReadyPaymentGoBeforeItsTime(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	k, attempt := d.begun("virtualpos/w", time.Minute)
	_, err := d.ledger.Release(t.Context(), k, attempt, "throttled", 24*time.Hour)
	d.must(err)
	again := func(verdict idempotency.Decision) {
		t.Helper()
		b, err := d.ledger.Begin(t.Context(), k, idempotency.BeginParams{Attempt: idempotency.NewAttempt(), Lease: time.Minute})
		d.must(err)
		if b.Decision != verdict {
			t.Fatalf("begin: %s, want %s", b.Decision, verdict)
		}
	}
	again(idempotency.Wait)
	got := d.byHand("retry virtualpos/w")
	wantCode(t, "retry", got, 0)
	wantText(t, "retry", got.out, `"key":"virtualpos/w","state":"ready"`)
	wantText(t, "the history", d.run("show", "virtualpos/w").out, "by Ana: told by the bank")
	again(idempotency.Send)
}
