package view

import "github.com/remesa/remesa/idempotency"

// Rejected is a rejected task as `enqueue list --rejected` prints it. Every field is always there;
// key, account and reference are empty where the task could not be read.
type Rejected struct {
	At        string                   `json:"at"`
	Key       string                   `json:"key"`
	Type      string                   `json:"type"`
	Provider  string                   `json:"provider"`
	Account   string                   `json:"account"`
	Reference string                   `json:"reference"`
	Reason    idempotency.RejectReason `json:"reason"`
	Field     string                   `json:"field"`
	Message   string                   `json:"message"`
	Queue     string                   `json:"queue"`
	TaskID    string                   `json:"task_id"`
}

// NewRejected shows a rejected task.
func NewRejected(t idempotency.RejectedTask) Rejected {
	r := Rejected{
		At: Stamp(t.At), Type: t.Type, Provider: t.Provider, Account: t.Key.Account, Reference: t.Key.Reference, Reason: t.Reason,
		Field: t.Field(), Message: t.Message, Queue: t.Queue, TaskID: t.TaskID,
	}
	if t.Key.Reference != "" {
		r.Key = t.Key.String()
	}
	return r
}
