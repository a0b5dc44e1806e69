package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/schedule"
)

// paymentKey is the key in the address, its slashes escaped or not.
func (c *call) paymentKey() (idempotency.Key, error) {
	text := c.r.PathValue("key")
	if provider := c.r.PathValue("provider"); provider != "" {
		text = provider
		if account := c.r.PathValue("account"); account != "" {
			text += "/" + account
		}
		text += "/" + c.r.PathValue("reference")
	}
	k, err := idempotency.ParseKey(text)
	if err != nil {
		return k, problem(http.StatusNotFound, "unknown", err.Error())
	}
	c.about = k.String()
	return k, nil
}

func (a *API) getPayment(c *call) error {
	k, err := c.paymentKey()
	if err != nil {
		return err
	}
	r, err := a.Ledger.Show(c.r.Context(), k)
	if err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, jsonMedia, view.NewShownPayment(r))
	return nil
}

// paymentList is a page of payments.
type paymentList struct {
	Payments []view.Payment `json:"payments"`
	// Cursor leads to the next page; null at the end.
	Cursor *string `json:"cursor"`
}

const (
	usualLimit = 100
	mostLimit  = 1000
)

func listParameters() []parameter {
	var states []string
	for _, s := range idempotency.States() {
		states = append(states, string(s))
	}
	return []parameter{
		{name: "state", about: "Only this state; without it all that are open. Of `failed` only the last 30 days.", values: states},
		{name: "provider", about: "Only this provider.", values: catalog.Names()},
		{name: "since", about: "Only what was registered (what failed: failed) at this time or later: RFC 3339, or a duration back such as 24h or 7d."},
		{name: "cursor", about: "The cursor of the page before. Give the other parameters as they were."},
		{name: "limit", about: "How many, 100 unless given.", number: [2]int{1, mostLimit}},
	}
}

// readQuery refuses parameters that the operation has not, and values that they cannot have.
func (c *call) readQuery() (url.Values, error) {
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return nil, badParameter("query", "cannot be read")
	}
	for name, all := range values {
		i := slices.IndexFunc(c.op.parameters, func(p parameter) bool { return p.name == name })
		switch {
		case i < 0:
			return nil, badParameter("query", "has a parameter that this address does not know")
		case len(all) > 1:
			return nil, badParameter(name, "given twice")
		}
		if detail := c.op.parameters[i].mind(all[0]); detail != "" && all[0] != "" {
			return nil, badParameter(name, detail)
		}
	}
	return values, nil
}

// mind says what is wrong with a value; nothing where nothing is.
func (p parameter) mind(text string) string {
	switch {
	case p.number[1] > 0:
		if n, err := strconv.Atoi(text); err != nil || n < p.number[0] || n > p.number[1] {
			return fmt.Sprintf("must be a whole number from %d to %d", p.number[0], p.number[1])
		}
	case p.values != nil && !slices.Contains(p.values, text):
		return "must be one of " + fmt.Sprint(p.values)
	}
	return ""
}

// number is a parameter that was checked, or what it is by default.
func number(values url.Values, name string, usual int) int {
	n, err := strconv.Atoi(values.Get(name))
	if err != nil {
		return usual
	}
	return n
}

func (a *API) listPayments(c *call) error {
	values, err := c.readQuery()
	if err != nil {
		return err
	}
	since, err := a.since(values.Get("since"))
	if err != nil {
		return err
	}
	l := &list{
		ledger: a.Ledger, since: since, limit: number(values, "limit", usualLimit),
		steps: steps(values.Get("provider"), idempotency.State(values.Get("state"))), payments: []view.Payment{},
	}
	from, err := l.position(values.Get("cursor"))
	if err != nil {
		return err
	}
	next, err := l.read(c.r.Context(), from)
	if err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, jsonMedia, paymentList{l.payments, next.text()})
	return nil
}

func (a *API) since(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	back, err := schedule.ParseDuration(text)
	if err != nil || back < 0 {
		return time.Time{}, badParameter("since", "must be a time such as 2026-05-15T09:00:00-04:00, or a duration back such as 24h")
	}
	return a.Now().Add(-back), nil
}

// step is a part of a list: one provider's payments in one state.
type step struct {
	provider string
	state    idempotency.State
}

