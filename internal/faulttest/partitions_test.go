package faulttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

const partitions = 6

// newCluster is a fixture on three masters, with six partitions.
func newCluster(t *testing.T, options ...redistest.Option) (*fixture, *redistest.Nodes) {
	t.Helper()
	m := redistest.StartMasters(t, 3, options...)
	settings := []string{"REMESA_VIRTUALPOS_PARTITIONS", strconv.Itoa(partitions), "REMESA_PAGOSEGURO_PARTITIONS", strconv.Itoa(partitions)}
	parts := idempotency.Partitions{virtualpos.Name: partitions, pagoseguro.Name: partitions}
	b := startSimulator(t)
	settings = append(settings, "REMESA_PAGOSEGURO_BASE_URL", b.url, "REMESA_PAGOSEGURO_ACCOUNT_ID", "1", "REMESA_PAGOSEGURO_API_KEY", "key",
		"REMESA_VIRTUALPOS_LIMIT_AMOUNT", "900000")
	settings = append(settings, pageLogin()...)
	return newFixtureOn(t, defaultTiming(), m.URL(), m.Client(t), parts, b, settings...), m
}

// command runs one to its end and returns its JSON lines.
func (w *fixture) command(args ...string) []map[string]any {
	w.t.Helper()
	p := w.enqueue(args...)
	if code := p.Exit(testTimeout); code != 0 {
		w.t.Fatalf("enqueue %s: exit %d\n%s", strings.Join(args, " "), code, p.Output())
	}
	var lines []map[string]any
	for line := range strings.Lines(p.Output()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil {
			lines = append(lines, fields)
		}
	}
	return lines
}

// partitionsOn groups the provider's partitions by the node that has them.
func (w *fixture) partitionsOn(m *redistest.Nodes) map[*redistest.Server][]idempotency.Partition {
	on := map[*redistest.Server][]idempotency.Partition{}
	for _, p := range w.ledger.Partitions(w.provider) {
		node, _ := m.Of(w.t, idempotency.OutcomesKey(p.String()))
		on[node] = append(on[node], p)
	}
	return on
}

// TestAProviderOverThreeMasters: a thousand payouts are paid once each, by work on every master,
// and every command reads over the partitions.
func TestAProviderOverThreeMasters(t *testing.T) {
	t.Parallel()
	const n = 1000
	w, m := newCluster(t)
	w.work(2)
	if got := results(t, outputOf(w.enqueue("submit", file(t, w.newPayments(n)...)))); got[tasks.Enqueued] != n {
		t.Fatalf("submitted: %v", got)
	}
	w.awaitSettled(w.certainty())
	all(t, w.audit(allowances{}), idempotency.Succeeded)
	on := w.partitionsOn(m)
	for _, node := range m.Masters {
		keys, err := node.Client().Keys(t.Context(), "remesa:{virtualpos*:p:*").Result()
		if err != nil || len(keys) < n/10 || len(on[node]) == 0 {
			t.Errorf("a node with %v has %d records, %v", on[node], len(keys), err)
		}
	}
	if lines := w.command("watch", "--no-follow", "--provider", "virtualpos"); len(lines) < 2*n {
		t.Errorf("watch prints %d events of %d payments", len(lines), n)
	}
	w.everyCommand()
	w.operatorCommands()
	w.subscriptionCommands()
	w.forgotCommands()
	w.readingCommands()
}

func outputOf(p interface {
	Exit(time.Duration) int
	Output() string
}) string {
	p.Exit(2 * testTimeout)
	return p.Output()
}

