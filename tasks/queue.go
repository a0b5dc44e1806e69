package tasks

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
)

// TypeWake is the asynq type of a wake-up, which carries only a payment's key. A plain asynq client
// may instead enqueue a full payload as a task of type "payout", "charge" or "status" to the queue
// SendQueue.
const TypeWake = "wake"

// SendQueue is the asynq queue of a provider's payments that may be sent.
func SendQueue(provider string) string { return provider }

// AskQueue is the asynq queue of a provider's payments that must be asked about: a backlog of sends
// never delays it.
func AskQueue(provider string) string { return provider + "-ask" }

// wake is the payload of a wake-up.
type wake struct {
	Key string `json:"key"`
}

// Redeliveries is how often asynq may hand out a wake-up again. The due index wakes whatever is
// lost, so it need not be high; it must not be zero, or a crash archives the wake-up.
const Redeliveries = 5

// FirstGeneration is that of a payment's first wake-up. Its task id is the one under which the
// payment is woken in each lane, unless that is taken by a task of no use: a queue then holds at
// most one wake-up of a payment.
const FirstGeneration = 1

// NewWake makes the task that wakes a payment. timeout is asynq's, longer than any attempt.
func NewWake(w idempotency.Wakeup, timeout time.Duration) *asynq.Task {
	payload, err := json.Marshal(wake{w.Key.String()})
	if err != nil {
		panic("tasks: a string that JSON cannot hold: " + err.Error())
	}
	queue := SendQueue(w.Key.Provider)
	if w.Ask {
		queue = AskQueue(w.Key.Provider)
	}
	return asynq.NewTask(TypeWake, payload, asynq.TaskID(w.Key.TaskID(w.Generation)), asynq.Queue(queue),
		asynq.MaxRetry(Redeliveries), asynq.Timeout(timeout))
}

// WokenKey reads the key from a wake-up's payload.
func WokenKey(payload []byte) (idempotency.Key, error) {
	var w wake
	if err := json.Unmarshal(payload, &w); err != nil {
		return idempotency.Key{}, fmt.Errorf("wake-up: not a JSON object with a key")
	}
	return idempotency.ParseKey(w.Key)
}

// Key names the task's payment.
func (t Task) Key() idempotency.Key {
	return idempotency.Key{Provider: t.Provider(), Account: t.Account(), Reference: t.Reference()}
}

// Differs reports whether the record under the task's key is another payment's. Where its
// fingerprint is of another version or kind, the task's is made in that one.
func (t Task) Differs(a idempotency.Registered, fingerprintKey []byte) bool {
	if a.Result != idempotency.Conflict || a.Existing == "" {
		return a.Result == idempotency.Conflict
	}
	same, err := t.FingerprintLike(a.Existing, fingerprintKey)
	return err != nil || same != a.Existing
}

// Registration is what the ledger keeps of the task. The fingerprint key, if any, makes the
// fingerprint an HMAC.
func (t Task) Registration(fingerprintKey []byte) idempotency.Registration {
	r := idempotency.Registration{
		Key: t.Key(), Type: t.Type(), Fingerprint: t.Fingerprint(fingerprintKey), Amount: t.Amount().Text(),
		Currency: t.Amount().Currency(), Payload: t.Payload(), Object: t.Exclusive(), NotBefore: t.NotBefore(), Deadline: t.Deadline(),
	}
	if m := t.Metadata(); len(m) > 0 {
		text, err := json.Marshal(m)
		if err != nil {
			panic("tasks: a string map that JSON cannot hold: " + err.Error())
		}
		r.Metadata = string(text)
	}
	return r
}
