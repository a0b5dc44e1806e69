package totals

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/outcomes"
	"github.com/remesa/remesa/providers"
)

// Series is what one Figure counts: payments of one account, type and currency that entered one
// state with one code.
type Series struct {
	Account, Type, Currency string
	// State is the state that was entered, or Anomaly, Rejected or TimeToOutcome.
	State string
	// Code is the event's code, at most 40 bytes of it; OtherCode where a bucket has too many.
	Code string
}

// What is counted besides states.
const (
	// Anomaly counts contradictions; the amount is that of the payment.
	Anomaly = "anomaly"
	// Rejected counts tasks that became no payment, by reason. They have no sum.
	Rejected = "rejected"
	// TimeToOutcome counts the payments that became succeeded or failed by how long that took from
	// their registration: Code is the text of one of TimeBounds, or LongerTime. The sum is in
	// milliseconds.
	TimeToOutcome = "time"
)

// LongerTime is the Code of times above all TimeBounds.
const LongerTime = "longer"

// TimeBounds are the upper bounds by which times to the outcome are counted.
func TimeBounds() []time.Duration {
	return []time.Duration{
		time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 12 * time.Hour, 72 * time.Hour,
	}
}

// OtherCode stands for all codes that a bucket has no room for.
const OtherCode = "other"

// Figure is how often something happened, and the sum of the amounts.
type Figure struct {
	Count int64
	// Sum is in the currency's smallest unit: see providers.MinorText.
	Sum int64
	// Unsummed is how many of Count are not in Sum, because the amount is missing, or cannot be
	// read, or the sum would not fit into 64 bits.
	Unsummed int64
}

// Add returns the sum of both.
func (f Figure) Add(o Figure) Figure {
	f.Count += o.Count
	f.Unsummed += o.Unsummed
	if sum, ok := addExactly(f.Sum, o.Sum); ok {
		f.Sum = sum
	} else {
		f.Unsummed += o.Count - o.Unsummed
	}
	return f
}

func addExactly(a, b int64) (int64, bool) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return a, false
	}
	return a + b, true
}

// Bucket has the figures of a span of time.
type Bucket map[Series]Figure

// Merge adds another bucket.
func (b Bucket) Merge(o Bucket) {
	for s, f := range o {
		b[s] = b[s].Add(f)
	}
}

const stateKind = "state"

const (
	maxCode = 40
	// maxSeries bounds a bucket: a provider that puts something unique into each code would make it
	// grow without end.
	maxSeries = 500
)

// count adds an event to the bucket and returns its series; false where the event counts nowhere.
func (b Bucket) count(e outcomes.Event) (Series, bool) {
	s := Series{Account: e.Account, Type: e.Type, Currency: e.Currency, Code: cut(e.Code)}
	switch e.Kind {
	case stateKind:
		s.State = string(e.State)
	case Anomaly:
		s.State, s.Code = Anomaly, ""
	case Rejected:
		s.State, s.Type, s.Currency = Rejected, "", ""
	default:
		return s, false
	}
	return b.add(s, figure(e)), true
}

// add adds to a series' figure, or, where the bucket has too many, to that of OtherCode; it returns
// the one that it was. There are only so many times to an outcome.
func (b Bucket) add(s Series, f Figure) Series {
	if _, known := b[s]; !known && len(b) >= maxSeries && s.State != TimeToOutcome {
		s.Code = OtherCode
	}
	b[s] = b[s].Add(f)
	return s
}

// countTime adds how long a payment took to its outcome.
func (b Bucket) countTime(e outcomes.Event, took time.Duration) Series {
	s := Series{Account: e.Account, Type: e.Type, Currency: e.Currency, State: TimeToOutcome, Code: LongerTime}
	for _, bound := range TimeBounds() {
		if took <= bound {
			s.Code = bound.String()
			break
		}
	}
	b[s] = b[s].Add(Figure{Count: 1, Sum: took.Milliseconds()})
	return s
}

// figure is what one event adds.
func figure(e outcomes.Event) Figure {
	m, err := providers.ParseMoney(e.Amount, e.Currency)
	if err != nil || e.Kind == Rejected {
		return Figure{Count: 1, Unsummed: 1}
	}
	return Figure{Count: 1, Sum: m.Minor()}
}

