package intake

import (
	"context"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/tasks"
)

// Added is what is told about one subscription.
type Added struct {
	Line   int           `json:"line,omitempty"`
	ID     string        `json:"id,omitempty"`
	Result string        `json:"result"`
	State  billing.State `json:"state,omitempty"`
	Error  string        `json:"error,omitempty"`
}

// Word is what the line came to.
func (a Added) Word() string { return a.Result }

// Subscriptions takes in subscriptions, as Tasks does tasks.
type Subscriptions struct {
	Client     *billing.Client
	Accounts   Accounts
	May        func(provider, account string) error
	Registered func(ctx context.Context, provider string)
}

// Answer adds what is valid in the batch, and gives each line its result.
func (s *Subscriptions) Answer(ctx context.Context, batch []tasks.SubscriptionLine) ([]Added, error) {
	results := make([]Added, len(batch))
	var valid []tasks.Subscription
	var places []int
	for i, line := range batch {
		results[i] = s.check(line)
		if results[i].Result == Valid {
			valid, places = append(valid, line.Subscription), append(places, i)
		}
	}
	if s.Client == nil {
		return results, nil
	}
	receipts, err := s.Client.Add(ctx, valid...)
	if err != nil {
		return nil, err
	}
	for n, r := range receipts {
		i := places[n]
		results[i] = Added{Line: batch[i].Number, ID: r.ID, Result: string(r.Outcome), State: r.State, Error: r.Problem}
		if s.Registered != nil {
			s.Registered(ctx, valid[n].Provider())
		}
	}
	return results, nil
}

// check finds what is wrong with a line without the store.
func (s *Subscriptions) check(line tasks.SubscriptionLine) Added {
	r := Added{Line: line.Number, ID: line.ID, Result: Valid}
	err := line.Err
	if err == nil && s.May != nil {
		err = s.May(line.Subscription.Provider(), line.Subscription.Account())
	}
	if err == nil {
		err = s.Accounts.check(line.Subscription.Provider(), line.Subscription.Account())
	}
	if err != nil {
		r.Result, r.Error = Invalid, err.Error()
	}
	return r
}