// everyCommand has payments halted, cancelled, in doubt, held, resolved and retried, in more than
// one partition.
func (w *fixture) everyCommand() {
	w.t.Helper()
	by := []string{"--by", "ana", "--note", "test"}
	w.command(append([]string{"halt", "--provider", "virtualpos"}, by...)...)
	var held []tasks.Task
	for i := range 8 {
		held = append(held, w.newPayment(fmt.Sprint("held-", i)))
		w.simulator.setFaults(sandbox.Fault{Reference: held[i].Reference(), Kind: "decline", Operation: sandbox.SendOperation, Next: 1})
	}
	if got := results(w.t, outputOf(w.enqueue("submit", file(w.t, held...)))); got[tasks.Enqueued] != len(held) {
		w.t.Fatalf("submitted while halted: %v", got)
	}
	if got := results(w.t, outputOf(w.enqueue("submit", file(w.t, held...)))); got[tasks.Duplicate] != len(held) {
		w.t.Fatalf("submitted again: %v", got)
	}
	list := func(args ...string) int {
		return len(w.command(append([]string{"list", "--json", "--provider", "virtualpos"}, args...)...))
	}
	if n := list("--state", "queued"); n != len(held) {
		w.t.Errorf("%d are listed while halted, want %d", n, len(held))
	}
	keyOf := func(t tasks.Task) string { return "virtualpos/" + t.Reference() }
	w.command(append([]string{"cancel", keyOf(held[0])}, by...)...)
	if got := w.command("show", keyOf(held[0])); got[0]["code"] != "cancelled" {
		w.t.Errorf("a cancelled payment: %v", got)
	}
	w.command(append([]string{"unhalt", "--provider", "virtualpos"}, by...)...)
	w.awaitSettled(w.certainty())
	if n := list("--state", "failed"); n != len(held) {
		w.t.Errorf("%d failed, want %d", n, len(held))
	}
	for _, task := range held[1:] { // each declines once; the first was cancelled before
		w.command(append([]string{"retry", keyOf(task)}, by...)...)
	}
	w.awaitSettled(w.certainty())
	if n := list("--state", "succeeded"); n != len(w.payments)-1 {
		w.t.Errorf("%d succeeded, want %d", n, len(w.payments)-1)
	}
}

// operatorCommands has payments held and blocked, in more than one partition, and an operator
// decides about each but the last that is held.
func (w *fixture) operatorCommands() {
	w.t.Helper()
	by := []string{"--by", "ana", "--note", "test"}
	const held, blocked = 7, 4
	w.simulator.setFaults(sandbox.Fault{Kind: "hang_up_before", Reference: w.prefix + "doubt", Next: held})
	var ts []tasks.Task
	for i := range held {
		ts = append(ts, w.newPayment(fmt.Sprint("doubt-", i)))
	}
	for i := range blocked {
		ts = append(ts, w.newPayout(tasks.Payout{MerchantID: fmt.Sprintf("%slarge-%d", w.prefix, i), Amount: strconv.Itoa(900_001 + i)}))
	}
	before, err := w.counts()
	if err != nil {
		w.t.Fatal(err)
	}
	w.submit(ts...)
	w.awaitSome(idempotency.Held, held)
	w.awaitSome(idempotency.Blocked, blocked)
	for i, k := range w.keysOf(w.prefix + "doubt") {
		if told := w.command("explain", k.String(), "--json"); told[0]["state"] != "held" {
			w.t.Errorf("explain %s: %v", k, told)
		}
		if i == held-1 {
			continue
		}
		w.command(append([]string{"resolve", k.String(), "--as", "not-received"}, by...)...)
		if i%2 == 0 {
			w.command(append([]string{"retry", k.String(), "--accept-double-risk"}, by...)...)
		}
	}
	w.command(append([]string{"release", "virtualpos/" + w.prefix + "large-0"}, by...)...)
	rest := []string{"--all", "--provider", "virtualpos", "--code", "limit_amount"}
	w.command(append(append([]string{"release", "--confirm-count", "3", "--confirm-sum", "CLP=2700009"}, rest...), by...)...)
	w.awaitSettled(w.certainty())
	w.awaitNone(idempotency.Blocked)
	if after, err := w.counts(); err != nil || after[idempotency.Failed] != before[idempotency.Failed]+held/2 || after[idempotency.Held] != 1 {
		w.t.Errorf("%v, were %v, %v", after, before, err)
	}
}

