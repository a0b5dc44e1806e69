package dashboard

import (
	"encoding/json"

	"github.com/hibiken/asynqmon"

	"github.com/remesa/remesa/internal/delivery"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// What is shown of a payload that is not shown.
const (
	masked        = "masked"
	sealed        = "sealed"
	undecryptable = "unreadable"
)

// payloadSummary is what is shown of a full payload.
type payloadSummary struct {
	Type      string `json:"type"`
	Key       string `json:"key"`
	Provider  string `json:"provider"`
	Reference string `json:"reference"`
	Amount    string `json:"amount,omitempty"`
	Currency  string `json:"currency,omitempty"`
	Rest      string `json:"rest"`
}

// showPayload shows of a wake-up its key or keys, of a webhook which event it delivers, of a
// payment what names it and its amount, and of any other task nothing. What is not valid as a whole
// is not shown in part: its fields may be anything.
func showPayload(kind string, payload []byte) string {
	switch kind {
	case tasks.TypeWakeUp:
		keys, err := tasks.WakeUpKeys(payload)
		if err != nil {
			return undecryptable
		}
		if len(keys) == 1 {
			return text(map[string]string{"key": keys[0].String()})
		}
		shown := make([]string, len(keys))
		for i, k := range keys {
			shown[i] = k.String()
		}
		return text(map[string][]string{"keys": shown})
	case delivery.TaskType:
		t, err := delivery.ParseTask(payload)
		if err != nil {
			return undecryptable
		}
		return text(map[string]string{"event_id": t.EventID, "stream": t.Stream, "id": t.ID})
	case "payout", "charge", "status":
		if key, ok := envelope(payload); ok {
			return text(map[string]string{"type": kind, "key": key, "rest": sealed})
		}
		t, err := tasks.Decode(payload)
		if err != nil {
			return undecryptable
		}
		b := payloadSummary{Type: t.Type(), Key: t.Key().String(), Provider: t.Provider(), Reference: t.Reference(), Rest: masked}
		if m := t.Amount(); !m.IsZero() {
			b.Amount, b.Currency = m.Text(), m.Currency()
		}
		return text(b)
	default:
		return masked
	}
}

// envelope reads the key from a sealed task, whose payload shows nothing else.
func envelope(payload []byte) (key string, ok bool) {
	var e struct{ Sealed string }
	if json.Unmarshal(payload, &e) != nil || !seal.Sealed([]byte(e.Sealed)) {
		return "", false
	}
	keys, err := tasks.WakeUpKeys(payload)
	if err != nil || len(keys) != 1 {
		return "", false
	}
	return keys[0].String(), true
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return undecryptable
	}
	return string(b)
}

// showResult shows nothing: remesa's tasks have no results.
func showResult(_ string, result []byte) string {
	if len(result) == 0 {
		return ""
	}
	return masked
}

var (
	_ asynqmon.PayloadFormatter = asynqmon.PayloadFormatterFunc(showPayload)
	_ asynqmon.ResultFormatter  = asynqmon.ResultFormatterFunc(showResult)
)
