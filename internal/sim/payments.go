package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

// payment is one that a billing system submits.
type payment struct {
	key  idempotency.Key
	task tasks.Task
	// registered is set once the billing system was told so.
	registered bool
	// risked counts an operator's retries at the risk of a second execution.
	risked int
	// hasPayer is set once a payer has the address of the payment's session.
	hasPayer bool
	// ofPeriod marks a subscription's charge.
	ofPeriod bool
}

// samples makes the payments of each kind; n makes their references differ.
var samples = []func(n int, deadline time.Time) (tasks.Task, error){
	func(n int, _ time.Time) (tasks.Task, error) {
		return tasks.Payout{
			Provider: virtualpos.Name, MerchantID: fmt.Sprintf("tef-%d", n), Amount: amount(n), Currency: "CLP", Description: "Devolución",
			Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto", Email: "ana@example.cl"},
			Bank:      providers.Bank{Code: "012", AccountNumber: "12345678"},
		}.Task()
	},
	func(n int, _ time.Time) (tasks.Task, error) {
		return tasks.Charge{
			Provider: pagoseguro.Name, TxnID: fmt.Sprintf("SO%d", n), Amount: amount(n), Currency: "COP", Description: "Suscripción",
			Customer: providers.Customer{
				Name: "Ana Ruiz", Email: "ana@example.com", DocumentType: 1, Document: "100000000", Phone: "3100000000",
				Address: "Calle 10 # 10-99", City: "Bogotá", FirstNames: "Ana", LastNames: "Ruiz",
			},
			Card: tasks.Card{Token: cardToken, Brand: "MasterCard", ExpiryMonth: 12, ExpiryYear: 99, Installments: 1},
		}.Task()
	},
	func(n int, _ time.Time) (tasks.Task, error) {
		return tasks.Charge{
			Provider: pagandocheck.Name, TxnID: fmt.Sprintf("PAY-%d", n), Amount: amount(n) + ".50", Currency: "MXN", Description: "Plan mensual",
			Customer: providers.Customer{ID: "5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10"}, Card: tasks.Card{Token: "cd_example-000001"},
			Agreement: "CONTRATO-000812",
		}.Task()
	},
	func(n int, _ time.Time) (tasks.Task, error) {
		return tasks.Payout{
			Provider: coordinador.Name, MerchantID: fmt.Sprintf("CEN-%d", n), Amount: amount(n), Currency: "CLP",
			Details: coordinador.Details{Debtor: 101, Creditor: 202, Instruction: int64(3_456_000 + n), PaidOn: "2026-05-15"},
		}.Task()
	},
	func(n int, deadline time.Time) (tasks.Task, error) {
		return tasks.Charge{
			Provider: etpay.Name, TxnID: fmt.Sprintf("OC%d", n), Amount: amount(n), Currency: "CLP", Description: "Cuenta",
			Customer: providers.Customer{Email: "ana@example.cl", Document: "12345678-5"},
			Details:  etpay.Details{UserBankCode: "cl_estado"}, Common: tasks.Common{Deadline: deadline},
		}.Task()
	},
	func(n int, _ time.Time) (tasks.Task, error) {
		return tasks.Payout{
			Provider: etpay.Name, MerchantID: fmt.Sprintf("retiro%d", n), Amount: amount(n), Currency: "CLP", Description: "Retiro",
			Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto", Email: "ana@example.cl"},
			Bank:      providers.Bank{Code: "cl_estado", AccountNumber: "12345678", AccountType: "vista"},
		}.Task()
	},
}

// callPayers gives the addresses that were published to payers. Each pays once, or fails to.
func (w *world) callPayers() {
	for _, p := range w.payments {
		if p.hasPayer || p.key.Provider != etpay.Name || p.task.Type() != "charge" {
			continue
		}
		r, err := w.record(p)
		if err != nil || r.ActionURL == "" {
			continue
		}
		p.hasPayer = true
		w.after(time.Duration(w.random.IntN(90))*time.Minute, func() { w.pay(p, r.ActionURL) })
	}
}

