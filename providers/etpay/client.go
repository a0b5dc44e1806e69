package etpay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

var (
	_ providers.Charger       = (*Client)(nil)
	_ providers.StatusChecker = (*Client)(nil)
	_ providers.Checker       = (*Client)(nil)
	_ providers.TwoStep       = (*Client)(nil)
)

// Paths below the API's address.
const (
	openPath   = "/session/initialize"
	statusPath = "/merchant/check_payment_status"
	// payerPath is below the payment address.
	payerPath = "/session/{token}"
)

// Handles of a charge: the session, and the key of all messages about it.
const (
	SessionToken   = "session_token"
	SignatureToken = "signature_token"
)

// Client is one merchant account at ETpay. It is safe for concurrent use.
type Client struct {
	config        Config
	base, payment *url.URL
	wire          *wire.Client
}

// Close drops the idle connections.
func (c *Client) Close() { c.wire.Close() }

// OpensLate is true: no money moves before a payer acts, and nobody can act in a session whose token was handed to nobody. The attempt
// never reaches a step that can move money; what makes the payment possible is the address in its outcome.
func (c *Client) OpensLate() bool { return true }

// Charge opens a session. Every end but an opened session or a refusal is an error: another session may be opened. The session's tokens
// are kept, and the charge is findable by its session, before anybody is given the address.
func (c *Client) Charge(ctx context.Context, charge providers.Charge, a providers.Attempt) (providers.Outcome, error) {
	body, err := c.encodeOrder(charge)
	if err != nil {
		return providers.Outcome{Class: providers.Refused, Code: "invalid", Message: err.Error()}, nil
	}
	reply, err := c.post(ctx, openPath, body)
	with := c.reading(&charge)
	s, o, err := opened(reply, err, with)
	if err != nil || s == nil {
		return providers.Conceal(o, with.hide...), err
	}
	address, err := wire.Join(c.payment, payerPath, "token", s.token)
	if err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: wire.Unreadable}
	}
	handles := map[string]string{SessionToken: s.token, SignatureToken: s.signature}
	if err := a.Note(ctx, handles, false); err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: notKept, Err: err}
	}
	if err := a.Alias(ctx, s.token); err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: notKept, Err: err}
	}
	return providers.Outcome{Class: providers.Pending, Code: unpaid, ActionURL: address, Handles: handles}, nil
}

// Status asks by our order id: whatever was paid for it counts, in whichever session. A payout is none of it: one that was sent while
// payouts were on is not asked about until they are on again.
func (c *Client) Status(ctx context.Context, q providers.Query) (providers.Outcome, error) {
	if isPayout(q) {
		return providers.Outcome{}, errors.New("status: a payout, and this account has no settings for payouts")
	}
	body, err := c.encodeQuestion(q.Reference)
	if err != nil {
		return providers.Outcome{}, fmt.Errorf("status: %w", err)
	}
	reply, err := c.post(ctx, statusPath, body)
	o, err := asked(reply, err, q, c.config.Now())
	return providers.Conceal(o, append(c.hidden(q.Charge), q.Handles[SignatureToken])...), err
}

// Check asks about an order that does not exist: an array, empty or not, proves address and credentials.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	o, err := c.Status(ctx, providers.Query{Reference: "remesacheck"})
	switch {
	case err != nil:
		return nil, err
	case o.Class != providers.Pending || o.Code != unpaid:
		text := "a question about an unknown order was answered with payments: is this order id in use?"
		return []providers.Finding{{Warn: true, Text: text}}, nil
	case c.config.WebhookURL == "":
		return []providers.Finding{{Text: "credentials accepted; no webhook is asked for, so payments are found by polling alone"}}, nil
	}
	return []providers.Finding{{Text: "credentials accepted"}}, nil
}

// post sends JSON. The merchant's credentials are in the body; there is no header for them.
func (c *Client) post(ctx context.Context, path string, body []byte) (wire.Reply, error) {
	address, err := wire.Join(c.base, path)
	if err != nil {
		return wire.Reply{}, &wire.Error{Reason: wire.Invalid}
	}
	header := http.Header{}
	header.Set("Accept", "application/json")
	header.Set("Content-Type", "application/json")
	return c.wire.Do(ctx, wire.Request{Method: http.MethodPost, URL: address, Header: header, Body: body})
}

// Account is the client as an account of that name. Its identity is the host and the merchant code.
func (c *Client) Account(name string) providers.Account {
	return providers.Account{
		Provider: providers.ETpay, Name: name, Client: c, Identity: c.base.Host + " " + c.config.MerchantCode,
		Real: !wire.IsLoopback(c.base) || !wire.IsLoopback(c.payment),
	}
}
