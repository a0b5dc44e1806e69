package idempotency

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/seal"
)

// Names of the fields that are sealed before the rules see them and opened afterwards; the rules
// never read them. Each sealed text is bound to its field's name and its payment's key, the payload
// also to the payment's type, and a provider reference to its own name.
const (
	fieldPayload     = "payload"
	fieldProviderRef = "provider_ref"
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

func (l *Ledger) sealedProviderRefs(k Key, refs map[string]string) map[string]string {
	if l.opts.Seal == nil || refs == nil {
		return refs
	}
	out := make(map[string]string, len(refs))
	for name, value := range refs {
		out[name] = l.opts.Seal.SealText(value, fieldProviderRef, k.String(), name)
	}
	return out
}

// opened is what decides where money goes. If any of it does not open, none of it is used.
type opened struct {
	payload      []byte
	providerRefs map[string]string
	err          error
}

// decryptErr says why the caller cannot open the payment's payload and provider references: the key
// is missing, or they are not sealed although the caller has keys. It decrypts nothing: a sealed
// text begins with the name of its key.
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
	refs, err := l.openProviderRefs(k, r.ProviderRefs)
	if err != nil {
		return opened{err: err}
	}
	return opened{payload: payload, providerRefs: refs}
}

func (l *Ledger) openProviderRefs(k Key, refs map[string]string) (map[string]string, error) {
	if len(refs) == 0 {
		return refs, nil
	}
	out := make(map[string]string, len(refs))
	for name, value := range refs {
		plain, err := l.opts.Seal.OpenText(value, fieldProviderRef, k.String(), name)
		if err != nil {
			return nil, fmt.Errorf("provider reference %s: %w", name, err)
		}
		out[name] = plain
	}
	return out, nil
}

// openRecord opens the texts that operators read. It opens what it can, because an operator needs
// no key to resolve a payment.
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

// OpenOutcome opens the sealed fields of an outcome event in place: metadata, message and
// action_url. A field that cannot be opened stays as it is, and the error says why; an action_url
// that is not sealed although it must be is emptied. Pass a nil ring if there are no payload keys.
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

// openShown opens a text in place. It accepts unsealed texts, because the ledger itself writes
// messages and notes that describe nobody, and because metadata may be older than the keys. An
// action URL, to which payers are sent, must be sealed.
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
