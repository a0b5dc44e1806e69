// Package trace follows payments with OpenTelemetry, from their registration to their outcome:
//
//	register (producer)
//	├─ wait      until a worker could begin it, and did
//	├─ attempt   begin, exchange (with the provider), finish
//	└─ ask       a status query, with its exchange
//
// The name of the registration's span travels in the payment's record, as W3C text. Spans that wait
// for days do not exist: what is done long after the registration has a trace of its own, with a
// link to it.
//
// A span holds what the log holds, and nothing else: key, attempt, class, code, state. It is in no
// context that a provider's client sees, so that no provider gets a traceparent. The nil Tracer
// follows nothing, and costs nothing.
package trace

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// Names of the attributes.
const (
	keyAttribute       = attribute.Key("remesa.key")
	providerAttribute  = attribute.Key("remesa.provider")
	attemptAttribute   = attribute.Key("remesa.attempt")
	numberAttribute    = attribute.Key("remesa.attempt_number")
	waitedAttribute    = attribute.Key("remesa.waited_ms")
	operationAttribute = attribute.Key("remesa.operation")
	classAttribute     = attribute.Key("remesa.class")
	codeAttribute      = attribute.Key("remesa.code")
	stateAttribute     = attribute.Key("remesa.state")
	resultAttribute    = attribute.Key("remesa.result")
	linesAttribute     = attribute.Key("remesa.lines")
)

// followed is how long after its registration what is done for a payment belongs to the
// registration's trace. What comes later has a trace of its own.
const followed = time.Hour

// Tracer makes the spans. It is safe for concurrent use; the nil Tracer makes none.
type Tracer struct {
	tracer trace.Tracer
	// exports is the provider that New made; nil with another one's.
	exports *sdk.TracerProvider
}

// With makes a tracer of a provider that stays the caller's to shut down.
func With(p trace.TracerProvider) *Tracer {
	return &Tracer{tracer: p.Tracer("github.com/remesa/remesa")}
}

// Registrations is the tracer for a tasks.Client; nil where there is none.
func (t *Tracer) Registrations() tasks.Tracer {
	if t == nil {
		return nil
	}
	return t
}

// Now is the time for spans that are made afterwards; zero without a tracer.
func (t *Tracer) Now() time.Time {
	if t == nil {
		return time.Time{}
	}
	return time.Now()
}

// Remote returns a context under which Register continues the trace of a caller, who named its span
// by this traceparent. A text that is none changes nothing.
func (t *Tracer) Remote(ctx context.Context, traceparent string) context.Context {
	if t == nil || traceparent == "" {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, parse(traceparent))
}

type fileKey struct{}

// File begins the span of a file of payments. Under its context Register begins a trace of its own
// for each payment, linked to the file's: a trace of a hundred thousand payments shows nobody
// anything. end ends it with the number of its lines.
func (t *Tracer) File(ctx context.Context) (file context.Context, end func(lines int)) {
	if t == nil {
		return ctx, func(int) {}
	}
	ctx, span := t.tracer.Start(ctx, "file", trace.WithSpanKind(trace.SpanKindServer))
	return context.WithValue(ctx, fileKey{}, true), func(lines int) {
		span.SetAttributes(linesAttribute.Int(lines))
		span.End()
	}
}

// Register implements tasks.Tracer.
func (t *Tracer) Register(ctx context.Context, k idempotency.Key) (traceparent string, end func(tasks.SubmitResult)) {
	if t == nil {
		return "", func(tasks.SubmitResult) {}
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindProducer), about(k)}
	if ctx.Value(fileKey{}) != nil {
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(ctx)))
	}
	_, span := t.tracer.Start(ctx, "register", options...)
	return format(span.SpanContext()), func(r tasks.SubmitResult) { //nolint:contextcheck // a text is made of it, no request
		if r == "" {
			span.SetStatus(codes.Error, "not registered")
		}
		span.SetAttributes(resultAttribute.String(string(r)))
		span.End()
	}
}

// Begun is what an attempt's Begin came to.
type Begun struct {
	Key idempotency.Key
	// Traceparent is the record's, and Age the time since the registration.
	Traceparent string
	Age         time.Duration
	// Waited is how long the payment could have begun before it did.
	Waited  time.Duration
	Attempt string
	Number  int
	// Began is the Tracer's time before Begin was called.
	Began time.Time
}

// Attempt makes the spans of a payment's wait and of its Begin, which is over, and begins that of
// the attempt.
func (t *Tracer) Attempt(b Begun) *Span {
	if t == nil {
		return nil
	}
	parent, links := under(b.Traceparent, b.Age)
	if trace.SpanContextFromContext(parent).IsValid() {
		_, wait := t.tracer.Start(parent, "wait", about(b.Key), trace.WithTimestamp(b.Began.Add(-b.Waited)))
		wait.End(trace.WithTimestamp(b.Began))
	}
	_, span := t.tracer.Start(parent, "attempt", about(b.Key), links, trace.WithTimestamp(b.Began), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attemptAttribute.String(b.Attempt), numberAttribute.Int(b.Number), waitedAttribute.Int64(b.Waited.Milliseconds())))
	s := &Span{t.tracer, span}
	_, begin := t.tracer.Start(s.context(), "begin", trace.WithTimestamp(b.Began))
	begin.End()
	return s
}

// Ask begins the span of a status query.
func (t *Tracer) Ask(k idempotency.Key, traceparent string, age time.Duration, began time.Time) *Span {
	if t == nil {
		return nil
	}
	parent, links := under(traceparent, age)
	_, span := t.tracer.Start(parent, "ask", about(k), links, trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindConsumer))
	return &Span{t.tracer, span}
}

// under is where a span belongs: under that of the registration, or long after it into a trace of
// its own, with a link. A registration that is not sampled stays the parent for ever, so that
// nothing of its payment is sampled.
func under(traceparent string, age time.Duration) (parent context.Context, links trace.SpanStartOption) {
	registered := parse(traceparent)
	if age > followed && registered.IsSampled() {
		return context.Background(), trace.WithLinks(trace.Link{SpanContext: registered})
	}
	return trace.ContextWithRemoteSpanContext(context.Background(), registered), trace.WithLinks()
}

// about says which payment a span is about.
func about(k idempotency.Key) trace.SpanStartEventOption {
	return trace.WithAttributes(providerAttribute.String(k.Provider), keyAttribute.String(k.String()))
}

const header = "traceparent"

// parse reads W3C text; without a version that is known it is no span.
func parse(traceparent string) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{header: traceparent})
	return trace.SpanContextFromContext(ctx)
}

// format writes a span's name as W3C text. tracestate, which may hold anything, goes no further.
func format(span trace.SpanContext) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), span), carrier)
	return carrier[header]
}
