package tasks

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/seal"
)

// envelope is the payload of a task that a plain asynq client enqueues where workers have payload
// keys.
type envelope struct {
	Key    string `json:"key"`
	Sealed string `json:"sealed"`
}

const sealedTask = "task"

// SealTask makes the task that a plain asynq client may enqueue: its type is the payment's, its
// queue that of its provider and priority. With a ring (REMESA_PAYLOAD_KEYS) its payload shows
// nothing but the payment's key, and only workers with that key of the ring take it; without one it
// is the open payload, which workers that have keys refuse.
func SealTask(ring *seal.Ring, t Task) (*asynq.Task, error) {
	if t.Type() == "" {
		return nil, errors.New("the zero Task cannot be enqueued")
	}
	payload := t.Payload()
	if ring != nil {
		key := t.Key().String()
		sealed := ring.Seal(payload, sealedTask, t.Type(), key)
		var err error
		if payload, err = json.Marshal(envelope{Key: key, Sealed: string(sealed)}); err != nil {
			return nil, fmt.Errorf("sealed task: %w", err)
		}
	}
	queue := SendQueue(t.Provider())
	if t.Priority() == PriorityBulk {
		queue = BulkQueue(t.Provider())
	}
	return asynq.NewTask(t.Type(), payload, asynq.Queue(queue)), nil
}

// OpenTask reads a task that a plain asynq client enqueued. With a ring it takes only what a holder
// of one of its keys sealed, as the payment that it is enqueued as. After seal.ErrUnknownKey
// another worker, or this one with the right keys, can read it; after any other error none ever
// can.
func OpenTask(ring *seal.Ring, t *asynq.Task) (Task, error) {
	var e envelope
	if json.Unmarshal(t.Payload(), &e) != nil {
		e = envelope{} // the errors below say what is wrong, without repeating any of it
	}
	switch {
	case e.Sealed == "" && ring == nil:
		return Decode(t.Payload())
	case e.Sealed == "":
		return Task{}, fmt.Errorf("task: %w: this worker has payload keys, and takes from plain asynq clients only what SealTask made", seal.ErrNotSealed)
	}
	plain, err := ring.Open([]byte(e.Sealed), sealedTask, t.Type(), e.Key)
	if err != nil {
		return Task{}, fmt.Errorf("task: %w", err)
	}
	task, err := Decode(plain)
	if err != nil {
		return Task{}, err
	}
	if task.Key().String() != e.Key || task.Type() != t.Type() {
		return Task{}, fmt.Errorf("task: %w: it is another payment's than it says", seal.ErrTampered)
	}
	return task, nil
}
