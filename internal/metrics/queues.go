package metrics

import (
	"cmp"
	"context"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
)

// Inspector is what Queues needs of an asynq.Inspector.
type Inspector interface {
	GetQueueInfo(queue string) (*asynq.QueueInfo, error)
}

// Queues collects asynq's own metrics at every scrape, under the names of asynq's exporter, so that
// its dashboards fit.
type Queues struct {
	Inspector Inspector
	Names     []string
	// Timeout bounds a scrape's reads of Redis; 2 s by default.
	Timeout time.Duration
}

var (
	queueSize    = queueDesc("asynq_queue_size", "Tasks in the queue.")
	queueLatency = queueDesc("asynq_queue_latency_seconds", "Age of the oldest pending task.")
	queueMemory  = queueDesc("asynq_queue_memory_usage_approx_bytes", "Approximate memory of the queue and its tasks.")
	queuePaused  = queueDesc("asynq_queue_paused_total", "1 where the queue is paused.")
	processed    = queueDesc("asynq_tasks_processed_total", "Tasks processed, failed ones included.")
	failed       = queueDesc("asynq_tasks_failed_total", "Tasks whose handler returned an error.")
	enqueued     = queueDesc("asynq_tasks_enqueued_total", "Tasks in the queue by state.", "state")
)

func queueDesc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"queue"}, more...), nil)
}

// Describe implements prometheus.Collector.
func (q Queues) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{queueSize, queueLatency, queueMemory, queuePaused, processed, failed, enqueued} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. A queue that cannot be read in time, or that had no task
// yet, is left out; the others are not.
func (q Queues) Collect(ch chan<- prometheus.Metric) {
	infos := make(chan *asynq.QueueInfo, len(q.Names))
	for _, name := range q.Names {
		go func() {
			info, err := q.Inspector.GetQueueInfo(name)
			if err != nil {
				info = nil
			}
			infos <- info
		}()
	}
	late := time.NewTimer(cmp.Or(q.Timeout, 2*time.Second))
	defer late.Stop()
	for range q.Names {
		select {
		case info := <-infos:
			if info != nil {
				report(ch, info)
			}
		case <-late.C:
			return
		}
	}
}

func report(ch chan<- prometheus.Metric, i *asynq.QueueInfo) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, n, append([]string{i.Queue}, labels...)...)
	}
	paused := 0.0
	if i.Paused {
		paused = 1
	}
	send(queueSize, prometheus.GaugeValue, float64(i.Size))
	send(queueLatency, prometheus.GaugeValue, i.Latency.Seconds())
	send(queueMemory, prometheus.GaugeValue, float64(i.MemoryUsage))
	send(queuePaused, prometheus.GaugeValue, paused)
	send(processed, prometheus.CounterValue, float64(i.ProcessedTotal))
	send(failed, prometheus.CounterValue, float64(i.FailedTotal))
	for state, n := range map[string]int{
		"active": i.Active, "pending": i.Pending, "scheduled": i.Scheduled, "retry": i.Retry, "archived": i.Archived,
		"completed": i.Completed, "aggregating": i.Aggregating,
	} {
		send(enqueued, prometheus.GaugeValue, float64(n), state)
	}
}

// Damaged collects at every scrape how many of each queue's tasks are put aside because asynq
// cannot read them. All workers report the same numbers: take the highest, never a sum.
type Damaged struct {
	Tasks interface {
		Damaged(ctx context.Context, queue string) (int64, error)
	}
	Queues []string
	// Timeout bounds a scrape's reads of Redis; 2 s by default.
	Timeout time.Duration
}

var damagedDesc = prometheus.NewDesc("remesa_damaged_tasks", "Tasks that asynq cannot read, put aside for an operator to look at.",
	[]string{"queue"}, nil)

// Describe implements prometheus.Collector.
func (d Damaged) Describe(ch chan<- *prometheus.Desc) { ch <- damagedDesc }

// Collect implements prometheus.Collector. A queue that cannot be read is left out, so that no
// stale zero is scraped.
func (d Damaged) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(d.Timeout, 2*time.Second))
	defer cancel()
	for _, queue := range d.Queues {
		if n, err := d.Tasks.Damaged(ctx, queue); err == nil {
			gauge(ch, damagedDesc, float64(n), queue)
		}
	}
}
