package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

// sample is one sample payment: what happens to it, and how it must end.
type sample struct {
	// provider is VirtualPOS unless set.
	provider    string
	reference   string
	description string
	fault       sandbox.Fault
	// submit is what submitting must come to; Enqueued unless set.
	submit tasks.SubmitResult
	amount string
	state  idempotency.State
	// moved is how often the provider must have executed the payment.
	moved int
}

const (
	heldReference = "demo-held"
	// payoutReference is the one ETpay payment that sends money out.
	payoutReference = "demopayout"
)

func samples() []sample {
	return []sample{
		{reference: "demo-paid", description: "the provider pays", state: idempotency.Succeeded, moved: 1},
		{reference: "demo-paid", description: "the same line again: a duplicate", submit: tasks.Duplicate, state: idempotency.Succeeded, moved: 1},
		{reference: "demo-paid", description: "the same reference, another amount: a conflict", amount: "99999", submit: tasks.Conflict,
			state: idempotency.Succeeded, moved: 1},
		{reference: "demo-declined", description: "the provider declines", fault: sandbox.Fault{Kind: "decline"}, state: idempotency.Failed},
		{reference: "demo-later", description: "accepted, paid a moment later",
			fault: sandbox.Fault{Kind: "pending", Delay: sandbox.Duration(700 * time.Millisecond)}, state: idempotency.Succeeded, moved: 1},
		{reference: "demo-doubt", description: "paid, but the answer is lost: asked, found",
			fault: sandbox.Fault{Kind: "hang_up_after"}, state: idempotency.Succeeded, moved: 1},
		{reference: "demo-garbled", description: "paid, but a 502 comes back: asked, found",
			fault: sandbox.Fault{Kind: "bad_gateway_after"}, state: idempotency.Succeeded, moved: 1},
		{reference: "demo-slow", description: "paid, but slower than the time-out: asked, found",
			fault: sandbox.Fault{Kind: "slow_after", Delay: sandbox.Duration(2 * time.Second)}, state: idempotency.Succeeded, moved: 1},
		{reference: "demo-busy", description: "refused twice as too busy, then paid",
			fault: sandbox.Fault{Kind: "throttled", Next: 2, Operation: sandbox.SendOperation}, state: idempotency.Succeeded, moved: 1},
		{reference: heldReference, description: "lost on the way, never found: held for an operator",
			fault: sandbox.Fault{Kind: "hang_up_before"}, state: idempotency.Held},
		{provider: pagoseguro.Name, reference: "demo-charged", description: "the token ends: renewed, the card charged once",
			fault: sandbox.Fault{Kind: "expire_tokens", Next: 1}, state: idempotency.Succeeded, moved: 1},
		{provider: pagoseguro.Name, reference: "demo-unanswered", description: "charged, but the answer is lost: nobody to ask, held",
			fault: sandbox.Fault{Kind: "hang_up_after"}, state: idempotency.Held, moved: 1},
		{provider: coordinador.Name, reference: "demo-doubt", description: "registered, but the answer is lost: asked, found",
			fault: sandbox.Fault{Kind: "hang_up_after"}, state: idempotency.Succeeded, moved: 1},
		{provider: coordinador.Name, reference: "demo-already", description: "somebody registered it before us: held, not sent",
			state: idempotency.Held},
		{provider: etpay.Name, reference: "demopayer", description: "a session opens, and its payer pays a moment later",
			fault: sandbox.Fault{Kind: "pending", Delay: sandbox.Duration(700 * time.Millisecond)}, state: idempotency.Succeeded, moved: 1},
		{provider: etpay.Name, reference: "demosession", description: "a session is lost: another is opened, and waits for its payer",
			fault: sandbox.Fault{Kind: "hang_up_after", Next: 1}, state: idempotency.Pending},
		{provider: etpay.Name, reference: payoutReference, description: "a payout, but the answer is lost: looked for in the listing, found",
			fault: sandbox.Fault{Kind: "hang_up_after"}, state: idempotency.Succeeded, moved: 1},
		{provider: pagandocheck.Name, reference: "demo-token", description: "the token ends before the charge: renewed, charged once",
			fault: sandbox.Fault{Kind: "unauthorized_in_body", Operation: sandbox.SendOperation, Next: 1}, state: idempotency.Succeeded, moved: 1},
		{provider: pagandocheck.Name, reference: "demo-doubt", description: "charged, but the answer is lost: its order is queried",
			fault: sandbox.Fault{Kind: "hang_up_after"}, state: idempotency.Succeeded, moved: 1},
	}
}

