package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/salvage"
)

// snapshot is a queue as asynqmon's page reads it.
type snapshot struct {
	Queue          string    `json:"queue"`
	MemoryUsage    int64     `json:"memory_usage_bytes"`
	Size           int       `json:"size"`
	Groups         int       `json:"groups"`
	Latency        int64     `json:"latency_msec"`
	DisplayLatency string    `json:"display_latency"`
	Active         int       `json:"active"`
	Pending        int       `json:"pending"`
	Aggregating    int       `json:"aggregating"`
	Scheduled      int       `json:"scheduled"`
	Retry          int       `json:"retry"`
	Archived       int       `json:"archived"`
	Completed      int       `json:"completed"`
	Processed      int       `json:"processed"`
	Succeeded      int       `json:"succeeded"`
	Failed         int       `json:"failed"`
	Paused         bool      `json:"paused"`
	Timestamp      time.Time `json:"timestamp"`
	// Damaged: asynq cannot read the queue, because a task of it has lost its data. What is counted
	// is right; age and memory are not known, and stand as zero.
	Damaged bool `json:"damaged,omitempty"`
}

type day struct {
	Queue     string `json:"queue"`
	Processed int    `json:"processed"`
	Succeeded int    `json:"succeeded"`
	Failed    int    `json:"failed"`
	Date      string `json:"date"`
}

// list lists every queue. asynqmon gives up on all of them where one task of one queue has
// lost its data.
func (q *queues) list(w http.ResponseWriter, r *http.Request) {
	all, err := q.snapshots(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "Redis does not answer")
		return
	}
	reply(w, map[string]any{"queues": all})
}

func (q *queues) one(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("queue")
	names, err := q.inspector.Queues()
	switch {
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "Redis does not answer")
		return
	case !slices.Contains(names, name):
		refuse(w, http.StatusNotFound, "there is no such queue")
		return
	}
	s, err := q.snapshot(r.Context(), name)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "Redis does not answer")
		return
	}
	days := []day{}
	history, err := q.inspector.History(name, 10)
	for _, d := range history {
		days = append(days, day{d.Queue, d.Processed, d.Processed - d.Failed, d.Failed, d.Date.Format(time.DateOnly)})
	}
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "Redis does not answer")
		return
	}
	reply(w, map[string]any{"current": s, "history": days})
}

func (q *queues) snapshots(ctx context.Context) ([]snapshot, error) {
	names, err := q.inspector.Queues()
	if err != nil {
		return nil, err
	}
	all := []snapshot{}
	for _, name := range names {
		s, err := q.snapshot(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (q *queues) snapshot(ctx context.Context, name string) (snapshot, error) {
	info, err := q.inspector.GetQueueInfo(name)
	if err != nil {
		return q.count(ctx, name)
	}
	return snapshotOf(info), nil
}

func snapshotOf(i *asynq.QueueInfo) snapshot {
	return snapshot{
		Queue: i.Queue, MemoryUsage: i.MemoryUsage, Size: i.Size, Groups: i.Groups, Latency: i.Latency.Milliseconds(),
		DisplayLatency: i.Latency.Round(10 * time.Millisecond).String(), Active: i.Active, Pending: i.Pending, Aggregating: i.Aggregating,
		Scheduled: i.Scheduled, Retry: i.Retry, Archived: i.Archived, Completed: i.Completed, Processed: i.Processed,
		Succeeded: i.Processed - i.Failed, Failed: i.Failed, Paused: i.Paused, Timestamp: i.Timestamp,
	}
}

// count reads asynq's lists and sets themselves, which needs nothing of any task.
func (q *queues) count(ctx context.Context, name string) (snapshot, error) {
	pipe := q.rdb.Pipeline()
	key := func(part string) string { return "asynq:{" + name + "}:" + part }
	pending, active := pipe.LLen(ctx, key("pending")), pipe.LLen(ctx, key("active"))
	scheduled, retry := pipe.ZCard(ctx, key("scheduled")), pipe.ZCard(ctx, key("retry"))
	archived, completed := pipe.ZCard(ctx, key("archived")), pipe.ZCard(ctx, key("completed"))
	today := time.Now().UTC().Format(time.DateOnly)
	processed, failed := pipe.Get(ctx, key("processed:"+today)), pipe.Get(ctx, key("failed:"+today))
	paused := pipe.Exists(ctx, key("paused"))
	if _, err := pipe.Exec(ctx); err != nil && !isNil(err) {
		return snapshot{}, err
	}
	n := func(c *redis.IntCmd) int { return int(c.Val()) }
	done, bad := number(processed), number(failed)
	s := snapshot{
		Queue: name, DisplayLatency: "unknown", Damaged: true, Timestamp: time.Now(), Paused: n(paused) > 0,
		Pending: n(pending), Active: n(active), Scheduled: n(scheduled), Retry: n(retry), Archived: n(archived), Completed: n(completed),
		Processed: done, Succeeded: done - bad, Failed: bad,
	}
	s.Size = s.Pending + s.Active + s.Scheduled + s.Retry + s.Archived + s.Completed
	return s, nil
}

func isNil(err error) bool { return err == redis.Nil } //nolint:errorlint // a pipeline returns it as it is

// number is a counter, zero where there is none.
func number(c *redis.StringCmd) int {
	n, err := c.Int()
	if err != nil {
		return 0
	}
	return n
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // whoever does not read on has gone
}

func fileURL(name string) *url.URL { return &url.URL{Path: name} }

// notices describe queues that do not work as they should.
func (q *queues) notices(ctx context.Context) []string {
	all, err := q.snapshots(ctx)
	if err != nil {
		return []string{"asynq's queues could not be read."}
	}
	var out []string
	for _, s := range all {
		if s.Paused {
			out = append(out, "The queue "+s.Queue+" is paused: its payments wait until it is resumed on the queues' page.")
		}
		if s.Damaged {
			out = append(out, "In the queue "+s.Queue+" a task has lost its data (evicted, or restored in part). No payment that "+
				"the ledger knows is lost by that: it wakes each by itself. The queues' page shows the queue without its age and memory.")
		}
		n, err := (salvage.PutAside{Redis: q.rdb}).Damaged(ctx, s.Queue)
		if err != nil {
			out = append(out, "The damaged tasks of the queue "+s.Queue+" could not be counted.")
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("Damaged tasks of the queue %s that were put aside: %d. Each may have been a payment that a plain asynq "+
				"client enqueued and that the ledger does not know; the runbook says how to find out.", s.Queue, n))
		}
	}
	return out
}
