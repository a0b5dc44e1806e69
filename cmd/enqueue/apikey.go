package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/remesa/remesa/internal/apikey"
	"github.com/remesa/remesa/providers/catalog"
)

// apikeyCmd is everything about the keys of the HTTP interface.
type apikeyCmd struct {
	Create apikeyCreateCmd `cmd:"" help:"Make a key; its text is printed once and stored nowhere."`
	List   apikeyListCmd   `cmd:"" help:"List keys, those made first first; no text of any."`
	Revoke apikeyRevokeCmd `cmd:"" help:"Make a key open nothing from now on."`
}

type apikeyCreateCmd struct {
	Name  string   `arg:"" help:"Whose key it is, for people: 1 to 64 letters, digits, points, dashes, underscores, blanks."`
	Scope []string `required:"" placeholder:"SCOPE,…" help:"What it may do: submit, submit:PROVIDER, submit:PROVIDER/ACCOUNT, read, settle. May be repeated."`
}

// createdKey is what create prints.
type createdKey struct {
	shownKey
	// Key is the text that its owner sends.
	Key string `json:"key"`
}

// shownKey is a key without its text.
type shownKey struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Scopes  []apikey.Scope `json:"scopes"`
	Created string         `json:"created_at"`
	// Revoked is null while the key is valid.
	Revoked *string `json:"revoked_at"`
}

func showKey(k apikey.Key) shownKey {
	s := shownKey{ID: k.ID, Name: k.Name, Scopes: k.Scopes, Created: k.Created.Format(time.RFC3339)}
	if !k.Revoked.IsZero() {
		s.Revoked = new(k.Revoked.Format(time.RFC3339))
	}
	return s
}

// Run makes a key.
func (c *apikeyCreateCmd) Run(a *app) error {
	var scopes []apikey.Scope
	for _, text := range c.Scope {
		s, err := apikey.ParseScope(text, catalog.Names())
		if err != nil {
			return usage("--scope: %w", err)
		}
		scopes = append(scopes, s)
	}
	if err := apikey.Check(c.Name, scopes); err != nil {
		return usageError{err}
	}
	k, text, err := apikey.NewStore(a.rdb).Create(a.ctx, c.Name, scopes)
	if err != nil {
		return a.failed(err)
	}
	if err := a.print(createdKey{showKey(k), text.Reveal()}); err != nil {
		return err
	}
	if err := a.flush(); err != nil {
		return err
	}
	a.say(a.text.CLI.Keys.ShownOnce)
	return nil
}

type apikeyListCmd struct {
	JSON bool `name:"json" help:"JSON Lines."`
}

const keyRow = "%-12s  %-24s  %-20s  %-20s  %s\n"

// Run prints all keys.
func (c *apikeyListCmd) Run(a *app) error {
	keys, err := apikey.NewStore(a.rdb).List(a.ctx)
	if err != nil {
		return a.failed(err)
	}
	if !c.JSON {
		head := a.tableText().CLI.Keys
		_, _ = fmt.Fprintf(a.out, keyRow, head.ID, head.Name, head.Created, head.Revoked, head.Scopes)
	}
	for _, k := range keys {
		if err := c.print(a, showKey(k)); err != nil {
			return err
		}
	}
	return a.flush()
}

func (c *apikeyListCmd) print(a *app, k shownKey) error {
	if c.JSON {
		return a.print(k)
	}
	revoked := "-"
	if k.Revoked != nil {
		revoked = *k.Revoked
	}
	_, err := fmt.Fprintf(a.out, keyRow, k.ID, k.Name, k.Created, revoked, fmt.Sprint(k.Scopes))
	return err
}

type apikeyRevokeCmd struct {
	ID string `arg:"" help:"The key's id, as list prints it."`
}

// Run revokes; a request that is under way goes on.
func (c *apikeyRevokeCmd) Run(a *app) error {
	k, err := apikey.NewStore(a.rdb).Revoke(a.ctx, c.ID)
	switch {
	case errors.Is(err, apikey.ErrUnknown):
		a.say(a.text.CLI.Keys.None)
		return exitError(exitUnknown)
	case err != nil:
		return a.failed(err)
	}
	if err := a.print(showKey(k)); err != nil {
		return err
	}
	return a.flush()
}