func cut(code string) string {
	if len(code) <= maxCode {
		return code
	}
	code = code[:maxCode]
	for len(code) > 0 && !utf8.ValidString(code) {
		code = code[:len(code)-1]
	}
	return code
}

// field is a series' name in its hash. The code comes last, because it may contain anything.
func (s Series) field() string {
	return strings.Join([]string{s.Account, s.Type, s.Currency, s.State, s.Code}, "|")
}

// value is a figure's text in its hash.
func (f Figure) value() string {
	text := strconv.FormatInt(f.Count, 10) + " " + strconv.FormatInt(f.Sum, 10)
	if f.Unsummed > 0 {
		text += " " + strconv.FormatInt(f.Unsummed, 10)
	}
	return text
}

// parseBucket reads a hash.
func parseBucket(fields map[string]string) (Bucket, error) {
	b := make(Bucket, len(fields))
	for name, value := range fields {
		part := strings.SplitN(name, "|", 5)
		if len(part) != 5 {
			return nil, fmt.Errorf("a total's name has %d parts, not 5", len(part))
		}
		f, err := parseFigure(value)
		if err != nil {
			return nil, err
		}
		b[Series{part[0], part[1], part[2], part[3], part[4]}] = f
	}
	return b, nil
}

func parseFigure(text string) (Figure, error) {
	part := strings.Fields(text)
	if len(part) < 2 || len(part) > 3 {
		return Figure{}, fmt.Errorf("a total has %d numbers, not 2 or 3", len(part))
	}
	var n [3]int64
	for i, text := range part {
		var err error
		if n[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return Figure{}, fmt.Errorf("a total has something that is no number")
		}
	}
	return Figure{n[0], n[1], n[2]}, nil
}

// head says how far a stream has been counted. It is stored as JSON, and it is what the store
// compares: whoever read another head changes nothing.
type head struct {
	// Cursor is the id of the last entry that was counted.
	Cursor string `json:"cursor"`
	// Since is the time of the first entry that was counted, in Unix ms.
	Since int64 `json:"since"`
	// Position is how many entries had ever been added when the one at Cursor was.
	Position int64 `json:"position"`
	// Earlier is how many entries had been trimmed before the first one was counted, and Missed
	// after that; MissedAt is when that was last found, in Unix ms.
	Earlier  int64 `json:"earlier,omitempty"`
	Missed   int64 `json:"missed,omitempty"`
	MissedAt int64 `json:"missed_at,omitempty"`
	// Succeeded is when a payment last succeeded, in Unix ms.
	Succeeded int64 `json:"succeeded,omitempty"`
}

func parseHead(text string) (head, error) {
	var h head
	if text == "" {
		return h, nil
	}
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return h, fmt.Errorf("the head of the totals is no JSON of one")
	}
	return h, nil
}

func (h head) text() string {
	text, err := json.Marshal(h)
	if err != nil {
		panic("totals: " + err.Error()) // it has only numbers and a text
	}
	return string(text)
}

// advance moves the head behind these entries. added is how many entries the stream ever had, and
// trimmed how many of them are gone; both were read before the entries, and are 0 where the server
// does not tell.
func (h *head) advance(entries []redis.XMessage, added, trimmed int64) {
	first := h.Cursor == ""
	if first {
		h.Since, h.Earlier, h.Position = millis(entries[0].ID), trimmed, trimmed
	}
	if !first && trimmed > h.Position && added >= h.Position {
		h.Missed, h.MissedAt = h.Missed+trimmed-h.Position, millis(entries[0].ID)
	}
	if added < h.Position { // the stream was deleted, and began again
		h.Position = 0
	}
	h.Position = max(h.Position, trimmed) + int64(len(entries))
	h.Cursor = entries[len(entries)-1].ID
}

// millis is the time of a stream's entry, in Unix ms.
func millis(id string) int64 {
	text, _, _ := strings.Cut(id, "-")
	ms, _ := strconv.ParseInt(text, 10, 64)
	return ms
}

// written is when an entry was written.
func written(id string) time.Time { return time.UnixMilli(millis(id)).UTC() }

// after compares two ids of a stream.
func after(a, b string) bool {
	if x, y := millis(a), millis(b); x != y {
		return x > y
	}
	return sequence(a) > sequence(b)
}

func sequence(id string) int64 {
	_, text, _ := strings.Cut(id, "-")
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}
