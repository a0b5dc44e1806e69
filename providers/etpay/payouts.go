package etpay

import (
	"context"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay/payouts"
)

var _ providers.Charger = (*WithPayouts)(nil)

var _ providers.TwoStep = (*WithPayouts)(nil)

// WithPayouts is one merchant account at ETpay that opens sessions and sends payouts. It is safe
// for concurrent use.
type WithPayouts struct {
	*Client
	payouts *payouts.Client
}

// NewWithPayouts builds a client for one account that sends payouts as well; it dials nothing. The
// merchant, the time limits, the certificate authorities and the clock are those of the sessions.
func NewWithPayouts(c Config, p payouts.Config) (*WithPayouts, error) {
	sessions, err := New(c)
	if err != nil {
		return nil, err
	}
	p.MerchantCode, p.MerchantAPIToken, p.Wire, p.Auth.Now = c.MerchantCode, c.MerchantAPIToken, c.Wire, c.Now
	client, err := payouts.New(p)
	if err != nil {
		return nil, err
	}
	return &WithPayouts{Client: sessions, payouts: client}, nil
}

// Close drops the idle connections.
func (c *WithPayouts) Close() {
	c.Client.Close()
	c.payouts.Close()
}

var _ providers.Preparer = (*WithPayouts)(nil)

// Prepare makes sure that there is a token for payouts.
func (c *WithPayouts) Prepare(ctx context.Context) error { return c.payouts.Prepare(ctx) }

var _ providers.Payer = (*WithPayouts)(nil)

// Pay creates a payout, as payouts.Client does.
func (c *WithPayouts) Pay(ctx context.Context, p providers.Payout, a providers.Attempt) (providers.Outcome, error) {
	return c.payouts.Pay(ctx, p, a)
}

var _ providers.StatusChecker = (*WithPayouts)(nil)

// Status queries a payout or a session, whichever the query is about.
func (c *WithPayouts) Status(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	if payouts.IsPayoutQuery(q) {
		return c.payouts.Status(ctx, q)
	}
	return c.Client.Status(ctx, q)
}

var _ providers.Checker = (*WithPayouts)(nil)

// Check queries a session that does not exist, logs in for payouts, and reads today's listing.
func (c *WithPayouts) Check(ctx context.Context) ([]providers.Finding, error) {
	found, err := c.Client.Check(ctx)
	if err != nil {
		return found, err
	}
	more, err := c.payouts.Check(ctx)
	return append(found, more...), err
}
