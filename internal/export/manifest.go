package export

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/cents"
)

// Schema names the form of the files, in every manifest.
const Schema = "remesa-export/1"

// Manifest says what an export holds, so that somebody without remesa can check that it is whole.
type Manifest struct {
	Schema string `json:"schema"`
	// Day is the day of an archive (2026-11-27); empty for any other export.
	Day  string `json:"day,omitempty"`
	Zone string `json:"zone"`
	// From and Until bound the instants of which the export has every payment with an entry in its
	// history, Until aside; empty for no bound.
	From       string `json:"from"`
	Until      string `json:"until"`
	ExportedAt string `json:"exported_at"`
	ExportedBy string `json:"exported_by"`
	Program    string `json:"program"`
	// Provider is the only one that was exported; empty for all.
	Provider string   `json:"provider"`
	Personal bool     `json:"personal"`
	Columns  []string `json:"columns"`
	Records  int64    `json:"records"`
	Totals   []Total  `json:"totals"`
	// Damaged are the keys of records that could not be read; they are not in the files.
	Damaged []string `json:"damaged"`
	Files   []File   `json:"files"`
	// Previous is the manifest of the day before; null where the chain begins.
	Previous *Previous `json:"previous"`
}

// File is one file of an export.
type File struct {
	Name   string `json:"name"`
	SHA256 Hash   `json:"sha256"`
	// Last is the hash of the last record: the chain's end. Without records it is its beginning.
	Last    Hash  `json:"last"`
	Records int64 `json:"records"`
}

// Previous names a manifest.
type Previous struct {
	Name   string `json:"name"`
	SHA256 Hash   `json:"sha256"`
}

// Total is the number of payments and their exact sum.
type Total struct {
	Provider string            `json:"provider"`
	Currency string            `json:"currency"`
	State    idempotency.State `json:"state"`
	Count    int64             `json:"count"`
	Sum      string            `json:"sum"`
}

type totalKey struct {
	provider, currency string
	state              idempotency.State
}

// totals count and sum payments.
type totals map[totalKey]*tally

type tally struct {
	count int64
	sum   cents.Sum
}

// add counts a payment. An amount that cannot be read counts as nothing: the record is damaged, and
// is exported as it is.
func (t totals) add(p Payment) {
	k := totalKey{p.Provider, p.Currency, p.State}
	if t[k] == nil {
		t[k] = &tally{}
	}
	t[k].count++
	if amount, err := cents.Parse(p.Amount); err == nil {
		t[k].sum.Add(amount)
	}
}

func (t totals) list() []Total {
	list := []Total{}
	for k, n := range t {
		list = append(list, Total{k.provider, k.currency, k.state, n.count, n.sum.String()})
	}
	slices.SortFunc(list, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.State, b.State))
	})
	return list
}

// signed is a manifest as it stands in a file: with the signature of exactly the bytes of
// "manifest", if there is a key.
type signed struct {
	Manifest  json.RawMessage `json:"manifest"`
	PublicKey string          `json:"public_key,omitempty"`
	Signature string          `json:"signature,omitempty"`
}

// sign encodes a manifest on one line, signed if there is a key.
func (m Manifest) sign(key ed25519.PrivateKey) ([]byte, error) {
	body, err := encode(m)
	if err != nil {
		return nil, err
	}
	s := signed{Manifest: body}
	if key != nil {
		s.PublicKey = base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
		s.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, body))
	}
	return encode(s)
}

// encode is JSON on one line that leaves <, > and & as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

var errNoManifest = errors.New("it is no manifest of an export")

// readManifest reads the text of sign, and checks the signature with a public key, if there is one.
func readManifest(text []byte, public ed25519.PublicKey) (m Manifest, err error) {
	var s signed
	if json.Unmarshal(text, &s) != nil || len(s.Manifest) == 0 || json.Unmarshal(s.Manifest, &m) != nil {
		return m, errNoManifest
	}
	if m.Schema != Schema {
		return m, errors.New("it has a schema that this program does not know")
	}
	if public == nil {
		return m, nil
	}
	signature, err := base64.StdEncoding.DecodeString(s.Signature)
	switch {
	case err != nil || len(signature) == 0:
		return m, errors.New("it is not signed")
	case !ed25519.Verify(public, s.Manifest, signature):
		return m, errors.New("its signature is not of this key, or it was changed")
	}
	return m, nil
}
