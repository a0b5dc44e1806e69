package rules_test

import (
	"fmt"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/providers"
)

// Rules are functions of a record, the store's time and what happens: nothing is read or written
// here.
func Example() {
	policy, now := rules.DefaultPolicy(), rules.Time(1_800_000_000_000)
	record := rules.Register(policy, now, rules.Registration{Type: "payout", Amount: "12500", Currency: "CLP"}).Record

	a := rules.BeginParams{Attempt: "a", Lease: time.Minute, Queryable: true}
	change, begun := rules.Begin(record, policy, rules.Facts{}, now, a)
	fmt.Println(begun.Decision, change.Record.State, change.Guards)

	// The provider's response was lost, so that the payment may have been executed.
	timeout := rules.Outcome{Outcome: providers.Outcome{Class: providers.InDoubt, Code: "timeout"}}
	doubt := rules.FinishParams{Attempt: "a", Outcome: timeout, MoneyStepReached: true}
	change = rules.Finish(change.Record, policy, rules.Facts{}, now.Add(20*time.Second), doubt)
	fmt.Println(change.Record.State, change.Record.MayHaveLeft())

	// Nobody begins it again: the provider is queried first.
	b := rules.BeginParams{Attempt: "b", Lease: time.Minute, Queryable: true}
	_, begun = rules.Begin(change.Record, policy, rules.Facts{}, now.Add(time.Minute), b)
	fmt.Println(begun.Decision)
	// Output:
	// send sending [not_halted]
	// in_doubt true
	// query
}

func ExampleCompare() {
	record := rules.Record{Fingerprint: "1:a", Amount: "12500", Currency: "CLP"}
	fmt.Printf("%q\n", rules.Compare(record, rules.Registration{Fingerprint: "1:a", Amount: "12500", Currency: "CLP"}))
	fmt.Printf("%q\n", rules.Compare(record, rules.Registration{Fingerprint: "1:b", Amount: "9900", Currency: "CLP"}))
	// Output:
	// ""
	// "amount"
}
