package virtualpos

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

var (
	_ providers.Payer         = (*Client)(nil)
	_ providers.StatusChecker = (*Client)(nil)
	_ providers.Checker       = (*Client)(nil)
)

// Client is one account at VirtualPOS. It is safe for concurrent use.
type Client struct {
	config Config
	base   *url.URL
	wire   *wire.Client
}

// Close drops the idle connections.
func (c *Client) Close() { c.wire.Close() }

// Pay creates the instruction with one POST.
func (c *Client) Pay(ctx context.Context, p providers.Payout, _ providers.Attempt) (providers.Outcome, error) {
	tef, err := encodeTef(p)
	if err != nil {
		return refusedHere(err), nil
	}
	if _, err := c.statusURL(providers.Query{Reference: p.Reference}); err != nil {
		return refusedHere(err), nil // it could never be asked about
	}
	address, err := wire.Join(c.base, c.config.CreatePath)
	if err != nil {
		return refusedHere(err), nil
	}
	with := c.reading(p.Reference, &p)
	reply, err := c.send(ctx, http.MethodPost, address, tef, c.body(tef), &with)
	o, err := created(reply, err, with)
	return providers.Conceal(o, with.hide...), err
}

// refusedHere is a payout that was never sent, because it cannot be expressed to the provider.
func refusedHere(err error) providers.Outcome {
	return providers.Outcome{Class: providers.Refused, Code: "invalid", Message: err.Error()}
}

// Status asks by the provider's id where it is known, else by our reference.
func (c *Client) Status(ctx context.Context, q providers.Query) (providers.Outcome, error) {
	address, err := c.statusURL(q)
	if err != nil {
		return providers.Outcome{}, fmt.Errorf("status: %w", err)
	}
	tef, err := c.statusTef(q)
	if err != nil {
		return providers.Outcome{}, fmt.Errorf("status: %w", err)
	}
	with := c.reading(q.Reference, q.Payout)
	reply, err := c.send(ctx, http.MethodGet, address, tef, nil, &with)
	o, err := asked(reply, err, with)
	return providers.Conceal(o, with.hide...), err
}

func (c *Client) statusURL(q providers.Query) (string, error) {
	if q.ProviderID != "" {
		return wire.Join(c.base, c.config.StatusPath, "id", q.ProviderID)
	}
	return wire.Join(c.base, c.config.StatusByMerchantPath, "merchant_id", q.Reference)
}

// statusTef is what a status request signs; nil where the account signs the API key alone, or the payout's details are gone.
func (c *Client) statusTef(q providers.Query) ([]byte, error) {
	if q.Payout == nil || c.config.StatusSignature == SignAPIKey {
		return nil, nil
	}
	return encodeTef(*q.Payout)
}

// Check asks about a payout that does not exist: any readable answer to it proves address, credentials and signature.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	found := c.warnings()
	o, err := c.Status(ctx, providers.Query{Reference: "remesa-check"})
	if err != nil {
		return found, err
	}
	if o.Class == providers.NotFound {
		return append(found, providers.Finding{Text: "credentials accepted; an unknown payout is answered with " + o.Code}), nil
	}
	text := fmt.Sprintf("a question about an unknown payout was answered with %s %s, not with a code that means not found", o.Class, o.Code)
	return append(found, providers.Finding{Warn: true, Text: text}), nil
}

func (c *Client) warnings() []providers.Finding {
	if c.config.ClientCertFile != "" || wire.IsLoopback(c.base) {
		return nil
	}
	return []providers.Finding{{Warn: true, Text: "no client certificate (" + setting + "CLIENT_CERT_FILE): payout hosts are said to ask for one"}}
}

// send notes the signature among what is hidden: it carries the API key and the payout, readable by
// anybody.
func (c *Client) send(ctx context.Context, method, address string, tef, body []byte, with *reading) (wire.Reply, error) {
	signature, err := c.sign(tef)
	if err != nil {
		return wire.Reply{}, &wire.Error{Reason: wire.Invalid}
	}
	with.hide = append(with.hide, signature)
	header := http.Header{}
	header.Set("Authorization", c.config.APIKey.Reveal())
	header.Set("Signature", signature)
	header.Set("Accept", "application/json")
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	return c.wire.Do(ctx, wire.Request{Method: method, URL: address, Header: header, Body: body})
}

func (c *Client) reading(reference string, p *providers.Payout) reading {
	r := reading{now: c.config.Now(), reference: reference, hide: []string{c.config.APIKey.Reveal(), c.config.SecretKey.Reveal()}}
	if p != nil {
		r.account = p.Bank.AccountNumber
		r.hide = append(r.hide, p.Private()...)
	}
	return r
}
