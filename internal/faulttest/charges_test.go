package faulttest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox"
	simulators "github.com/remesa/remesa/providers/sandbox/all"
	"github.com/remesa/remesa/tasks"
)

// canaryCard is a sealed card in Pago Seguro's form: {"iv":"Canary","value":"Canary","mac":"0123"}.
const canaryCard = "eyJpdiI6IkNhbmFyeSIsInZhbHVlIjoiQ2FuYXJ5IiwibWFjIjoiMDEyMyJ9"

// canaryTask has a canary in every field that describes a person or a card.
func canaryTask(t testing.TB, provider, reference string, n int) tasks.Task {
	t.Helper()
	customer := providers.Customer{
		Name: "Canariona Soto", Email: "canary.mail@example.com", DocumentType: 1, Document: "176543210", Phone: "3109988776",
		Address: "Calle Canaria 77", City: "Bogota", FirstNames: "Canariona", LastNames: "Soto",
	}
	charge := tasks.Charge{Provider: provider, TxnID: reference, Amount: "4321", Description: "Regalo secreto", Customer: customer}
	var task tasks.Task
	var err error
	switch provider {
	case pagoseguro.Name:
		charge.Currency = "COP"
		charge.Card = tasks.Card{Token: canaryCard, Brand: "MasterCard", ExpiryMonth: 12, ExpiryYear: 99, Installments: 1}
		task, err = charge.Task()
	case pagandocheck.Name:
		charge.Currency, charge.Amount, charge.Agreement = "MXN", "4321.00", "CONTRATO-000812"
		charge.Customer = providers.Customer{ID: "5d1c0b1e-2f6a-4a1e-9a55-0ca9a21e0001"}
		charge.Card, charge.Details = tasks.Card{Token: "cd_canary-000777"}, pagandocheck.Details{AntifraudToken: "aft-canary"}
		task, err = charge.Task()
	case etpay.Name:
		charge.Currency, charge.Customer = "CLP", providers.Customer{Email: "canary.mail@example.cl", Document: rut(17_654_321)}
		task, err = charge.Task()
	default:
		task, err = instruction(reference, int64(4_000_000+n)).Task()
	}
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// instruction is a payment of that instruction.
func instruction(reference string, number int64) tasks.Payout {
	return tasks.Payout{
		Provider: coordinador.Name, MerchantID: reference, Amount: "98765", Currency: "CLP",
		Details: coordinador.Details{Debtor: 101, Creditor: 202, Instruction: number, PaidOn: "2026-05-15"},
	}
}

// chargeFaults are those that end by themselves at the provider. At ETpay, payers act; its sessions
// that nobody pays would stay open.
func chargeFaults(provider string) []sandbox.Fault {
	all := []sandbox.Fault{{Kind: "decline"}, {Kind: "rejected_object"}}
	if provider == etpay.Name {
		return append(all, sandbox.Fault{Kind: "pending", Polls: 1})
	}
	for _, kind := range []string{
		"hang_up_after", "html_after", "cut_json_after", "wrong_types_after", "unknown_code_after", "expire_tokens", "unauthorized",
		"unauthorized_in_body",
	} {
		all = append(all, sandbox.Fault{Kind: kind, Operation: sandbox.SendOperation, Next: 1})
	}
	return all
}

func TestNothingPrivateOfAChargeIsWrittenAnywhere(t *testing.T) {
	t.Parallel()
	c := startSimulators(t, simulators.Options{})
	w := newFixture(t, c.process(t), c.settings("REMESA_TOKEN_KEY", tokenKey)...)
	var parts []*providerFixture
	for _, provider := range []string{pagoseguro.Name, pagandocheck.Name, coordinador.Name, etpay.Name} {
		b := w.addProvider(c, provider)
		parts = append(parts, b)
		for i, fault := range chargeFaults(provider) {
			task := canaryTask(t, provider, fmt.Sprintf("%sk%02d", b.prefix, i), i)
			b.payments[task.Reference()] = payment{task: task}
			fault.Reference = task.Reference()
			b.addFault(fault)
			b.submit(task)
		}
	}
	refused := w.refusedWorker(len(parts))
	w.searchCheck(0)
	w.work(1)
	w.search("asynq's keys in mid-load", w.asynqKeys())
	for _, b := range parts {
		b.awaitSettled(w.certainty() + testTimeout)
	}
	w.search("/metrics", w.get(w.workers[0], "/metrics"))
	p := w.workers[0]
	w.drain()
	w.search("what the worker wrote", p.Output())
	w.search("what the refused worker wrote", refused.Output())
	w.search("asynq's keys", w.asynqKeys())
	w.search("the ledger but for its payloads", w.ledgerKeys())
	w.searchOutcomes(parts)
	w.searchTokens(c, p.Output())
}

// refusedWorker ends once the provider refused its credentials, as often as accounts log in before
// they charge.
func (w *fixture) refusedWorker(accounts int) *processtest.Process {
	w.t.Helper()
	refused := []string{
		"REMESA_PAGOSEGURO_API_KEY", "canary-key-5521", "REMESA_PAGANDOCHECK_PASSWORD", "canary-password-9913",
		"REMESA_COORDINADOR_PASSWORD", "canary-password-9913", "REMESA_ETPAY_MERCHANT_API_TOKEN", "canary-secret-7734",
	}
	p := w.startWorker(worker, refused...)
	eventually.NoError(w.t, testTimeout, func() error {
		if n := strings.Count(p.Output(), `"from":"closed","to":"open"`); n < accounts {
			return fmt.Errorf("%d of %d accounts are refused", n, accounts)
		}
		return nil
	})
	drain(p)
	w.searchCheck(1, refused...)
	return p
}

// searchOutcomes looks at what operators and consumers see.
func (w *fixture) searchOutcomes(parts []*providerFixture) {
	w.t.Helper()
	for _, b := range parts {
		for reference := range b.payments {
			w.search("enqueue show", w.enqueueOutput("show", b.key(reference).String()))
		}
		w.search("enqueue watch", w.enqueueOutput("watch", "--provider", b.provider, "--from", "0", "--no-follow"))
	}
	w.search("enqueue list", w.enqueueOutput("list", "--json"))
}

// searchTokens demands that no token of a provider lies in Redis in clear, nor was written.
func (w *fixture) searchTokens(c *simulatorServer, output string) {
	w.t.Helper()
	everything := w.dump("*", func(string, string) bool { return false })
	tokens := c.seen()
	if len(tokens) < 4 || !strings.Contains(everything, ":token ") {
		w.t.Errorf("%d tokens were used, and Redis holds none of them: nothing to search", len(tokens))
	}
	for _, token := range tokens {
		if strings.Contains(everything, token) {
			w.t.Errorf("Redis holds a provider token in clear")
		}
		if strings.Contains(output, token) {
			w.t.Errorf("the worker wrote a provider token")
		}
	}
}

// relay passes what the provider reports on to the worker's webhook listener, whose address is
// known later than its URL is needed.
func relay(t testing.TB) (address string, to *atomic.Pointer[url.URL]) {
	t.Helper()
	to = &atomic.Pointer[url.URL]{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := to.Load()
		r2 := r.Clone(r.Context())
		r2.URL.Scheme, r2.URL.Host, r2.RequestURI = target.Scheme, target.Host, ""
		reply, err := http.DefaultTransport.RoundTrip(r2)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer reply.Body.Close()
		w.WriteHeader(reply.StatusCode)
	}))
	t.Cleanup(server.Close)
	return server.URL, to
}