func steps(provider string, state idempotency.State) []step {
	var all []step
	for _, p := range catalog.Names() {
		if provider != "" && provider != p {
			continue
		}
		for _, s := range idempotency.States() {
			if s == state || state == "" && !s.Final() {
				all = append(all, step{p, s})
			}
		}
	}
	return all
}

// position is where a list goes on, written as an opaque text.
type position struct {
	Provider string            `json:"p"`
	State    idempotency.State `json:"s"`
	// At, in ms, and ID are those of the last payment that was listed.
	At int64  `json:"a,omitempty"`
	ID string `json:"i,omitempty"`
	// Scan is where the reading of all records goes on.
	Scan string `json:"c,omitempty"`
}

func (p *position) text() *string {
	if p == nil {
		return nil
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString(raw))
}

// list is a page on its way.
type list struct {
	ledger   *idempotency.Ledger
	steps    []step
	since    time.Time
	limit    int
	payments []view.Payment
}

// scanCursor is what Ledger.Scan goes on from: Redis' own number, behind that of a partition where
// the provider has several.
var scanCursor = regexp.MustCompile(`^([0-9]{1,2}:)?[0-9]{0,20}$`)

// position reads a cursor that this list could have.
func (l *list) position(cursor string) (position, error) {
	if cursor == "" {
		if len(l.steps) == 0 {
			return position{}, nil
		}
		return position{Provider: l.steps[0].provider, State: l.steps[0].state}, nil
	}
	var p position
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil || !slices.Contains(l.steps, step{p.Provider, p.State}) || !scanCursor.MatchString(p.Scan) {
		return p, badCursor()
	}
	return p, nil
}

func badCursor() error {
	return badParameter("cursor", "is not one of this list; give the other parameters as they were")
}

// read reads a page, and returns where the next one begins; nil at the end.
func (l *list) read(ctx context.Context, at position) (*position, error) {
	begin := slices.Index(l.steps, step{at.Provider, at.State})
	for i, s := range l.steps[max(0, begin):] {
		if i > 0 {
			at = position{Provider: s.provider, State: s.state}
			if len(l.payments) >= l.limit {
				return &at, nil
			}
		}
		read := l.readIndex
		if s.state == idempotency.Succeeded || s.state == idempotency.Reversed {
			read = l.scan
		}
		next, err := read(ctx, at)
		if err != nil || next != nil {
			return next, err
		}
	}
	return nil, nil
}

// readIndex reads on in the list of a state.
func (l *list) readIndex(ctx context.Context, at position) (*position, error) {
	from := l.since
	if t := time.UnixMilli(at.At); t.After(from) {
		from = t
	}
	f := idempotency.Filter{Provider: at.Provider, State: at.State}
	missing := l.limit - len(l.payments)
	for want := missing + 1; ; want *= 2 { // more where many came at the same instant as the last one
		rs, more, err := l.ledger.ListFrom(ctx, f, from, want)
		if err != nil {
			return nil, err
		}
		rs = slices.DeleteFunc(rs, func(r idempotency.Record) bool { return r.ListedAt().UnixMilli() == at.At && r.Key.ID() <= at.ID })
		if len(rs) <= missing && more {
			continue
		}
		more = more || len(rs) > missing
		for _, r := range rs[:min(missing, len(rs))] {
			at.At, at.ID = r.ListedAt().UnixMilli(), r.Key.ID()
			l.add(r)
		}
		if more {
			return &at, nil
		}
		return nil, nil
	}
}

// mostScans bounds how many records one page reads, 500 at a time.
const mostScans = 20

// scan reads on over all records.
func (l *list) scan(ctx context.Context, at position) (*position, error) {
	f := idempotency.Filter{Provider: at.Provider, State: at.State}
	for range mostScans {
		rs, next, err := l.ledger.Scan(ctx, f, at.Scan)
		if errors.Is(err, idempotency.ErrCursor) {
			return nil, badCursor() // from before the provider had as many partitions, for one
		}
		if err != nil {
			return nil, err
		}
		for _, r := range rs {
			if !r.ListedAt().Before(l.since) {
				l.add(r)
			}
		}
		if next == "" {
			return nil, nil
		}
		if at.Scan = next; len(l.payments) >= l.limit {
			break
		}
	}
	return &at, nil
}

func (l *list) add(r idempotency.Record) { l.payments = append(l.payments, view.NewPayment(r)) }
