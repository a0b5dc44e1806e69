package engine

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// failuresToOpen is how many attempts in a row may fail to connect before the account's circuit
// opens. Refused credentials open it at once: trying them again may lock the account.
const failuresToOpen = 5

// circuit parks an account's payments, at no cost to their retries, while its provider refuses
// connections or credentials. After each cooldown one payment is the probe.
type circuit struct {
	account  providers.Account
	breaker  *gobreaker.TwoStepCircuitBreaker[any]
	cooldown time.Duration
	// untimed429s counts the probes in a row that were throttled without a Retry-After.
	untimed429s atomic.Int32
	mu          sync.Mutex
	// credentialsRefused is set while the breaker gets refused credentials as a result.
	credentialsRefused bool
}

func newCircuit(a providers.Account, o Options) *circuit {
	c := &circuit{account: a, cooldown: o.CircuitCooldown}
	name := a.Provider + "/" + a.Name
	c.breaker = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name: name, MaxRequests: 1, Timeout: o.CircuitCooldown,
		ReadyToTrip:  func(n gobreaker.Counts) bool { return c.credentialsRefused || n.ConsecutiveFailures >= failuresToOpen },
		IsSuccessful: func(err error) bool { return err == nil },
		IsExcluded:   func(err error) bool { return errors.Is(err, errInconclusive) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if open := to != gobreaker.StateClosed; open != (from != gobreaker.StateClosed) {
				o.Metrics.Circuit(a.Provider, open)
			}
			o.Log.Warn().Str("account", name).Stringer("from", from).Stringer("to", to).Msg("circuit")
		},
	})
	return c
}

// reason is the one for which payments are parked while the circuit is open.
func (c *circuit) reason() string { return reasonCircuit + ":" + c.account.Name }

// probes is how many of the parked payments may go on: all of a lane with a closed circuit, and
// after each cooldown one, the probe.
func (c *circuit) probes() int {
	switch c.breaker.State() {
	case gobreaker.StateClosed:
		return maxLane
	case gobreaker.StateHalfOpen:
		return 1
	default:
		return 0
	}
}

// enter returns an error while the circuit is open. The caller must call the function that it
// returns, with what the call said about the account: nil, an error, or errInconclusive.
func (c *circuit) enter() (func(error), error) {
	done, err := c.breaker.Allow()
	if err != nil {
		return nil, fmt.Errorf("circuit of %s/%s: %w", c.account.Provider, c.account.Name, err)
	}
	return func(err error) {
		var credentials *providers.CredentialsError
		c.mu.Lock()
		defer c.mu.Unlock()
		c.credentialsRefused = errors.As(err, &credentials)
		done(accountHealth(err))
	}, nil
}

// Sendable reports whether not every account's circuit is open.
func (e *Engine) Sendable() bool {
	if len(e.circuits) == 0 {
		return true
	}
	for _, c := range e.circuits {
		if c.breaker.State() != gobreaker.StateOpen {
			return true
		}
	}
	return false
}

// Circuits are the states of the circuits (closed, half-open, open) by provider/account. They are
// this worker's own.
func (e *Engine) Circuits() map[string]string {
	states := make(map[string]string, len(e.circuits))
	for name, c := range e.circuits {
		states[name] = c.breaker.State().String()
	}
	return states
}

// accountHealth is what a result says about the account. Only a failed connection and refused
// credentials count against it; a throttled request, and an attempt that never called the provider,
// are inconclusive.
func accountHealth(err error) error {
	var credentials *providers.CredentialsError
	var notSent *providers.NotSent
	switch {
	case err == nil, errors.As(err, &credentials):
		return err
	case errors.As(err, &notSent) && notSent.Reason == wire.Connect:
		return err
	default:
		return errInconclusive
	}
}
