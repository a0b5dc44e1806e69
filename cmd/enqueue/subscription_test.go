package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// recurring is a valid line with these replacements of old by new text.
func recurring(id string, oldnew ...string) string {
	line := `{"id":"` + id + `","provider":"pagoseguro","amount":"32900","currency":"COP","description":"Canal","start":"2099-08-31",` +
		`"schedule":{"every":"month","at":"09:00","timezone":"America/Bogota"},"catch_up":"366d","customer":{"name":"Ana Ruiz",` +
		`"email":"ana@example.com","document_type":1,"document":"100000000","phone":"3100000000","address":"Calle 10","city":"Bogotá",` +
		`"first_names":"Ana","last_names":"Ruiz"},` +
		`"card":{"token":"tok-1","brand":"MasterCard","expiry_month":6,"expiry_year":99,"installments":1}}`
	return strings.NewReplacer(oldnew...).Replace(line)
}

// gas is a valid line of another provider.
func gas(id string) string {
	return `{"id":"` + id + `","provider":"etpay","amount":"50000","currency":"CLP","start":"2099-07-31",` +
		`"schedule":{"every":"quarter","at":"00:00","timezone":"America/Santiago"}}`
}

// subscriptionFixture is a fixture with subscriptions; the test itself acts as the workers.
type subscriptionFixture struct {
	*fixture
	store   *billing.Store
	sweeper *billing.Sweeper
}

func newSubscriptionFixture(t *testing.T) *subscriptionFixture {
	d := newFixture(t)
	store := billing.NewStore(d.server.Client(), billing.StoreOptions{})
	intake := tasks.NewClient(d.ledger, d.server.Client(), tasks.ClientOptions{})
	return &subscriptionFixture{d, store, billing.NewSweeper(billing.SweeperConfig{Store: store, Ledger: d.ledger, Intake: intake, Log: zerolog.Nop()})}
}

// start makes a start so that the first period fell due some days ago.
func started(daysAgo int) string {
	return `"start":"` + time.Now().UTC().AddDate(0, 0, -daysAgo).Format(time.DateOnly) + `"`
}

// added is a subscription that was added seventy days ago.
func (d *subscriptionFixture) added(line string) tasks.Subscription {
	d.t.Helper()
	s := must[tasks.Subscription](d.t)(tasks.DecodeSubscription([]byte(line)))
	added := billing.NewAddition(s, nil, time.Now().AddDate(0, 0, -70))
	got := must[[]billing.AddResult](d.t)(d.store.Add(d.t.Context(), added))
	if !got[0].New {
		d.t.Fatalf("%s is not new", s.ID())
	}
	return s
}

func (d *subscriptionFixture) sweep() {
	d.t.Helper()
	_, err := d.sweeper.Sweep(d.t.Context(), "pagoseguro")
	d.must(err)
}

func chargeKey(id string, period, attempt int) idempotency.Key {
	return idempotency.Key{Provider: "pagoseguro", Account: "default", Reference: tasks.TxnID(id, period, attempt)}
}

// begin begins a charge that a sweep registered.
func (d *subscriptionFixture) begin(k idempotency.Key, lease time.Duration) string {
	d.t.Helper()
	attempt := idempotency.NewAttempt()
	b, err := d.ledger.Begin(d.t.Context(), k, idempotency.BeginParams{Attempt: attempt, Lease: lease})
	d.must(err)
	if b.Decision != idempotency.Send {
		d.t.Fatalf("%s: %s", k, b.Decision)
	}
	return attempt
}

func (d *subscriptionFixture) finish(k idempotency.Key, o providers.Outcome) {
	d.t.Helper()
	_, err := d.ledger.Finish(d.t.Context(), k, idempotency.AttemptResult{Attempt: d.begin(k, time.Minute), Outcome: o, QueryAfter: time.Minute})
	d.must(err)
}

func (d *subscriptionFixture) show(id string) view.ShownSubscription {
	d.t.Helper()
	got := d.run("subscription", "show", id)
	wantCode(d.t, "show "+id, got, 0)
	var s view.ShownSubscription
	d.must(json.Unmarshal([]byte(got.out), &s))
	return s
}

