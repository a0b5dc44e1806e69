package virtualpos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// Client is one account at VirtualPOS. It is safe for concurrent use.
type Client struct {
	config Config
	base   *url.URL
	wire   *wire.Client
}

// Close drops the idle connections.
func (c *Client) Close() { c.wire.Close() }

var _ providers.Payer = (*Client)(nil)

// Pay creates the instruction with one POST.
func (c *Client) Pay(ctx context.Context, p providers.Payout, _ providers.Attempt) (providers.Outcome, error) {
	tef, err := encodeTef(p)
	if err != nil {
		return wire.Inexpressible(err), nil
	}
	if _, err := c.statusURL(providers.StatusQuery{Reference: p.Reference}); err != nil {
		return wire.Inexpressible(err), nil // it could never be queried
	}
	address, err := wire.Join(c.base, c.config.CreatePath)
	if err != nil {
		return wire.Inexpressible(err), nil
	}
	with := c.mappingContext(p.Reference, &p)
	reply, err := c.send(ctx, wire.NewRequest(http.MethodPost, address, c.body(tef)), tef, &with)
	o, err := mapPayout(reply, err, with)
	return providers.Redact(o, with.hide...), err
}

var _ providers.StatusChecker = (*Client)(nil)

// Status queries by our reference where the id is not known or where that is wanted, else by the
// id. A refused payout under our reference that is not the known one says nothing of that one: then
// both are queried.
func (c *Client) Status(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	if !q.ByReference {
		return c.queryStatus(ctx, q)
	}
	known := q.ProviderID
	q.ProviderID = ""
	o, err := c.queryStatus(ctx, q)
	if err != nil || known == "" || o.Class != providers.Refused || o.ProviderID == known {
		return o, err
	}
	q.ProviderID = known
	return c.queryStatus(ctx, q)
}

// queryStatus queries once, by the provider's id where it is given, else by our reference. Refused
// credentials are believed where a query of a made-up payout is refused as well: the payout may be
// somebody else's, which our signature does not fit.
func (c *Client) queryStatus(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	o, err := c.checkStatusQuery(ctx, q)
	var refused *providers.CredentialsError
	if !errors.As(err, &refused) {
		return o, err
	}
	if _, err := c.checkStatusQuery(ctx, probeQuery()); err != nil {
		return o, refused
	}
	return o, fmt.Errorf("no answer: the signature over this payout was refused, code %s", refused.Code)
}

func (c *Client) checkStatusQuery(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	address, err := c.statusURL(q)
	if err != nil {
		return providers.Outcome{}, fmt.Errorf("status: %w", err)
	}
	tef, err := c.statusTef(q)
	if err != nil {
		return providers.Outcome{}, fmt.Errorf("status: %w", err)
	}
	with := c.mappingContext(q.Reference, q.Payout)
	with.noDetails = tef == nil
	reply, err := c.send(ctx, wire.NewRequest(http.MethodGet, address, nil), tef, &with)
	o, err := mapStatus(reply, err, with)
	return providers.Redact(o, with.hide...), err
}

func (c *Client) statusURL(q providers.StatusQuery) (string, error) {
	if q.ProviderID != "" {
		return wire.Join(c.base, c.config.StatusPath, "id", q.ProviderID)
	}
	return wire.Join(c.base, c.config.StatusByMerchantPath, "merchant_id", q.Reference)
}

// statusTef is what a status request signs; nil where the account signs the API key alone. A final
// payout whose details are gone is not queried where they are to sign: the provider would refuse
// the query like wrong credentials.
func (c *Client) statusTef(q providers.StatusQuery) ([]byte, error) {
	switch {
	case c.config.StatusSignature == SignAPIKey:
		return nil, nil
	case q.Payout == nil:
		return nil, errors.New("the payout's details are gone, and with them what signs a status query")
	}
	return encodeTef(*q.Payout)
}

// probeQuery names a payout that nobody made, and is signed as any other query.
func probeQuery() providers.StatusQuery {
	amount, _ := providers.ParseMoney("1", "CLP") // is an amount
	p := providers.Payout{
		Payment:   providers.Payment{Provider: Name, Reference: "remesa-check", Amount: amount, Description: "remesa check"},
		Recipient: providers.Recipient{Document: "11111111-1", Name: "remesa check", Email: "check@remesa.example"},
		Bank:      providers.Bank{Code: "012", AccountNumber: "1"},
	}
	return providers.StatusQuery{Reference: p.Reference, Amount: amount, Payout: &p}
}

var _ providers.Checker = (*Client)(nil)

// Check queries a payout that does not exist: any readable response proves address, credentials and
// signature.
func (c *Client) Check(ctx context.Context) ([]providers.Finding, error) {
	found := c.warnings()
	o, err := c.checkStatusQuery(ctx, probeQuery())
	if err != nil {
		return found, err
	}
	if o.Class == providers.NotFound {
		return append(found, providers.Finding{Text: "credentials accepted; an unknown payout is answered with " + o.Code}), nil
	}
	text := fmt.Sprintf("a status query of an unknown payout came to %s %s, not to a code that means not found", o.Class, o.Code)
	return append(found, providers.Finding{Warn: true, Text: text}), nil
}

func (c *Client) warnings() []providers.Finding {
	if c.config.Wire.ClientCertFile != "" || wire.IsLoopback(c.base) {
		return nil
	}
	return []providers.Finding{{Warn: true, Text: "no client certificate (" + setting + "CLIENT_CERT_FILE): payout hosts are said to ask for one"}}
}

// send adds the signature to what is hidden: it carries the API key and the payout, readable by
// anybody.
func (c *Client) send(ctx context.Context, r wire.Request, tef []byte, with *mappingContext) (wire.Reply, error) {
	signature, err := c.sign(tef)
	if err != nil {
		return wire.Reply{}, &wire.Error{Reason: wire.Invalid}
	}
	with.hide = append(with.hide, signature)
	r.Header.Set("Authorization", c.config.APIKey.Reveal())
	r.Header.Set("Signature", signature)
	return c.wire.Do(ctx, r)
}

func (c *Client) mappingContext(reference string, p *providers.Payout) mappingContext {
	r := mappingContext{now: c.config.Now(), reference: reference, hide: make([]string, 0, 8)}
	r.hide = append(r.hide, c.config.APIKey.Reveal(), c.config.SecretKey.Reveal())
	if p != nil {
		r.bank, r.account = p.Bank.Code, p.Bank.AccountNumber
		r.hide = append(r.hide, p.PrivateTexts()...)
	}
	return r
}