// TestAPayerPaysAtETpay: nothing is polled for an hour, so that only the webhook causes a status
// query.
func TestAPayerPaysAtETpay(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		result string
		state  idempotency.State
	}{{"success", idempotency.Succeeded}, {"error", idempotency.Pending}} {
		t.Run(end.result, func(t *testing.T) {
			t.Parallel()
			c := startSimulators(t, simulators.Options{})
			hooks, to := relay(t)
			w := newFixture(t, c.process(t), c.settings(
				"REMESA_WEBHOOK_ADDR", "127.0.0.1:0", "REMESA_ETPAY_WEBHOOK_URL", hooks+"/webhooks/etpay",
				"REMESA_POLL_FIRST", "1h", "REMESA_POLL_MAX", "1h")...)
			b := w.addProvider(c, etpay.Name)
			task := b.keep(tasks.Charge{
				Provider: etpay.Name, TxnID: b.prefix + "a", Amount: "50000", Currency: "CLP", Description: "Cuenta",
				Customer: providers.Customer{Email: "ana@example.cl", Document: rut(12_345_678)},
			})
			b.payments[task.Reference()] = payment{amount: "50000", beneficiary: strings.ReplaceAll(rut(12_345_678), "-", ""), task: task}
			b.submit(task)
			w.work(1)
			to.Store(&url.URL{Scheme: "http", Host: w.workers[0].Await(testTimeout, `"webhooks":"`, `"`)})
			b.awaitSome(idempotency.Pending, 1)
			record := b.show(task.Reference())
			if status := payAt(t, record.ActionURL, end.result); status != http.StatusOK {
				t.Errorf("the webhook answered %d", status)
			}
			if end.state == idempotency.Succeeded {
				b.awaitSettled(testTimeout)
				all(t, b.audit(allowances{}), idempotency.Succeeded)
				return
			}
			w.workers[0].Await(testTimeout, "webhook: a status query follows", "\n")
			if now := b.show(task.Reference()); now.State != end.state {
				t.Errorf("%s, and the session is still open\n%s", now.State, describe(now))
			}
		})
	}
}

