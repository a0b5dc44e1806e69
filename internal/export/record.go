package export

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/csvcell"
)

// Payment is a record as an export holds it: as the ledger had it when it was exported. Every field
// is always there, but the personal ones, which only an export with personal columns has.
type Payment struct {
	Key        string            `json:"key"`
	Type       string            `json:"type"`
	Provider   string            `json:"provider"`
	Account    string            `json:"account"`
	Reference  string            `json:"reference"`
	State      idempotency.State `json:"state"`
	ProviderID string            `json:"provider_id"`
	Code       string            `json:"code"`
	Decline    string            `json:"decline"`
	Amount     string            `json:"amount"`
	Currency   string            `json:"currency"`
	Attempts   int               `json:"attempts"`
	// CreatedAt and UpdatedAt are RFC 3339 with milliseconds and the offset of the export's zone.
	CreatedAt    string `json:"created_at"`
	UpdatedAt    string `json:"updated_at"`
	MayHaveLeft  bool   `json:"may_have_left"`
	Anomaly      string `json:"anomaly"`
	Subscription string `json:"subscription"`
	Period       string `json:"period"`
	// Fingerprint is a hash of what the payment means: type, amount, beneficiary or card.
	Fingerprint string `json:"fingerprint"`
	Version     int64  `json:"version"`
	// HistoryGap is the index of the first entry of History before which others may have been left
	// out; 0 if the history is whole.
	HistoryGap int     `json:"history_gap"`
	History    []Entry `json:"history"`

	*Personal
}

// Personal is what a record may hold about people.
type Personal struct {
	Message   string            `json:"message"`
	ActionURL string            `json:"action_url"`
	Metadata  map[string]string `json:"metadata"`
}

// Entry is one entry of a payment's history.
type Entry struct {
	At      string            `json:"at"`
	State   idempotency.State `json:"state"`
	Attempt int               `json:"attempt"`
	// Note is why, and who decided it. Without personal columns the words of providers are left
	// out.
	Note string `json:"note"`
	*Answer
}

// Answer is a provider's answer in a payment's history, with the fields of `enqueue show`. Entries
// that tell of none, or that an older version wrote, are without it.
type Answer struct {
	Question   string `json:"question"`
	HTTPStatus int    `json:"http_status"`
	Class      string `json:"class"`
	DurationMS int64  `json:"duration_ms"`
	Count      int    `json:"count,omitempty"`
	LastAt     string `json:"last_at,omitempty"`
}

func newAnswer(h idempotency.AuditEntry, at func(time.Time) string) *Answer {
	if h.Answer == (idempotency.Answer{}) {
		return nil
	}
	a := &Answer{string(h.Answer.Question), h.Answer.HTTPStatus, h.Answer.Class, h.Answer.Took.Milliseconds(), h.Count, ""}
	if !h.Last.IsZero() {
		a.LastAt = at(h.Last)
	}
	return a
}

const stamp = "2006-01-02T15:04:05.000-07:00"

func newPayment(r idempotency.Record, zone *time.Location, personal bool) Payment {
	at := func(t time.Time) string { return t.In(zone).Format(stamp) }
	p := Payment{
		Key: r.Key.String(), Type: r.Type, Provider: r.Key.Provider, Account: r.Key.Account, Reference: r.Key.Reference, State: r.State,
		ProviderID: r.ProviderID, Code: r.Code, Decline: r.Decline, Amount: r.Amount, Currency: r.Currency, Attempts: r.Attempts,
		CreatedAt: at(r.Created), UpdatedAt: at(r.Updated), MayHaveLeft: r.MayHaveLeft, Anomaly: r.Anomaly, Subscription: r.Subscription,
		Period: r.Period, Fingerprint: r.Fingerprint, Version: r.Version, HistoryGap: r.HistoryGap(), History: []Entry{},
	}
	for _, h := range r.History {
		e := Entry{at(h.At), h.State, h.Attempt, h.Note, newAnswer(h, at)}
		if !personal && ofProvider(h) {
			e.Note = ""
		}
		p.History = append(p.History, e)
	}
	if personal {
		p.Personal = &Personal{r.Message, r.ActionURL, r.Metadata}
		if p.Metadata == nil {
			p.Metadata = map[string]string{}
		}
	}
	return p
}

// ofProvider reports whether a note may be a provider's words: only payments that become held have
// such notes. What people wrote there is about anomalies.
func ofProvider(h idempotency.AuditEntry) bool {
	return h.State == idempotency.Held && !strings.HasPrefix(h.Note, "anomaly: ") && !strings.HasPrefix(h.Note, "anomaly cleared by ")
}

// columns of the CSV, behind those of the chain; personalColumns follow where they were asked for.
var (
	columns = []string{
		"key", "type", "provider", "account", "reference", "state", "provider_id", "code", "decline", "amount", "currency", "attempts",
		"created_at", "updated_at", "may_have_left", "anomaly", "subscription", "period", "fingerprint", "version", "history_gap", "history",
	}
	personalColumns = []string{"message", "action_url", "metadata"}
	chainColumns    = []string{"hash", "n", "prev"}
)

func columnsOf(personal bool) []string {
	if personal {
		return append(append([]string{}, columns...), personalColumns...)
	}
	return columns
}

func csvHeader(personal bool) string {
	return strings.Join(append(append([]string{}, chainColumns...), columnsOf(personal)...), ",")
}

// csvRow is the payment as cells in the order of the columns, on one line.
func (p Payment) csvRow() ([]byte, error) {
	history, err := json.Marshal(p.History)
	if err != nil {
		return nil, err
	}
	cells := []string{
		p.Key, p.Type, p.Provider, p.Account, p.Reference, string(p.State), p.ProviderID, p.Code, p.Decline, p.Amount, p.Currency,
		strconv.Itoa(p.Attempts), p.CreatedAt, p.UpdatedAt, strconv.FormatBool(p.MayHaveLeft), p.Anomaly, p.Subscription, p.Period,
		p.Fingerprint, strconv.FormatInt(p.Version, 10), strconv.Itoa(p.HistoryGap), string(history),
	}
	if p.Personal != nil {
		metadata, err := json.Marshal(p.Metadata)
		if err != nil {
			return nil, err
		}
		cells = append(cells, p.Message, p.ActionURL, string(metadata))
	}
	for i := range cells {
		cells[i] = csvCell(cells[i])
	}
	return []byte(strings.Join(cells, ",")), nil
}

// csvCell quotes a cell where it must. No spreadsheet takes it for a formula, and line breaks
// become blanks, so that a record is one line.
func csvCell(text string) string {
	text = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(text)
	text = csvcell.Literal(text)
	if strings.ContainsAny(text, `",`) || strings.HasPrefix(text, " ") {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}
