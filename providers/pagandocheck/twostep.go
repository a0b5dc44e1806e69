package pagandocheck

import (
	"context"
	"errors"
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// TwoStep is one account at Pagando Check that creates an order, which moves no money, and then
// charges it. The order's id is the payment's id at the provider, whichever response named it. It
// is safe for concurrent use.
type TwoStep struct{ one *Client }

// orderRef is the provider reference that holds an order's id.
const orderRef = "order_id"

var _ providers.TwoStep = (*TwoStep)(nil)

// SafeFirstStep is true: the first step creates an order, which is not charged.
func (c *TwoStep) SafeFirstStep() bool { return true }

// Close drops the idle connections.
func (c *TwoStep) Close() { c.one.Close() }

var _ providers.Preparer = (*TwoStep)(nil)

// Prepare makes sure that there is a token.
func (c *TwoStep) Prepare(ctx context.Context) error { return c.one.Prepare(ctx) }

var _ providers.Charger = (*TwoStep)(nil)

// Charge charges the order that an earlier attempt kept, or a new one. Nothing that can move money
// leaves before the order's id is kept.
func (c *TwoStep) Charge(ctx context.Context, ch providers.Charge, a providers.Attempt) (providers.Outcome, error) {
	if _, err := encodeCharge(ch, ""); err != nil {
		return wire.Inexpressible(err), nil
	}
	id := a.ProviderRefs[orderRef]
	if id == "" {
		made, err := c.order(ctx, ch)
		if err != nil || made.refusal != nil {
			return providers.Redact(made.outcome(), c.one.mappingContext(ch).hide...), err
		}
		id = made.id
	}
	body, err := encodeCharge(ch, id)
	if err != nil {
		return wire.Inexpressible(err), nil
	}
	if err := a.Checkpoint(ctx, map[string]string{orderRef: id}, true); err != nil {
		return providers.Outcome{}, &providers.NotSent{Reason: "checkpoint_refused", Err: err}
	}
	with := c.one.mappingContext(ch)
	with.order = id
	reply, err := c.one.post(ctx, chargePath, body, tokenRefused, &with)
	o, err := mapCharge(reply, err, with)
	return providers.Redact(o, with.hide...), err
}

// order creates an order. Its error means that there is none that is known of; another may be
// created.
func (c *TwoStep) order(ctx context.Context, ch providers.Charge) (orderResult, error) {
	return c.create(ctx, ch.Reference, ch.Amount.Text(), c.one.mappingContext(ch))
}

func (c *TwoStep) create(ctx context.Context, cart, total string, with mappingContext) (orderResult, error) {
	body, err := encodeOrder(c.one.config, cart, total)
	if err != nil {
		return orderResult{}, &providers.NotSent{Reason: wire.Invalid, Err: errors.New("the order cannot be written as JSON")}
	}
	reply, err := c.one.post(ctx, orderPath, body, tokenRefusedNoMoney, &with)
	return mapOrder(reply, err, with)
}

var _ providers.StatusChecker = (*TwoStep)(nil)

// Status queries the payment's order.
func (c *TwoStep) Status(ctx context.Context, q providers.StatusQuery) (providers.Outcome, error) {
	id := q.ProviderRefs[orderRef]
	if id == "" {
		id = q.ProviderID
	}
	if id == "" {
		return providers.Outcome{}, errors.New("status: no order is known of, so that there is nothing to ask about")
	}
	var with mappingContext
	if q.Charge != nil {
		with = c.one.mappingContext(*q.Charge)
	} else {
		with = c.one.mappingContext(providers.Charge{})
	}
	with.order, with.password = id, c.one.config.Password
	reply, err := c.one.queryOrder(ctx, id, tokenRefusedNoMoney, &with)
	o, err := mapStatus(reply, err, with)
	return providers.Redact(o, with.hide...), err
}

const (
	checkCart  = "remesa-check"
	checkTotal = "1.00"
)

var _ providers.Checker = (*TwoStep)(nil)

// Check logs in, creates an order that nobody charges, and queries it: the only proof that the
// account may do both.
func (c *TwoStep) Check(ctx context.Context) ([]providers.Finding, error) {
	found, err := c.one.checkLogin(ctx)
	if err != nil {
		return found, err
	}
	m, err := c.create(ctx, checkCart, checkTotal, c.one.mappingContext(providers.Charge{}))
	if refusedAfterLogin(err) {
		err = fmt.Errorf("%w: %w", errTokenRefused, err)
	}
	if err == nil && m.refusal != nil {
		err = fmt.Errorf("refused with code %s", m.refusal.Code)
	}
	if err != nil {
		return found, fmt.Errorf("no order could be created; where the account may not, set %sTWO_STEP=false: %w", setting, err)
	}
	found = append(found, providers.Finding{Text: "the account may use the two-step order (one of " + checkTotal + " MXN was created and stays unpaid)"})
	return append(found, c.checkInfo(ctx, m.id)), nil
}

// checkInfo queries the order that was just created. It is not paid, so that the result is in
// doubt.
func (c *TwoStep) checkInfo(ctx context.Context, id string) providers.Finding {
	o, err := c.Status(ctx, providers.StatusQuery{Reference: checkCart, ProviderRefs: map[string]string{orderRef: id}})
	switch {
	case err != nil:
		return providers.Finding{Warn: true, Text: "an order cannot be queried: " + err.Error()}
	case o.Class != providers.InDoubt || o.Echo.Reference != checkCart:
		return providers.Finding{Warn: true, Text: fmt.Sprintf("a status query of an unpaid order came to %s %s, and not to the order", o.Class, o.Code)}
	}
	return providers.Finding{Text: "an order can be queried"}
}