// addedResults reads result lines of add.
func addedResults(t *testing.T, out string) []intake.Added {
	t.Helper()
	var all []intake.Added
	for line := range strings.Lines(out) {
		var r intake.Added
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("result line %q: %s", line, err)
		}
		all = append(all, r)
	}
	return all
}

// compareAdded compares results; of a wanted error only the beginning.
func compareAdded(t *testing.T, says string, got, want []intake.Added) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d results, want %d: %+v", says, len(got), len(want), got)
	}
	for i := range want {
		g := got[i]
		if want[i].Error != "" && strings.HasPrefix(g.Error, want[i].Error) {
			g.Error = want[i].Error
		}
		if g != want[i] {
			t.Errorf("%s: got %+v, want %+v", says, got[i], want[i])
		}
	}
}

func TestEverySubscriptionOfAFileGetsItsResult(t *testing.T) {
	t.Parallel()
	d := newSubscriptionFixture(t)
	add := func(all ...string) commandResult {
		return enqueue(t, environment(redisAt(d.server.URL())), lines(all...), "subscription", "add")
	}
	first := must[tasks.Subscription](t)(tasks.DecodeSubscription([]byte(recurring("a"))))
	other := must[tasks.Subscription](t)(tasks.DecodeSubscription([]byte(recurring("a", "Canal", "Radio"))))
	got := add(recurring("a"), recurring("a"), recurring("a", "32900", "33000"), recurring("a", "Canal", "Radio"), gas("a"), "", gas("g"),
		recurring("z", "America/Bogota", "America/Macondo"), recurring("b", `"32900"`, `"329.001"`), "nonsense")
	wantCode(t, "a file with invalid lines", got, exitRefused)
	compareAdded(t, "a file", addedResults(t, got.out), []intake.Added{
		{Line: 1, ID: "a", Result: "added"},
		{Line: 2, ID: "a", Result: "duplicate", State: "active"},
		{Line: 3, ID: "a", Result: "conflict", Error: "amount: "},
		{Line: 4, ID: "a", Result: "conflict", Error: "fingerprint: " + other.Fingerprint(nil) + ", added as " + first.Fingerprint(nil)},
		{Line: 5, ID: "a", Result: "conflict", Error: "provider: the id is taken by a subscription of pagoseguro"},
		{Line: 7, ID: "g", Result: "added"},
		{Line: 8, ID: "z", Result: "invalid", Error: "schedule.timezone: "},
		{Line: 9, ID: "b", Result: "invalid", Error: "amount: "},
		{Line: 10, Result: "invalid", Error: "line: "},
	})
	wantText(t, "the summary", got.err, "9 lines of stdin", "2 added", "1 duplicate", "3 conflict", "3 invalid", "sum 32900")
	wantCode(t, "a change", d.byHand("subscription change a --amount 40000"), 0)
	wantCode(t, "a pause", d.byHand("subscription pause a"), 0)
	got = add(recurring("a"), gas("g"))
	wantCode(t, "the same again", got, 0)
	compareAdded(t, "the same again, one changed and paused meanwhile", addedResults(t, got.out), []intake.Added{
		{Line: 1, ID: "a", Result: "duplicate", State: "paused"}, {Line: 2, ID: "g", Result: "duplicate", State: "active"},
	})
	shown := d.show("a")
	at := must[time.Time](t)(time.Parse(time.RFC3339, shown.AddedAt))
	if age := time.Since(at); age < 0 || age > time.Hour {
		t.Errorf("added %s", shown.AddedAt)
	}
}

func TestADryRunOfSubscriptionsNeedsNoRedis(t *testing.T) {
	t.Parallel()
	file := write(t, "subs.jsonl", recurring("a")+"\n"+recurring("b", `"at":"09:00"`, `"at":"9"`))
	got := enqueue(t, environment(redisAt(nowhere)), nil, "subscription", "add", "--dry-run", file)
	wantCode(t, "a dry run with an invalid line", got, exitRefused)
	compareAdded(t, "a dry run", addedResults(t, got.out), []intake.Added{
		{Line: 1, ID: "a", Result: "valid"}, {Line: 2, ID: "b", Result: "invalid", Error: "schedule.at: "},
	})
}

