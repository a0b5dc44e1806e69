package main

import (
	"errors"
	"os"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/internal/wiring"
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

// subscriptions reads subscriptions, for which it needs no payload keys.
func (a *app) subscriptions() (*billing.Client, error) {
	store, err := wiring.Subscriptions(a.config, a.rdb)
	if err != nil {
		return nil, usageError{err}
	}
	return billing.NewClient(billing.ClientConfig{
		Store: store, Ledger: a.ledger, Intake: a.intake(), FingerprintKey: []byte(a.config.FingerprintKey.Reveal()),
		Log: a.config.Logger(os.Stderr),
	}), nil
}

// subscriptionWriter also adds and changes them.
func (a *app) subscriptionWriter() (*billing.Client, error) {
	if a.keys != nil {
		return nil, usageError{a.keys}
	}
	return a.subscriptions()
}

// failedRequest distinguishes a request that was refused from a failure of Redis.
func (a *app) failedRequest(err error) error {
	switch {
	case errors.As(err, new(billing.RequestError)):
		return usageError{err}
	case errors.As(err, new(billing.ContentError)):
		return err
	default:
		return a.failed(err)
	}
}
