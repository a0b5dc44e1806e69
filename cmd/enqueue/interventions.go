package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// actorFlags names the operator who changes something, and why. The history keeps both.
type actorFlags struct {
	By   string `required:"" placeholder:"NAME" help:"Who decides this; kept in the history (a claim, not a proof)."`
	Note string `required:"" placeholder:"TEXT" help:"Why; kept in the history."`
}

// Validate keeps the history readable on any terminal.
func (f actorFlags) Validate() error {
	if f.By == "" || f.Note == "" {
		return usage("--by and --note are required: who decides this, and why")
	}
	for _, text := range []string{f.By, f.Note} {
		if strings.TrimSpace(text) == "" || strings.ContainsFunc(text, unicode.IsControl) {
			return usage("--by and --note must hold a text without control characters")
		}
	}
	return nil
}

func (f actorFlags) actor() idempotency.Actor { return idempotency.Actor{By: f.By, Note: f.Note} }

// interventionResult is the line that an intervention prints.
type interventionResult struct {
	Key   string            `json:"key"`
	State idempotency.State `json:"state"`
}

// intervention changes a payment in the version that was read.
type intervention func(k idempotency.Key, version int64) (idempotency.Transition, error)

// runIntervention reads the payment, intervenes, and prints the state that follows.
func (a *app) runIntervention(key string, do intervention) error {
	k, err := a.findKey(key)
	if err != nil {
		return err
	}
	t, err := a.intervene(k, do)
	if err != nil {
		return err
	}
	if err := a.print(interventionResult{k.String(), t.State}); err != nil {
		return err
	}
	return a.flush()
}

// intervene does not try again where the payment changed in between: the operator decided about the
// version that was read.
func (a *app) intervene(k idempotency.Key, do intervention) (idempotency.Transition, error) {
	r, err := a.ledger.Show(a.ctx, k)
	if err != nil {
		return idempotency.Transition{}, a.failed(err)
	}
	t, err := do(k, r.Version)
	if err != nil {
		return t, a.failed(named(k.String(), err))
	}
	return t, nil
}

// named puts key or id before a refusal, which does not carry it.
func named(name string, err error) error {
	if expected(err) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return err
}

type resolveCmd struct {
	Key              string `arg:"" optional:"" help:"${key}."`
	File             string `placeholder:"FILE" help:"File with one key per line (- is stdin), instead of KEY; what stands behind a tab goes behind the note of that payment; blank lines are skipped. They are first counted: see --confirm-count."`
	As               string `enum:",succeeded,failed,not-received" default:"" placeholder:"succeeded|failed|not-received" help:"What became of a payment in doubt, pending or held (not-received: held only)."`
	ProviderID       string `placeholder:"ID" help:"The provider's id of the payment, with --as succeeded or failed."`
	Decline          string `enum:",soft,hard" default:"" placeholder:"soft|hard" help:"With --as failed: whether another attempt may succeed."`
	AcceptDoubleRisk bool   `help:"With --as failed: you know that nothing was executed; the attempts are closed too, so that dunning or a retry can go on."`
	Anomaly          string `enum:",accept,reverse" default:"" placeholder:"accept|reverse" help:"Clear an anomaly: accept makes failed into succeeded, reverse makes succeeded into reversed."`

	Confirm confirmFlags `embed:""`
	Actor   actorFlags   `embed:""`
}

// Validate refuses combinations that mean nothing.
func (c *resolveCmd) Validate() error {
	switch {
	case (c.Key == "") == (c.File == ""):
		return usage("give either a key or --file")
	case c.File == "" && c.Confirm.given():
		return usage("--confirm-count and --confirm-sum go with --file")
	case c.File != "" && c.ProviderID != "":
		return usage("--provider-id goes with one key, not with --file")
	case (c.As == "") == (c.Anomaly == ""):
		return usage("give either --as or --anomaly")
	case c.ProviderID != "" && c.As != string(idempotency.Succeeded) && c.As != string(idempotency.Failed):
		return usage("--provider-id goes with --as succeeded or failed")
	case c.Decline != "" && c.As != string(idempotency.Failed):
		return usage("--decline goes with --as failed")
	case c.AcceptDoubleRisk && c.As != string(idempotency.Failed):
		return usage("--accept-double-risk goes with --as failed")
	case len(c.ProviderID) > 128 || strings.ContainsFunc(c.ProviderID, unicode.IsControl):
		return usage("--provider-id: longer than 128 bytes, or with control characters")
	}
	if err := c.Confirm.validate(); err != nil {
		return err
	}
	return c.Actor.Validate()
}

