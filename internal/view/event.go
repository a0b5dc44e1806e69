package view

import (
	"encoding/json"

	"github.com/remesa/remesa/outcomes"
)

// Event is an outcome event as `enqueue watch` prints it.
type Event outcomes.Event

// MarshalJSON is that of Object.
func (e Event) MarshalJSON() ([]byte, error) { return json.Marshal(e.Object()) }

// Object is all fields, those that stay sealed as they are stored, and metadata as the object that
// its text holds.
func (e Event) Object() map[string]any {
	fields := map[string]any{}
	for name, value := range e.Fields {
		fields[name] = value
	}
	fields["provider"], fields["stream_id"] = e.Provider, e.StreamID
	metadata := map[string]any{}
	text := e.Fields["metadata"]
	if err := json.Unmarshal([]byte(text), &metadata); err == nil || text == "" {
		fields["metadata"] = metadata
	}
	return fields
}
