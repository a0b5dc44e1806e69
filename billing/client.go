package billing

import (
	"context"

	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/tasks"
)

// ClientConfig is what a Client works with. Store, Ledger and Intake are required.
type ClientConfig struct {
	Store  *Store
	Ledger Ledger
	Intake Intake
	// FingerprintKey is the key of fingerprints (REMESA_FINGERPRINT_KEY). All producers and workers
	// must have the same.
	FingerprintKey []byte
	// Log gets what goes wrong with charges that a request leads to; the zero value logs nothing.
	Log zerolog.Logger
}

// Client adds subscriptions, reads them, and pauses, resumes, changes and cancels them, at the same
// time as any number of workers sweep them. A Client is safe for concurrent use.
//
// Errors: ErrUnknown, ErrVersionChanged, a Refusal, a RequestError, a ContentError and a
// *tasks.FieldError say why a request was not carried out; nothing was changed. tasks.ErrMemory
// means that Redis has too little memory for new subscriptions. Any other error is a failure of the
// store or of ctx: the request may have been written or not. Repeating Add is safe; whoever repeats
// another request and gets a Refusal finds in Details.History whether the first try was written.
type Client struct{ config ClientConfig }

// NewClient makes a client. It dials nothing.
func NewClient(c ClientConfig) *Client { return &Client{c} }

// RequestError is a request that is wrong whatever the subscription: an id of another form, an
// Actor without a name or a note.
type RequestError struct{ Problem string }

func (e RequestError) Error() string { return e.Problem }

// ContentError: the content of a subscription cannot be read, so it cannot be changed.
type ContentError struct {
	// Err is that of package seal where no key at hand opens the content; else nil.
	Err error
}

func (e ContentError) Error() string {
	if e.Err == nil {
		return "its content cannot be read"
	}
	return "its content: " + e.Err.Error()
}

func (e ContentError) Unwrap() error { return e.Err }

// AddOutcome is what adding one subscription came to.
type AddOutcome string

// Outcomes of adding.
const (
	// Added: the subscription is stored and will be charged.
	Added AddOutcome = "added"
	// Duplicate: it was added before with the same content, whatever was changed of it since.
	Duplicate AddOutcome = "duplicate"
	// Conflicting: another subscription has this id, ended or not; nothing was changed.
	Conflicting AddOutcome = "conflict"
)

// Receipt is the result for one subscription that was to be added.
type Receipt struct {
	ID      string
	Outcome AddOutcome
	// State of a duplicate.
	State State
	// Problem says what a conflict is about; it begins with a field's path.
	Problem string
}

// Add stores new subscriptions; workers charge them from then on. Periods that fell due before are
// charged only with backfill. The receipts are in the order of the subscriptions. On an error none,
// some or all were stored, and adding the same ones again is safe.
func (c *Client) Add(ctx context.Context, subs ...tasks.Subscription) ([]Receipt, error) {
	if len(subs) == 0 {
		return nil, nil
	}
	if err := c.config.Intake.CheckMemory(ctx); err != nil {
		return nil, err
	}
	now, err := c.config.Store.Now(ctx, subs[0].Provider())
	if err != nil {
		return nil, err
	}
	additions := make([]Addition, len(subs))
	for i, s := range subs {
		additions[i] = NewAddition(s, c.config.FingerprintKey, now)
	}
	answers, err := c.config.Store.Add(ctx, additions...)
	if err != nil {
		return nil, err
	}
	receipts := make([]Receipt, len(subs))
	for i, a := range answers {
		receipts[i] = c.receipt(subs[i], additions[i].Record.Fingerprint, a)
	}
	return receipts, nil
}

func (c *Client) receipt(s tasks.Subscription, fingerprint string, a AddResult) Receipt {
	if a.New {
		return Receipt{ID: s.ID(), Outcome: Added}
	}
	if problem := c.difference(s, fingerprint, a); problem != "" {
		return Receipt{ID: s.ID(), Outcome: Conflicting, Problem: problem}
	}
	return Receipt{ID: s.ID(), Outcome: Duplicate, State: a.Record.State}
}

// difference names how another subscription of the id differs; it is empty where it was added
// with the same content, whatever was changed of it since.
func (c *Client) difference(s tasks.Subscription, fingerprint string, a AddResult) string {
	if a.Provider != s.Provider() {
		return "provider: the id is taken by a subscription of " + a.Provider
	}
	held := a.Record
	same, err := s.FingerprintLike(held.Fingerprint, c.config.FingerprintKey)
	switch m := s.Amount(); {
	case err == nil && same == held.Fingerprint:
		return ""
	case m.Currency() != held.Currency:
		return "currency: differs from the added subscription's"
	case m.Text() != held.Amount:
		return "amount: differs from the added subscription's"
	default:
		return fmt.Sprintf("fingerprint: %s, added as %s", fingerprint, held.Fingerprint)
	}
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// find reads a subscription by its id alone.
func (c *Client) find(ctx context.Context, id string) (Stored, error) {
	if !idForm.MatchString(id) {
		return Stored{}, RequestError{"id: must be 1 to 64 letters, digits, points, dashes and underscores"}
	}
	provider, err := c.config.Store.Find(ctx, id)
	if err != nil {
		return Stored{}, err
	}
	return c.load(ctx, provider, id)
}

// load finds none where an id was claimed and its subscription never stored: adding it again stores
// it.
func (c *Client) load(ctx context.Context, provider, id string) (Stored, error) {
	loaded, err := c.config.Store.Load(ctx, provider, id)
	switch {
	case err != nil:
		return Stored{}, err
	case len(loaded) == 0:
		return Stored{}, fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	return loaded[0], nil
}

// valid reports a RequestError. In a subscription's history the name ends at a bar.
func (a Actor) valid() error {
	for _, text := range []string{a.By, a.Note} {
		if strings.TrimSpace(text) == "" || strings.ContainsFunc(text, unicode.IsControl) {
			return RequestError{"actor: name and note must hold a text without control characters"}
		}
	}
	if strings.Contains(a.By, "|") {
		return RequestError{`actor: the name must not hold a "|"`}
	}
	return nil
}

var errNothingToChange = RequestError{"change: give an amount, a card or both"}

// sweeper does at once what a worker's sweep would do with a subscription a moment later.
func (c *Client) sweeper() *Sweeper {
	return NewSweeper(SweeperConfig{
		Store: c.config.Store, Ledger: c.config.Ledger, Intake: c.config.Intake, Log: c.config.Log,
	})
}
