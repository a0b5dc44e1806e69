package trace

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/remesa/remesa/providers"
)

// Span is a part of a payment's way. The nil Span is none.
type Span struct {
	tracer trace.Tracer
	span   trace.Span
}

// context is one for spans below this one, and for nothing else.
func (s *Span) context() context.Context {
	return trace.ContextWithSpan(context.Background(), s.span)
}

// Exchange begins the span of what is said to the provider.
func (s *Span) Exchange() *Span { return s.child("exchange", trace.SpanKindClient) }

// Finish begins the span of writing down what the attempt came to.
func (s *Span) Finish() *Span { return s.child("finish", trace.SpanKindInternal) }

func (s *Span) child(name string, kind trace.SpanKind) *Span {
	if s == nil {
		return nil
	}
	_, span := s.tracer.Start(s.context(), name, trace.WithSpanKind(kind))
	return &Span{s.tracer, span}
}

// At marks a point of the exchange, such as that of the first byte.
func (s *Span) At(point string) {
	if s != nil {
		s.span.AddEvent(point)
	}
}

// Operation says what the provider is asked to do.
func (s *Span) Operation(name string) {
	if s != nil {
		s.span.SetAttributes(operationAttribute.String(name))
	}
}

// Outcome says what it came to. What is in doubt, or was not sent, is an error, so that collectors
// can keep it.
func (s *Span) Outcome(class, code string) {
	if s == nil {
		return
	}
	s.span.SetAttributes(classAttribute.String(class))
	if code != "" {
		s.span.SetAttributes(codeAttribute.String(code))
	}
	switch providers.Class(class) {
	case providers.Succeeded, providers.Pending, providers.Refused, providers.Duplicate, providers.NotFound:
	default:
		s.span.SetStatus(codes.Error, class)
	}
}

// State says what state the payment is in now.
func (s *Span) State(state string) {
	if s != nil && state != "" {
		s.span.SetAttributes(stateAttribute.String(state))
	}
}

// End ends the span.
func (s *Span) End() {
	if s != nil {
		s.span.End()
	}
}
