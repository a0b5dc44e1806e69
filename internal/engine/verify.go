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

// The engine compares what it is about to send with what was registered: whoever can write to Redis
// could have changed either. A payment that differs is held for an operator. One that this worker
// cannot compare is parked for a worker that can.

var errPayloadChanged = errors.New("the payload is not what was registered")

// unverifiable is the error of a payload whose fingerprint this worker cannot compare; reason is
// the one for which the payment is parked.
type unverifiable struct{ reason, msg string }

func (u *unverifiable) Error() string { return u.msg }

// What stands behind reasonKey for a fingerprint that this worker cannot use: a keyed one without
// the key, or a plain one with it.
const (
	fingerprintKeyed = "fingerprint-keyed"
	fingerprintPlain = "fingerprint-plain"
)

var (
	errFingerprintKeyMissing = &unverifiable{reasonKey + ":" + fingerprintKeyed,
		"the payload cannot be compared with the record: REMESA_FINGERPRINT_KEY is missing"}
	errPlainFingerprint = &unverifiable{reasonKey + ":" + fingerprintPlain,
		"the record's fingerprint is a plain one, which whoever writes to Redis can make: REMESA_FINGERPRINT_KEY was missing where it was registered"}
)

func errChangedField(field string) error {
	return fmt.Errorf("%w: %s differs", errPayloadChanged, field)
}

// decodeRegistered decodes the payload that is about to be sent. An error means that it must not be
// sent: it cannot be read, is not what was registered, or cannot be compared.
func (e *Engine) decodeRegistered(b idempotency.BeginResult) (tasks.Task, error) {
	t, err := tasks.DecodeStored(b.Payload)
	if err != nil {
		if field := tasks.DifferingField(b.Payload, b.Registered); field != "" {
			return t, errChangedField(field)
		}
		return t, err
	}
	return t, e.matchRegistered(t, b.Registered)
}

// matchRegistered compares key, type, amount, currency and fingerprint; the error names the field,
// never its value.
func (e *Engine) matchRegistered(t tasks.Task, r idempotency.Registration) error {
	amount, err := providers.ParseMoney(r.Amount, r.Currency)
	switch {
	case t.Key() != r.Key:
		return errChangedField("key")
	case t.Type() != r.Type:
		return errChangedField("type")
	case t.Amount().Currency() != r.Currency:
		return errChangedField("currency")
	case err != nil || !t.Amount().Equal(amount):
		return errChangedField("amount")
	}
	fingerprint, err := t.FingerprintLike(r.Fingerprint, e.FingerprintKey)
	switch {
	case errors.Is(err, tasks.ErrFingerprintKey):
		return errFingerprintKeyMissing
	case err != nil || fingerprint != r.Fingerprint:
		return errChangedField("fingerprint")
	case e.isForgeable(r.Fingerprint):
		return errPlainFingerprint
	}
	return nil
}

// isForgeable reports whether a fingerprint proves nothing: a worker that has the key accepts no
// plain one, or it would be enough to write one over a keyed one. A sealed payload needs no proof,
// because no change of it goes unnoticed.
func (e *Engine) isForgeable(fingerprint string) bool {
	return len(e.FingerprintKey) > 0 && e.Seal == nil && !strings.HasPrefix(fingerprint, tasks.KeyedFingerprint)
}

// parkUnverifiable parks a payment that this worker cannot compare, and logs it once a minute.
func (e *Engine) parkUnverifiable(ctx context.Context, k idempotency.Key, why *unverifiable) {
	if e.logLimiter.allow(k.Provider+" "+why.reason, e.Now()) {
		e.Log.Error().Stringer("key", k).Err(why).Msg("PAYLOAD NOT COMPARED with what was registered: the payment is not sent by this worker")
	}
	e.park(ctx, k, why.reason, why)
}

// verifiesFingerprint reports whether this worker can use the fingerprints parked under the name
// behind reasonKey; known is false where the name is not one of a fingerprint.
func (e *Engine) verifiesFingerprint(name string) (can, known bool) {
	switch name {
	case fingerprintKeyed:
		return len(e.FingerprintKey) > 0, true
	case fingerprintPlain:
		return len(e.FingerprintKey) == 0 || e.Seal != nil, true
	}
	return false, false
}
