package main

import (
	"os"
	"regexp"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/internal/wiring"
	"github.com/remesa/remesa/schedule"
	"github.com/remesa/remesa/tasks"
)

// subscriptionCmd is everything about recurring charges.
type subscriptionCmd struct {
	Add    subscriptionAddCmd    `cmd:"" help:"Take in subscriptions from a file or stdin, one result line for each."`
	List   subscriptionListCmd   `cmd:"" help:"List subscriptions, those added first first."`
	Show   subscriptionShowCmd   `cmd:"" help:"Print a subscription with its periods and its history, as JSON."`
	Pause  subscriptionPauseCmd  `cmd:"" help:"Begin no new charge until it is resumed; periods that fall due meanwhile are skipped."`
	Resume subscriptionResumeCmd `cmd:"" help:"Let a paused subscription go on."`
	Cancel subscriptionCancelCmd `cmd:"" help:"End a subscription for good, and cancel its charge if that has not begun."`
	Change subscriptionChangeCmd `cmd:"" help:"Give a subscription another amount or card from the next period on."`
}

// subscriptions is the store of subscriptions with what a step on one needs.
type subscriptions struct {
	app   *app
	store *billing.Store
}

func (a *app) subscriptions() (*subscriptions, error) {
	store, err := wiring.Subscriptions(a.config, a.rdb)
	if err != nil {
		return nil, usageError{err}
	}
	return &subscriptions{a, store}, nil
}

// sweeper does at once what a worker's sweep would do with a subscription a moment later.
func (s *subscriptions) sweeper(client *tasks.Client) *billing.Sweeper {
	return billing.NewSweeper(billing.SweeperConfig{Store: s.store, Ledger: s.app.ledger, Intake: client, Log: s.app.config.Logger(os.Stderr)})
}

var subscriptionForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// load finds a subscription and reads it.
func (s *subscriptions) load(id string) (billing.Stored, error) {
	if !subscriptionForm.MatchString(id) {
		return billing.Stored{}, usage("id: must be 1 to 64 letters, digits, points, dashes and underscores")
	}
	provider, err := s.store.Find(s.app.ctx, id)
	if err != nil {
		return billing.Stored{}, s.app.failed(err)
	}
	return s.loadFrom(provider, id)
}

// loadFrom finds none where an id was claimed and its subscription never stored: adding it again stores it.
func (s *subscriptions) loadFrom(provider, id string) (billing.Stored, error) {
	loaded, err := s.store.Load(s.app.ctx, provider, id)
	switch {
	case err != nil:
		return billing.Stored{}, s.app.failed(err)
	case len(loaded) == 0:
		return billing.Stored{}, named(id, billing.ErrUnknown)
	}
	return loaded[0], nil
}

// subscription is a record as list prints it. Every field is always there.
type subscription struct {
	ID       string        `json:"id"`
	State    billing.State `json:"state"`
	Reason   string        `json:"reason"`
	Provider string        `json:"provider"`
	Amount   string        `json:"amount"`
	Currency string        `json:"currency"`
	// NextDue is null where no period falls due any more, or none would be charged.
	NextDue *string `json:"next_due"`
}

func newSubscription(r billing.Record) subscription {
	out := subscription{
		ID: r.ID, State: r.State, Reason: r.Reason, Provider: r.Provider, Amount: r.Amount, Currency: r.Currency,
	}
	if r.State == billing.Active && r.NextDue != 0 {
		out.NextDue = new(local(r.NextDue, zoneOf(r)))
	}
	return out
}

// zoneOf is UTC where this machine does not know the subscription's zone.
func zoneOf(r billing.Record) *time.Location {
	zone, err := schedule.LoadZone(r.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// local is RFC 3339 with the offset of the zone at that time.
func local(ms int64, zone *time.Location) string {
	return time.UnixMilli(ms).In(zone).Format(time.RFC3339)
}