// forgotCommands declare a loss in all partitions, and end it.
func (w *fixture) forgotCommands() {
	w.t.Helper()
	by := []string{"--provider", "virtualpos", "--by", "ana", "--note", "test"}
	w.command(append([]string{"forgot", "open"}, by...)...)
	for _, p := range w.ledger.Partitions(w.provider) {
		e, _, _, err := w.ledger.CheckEpoch(w.t.Context(), p)
		if err != nil || e.Loss == nil {
			w.t.Errorf("%s knows of no loss, %v", p, err)
		}
	}
	if shown := w.command("forgot", "show", "--provider", "virtualpos"); shown[0]["loss"] == nil {
		w.t.Errorf("a loss that was declared: %v", shown)
	}
	w.command(append([]string{"forgot", "close"}, by...)...)
	if shown := w.command("forgot", "show", "--provider", "virtualpos"); shown[0]["loss"] != nil {
		w.t.Errorf("a loss that was closed: %v", shown)
	}
}

// readingCommands hold what is exported, counted, shown and measured against the ledger, and what
// HTTP tells against the streams.
func (w *fixture) readingCommands() {
	w.t.Helper()
	exported := w.enqueue("export", "--provider", "virtualpos")
	if code, lines := exported.Exit(testTimeout), strings.Count(exported.Output(), `{"hash":`); code != 0 || lines != len(w.payments) {
		w.t.Errorf("export: exit %d, %d payments of %d", code, lines, len(w.payments))
	}
	failed := w.command("list", "--json", "--provider", "virtualpos", "--state", "failed")
	w.awaitCounted(len(w.payments) - len(failed) - 1)
	seen := map[idempotency.Partition]bool{}
	s := w.serve()
	for reference := range w.payments {
		k := w.key(reference)
		p := w.ledger.PartitionOf(k)
		if seen[p] {
			continue
		}
		seen[p] = true
		if page := w.get(w.workers[0], "/payments/show?key="+k.String()); !strings.Contains(page, reference) {
			w.t.Errorf("the page of %s, in %s, does not have it", k, p)
		}
		if status, text := s.call(http.MethodGet, "/v1/payments/"+k.String(), "application/json", ""); status != http.StatusOK || !strings.Contains(text, reference) {
			w.t.Errorf("GET %s, in %s: %d %s", k, p, status, text)
		}
	}
	if len(seen) != partitions {
		w.t.Errorf("payments are in %d partitions, want %d", len(seen), partitions)
	}
	list := w.get(w.workers[0], "/payments/list?state=failed&provider=virtualpos")
	status, over := s.call(http.MethodGet, "/v1/payments?state=failed&provider=virtualpos&limit=1000", "application/json", "")
	for _, r := range failed {
		reference, _ := r["reference"].(string)
		if !strings.Contains(list, reference) {
			w.t.Errorf("the page of failed payments lacks %s", reference)
		}
		if !strings.Contains(over, reference) {
			w.t.Errorf("%s failed, and is missing over HTTP: %d %s", reference, status, over)
		}
	}
	metrics := w.get(w.workers[0], "/metrics")
	for _, p := range w.ledger.Partitions(w.provider) {
		if name := fmt.Sprintf("remesa_ledger_sequence{provider=%q}", p); !strings.Contains(metrics, name) {
			w.t.Errorf("/metrics has no %s", name)
		}
	}
	if want := fmt.Sprintf("remesa_payments_open{provider=%q,state=\"held\"} 1\n", w.provider); !strings.Contains(metrics, want) {
		w.t.Errorf("/metrics does not say %s", want)
	}
	if told := w.outcomesOver(s); told < len(w.stream()) {
		w.t.Errorf("GET /v1/outcomes tells %d events, the streams have %d", told, len(w.stream()))
	}
}

// outcomesOver reads all events over HTTP, and demands that none is told twice.
func (w *fixture) outcomesOver(s *intakeServer) int {
	w.t.Helper()
	told, after := map[string]bool{}, ""
	for {
		_, text := s.call(http.MethodGet, "/v1/outcomes?provider=virtualpos&limit=1000&after="+after, "application/json", "")
		var page struct {
			Events []struct {
				ID string `json:"event_id"`
			} `json:"events"`
			Cursor string `json:"cursor"`
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			w.t.Fatalf("GET /v1/outcomes: %v\n%s", err, text)
		}
		if len(page.Events) == 0 {
			return len(told)
		}
		for _, e := range page.Events {
			if told[e.ID] {
				w.t.Errorf("GET /v1/outcomes tells %s twice", e.ID)
			}
			told[e.ID] = true
		}
		after = page.Cursor
	}
}

