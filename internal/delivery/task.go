package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"regexp"
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

// newTask makes the task of a delivery. Its id is the entry's place, so that a queue holds at most
// one of a delivery. asynq never archives it by itself: the handler decides when to give up.
func newTask(e entry, since time.Time) (*asynq.Task, error) {
	payload, err := json.Marshal(Task{Stream: e.Stream, ID: e.ID, EventID: e.event(), Since: since.UnixMilli()})
	if err != nil {
		return nil, err
	}
	return asynq.NewTask(TaskType, payload, asynq.TaskID(strings.ReplaceAll(e.Stream, "/", ".")+":"+e.ID), asynq.MaxRetry(math.MaxInt32), asynq.Timeout(taskTimeout)), nil
}

// wakeHead enqueues the task of the payment's oldest open delivery, if it has one. It is no error
// that the task is there already.
func (s *Store) wakeHead(ctx context.Context, queue *asynq.Client, receiver, k string) error {
	e, ok, err := s.head(ctx, receiver, k)
	if err != nil || !ok {
		return err
	}
	return enqueue(ctx, queue, receiver, e)
}

func enqueue(ctx context.Context, queue *asynq.Client, receiver string, e entry) error {
	t, err := newTask(e, time.Now())
	if err != nil {
		return err
	}
	_, err = queue.EnqueueContext(ctx, t, asynq.Queue(Queue(receiver)))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}
