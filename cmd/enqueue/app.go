package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"golang.org/x/term"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/shell"
	"github.com/remesa/remesa/internal/trace"
	"github.com/remesa/remesa/internal/version"
	"github.com/remesa/remesa/internal/wiring"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// app is what every command works with. Nothing is dialled before a command needs the store.
type app struct {
	ctx    context.Context // of the whole run; ends with SIGINT, SIGTERM and SIGHUP
	config *config.Config
	rdb    redis.UniversalClient
	ledger *idempotency.Ledger
	// trace follows what is taken in; nil follows nothing.
	trace *trace.Tracer
	// ring opens what is sealed; nil where there are no payload keys, or none that can be read.
	ring *seal.Ring
	// keys is why the keys cannot be used. Only commands that take payments in need them.
	keys error
	// warned: a notice said that something stays sealed.
	warned bool
	// seen are the providers that warnUnserved has checked.
	seen   map[string]bool
	out    *bufio.Writer
	errOut io.Writer
	// text is the language of whoever started the command, and toPeople whether stdout is a
	// terminal. What programs read is the same in every language, and so are tables that do not
	// go to a terminal.
	text     i18n.Locale
	toPeople bool
	// paint colours what goes to stdout, paintErr what goes to stderr.
	paint, paintErr shell.Paint
}

// open checks the settings that every command needs. Providers and keys are left to those who take
// payments in: whoever halts a provider needs no secret.
func open(ctx context.Context, c *config.Config) (*app, error) {
	if err := config.Complete(&c.Redis, &c.Ledger, &c.Timing, &c.Logging, &c.Tracing, &c.People); err != nil {
		return nil, usageError{err}
	}
	if err := c.CheckPartitions(); err != nil {
		return nil, usageError{err}
	}
	rdb, err := c.Redis.Client(config.ProducerProfile())
	if err != nil {
		return nil, usageError{err}
	}
	log := c.Logger(os.Stderr)
	redis.SetLogger(redisLog{log})
	config.RedirectStdLog(log, zerolog.DebugLevel)
	for _, warning := range config.UnknownVariables(os.Environ()) {
		log.Warn().Msg(warning)
	}
	a := &app{
		ctx: ctx, config: c, rdb: rdb, out: bufio.NewWriter(os.Stdout), errOut: os.Stderr, keys: config.Complete(&c.Keys),
		text: c.OnTerminal(os.LookupEnv), toPeople: term.IsTerminal(int(os.Stdout.Fd())),
		paint: shell.PaintFor(c.Color, os.LookupEnv, os.Stdout), paintErr: shell.PaintFor(c.Color, os.LookupEnv, os.Stderr),
	}
	if a.ring, err = c.Ring(); err != nil {
		a.keys = err
	}
	a.ledger = wiring.ProducersLedger(c, rdb, a.ring)
	return a, nil
}

func (a *app) close() {
	a.trace.Close(a.ctx)
	a.rdb.Close()
}

// follow begins to follow what is taken in, where traces are wanted.
func (a *app) follow() (err error) {
	number, _ := version.Parts()
	a.trace, err = trace.New(a.ctx, trace.Options{
		Endpoint: a.config.OTLPEndpoint, Service: "remesa-enqueue", Version: number, Log: a.config.Logger(os.Stderr),
	})
	return err
}

// redisLog keeps the client's own notices out of a script's stderr; the commands report what fails.
type redisLog struct{ log zerolog.Logger }

func (l redisLog) Printf(_ context.Context, format string, v ...any) {
	l.log.Debug().Msgf(format, v...)
}

// notice prints a message on stderr.
func (a *app) notice(format string, args ...any) { a.say(a.text.Say(fmt.Sprintf(format, args...))) }

// say prints a text of the catalogue on stderr.
func (a *app) say(text string) { _, _ = fmt.Fprintln(a.errOut, "enqueue: "+text) }

// sealedHere warns once that some of what is printed stays sealed, and why; nil warns of nothing.
func (a *app) sealedHere(err error) {
	if err == nil || a.warned {
		return
	}
	a.warned = true
	if a.keys != nil {
		err = a.keys
	}
	a.say(a.text.CLI.Errors.Sealed(err.Error()))
}

// print writes one JSON line; it leaves the process with the next flush.
func (a *app) print(v any) error {
	if line, ok := v.(interface {
		AppendJSON(b []byte) ([]byte, error)
	}); ok {
		b, err := line.AppendJSON(a.out.AvailableBuffer())
		if err != nil {
			return err
		}
		_, err = a.out.Write(append(b, '\n'))
		return err
	}
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printf writes for people; what cannot be written, the next flush tells.
func (a *app) printf(format string, args ...any) { _, _ = fmt.Fprintf(a.out, format, args...) }

func (a *app) flush() error { return a.out.Flush() }

// failed adds the store's address to its failure.
func (a *app) failed(err error) error {
	if err == nil || expected(err) {
		return err
	}
	return fmt.Errorf("%s: %w", a.text.CLI.Errors.Redis(a.config.Where()), err)
}

// expected reports whether an error is a refusal by the ledger or by the subscriptions, and no
// failure.
func expected(err error) bool { return unknown(err) || refused(err) }

func unknown(err error) bool {
	return errors.Is(err, idempotency.ErrUnknown) || errors.Is(err, billing.ErrUnknown)
}

func refused(err error) bool {
	return errors.Is(err, idempotency.ErrVersionChanged) || errors.Is(err, idempotency.ErrRefused) || errors.Is(err, billing.ErrVersionChanged) ||
		errors.As(err, new(billing.Refusal)) || errors.As(err, new(*tasks.FieldError))
}

// findKey reads a KEY of the command line. A reference alone stands for the payment of the default
// account that has it, if one provider has.
func (a *app) findKey(text string) (idempotency.Key, error) {
	if strings.Contains(text, "/") {
		return parseKey(text)
	}
	var found []string
	for _, provider := range catalog.Names() {
		k, err := parseKey(provider + "/" + text)
		if err != nil {
			return k, err
		}
		switch _, err := a.ledger.Show(a.ctx, k); {
		case err == nil || errors.Is(err, idempotency.ErrDamaged):
			found = append(found, k.String())
		case !unknown(err):
			return k, a.failed(err)
		}
	}
	switch len(found) {
	case 0:
		return idempotency.Key{}, fmt.Errorf("%s: %w %s", text, idempotency.ErrUnknown, a.text.CLI.Errors.OfDefaultAccount)
	case 1:
		return parseKey(found[0])
	}
	return idempotency.Key{}, usage("key: several providers have this reference; give one of %s", strings.Join(found, ", "))
}

// parseKey reads a KEY of the command line.
func parseKey(text string) (idempotency.Key, error) {
	k, err := idempotency.ParseKey(text)
	if err != nil {
		return k, usageError{err}
	}
	return k, nil
}
