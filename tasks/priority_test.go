package tasks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remesa/remesa/tasks"
)

const payoutLine = `{"type":"payout","provider":"virtualpos","merchant_id":"p","amount":"12500","currency":"CLP","description":"Sueldo",` +
	`"recipient":{"document":"12345678-5","name":"Ana Soto","email":"ana@example.cl"},"bank":{"code":"012","account_number":"12345678"}%s}`

func decoded(t *testing.T, more string) tasks.Task {
	t.Helper()
	task, err := tasks.Decode(fmt.Appendf(nil, payoutLine, more))
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func TestATasksOwnPriorityCounts(t *testing.T) {
	t.Parallel()
	none, normal, bulk := decoded(t, ""), decoded(t, `,"priority":"normal"`), decoded(t, `,"priority":"bulk"`)
	for _, row := range []struct {
		says string
		task tasks.Task
		want tasks.Priority
	}{
		{"none", none, tasks.PriorityNormal}, {"none, of a file", none.BulkByDefault(), tasks.PriorityBulk},
		{"normal", normal, tasks.PriorityNormal}, {"normal, of a file", normal.BulkByDefault(), tasks.PriorityNormal},
		{"bulk", bulk, tasks.PriorityBulk}, {"a status task", tasks.Task{}, tasks.PriorityNormal},
	} {
		if got := row.task.Priority(); got != row.want {
			t.Errorf("%s: %s", row.says, got)
		}
		if row.task.Type() != "" && row.task.Registration(nil).Bulk != (row.want == tasks.PriorityBulk) {
			t.Errorf("%s: registered otherwise", row.says)
		}
	}
	if none.Fingerprint(nil) != bulk.Fingerprint(nil) || normal.Fingerprint(nil) != bulk.Fingerprint(nil) {
		t.Error("the priority is part of the fingerprint")
	}
	if !strings.Contains(string(normal.Payload()), `"priority":"normal"`) || strings.Contains(string(none.BulkByDefault().Payload()), "priority") {
		t.Errorf("%s\n%s", normal.Payload(), none.Payload())
	}
}

func TestAnUnknownPriorityIsRefused(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"urgent"`, `"Bulk"`, `""`, `1`, `null`} {
		_, err := tasks.Decode(fmt.Appendf(nil, payoutLine, `,"priority":`+value))
		if err == nil || !strings.HasPrefix(err.Error(), "priority") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestManyTasksAreBulk(t *testing.T) {
	o := newFixture(t)
	c := o.client(tasks.ClientOptions{})
	var file []tasks.Task
	for i := range tasks.BulkAbove {
		file = append(file, payout(t, fmt.Sprintf("f%d", i), "1000"))
	}
	o.submit(c, file...)
	if n := len(o.woken("virtualpos")); n != tasks.BulkAbove {
		t.Errorf("%d of %d are normal", n, tasks.BulkAbove)
	}
	if n := len(o.woken("virtualpos-bulk")); n != 0 {
		t.Errorf("%d of %d are bulk", n, tasks.BulkAbove)
	}
	o = newFixtureAlike(o)
	file = append(file, decoded(t, `,"priority":"normal"`))
	o.submit(o.client(tasks.ClientOptions{}), file...) // asynq's client remembers the queues that it named
	if own := o.woken("virtualpos"); len(own) != 1 || own[0] != "virtualpos/p" {
		t.Errorf("normal: %q", own)
	}
	if n := len(o.woken("virtualpos-bulk")); n != tasks.BulkAbove {
		t.Errorf("%d are bulk", n)
	}
}

// newFixtureAlike is the fixture, emptied.
func newFixtureAlike(o fixture) fixture {
	o.t.Helper()
	if err := o.rdb.FlushDB(o.t.Context()).Err(); err != nil {
		o.t.Fatal(err)
	}
	return o
}
