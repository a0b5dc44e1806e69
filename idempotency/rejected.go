package idempotency

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/internal/kv"
)

// RejectReason says in one word why a task became no payment.
type RejectReason string

// The reasons for which a task is rejected.
const (
	// RejectInvalid: a field is wrong, or a status task names an unknown payment.
	RejectInvalid RejectReason = "invalid"
	// RejectConflict: another payment has its reference, or what only one payment may claim.
	RejectConflict RejectReason = "conflict"
	// RejectUnreadable: it is no JSON object, or no wake-up.
	RejectUnreadable RejectReason = "unreadable"
	// RejectUnsealed: it is not sealed, and the workers have payload keys.
	RejectUnsealed RejectReason = "unsealed"
	// RejectUndecryptable: the right key does not open it, or it is another payment's.
	RejectUndecryptable RejectReason = "undecryptable"
)

// RejectReasons lists all reasons.
func RejectReasons() []RejectReason {
	return []RejectReason{RejectInvalid, RejectConflict, RejectUnreadable, RejectUnsealed, RejectUndecryptable}
}

// RejectedTask is a task of a plain asynq client that became no payment.
type RejectedTask struct {
	// Provider is the one in whose stream and list it stands.
	Provider string
	// Key is what the task names; the zero Key where that cannot be read for certain.
	Key Key
	// Type is payout, charge or status; empty where it is none of them.
	Type string
	// Queue and TaskID name it in asynq.
	Queue, TaskID string
	Reason        RejectReason
	// Message begins with the field's path, such as "amount: must be a decimal string", and never
	// has its value.
	Message string
	// At is the store's time of the rejection.
	At time.Time
	// DecryptErr says why Message is empty although the store has it; an error of package seal.
	DecryptErr error
}

// Field is the path of the field that is wrong, such as "recipient.document"; "line" or "task"
// where the task as a whole is.
func (t RejectedTask) Field() string {
	field, _, _ := strings.Cut(t.Message, ": ")
	return field
}

// EventKey is the key of the task's outcome event, the same each time that asynq hands the task
// out: "rejected:" and a hash. It is not that of the payment which the task names, because that may
// be another one, with a state of its own.
func (t RejectedTask) EventKey() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{t.Queue, t.TaskID, string(t.Reason), t.Field()}, "\x00")))
	return "rejected:" + hex.EncodeToString(sum[:16])
}

const (
	// keptRejected is how many rejected tasks of a provider the list keeps, the newest.
	keptRejected = 1000
	// RejectedRetention is how long the list keeps them.
	RejectedRetention = 30 * 24 * time.Hour
)

// RejectedCommit is a rejected task on its way into the store.
type RejectedCommit struct {
	// ID is the task's event key, Text what the list keeps of it.
	ID, Text          string
	Task              RejectedTask
	EpochNumber       int64
	OutcomesRetention time.Duration
}

// storedRejection is what the list keeps of a task, its message sealed where there are keys.
type storedRejection struct {
	At        int64        `json:"at"`
	Account   string       `json:"account,omitempty"`
	Reference string       `json:"reference,omitempty"`
	Type      string       `json:"type,omitempty"`
	Queue     string       `json:"queue"`
	TaskID    string       `json:"task_id"`
	Reason    RejectReason `json:"reason"`
	Message   string       `json:"message"`
}

// RejectTask tells that a task became no payment: as an outcome event and in the list of rejected
// tasks, both in one step and in the provider's home partition: a task that is no payment has no
// other. told is false if the list has it already, because asynq handed the same task out once
// more. After an error the caller may repeat the call.
func (l *Ledger) RejectTask(ctx context.Context, t RejectedTask) (told bool, err error) {
	start := time.Now()
	defer func() { l.opts.Observe("reject_task", time.Since(start)) }()
	epoch, err := l.epoch(ctx, Partition{Provider: t.Provider})
	if err != nil {
		return false, rejectedError(t.Provider, err)
	}
	now, err := l.store.Clock(ctx, t.Provider)
	if err != nil {
		return false, rejectedError(t.Provider, err)
	}
	id := t.EventKey()
	t.At, t.Message = asTime(now), l.opts.Seal.SealText(t.Message, fieldMessage, id)
	text, err := json.Marshal(storedRejection{
		At: int64(now), Account: t.Key.Account, Reference: t.Key.Reference, Type: t.Type, Queue: t.Queue, TaskID: t.TaskID,
		Reason: t.Reason, Message: t.Message,
	})
	if err != nil {
		return false, rejectedError(t.Provider, err)
	}
	told, err = l.store.Reject(ctx, t.Provider, RejectedCommit{
		ID: id, Text: string(text), Task: t, EpochNumber: epoch.epoch.Number, OutcomesRetention: l.policy(t.Provider).OutcomesRetention,
	})
	return told, rejectedError(t.Provider, err)
}

