package dashboard

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/catalog"
)

// query is what a list shows, as the page's address has it.
type query struct {
	State idempotency.State
	// Anomalies lists the payments with an anomaly, whatever their state.
	Anomalies bool

	Provider, Account, Code, Reference, Currency string
	// Fingerprint is the beginning of the hash of type, amount and beneficiary or card.
	Fingerprint string
	// Least and Most bound the amount, as decimal texts.
	Least, Most string
	// From and To are dates (2006-01-02) in the pages' zone, both included; from and to the
	// instants that they mean.
	From, To string
	from, to time.Time
	// Newest lists the newest first.
	Newest bool
	// Amounts lists by amount, largest or smallest first; empty for an order by time.
	Amounts string
	// After is the place behind which the list goes on.
	After place
}

// place is where a list of several providers goes on: an instant in Unix ms, and what comes after
// the order of time.
type place struct {
	At int64  `json:"a"`
	ID string `json:"i"`
	// Provider is the name of one, or of a partition of one.
	Provider string `json:"p"`
	// Currency and Amount are there in a list by amount, which leaves out the instant.
	Currency string `json:"c,omitempty"`
	Amount   string `json:"m,omitempty"`
}

// Orders of a list by amount, as addresses name them.
const (
	largestFirst  = "largest"
	smallestFirst = "smallest"
)

// anomalies stands for a state in addresses.
const anomalies = "anomaly"

var (
	amountForm      = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,4})?$`)
	currencyForm    = regexp.MustCompile(`^[A-Z]{3}$`)
	referenceForm   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	accountForm     = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	fingerprintForm = regexp.MustCompile(`^[A-Za-z0-9:_-]{1,100}$`)
)

// longestCode bounds what is compared with codes.
const longestCode = 64

// parseQuery reads the address of a list. The problems are for whoever wrote it; a field with a
// problem filters nothing.
func parseQuery(v url.Values, w words) (q query, problems []string) {
	t, zone := w.Pages.Filter, w.Zone()
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	take := func(into *string, name, problem string, ok func(string) bool) {
		switch value := get(name); {
		case value == "":
		case ok(value):
			*into = value
		default:
			problems = append(problems, problem)
		}
	}
	q.State = idempotency.State(get("state"))
	q.Anomalies = q.State == anomalies
	if !q.Anomalies && !slices.Contains(idempotency.States(), q.State) {
		q.State = idempotency.Held
	}
	q.Newest = q.State.Final()
	switch order := get("sort"); {
	case order == largestFirst || order == smallestFirst:
		if q.Amounts = order; q.settled() {
			q.Amounts, problems = "", append(problems, t.NotByAmount)
		}
	case order != "":
		q.Newest = order == "newest"
	}
	take(&q.Provider, "provider", t.BadProvider, func(s string) bool { return slices.Contains(catalog.Names(), s) })
	take(&q.Account, "account", t.BadAccount, accountForm.MatchString)
	take(&q.Code, "code", t.BadCode, func(s string) bool { return len(s) <= longestCode })
	take(&q.Reference, "reference", t.BadReference, referenceForm.MatchString)
	take(&q.Fingerprint, "fingerprint", t.BadFingerprint, fingerprintForm.MatchString)
	take(&q.Currency, "currency", t.BadCurrency, currencyForm.MatchString)
	take(&q.Least, "least", t.BadAmount, amountForm.MatchString)
	take(&q.Most, "most", t.BadAmount, amountForm.MatchString)
	take(&q.From, "from", t.BadDate, func(s string) bool { return readDate(s, zone, 0, &q.from) })
	take(&q.To, "to", t.BadDate, func(s string) bool { return readDate(s, zone, 1, &q.to) })
	if at := get("after"); at != "" && !q.After.read(at) {
		problems = append(problems, t.BadPlace)
	}
	return q, slices.Compact(problems)
}

// readDate reads the first instant of a date, or of the one that many days later.
func readDate(text string, zone *time.Location, days int, into *time.Time) bool {
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err == nil {
		*into = time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, zone)
	}
	return err == nil
}

// read reads a place as an address has it.
func (p *place) read(text string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, p)
	}
	provider, _, _ := strings.Cut(p.Provider, ":")
	amount := p.Amount == "" && p.Currency == "" || amountForm.MatchString(p.Amount) && currencyForm.MatchString(p.Currency)
	if err != nil || !amount || p.At < 0 || len(p.ID) > 128 || len(p.Provider) > 40 || !slices.Contains(catalog.Names(), provider) {
		*p = place{}
		return false
	}
	return true
}

func (p place) text() string {
	raw, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// values are those of the page's address, without the place.
func (q query) values() url.Values {
	v := url.Values{"state": {string(q.State)}}
	for name, value := range map[string]string{
		"provider": q.Provider, "account": q.Account, "code": q.Code, "reference": q.Reference, "fingerprint": q.Fingerprint, "currency": q.Currency, "least": q.Least,
		"most": q.Most, "from": q.From, "to": q.To,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	switch {
	case q.Amounts != "":
		v.Set("sort", q.Amounts)
	case q.Newest != q.State.Final():
		v.Set("sort", map[bool]string{true: "newest", false: "oldest"}[q.Newest])
	}
	return v
}

// settled reports whether the query is about payments that moved money, which no index has.
func (q query) settled() bool {
	return !q.Anomalies && (q.State == idempotency.Succeeded || q.State == idempotency.Reversed)
}

// filtered reports whether the query wants less than a whole list.
func (q query) filtered() bool {
	v := q.values()
	v.Del("state")
	v.Del("sort")
	return len(v) > 0
}

// match reports whether a payment is one that the query wants. Its time is not looked at.
func (q query) match(r idempotency.Record) bool {
	switch {
	case !q.Anomalies && r.State != q.State, q.Anomalies && r.Anomaly == "":
	case q.Provider != "" && r.Key.Provider != q.Provider, q.Account != "" && r.Key.Account != q.Account:
	case q.Code != "" && r.Code != q.Code, !strings.HasPrefix(r.Key.Reference, q.Reference):
	case !strings.HasPrefix(r.Fingerprint, q.Fingerprint):
	case q.Currency != "" && r.Currency != q.Currency, !q.holdsAmount(r.Amount):
	default:
		return true
	}
	return false
}

func (q query) holdsAmount(text string) bool {
	if q.Least == "" && q.Most == "" {
		return true
	}
	amount, ok := new(big.Rat).SetString(text)
	return ok && (q.Least == "" || amount.Cmp(rat(q.Least)) >= 0) && (q.Most == "" || amount.Cmp(rat(q.Most)) <= 0)
}

// rat reads an amount that has the form of one.
func rat(text string) *big.Rat {
	r, _ := new(big.Rat).SetString(text)
	return r
}

// providers are those whose payments the query may want.
func (q query) providers() []string {
	if q.Provider != "" {
		return []string{q.Provider}
	}
	return catalog.Names()
}
