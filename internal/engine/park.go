package engine

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// What cannot move is parked in the ledger under the reason, until a worker for which the reason is
// over lets it go. Behind the first colon stands what it is about: an account, and a type of
// payment; a key; the lane.
const (
	// reasonHalted is the provider's halt; with an account, that account's.
	reasonHalted = "halted"
	// reasonAccount: no credentials for the account here, or, with a type, an account that does not
	// make this type.
	reasonAccount = "account"
	// reasonCircuit: the account's circuit is open here.
	reasonCircuit = "circuit"
	// reasonThrottled: the provider told the account to wait.
	reasonThrottled = "throttled"
	// reasonKey: sealed with a key that is not here; alone, not sealed; or a fingerprint that needs
	// the key, or its absence.
	reasonKey = "key"
	// reasonRate: the provider's rate limit leaves no slot soon.
	reasonRate = "rate"
	// reasonQueue: the lane has more wake-ups than it needs.
	reasonQueue = "queue"
)

// queryLane is the part behind the colon of a reason that is a lane's, for questions; for sends there
// is none.
const queryLane = "ask"

func laneReason(reason string, ask bool) string {
	if ask {
		return reason + ":" + queryLane
	}
	return reason
}

// park takes a payment out of the due index until its reason ends. Where even that fails, its due
// time wakes it as it stands.
func (e *Engine) park(ctx context.Context, k idempotency.Key, reason string, why error) {
	e.Log.Debug().Stringer("key", k).Err(why).Str("for", reason).Msg("waits")
	if err := e.Ledger.Park(context.WithoutCancel(ctx), k, reason); err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("could not be parked")
	}
}

// unpark makes due what waits for a reason that is over, as far as this worker can tell, and no more
// than the lanes have room for: each worker decides by its own accounts, keys and circuits, so that
// one which cannot serve holds up none that can.
func (e *Engine) unpark(ctx context.Context, provider string) error {
	waiting, err := e.Ledger.ParkedCounts(ctx, provider)
	if err != nil || len(waiting) == 0 {
		return err
	}
	halts, err := e.Ledger.Halts(ctx, provider)
	if err != nil {
		return err
	}
	room, err := e.laneCapacity(ctx, provider)
	if err != nil {
		return err
	}
	var errs []error
	for reason, n := range waiting {
		lane := room.of(strings.HasSuffix(reason, ":"+queryLane))
		allowed, err := e.unparkable(ctx, provider, reason, halts, min(lane.payments(), int(n)))
		gone, unparked := e.Ledger.Unpark(ctx, provider, reason, min(allowed, lane.payments()))
		lane.add(gone)
		errs = append(errs, err, unparked)
	}
	return errors.Join(errs...)
}

// unparkable is how many of those that wait for a reason may go on now, most at the most.
func (e *Engine) unparkable(ctx context.Context, provider, reason string, halts map[string]string, most int) (int, error) {
	kind, name, _ := strings.Cut(reason, ":")
	switch kind {
	case reasonHalted:
		return allIf(!halted(halts, name)), nil
	case reasonAccount:
		return allIf(e.servesType(provider, name)), nil
	case reasonCircuit:
		if c, ok := e.circuits[provider+"/"+name]; ok {
			return c.probes(), nil
		}
		return 0, nil
	case reasonThrottled:
		if _, ok := e.circuits[provider+"/"+name]; !ok {
			return 0, nil
		}
		return e.Throttle.Capacity(ctx, provider, name, most)
	case reasonKey:
		return allIf(e.decrypts(name)), nil
	case reasonRate:
		return e.Limiter.Capacity(ctx, provider, name == queryLane, most)
	case reasonQueue:
		return allIf(true), nil
	default: // a newer worker's
		return 0, nil
	}
}

func allIf(over bool) int {
	if over {
		return maxLane * tasks.WakeBatch
	}
	return 0
}

// halted reports whether a halt of the provider, or of the account, stands.
func halted(halts map[string]string, account string) bool {
	_, provider := halts[idempotency.AllAccounts]
	_, one := halts[account]
	return provider || one
}

// haltOf is the reason to park for of what such a halt stops.
func haltOf(halts map[string]string, account string) string {
	if _, provider := halts[idempotency.AllAccounts]; provider {
		return reasonHalted
	}
	return reasonHalted + ":" + account
}

// servesType reports whether this worker has the account, and, with a type ("account:type"), whether it
// makes that type.
func (e *Engine) servesType(provider, name string) bool {
	account, kind, _ := strings.Cut(name, ":")
	c, ok := e.circuits[provider+"/"+account]
	if !ok {
		return false
	}
	only := servedType(c.account)
	return kind == "" || only == "" || only == kind
}

// decrypts reports whether this worker opens what begins so; nothing stands for what is not sealed.
func (e *Engine) decrypts(head string) bool {
	if can, known := e.verifiesFingerprint(head); known {
		return can
	}
	if head == "" {
		return e.Seal == nil
	}
	return slices.Contains(e.Seal.Prefixes(), head)
}
