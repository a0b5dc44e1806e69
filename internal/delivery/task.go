package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"
)

// TaskType is the asynq type of a delivery.
const TaskType = "webhook"

// Task is the payload of a delivery's task. It names an entry of a stream and holds nothing of it.
type Task struct {
	Stream  string `json:"stream"`
	ID      string `json:"id"`
	EventID string `json:"event_id"`
	// Since is when the event's first attempt was due, in Unix ms.
	Since int64 `json:"since"`
}

// names are those of streams and events: they hold no blank, and nothing that a page must escape.
var names = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,200}$`)

// taskTimeout is asynq's: longer than an exchange, and than the writes before and after it.
const taskTimeout = time.Minute

// ParseTask reads a task's payload.
func ParseTask(payload []byte) (Task, error) {
	var t Task
	if err := json.Unmarshal(payload, &t); err != nil {
		return t, errors.New("no delivery: its payload cannot be read")
	}
	if _, ok := t.entry(); !ok {
		return t, errors.New("no delivery: its payload names no event")
	}
	return t, nil
}

// entry is what the task is to deliver. The event's id ends in epoch and version.
func (t Task) entry() (entry, bool) {
	end := strings.LastIndexByte(t.EventID, ':')
	if end < 0 || !names.MatchString(t.EventID) || !names.MatchString(t.Stream) {
		return entry{}, false
	}
	end = strings.LastIndexByte(t.EventID[:end], ':')
	_, _, ok := parseID(t.ID)
	if end < 1 || !ok {
		return entry{}, false
	}
	return entry{Key: t.EventID[:end], Stream: t.Stream, ID: t.ID, Suffix: t.EventID[end+1:]}, true
}

// newTask makes the task of a delivery. asynq never archives it by itself: the handler decides when
// to give up.
func newTask(e entry, since time.Time) (*asynq.Task, error) {
	payload, err := json.Marshal(Task{Stream: e.Stream, ID: e.ID, EventID: e.event(), Since: since.UnixMilli()})
	if err != nil {
		return nil, err
	}
	return asynq.NewTask(TaskType, payload, asynq.MaxRetry(math.MaxInt32), asynq.Timeout(taskTimeout)), nil
}

// taskID is the entry's place, so that a queue holds at most one task of a delivery.
func taskID(e entry) string { return e.Stream + ":" + e.ID }

// wakeHead enqueues the task of the payment's oldest open delivery, if it has one.
func (s *Store) wakeHead(ctx context.Context, queue *asynq.Client, receiver, k string) error {
	e, ok, err := s.head(ctx, receiver, k)
	if err != nil || !ok {
		return err
	}
	_, err = enqueue(ctx, queue, receiver, e, taskID(e))
	return err
}

// wake does so for each payment of some deliveries that were just opened. A task of such a one that
// is under way may have found it closed, and about to end: then it gets another one.
func (s *Store) wake(ctx context.Context, queue *asynq.Client, receiver string, opened []entry) error {
	woken := map[string]bool{}
	for _, o := range opened {
		if woken[o.Key] {
			continue
		}
		woken[o.Key] = true
		e, ok, err := s.head(ctx, receiver, o.Key)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		there, err := enqueue(ctx, queue, receiver, e, taskID(e))
		if there && slices.Contains(opened, e) && s.underWay(receiver, e) {
			_, err = enqueue(ctx, queue, receiver, e, taskID(e)+":again")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) underWay(receiver string, e entry) bool {
	t, err := s.inspector.GetTaskInfo(Queue(receiver), taskID(e))
	return err == nil && t.State == asynq.TaskStateActive
}

// enqueue enqueues the task of a delivery, unless it is there already.
func enqueue(ctx context.Context, queue *asynq.Client, receiver string, e entry, id string) (there bool, err error) {
	t, err := newTask(e, time.Now())
	if err != nil {
		return false, err
	}
	_, err = queue.EnqueueContext(ctx, t, asynq.Queue(Queue(receiver)), asynq.TaskID(id))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return true, nil
	}
	return false, err
}
