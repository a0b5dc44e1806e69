package delivery

import (
	"encoding/json"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/outcomes"
	"github.com/remesa/remesa/seal"
)

// sealable are the fields of an event that payload keys seal.
func sealable() []string { return []string{"metadata", "message", "action_url"} }

// body is an event as its receiver gets it: the fields that `enqueue watch` prints. What is sealed
// in the stream is opened where the receiver is to have it open, and else left out.
func body(s stream, m redis.XMessage, ring *seal.Ring, open bool) ([]byte, error) {
	sealed := sealedIn(m)
	e, err := outcomes.Decode(s.provider, m, ring)
	if err != nil { // it was an event when its delivery was opened
		return nil, errGone()
	}
	if len(sealed) > 0 && open && e.DecryptErr != nil {
		return nil, &attemptError{result: Sealed, text: "the event is sealed with a key that is not here, or was changed"}
	}
	fields := view.Event(e).Object()
	if !open {
		for _, name := range sealed {
			delete(fields, name)
		}
	}
	return json.Marshal(fields)
}

func sealedIn(m redis.XMessage) []string {
	var all []string
	for _, name := range sealable() {
		if text, _ := m.Values[name].(string); seal.Sealed([]byte(text)) {
			all = append(all, name)
		}
	}
	return all
}
