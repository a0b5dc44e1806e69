package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// What is about to be sent is held against what was registered: whoever can write to Redis could
// have changed either. What differs is a person's. What this worker cannot compare waits for one
// that can.

var errPayloadChanged = errors.New("the payload is not what was registered")

// uncomparable is a payload whose fingerprint says nothing to this worker; reason is what the
// payment waits for.
type uncomparable struct{ reason, text string }

func (u *uncomparable) Error() string { return u.text }

// Behind reasonKey, a fingerprint that this worker cannot use: a keyed one without the key, or a
// plain one with it.
const (
	fingerprintKeyed = "fingerprint-keyed"
	fingerprintPlain = "fingerprint-plain"
)

var (
	errNoFingerprint = &uncomparable{reasonKey + ":" + fingerprintKeyed,
		"the payload cannot be held against the record: REMESA_FINGERPRINT_KEY is missing"}
	errPlainFingerprint = &uncomparable{reasonKey + ":" + fingerprintPlain,
		"the record's fingerprint is a plain one, which whoever writes to Redis can make: REMESA_FINGERPRINT_KEY was missing where it was registered"}
)

func changed(field string) error { return fmt.Errorf("%w: %s differs", errPayloadChanged, field) }

// registered decodes what is about to be sent, and returns it only where it is what was registered.
func (e *Engine) registered(b idempotency.Begun) (tasks.Task, error) {
	t, err := tasks.DecodeStored(b.Payload)
	if err != nil {
		if field := tasks.Contradicts(b.Payload, b.Registered); field != "" {
			return t, changed(field)
		}
		return t, err
	}
	return t, e.asRegistered(t, b.Registered)
}

// asRegistered compares key, type, amount, currency and fingerprint; the error names the field,
// never its value.
func (e *Engine) asRegistered(t tasks.Task, r idempotency.Registration) error {
	amount, err := providers.ParseMoney(r.Amount, r.Currency)
	switch {
	case t.Key() != r.Key:
		return changed("key")
	case t.Type() != r.Type:
		return changed("type")
	case t.Amount().Currency() != r.Currency:
		return changed("currency")
	case err != nil || !t.Amount().Equal(amount):
		return changed("amount")
	}
	fingerprint, err := t.FingerprintLike(r.Fingerprint, e.FingerprintKey)
	switch {
	case errors.Is(err, tasks.ErrFingerprintKey):
		return errNoFingerprint
	case err != nil || fingerprint != r.Fingerprint:
		return changed("fingerprint")
	case e.forgeable(r.Fingerprint):
		return errPlainFingerprint
	}
	return nil
}

// forgeable: with the key at hand a plain fingerprint proves nothing, or it would be enough to
// write one over a keyed one. A sealed payload needs no proof: nobody changes it unnoticed.
func (e *Engine) forgeable(fingerprint string) bool {
	return len(e.FingerprintKey) > 0 && e.Seal == nil && !strings.HasPrefix(fingerprint, tasks.KeyedFingerprint)
}

// uncompared parks what this worker cannot compare, and says so once a minute.
func (e *Engine) uncompared(ctx context.Context, k idempotency.Key, why *uncomparable) {
	if e.shut.say(k.Provider+" "+why.reason, e.Now()) {
		e.Log.Error().Stringer("key", k).Err(why).Msg("PAYLOAD NOT COMPARED with what was registered: the payment is not sent by this worker")
	}
	e.park(ctx, k, why.reason, why)
}

// compares reports whether this worker can use what waits under the name behind reasonKey; known
// says whether it is one of ours.
func (e *Engine) compares(name string) (can, known bool) {
	switch name {
	case fingerprintKeyed:
		return len(e.FingerprintKey) > 0, true
	case fingerprintPlain:
		return len(e.FingerprintKey) == 0 || e.Seal != nil, true
	}
	return false, false
}
