package trace

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/logtest"
	"github.com/remesa/remesa/tasks"
)

var key = idempotency.Key{Provider: "virtualpos", Account: "default", Reference: "tef-0001"}

// recorded is a tracer whose spans a test reads.
type recorded struct {
	*Tracer
	exporter *tracetest.InMemoryExporter
}

func record(options ...sdk.TracerProviderOption) recorded {
	exporter := tracetest.NewInMemoryExporter()
	options = append(options, sdk.WithSpanProcessor(sdk.NewSimpleSpanProcessor(exporter)))
	return recorded{With(sdk.NewTracerProvider(options...)), exporter}
}

// span is the one of that name.
func (r recorded) span(t *testing.T, name string) tracetest.SpanStub {
	t.Helper()
	for _, s := range r.exporter.GetSpans() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no span %s among %d", name, len(r.exporter.GetSpans()))
	return tracetest.SpanStub{}
}

const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// register is a registration under the caller's span.
func (r recorded) register() string {
	text, end := r.Register(r.Remote(context.Background(), caller), key)
	end(tasks.Enqueued)
	return text
}

func (r recorded) attempt(traceparent string, age time.Duration) *Span {
	return r.Attempt(Begun{
		Key: key, Traceparent: traceparent, Age: age, Waited: 3 * time.Second, Attempt: "a", Number: 1, Began: r.Now(),
	})
}

func TestOneTraceLeadsFromTheCallerToTheOutcome(t *testing.T) {
	r := record()
	a := r.attempt(r.register(), time.Minute)
	x := a.Exchange()
	x.At("write")
	x.Outcome("in_doubt", "timeout")
	x.End()
	f := a.Finish()
	f.State("in_doubt")
	f.End()
	a.End()
	r.Ask(key, format(r.span(t, "register").SpanContext), time.Minute, r.Now()).End()
	for child, parent := range map[string]string{"wait": "register", "attempt": "register", "ask": "register", "begin": "attempt", "exchange": "attempt", "finish": "attempt"} {
		c, p := r.span(t, child), r.span(t, parent)
		if c.Parent.SpanID() != p.SpanContext.SpanID() || c.SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%s is not under %s, in the caller's trace", child, parent)
		}
	}
	if got := r.span(t, "register").Parent.SpanID().String(); got != "b7ad6b7169203331" {
		t.Errorf("register is under %s", got)
	}
	if wait := r.span(t, "wait"); wait.EndTime.Sub(wait.StartTime) != 3*time.Second {
		t.Errorf("it waited %s", wait.EndTime.Sub(wait.StartTime))
	}
	if exchange := r.span(t, "exchange"); len(exchange.Events) != 1 || exchange.Status.Description != "in_doubt" {
		t.Errorf("%v, %v: doubt is an error", exchange.Events, exchange.Status)
	}
}

// A span that waits for days does not exist.
func TestWhatComesLateIsLinked(t *testing.T) {
	r := record()
	registered := r.register()
	r.attempt(registered, 25*time.Hour).End()
	r.Ask(key, registered, 25*time.Hour, r.Now()).End()
	for _, name := range []string{"attempt", "ask"} {
		s := r.span(t, name)
		if s.Parent.IsValid() || len(s.Links) != 1 || format(s.Links[0].SpanContext) != registered {
			t.Errorf("%s: parent %v, links %v", name, s.Parent, s.Links)
		}
	}
	if begin := r.span(t, "begin"); begin.Parent.SpanID() != r.span(t, "attempt").SpanContext.SpanID() {
		t.Error("begin is not the attempt's")
	}
	for _, s := range r.exporter.GetSpans() {
		if s.Name == "wait" {
			t.Error("a wait of days has a span")
		}
	}
}

func TestAPaymentOfAFileHasATraceOfItsOwn(t *testing.T) {
	r := record()
	ctx, end := r.File(r.Remote(context.Background(), caller))
	_, first := r.Register(ctx, key)
	first(tasks.Enqueued)
	end(1)
	file, register := r.span(t, "file"), r.span(t, "register")
	if file.Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("the file is under %s", file.Parent.SpanID())
	}
	if register.Parent.IsValid() || len(register.Links) != 1 || register.Links[0].SpanContext.SpanID() != file.SpanContext.SpanID() {
		t.Errorf("parent %v, links %v", register.Parent, register.Links)
	}
}

