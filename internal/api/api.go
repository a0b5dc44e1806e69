// Package api is the HTTP interface of `enqueue serve`: it takes payments and subscriptions in,
// shows them, tells what becomes of them, and carries out what a person decides. Its handlers
// decode, call the clients that the commands call, and write what these say.
package api

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/apikey"
	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/internal/listen"
	"github.com/remesa/remesa/internal/trace"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// Keys says who may call.
type Keys interface {
	// Find returns the valid key of a text; apikey.ErrUnknown where there is none.
	Find(ctx context.Context, text string) (apikey.Key, error)
}

// Metrics counts what the interface does. Operations are the names of the description, "" where an
// address has none.
type Metrics interface {
	// RequestBegun counts a request that is under way, until RequestEnded is called.
	RequestBegun()
	// RequestEnded says what it came to; status is zero where nothing was sent.
	RequestEnded(operation string, status int, took time.Duration)
	// LineTaken counts a line of a file by its result.
	LineTaken(operation, result string)
}

// Options of an API. Keys, Tasks, Subscriptions, Ledger, Redis and Document are required; the zero
// values of the others are the documented defaults.
type Options struct {
	Keys          Keys
	Tasks         *tasks.Client
	Subscriptions *billing.Client
	Ledger        *idempotency.Ledger
	// Redis is where the outcome streams are.
	Redis redis.UniversalClient
	// Ring opens what is sealed in outcomes; nil where nothing is.
	Ring *seal.Ring
	// Accounts are those whose settings this process has; nil takes tasks of every account.
	Accounts intake.Accounts
	Log      zerolog.Logger
	// Rate is how many requests a second one key may make; 100 by default.
	Rate float64
	// Streams is how many files may be streamed at a time; 16 by default.
	Streams int
	// Idle is how long a stream waits for the next bytes of its client; 30 s by default.
	Idle time.Duration
	// Metrics may be nil.
	Metrics Metrics
	// Trace follows payments under the caller's traceparent; nil follows none. Tasks must have the
	// same.
	Trace *trace.Tracer
	// Document is the interface's description in OpenAPI.
	Document []byte
	// Registered, if set, is told the provider of each task that was taken in.
	Registered func(ctx context.Context, provider string)
	// Now is time.Now unless set.
	Now func() time.Time
}

// API is the handler of all addresses.
type API struct {
	Options
	mux     *http.ServeMux
	routes  map[string]bool // the patterns of all operations
	limiter *limiter
	streams chan struct{}
	page    *page

	drained   chan struct{}
	drainOnce sync.Once
}

// New makes the handler; its error is one of the document's.
func New(o Options) (*API, error) {
	if o.Rate == 0 {
		o.Rate = 100
	}
	if o.Streams == 0 {
		o.Streams = 16
	}
	if o.Idle == 0 {
		o.Idle = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	a := &API{
		Options: o, mux: http.NewServeMux(), routes: map[string]bool{}, limiter: newLimiter(o.Rate),
		streams: make(chan struct{}, o.Streams), drained: make(chan struct{}),
	}
	page, err := newPage(o.Document)
	if err != nil {
		return nil, err
	}
	for _, op := range operations() {
		a.register(&op)
	}
	a.page = page
	return a, nil
}

// Server makes a server for programs. Bodies have deadlines of their own, which each handler sets.
func (a *API) Server() *http.Server {
	return &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
}

// Drain ends what would go on for long: streams after the batch that has begun, and waiting for
// outcomes. It may be called more than once.
func (a *API) Drain() { a.drainOnce.Do(func() { close(a.drained) }) }

// requestTimeout bounds what is no stream, reading and writing included.
const requestTimeout = 30 * time.Second

// call is one request on its way.
type call struct {
	w       *recorder
	r       *http.Request
	control *http.ResponseController
	op      *operation
	key     apikey.Key
	// about is the payment or subscription that the request names, for the log.
	about string
	lines int
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h, pattern := a.mux.Handler(r); !a.routes[pattern] {
		a.do(w, r, nil, func(c *call) error { return a.noOperation(c, h, pattern) })
		return
	}
	a.mux.ServeHTTP(w, r)
}

// register serves an operation under its patterns.
func (a *API) register(op *operation) {
	for _, pattern := range op.patterns() {
		a.routes[pattern] = true
		a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			a.do(w, r, op, func(c *call) error { //nolint:contextcheck // the call carries the request's
				if err := a.admit(c); err != nil {
					return err
				}
				return op.handle(a, c)
			})
		})
	}
}

// do carries a request out, writes the problem that it ends with, if any, and logs it.
func (a *API) do(w http.ResponseWriter, r *http.Request, op *operation, run func(*call) error) {
	begun := a.Now()
	c := &call{w: &recorder{ResponseWriter: w}, r: r, op: op}
	c.control = http.NewResponseController(c.w)
	deadline := time.Now().Add(requestTimeout)
	_ = c.control.SetReadDeadline(deadline) // a writer without deadlines is a test's
	_ = c.control.SetWriteDeadline(deadline)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	a.Metrics.RequestBegun()
	defer func() { a.Metrics.RequestEnded(c.name(), c.w.status, a.Now().Sub(begun)) }()
	defer a.recover(c)
	var p *Problem
	if err := run(c); err != nil {
		if p = problemOf(err); !c.w.begun {
			writeProblem(c.w, p)
		}
	}
	a.log(c, p, a.Now().Sub(begun))
}