func (w *fixture) show(reference string) idempotency.Record {
	w.t.Helper()
	record, err := w.ledger.Show(context.Background(), w.key(reference))
	if err != nil {
		w.t.Fatal(err)
	}
	return record
}

// payAt is a payer at the address; it returns the webhook's response code.
func payAt(t testing.TB, address, end string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader("result="+end))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var result struct{ Webhook int }
	if err := json.NewDecoder(reply.Body).Decode(&result); err != nil {
		t.Fatal(err)
	}
	return result.Webhook
}

// TestOneInstructionIsPaidOnce: of two references for one instruction the second is a conflict,
// whenever it comes and with whatever amount.
func TestOneInstructionIsPaidOnce(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before it is sent", "after it is final"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			c := startSimulators(t, simulators.Options{})
			w := newFixture(t, c.process(t), c.settings()...)
			b := w.addProvider(c, coordinador.Name)
			first := b.newInstruction("a")
			b.submit(first)
			if when == "after it is final" {
				w.work(1)
				b.awaitSettled(testTimeout)
			}
			second, err := instruction(b.prefix+"b", 3_456_789).Task()
			if err != nil {
				t.Fatal(err)
			}
			p := w.enqueue("submit", file(t, second))
			if code := p.Exit(testTimeout); code != 2 || results(t, p.Output())[tasks.Conflict] != 1 {
				t.Errorf("exit code %d, want 2 and a conflict\n%s", code, p.Output())
			}
			w.work(1)
			b.awaitSettled(testTimeout + time.Second)
			all(t, b.audit(allowances{}), idempotency.Succeeded)
			if book := b.sim.Executions(); len(book) != 1 {
				t.Errorf("the instruction was paid %d times", len(book))
			}
		})
	}
}

func (b *providerFixture) newInstruction(reference string) tasks.Task {
	b.t.Helper()
	p := instruction(b.prefix+reference, 3_456_789)
	task, err := p.Task()
	if err != nil {
		b.t.Fatal(err)
	}
	b.payments[p.MerchantID] = payment{amount: p.Amount, beneficiary: "instruction 3456789", task: task}
	return task
}
