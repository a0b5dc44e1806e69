// Command worker serves payouts and charges from Redis.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/shell"
	"github.com/remesa/remesa/internal/version"
	"github.com/remesa/remesa/providers/catalog"
)

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 64
)

// cli is every command and, embedded, every setting.
type cli struct {
	config.Config

	Run         runCmd           `cmd:"" default:"withargs" help:"Serve all providers whose credentials are set (the default)."`
	Check       checkCmd         `cmd:"" help:"Check configuration, Redis and credentials without moving money."`
	Sandbox     sandboxCmd       `cmd:"" help:"Serve only the provider simulators, for integration tests."`
	Demo        demoCmd          `cmd:"" help:"Sample payments through an embedded Redis and the simulators."`
	Key         keyCmd           `cmd:"" help:"Make a key for REMESA_PAYLOAD_KEYS."`
	Password    passwordCmd      `cmd:"" help:"Make a line of REMESA_DASHBOARD_USERS_FILE from a password that is asked for, or read from stdin."`
	Healthcheck healthcheckCmd   `cmd:"" help:"Ask the worker on this machine whether it lives; exit 0 or 1. For containers."`
	Settings    settingsCmd      `cmd:"" help:"List the settings by section, or one section's, a provider's for example."`
	Completion  completionCmd    `cmd:"" help:"Print a script that completes this command's words in a shell."`
	Version     kong.VersionFlag `help:"Print the version and exit."`
}

// errSilent ends with exit code 1; every problem was printed already.
var errSilent = errors.New("failed")

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	c := cli{Config: *config.New()}
	text, color := config.BeforeParsing(args, os.LookupEnv)
	name := shell.PaintFor(color, os.LookupEnv, os.Stderr).Bad("worker:")
	parser, err := kong.New(&c, options(text)...)
	if err != nil {
		fmt.Fprintln(os.Stderr, name, err)
		return exitFailed
	}
	if len(args) > 0 && args[0] == shell.CompleteCommand {
		if shell.Complete(os.Stdout, parser, args[1:]) != nil {
			return exitFailed
		}
		return 0
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, name, shell.Wrong(text, "worker", err))
		return exitUsage
	}
	ctx, stop := drainOnSignal()
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(text)
	err = command.Run(&c.Config)
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, errSilent):
		fmt.Fprintln(os.Stderr, name, text.Say(err.Error()))
	}
	return exitFailed
}

// options are those of the parser, with its help in a language.
func options(l i18n.Locale) []kong.Option {
	return append(config.Options(os.LookupEnv), kong.Name("worker"),
		kong.Description("remesa's worker: sends each payment at most once, forgets none."),
		kong.Vars{"version": version.String()}, examples().Option(l.CLI.Help.Examples), shell.InLanguage(l),
		shell.Help(l, isProvider, l.CLI.Help.ProviderSettings("worker settings "+strings.Join(catalog.Names(), "|"))))
}

// drainOnSignal returns a context that ends with the first SIGTERM, SIGINT or SIGHUP; the second
// one ends the process at once. A SIGHUP that whoever started the worker ignores (nohup) stays
// ignored.
func drainOnSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitFailed)
	}()
	return ctx, cancel
}