// where is the sample's provider.
func (s sample) where() string {
	if s.provider == "" {
		return virtualpos.Name
	}
	return s.provider
}

// demoFaults are those of the samples of one provider.
func demoFaults(provider string) []sandbox.Fault {
	var faults []sandbox.Fault
	for _, s := range samples() {
		if s.fault.Kind != "" && s.where() == provider {
			s.fault.Reference = s.reference
			faults = append(faults, s.fault)
		}
	}
	return faults
}

func (s sample) task() (tasks.Task, error) {
	amount := s.amount
	if amount == "" {
		amount = "12500"
	}
	if s.provider == coordinador.Name {
		return tasks.Payout{
			Provider: s.provider, MerchantID: s.reference, Amount: amount, Currency: "CLP",
			Details: coordinador.Details{Debtor: 101, Creditor: 202, Instruction: s.instruction(), PaidOn: "2026-05-15"},
		}.Task()
	}
	if s.provider == pagoseguro.Name {
		return tasks.Charge{
			Provider: s.provider, TxnID: s.reference, Amount: amount, Currency: "COP", Description: "Suscripción de prueba",
			Customer: demoCustomer(), Card: demoTokenized(),
		}.Task()
	}
	if s.provider == etpay.Name && s.reference == payoutReference {
		return tasks.Payout{
			Provider: s.provider, MerchantID: s.reference, Amount: amount, Currency: "CLP", Description: "Retiro de prueba",
			Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto", Email: "ana@example.cl"},
			Bank:      providers.Bank{Code: "cl_estado", AccountNumber: "12345678", AccountType: "vista"},
		}.Task()
	}
	if s.provider == etpay.Name {
		return tasks.Charge{
			Provider: s.provider, TxnID: s.reference, Amount: "50000", Currency: "CLP", Description: "Cuenta de prueba",
			Customer: providers.Customer{Email: "ana@example.cl", Document: "12345678-5"},
			Details: etpay.Details{
				UserBankCode: "cl_estado", Metadata: []etpay.NamedText{{Name: "Cuenta", Value: "30215", Show: true}},
			},
		}.Task()
	}
	if s.provider == pagandocheck.Name {
		return tasks.Charge{
			Provider: s.provider, TxnID: s.reference, Amount: "149.50", Currency: "MXN", Description: "Plan mensual",
			Customer: providers.Customer{ID: "5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10"}, Card: tasks.Card{Token: "cd_example-000001"},
			Agreement: "CONTRATO-000812",
		}.Task()
	}
	return tasks.Payout{
		Provider: virtualpos.Name, MerchantID: s.reference, Amount: amount, Currency: "CLP", Description: "Devolución de prueba",
		Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto", Email: "ana@example.cl"},
		Bank:      providers.Bank{Code: "012", AccountNumber: "12345678"},
	}.Task()
}

func demoCustomer() providers.Customer {
	return providers.Customer{
		Name: "Ana Ruiz", Email: "ana@example.com", DocumentType: 1, Document: "100000000", Phone: "3100000000",
		Address: "Calle 10 # 10-99", City: "Bogotá", FirstNames: "Ana", LastNames: "Ruiz",
	}
}

func demoTokenized() tasks.Card {
	return tasks.Card{Token: demoCard, Brand: "MasterCard", ExpiryMonth: 12, ExpiryYear: 99, Installments: 1}
}

// demoCard has the form of a card's token at Pago Seguro, and nothing in it.
const demoCard = "eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0="

const registeredInstruction = 3456790

