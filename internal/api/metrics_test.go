package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/metrics"
	"github.com/remesa/remesa/internal/trace"
	"github.com/remesa/remesa/tasks"
)

var _ Metrics = (*metrics.API)(nil)

func TestRequestsAndLinesAreCounted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	counts := metrics.NewAPI(reg, OperationNames()...)
	w := newFixture(t, func(o *Options) { o.Metrics = counts })
	w.call("POST", payouts, payout("a"))
	w.call("POST", payouts, payout("a"))
	w.call("POST", payouts, `{"type":"payout"}`)
	w.call("POST", payouts, payout("a")+"\n"+payout("b")+"\nx\n", "Content-Type", linesMedia)
	w.call("GET", "/v1/nowhere/tef-0001", "")
	const want = `
# HELP remesa_api_lines_total Lines of files that the HTTP interface took in, by result.
# TYPE remesa_api_lines_total counter
remesa_api_lines_total{operation="createPayout",result="duplicate"} 1
remesa_api_lines_total{operation="createPayout",result="enqueued"} 1
remesa_api_lines_total{operation="createPayout",result="invalid"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "remesa_api_lines_total"); err != nil {
		t.Error(err)
	}
	eventually.True(t, time.Minute, "each request has ended", func() bool {
		return requests(t, reg, "createPayout", "2xx") == 3 && requests(t, reg, "createPayout", "4xx") == 1 && requests(t, reg, "none", "4xx") == 1
	})
	n, err := testutil.GatherAndCount(reg, "remesa_api_requests_total")
	if w.must(err); n != 3*len(OperationNames())+1 {
		t.Errorf("%d series of requests: each operation and class has one from the start", n)
	}
	const idle = `
# HELP remesa_api_requests_in_flight Requests to the HTTP interface that are under way.
# TYPE remesa_api_requests_in_flight gauge
remesa_api_requests_in_flight 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(idle), "remesa_api_requests_in_flight"); err != nil {
		t.Error(err)
	}
	families, err := reg.Gather()
	w.must(err)
	if text := fmt.Sprint(families); strings.Contains(text, "tef-") || strings.Contains(text, "nowhere") {
		t.Errorf("a label names a payment or an address: %s", text)
	}
}

func requests(t *testing.T, reg prometheus.Gatherer, operation, class string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "remesa_api_requests_total" && m.GetLabel()[0].GetValue() == class && m.GetLabel()[1].GetValue() == operation {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

const callersSpan = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// TestACallersTraceGoesOn: a payment's registration is in it; a file's payments have traces of
// their own, linked to the file's.
func TestACallersTraceGoesOn(t *testing.T) {
	t.Parallel()
	exporter := tracetest.NewInMemoryExporter()
	tracer := trace.With(sdk.NewTracerProvider(sdk.WithSpanProcessor(sdk.NewSimpleSpanProcessor(exporter))))
	w := newFixture(t, func(o *Options) {
		o.Trace = tracer
		o.Tasks = tasks.NewClient(o.Ledger, o.Redis, tasks.ClientOptions{Tracer: tracer.Registrations()})
	})
	headers := []string{"Traceparent", callersSpan, "Tracestate", "ana=Soto"}
	if got := w.call("POST", payouts, payout("a"), headers...); got.status != 201 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	single := exporter.GetSpans()[0]
	if single.Name != "register" || single.Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("%s is under %s", single.Name, single.Parent.SpanID())
	}
	q, err := w.ledger.StartQuery(t.Context(), keyOf("a"))
	w.must(err)
	if !strings.HasPrefix(q.Traceparent, callersSpan[:36]) || strings.Contains(q.Traceparent, "b7ad6b7169203331") {
		t.Errorf("the record has %q", q.Traceparent)
	}
	exporter.Reset()
	w.call("POST", payouts, payout("b")+"\n"+payout("c")+"\n", append(headers, "Content-Type", linesMedia)...)
	eventually.True(t, time.Minute, "the file's span ends", func() bool { return len(exporter.GetSpans()) == 3 })
	for _, s := range exporter.GetSpans() {
		if s.Name == "register" && (s.Parent.IsValid() || len(s.Links) != 1 || s.Links[0].SpanContext.TraceID() != single.SpanContext.TraceID()) {
			t.Errorf("parent %v, links %v", s.Parent, s.Links)
		}
	}
	// Without a header, or with one that is none, a trace begins.
	for reference, header := range map[string]string{"d": "", "e": "Ana Soto"} {
		exporter.Reset()
		w.call("POST", payouts, payout(reference), "Traceparent", header)
		if s := exporter.GetSpans()[0]; s.Parent.IsValid() {
			t.Errorf("%q: parent %v", header, s.Parent)
		}
	}
	tracer.Close(context.Background())
}
