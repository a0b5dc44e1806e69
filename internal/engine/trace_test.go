package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/trace"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// followed is a fixture whose producer and workers follow payments.
type followed struct {
	*fixture
	exporter *tracetest.InMemoryExporter
	tracer   *trace.Tracer
}

func newFollowedFixture(t *testing.T) followed {
	t.Helper()
	w := followed{fixture: newFixture(t), exporter: tracetest.NewInMemoryExporter()}
	w.tracer = trace.With(sdk.NewTracerProvider(sdk.WithSpanProcessor(sdk.NewSimpleSpanProcessor(w.exporter))))
	w.client = tasks.NewClient(w.ledger, w.rdb, tasks.ClientOptions{TaskTimeout: 30 * time.Second, Tracer: w.tracer.Registrations()})
	return w
}

// tree are the spans in the order of their ends, each with its parent's name, without those that a
// test does not know how many there are.
func (w followed) tree(trace oteltrace.TraceID) []string {
	spans, names := w.exporter.GetSpans(), map[oteltrace.SpanID]string{}
	for _, s := range spans {
		names[s.SpanContext.SpanID()] = s.Name
	}
	var out []string
	for _, s := range spans {
		if s.SpanContext.TraceID() == trace {
			out = append(out, names[s.Parent.SpanID()]+">"+s.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (w followed) await(name string, n int) {
	w.t.Helper()
	eventually.True(w.t, testTimeout, fmt.Sprintf("%d spans %s", n, name), func() bool {
		found := 0
		for _, s := range w.exporter.GetSpans() {
			if s.Name == name {
				found++
			}
		}
		return found >= n
	})
}

// assertNothingPrivate reads every text of every span.
func (w followed) assertNothingPrivate() {
	w.t.Helper()
	text := fmt.Sprintf("%+v", w.exporter.GetSpans())
	for _, c := range append([]string{"12500", "://"}, canaries...) {
		if strings.Contains(text, c) {
			w.t.Errorf("a span holds %q", c)
		}
	}
}

// TestAPaymentIsFollowed through doubt to its outcome, in one trace, and nothing of it reaches the
// provider's client.
func TestAPaymentIsFollowed(t *testing.T) {
	w := newFollowedFixture(t)
	leaked := false
	w.provider.behave("p", scriptedReplies{
		pay: func(ctx context.Context, _ providers.Attempt) (providers.Outcome, error) {
			leaked = leaked || oteltrace.SpanContextFromContext(ctx).IsValid()
			return providers.Outcome{Class: providers.InDoubt, Code: "timeout", Message: "Canaria Soto"}, nil
		},
		results: statusResults{statusResult(providers.Succeeded)},
	})
	w.submit(key("p"))
	w.run(func(o *Options) { o.Trace = w.tracer })
	w.await("ask", 1)
	root := w.exporter.GetSpans()[0].SpanContext.TraceID()
	want := []string{">register", "ask>exchange", "attempt>begin", "attempt>exchange", "attempt>finish", "register>ask", "register>attempt", "register>wait"}
	eventually.True(t, testTimeout, "the tree is whole", func() bool { return slices.Equal(w.tree(root), want) })
	if leaked {
		t.Error("the provider's client could send a traceparent")
	}
	w.assertNothingPrivate()
}

// TestATraceRepeatsNoPerson: what an adapter let through goes to no collector either, of a send and
// of a status query.
func TestATraceRepeatsNoPerson(t *testing.T) {
	w := newFollowedFixture(t)
	leaky := providers.Outcome{Class: providers.InDoubt, Code: "no account 77889900112 of Canaria Soto"}
	found := leaky
	found.Class = providers.Succeeded
	w.provider.behave("p", scriptedReplies{
		pay:     func(context.Context, providers.Attempt) (providers.Outcome, error) { return leaky, nil },
		results: statusResults{func(providers.StatusQuery) (providers.Outcome, error) { return found, nil }},
	})
	w.submit(key("p"))
	w.run(func(o *Options) { o.Trace = w.tracer })
	w.await("ask", 1)
	w.await("exchange", 2)
	w.assertNothingPrivate()
}

// TestWhatAWakeUpCarriesKeepsItsOwnTrace: a wake-up names many payments.
func TestWhatAWakeUpCarriesKeepsItsOwnTrace(t *testing.T) {
	w := newFollowedFixture(t)
	w.submit(key("a"), key("b"), key("c"))
	w.run(func(o *Options) { o.Trace = w.tracer })
	w.await("attempt", 3)
	traces := map[oteltrace.TraceID]int{}
	for _, s := range w.exporter.GetSpans() {
		if s.Name == "register" || s.Name == "attempt" {
			traces[s.SpanContext.TraceID()]++
		}
	}
	for id, n := range traces {
		if n != 2 {
			t.Errorf("trace %s has %d of register and attempt", id, n)
		}
	}
	if len(traces) != 3 {
		t.Errorf("%d traces of 3 payments", len(traces))
	}
}

// TestAPlainClientsTraceGoesOn: its tasks carry it as a header.
func TestAPlainClientsTraceGoesOn(t *testing.T) {
	w := newFollowedFixture(t)
	const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	client := asynq.NewClientFromRedisClient(w.rdb)
	plain := asynq.NewTaskWithHeaders("payout", payload(key("p"), "12500"), map[string]string{"traceparent": caller})
	if _, err := client.EnqueueContext(t.Context(), plain, asynq.Queue(tasks.SendQueue("virtualpos"))); err != nil {
		t.Fatal(err)
	}
	w.run(func(o *Options) { o.Trace = w.tracer })
	w.await("attempt", 1)
	for _, s := range w.exporter.GetSpans() {
		if s.SpanContext.TraceID().String() != caller[3:35] {
			t.Errorf("%s is in trace %s", s.Name, s.SpanContext.TraceID())
		}
	}
	w.assertNothingPrivate()
}

// TestARecordHoldsATraceOnlyWhereItIsFollowed, so that it stays as it was where nobody looks.
func TestARecordHoldsATraceOnlyWhereItIsFollowed(t *testing.T) {
	w := newFollowedFixture(t)
	w.submit(key("followed"))
	w.client = tasks.NewClient(w.ledger, w.rdb, tasks.ClientOptions{Tracer: (*trace.Tracer)(nil).Registrations()})
	w.submit(key("alone"))
	for reference, want := range map[string]bool{"followed": true, "alone": false} {
		found := false
		for _, k := range w.rdb.Keys(t.Context(), "remesa:{virtualpos}:p:*").Val() {
			if strings.HasSuffix(k, reference) {
				found = strings.Contains(w.rdb.Get(t.Context(), k).Val(), "traceparent")
			}
		}
		if found != want {
			t.Errorf("%s: %t", reference, found)
		}
	}
}