func (w *world) pay(p *payment, address string) {
	result := []string{"success", "success", "error", "cancelled"}[w.random.IntN(4)]
	w.note(&p.key, "payer", "acts: "+result)
	form := strings.NewReader(url.Values{"result": {result}}.Encode())
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, form)
	if err != nil {
		w.violate(&p.key, err.Error())
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.sandbox.ServeHTTP(&answer{header: http.Header{}}, r)
}

func amount(n int) string { return fmt.Sprint(10_000 + n) }

// cardToken has the form of a card's token at Pago Seguro, and nothing in it.
const cardToken = "eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=" // #nosec G101 -- a made-up one

func (w *world) newPayments() error {
	for n := range w.plan.payments {
		t, err := samples[w.random.IntN(len(samples))](n+1, w.began.Add(time.Duration(30+w.random.IntN(120))*time.Minute))
		if err != nil {
			return err
		}
		w.payments = append(w.payments, &payment{key: t.Key(), task: t})
	}
	return nil
}

// submit has the billing system submit a payment until it is told that it is registered.
func (w *world) submit(ctx context.Context, p *payment) {
	w.note(&p.key, "billing system", "submits")
	go func() {
		for !w.tryRegister(ctx, p) {
			time.Sleep(time.Duration(1+w.people.random()*30) * time.Second)
		}
	}()
}

func (w *world) tryRegister(ctx context.Context, p *payment) bool {
	rs, err := w.people.ledger.Register(ctx, p.task.Registration(nil))
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p.registered = true
	if rs[0].State == idempotency.Queued || rs[0].State == idempotency.Ready {
		w.queue = append(w.queue, idempotency.WakeUp{Key: p.key, Generation: rs[0].Generation})
	}
	return true
}

// operate has an operator do something to a payment, or to its provider.
func (w *world) operate(ctx context.Context, p *payment) {
	what := operations[w.random.IntN(len(operations))]
	w.faults["operator: "+what]++
	w.note(&p.key, "operator", what)
	ledger, by := w.people.ledger, idempotency.Actor{By: "ana", Note: "simulated"}
	halted := w.halted[p.key.Provider]
	if what == "halt or unhalt" {
		w.halted[p.key.Provider] = !halted
	}
	go func() {
		if what == "halt or unhalt" {
			if halted {
				_ = ledger.Unhalt(ctx, p.key.Provider, "", by)
			} else {
				_ = ledger.Halt(ctx, p.key.Provider, "", by)
			}
			return
		}
		r, err := ledger.Show(ctx, p.key)
		if err != nil {
			return
		}
		switch what {
		case "cancel":
			_, _ = ledger.Cancel(ctx, p.key, r.Version, by)
		case "retry":
			_, _ = ledger.Retry(ctx, p.key, r.Version, false, by)
		case "resolve":
			w.resolve(ctx, p, r, by)
		case "submit again":
			w.tryRegister(ctx, p)
		}
	}()
}

var operations = []string{"halt or unhalt", "cancel", "retry", "resolve", "submit again"}

// resolve has the operator look at the provider's own panel, and record what stands there.
func (w *world) resolve(ctx context.Context, p *payment, r idempotency.Record, by idempotency.Actor) {
	as := "not-received"
	if w.executions(p) > 0 {
		as = "succeeded"
	}
	taken, found := w.sandbox.Find(p.key.Provider).Earlier(p.key.Reference)
	open := found && (taken.State == sandbox.Hidden || taken.State == sandbox.Pending)
	if r.State == idempotency.Held && !open {
		_, _ = w.people.ledger.Resolve(ctx, p.key, r.Version, idempotency.Resolution{Actor: by, As: as})
	}
}

// resolveCharges has an operator find out about the charges of periods that are held, as long as
// their subscription waits for them.
func (w *world) resolveCharges(ctx context.Context) {
	if !w.charging() {
		return
	}
	for _, p := range w.payments {
		r, err := w.record(p)
		if err != nil || !p.ofPeriod || r.State != idempotency.Held {
			continue
		}
		w.note(&p.key, "operator", "looks at the provider's panel")
		go w.resolve(ctx, p, r, idempotency.Actor{By: "ana", Note: "simulated"})
	}
	w.after(3*time.Hour, func() { w.resolveCharges(ctx) })
}

func (w *world) executions(p *payment) int {
	return w.sandbox.Find(p.key.Provider).ExecutionCount(p.key.Reference)
}
