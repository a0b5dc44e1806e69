// Package providers is the vocabulary that the ledger, the engine and the adapters share: payouts,
// charges, what became of them, and what a provider can do. It imports nothing else of this module.
package providers

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Payer sends payouts.
type Payer interface {
	// Pay sends the payout at most once. An error means that the provider cannot have acted on this
	// attempt (see NotSent, ErrCredentials); once a byte of a request that can move money may have
	// left, Pay returns an Outcome, InDoubt at worst.
	Pay(ctx context.Context, p Payout, a Attempt) (Outcome, error)
}

// Charger charges cards on file or opens sessions in which a payer pays. Its contract is that of
// Payer.
type Charger interface {
	Charge(ctx context.Context, c Charge, a Attempt) (Outcome, error)
}

// StatusChecker queries the provider for what became of a payment. A provider without a status
// query does not implement it: its payments in doubt are held for an operator at once.
type StatusChecker interface {
	// Status never moves money. An error means that there is no status result. NotFound is only the
	// provider's own word for it.
	Status(ctx context.Context, q StatusQuery) (Outcome, error)
}

// Checker proves an account's settings without moving money, for example by a login.
type Checker interface {
	// Check returns what an operator should know, one finding an element. An error means that the
	// account cannot be used.
	Check(ctx context.Context) ([]Finding, error)
}

// Preparer readies an account before an attempt begins: it makes sure that there is a token for one
// attempt. It moves no money and touches no payment.
type Preparer interface {
	// Prepare returns a *CredentialsError where the provider refuses the account's credentials; any
	// other error means: not now.
	Prepare(ctx context.Context) error
}

// Tokenizer has the provider turn a card into the token that charges name. It moves no money.
type Tokenizer interface {
	// Tokenize keeps nothing of number and code, and its errors repeat nothing of them.
	Tokenize(ctx context.Context, number, code Secret) (Secret, error)
}

// Finding is one line of a check: Warn asks for an operator's attention, the rest is information.
type Finding struct {
	Warn bool
	Text string
}

// Attempt is what an adapter may know of the attempt that it serves, and its way to keep something
// before money can move.
type Attempt struct {
	// ID is the attempt's random id, unique over all attempts of all payments. No provider sees it
	// unless its page documents such a field.
	ID string
	// ProviderRefs holds what earlier attempts of the same payment kept in checkpoints, and nothing
	// that this adapter did not write itself.
	ProviderRefs map[string]string
	// MayHaveLeft is true where an earlier attempt of the same payment may have been executed: what
	// the provider has under the reference may then be ours. Where it is false, it is somebody
	// else's unless everything about it equals ours.
	MayHaveLeft bool
	// Checkpoint keeps provider references in the ledger before the next step. moneyStepNext says
	// that the next step can move money: from then on a lost response puts the payment in doubt. An
	// error means that the attempt no longer owns the payment and must stop without sending.
	Checkpoint func(ctx context.Context, refs map[string]string, moneyStepNext bool) error
	// Alias makes the payment findable by a name that the provider gave it, for webhooks that know
	// no other.
	Alias func(ctx context.Context, alias string) error
}

// TwoStep marks a provider whose first step cannot move money: its attempts open only with the
// checkpoint before the step that can.
type TwoStep interface {
	// SafeFirstStep reports whether an attempt begins with a step that cannot move money.
	SafeFirstStep() bool
}

// Account is one configured account of a provider.
type Account struct {
	Provider string
	Name     string
	// Client implements Payer or Charger, and StatusChecker and Checker where the provider can be
	// queried.
	Client any
	// Identity tells two accounts of the same provider apart, without a secret in it: host and
	// merchant identity.
	Identity string
	// Live is false where every URL of the account is on loopback.
	Live bool
}

// Queryable reports whether the provider can be queried what became of a payment.
func (a Account) Queryable() bool {
	_, ok := a.Client.(StatusChecker)
	return ok
}

// Registry holds the configured accounts by provider and account name.
type Registry map[string]map[string]Account

// Add puts an account into the registry.
func (r Registry) Add(a Account) {
	if r[a.Provider] == nil {
		r[a.Provider] = map[string]Account{}
	}
	r[a.Provider][a.Name] = a
}

// Providers lists the providers with at least one account, in alphabetical order.
func (r Registry) Providers() []string {
	return slices.Sorted(maps.Keys(r))
}

// Find returns the account of that name.
func (r Registry) Find(provider, account string) (Account, bool) {
	a, ok := r[provider][account]
	return a, ok
}

// StatusQuery names one payment whose state is queried.
type StatusQuery struct {
	Account   string
	Reference string
	Amount    Money
	// ProviderID is the provider's own id, empty while unknown.
	ProviderID string
	// ByReference wants what the provider has under our reference though ProviderID is known: a
	// later or second execution stands there under another id. A client without such a query uses
	// the id.
	ByReference  bool
	ProviderRefs map[string]string
	// Payout or Charge is what was sent; both are nil once a final payment's details are gone.
	Payout *Payout
	Charge *Charge
}

// NotSent is the error of an attempt that the provider cannot have acted on.
type NotSent struct {
	// Reason is a short word for logs, metrics and the payment's history: connect, throttled,
	// unauthorized, no_time.
	Reason string
	// RetryAfter is how long the provider asked to wait; zero where it did not say.
	RetryAfter time.Duration
	Err        error
}

func (e *NotSent) Error() string {
	if e.Err == nil {
		return "not sent: " + e.Reason
	}
	return "not sent: " + e.Reason + ": " + e.Err.Error()
}

func (e *NotSent) Unwrap() error { return e.Err }

// CredentialsError means that the provider refused the account's credentials: the account's circuit
// opens and its payments are parked.
type CredentialsError struct {
	// Code is the provider's code or the HTTP status.
	Code string
}

func (e *CredentialsError) Error() string { return "credentials refused, code " + e.Code }
