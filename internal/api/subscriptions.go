package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/tasks"
)

func (a *API) getSubscription(c *call) error {
	s, err := a.subscription(c)
	if err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, jsonMedia, view.NewShownSubscription(s))
	return nil
}

// subscription is the one that the address names.
func (a *API) subscription(c *call) (billing.Details, error) {
	s, err := a.Subscriptions.Get(c.r.Context(), c.r.PathValue("id"))
	if err == nil {
		c.about = s.ID
	}
	return s, err
}

// request is a change of a subscription that its record alone decides.
type request func(ctx context.Context, c *billing.Client, id string, by billing.Actor) (billing.Applied, error)

func pause(ctx context.Context, c *billing.Client, id string, by billing.Actor) (billing.Applied, error) {
	return c.Pause(ctx, id, by)
}

func resume(ctx context.Context, c *billing.Client, id string, by billing.Actor) (billing.Applied, error) {
	return c.Resume(ctx, id, by)
}

func cancel(ctx context.Context, c *billing.Client, id string, by billing.Actor) (billing.Applied, error) {
	return c.Cancel(ctx, id, by)
}

func (a *API) changeSubscription(c *call, do request) error {
	if err := a.mayChange(c); err != nil {
		return err
	}
	body, err := c.readObject(actorFields())
	if err != nil {
		return err
	}
	return a.apply(c, body, do)
}

// mayChange refuses a key that may not submit for the subscription's account.
func (a *API) mayChange(c *call) error {
	s, err := a.subscription(c)
	if err != nil {
		return err
	}
	return c.maySubmit(s.Provider, s.Account)
}

func (a *API) apply(c *call, body strictjson.Value, do request) error {
	ctx, cancel := c.unbroken()
	defer cancel()
	by := c.actor(body)
	applied, err := do(ctx, a.Subscriptions, c.about, billing.Actor{By: by.By, Note: by.Note})
	if err != nil {
		return err
	}
	if applied.Deferred != nil {
		a.Log.Warn().Err(applied.Deferred).Str("about", c.about).Msg("a request is written; what follows from it is left to the workers")
	}
	writeJSON(c.w, http.StatusOK, jsonMedia, view.NewSubscription(applied.After))
	return nil
}

func changeFields() []field {
	return append(actorFields(),
		field{name: "amount", kind: strictjson.String, longest: 32, about: "The amount of each period, in the subscription's currency."},
		field{name: "card", kind: strictjson.Object, about: "The new card, as in the subscription; it replaces the old one as a whole."},
	)
}

// changeContent gives a subscription another amount or card.
func (a *API) changeContent(c *call) error {
	if err := a.mayChange(c); err != nil {
		return err
	}
	body, err := c.readObject(changeFields())
	if err != nil {
		return err
	}
	var change tasks.Change
	if amount, ok := body.Member("amount"); ok {
		change.Amount = &amount.Text
	}
	if card, ok := body.Member("card"); ok {
		if change.Card, err = json.Marshal(plain(card)); err != nil {
			return invalidText("card: must be a JSON object")
		}
	}
	if change.Amount == nil && change.Card == nil {
		return invalidText("amount: give amount, card or both")
	}
	return a.apply(c, body, func(ctx context.Context, s *billing.Client, id string, by billing.Actor) (billing.Applied, error) {
		return s.Change(ctx, id, change, by)
	})
}

// plain is the value for encoding/json.
func plain(v strictjson.Value) any {
	switch v.Kind {
	case strictjson.Object:
		m := map[string]any{}
		for _, member := range v.Members {
			m[member.Name] = plain(member.Value)
		}
		return m
	case strictjson.Array:
		items := make([]any, len(v.Items))
		for i, item := range v.Items {
			items[i] = plain(item)
		}
		return items
	case strictjson.String:
		return v.Text
	case strictjson.Number, strictjson.Bool:
		return json.RawMessage(v.Text)
	default:
		return nil
	}
}