// RejectedTasks lists a provider's rejected tasks of the last 30 days, at most the newest 1,000,
// oldest first.
func (l *Ledger) RejectedTasks(ctx context.Context, provider string) ([]RejectedTask, error) {
	texts, err := l.store.Rejected(ctx, provider)
	if err != nil {
		return nil, rejectedError(provider, err)
	}
	now, err := l.store.Clock(ctx, provider)
	if err != nil {
		return nil, rejectedError(provider, err)
	}
	var all []RejectedTask
	for id, text := range texts {
		var s storedRejection
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return nil, rejectedError(provider, fmt.Errorf("%w: %s is no JSON of a rejected task", ErrDamaged, id))
		}
		if rules.Time(s.At) < now.Add(-RejectedRetention) {
			continue
		}
		t := RejectedTask{
			Provider: provider, Type: s.Type, Queue: s.Queue, TaskID: s.TaskID, Reason: s.Reason, At: asTime(rules.Time(s.At)),
		}
		if s.Reference != "" {
			t.Key = Key{provider, s.Account, s.Reference}
		}
		t.Message = s.Message
		if t.DecryptErr = openShown(l.opts.Seal, fieldMessage, id, &t.Message); t.DecryptErr != nil {
			t.Message = ""
		}
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b RejectedTask) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.EventKey(), b.EventKey()))
	})
	return all, nil
}

func rejectedError(provider string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("rejected tasks of %s: %w", provider, err)
}

// rejectedEvent is a rejected task's outcome event. Its version is always 1: nothing more becomes
// of the task.
func rejectedEvent(c RejectedCommit) kv.OutcomeEvent {
	t := c.Task
	return kv.OutcomeEvent{
		Key: c.ID, Type: t.Type, Reference: t.Key.Reference, Account: t.Key.Account, Code: string(t.Reason), Message: t.Message,
		At: t.At, Event: "rejected", Epoch: c.EpochNumber, Version: 1,
	}
}

// Reject implements Store. What no longer has a place in the list is read first: two workers that
// do so at once leave one too many, which the next takes away.
func (s *redisStore) Reject(ctx context.Context, provider string, r RejectedCommit) (bool, error) {
	p := keysOf(provider)
	oldest := strconv.FormatInt(r.Task.At.Add(-RejectedRetention).UnixMilli(), 10)
	pipe := s.db.Client.Pipeline()
	many := pipe.ZRange(ctx, p.rejected(), 0, -keptRejected)
	old := pipe.ZRangeByScore(ctx, p.rejected(), &redis.ZRangeBy{Min: "-inf", Max: oldest})
	if _, err := pipe.Exec(ctx); err != nil {
		return false, err
	}
	c := kv.NewGuardedCommit(provider)
	c.WhenFull = kv.RefuseWhenFull // the task keeps its place in the queue
	c.Guard("HEXISTS", p.rejectedTasks(), r.ID, "0", "0")
	for part := range slices.Chunk(append(many.Val(), old.Val()...), registerAtOnce) {
		members := make([]any, len(part))
		for i, id := range part {
			members[i] = id
		}
		c.Write("ZREM", p.rejected(), members...)
		c.Write("HDEL", p.rejectedTasks(), members...)
	}
	c.Write("ZADD", p.rejected(), r.Task.At.UnixMilli(), r.ID)
	c.Write("HSET", p.rejectedTasks(), r.ID, r.Text)
	for _, key := range []string{p.rejected(), p.rejectedTasks()} {
		c.Write("PEXPIRE", key, RejectedRetention.Milliseconds())
	}
	c.Append(rejectedEvent(r), r.OutcomesRetention)
	written, errs := s.batcher.Commit(ctx, provider, c)
	return written[0].Done, storeError(errs[0])
}

// Rejected implements Store.
func (s *redisStore) Rejected(ctx context.Context, provider string) (map[string]string, error) {
	return s.db.Client.HGetAll(ctx, keysOf(provider).rejectedTasks()).Result()
}

// Clock implements Store.
func (s *redisStore) Clock(ctx context.Context, provider string) (rules.Time, error) {
	now, err := s.now(ctx, provider)
	return rules.Time(now), err
}

// Reject implements Store.
func (m *Memory) Reject(_ context.Context, provider string, r RejectedCommit) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.provider(provider)
	if _, told := s.rejected[r.ID]; told {
		return false, nil
	}
	s.rejected[r.ID] = r.Text
	s.rejectedIDs = append(s.rejectedIDs, r.ID)
	if len(s.rejectedIDs) > keptRejected {
		delete(s.rejected, s.rejectedIDs[0])
		s.rejectedIDs = slices.Clone(s.rejectedIDs[1:])
	}
	s.publish(rejectedEvent(r))
	return true, nil
}

// Rejected implements Store.
func (m *Memory) Rejected(_ context.Context, provider string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.provider(provider).rejected), nil
}

// Clock implements Store.
func (m *Memory) Clock(context.Context, string) (rules.Time, error) { return m.now(), nil }