func TestAFullRedisTakesNoSubscriptions(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.MaxMemory("1100kb"))
	got := enqueue(t, environment(redisAt(s.URL())), lines(recurring("a")), "subscription", "add")
	wantCode(t, "too full", got, exitFailed)
	wantText(t, "too full", got.err, "REMESA_INTAKE_MEMORY_STOP", "safe")
	if keys := s.Client().Keys(t.Context(), "*").Val(); got.out != "" || len(keys) > 0 {
		t.Errorf("stdout %q, keys %v", got.out, keys)
	}
}

func TestASubscriptionThatNoWorkerHereWouldChargeIsRefused(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	here := environment(redisAt(s.URL()), "REMESA_PAGOSEGURO_BASE_URL=http://127.0.0.1:9", "REMESA_PAGOSEGURO_ACCOUNT_ID=1", "REMESA_PAGOSEGURO_API_KEY=b")
	got := enqueue(t, here, lines(recurring("a"), recurring("b", `"amount"`, `"account":"shop","amount"`), gas("g")), "subscription", "add")
	wantCode(t, "with the settings of one account", got, exitRefused)
	compareAdded(t, "with the settings of one account", addedResults(t, got.out), []intake.Added{
		{Line: 1, ID: "a", Result: "added"}, {Line: 2, ID: "b", Result: "invalid", Error: "account: "},
		{Line: 3, ID: "g", Result: "invalid", Error: "provider: "},
	})
}

func TestFingerprintsOfSubscriptionsAreKeyedAsConfigured(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	plain, keyed := environment(redisAt(s.URL())), environment(redisAt(s.URL()), "REMESA_FINGERPRINT_KEY=0123456789abcdef")
	rows := []struct {
		says, id, result string
		env              []string
	}{
		{"without a key", "a", "added", plain}, {"again with one", "a", "duplicate", keyed},
		{"with a key", "b", "added", keyed}, {"again with it", "b", "duplicate", keyed}, {"again without it", "b", "conflict", plain},
	}
	for _, row := range rows {
		got := addedResults(t, enqueue(t, row.env, lines(recurring(row.id)), "subscription", "add").out)
		if len(got) != 1 || got[0].Result != row.result {
			t.Errorf("%s: %+v, want %s", row.says, got, row.result)
		}
	}
	wantText(t, "keyed", s.Client().Get(t.Context(), "remesa:{pagoseguro}:s:b").Val(), `"f":"1h:`)
}

func TestSubscriptionsAreListedThoseAddedFirstFirst(t *testing.T) {
	t.Parallel()
	d := newSubscriptionFixture(t)
	for _, line := range []string{recurring("p1"), gas("e1"), recurring("p2"), gas("e2")} {
		got := enqueue(t, environment(redisAt(d.server.URL())), lines(line), "subscription", "add")
		wantCode(t, "add", got, 0)
		d.nextMillisecond()
	}
	wantCode(t, "pause", d.byHand("subscription pause e1"), 0)
	wantCode(t, "cancel", d.byHand("subscription cancel p2"), 0)
	rows := []struct{ args, want string }{
		{"", "p1 e1 p2 e2"}, {"--state active", "p1 e2"}, {"--state paused", "e1"}, {"--state ended", "p2"},
		{"--provider etpay", "e1 e2"}, {"--provider etpay --state ended", ""},
	}
	for _, row := range rows {
		got := d.run(append([]string{"subscription", "list", "--json"}, strings.Fields(row.args)...)...)
		wantCode(t, "list "+row.args, got, 0)
		var ids []string
		for line := range strings.Lines(got.out) {
			var s view.Subscription
			d.must(json.Unmarshal([]byte(line), &s))
			ids = append(ids, s.ID)
		}
		if strings.Join(ids, " ") != row.want {
			t.Errorf("list %s: %v, want %s", row.args, ids, row.want)
		}
	}
	wantText(t, "JSON Lines", d.run("subscription", "list", "--json").out,
		`{"id":"p1","state":"active","reason":"","provider":"pagoseguro","amount":"32900","currency":"COP","next_due":"2099-08-31T09:00:00-05:00"}`,
		`{"id":"e1","state":"paused","reason":"person","provider":"etpay","amount":"50000","currency":"CLP","next_due":null}`,
		`{"id":"p2","state":"ended","reason":"cancelled","provider":"pagoseguro","amount":"32900","currency":"COP","next_due":null}`)
	wantText(t, "a table", d.run("subscription", "list").out, "ID ", "p1 ", "active ", "cancelled ", "2099-08-31T09:00:00-05:00")
}