// What its producer does not sample is not sampled later, either.
func TestAPaymentIsSampledOnce(t *testing.T) {
	never, always := record(sdk.WithSampler(sdk.NeverSample())), record()
	text, end := never.Register(context.Background(), key)
	end(tasks.Enqueued)
	if !strings.HasSuffix(text, "-00") || len(text) != len(caller) {
		t.Fatalf("traceparent %q", text)
	}
	always.attempt(text, time.Minute).End()
	always.attempt(text, 25*time.Hour).End()
	always.Ask(key, text, 25*time.Hour, always.Now()).End()
	if spans := always.exporter.GetSpans(); len(spans) != 0 {
		t.Errorf("%d spans", len(spans))
	}
}

func TestWithoutATraceparentTheAttemptIsTheRoot(t *testing.T) {
	for _, text := range []string{"", "x", "00-00000000000000000000000000000000-b7ad6b7169203331-01"} {
		r := record()
		ctx := r.Remote(context.Background(), text)
		if got := r.attempt(text, 0); got == nil {
			t.Fatal("no span")
		}
		_, end := r.Register(ctx, key)
		end("")
		if s := r.span(t, "register"); s.Parent.IsValid() || s.Status.Description == "" {
			t.Errorf("%q: parent %v, status %v", text, s.Parent, s.Status)
		}
		for _, s := range r.exporter.GetSpans() {
			if s.Name == "wait" {
				t.Errorf("%q: a wait that belongs to nothing", text)
			}
		}
	}
}

// TestNobodyPaysForNoTraces: with traces off the path of a payment allocates nothing for them.
func TestNobodyPaysForNoTraces(t *testing.T) {
	var off *Tracer
	ctx := context.Background()
	allocations := testing.AllocsPerRun(100, func() {
		file, endFile := off.File(off.Remote(ctx, caller))
		_, end := off.Register(file, key)
		end(tasks.Enqueued)
		endFile(1)
		s := off.Attempt(Begun{Key: key, Traceparent: caller, Attempt: "a", Began: off.Now()})
		x := s.Exchange()
		x.At("write")
		x.Operation("pay")
		x.Outcome("succeeded", "00")
		x.End()
		f := s.Finish()
		f.State("succeeded")
		f.End()
		s.End()
		q := off.Ask(key, caller, 0, off.Now())
		q.End()
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
	if off.Registrations() != nil {
		t.Error("a client of tasks would call a tracer that is none")
	}
}

// TestWithoutAnEndpointNothingRuns: no exporter, and no goroutine of one.
func TestWithoutAnEndpointNothingRuns(t *testing.T) {
	tracer, err := New(t.Context(), Options{})
	if tracer != nil || err != nil {
		t.Fatal(tracer, err)
	}
	tracer.Close(t.Context())
	eventually.True(t, time.Minute, "what another test began has ended", func() bool { return exporters() == "" })
}

// exporters are the goroutines that run for exports.
func exporters() string {
	stacks := make([]byte, 1<<20)
	var found []string
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "go.opentelemetry.io") {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

func TestACollectorGetsTheSpans(t *testing.T) {
	var got atomic.Value
	status := atomic.Int64{}
	status.Store(http.StatusBadRequest)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(r.URL.Path + string(body))
		w.WriteHeader(int(status.Load()))
	}))
	defer collector.Close()
	var log logtest.Log
	tracer, err := New(t.Context(), Options{Endpoint: collector.URL + "/", Service: "remesa-worker", Version: "v1", Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	eventually.True(t, time.Minute, "an exporter runs, or the test above tests nothing", func() bool { return exporters() != "" })
	for _, code := range []int{http.StatusBadRequest, http.StatusBadRequest, http.StatusOK, http.StatusOK} {
		status.Store(int64(code))
		_, end := tracer.Register(context.Background(), key)
		end(tasks.Enqueued)
		if err := tracer.exports.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	tracer.Close(t.Context())
	text, _ := got.Load().(string)
	for _, part := range []string{"/v1/traces", "remesa-worker", "register", "virtualpos/tef-0001"} {
		if !strings.Contains(text, part) {
			t.Errorf("the collector got no %s: %q", part, text)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 {
		t.Errorf("%d lines about a collector that was away once:\n%s", lines, log.String())
	}
}
