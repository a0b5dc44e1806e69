package faulttest

import (
	"encoding/json"
	"fmt"
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
	settings = append(settings, "REMESA_PAGOSEGURO_BASE_URL", b.url, "REMESA_PAGOSEGURO_ACCOUNT_ID", "1", "REMESA_PAGOSEGURO_API_KEY", "key")
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
	w.subscriptionCommands()
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
	gone.Restart()
	w.awaitSettled(w.certainty() + testTimeout)
	w.audit(allowances{mayHold: func(auditedPayment) error { return nil }})
}
