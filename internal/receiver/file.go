package receiver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
)

// Parse reads the file of receivers, a JSON list of objects:
//
//	[{"name": "billing", "url": "https://billing.example/hooks/remesa", "secret_file": "/run/secrets/billing",
//	  "type": ["payout"], "state": ["succeeded", "failed"]}]
//
// secret reads a secret's file. Every problem is returned; none repeats a value.
func Parse(content []byte, secret func(path string) (string, error)) ([]Receiver, []error) {
	var entries []json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&entries); err != nil {
		return nil, []error{fmt.Errorf("is not a JSON list of objects (near byte %d)", decoder.InputOffset())}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, []error{fmt.Errorf("has something after its list (near byte %d)", decoder.InputOffset())}
	}
	var all []Receiver
	var problems []error
	for i, entry := range entries {
		e := newEntry()
		for _, problem := range e.read(entry, secret) {
			problems = append(problems, fmt.Errorf("entry %d: %w", i+1, problem))
		}
		if slices.ContainsFunc(all, func(r Receiver) bool { return r.Name == e.Name }) {
			problems = append(problems, fmt.Errorf("entry %d: name: an entry before this one has it", i+1))
		}
		all = append(all, e.Receiver)
	}
	return all, problems
}

// entry is a receiver that is being read.
type entry struct {
	Receiver
	schema *strictjson.Schema
}

func newEntry() *entry {
	e := &entry{Receiver: Receiver{Concurrency: usualConcurrency}}
	e.schema = strictjson.NewSchema(
		strictjson.Field{Path: "name", Required: true, Check: text(&e.Name, "1 to 32 lower-case letters, digits and dashes", names.MatchString)},
		strictjson.Field{Path: "url", Required: true, Check: e.address},
		strictjson.Field{Path: "secret_file", Required: true, Check: e.secretFile},
		strictjson.Field{Path: "second_secret_file", Check: e.secretFile},
		strictjson.Field{Path: "provider", Check: words(&e.Filter.Providers, catalog.Names())},
		strictjson.Field{Path: "account", Check: words(&e.Filter.Accounts, nil)},
		strictjson.Field{Path: "type", Check: words(&e.Filter.Types, []string{"payout", "charge"})},
		strictjson.Field{Path: "event", Check: words(&e.Filter.Events, []string{"state", "anomaly", "subscription", "rejected", "epoch"})},
		strictjson.Field{Path: "state", Check: words(&e.Filter.States, states())},
		strictjson.Field{Path: "allow_private", Check: flag(&e.AllowPrivate)},
		strictjson.Field{Path: "open_sealed", Check: flag(&e.OpenSealed)},
		strictjson.Field{Path: "concurrency", Check: e.concurrency},
	)
	return e
}

// states are those of payments and those of subscriptions.
func states() []string {
	all := []string{"active", "paused", "ended"}
	for _, s := range idempotency.States() {
		if !slices.Contains(all, string(s)) {
			all = append(all, string(s))
		}
	}
	return all
}

func (e *entry) read(raw []byte, secret func(path string) (string, error)) []error {
	v, err := strictjson.Parse(raw)
	if err != nil {
		return []error{err}
	}
	var problems []error
	for err := range e.schema.Problems("", v) {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return problems
	}
	for i, path := range e.SecretFiles {
		field := []string{"secret_file", "second_secret_file"}[i]
		content, err := secret(path)
		if err == nil {
			_, err = Key(providers.Secret(content))
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", field, err))
		}
		e.Secrets = append(e.Secrets, providers.Secret(content))
	}
	return append(problems, e.check()...)
}

// check is about fields that depend on each other.
func (e *entry) check() []error {
	var problems []error
	plain := e.URL.Scheme == "http"
	if plain && !e.AllowPrivate {
		problems = append(problems, errors.New("url: must begin with https://; http:// is for private addresses, with allow_private"))
	}
	if plain && e.OpenSealed {
		problems = append(problems, errors.New("open_sealed: needs an url that begins with https://"))
	}
	if a, err := netip.ParseAddr(e.URL.Hostname()); err == nil && len(problems) == 0 {
		if err := e.CheckAddress(a); err != nil {
			problems = append(problems, fmt.Errorf("url: is %w", err))
		}
	}
	if len(e.Secrets) == 2 && e.Secrets[0] == e.Secrets[1] {
		problems = append(problems, errors.New("second_secret_file: holds the first secret again"))
	}
	return problems
}

// address reads the URL. What it refuses may hold a password, or a secret in a query.
func (e *entry) address(path string, v strictjson.Value) error {
	if err := strictjson.MustBe(path, v, strictjson.String); err != nil {
		return err
	}
	u, err := url.Parse(v.Text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return problem(path, "must be https://HOST/PATH, without user, password and fragment")
	}
	e.URL = u
	return nil
}

func (e *entry) secretFile(path string, v strictjson.Value) error {
	if err := strictjson.MustBe(path, v, strictjson.String); err != nil {
		return err
	}
	if v.Text == "" {
		return problem(path, "must name a file")
	}
	if path == "secret_file" {
		e.SecretFiles = append([]string{v.Text}, e.SecretFiles...)
	} else {
		e.SecretFiles = append(e.SecretFiles, v.Text)
	}
	return nil
}

func (e *entry) concurrency(path string, v strictjson.Value) error {
	n, err := strconv.Atoi(v.Text)
	if v.Kind != strictjson.Number || err != nil || n < 1 || n > mostConcurrency {
		return problem(path, fmt.Sprintf("must be a number from 1 to %d", mostConcurrency))
	}
	e.Concurrency = n
	return nil
}

func problem(path, what string) error { return &strictjson.Error{Path: path, Problem: what} }

func text(to *string, form string, good func(string) bool) func(string, strictjson.Value) error {
	return func(path string, v strictjson.Value) error {
		if err := strictjson.MustBe(path, v, strictjson.String); err != nil {
			return err
		}
		if !good(v.Text) {
			return problem(path, "must be "+form)
		}
		*to = v.Text
		return nil
	}
}

func flag(to *bool) func(string, strictjson.Value) error {
	return func(path string, v strictjson.Value) error {
		*to = v.Text == "true"
		return strictjson.MustBe(path, v, strictjson.Bool)
	}
}

// words reads a word or a list of them; nil known stands for every account's name.
func words(to *[]string, known []string) func(string, strictjson.Value) error {
	return func(path string, v strictjson.Value) error {
		items := v.Items
		if v.Kind == strictjson.String {
			items = []strictjson.Value{v}
		}
		if len(items) == 0 {
			return problem(path, "must be a word or a list of words; leave it out for all")
		}
		for i, item := range items {
			at := path
			if v.Kind == strictjson.Array {
				at = strictjson.Element(path, i)
			}
			if err := word(at, item, known); err != nil {
				return err
			}
			*to = append(*to, item.Text)
		}
		return nil
	}
}

func word(path string, v strictjson.Value, known []string) error {
	if err := strictjson.MustBe(path, v, strictjson.String); err != nil {
		return err
	}
	switch {
	case known == nil && !names.MatchString(v.Text):
		return problem(path, "must be an account: 1 to 32 lower-case letters, digits and dashes")
	case known != nil && !slices.Contains(known, v.Text):
		return problem(path, "must be one of "+strings.Join(known, ", "))
	}
	return nil
}
