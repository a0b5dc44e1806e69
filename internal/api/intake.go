package api

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/tasks"
)

// takeTasks takes in one task of a type, or a file of them.
func (a *API) takeTasks(c *call, kind string) error {
	file, err := c.isFile()
	if err != nil {
		return err
	}
	a.follow(c)
	in := intake.Tasks{Client: a.Tasks, Accounts: a.Accounts, Registered: a.Registered}
	if file {
		in.May = c.mayLine
		return stream(a, c, func(body io.Reader) func() (tasks.Line, error) {
			return tasks.NewReaderAs(kind, body).Next
		}, in.Answer)
	}
	body, err := c.readBody()
	if err != nil {
		return err
	}
	task, err := tasks.DecodeAs(kind, body)
	if err != nil {
		return invalid(tasks.Problems(kind, body)...)
	}
	c.about = task.Key().String()
	if err := c.agrees(task.Reference(), task.Key().String()); err != nil {
		return err
	}
	if err := c.maySubmit(task.Provider(), task.Account()); err != nil {
		return err
	}
	ctx, cancel := c.unbroken()
	defer cancel()
	results, err := in.Answer(ctx, []tasks.Line{{Task: task, Key: task.Key()}})
	if err != nil {
		return err
	}
	return c.writeResult(results[0], task.Key())
}

// follow continues the caller's trace, if it named one.
func (a *API) follow(c *call) {
	if a.Trace != nil {
		c.r = c.r.WithContext(a.Trace.Remote(c.r.Context(), c.r.Header.Get("Traceparent")))
	}
}

// unbroken is a context for what must not be left half done because the client has gone.
func (c *call) unbroken() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.r.Context()), requestTimeout)
}

func (c *call) writeResult(r intake.Result, k idempotency.Key) error {
	status := http.StatusCreated
	switch tasks.SubmitResult(r.Result) {
	case tasks.Conflict:
		return conflict(r.Error, r.Key)
	case tasks.Invalid:
		return invalidText(r.Error)
	case tasks.Duplicate:
		status = http.StatusOK
	case tasks.Enqueued:
		if c.op.id == "requestStatus" {
			status = http.StatusAccepted
		}
	}
	c.w.Header().Set("Location", "/v1/payments/"+k.String())
	writeJSON(c.w, status, jsonMedia, r)
	return nil
}

// conflict is a reference that another payment or subscription has.
func conflict(text, key string) *Problem {
	p := problem(http.StatusConflict, "conflict", "another payment or subscription has this reference, and nothing was changed: "+text)
	p.Result, p.Key = string(tasks.Conflict), key
	return p
}

// takeSubscriptions adds one subscription, or a file of them.
func (a *API) takeSubscriptions(c *call) error {
	file, err := c.isFile()
	if err != nil {
		return err
	}
	in := intake.Subscriptions{Client: a.Subscriptions, Accounts: a.Accounts, Registered: a.Registered}
	if file {
		in.May = c.mayLine
		return stream(a, c, func(body io.Reader) func() (tasks.SubscriptionLine, error) {
			return tasks.NewSubscriptionReader(body).Next
		}, in.Answer)
	}
	body, err := c.readBody()
	if err != nil {
		return err
	}
	s, err := tasks.DecodeSubscription(body)
	if err != nil {
		return invalid(tasks.SubscriptionProblems(body)...)
	}
	c.about = s.ID()
	if err := c.agrees(s.ID(), s.ID()); err != nil {
		return err
	}
	if err := c.maySubmit(s.Provider(), s.Account()); err != nil {
		return err
	}
	ctx, cancel := c.unbroken()
	defer cancel()
	results, err := in.Answer(ctx, []tasks.SubscriptionLine{{ID: s.ID(), Subscription: s}})
	if err != nil {
		return err
	}
	return c.writeAdded(results[0])
}

func (c *call) writeAdded(r intake.Added) error {
	status := http.StatusCreated
	switch r.Result {
	case string(billing.Conflicting):
		return conflict(r.Error, "")
	case intake.Invalid:
		return invalidText(r.Error)
	case string(billing.Duplicate):
		status = http.StatusOK
	}
	c.w.Header().Set("Location", "/v1/subscriptions/"+r.ID)
	writeJSON(c.w, status, jsonMedia, r)
	return nil
}

// mayLine refuses a line of a file as if its account were wrong.
func (c *call) mayLine(provider, account string) error {
	if c.key.MaySubmit(provider, account) {
		return nil
	}
	return &tasks.FieldError{Path: "account", Problem: "this key may not submit for this provider and account"}
}

const idempotencyKey = "Idempotency-Key"

// agrees refuses an Idempotency-Key that is not what the payment is known by anyway: a client that
// made up another one would believe that it can send the payment twice. It may stand in quotes.
func (c *call) agrees(reference, key string) error {
	sent := c.r.Header.Values(idempotencyKey)
	for _, text := range sent {
		text = strings.TrimSpace(text)
		if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' {
			text = text[1 : n-1]
		}
		if text != reference && text != key {
			return badHeader(idempotencyKey, "must be the reference (merchant_id, txnid, id), which is the idempotency key here, or be left out")
		}
	}
	return nil
}
