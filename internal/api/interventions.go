package api

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
)

// intervention is what a step by hand comes to.
type intervention struct {
	Key   string            `json:"key"`
	State idempotency.State `json:"state"`
}

// intervene carries out a step on the payment as it is now. Where the payment changes meanwhile,
// the step is refused: somebody decided about another state.
func (a *API) intervene(c *call, k idempotency.Key, do func(ctx context.Context, version int64) (idempotency.Transition, error)) error {
	ctx, cancel := c.unbroken()
	defer cancel()
	r, err := a.Ledger.Show(ctx, k)
	if err != nil {
		return err
	}
	t, err := do(ctx, r.Version)
	if err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, jsonMedia, intervention{k.String(), t.State})
	return nil
}

func (a *API) cancelPayment(c *call) error {
	k, err := c.paymentKey()
	if err != nil {
		return err
	}
	if err := c.maySubmit(k.Provider, k.Account); err != nil {
		return err
	}
	body, err := c.readObject(actorFields())
	if err != nil {
		return err
	}
	return a.intervene(c, k, func(ctx context.Context, version int64) (idempotency.Transition, error) {
		return a.Ledger.Cancel(ctx, k, version, c.actor(body))
	})
}

func resolutionFields() []field {
	return append(actorFields(),
		field{name: "as", kind: strictjson.String, values: []string{"succeeded", "failed", "not-received"}, about: "What became of a payment in doubt, pending or held (`not-received`: held only)."},
		field{name: "provider_id", kind: strictjson.String, longest: 128, about: "The provider's id of the payment, with `as` succeeded or failed."},
		field{name: "decline", kind: strictjson.String, values: []string{"soft", "hard"}, about: "With `as` failed: whether another attempt may succeed."},
		field{name: "accept_double_risk", kind: strictjson.Bool, about: "With `as` failed: nothing was executed, and the attempts are closed too."},
		field{name: "anomaly", kind: strictjson.String, values: []string{"accept", "reverse"}, about: "Clear an anomaly: `accept` makes failed into succeeded, `reverse` makes succeeded into reversed."},
	)
}

func (a *API) resolvePayment(c *call) error {
	k, err := c.paymentKey()
	if err != nil {
		return err
	}
	body, err := c.readObject(resolutionFields())
	if err != nil {
		return err
	}
	as, anomaly := text(body, "as"), text(body, "anomaly")
	if detail := mismatch(body); detail != "" {
		return invalidText(detail)
	}
	return a.intervene(c, k, func(ctx context.Context, version int64) (idempotency.Transition, error) {
		if anomaly != "" {
			return a.Ledger.ClearAnomaly(ctx, k, version, anomaly == "reverse", c.actor(body))
		}
		return a.Ledger.Resolve(ctx, k, version, idempotency.Resolution{
			Actor: c.actor(body), As: as, ProviderID: text(body, "provider_id"), Decline: providers.Decline(text(body, "decline")),
			AcceptDoubleRisk: text(body, "accept_double_risk") == "true",
		})
	})
}

// mismatch says which fields of a resolution do not go together; it is empty where all do.
func mismatch(body strictjson.Value) string {
	as := text(body, "as")
	switch {
	case (as == "") == (text(body, "anomaly") == ""):
		return "as: give either as or anomaly"
	case text(body, "provider_id") != "" && as != "succeeded" && as != "failed":
		return "provider_id: goes with as succeeded or failed"
	case text(body, "decline") != "" && as != "failed":
		return "decline: goes with as failed"
	case text(body, "accept_double_risk") == "true" && as != "failed":
		return "accept_double_risk: goes with as failed"
	}
	return ""
}

func retryFields() []field {
	return append(actorFields(), field{name: "accept_double_risk", kind: strictjson.Bool,
		about: "After `not-received`: begin again although the first attempt may still have been executed."})
}

func (a *API) retryPayment(c *call) error {
	k, err := c.paymentKey()
	if err != nil {
		return err
	}
	body, err := c.readObject(retryFields())
	if err != nil {
		return err
	}
	return a.intervene(c, k, func(ctx context.Context, version int64) (idempotency.Transition, error) {
		return a.Ledger.Retry(ctx, k, version, text(body, "accept_double_risk") == "true", c.actor(body))
	})
}

func (a *API) releasePayment(c *call) error {
	k, err := c.paymentKey()
	if err != nil {
		return err
	}
	body, err := c.readObject(actorFields())
	if err != nil {
		return err
	}
	return a.intervene(c, k, func(ctx context.Context, version int64) (idempotency.Transition, error) {
		return a.Ledger.Unblock(ctx, k, version, c.actor(body))
	})
}

func haltFields() []field {
	return append(actorFields(),
		field{name: "provider", required: true, kind: strictjson.String, values: catalog.Names(), about: "The provider."},
		field{name: "account", kind: strictjson.String, longest: 32, about: "Only this account; without it all of the provider."},
	)
}

// haltList is what is halted; account "*" is the whole provider.
type haltList struct {
	Halts []haltEntry `json:"halts"`
}

type haltEntry struct {
	Provider string `json:"provider"`
	Account  string `json:"account"`
	// Entry says since when, who and why.
	Entry string `json:"entry"`
}

func (a *API) halt(c *call, halted bool) error {
	body, err := c.readObject(haltFields())
	if err != nil {
		return err
	}
	provider, account := text(body, "provider"), text(body, "account")
	if account != "" && (idempotency.Key{Provider: provider, Account: account, Reference: "x"}).Validate() != nil {
		return invalidText("account: must be 1 to 32 lower-case letters, digits and dashes")
	}
	ctx, cancel := c.unbroken()
	defer cancel()
	do := a.Ledger.Unhalt
	if halted {
		do = a.Ledger.Halt
	}
	if err := do(ctx, provider, account, c.actor(body)); err != nil {
		return err
	}
	return a.writeHalts(c, provider)
}

func (a *API) listHalts(c *call) error { return a.writeHalts(c, catalog.Names()...) }

func (a *API) writeHalts(c *call, names ...string) error {
	list := haltList{Halts: []haltEntry{}}
	for _, provider := range names {
		halts, err := a.Ledger.Halts(c.r.Context(), provider)
		if err != nil {
			return err
		}
		for _, account := range slices.Sorted(maps.Keys(halts)) {
			list.Halts = append(list.Halts, haltEntry{provider, account, halts[account]})
		}
	}
	writeJSON(c.w, http.StatusOK, jsonMedia, list)
	return nil
}
