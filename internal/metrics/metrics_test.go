package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/engine"
	"github.com/remesa/remesa/internal/redistest"
)

var _ engine.Metrics = (*Metrics)(nil)

// TestNamesAndLabels are what dashboards and alerts are written against.
func TestNamesAndLabels(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := New(reg)
	reg.MustRegister(OpenPayments{Ledger: fakeCounter{}, Providers: []string{"virtualpos"}})
	created := time.Unix(1000, 0)
	m.Transitioned("virtualpos", idempotency.Transition{Type: "payout", State: idempotency.Pending, Applied: true})
	m.Transitioned("virtualpos", idempotency.Transition{Type: "payout", State: idempotency.Succeeded, Created: created, At: created.Add(3 * time.Second)})
	m.Request("virtualpos", "pay", "succeeded", 2*time.Second)
	m.Anomaly("virtualpos", "late_success")
	m.Circuit("virtualpos", true)
	m.Ledger("begin", time.Millisecond)
	m.TokenRenewed("pagoseguro", "rejected")
	m.Serve(created, "virtualpos")
	m.Deliver([]string{"billing"}, []string{"delivered"})
	rdb := redistest.Start(t, redistest.MaxMemory("64mb")).Client()
	ledger, served := idempotency.NewRedis(rdb, idempotency.Options{}), []string{"virtualpos"}
	reg.MustRegister(LedgerHealth{Ledger: ledger, Providers: served}, Parked{Ledger: ledger, Providers: served}, Redis{Client: rdb},
		Webhooks{Store: fakeBacklog{}, Receivers: []string{"billing", "away"}})
	want := map[string]string{
		"remesa_payments_total":               "counter provider,state,type",
		"remesa_payments_open":                "gauge provider,state",
		"remesa_provider_request_seconds":     "histogram class,operation,provider",
		"remesa_ledger_seconds":               "histogram operation",
		"remesa_anomalies_total":              "counter kind,provider",
		"remesa_time_to_outcome_seconds":      "histogram provider,type",
		"remesa_circuit_open":                 "gauge provider",
		"remesa_token_renewals_total":         "counter provider,reason",
		"remesa_payload_decrypt_errors_total": "counter provider,reason",
		"remesa_tasks_rejected_total":         "counter provider,reason",

		"remesa_last_outcome_timestamp_seconds": "gauge provider",
		"remesa_payments_oldest_seconds":        "gauge provider,state",
		"remesa_anomalies_open":                 "gauge provider",
		"remesa_due_lag_seconds":                "gauge provider",
		"remesa_halts":                          "gauge provider",
		"remesa_waiting_payments":               "gauge provider,reason",
		"remesa_tokens_contended_total":         "counter provider",
		"remesa_redis_up":                       "gauge ",
		"remesa_redis_memory_bytes":             "gauge ",
		"remesa_redis_memory_ratio":             "gauge ",
		"remesa_build_info":                     "gauge commit,version",
		"remesa_payments_blocked_total":         "counter code,provider",
		"remesa_webhook_deliveries_total":       "counter receiver,result",
		"remesa_webhooks_open":                  "gauge receiver",
		"remesa_webhooks_parked":                "gauge receiver",
		"remesa_webhooks_lag_seconds":           "gauge receiver",
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "remesa_") {
			continue
		}
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		got[f.GetName()] = strings.ToLower(f.GetType().String()) + " " + strings.Join(labels, ",")
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", f.GetName())
		}
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %q, want %q", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d families of ours: %v", len(got), got)
	}
	problems, err := testutil.GatherAndLint(reg)
	for _, p := range problems {
		t.Logf("lint: %s: %s", p.Metric, p.Text)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestTimeToOutcomeCountsFinalStatesOnly(t *testing.T) {
	m := New(prometheus.NewRegistry())
	created := time.Unix(1000, 0)
	for _, s := range idempotency.States() {
		m.Transitioned("p", idempotency.Transition{Type: "payout", State: s, Created: created, At: created.Add(time.Second)})
	}
	const want = `
# HELP remesa_time_to_outcome_seconds From registration to the final outcome.
# TYPE remesa_time_to_outcome_seconds histogram
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="0.1"} 0
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="0.5"} 0
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="1"} 3
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="5"} 3
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="15"} 3
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="60"} 3
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="300"} 3
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="1800"} 3
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="7200"} 3
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="43200"} 3
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="259200"} 3
remesa_time_to_outcome_seconds_bucket{provider="p",type="payout",le="+Inf"} 3
remesa_time_to_outcome_seconds_sum{provider="p",type="payout"} 3
remesa_time_to_outcome_seconds_count{provider="p",type="payout"} 3
`
	if err := testutil.CollectAndCompare(m.outcome, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestTheCircuitsOfAProviderAreCounted(t *testing.T) {
	m := New(prometheus.NewRegistry())
	for _, open := range []bool{true, true, false} {
		m.Circuit("p", open)
	}
	if n := testutil.ToFloat64(m.circuit.WithLabelValues("p")); n != 1 {
		t.Errorf("%g accounts", n)
	}
}

// fakeCounter counts some payments, and fails for one provider.
type fakeCounter struct{}

func (fakeCounter) Counts(_ context.Context, provider string) (map[idempotency.State]int64, error) {
	if provider == "away" {
		return nil, errors.New("away")
	}
	return map[idempotency.State]int64{idempotency.Queued: 4, idempotency.Held: 0, idempotency.Failed: 9}, nil
}

func TestOpenPayments(t *testing.T) {
	const want = `
# HELP remesa_payments_open Payments by open state.
# TYPE remesa_payments_open gauge
remesa_payments_open{provider="virtualpos",state="held"} 0
remesa_payments_open{provider="virtualpos",state="queued"} 4
`
	o := OpenPayments{Ledger: fakeCounter{}, Providers: []string{"away", "virtualpos"}}
	if err := testutil.CollectAndCompare(o, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// fakeInspector answers for some queues, fails for one, and never answers for another.
type fakeInspector struct{ never chan struct{} }

func (i fakeInspector) GetQueueInfo(queue string) (*asynq.QueueInfo, error) {
	switch queue {
	case "broken":
		return nil, errors.New("a task without its hash")
	case "hangs":
		<-i.never
	}
	return &asynq.QueueInfo{Queue: queue, Size: 7, Pending: 4, Active: 2, Archived: 1, Latency: 1500 * time.Millisecond, Paused: queue == "b",
		MemoryUsage: 100, ProcessedTotal: 50, FailedTotal: 3}, nil
}

func TestQueuesThatCannotBeReadBlankNoOther(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	q := Queues{Inspector: fakeInspector{never}, Names: []string{"broken", "a", "hangs", "b"}, Timeout: 300 * time.Millisecond}
	want := "# HELP asynq_queue_paused_total 1 where the queue is paused.\n# TYPE asynq_queue_paused_total gauge\n" +
		"asynq_queue_paused_total{queue=\"a\"} 0\nasynq_queue_paused_total{queue=\"b\"} 1\n" +
		"# HELP asynq_queue_latency_seconds Age of the oldest pending task.\n# TYPE asynq_queue_latency_seconds gauge\n" +
		"asynq_queue_latency_seconds{queue=\"a\"} 1.5\nasynq_queue_latency_seconds{queue=\"b\"} 1.5\n"
	if err := testutil.CollectAndCompare(q, strings.NewReader(want), "asynq_queue_paused_total", "asynq_queue_latency_seconds"); err != nil {
		t.Error(err)
	}
}

type damaged map[string]int64

func (d damaged) Damaged(_ context.Context, queue string) (int64, error) {
	if n, ok := d[queue]; ok {
		return n, nil
	}
	return 0, errors.New("not reachable")
}

func TestDamagedTasksAreCountedWhereTheyCanBeRead(t *testing.T) {
	t.Parallel()
	c := Damaged{Tasks: damaged{"virtualpos": 2, "virtualpos-ask": 0}, Queues: []string{"virtualpos", "etpay", "virtualpos-ask"}}
	want := strings.NewReader("# HELP remesa_damaged_tasks Tasks that asynq cannot read, put aside for an operator to look at.\n" +
		"# TYPE remesa_damaged_tasks gauge\nremesa_damaged_tasks{queue=\"virtualpos\"} 2\nremesa_damaged_tasks{queue=\"virtualpos-ask\"} 0\n")
	if err := testutil.CollectAndCompare(c, want); err != nil {
		t.Error(err)
	}
}

func TestQueuesOfARealRedis(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	client := asynq.NewClientFromRedisClient(rdb)
	for n := range 3 {
		if _, err := client.Enqueue(asynq.NewTask("wake", fmt.Append(nil, n)), asynq.Queue("virtualpos")); err != nil {
			t.Fatal(err)
		}
	}
	q := Queues{Inspector: asynq.NewInspectorFromRedisClient(rdb), Names: []string{"virtualpos", "never-used"}}
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(q)
	want := `
# HELP asynq_queue_size Tasks in the queue.
# TYPE asynq_queue_size gauge
asynq_queue_size{queue="virtualpos"} 3
# HELP asynq_tasks_enqueued_total Tasks in the queue by state.
# TYPE asynq_tasks_enqueued_total gauge
asynq_tasks_enqueued_total{queue="virtualpos",state="active"} 0
asynq_tasks_enqueued_total{queue="virtualpos",state="aggregating"} 0
asynq_tasks_enqueued_total{queue="virtualpos",state="archived"} 0
asynq_tasks_enqueued_total{queue="virtualpos",state="completed"} 0
asynq_tasks_enqueued_total{queue="virtualpos",state="pending"} 3
asynq_tasks_enqueued_total{queue="virtualpos",state="retry"} 0
asynq_tasks_enqueued_total{queue="virtualpos",state="scheduled"} 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "asynq_queue_size", "asynq_tasks_enqueued_total"); err != nil {
		t.Error(err)
	}
}
