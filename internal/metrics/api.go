package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// API implements api.Metrics.
type API struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	lines    *prometheus.CounterVec
}

// Classes of a response: of its status, or that the client went before there was one.
var responseClasses = []string{"2xx", "4xx", "5xx"}

const noResponse = "none"

// apiBuckets reach from one payment to a file, or to a call that waits for outcomes.
var apiBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60, 300}

// NewAPI registers the metrics of enqueue serve, with Go's and the process's own, and reports zero
// for each of the operations.
func NewAPI(reg prometheus.Registerer, operations ...string) *API {
	a := &API{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_api_requests_total", Help: "Requests to the HTTP interface by operation and class of the status.",
		}, []string{"operation", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "remesa_api_request_seconds", Help: "Requests to the HTTP interface, files and calls that wait among them.", Buckets: apiBuckets,
		}, []string{"operation"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "remesa_api_requests_in_flight", Help: "Requests to the HTTP interface that are under way.",
		}),
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "remesa_api_lines_total", Help: "Lines of files that the HTTP interface took in, by result.",
		}, []string{"operation", "result"}),
	}
	for _, operation := range operations {
		for _, class := range responseClasses {
			a.requests.WithLabelValues(operation, class).Add(0)
		}
	}
	reg.MustRegister(a.requests, a.seconds, a.inFlight, a.lines, buildInfo(), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return a
}

// RequestBegun implements api.Metrics.
func (a *API) RequestBegun() { a.inFlight.Inc() }

// RequestEnded implements api.Metrics.
func (a *API) RequestEnded(operation string, status int, took time.Duration) {
	a.inFlight.Dec()
	if operation == "" {
		operation = "none"
	}
	class := noResponse
	if status >= 100 {
		class = strconv.Itoa(status/100) + "xx"
	}
	a.requests.WithLabelValues(operation, class).Inc()
	a.seconds.WithLabelValues(operation).Observe(took.Seconds())
}

// LineTaken implements api.Metrics.
func (a *API) LineTaken(operation, result string) { a.lines.WithLabelValues(operation, result).Inc() }