// noOperation writes a redirect to the clean form of an address, or says that there is none.
func (a *API) noOperation(c *call, h http.Handler, pattern string) error {
	if pattern != "" {
		h.ServeHTTP(c.w, c.r)
		return nil
	}
	probe := &discard{header: http.Header{}}
	h.ServeHTTP(probe, c.r)
	if probe.status == http.StatusMethodNotAllowed {
		allow := probe.header.Get("Allow")
		c.w.Header().Set("Allow", allow)
		return problem(http.StatusMethodNotAllowed, "method", "this address takes "+allow)
	}
	return problem(http.StatusNotFound, "address", "there is nothing at this address: see /docs")
}

// admit checks key, rate and scope, in this order.
func (a *API) admit(c *call) error {
	if c.op.scope == "" {
		return nil
	}
	scheme, text, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		text = ""
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), requestTimeout)
	defer cancel()
	key, err := a.Keys.Find(ctx, strings.TrimSpace(text))
	switch {
	case errors.Is(err, apikey.ErrNone):
		return unauthorized(c, "no key was made yet, so nobody can call this: `enqueue apikey create` makes one")
	case errors.Is(err, apikey.ErrUnknown) && text == "":
		return unauthorized(c, "a key is missing: send `Authorization: Bearer KEY`")
	case errors.Is(err, apikey.ErrUnknown):
		return unauthorized(c, "this key is not valid, or was revoked")
	case err != nil:
		return err
	}
	c.key = key
	if wait := a.limiter.wait(key.ID, a.Now()); wait > 0 {
		return problem(http.StatusTooManyRequests, "rate", "this key makes more requests than it may; send many payments as one file").after(wait)
	}
	if !c.op.allows(key) {
		return forbidden(c, "this key has not the scope "+string(c.op.scope))
	}
	return nil
}

func unauthorized(c *call, detail string) error {
	c.w.Header().Set("WWW-Authenticate", `Bearer realm="remesa"`)
	return problem(http.StatusUnauthorized, "unauthorized", detail)
}

func forbidden(c *call, detail string) error {
	c.w.Header().Set("WWW-Authenticate", `Bearer realm="remesa", error="insufficient_scope"`)
	return problem(http.StatusForbidden, "forbidden", detail)
}

// maySubmit refuses what the key must not submit.
func (c *call) maySubmit(provider, account string) error {
	if c.key.MaySubmit(provider, account) {
		return nil
	}
	return forbidden(c, "this key may not submit for this provider and account")
}

// recover keeps a mistake of the program from ending the process. What it says may hold a value of
// the request, so it is not logged.
func (a *API) recover(c *call) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	a.Log.Error().Str("operation", c.name()).Str("stack", string(debug.Stack())).Msg("a mistake of this program ended a request")
	if !c.w.begun {
		writeProblem(c.w, problem(http.StatusInternalServerError, "mistake", "a mistake of this program; it was logged"))
	}
}

func (c *call) name() string {
	if c.op == nil {
		return ""
	}
	return c.op.id
}

// log tells of a request without anything that it holds but a valid name of a payment or a
// subscription.
func (a *API) log(c *call, p *Problem, took time.Duration) {
	e := a.Log.Info()
	if p != nil && p.cause != nil {
		e = a.Log.Warn().Err(p.cause)
	}
	e.Str("operation", c.name()).Int("status", c.w.status).Str("from", listen.CountedAddress(c.r.RemoteAddr).String()).
		Dur("took_ms", took).Int64("bytes", c.w.bytes)
	if c.key.ID != "" {
		e.Str("key", c.key.ID).Str("key_name", c.key.Name)
	}
	if c.about != "" {
		e.Str("about", c.about)
	}
	if c.lines > 0 {
		e.Int("lines", c.lines)
	}
	if p != nil {
		e.Str("problem", strings.TrimPrefix(p.Type, "urn:remesa:")).Strs("fields", fieldsOf(p))
	}
	e.Msg("request")
}

// fieldsOf names the fields of a problem that this interface knows; a name that it does not know
// may be anything.
func fieldsOf(p *Problem) []string {
	var names []string
	for _, f := range p.Errors {
		name := f.Field + f.Header + f.Parameter
		if f.Detail != "unknown field" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// recorder keeps what the log tells of a response.
type recorder struct {
	http.ResponseWriter
	begun  bool
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if !w.begun {
		w.begun, w.status = true, status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun, w.status = true, http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the server's writer.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard keeps status and header of a response that is not sent.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

type noMetrics struct{}

func (noMetrics) RequestBegun()                           {}
func (noMetrics) RequestEnded(string, int, time.Duration) {}
func (noMetrics) LineTaken(string, string)                {}

// OperationNames are those of the description.
func OperationNames() []string {
	var names []string
	for _, op := range operations() {
		names = append(names, op.id)
	}
	return names
}
