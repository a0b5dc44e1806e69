// Package reconcile holds a statement against the ledger. It is pure: it reads neither files nor a
// store, and decides nothing about money. Each line is used once, amounts are exact, and where
// several payments could be meant none is taken.
package reconcile

import (
	"hash/maphash"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/cents"
	"github.com/remesa/remesa/internal/statement"
)

// Payment is what the ledger knows of one payment.
type Payment struct {
	Key idempotency.Key
	// Version is the record's, for whoever decides about what is found.
	Version    int64
	Type       string // payout or charge
	State      idempotency.State
	Amount     cents.Amount
	Currency   string
	ProviderID string
	// Sent is the day on which it was first sent, Done that on which it came into its state.
	Sent, Done statement.Day
	// Fingerprint is the ledger's hash of what the payment means.
	Fingerprint string
}

// Book is the ledger's side: many payments of one provider in little memory.
type Book struct {
	provider   string
	texts      [][]byte
	entries    [][]entry
	n          int
	currencies []string
	states     []idempotency.State
	seed       maphash.Seed

	byReference, byID, byPrint table
}

const (
	textChunk  = 1 << 20
	entryChunk = 1 << 13
)

// entry is one payment.
type entry struct {
	amount     cents.Amount
	print      uint64 // hash of the fingerprint, 0 for none
	version    int64
	text       uint32 // where key and provider id begin
	sent, done statement.Day
	line       uint32 // the last attached line, counted from 1; 0 for none
	key, id    uint8  // lengths
	state      uint8
	currency   uint8
	charge     bool
	keyed      bool
	named      bool // some difference is about it already
}

// NewBook is that of one provider.
func NewBook(provider string) *Book {
	return &Book{provider: provider, states: idempotency.States(), seed: maphash.MakeSeed()}
}

// Len is how many payments are in it.
func (b *Book) Len() int { return b.n }

const mostText = 255

// Add adds a payment. What identifies it is at most 255 bytes long, as in every task.
func (b *Book) Add(p Payment) {
	key, id := p.Key.ID(), p.ProviderID[:min(len(p.ProviderID), mostText)]
	e := entry{
		amount: p.Amount, version: p.Version, sent: p.Sent, done: p.Done, key: uint8(min(len(key), mostText)), id: uint8(len(id)), text: b.keep(key + id), //nolint:gosec // at most mostText
		charge: p.Type == "charge", keyed: strings.HasPrefix(p.Fingerprint, "1h:"), currency: b.currency(p.Currency),
	}
	if p.Fingerprint != "" {
		e.print = b.hash(p.Fingerprint)
	}
	for i, s := range b.states {
		if s == p.State {
			e.state = uint8(i)
		}
	}
	if b.n%entryChunk == 0 {
		b.entries = append(b.entries, make([]entry, 0, entryChunk))
	}
	last := len(b.entries) - 1
	b.entries[last] = append(b.entries[last], e)
	b.n++
}

// keep returns where a text lies.
func (b *Book) keep(text string) uint32 {
	last := len(b.texts) - 1
	if last < 0 || len(b.texts[last])+len(text) > textChunk {
		b.texts = append(b.texts, make([]byte, 0, textChunk))
		last++
	}
	at := last*textChunk + len(b.texts[last])
	b.texts[last] = append(b.texts[last], text...)
	return uint32(at) //nolint:gosec // four thousand chunks are more than any memory here
}

func (b *Book) currency(code string) uint8 {
	for i, c := range b.currencies {
		if c == code {
			return uint8(i)
		}
	}
	if len(b.currencies) == mostText { // the rest are as good as unknown
		return mostText - 1
	}
	b.currencies = append(b.currencies, code)
	return uint8(len(b.currencies) - 1) //nolint:gosec // at most 254
}

func (b *Book) at(i uint32) *entry { return &b.entries[i/entryChunk][i%entryChunk] }

func (b *Book) bytes(at uint32, n uint8) []byte {
	chunk, from := b.texts[at/textChunk], at%textChunk
	return chunk[from : from+uint32(n)]
}

func (b *Book) keyOf(e *entry) idempotency.Key {
	return idempotency.KeyOf(b.provider, string(b.bytes(e.text, e.key)))
}

// reference is the part of the key behind the account.
func (b *Book) reference(e *entry) string {
	id := string(b.bytes(e.text, e.key))
	return id[strings.LastIndexByte(id, '/')+1:]
}

func (b *Book) providerID(e *entry) string {
	return string(b.bytes(e.text+uint32(e.key), e.id))
}

func (b *Book) hash(text string) uint64 { return max(1, maphash.String(b.seed, text)) }

// table finds entries by a hash; linear probing. A place holds the entry's number from 1.
type table []uint32

// index makes the tables, once all payments are in the book.
func (b *Book) index(prints bool) {
	size := 16
	for size < 2*b.n {
		size *= 2
	}
	b.byReference, b.byID = make(table, size), make(table, size)
	if prints {
		b.byPrint = make(table, size)
	}
	for i := range uint32(b.n) { //nolint:gosec // as many as fit into memory
		e := b.at(i)
		if b.again(e) {
			continue
		}
		b.byReference.add(b.hash(strings.ToLower(b.reference(e))), i)
		if e.id > 0 {
			b.byID.add(b.hash(b.providerID(e)), i)
		}
		if prints && e.print != 0 {
			b.byPrint.add(e.print, i)
		}
	}
}

// again reports whether a payment is in the book already, as a scan of the ledger may return a
// record twice; the later reading takes the place of the first.
func (b *Book) again(e *entry) bool {
	key := string(b.bytes(e.text, e.key))
	same := b.byReference.find(b.hash(strings.ToLower(b.reference(e))), func(i uint32) bool {
		first := b.at(i)
		return string(b.bytes(first.text, first.key)) == key
	})
	if len(same) == 0 {
		return false
	}
	*b.at(same[0]) = *e
	e.named = true // what is reported is the first
	return true
}

// mostFound bounds what one line is compared with, mostProbed the search for a place: of more that
// share a hash none could be chosen.
const (
	mostFound  = 16
	mostProbed = 256
)

// mask takes a hash to a place: a table's size is a power of two.
func (t table) mask() uint64 { return uint64(len(t) - 1) } //nolint:gosec // a table that is looked into has a place

func (t table) add(hash uint64, i uint32) {
	at := hash & t.mask()
	for range mostProbed {
		if t[at] == 0 {
			t[at] = i + 1
			return
		}
		at = (at + 1) & t.mask()
	}
}

// find returns the entries under a hash for which is holds, at most 16.
func (t table) find(hash uint64, is func(i uint32) bool) (found []uint32) {
	if len(t) == 0 {
		return nil
	}
	for at := hash & t.mask(); t[at] != 0; at = (at + 1) & t.mask() {
		if i := t[at] - 1; is(i) && len(found) < mostFound {
			found = append(found, i)
		}
	}
	return found
}

// withReference returns the payments with exactly this reference, or with it in any case.
func (b *Book) withReference(text string, anyCase bool) []uint32 {
	if text == "" {
		return nil
	}
	return b.byReference.find(b.hash(strings.ToLower(text)), func(i uint32) bool {
		own := b.reference(b.at(i))
		return own == text || anyCase && strings.EqualFold(own, text)
	})
}

func (b *Book) withID(id string) []uint32 {
	if id == "" {
		return nil
	}
	return b.byID.find(b.hash(id), func(i uint32) bool { return b.providerID(b.at(i)) == id })
}
