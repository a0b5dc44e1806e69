// Package metrics reports to Prometheus what workers do. Users rely on the names and labels
// (docs/metrics.md); no label holds a reference, an amount or a person's data.
package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/version"
)

// Metrics implements engine.Metrics.
type Metrics struct {
	payments  *prometheus.CounterVec
	requests  *prometheus.HistogramVec
	anomalies *prometheus.CounterVec
	outcome   *prometheus.HistogramVec
	circuit   *prometheus.GaugeVec
	// epoch, sequence and loss show what a provider's store says about itself.
	epoch, sequence, loss *prometheus.GaugeVec
	ledger                *prometheus.HistogramVec
	tokens                *prometheus.CounterVec
	last                  *prometheus.GaugeVec
	decryptErrors         *prometheus.CounterVec
	contended             *prometheus.CounterVec
	blocked               *prometheus.CounterVec
	rejected              *prometheus.CounterVec
	deliveries            *prometheus.CounterVec
}

// tokenReasons are those of providers/auth. Each is reported from the start, at zero, because an
// alert on growth does not notice a series that begins at one.
var tokenReasons = []string{"first", "ahead", "rejected", "shared", "refused", "failed"}

// decryptErrorReasons are those of internal/engine.
var decryptErrorReasons = []string{"key", "unsealed", "tampered"}

var (
	requestBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 60}
	ledgerBuckets  = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 2.5}
	outcomeBuckets = []float64{.1, .5, 1, 5, 15, 60, 300, 1800, 7200, 43200, 259200}
)

// New registers the metrics, and Go's and the process's own, with reg.
func New(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		payments: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_payments_total", Help: "Transitions into this state that this worker recorded.",
		}, []string{"provider", "type", "state"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "remesa_provider_request_seconds", Help: "Calls to providers by operation and what they came to.", Buckets: requestBuckets,
		}, []string{"provider", "operation", "class"}),
		anomalies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_anomalies_total", Help: "Contradictions that an operator must look at.",
		}, []string{"provider", "kind"}),
		outcome: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "remesa_time_to_outcome_seconds", Help: "From registration to the final outcome.", Buckets: outcomeBuckets,
		}, []string{"provider", "type"}),
		circuit: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "remesa_circuit_open", Help: "Accounts whose tasks wait for the provider to accept connections or credentials.",
		}, []string{"provider"}),
		epoch: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "remesa_ledger_epoch", Help: "Lives of the store: one more for each restart, failover or loss that was noticed.",
		}, []string{"provider"}),
		sequence: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "remesa_ledger_sequence", Help: "Sends that the store has counted. It never falls, unless the store has forgotten.",
		}, []string{"provider"}),
		loss: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "remesa_ledger_loss", Help: "1 while the store is known to have forgotten sends: what waits is queried before it is sent.",
		}, []string{"provider"}),
		ledger: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "remesa_ledger_seconds", Help: "Operations of the ledger.", Buckets: ledgerBuckets,
		}, []string{"operation"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_token_renewals_total", Help: "Renewals of provider tokens: first, ahead, rejected, shared (another worker had renewed it), refused, failed.",
		}, []string{"provider", "reason"}),
		decryptErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_payload_decrypt_errors_total", Help: "Payloads that could not be opened: sealed with a key that is not here (key), not sealed (unsealed), changed or moved (tampered).",
		}, []string{"provider", "reason"}),
		contended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_tokens_contended_total", Help: "Times that fresh tokens of an account were refused three times in a row: its workers may end each other's.",
		}, []string{"provider"}),
		blocked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_payments_blocked_total", Help: "Payments that a brake blocked before their send: limit_amount, limit_hour, limit_day, limit_doubt, lookalike.",
		}, []string{"provider", "code"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_tasks_rejected_total", Help: "Tasks of plain asynq clients that became no payment: invalid, conflict, unreadable, unsealed, undecryptable.",
		}, []string{"provider", "reason"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_webhook_deliveries_total", Help: "Attempts to deliver an event to a billing system by what they came to, and events that were given up (parked) or gone (missed).",
		}, []string{"receiver", "result"}),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "remesa_last_outcome_timestamp_seconds", Help: "When a payment last became final at this worker; its start before the first.",
		}, []string{"provider"}),
	}
	reg.MustRegister(m.payments, m.requests, m.anomalies, m.outcome, m.circuit, m.epoch, m.sequence, m.loss, m.ledger, m.tokens, m.last, m.decryptErrors, m.contended, m.blocked, m.rejected, m.deliveries, buildInfo(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// buildInfo tells the versions of workers apart while they are being replaced.
func buildInfo() prometheus.Collector {
	number, commit := version.Parts()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "remesa_build_info", Help: "1; the labels say which build this is.", ConstLabels: prometheus.Labels{"version": number, "commit": commit},
	})
	info.Set(1)
	return info
}

