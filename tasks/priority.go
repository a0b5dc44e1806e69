package tasks

import "github.com/remesa/remesa/providers/fields"

// Priority says which payments let others go first. It is no part of what a payment means: two
// tasks that differ in it alone are duplicates.
type Priority string

// The priorities.
const (
	PriorityNormal Priority = "normal"
	// PriorityBulk is that of a payment of a big file, such as a payroll: it is sent while nothing
	// of priority normal waits, and now and then also otherwise.
	PriorityBulk Priority = "bulk"
)

// BulkAbove is how many tasks are submitted together without being bulk.
const BulkAbove = 1000

// Priority is the task's; PriorityNormal where nobody has said otherwise. A status task has none.
func (t Task) Priority() Priority {
	switch p := t.common().Priority; {
	case p != "":
		return p
	case t.bulk:
		return PriorityBulk
	default:
		return PriorityNormal
	}
}

// BulkByDefault returns the task as a bulk payment, unless it has a priority of its own.
func (t Task) BulkByDefault() Task {
	t.bulk = true
	return t
}

// priority is the field of a task.
func priority() fields.Field {
	return fields.TextOf("priority", "must be normal or bulk", func(text string) bool {
		return Priority(text) == PriorityNormal || Priority(text) == PriorityBulk
	})
}
