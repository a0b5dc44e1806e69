// Command enqueue is for producers, operators and scripts: it takes payments in, shows them, and
// carries out what an operator decides about them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/shell"
	"github.com/remesa/remesa/internal/version"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/spec"
)

// cli is every command and, embedded, every setting.
type cli struct {
	config.Config

	Submit   submitCmd   `cmd:"" help:"Take in payments from a file or stdin, one result line for each."`
	Template templateCmd `cmd:"" help:"Write a filled example of a file to begin with: CSV, JSON Lines or a workbook."`
	Show     showCmd     `cmd:"" help:"Print a payment with its history: for people on a terminal, otherwise as JSON."`
	Explain  explainCmd  `cmd:"" help:"Tell in plain words what happened to a payment, why, and what must happen next."`
	List     listCmd     `cmd:"" help:"List payments, oldest first."`
	Resolve  resolveCmd  `cmd:"" help:"Settle a payment in doubt, or clear an anomaly."`
	Retry    retryCmd    `cmd:"" help:"Begin a failed payment again that cannot have been executed, or let a ready one go before its time."`
	Release  releaseCmd  `cmd:"" help:"Let a blocked payment go on."`
	Cancel   cancelCmd   `cmd:"" help:"Stop payments that were never sent."`
	Halt     haltCmd     `cmd:"" help:"Send nothing new to a provider until it is unhalted; asking goes on."`
	Unhalt   unhaltCmd   `cmd:"" help:"Let a halted provider go on."`
	Forgot   forgotCmd   `cmd:"" help:"After a restored backup or a failover that lost writes: what the store forgot is queried before it is sent."`
	Watch    watchCmd    `cmd:"" help:"Follow the outcome events, one JSON line for each."`

	Totals     totalsCmd     `cmd:"" help:"Print how many payments entered each state on a day, with sums, one JSON line for each figure; see docs/totals.md."`
	Reconcile  reconcileCmd  `cmd:"" help:"Hold a statement of a bank or a provider against the ledger. Exit code 2 if there are differences."`
	Partitions partitionsCmd `cmd:"" help:"Print in how many partitions a provider's payments are, or move them into more."`

	Export exportCmd `cmd:"" help:"Write payments with their histories, a manifest and a chain of hashes: once to stdout, or day by day into an archive."`
	Verify verifyCmd `cmd:"" help:"Say whether an export is as it was written, and which line is not. It needs no Redis, but with --against-ledger."`

	Subscription subscriptionCmd `cmd:"" help:"Charges that recur: add, list, show, pause, resume, cancel and change subscriptions."`

	Serve  serveCmd  `cmd:"" help:"Take payments and subscriptions in over HTTP, show them, and tell what becomes of them."`
	Apikey apikeyCmd `cmd:"" help:"Keys of the HTTP interface: create, list, revoke."`

	Webhook webhookCmd `cmd:"" help:"Webhooks to billing systems: list, resend, test."`

	Hashcard hashcardCmd `cmd:"" help:"Ask for a card without echo, or read it as two lines, and print the provider's token of it; nothing is stored."`

	Completion completionCmd `cmd:"" help:"Print a script that completes this command's words in a shell."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

// Exit codes.
const (
	exitFailed  = 1  // Redis or the machine failed
	exitRefused = 2  // some line or intervention was refused
	exitUnknown = 3  // there is no such payment or subscription
	exitUsage   = 64 // the command line or a setting is wrong
)

// exitError ends with an exit code; every problem was printed already.
type exitError int

func (s exitError) Error() string { return fmt.Sprintf("ended with exit code %d", int(s)) }

// usageError is about the command line.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() {
	// A reader of our output that went away is an error of that write, not the end of the process
	// in mid-batch.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	c := cli{Config: *config.New()}
	early := &app{}
	var color string
	early.text, color = config.BeforeParsing(args, os.LookupEnv)
	early.paintErr = shell.PaintFor(color, os.LookupEnv, os.Stderr)
	parser, err := kong.New(&c, options(early.text)...)
	if err != nil {
		return early.report(err)
	}
	if len(args) > 0 && args[0] == shell.CompleteCommand {
		return early.report(shell.Complete(os.Stdout, parser, args[1:]))
	}
	command, err := parser.Parse(args)
	if err != nil {
		return early.report(usageError{errors.New(shell.Wrong(early.text, "enqueue", err))})
	}
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	a, err := open(ctx, &c.Config)
	if err != nil {
		return early.report(err)
	}
	defer a.close()
	err = command.Run(a)
	if !c.Reconcile.Recording.Record { // which changes something
		err = forReaders(command, err)
	}
	return a.report(err)
}

// forReaders is the error of a command, but for a reader of a command that changes nothing which
// has read enough, as head does.
func forReaders(command *kong.Context, err error) error {
	if errors.Is(err, syscall.EPIPE) && slices.ContainsFunc(reading, func(name string) bool { return strings.HasPrefix(command.Command()+" ", name+" ") }) {
		return nil
	}
	return err
}

// reading are the commands that only show something. An export is none: one that was cut is no
// archive.
var reading = []string{
	"show", "explain", "list", "watch", "totals", "verify", "reconcile", "subscription list", "subscription show", "apikey list", "webhook list",
	"forgot show", "template", "completion",
}

// endSignals are the signals that end the command: a terminal that closes among them, unless
// whoever started it (nohup) ignores that.
func endSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// options are those of the parser, with its help in a language.
func options(l i18n.Locale) []kong.Option {
	key := "provider/reference, provider/account/reference, or the reference alone where one provider has it"
	if own, known := l.Help(key); known {
		key = own
	}
	return append(config.Options(os.LookupEnv), kong.Name("enqueue"),
		kong.Description("Takes payments in, shows them, and carries out what an operator decides about them. Every setting of the worker's is "+
			"also one here, as flag and as variable; both must have the same. Exit codes: 0 done, 1 Redis or the machine failed, 2 something "+
			"was refused, 3 no such payment or subscription, 64 usage."),
		kong.Vars{
			"version": version.String(), "providers": strings.Join(catalog.Names(), ","), "states": strings.Join(states(), ","),
			"tokenizers": strings.Join(tokenizers(), ","),
			"key":        key,
		},
		kong.PostBuild(hideWorkerSettings), examples().Option(l.CLI.Help.Examples), shell.InLanguage(l), shell.Help(l, nil, ""))
}

type completionCmd struct{ shell.Completion }

// Run prints the script.
func (c *completionCmd) Run(a *app) error {
	if err := c.Write(a.out, "enqueue"); err != nil {
		return err
	}
	return a.flush()
}

// tokenizers are the providers that turn a card into a token.
func tokenizers() []string {
	var names []string
	for _, p := range catalog.Providers() {
		if spec.Can[providers.Tokenizer](p) {
			names = append(names, p.Name)
		}
	}
	return names
}

func states() []string {
	var names []string
	for _, s := range idempotency.States() {
		names = append(names, string(s))
	}
	return names
}

var producerSettings = []string{"redis-url", "redis-url-file", "intake-memory-stop", "lang", "color", "timezone", "webhooks-file"}

// hideWorkerSettings leaves in the help what a producer sets; `worker --help` lists every setting.
func hideWorkerSettings(k *kong.Kong) error {
	for _, f := range k.Model.Flags {
		f.Hidden = f.Group != nil && !slices.Contains(producerSettings, f.Name)
	}
	return nil
}

// report prints what went wrong and returns its exit code.
func (a *app) report(err error) int {
	if err == nil {
		return 0
	}
	if code := exitError(0); errors.As(err, &code) {
		return int(code)
	}
	fmt.Fprintln(os.Stderr, a.paintErr.Bad("enqueue:"), a.describe(err))
	return exitCode(err)
}

func exitCode(err error) int {
	switch {
	case errors.As(err, new(usageError)):
		return exitUsage
	case refused(err):
		return exitRefused
	case unknown(err):
		return exitUnknown
	default:
		return exitFailed
	}
}