// Serve reports zeros for these providers from now on, so that an absent number never has to be
// interpreted.
func (m *Metrics) Serve(now time.Time, providers ...string) {
	for _, p := range providers {
		m.circuit.WithLabelValues(p).Add(0)
		m.contended.WithLabelValues(p).Add(0)
		m.last.WithLabelValues(p).Set(seconds(now))
		for _, b := range idempotency.Brakes() {
			m.blocked.WithLabelValues(p, string(b)).Add(0)
		}
		for _, reason := range idempotency.RejectReasons() {
			m.rejected.WithLabelValues(p, string(reason)).Add(0)
		}
		for _, reason := range tokenReasons {
			m.tokens.WithLabelValues(p, reason).Add(0)
		}
		for _, reason := range decryptErrorReasons {
			m.decryptErrors.WithLabelValues(p, reason).Add(0)
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Request implements engine.Metrics.
func (m *Metrics) Request(provider, operation, class string, took time.Duration) {
	m.requests.WithLabelValues(provider, operation, class).Observe(took.Seconds())
}

// Transitioned implements engine.Metrics.
func (m *Metrics) Transitioned(provider string, t idempotency.Transition) {
	m.payments.WithLabelValues(provider, t.Type, string(t.State)).Inc()
	if t.State.Final() {
		m.outcome.WithLabelValues(provider, t.Type).Observe(t.At.Sub(t.Created).Seconds())
		m.last.WithLabelValues(provider).Set(seconds(t.At))
	}
}

// Anomaly implements engine.Metrics.
func (m *Metrics) Anomaly(provider, kind string) { m.anomalies.WithLabelValues(provider, kind).Inc() }

// Blocked implements engine.Metrics.
func (m *Metrics) Blocked(provider, brake string) { m.blocked.WithLabelValues(provider, brake).Inc() }

// Circuit implements engine.Metrics; call it once for each change.
func (m *Metrics) Circuit(provider string, open bool) {
	if open {
		m.circuit.WithLabelValues(provider).Inc()
	} else {
		m.circuit.WithLabelValues(provider).Dec()
	}
}

// DecryptError implements engine.Metrics.
func (m *Metrics) DecryptError(provider, reason string) {
	m.decryptErrors.WithLabelValues(provider, reason).Inc()
}

// TaskRejected implements engine.Metrics.
func (m *Metrics) TaskRejected(provider, reason string) {
	m.rejected.WithLabelValues(provider, reason).Inc()
}

// Epoch implements engine.Metrics.
func (m *Metrics) Epoch(partition string, e idempotency.Epoch, sequence int64) {
	m.epoch.WithLabelValues(partition).Set(float64(e.Number))
	m.sequence.WithLabelValues(partition).Set(float64(sequence))
	loss := 0.0
	if e.Loss != nil {
		loss = 1
	}
	m.loss.WithLabelValues(partition).Set(loss)
}

// Ledger observes one operation of the ledger.
func (m *Metrics) Ledger(operation string, took time.Duration) {
	m.ledger.WithLabelValues(operation).Observe(took.Seconds())
}

// TokenRenewed counts a renewal of a provider's token.
func (m *Metrics) TokenRenewed(provider, reason string) {
	m.tokens.WithLabelValues(provider, reason).Inc()
}

// TokensContended counts that the provider refused fresh tokens of an account again and again.
func (m *Metrics) TokensContended(provider string) { m.contended.WithLabelValues(provider).Inc() }

// Counter counts payments; the ledger does.
type Counter interface {
	// Counts returns the number of payments in each open state, and of those that failed in the
	// last 30 days.
	Counts(ctx context.Context, provider string) (map[idempotency.State]int64, error)
}

// OpenPayments collects the number of payments in each open state at every scrape.
type OpenPayments struct {
	Ledger    Counter
	Providers []string
	// Timeout bounds a scrape's reads of the ledger; 2 s by default.
	Timeout time.Duration
}

var openDesc = prometheus.NewDesc("remesa_payments_open", "Payments by open state.",
	[]string{"provider", "state"}, nil)

// Describe implements prometheus.Collector.
func (o OpenPayments) Describe(ch chan<- *prometheus.Desc) { ch <- openDesc }

// Collect implements prometheus.Collector.
func (o OpenPayments) Collect(ch chan<- prometheus.Metric) {
	readEach(o.Providers, o.Timeout, o.Ledger.Counts, func(p string, counts map[idempotency.State]int64) {
		for state, n := range counts {
			if state != idempotency.Failed {
				gauge(ch, openDesc, float64(n), p, string(state))
			}
		}
	})
}