// Run resolves the payment, or each of a file, or clears the anomaly.
func (c *resolveCmd) Run(a *app) error {
	evidence := map[idempotency.Key]string{}
	do := c.intervention(a, evidence)
	if c.File == "" {
		return a.runIntervention(c.Key, do)
	}
	return a.interveneInFile(c.File, &c.Confirm, do, evidence)
}

// intervention resolves, or clears an anomaly; the evidence of a payment goes behind the note.
func (c *resolveCmd) intervention(a *app, evidence map[idempotency.Key]string) intervention {
	return func(k idempotency.Key, version int64) (idempotency.Transition, error) {
		actor := c.Actor.actor()
		if evidence[k] != "" {
			actor.Note += "; " + evidence[k]
		}
		if c.Anomaly != "" {
			return a.ledger.ClearAnomaly(a.ctx, k, version, c.Anomaly == "reverse", actor)
		}
		return a.ledger.Resolve(a.ctx, k, version, idempotency.Resolution{
			Actor: actor, As: c.As, ProviderID: c.ProviderID, Decline: providers.Decline(c.Decline),
			AcceptDoubleRisk: c.AcceptDoubleRisk,
		})
	}
}

type retryCmd struct {
	Key              string       `arg:"" optional:"" help:"${key}."`
	File             string       `placeholder:"FILE" help:"File with one key per line (- is stdin), instead of KEY; see --confirm-count."`
	AcceptDoubleRisk bool         `help:"After not-received: begin again although the first attempt may still have been executed."`
	Confirm          confirmFlags `embed:""`
	Actor            actorFlags   `embed:""`
}

// Validate wants a key or a file, and checks who and why.
func (c *retryCmd) Validate() error {
	switch {
	case (c.Key == "") == (c.File == ""):
		return usage("give either a key or --file")
	case c.File == "" && c.Confirm.given():
		return usage("--confirm-count and --confirm-sum go with --file")
	}
	if err := c.Confirm.validate(); err != nil {
		return err
	}
	return c.Actor.Validate()
}

// Run begins a failed payment again, or makes a ready one due at once, or each of a file; the due
// index wakes it.
func (c *retryCmd) Run(a *app) error {
	do := func(k idempotency.Key, version int64) (idempotency.Transition, error) {
		return a.ledger.Retry(a.ctx, k, version, c.AcceptDoubleRisk, c.Actor.actor())
	}
	if c.File != "" {
		return a.interveneInFile(c.File, &c.Confirm, do, nil)
	}
	return a.runIntervention(c.Key, do)
}

type releaseCmd struct {
	Key     string       `arg:"" optional:"" help:"${key}."`
	File    string       `placeholder:"FILE" help:"File with one key per line (- is stdin), instead of KEY; see --confirm-count."`
	Blocked blockedFlags `embed:""`
	Actor   actorFlags   `embed:""`
}

// Validate wants a key, a file or --all, and checks who and why.
func (c *releaseCmd) Validate() error {
	if err := c.Blocked.validate(c.Key != "", c.File); err != nil {
		return err
	}
	return c.Actor.Validate()
}

// Run releases; the due index wakes it.
func (c *releaseCmd) Run(a *app) error {
	do := func(k idempotency.Key, version int64) (idempotency.Transition, error) {
		return a.ledger.Unblock(a.ctx, k, version, c.Actor.actor())
	}
	switch {
	case c.Blocked.All:
		return c.Blocked.each(a, do)
	case c.File != "":
		return a.interveneInFile(c.File, &c.Blocked.Confirm, do, nil)
	}
	return a.runIntervention(c.Key, do)
}