// instruction is what the payment pays; no two payments may pay the same.
func (s sample) instruction() int64 {
	if s.reference == "demo-already" {
		return registeredInstruction
	}
	return registeredInstruction + 1
}

func (s sample) key() idempotency.Key {
	return idempotency.Key{Provider: s.where(), Account: idempotency.DefaultAccount, Reference: s.reference}
}

const demoTimeout = 45 * time.Second

// run submits every sample, waits for the outcomes, and compares them with what is expected and
// with what the provider executed.
func (d *demo) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	client := tasks.NewClient(d.worker.Ledger, d.worker.Redis, tasks.ClientOptions{
		FingerprintKey: d.fingerprintKey,
	})
	fmt.Println(d.text.CLI.Demo.Title)
	submitted := make([]tasks.Receipt, len(samples()))
	for i, sc := range samples() {
		task, err := sc.task()
		if err != nil {
			return err
		}
		receipts, err := client.Submit(ctx, task)
		if err != nil {
			return err
		}
		submitted[i] = receipts[0]
	}
	if err := d.subscription.add(ctx, d.worker.Subscriptions); err != nil {
		return err
	}
	if err := d.follow(ctx); err != nil {
		return err
	}
	if err := d.subscription.await(ctx, d.worker.Subscriptions); err != nil {
		return err
	}
	return errors.Join(d.summary(ctx, submitted), d.subscription.summary(context.WithoutCancel(ctx), d))
}

// follow prints each change of state until all samples are in their expected states.
func (d *demo) follow(ctx context.Context) error {
	seen := map[idempotency.Key]idempotency.State{}
	for {
		done := 0
		for _, sc := range samples() {
			r, err := d.worker.Ledger.Show(ctx, sc.key())
			if err != nil && ctx.Err() == nil {
				return err
			}
			if r.State != seen[sc.key()] && ctx.Err() == nil {
				seen[sc.key()] = r.State
				d.progress(len(samples()), done, sc.key().String(), r)
			}
			if r.State == sc.state {
				done++
			}
		}
		if done == len(samples()) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil // the table at the end says what is missing
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (d *demo) progress(all, done int, key string, r idempotency.Record) {
	line := fmt.Sprintf("  %-26s %-10s %s", key, d.state(r.State), r.Code)
	if term.IsTerminal(int(os.Stdout.Fd())) { // #nosec G115 -- a descriptor
		line = d.text.CLI.Demo.Progress(fmt.Sprintf("%2d", done), strconv.Itoa(all)) + line
	}
	fmt.Println(line)
}

// state is a state's name for whoever looks on.
func (d *demo) state(s idempotency.State) string {
	return d.text.CLI.List.State(string(s), d.text.StateLabel(s))
}

// result is what became of a line, for whoever looks on.
func (d *demo) result(r tasks.SubmitResult) string {
	if d.text.Tag().Language == i18n.English.Language {
		return string(r)
	}
	return d.text.CLI.Submit.Results[string(r)].One
}

var errUnexpected = errors.New("an outcome is not as expected")

func (d *demo) summary(ctx context.Context, submitted []tasks.Receipt) error {
	ctx = context.WithoutCancel(ctx)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	words := d.text.CLI.Demo
	fmt.Fprintf(w, "\n%s\t%s\t%s\t%s\t%s\t%s\t\n", words.Payment, words.Happens, words.Submitted, words.State, words.Attempts, words.Paid)
	var failed error
	for i, sc := range samples() {
		r, err := d.worker.Ledger.Show(ctx, sc.key())
		if err != nil {
			return err
		}
		moved := d.sandbox.Find(sc.where()).ExecutionCount(sc.reference)
		want := sc.submit
		if want == "" {
			want = tasks.Enqueued
		}
		check := d.text.Say("as expected")
		if r.State != sc.state || moved != sc.moved || submitted[i].Result != want {
			check, failed = d.text.Say(fmt.Sprintf("EXPECTED %s, %s, %d", want, sc.state, sc.moved)), errUnexpected
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", sc.key(), d.text.Say(sc.description), d.result(submitted[i].Result), d.state(r.State),
			r.Attempts, moved, check)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return failed
}
