package coordinador

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

var _ providers.Checker = (*Client)(nil)

// Client is one account at the portal. It is safe for concurrent use.
type Client struct {
	config          Config
	portal, gateway *url.URL
	api             *auth.Client
	// noRefresh is set once the portal refused to refresh a token.
	noRefresh atomic.Bool
}

// Close drops the idle connections.
func (c *Client) Close() { c.api.Close() }

var _ providers.TwoStep = (*Client)(nil)

// SafeFirstStep is true: an attempt begins with a query of what is registered.
func (c *Client) SafeFirstStep() bool { return true }

var _ providers.Preparer = (*Client)(nil)

// Prepare makes sure that there is a token.
func (c *Client) Prepare(ctx context.Context) error { return c.api.Prepare(ctx) }

// registrationSentRef is the provider reference that tells a row which may be ours from one that
// cannot be: an attempt keeps it right before it registers.
const registrationSentRef = "sent"

func registrationSent(value string) map[string]string {
	return map[string]string{registrationSentRef: value}
}

// mayHaveRegistered reports whether an attempt of ours may have registered the payment.
func mayHaveRegistered(refs map[string]string) bool { return refs[registrationSentRef] == "1" }

var _ providers.Payer = (*Client)(nil)

// Pay queries first: a row that is there before our first attempt is somebody else's, one that is
// there after it is ours. Where there is none it registers the payment with one POST.
func (c *Client) Pay(ctx context.Context, p providers.Payout, a providers.Attempt) (providers.Outcome, error) {
	hide := c.privateTexts(p)
	o, err := c.pay(ctx, p, a, &hide)
	return providers.Redact(o, hide...), err
}

// privateTexts lists what no text about the payout may repeat.
func (c *Client) privateTexts(p providers.Payout) []string {
	return append([]string{c.config.Password.Reveal(), c.config.Username}, p.PrivateTexts()...)
}

func (c *Client) pay(ctx context.Context, p providers.Payout, a providers.Attempt, hide *[]string) (providers.Outcome, error) {
	r, err := newRegistration(p)
	if err != nil {
		return wire.Inexpressible(err), nil
	}
	rows, err := c.rowsOf(ctx, r.instruction())
	if err != nil {
		return providers.Outcome{}, notSent(err)
	}
	if len(rows) > 0 {
		return outcomeOfRows(rows, p.Amount, mayHaveRegistered(a.ProviderRefs) || a.MayHaveLeft), nil
	}
	o, err := c.register(ctx, r, a, hide)
	if err != nil || o.Class == providers.Refused || o.Class == providers.Duplicate {
		clearRegistrationSent(ctx, a)
		return o, err
	}
	if o.Class == providers.Pending {
		return c.confirmRegistration(ctx, r.instruction(), p.Amount, o), nil
	}
	return o, nil
}

// notSent is the error of an attempt whose query of the rows came to nothing.
func notSent(err error) error {
	if errors.As(err, new(*providers.NotSent)) || errors.As(err, new(*providers.CredentialsError)) {
		return err
	}
	return &providers.NotSent{Reason: "precheck", Err: err}
}

// register sends the one request that matters. An error means that the portal cannot have acted on
// it.
func (c *Client) register(ctx context.Context, r registration, a providers.Attempt, hide *[]string) (providers.Outcome, error) {
	form, err := r.form()
	if err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: wire.Invalid, Err: err}
	}
	post, err := wire.NewRequestAt(http.MethodPost, c.gateway, registerPath, form)
	if err != nil {
		return providers.Outcome{}, err
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("username", c.config.Username)
	post.Header.Set("password", c.config.Password.Reveal())
	if err := a.Checkpoint(ctx, registrationSent("1"), true); err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: "superseded", Err: err}
	}
	reply, err := c.send(ctx, post, hide)
	return mapRegistration(reply, err, c.config.Auth.Now(), *hide)
}

// clearRegistrationSent takes back that an attempt may have registered the payment, where it proved
// that it did not and none before it may have. Should it fail, a row that somebody else registers
// meanwhile would count as ours.
func clearRegistrationSent(ctx context.Context, a providers.Attempt) {
	if !mayHaveRegistered(a.ProviderRefs) {
		_ = a.Checkpoint(ctx, registrationSent(""), false)
	}
}

// confirmRegistration reads what the portal made of an accepted registration. Where that is not
// plainly our payment the status query decides.
func (c *Client) confirmRegistration(ctx context.Context, instruction int64, amount providers.Money, accepted providers.Outcome) providers.Outcome {
	rows, err := c.rowsOf(ctx, instruction)
	if err != nil {
		return accepted
	}
	if o := outcomeOfRows(rows, amount, true); o.Class == providers.Succeeded {
		return o
	}
	return accepted
}

var _ providers.StatusChecker = (*Client)(nil)

// Status reads what is registered for the payment's instruction. Only a payment that we may have
// registered is ever found.
func (c *Client) Status(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	if q.Payout == nil {
		return providers.Outcome{}, errors.New("status: the payment's details are gone, and with them its instruction")
	}
	r, err := newRegistration(*q.Payout)
	if err != nil {
		return providers.Outcome{}, fmt.Errorf("status: %w", err)
	}
	rows, err := c.rowsOf(ctx, r.instruction())
	if err != nil {
		return providers.Outcome{}, fmt.Errorf("no answer: %w", err)
	}
	ours := mayHaveRegistered(q.ProviderRefs) || q.ProviderID != ""
	o := outcomeOfRows(rows, q.Payout.Amount, ours)
	if two, twice := secondExecution(rows, q.Payout.Amount, q.ProviderID); q.ByReference && ours && twice {
		o = two
	}
	return providers.Redact(o, c.privateTexts(*q.Payout)...), nil
}

// send makes one request to the gateway under the account's token. A 401 means that it was refused
// before anything was done: then it is repeated once, with another token, within the attempt's own
// deadline. The tokens are added to what is hidden.
func (c *Client) send(ctx context.Context, r wire.Request, hide *[]string) (wire.Reply, error) {
	return c.api.Do(ctx, r, tokenRefused, hide)
}
