package trace

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// Options of New.
type Options struct {
	// Endpoint is the collector's base URL (OTEL_EXPORTER_OTLP_ENDPOINT); empty: nothing is traced.
	Endpoint string
	// Service and Version name the program.
	Service, Version string
	Log              zerolog.Logger
}

// New makes a tracer that exports over OTLP (HTTP, protobuf), in the background: a collector that
// is slow or away delays no payment, and costs spans. It is nil where there is no endpoint.
// Sampling, queue, headers and the rest are OpenTelemetry's own variables (OTEL_TRACES_SAMPLER,
// OTEL_BSP_*, OTEL_EXPORTER_OTLP_HEADERS, …).
func New(ctx context.Context, o Options) (*Tracer, error) {
	if o.Endpoint == "" {
		return nil, nil //nolint:nilnil // nothing is traced, which is no error
	}
	to, err := url.JoinPath(o.Endpoint, "v1/traces")
	if err != nil {
		return nil, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT: not a URL")
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(to))
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", o.Service), attribute.String("service.version", o.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(&patient{SpanExporter: exporter, log: o.Log}), sdk.WithResource(about))
	t := With(provider)
	t.exports = provider
	return t, nil
}

// closeTimeout bounds what is still exported when the process ends.
const closeTimeout = 2 * time.Second

// Close exports what was not yet, for two seconds at most.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil || t.exports == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = t.exports.Shutdown(ctx) // what is lost was logged
}

// patient logs the first of failures in a row and their end: a collector that is away fills no log.
type patient struct {
	sdk.SpanExporter
	log     zerolog.Logger
	failing atomic.Bool
}

// ExportSpans implements sdk.SpanExporter.
func (p *patient) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := p.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !p.failing.Swap(true):
		p.log.Warn().Err(err).Msg("the collector takes no traces: they are lost until it does; payments go on")
	case err == nil && p.failing.Swap(false):
		p.log.Info().Msg("the collector takes traces again")
	}
	return nil
}