// periods are the parts of periods that a row names.
func periods(all []view.Period) string {
	var texts []string
	for _, p := range all {
		text := fmt.Sprintf("%d %s/%d", p.Period, p.State, p.DunningAttempt)
		for _, c := range p.Charges {
			text += fmt.Sprintf(" (%d %s)", c.DunningAttempt, c.State)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func (d *subscriptionFixture) wantPeriods(says, id, want string) view.ShownSubscription {
	d.t.Helper()
	shown := d.show(id)
	if got := periods(shown.Periods); got != want {
		d.t.Errorf("%s: periods %s, want %s", says, got, want)
	}
	return shown
}

var soft = providers.Outcome{Class: providers.Refused, Code: "051", Decline: providers.Soft}

func TestShowFollowsAPeriodFromItsClaimToItsEnd(t *testing.T) {
	t.Parallel()
	d := newSubscriptionFixture(t)
	s := d.added(recurring("s", `"start":"2099-08-31"`, started(65), `"card"`, `"dunning":["1ms","240h"],"card"`))
	d.wantPeriods("nothing was charged yet", "s", "")
	d.sweep()
	shown := d.wantPeriods("claimed and recorded", "s", "1 queued/0")
	if due := s.Calendar().Due(1).Format(time.RFC3339); shown.Periods[0].DueAt != due || !strings.HasSuffix(due, "T09:00:00-05:00") {
		t.Errorf("due %s, want %s", shown.Periods[0].DueAt, due)
	}
	if shown.Periods[0].TxnID != tasks.TxnID("s", 1, 0) || shown.Account != "default" || shown.NextDue == nil {
		t.Errorf("%+v", shown)
	}
	d.finish(chargeKey("s", 1, 0), soft)
	eventually.True(t, testTimeout, "the next charge begins", func() bool { d.sweep(); return d.show("s").Periods[0].DunningAttempt == 1 })
	shown = d.wantPeriods("the second charge", "s", "1 queued/1 (0 failed) (1 queued)")
	if shown.Periods[0].TxnID != tasks.TxnID("s", 1, 1) || shown.Periods[0].Charges[0].TxnID != tasks.TxnID("s", 1, 0) {
		t.Errorf("%+v", shown.Periods)
	}
	d.finish(chargeKey("s", 1, 1), soft)
	d.sweep()
	shown = d.wantPeriods("waiting for the third", "s", "1 failed/1 (0 failed) (1 failed)")
	if at, err := time.Parse(time.RFC3339, shown.Periods[0].NextChargeAt); err != nil || time.Until(at) < 239*time.Hour {
		t.Errorf("next charge %q", shown.Periods[0].NextChargeAt)
	}
	d.byHand("subscription pause s")
	d.byHand("subscription resume s")
	d.finish(chargeKey("s", 2, 0), providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	d.sweep()
	shown = d.wantPeriods("closed ones, oldest first", "s", "1 failed/1 (0 failed) (1 failed), 2 succeeded/0, 3 queued/0")
	if h := shown.History; len(h) != 2 || h[0].What != "paused" || h[1].What != "resumed" || h[0].By != "Ana" || h[0].Note != "told by the bank" {
		t.Errorf("history %+v", h)
	}
	got := d.run("show", chargeKey("s", 2, 0).String())
	wantText(t, "the payment", got.out, `"subscription":"s"`, `"period":"2"`)
	wantCode(t, "an unknown id", d.run("subscription", "show", "nobody"), exitUnknown)
}

func TestTheLedgersStateOfAClosedPeriodCounts(t *testing.T) {
	t.Parallel()
	d := newSubscriptionFixture(t)
	d.added(recurring("s", `"start":"2099-08-31"`, started(20)))
	d.sweep()
	k := chargeKey("s", 1, 0)
	attempt := d.begin(k, time.Millisecond)
	eventually.True(t, testTimeout, "the lease lapses", func() bool {
		_, err := d.ledger.Begin(t.Context(), k, idempotency.BeginParams{Attempt: idempotency.NewAttempt(), Lease: time.Minute})
		d.must(err)
		return must[idempotency.Record](t)(d.ledger.Show(t.Context(), k)).State != idempotency.Sending
	})
	wantCode(t, "resolve", d.byHand("resolve "+k.String()+" --as failed"), 0)
	d.sweep()
	d.wantPeriods("declared failed", "s", "1 failed/0")
	_, err := d.ledger.Finish(t.Context(), k, idempotency.AttemptResult{Attempt: attempt, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "late"}, QueryAfter: 0})
	d.must(err)
	wantCode(t, "accept", d.byHand("resolve "+k.String()+" --anomaly accept"), 0)
	d.wantPeriods("paid after all", "s", "1 succeeded/0")
}

func TestPeriodsThatWereNeverChargedHaveNoCharge(t *testing.T) {
	t.Parallel()
	d := newSubscriptionFixture(t)
	d.added(recurring("missed", `"start":"2099-08-31"`, started(65), `"366d"`, `"1d"`))
	d.added(recurring("paused", `"start":"2099-08-31"`, started(20)))
	held := must[[]billing.Stored](t)(d.store.Load(t.Context(), "pagoseguro", "paused"))[0].Record
	decision := must[billing.Decision](t)(held.Pause(time.Now().AddDate(0, 0, -60), billing.Actor{By: "Ana"}))
	must[[]error](t)(d.store.Commit(t.Context(), billing.Update{Decision: decision}))
	d.sweep()
	for id, want := range map[string]string{"missed": "1 missed/0, 2 missed/0", "paused": "1 skipped/0"} {
		shown := d.show(id)
		if got := periods(shown.Periods); !strings.HasPrefix(got, want) || shown.Periods[0].TxnID != "" {
			t.Errorf("%s: %s, txnid %q", id, got, shown.Periods[0].TxnID)
		}
	}
}

func TestRequestsAboutASubscription(t *testing.T) {
	t.Parallel()
	d := newSubscriptionFixture(t)
	d.added(recurring("s"))
	card := func(text string) string { return write(t, "card.json", text) }
	good := card(`{"token":"tok-2","brand":"Visa","expiry_month":1,"expiry_year":98,"installments":1}`)
	rows := []struct {
		step string
		code int
		want string // part of stdout, or of stderr
	}{
		{"pause s", 0, `"state":"paused","reason":"person","provider":"pagoseguro","amount":"32900","currency":"COP","next_due":null}`},
		{"pause s", exitRefused, "s: refused: only an active subscription"},
		{"change s --amount 33000", 0, `"state":"paused","reason":"person","provider":"pagoseguro","amount":"33000"`},
		{"resume s", 0, `"state":"active","reason":"","provider":"pagoseguro","amount":"33000","currency":"COP","next_due":"2099-08-31T09:00:00-05:00"}`},
		{"resume s", exitRefused, "s: refused: only a paused subscription"},
		{"change s --amount 33000.00", 0, `"amount":"33000"`},
		{"change s --amount 33000.001", exitRefused, "s: amount: "},
		{"change s --amount 0", exitRefused, "s: amount: "},
		{"change s --card " + good, 0, `"state":"active"`},
		{"change s --card " + card(`{"token":""}`), exitRefused, "s: card."},
		{"change s --card " + card(`[1]`), exitRefused, "s: card"},
		{"change s --card " + card(`{"token":"4111111111111111","brand":"Visa","expiry_month":1,"expiry_year":98,"installments":1}`), exitRefused, "s: card.token: "},
		{"change s --card /nonexistent", exitFailed, "card: "},
		{"cancel s", 0, `"state":"ended","reason":"cancelled"`},
		{"cancel s", exitRefused, "s: refused: it has ended"},
		{"pause s", exitRefused, "this one is ended"}, {"resume s", exitRefused, "this one is ended"},
		{"change s --amount 1000", exitRefused, "it has ended"}, {"change s --amount 33000", exitRefused, "it has ended"},
		{"pause nobody", exitUnknown, "nobody: no such subscription"}, {"resume nobody", exitUnknown, "no such subscription"},
		{"cancel nobody", exitUnknown, "no such subscription"}, {"change nobody --amount 1", exitUnknown, "no such subscription"},
	}
	for _, row := range rows {
		got := d.byHand("subscription " + row.step)
		wantCode(t, row.step, got, row.code)
		said := got.out
		if row.code != 0 {
			said = got.err
		}
		wantText(t, row.step, said, row.want)
		if strings.Contains(got.out+got.err, "4111") || row.code != 0 && got.out != "" {
			t.Errorf("%s: stdout %s stderr %s", row.step, got.out, got.err)
		}
	}
	var did []string
	for _, h := range d.show("s").History {
		did = append(did, h.What)
	}
	if got := strings.Join(did, " "); got != "paused changed resumed changed changed cancelled" {
		t.Errorf("history %s", got)
	}
}

func TestAChangeCountsFromTheNextPeriodOn(t *testing.T) {
	t.Parallel()
	d := newSubscriptionFixture(t)
	d.added(recurring("s", `"start":"2099-08-31"`, started(65)))
	d.sweep()
	in := strings.NewReader(`{"token":"tok-2","brand":"Visa","expiry_month":1,"expiry_year":98,"installments":1}`)
	got := enqueue(t, environment(redisAt(d.server.URL())), in, "subscription", "change", "s", "--amount", "40000", "--card", "-", "--by", "Ana", "--note", "x")
	wantCode(t, "change", got, 0)
	d.finish(chargeKey("s", 1, 0), providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	d.sweep()
	for period, want := range map[int]string{1: "32900", 2: "40000"} {
		if r := must[idempotency.Record](t)(d.ledger.Show(t.Context(), chargeKey("s", period, 0))); r.Amount != want {
			t.Errorf("period %d charges %s, want %s", period, r.Amount, want)
		}
	}
	b := must[idempotency.BeginResult](t)(d.ledger.Begin(t.Context(), chargeKey("s", 2, 0), idempotency.BeginParams{Attempt: idempotency.NewAttempt(), Lease: time.Minute}))
	wantText(t, "the next charge", string(b.Payload), "tok-2")
	wantCode(t, "pause", d.byHand("subscription pause s"), 0)
	wantText(t, "a change of a paused one", d.byHand("subscription change s --amount 50000").err, "still paused (person)")
}

func TestACancelledSubscriptionsChargeIsCancelledAtOnceUnlessItBegan(t *testing.T) {
	t.Parallel()
	d := newSubscriptionFixture(t)
	for _, id := range []string{"waits", "began"} {
		d.added(recurring(id, `"start":"2099-08-31"`, started(20)))
	}
	d.sweep()
	attempt := d.begin(chargeKey("began", 1, 0), time.Minute)
	wantCode(t, "cancel", d.byHand("subscription cancel waits"), 0)
	wantCode(t, "cancel", d.byHand("subscription cancel began"), 0)
	d.wantPeriods("it had not begun", "waits", "1 cancelled/0")
	if r := must[idempotency.Record](t)(d.ledger.Show(t.Context(), chargeKey("waits", 1, 0))); r.State != idempotency.Failed || r.Code != "cancelled" {
		t.Errorf("the charge is %s %s", r.State, r.Code)
	}
	d.wantPeriods("it had begun", "began", "1 sending/0")
	_, err := d.ledger.Finish(t.Context(), chargeKey("began", 1, 0), idempotency.AttemptResult{Attempt: attempt, Outcome: providers.Outcome{Class: providers.Succeeded, ProviderID: "9"}, QueryAfter: 0})
	d.must(err)
	d.wantPeriods("its outcome counts", "began", "1 succeeded/0")
}

func TestWhatTheClientRefusesHasItsExitCode(t *testing.T) {
	t.Parallel()
	a := &app{config: &config.Config{}, text: i18n.New(i18n.English, nil)}
	for code, errs := range map[int][]error{
		exitRefused: {billing.ErrVersionChanged, billing.Refusal{Why: "no"}, &tasks.FieldError{Path: "amount", Problem: "no"}},
		exitUnknown: {billing.ErrUnknown},
		exitUsage:   {billing.RequestError{Problem: "id: no"}},
		exitFailed:  {billing.ContentError{}, errors.New("dial tcp")},
	} {
		for _, err := range errs {
			if got := exitCode(a.failedRequest(fmt.Errorf("s: %w", err))); got != code {
				t.Errorf("%v: exit code %d, want %d", err, got, code)
			}
		}
	}
}

func TestWhatIsNoCommandAboutSubscriptionsIsUsage(t *testing.T) {
	t.Parallel()
	rows := []string{
		"", "add --format csv", "list --state lost", "list --provider bank", "show", "show a/b", "pause a/b --by x --note y",
		"change s --by x --note y", "pause s --by a|b --note y", "pause s", "resume s --by x", "cancel s --note y", "change s --amount 1",
		"cancel s t --by x --note y", "pause s --by x --note=",
	}
	for _, row := range rows {
		got := enqueuePlain(t, environment(redisAt(nowhere)), nil, append([]string{"subscription"}, strings.Fields(row)...)...)
		wantCode(t, row, got, exitUsage)
	}
	for _, row := range []string{"add", "list", "show s", "pause s --by x --note y", "change s --amount 1 --by x --note y"} {
		got := enqueuePlain(t, environment(redisAt(nowhere)), lines(recurring("a")), append([]string{"subscription"}, strings.Fields(row)...)...)
		wantCode(t, "without Redis: "+row, got, exitFailed)
		wantText(t, "without Redis: "+row, got.err, "127.0.0.1:1")
	}
}

func TestASubscriptionsContentIsSealedAndAChangeSealsItAnew(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	old, young := must[string](t)(seal.NewKey("2025")), must[string](t)(seal.NewKey("2026"))
	env := func(keys string) []string {
		return environment(redisAt(s.URL()), "REMESA_FINGERPRINT_KEY=0123456789abcdef", "REMESA_PAYLOAD_KEYS="+keys)
	}
	content := func() string { return s.Client().Get(t.Context(), "remesa:{pagoseguro}:sc:a").Val() }
	wantCode(t, "add", enqueue(t, env(old), lines(recurring("a")), "subscription", "add"), 0)
	if !strings.HasPrefix(content(), "s1.2025.") {
		t.Errorf("the content stands in Redis as %.40s", content())
	}
	change := []string{"subscription", "change", "a", "--amount", "32900", "--by", "Ana", "--note", "new keys"}
	got := enqueue(t, env(young), nil, change...)
	wantCode(t, "a change without the key", got, exitFailed)
	wantText(t, "a change without the key", got.err, `a: its content: `, `"2025"`)
	wantCode(t, "a change with both", enqueue(t, env(young+","+old), nil, change...), 0)
	if !strings.HasPrefix(content(), "s1.2026.") {
		t.Errorf("after a change the content stands in Redis as %.40s", content())
	}
	got = enqueue(t, environment(redisAt(s.URL())), nil, "subscription", "show", "a")
	wantCode(t, "who has no keys reads the record", got, 0)
	got = enqueue(t, environment(redisAt(s.URL())), nil, "subscription", "pause", "a", "--by", "Ana", "--note", "x")
	wantCode(t, "and pauses", got, 0)
	wantText(t, "and pauses", got.err, "left to the workers")
}
