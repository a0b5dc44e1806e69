package tasks

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
)

// TypeWakeUp is the asynq type of a wake-up, which carries only a payment's key. A plain asynq
// client may instead enqueue a full payload as a task of type "payout", "charge" or "status" to the
// queue SendQueue.
const TypeWakeUp = "wake"

// SendQueue is the asynq queue of the payments of a partition that may be sent, bulk payments
// aside. Its keys in Redis have the hash tag of the partition's own. A plain asynq client enqueues
// full payloads to the queue of the provider's name, which is that of its home partition, whatever
// their partitions.
func SendQueue(partition string) string { return partition }

// BulkQueue is the asynq queue of the bulk payments of a partition that may be sent. It is a queue
// of its own, so that no other payment waits behind a file.
func BulkQueue(partition string) string { return partition + "-bulk" }

// StatusQueue is the asynq queue of the payments of a partition that must be queried, its query
// lane. It is a queue of its own, so that a backlog of sends never delays it.
func StatusQueue(partition string) string { return partition + "-ask" }

// Queues lists all queues of a partition.
func Queues(partition string) []string {
	return []string{SendQueue(partition), BulkQueue(partition), StatusQueue(partition)}
}

// queueOf is the queue of a wake-up.
func queueOf(w idempotency.WakeUp) string {
	partition := idempotency.Partition{Provider: w.Key.Provider, Number: w.Partition}.String()
	switch {
	case w.Query:
		return StatusQueue(partition)
	case w.Bulk:
		return BulkQueue(partition)
	default:
		return SendQueue(partition)
	}
}

// wakeUp is the payload of a wake-up: one payment's key, or several.
type wakeUp struct {
	Key  string   `json:"key,omitempty"`
	Keys []string `json:"keys,omitempty"`
}

// WakeBatch is how many payments one wake-up names at the most (measured: 8 cost Redis more, 128
// leave other workers without work).
const WakeBatch = 32

// Redeliveries is how often asynq may hand out a wake-up again. The due index wakes whatever is
// lost, so it need not be high; it must not be zero, or a crash archives the wake-up.
const Redeliveries = 5

// FirstGeneration is that of a payment's first wake-up. Its task id is the one under which the
// payment is woken in each lane, unless that is taken by a task of no use: a queue then holds at
// most one wake-up of a payment.
const FirstGeneration = 1

// NewWakeUp makes the task that wakes payments of one partition, all to be sent, all to be sent as
// bulk payments, or all to be queried; at least one and at most WakeBatch. timeout is asynq's,
// longer than any attempt.
func NewWakeUp(timeout time.Duration, ws ...idempotency.WakeUp) *asynq.Task {
	first := ws[0]
	body := wakeUp{Key: first.Key.String()}
	if len(ws) > 1 {
		body = wakeUp{Keys: make([]string, len(ws))}
		for i, w := range ws {
			body.Keys[i] = w.Key.String()
		}
	}
	payload, err := json.Marshal(body)
	if err != nil {
		panic("tasks: a string that JSON cannot hold: " + err.Error())
	}
	return asynq.NewTask(TypeWakeUp, payload, asynq.TaskID(WakeUpID(ws...)), asynq.Queue(queueOf(first)),
		asynq.MaxRetry(Redeliveries), asynq.Timeout(timeout))
}

// WakeUpID is the id of the task that wakes these payments. One that wakes several is named after
// the first, after how many others it wakes, and by a hash of all, so that the same payments woken
// at the same generations have the same task.
func WakeUpID(ws ...idempotency.WakeUp) string {
	first := ws[0]
	id := first.Key.TaskID(first.Generation)
	if len(ws) == 1 {
		return id
	}
	all := sha256.New()
	var line []byte
	for _, w := range ws {
		line = append(append(line[:0], w.Key.String()...), ':')
		all.Write(append(strconv.AppendInt(line, w.Generation, 10), '\n'))
	}
	return fmt.Sprintf("%s+%d:%x", id, len(ws)-1, all.Sum(nil)[:8])
}

// WakeUpKeys reads the keys from a wake-up's payload.
func WakeUpKeys(payload []byte) ([]idempotency.Key, error) {
	var w wakeUp
	if err := json.Unmarshal(payload, &w); err != nil {
		return nil, fmt.Errorf("wake-up: not a JSON object with a key, or keys")
	}
	if len(w.Keys) == 0 {
		w.Keys = []string{w.Key}
	}
	keys := make([]idempotency.Key, len(w.Keys))
	for i, text := range w.Keys {
		k, err := idempotency.ParseKey(text)
		if err != nil {
			return nil, err
		}
		keys[i] = k
	}
	return keys, nil
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
		Bulk: t.Priority() == PriorityBulk,
	}
	if m := t.Metadata(); len(m) > 0 {
		r.Metadata = mapText(m)
	}
	return r
}

// mapText is the map as encoding/json writes it, which takes five times as long; a test compares
// the two.
func mapText(m map[string]string) string {
	var names [16]string
	sorted := names[:0]
	size := len("{}")
	for name, value := range m {
		sorted = append(sorted, name)
		size += len(name) + len(value) + len(`"":"",`)
	}
	slices.Sort(sorted)
	b := append(make([]byte, 0, size), '{')
	for i, name := range sorted {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(appendText(b, name), ':'), m[name])
	}
	return string(append(b, '}'))
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic("tasks: a text that JSON cannot hold: " + err.Error())
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
