package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"golang.org/x/term"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/preflight"
	"github.com/remesa/remesa/internal/shell"
	"github.com/remesa/remesa/internal/wiring"
	"github.com/remesa/remesa/providers"
)

type checkCmd struct {
	JSON           bool   `help:"Print JSON for machines."`
	AcceptIdentity string `placeholder:"PROVIDER/ACCOUNT" help:"Record that this account now belongs to another identity at its provider."`
	By             string `placeholder:"NAME" help:"Who accepts it."`
	Note           string `placeholder:"TEXT" help:"Why."`
}

// Run prints what is wrong and how to put it right; it moves no money.
func (cmd checkCmd) Run(ctx context.Context, c *config.Config, l i18n.Locale) error {
	if err := c.Complete(); err != nil {
		return err
	}
	config.RedirectStdLog(c.Logger(os.Stderr), zerolog.DebugLevel) // a provider's bytes around its response are no finding
	registry, err := wiring.Registry(c, wiring.Shared{})           // without the workers' tokens: a login of its own proves the credentials
	if err != nil {
		return err
	}
	rdb, err := c.Client(config.ProducerProfile())
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	if cmd.AcceptIdentity != "" {
		return cmd.accept(ctx, l, rdb, registry)
	}
	findings := inspect(ctx, c, rdb, registry)
	if cmd.JSON {
		err = preflight.JSON(os.Stdout, findings)
	} else {
		err = preflight.Table(os.Stdout, onStdout(l), findings, inColour(shell.PaintFor(c.Color, os.LookupEnv, os.Stdout)))
	}
	if err == nil && preflight.Failed(findings) {
		return errSilent
	}
	return err
}

func (cmd checkCmd) accept(ctx context.Context, l i18n.Locale, rdb redis.UniversalClient, registry providers.Registry) error {
	k, err := idempotency.ParseKey(cmd.AcceptIdentity + "/x")
	if err != nil || strings.Count(cmd.AcceptIdentity, "/") != 1 {
		return errors.New("--accept-identity: want PROVIDER/ACCOUNT, such as virtualpos/default")
	}
	a, ok := registry.Find(k.Provider, k.Account)
	if !ok {
		return fmt.Errorf("--accept-identity: no account %s is configured", cmd.AcceptIdentity)
	}
	before, err := preflight.AcceptIdentity(ctx, rdb, a, cmd.By, cmd.Note)
	if err != nil {
		return err
	}
	words := onStdout(l).CLI.Check
	fmt.Println(words.Recorded(cmd.AcceptIdentity, cmp.Or(before, words.None)))
	return nil
}

// inColour colours a level's name.
func inColour(p shell.Paint) func(level preflight.Level, name string) string {
	return func(level preflight.Level, name string) string {
		switch level {
		case preflight.OK:
			return p.Good(name)
		case preflight.Warn:
			return p.Warn(name)
		case preflight.Fail:
			return p.Bad(name)
		}
		return name
	}
}

// onStdout is the language of what stdout gets: that of whoever reads it on a terminal, and English
// everywhere else, where a program may read it.
func onStdout(l i18n.Locale) i18n.Locale {
	if term.IsTerminal(int(os.Stdout.Fd())) { // #nosec G115 -- a descriptor
		return l
	}
	return i18n.New(i18n.English, nil)
}

// inspect checks the configuration, Redis, and each account.
func inspect(ctx context.Context, c *config.Config, rdb redis.UniversalClient, registry providers.Registry) []preflight.Finding {
	var findings []preflight.Finding
	for _, w := range append(c.Warnings(), config.UnknownVariables(os.Environ())...) {
		findings = append(findings, preflight.Finding{Name: "configuration", Level: preflight.Warn, Got: w})
	}
	if len(registry) == 0 {
		findings = append(findings, preflight.Finding{Name: "providers", Level: preflight.Fail, Got: "none", Want: "at least one",
			Fix: "set the credentials of a provider, for example REMESA_VIRTUALPOS_BASE_URL, _API_KEY and _SECRET_KEY"})
	}
	findings = append(findings, preflight.CheckRedis(ctx, rdb, expect(c))...)
	identities, err := preflight.CheckIdentities(ctx, rdb, registry)
	if err != nil {
		identities = append(identities, preflight.Finding{Name: "identities", Level: preflight.Fail, Got: "cannot be read",
			Want: "known", Fix: "make Redis reachable"})
	}
	return append(append(findings, identities...), checkAccounts(ctx, registry)...)
}

// expect is what Redis must promise for this configuration.
func expect(c *config.Config) preflight.Expect {
	return preflight.Expect{
		Durability: c.Durability, Replicas: c.LedgerReplicas, Sentinel: c.Sentinel(), Real: c.LiveURLs(), MemoryStop: c.IntakeMemoryStop,
	}
}

func checkAccounts(ctx context.Context, registry providers.Registry) []preflight.Finding {
	var findings []preflight.Finding
	for _, provider := range registry.Providers() {
		for name, a := range registry[provider] {
			findings = append(findings, checkAccount(ctx, provider+"/"+name, a)...)
		}
	}
	return findings
}

const checkTimeout = 20 * time.Second

func checkAccount(ctx context.Context, name string, a providers.Account) []preflight.Finding {
	checker, ok := a.Client.(providers.Checker)
	if !ok {
		return []preflight.Finding{{Name: name, Level: preflight.OK, Got: "configured; nothing can be checked without moving money"}}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	found, err := checker.Check(ctx)
	var findings []preflight.Finding
	if err != nil {
		findings = append(findings, preflight.Finding{Name: name, Level: preflight.Fail, Got: err.Error(), Want: "usable",
			Fix: "check the account's URL and credentials"})
	}
	for _, f := range found {
		level := preflight.OK
		if f.Warn {
			level = preflight.Warn
		}
		findings = append(findings, preflight.Finding{Name: name, Level: level, Got: f.Text})
	}
	return findings
}
