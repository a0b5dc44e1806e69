package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// A payment that cannot move is parked in the ledger under a reason, until a worker for which the
// reason has ended unparks it. Behind the first colon of a reason stands what it is about: an
// account and a type of payment, a key, or the lane.
const (
	// reasonHalted is the provider's halt; with an account, that account's.
	reasonHalted = "halted"
	// reasonAccount: no credentials for the account here, or, with a type, an account that does not
	// make this type.
	reasonAccount = "account"
	// reasonCircuit: the account's circuit is open here.
	reasonCircuit = "circuit"
	// reasonThrottled: the provider throttles the account.
	reasonThrottled = "throttled"
	// reasonKey: sealed with a key that is not here; alone, not sealed; or a fingerprint that needs
	// the key, or its absence.
	reasonKey = "key"
	// reasonRate: the provider's rate limit leaves no slot soon.
	reasonRate = "rate"
	// reasonQueue: the lane's queue holds enough wake-ups.
	reasonQueue = "queue"
)

// aboutQueries stands behind the colon of a lane's reason, for the query lane; nothing does for the
// lanes of sends.
const aboutQueries = "query"

func laneReason(reason string, query bool) string {
	if query {
		return reason + ":" + aboutQueries
	}
	return reason
}

// park takes a payment out of the due index until its reason ends. Where that fails, the due time
// that it has wakes it.
func (e *Engine) park(ctx context.Context, k idempotency.Key, reason string, why error) {
	e.Log.Debug().Stringer("key", k).Err(why).Str("reason", reason).Msg("parked")
	if err := e.Ledger.Park(context.WithoutCancel(ctx), k, reason); err != nil {
		e.Log.Warn().Stringer("key", k).Err(err).Msg("could not be parked")
	}
}

// unpark makes payments due whose reason has ended, as far as this worker can tell, and no more
// than the lanes have capacity for. Each worker decides by its own accounts, keys and circuits, so
// that a worker that cannot serve a payment holds up none that can.
func (e *Engine) unpark(ctx context.Context, p idempotency.Partition) error {
	parked, err := e.Ledger.ParkedGroups(ctx, p)
	if err != nil || len(parked) == 0 {
		return err
	}
	halts, err := e.Ledger.HaltsIn(ctx, p)
	if err != nil {
		return err
	}
	capacity, err := e.laneCapacity(ctx, p)
	if err != nil {
		return err
	}
	var errs []error
	for _, g := range bulkLast(parked) {
		lane := capacity.of(laneOf(idempotency.WakeUp{Query: strings.HasSuffix(g.Reason, ":"+aboutQueries), Bulk: g.Bulk}))
		allowed, err := e.unparkable(ctx, p.Provider, g.Reason, halts, min(lane.payments(), int(parked[g])))
		unparked, unparkErr := e.Ledger.Unpark(ctx, p, g, min(allowed, lane.payments()))
		lane.add(unparked)
		errs = append(errs, err, unparkErr)
	}
	return errors.Join(errs...)
}

// bulkLast lists the groups, those of bulk payments behind all others: what a limit leaves is
// theirs.
func bulkLast(groups map[idempotency.ParkedGroup]int64) []idempotency.ParkedGroup {
	all := slices.Collect(maps.Keys(groups))
	slices.SortFunc(all, func(a, b idempotency.ParkedGroup) int {
		switch {
		case a.Bulk == b.Bulk:
			return strings.Compare(a.Reason, b.Reason)
		case a.Bulk:
			return 1
		default:
			return -1
		}
	})
	return all
}

// unparkable is how many of the payments parked for a reason may go on now, as far as this worker
// can tell; most is how many the lane takes.
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
		return e.Limiter.Capacity(ctx, provider, name == aboutQueries, most)
	case reasonQueue:
		return allIf(true), nil
	default: // a newer worker's
		return 0, nil
	}
}

func allIf(ended bool) int {
	if ended {
		return maxLane * tasks.WakeBatch
	}
	return 0
}

// halted reports whether the provider or the account is halted.
func halted(halts map[string]string, account string) bool {
	_, provider := halts[idempotency.AllAccounts]
	_, one := halts[account]
	return provider || one
}

// haltOf is the reason for which a halt parks a payment of the account.
func haltOf(halts map[string]string, account string) string {
	if _, provider := halts[idempotency.AllAccounts]; provider {
		return reasonHalted
	}
	return reasonHalted + ":" + account
}

// servesType reports whether this worker has the account, and, with a type ("account:type"),
// whether the account makes that type.
func (e *Engine) servesType(provider, name string) bool {
	account, kind, _ := strings.Cut(name, ":")
	c, ok := e.circuits[provider+"/"+account]
	if !ok {
		return false
	}
	only := servedType(c.account)
	return kind == "" || only == "" || only == kind
}

// decrypts reports whether this worker can use the payloads parked under name, the part behind
// reasonKey: a seal's prefix, the name of a fingerprint, or empty for payloads that are not sealed.
func (e *Engine) decrypts(name string) bool {
	if can, known := e.verifiesFingerprint(name); known {
		return can
	}
	if name == "" {
		return e.Seal == nil
	}
	return slices.Contains(e.Seal.Prefixes(), name)
}
