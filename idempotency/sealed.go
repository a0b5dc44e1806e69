package idempotency

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/seal"
)

// Fields that are sealed before the rules see them, which only carry them about, and opened after.
// Each is bound to its name and its payment's key; the payload to its type as well, a handle to its
// own name.
const (
	fieldPayload     = "payload"
	fieldProviderRef = "handle"
	fieldMetadata    = "metadata"
	fieldMessage     = "message"
	fieldActionURL   = "action_url"
)

func (l *Ledger) sealed(k Key, field, text string) string {
	return l.opts.Seal.SealText(text, field, k.String())
}

func (l *Ledger) sealedPayload(r Registration) []byte {
	return l.opts.Seal.Seal(r.Payload, fieldPayload, r.Type, r.Key.String())
}

func (l *Ledger) sealedProviderRefs(k Key, handles map[string]string) map[string]string {
	if l.opts.Seal == nil || handles == nil {
		return handles
	}
	out := make(map[string]string, len(handles))
	for name, value := range handles {
		out[name] = l.opts.Seal.SealText(value, fieldProviderRef, k.String(), name)
	}
	return out
}

// opened is what decides where money goes: all of it opens, or none of it is used.
type opened struct {
	payload      []byte
	providerRefs map[string]string
	err          error
}

// decryptErr is why the caller cannot open the payment's payload and handles: the key is missing, or
// they are not sealed where it has keys. It costs no decryption: a sealed text begins with the name
// of its key.
func (l *Ledger) decryptErr(loaded LoadResult) error {
	if len(loaded.Payload) > 0 {
		if err := l.opts.Seal.CanOpen(loaded.Payload); err != nil {
			return err
		}
	}
	for _, value := range loaded.Record.ProviderRefs {
		if err := l.opts.Seal.CanOpen([]byte(value)); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) open(k Key, r rules.Record, sealed []byte) opened {
	payload, err := l.opts.Seal.Open(sealed, fieldPayload, r.Type, k.String())
	if err != nil {
		return opened{err: fmt.Errorf("payload: %w", err)}
	}
	handles, err := l.openProviderRefs(k, r.ProviderRefs)
	if err != nil {
		return opened{err: err}
	}
	return opened{payload: payload, providerRefs: handles}
}

func (l *Ledger) openProviderRefs(k Key, handles map[string]string) (map[string]string, error) {
	if len(handles) == 0 {
		return handles, nil
	}
	out := make(map[string]string, len(handles))
	for name, value := range handles {
		plain, err := l.opts.Seal.OpenText(value, fieldProviderRef, k.String(), name)
		if err != nil {
			return nil, fmt.Errorf("handle %s: %w", name, err)
		}
		out[name] = plain
	}
	return out, nil
}

// openRecord opens what people read. It never fails as a whole: whoever halts or resolves a payment
// needs no key.
func (l *Ledger) openRecord(r *Record, metadata string) {
	errs := []error{
		openShown(l.opts.Seal, fieldMessage, r.Key.String(), &r.Message),
		openShown(l.opts.Seal, fieldActionURL, r.Key.String(), &r.ActionURL),
		openShown(l.opts.Seal, fieldMetadata, r.Key.String(), &metadata),
	}
	if errs[2] == nil && metadata != "" {
		_ = json.Unmarshal([]byte(metadata), &r.Metadata) // written by Register, which validated it
	}
	for i := range r.History {
		errs = append(errs, openShown(l.opts.Seal, fieldMessage, r.Key.String(), &r.History[i].Note))
	}
	r.DecryptErr = errors.Join(errs...)
}

// OpenOutcome opens the sealed fields of an entry of the outcome stream where they stand: metadata,
// message and action_url. What cannot be opened stays as it is, and the error says why; an
// action_url that should be sealed and is not goes. A nil ring is right where there are no payload
// keys.
func OpenOutcome(ring *seal.Ring, entry map[string]any) error {
	key, _ := entry["key"].(string)
	var errs []error
	for _, field := range []string{fieldMetadata, fieldMessage, fieldActionURL} {
		text, _ := entry[field].(string)
		if text == "" {
			continue
		}
		errs = append(errs, openShown(ring, field, key, &text))
		entry[field] = text
	}
	return errors.Join(errs...)
}

// openShown opens a text in place. An unsealed one passes, because the ledger itself makes messages
// and notes, which hold nobody's data, and because metadata of before the keys is still kept; but
// an address to which payers are sent must be sealed.
func openShown(ring *seal.Ring, field, key string, text *string) error {
	if !seal.Sealed([]byte(*text)) && field != fieldActionURL {
		return nil
	}
	plain, err := ring.OpenText(*text, field, key)
	if errors.Is(err, seal.ErrNotSealed) {
		*text = ""
	}
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	*text = plain
	return nil
}
