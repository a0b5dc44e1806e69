package tasks

import (
	"encoding/json"
	"errors"

	"github.com/hibiken/asynq"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/seal"
)

// RejectionOf is what can be said of a task that no worker can ever take, from the error of
// OpenTask or WakeUpKeys: reason, message, and what it names, as far as that can be read for
// certain. It repeats no value.
func RejectionOf(t *asynq.Task, why error) idempotency.RejectedTask {
	r := idempotency.RejectedTask{Reason: idempotency.RejectUnreadable, Message: why.Error()}
	switch field, ok := errors.AsType[*FieldError](why); {
	case errors.Is(why, seal.ErrNotSealed):
		r.Reason = idempotency.RejectUnsealed
	case ok && field.Path != strictjson.Line:
		r.Reason = idempotency.RejectInvalid
	case !ok && t.Type() != TypeWakeUp:
		r.Reason = idempotency.RejectUndecryptable
	}
	switch t.Type() {
	case typePayout, typeCharge, typeStatus:
		r.Type = t.Type()
	}
	r.Key = namedBy(t)
	return r
}

// namedBy is the key that a task names: that of its envelope, where it is sealed. A card number
// elsewhere in the task does not hide its reference.
func namedBy(t *asynq.Task) idempotency.Key {
	var k idempotency.Key
	var e envelope
	if json.Unmarshal(t.Payload(), &e) == nil && e.Sealed != "" {
		var err error
		if k, err = idempotency.ParseKey(e.Key); err != nil {
			return idempotency.Key{}
		}
	} else if root, err := parse(t.Payload()); err == nil {
		k = keyIn(root)
	}
	if providers.CardInID(k.Reference) || providers.CardInID(k.Account) {
		return idempotency.Key{}
	}
	return k
}
