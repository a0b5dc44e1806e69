package faulttest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

// The login of the pages; the password is a canary, too.
const (
	pageUser     = "ana"
	pagePassword = "canary-pages-2284" // #nosec G101 -- it opens nothing but tests
)

// pageLogin are the settings that let an operator log in and change things.
func pageLogin() []string {
	return []string{"REMESA_DASHBOARD_USER", pageUser, "REMESA_DASHBOARD_PASSWORD", pagePassword, "REMESA_DASHBOARD_WRITABLE", "true"}
}

// seenOnPages are the states that payments were seen in, by provider.
type seenOnPages map[string][]idempotency.State

// note reports whether the state is new at this provider.
func (o seenOnPages) note(provider string, s idempotency.State) bool {
	if slices.Contains(o[provider], s) {
		return false
	}
	o[provider] = append(o[provider], s)
	return true
}

func (o seenOnPages) assert(t testing.TB, provider string, states ...idempotency.State) {
	t.Helper()
	for _, s := range states {
		if !slices.Contains(o[provider], s) {
			t.Errorf("no page of a %s payment at %s was searched, only %v", s, provider, o[provider])
		}
	}
}

// leakCheck fails where a text contains what it may not.
type leakCheck func(where, text string)

// searchPayment searches one payment's page and notes the state that it shows.
func (o seenOnPages) searchPayment(w *fixture, p *processtest.Process, look leakCheck, k idempotency.Key) {
	w.t.Helper()
	path := "/payments/show?key=" + url.QueryEscape(k.String())
	text := w.get(p, path)
	look(path, unescaped(text))
	m := regexp.MustCompile(`<p class="state"><strong>([^<]+)</strong>`).FindStringSubmatch(text)
	if m == nil || !strings.Contains(text, k.Reference) {
		w.t.Errorf("%s shows no payment", path)
		return
	}
	o.note(k.Provider, idempotency.State(strings.ReplaceAll(strings.ToLower(m[1]), " ", "_"))) // the label in English
}

// unescaped undoes what HTML and JSON make of signs.
func unescaped(text string) string {
	return strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">", `\/`, "/").Replace(html.UnescapeString(text))
}

// searchLists searches the pages that list something: payments, queues, and the tasks of every
// queue.
func (w *fixture) searchLists(p *processtest.Process, look leakCheck) {
	w.t.Helper()
	read := func(path string) string {
		text := w.get(p, path)
		look(path, unescaped(text))
		return text
	}
	for _, path := range []string{"/payments", "/dashboard/", "/dashboard/api/servers", "/dashboard/api/scheduler_entries", "/dashboard/api/redis_info"} {
		read(path)
	}
	var list struct {
		Queues []struct {
			Queue string `json:"queue"`
		} `json:"queues"`
	}
	if err := json.Unmarshal([]byte(read("/dashboard/api/queues")), &list); err != nil || len(list.Queues) == 0 {
		w.t.Errorf("the queues' page lists %d queues: %v", len(list.Queues), err)
	}
	for _, q := range list.Queues {
		read("/dashboard/api/queues/" + q.Queue)
		for _, state := range []string{"active", "pending", "scheduled", "retry", "archived", "completed"} {
			read(fmt.Sprintf("/dashboard/api/queues/%s/%s_tasks?size=1000", q.Queue, state))
		}
	}
}

// waiting are tasks of a plain asynq client with all of a payment in them, which no worker takes:
// one is not due, the queue of the other is not served.
var waiting = []struct {
	queue, state string
	options      []asynq.Option
}{
	{tasks.SendQueue(virtualpos.Name), "scheduled", []asynq.Option{asynq.ProcessIn(time.Hour)}},
	{"elsewhere", "pending", nil},
}

// searchWaiting enqueues such tasks, searches the pages, and deletes them.
func (w *fixture) searchWaiting(p *processtest.Process, look leakCheck) {
	w.t.Helper()
	const id = "waits"
	task := w.canaryPayment(id)
	delete(w.payments, task.Reference()) // it is never registered
	inspector := asynq.NewInspectorFromRedisClient(w.rdb)
	for _, c := range waiting {
		options := append([]asynq.Option{asynq.Queue(c.queue), asynq.TaskID(id)}, c.options...)
		if _, err := asynq.NewClientFromRedisClient(w.rdb).Enqueue(asynq.NewTask(task.Type(), task.Payload()), options...); err != nil {
			w.t.Fatal(err)
		}
	}
	w.searchLists(p, look)
	for _, c := range waiting {
		for _, path := range []string{"/dashboard/api/queues/" + c.queue + "/" + c.state + "_tasks", "/dashboard/api/queues/" + c.queue + "/tasks/" + id} {
			text := w.get(p, path)
			look(path, unescaped(text))
			if !strings.Contains(text, task.Reference()) || !strings.Contains(text, "4321") || !strings.Contains(text, "masked") {
				w.t.Errorf("%s does not show the task with its key and amount, and the rest masked: %s", path, text)
			}
		}
		if err := inspector.DeleteTask(c.queue, id); err != nil {
			w.t.Error(err)
		}
	}
	if err := inspector.DeleteQueue("elsewhere", true); err != nil {
		w.t.Error(err)
	}
}

// searchPages searches every list, and the page of every payment; one is found by its bare
// reference.
func (w *fixture) searchPages(p *processtest.Process, look leakCheck) seenOnPages {
	w.t.Helper()
	w.searchLists(p, look)
	seen := seenOnPages{}
	for reference := range w.payments {
		seen.searchPayment(w, p, look, w.key(reference))
		look("a search for "+reference, unescaped(w.get(p, "/payments/show?key="+reference)))
	}
	return seen
}
