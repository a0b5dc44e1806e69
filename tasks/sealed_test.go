package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/internal/sealtest"
	"github.com/remesa/remesa/seal"
)

func sealTask(t *testing.T, ring *seal.Ring, task Task) *asynq.Task {
	t.Helper()
	sealed, err := SealTask(ring, task)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestASealedTaskShowsNothingButItsKey(t *testing.T) {
	t.Parallel()
	ring, task := sealtest.Ring(t, "a"), must(t, example(t, "virtualpos", "", ""))
	sealed := sealTask(t, ring, task)
	if sealed.Type() != "payout" {
		t.Errorf("its type is %s", sealed.Type())
	}
	var fields map[string]string
	if err := json.Unmarshal(sealed.Payload(), &fields); err != nil || len(fields) != 2 || fields["key"] != task.Key().String() {
		t.Errorf("its payload is %s, %v", sealed.Payload(), err)
	}
	if strings.Contains(string(sealed.Payload()), "Ana") {
		t.Errorf("its payload shows a name: %s", sealed.Payload())
	}
	got, err := OpenTask(ring, sealed)
	if err != nil || string(got.Payload()) != string(task.Payload()) {
		t.Errorf("opened to %s, %v", got.Payload(), err)
	}
}

func TestWithoutKeysATaskIsItsPayload(t *testing.T) {
	t.Parallel()
	task := must(t, example(t, "virtualpos", "", ""))
	open := sealTask(t, nil, task)
	if string(open.Payload()) != string(task.Payload()) {
		t.Errorf("its payload is %s", open.Payload())
	}
	if got, err := OpenTask(nil, open); err != nil || got.Key() != task.Key() {
		t.Errorf("opened to %v, %v", got, err)
	}
	if _, err := SealTask(nil, Task{}); err == nil {
		t.Error("the zero Task was made one of asynq's")
	}
}

func TestTasksThatAreRefused(t *testing.T) {
	t.Parallel()
	ring := sealtest.Ring(t, "a")
	task := must(t, example(t, "virtualpos", "", ""))
	other := must(t, example(t, "virtualpos", `"tef-0001"`, `"tef-0002"`))
	sealed := sealTask(t, ring, task)
	under := func(key, text string) []byte {
		return fmt.Appendf(nil, `{"key":%q,"sealed":%q}`, key, text)
	}
	var e envelope
	if err := json.Unmarshal(sealed.Payload(), &e); err != nil {
		t.Fatal(err)
	}
	// A holder of the key who lies about whose payment it is.
	lie := ring.SealText(string(task.Payload()), sealedTask, "payout", other.Key().String())
	for does, row := range map[string]struct {
		ring *seal.Ring
		task *asynq.Task
		want error
	}{
		"an open payload":                    {ring, asynq.NewTask("payout", task.Payload()), seal.ErrNotSealed},
		"no JSON":                            {ring, asynq.NewTask("payout", []byte("Ana Soto")), seal.ErrNotSealed},
		"a payload under sealed":             {ring, asynq.NewTask("payout", under(e.Key, string(task.Payload()))), seal.ErrNotSealed},
		"with another key":                   {sealtest.Ring(t, "b"), sealed, seal.ErrUnknownKey},
		"where there are no keys":            {nil, sealed, seal.ErrUnknownKey},
		"under another payment's key":        {ring, asynq.NewTask("payout", under(other.Key().String(), e.Sealed)), seal.ErrTampered},
		"as another type":                    {ring, asynq.NewTask("charge", sealed.Payload()), seal.ErrTampered},
		"sealed as another payment's":        {ring, asynq.NewTask("payout", under(other.Key().String(), lie)), seal.ErrTampered},
		"a sealed field of a payment's own":  {ring, asynq.NewTask("payout", under(e.Key, ring.SealText("x", "payload", "payout", e.Key))), seal.ErrTampered},
		"with something else behind the key": {ring, asynq.NewTask("payout", under(e.Key, e.Sealed+"AAAA")), seal.ErrTampered},
	} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			got, err := OpenTask(row.ring, row.task)
			if !errors.Is(err, row.want) || got.Type() != "" {
				t.Fatalf("got %v, %v; want %v", got, err, row.want)
			}
			if strings.Contains(err.Error(), "Ana") {
				t.Errorf("the error repeats the payload: %v", err)
			}
		})
	}
}