// subscriptionCommands keeps a subscription, in the home partition.
func (w *fixture) subscriptionCommands() {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "subscriptions.jsonl")
	text := `{"id":"sub-1","provider":"pagoseguro","amount":"32900","currency":"COP","description":"Canal","start":"2099-01-31",` +
		`"schedule":{"every":"month","at":"09:00","timezone":"America/Bogota"},` +
		`"customer":{"name":"Ana Ruiz","email":"ana@example.com","document_type":1,"document":"100000000","phone":"3100000000",` +
		`"address":"Calle 10","city":"Bogotá","first_names":"Ana","last_names":"Ruiz"},` +
		`"card":{"token":"tok-1","brand":"MasterCard","expiry_month":6,"expiry_year":99,"installments":1}}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	by := []string{"--by", "ana", "--note", "test"}
	w.command("subscription", "add", path)
	w.command(append([]string{"subscription", "pause", "sub-1"}, by...)...)
	w.command(append([]string{"subscription", "resume", "sub-1"}, by...)...)
	if got := w.command("subscription", "list", "--json"); len(got) != 1 || got[0]["state"] != "active" {
		w.t.Errorf("subscriptions: %v", got)
	}
	w.command(append([]string{"subscription", "change", "sub-1", "--amount", "34900"}, by...)...)
	if got := w.command("subscription", "show", "sub-1"); got[0]["amount"] != "34900" {
		w.t.Errorf("a changed subscription: %v", got)
	}
	w.command(append([]string{"subscription", "cancel", "sub-1"}, by...)...)
}

// TestAMasterIsGone: the partitions of the others go on, and those of the killed one when it is
// back.
func TestAMasterIsGone(t *testing.T) {
	t.Parallel()
	w, m := newCluster(t, redistest.Appendonly("always"))
	// Not that of the home partition, which has what belongs to the provider, and asynq's list of
	// queues: docs/partitions.md says what waits for it.
	gone, _ := m.Of(t, idempotency.OutcomesKey(idempotency.Partition{Provider: w.provider, Number: 3}.String()))
	on := w.partitionsOn(m)
	if len(on) < 2 {
		t.Fatalf("all partitions are on one node: %v", on)
	}
	w.simulator.slow(50 * time.Millisecond)
	w.work(1)
	w.workers[0].Await(testTimeout, `"message":"serving`, `"`)
	w.submit(w.newPayments(300)...)
	w.awaitSome(idempotency.Sending, 1)
	gone.Kill()
	lost := on[gone]
	parts := idempotency.Partitions{w.provider: partitions}
	eventually.NoError(t, 3*testTimeout, func() error {
		for reference := range w.payments {
			if slices.Contains(lost, parts.Of(w.key(reference))) {
				continue
			}
			r, err := w.ledger.Show(t.Context(), w.key(reference))
			if err != nil || r.State != idempotency.Succeeded {
				return fmt.Errorf("%s is %s, %w", reference, r.State, err)
			}
		}
		return nil
	})
	again := w.submitWhileAMasterIsGone()
	gone.Restart()
	eventually.NoError(t, testTimeout, func() error {
		got := results(t, outputOf(w.enqueue("submit", again)))
		if got[tasks.Duplicate]+got[tasks.Enqueued] != 30 {
			return fmt.Errorf("the file again, when the master is back: %v", got)
		}
		return nil
	})
	w.awaitSettled(w.certainty() + testTimeout)
	w.audit(allowances{mayHold: func(auditedPayment) error { return nil }})
}

// submitWhileAMasterIsGone says that something failed, and returns the file, which is to be
// submitted again.
func (w *fixture) submitWhileAMasterIsGone() (path string) {
	w.t.Helper()
	var ts []tasks.Task
	for i := range 30 {
		ts = append(ts, w.newPayment(fmt.Sprint("meanwhile-", i)))
	}
	path = file(w.t, ts...)
	w.refused(1, "sending the same file again is safe", "submit", path)
	return path
}
