package dashboard

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers/catalog"
)

const (
	subscriptionsPath = paymentsPath + "/subscriptions"
	subscriptionPath  = subscriptionsPath + "/show"
	calendarPath      = subscriptionsPath + "/calendar"
)

// Billing is what the pages show of subscriptions.
type Billing interface {
	Page(ctx context.Context, q billing.PageQuery) (subs []billing.Subscription, last billing.Place, more bool, err error)
	Get(ctx context.Context, id string) (billing.Details, error)
	Upcoming(ctx context.Context, provider string, before time.Time, limit int) (all []billing.Upcoming, more bool, err error)
}

var _ Billing = (*billing.Client)(nil)

// Bounds of the pages about subscriptions.
const (
	subscriptionRows = 50
	calendarDays     = 30
	// calendarReads is how many subscriptions of a provider the calendar reads.
	calendarReads = 2000
)

// subscriptionsPage is a list of subscriptions.
type subscriptionsPage struct {
	State, Provider string
	Providers       []string
	States          []choice
	Rows            []subscriptionRow
	Next            string
	Empty           string
}

type subscriptionRow struct {
	ID, Link, State, Provider, Amount, Reason string
	NextDue                                   stamp
}

func (p *pages) subscriptions(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	words := p.wordsFor(r)
	t := words.Pages.Subscriptions
	if p.noBilling(w, r, words) {
		return
	}
	v := subscriptionsPage{State: r.URL.Query().Get("state"), Provider: r.URL.Query().Get("provider"), Providers: catalog.Names(), Empty: t.None}
	for _, s := range []billing.State{billing.Active, billing.Paused, billing.Ended} {
		v.States = append(v.States, choice{string(s), words.subscriptionState(s)})
	}
	q := billing.PageQuery{Limit: subscriptionRows, After: readSubscriptionPlace(r.URL.Query().Get("after"))}
	if slices.Contains(v.Providers, v.Provider) {
		q.Provider = v.Provider
	}
	if slices.ContainsFunc(v.States, func(c choice) bool { return c.Value == v.State }) {
		q.State = billing.State(v.State)
	}
	subs, last, more, err := p.Billing.Page(ctx, q)
	if err != nil {
		p.Log.Warn().Err(err).Msg("subscriptions page")
		p.ledgerAway(w, r)
		return
	}
	for _, s := range subs {
		v.Rows = append(v.Rows, words.subscriptionRow(s))
	}
	if more {
		v.Empty = t.NoneYet
		v.Next = subscriptionsPath + "?" + url.Values{"state": {string(q.State)}, "provider": {q.Provider}, "after": {subscriptionPlace(last)}}.Encode()
	}
	p.render(w, r, http.StatusOK, "subscriptions", t.Title, v)
}

// noBilling reports whether there are no pages about subscriptions, and says so.
func (p *pages) noBilling(w http.ResponseWriter, r *http.Request, words words) bool {
	if p.Billing != nil {
		return false
	}
	t := words.Pages.Subscriptions
	p.renderMessage(w, r, http.StatusNotFound, t.Title, t.NotHere, "")
	return true
}

func (w words) subscriptionState(s billing.State) string {
	t := w.Pages.Subscriptions
	switch s {
	case billing.Active:
		return t.Active
	case billing.Paused:
		return t.Paused
	case billing.Ended:
		return t.Ended
	}
	return string(s)
}

func (w words) subscriptionRow(s billing.Subscription) subscriptionRow {
	return subscriptionRow{
		ID: s.ID, Link: subscriptionPath + "?id=" + url.QueryEscape(s.ID), State: w.subscriptionState(s.State), Provider: s.Provider,
		Amount: w.Money(s.Amount, s.Currency), Reason: cmp.Or(w.Pages.Subscriptions.Reasons[s.Reason], s.Reason), NextDue: stamp{s.NextDue},
	}
}

// subscriptionPlace is a place as an address has it; one that cannot be read is the beginning.
func subscriptionPlace(p billing.Place) string {
	raw, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func readSubscriptionPlace(text string) (p billing.Place) {
	if raw, err := base64.RawURLEncoding.DecodeString(text); err != nil || json.Unmarshal(raw, &p) != nil || p.Added < 0 {
		return billing.Place{}
	}
	return p
}

// subscriptionPage is one subscription.
type subscriptionPage struct {
	subscriptionRow
	Account string
	Added   stamp
	Periods []periodRow
	History []subscriptionEntry
}

type periodRow struct {
	Number  int
	Due     stamp
	State   string
	Next    stamp
	Charges []chargeRow
}

type chargeRow struct {
	Reference, Link, State string
	Dunning                int
}

type subscriptionEntry struct {
	At             stamp
	What, By, Note string
}

func (p *pages) subscription(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	words := p.wordsFor(r)
	if p.noBilling(w, r, words) {
		return
	}
	t, id := words.Pages.Subscriptions, strings.TrimSpace(r.URL.Query().Get("id"))
	d, err := p.Billing.Get(ctx, id)
	if _, wrong := errors.AsType[billing.RequestError](err); wrong || errors.Is(err, billing.ErrUnknown) {
		p.renderMessage(w, r, http.StatusNotFound, t.NoSuch, t.NoSuchText(id), "")
		return
	}
	if err != nil {
		p.Log.Warn().Err(err).Str("subscription", id).Msg("subscription's page")
		p.ledgerAway(w, r)
		return
	}
	v := subscriptionPage{subscriptionRow: words.subscriptionRow(d.Subscription), Account: d.Account, Added: stamp{d.Added}}
	for _, period := range slices.Backward(d.Periods) {
		v.Periods = append(v.Periods, words.periodRow(d, period))
	}
	for _, e := range d.History {
		v.History = append(v.History, subscriptionEntry{stamp{e.At}, cmp.Or(t.Actions[e.Action], e.Action), cmp.Or(e.By, t.Itself), e.Note})
	}
	p.render(w, r, http.StatusOK, "subscription", d.ID, v)
}

func (w words) periodRow(d billing.Details, p billing.Period) periodRow {
	row := periodRow{Number: p.Number, Due: stamp{p.Due}, State: w.periodState(p.State), Next: stamp{p.NextCharge}}
	for _, c := range p.Charges {
		key := idempotency.Key{Provider: d.Provider, Account: d.Account, Reference: c.Reference}
		row.Charges = append(row.Charges, chargeRow{c.Reference, linkTo(key.String()), w.periodState(c.State), c.DunningAttempt})
	}
	return row
}

// periodState is the label of a period's state, or of a charge's.
func (w words) periodState(s string) string {
	t := w.Pages.Subscriptions
	switch s {
	case billing.PeriodStateSkipped:
		return t.Skipped
	case billing.PeriodStateMissed:
		return t.Missed
	case billing.ChargeUnknown:
		return t.Unknown
	}
	return w.state(s)
}

// calendarPage is what falls due, by day.
type calendarPage struct {
	Days []calendarDay
	Cut  bool
	Read i18n.Number
	Sums []string
}

type calendarDay struct {
	Day   stamp
	Count string
	Sums  []string
}

func (p *pages) calendar(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	words := p.wordsFor(r)
	if p.noBilling(w, r, words) {
		return
	}
	from := words.StartOfDay(p.Now())
	before := words.StartOfDay(from.AddDate(0, 0, calendarDays))
	all, cut, err := p.upcoming(ctx, before)
	if err != nil {
		p.Log.Warn().Err(err).Msg("calendar of subscriptions")
		p.ledgerAway(w, r)
		return
	}
	v, total, of := calendarPage{Cut: cut, Read: words.count(calendarReads)}, &tally{}, map[time.Time]*tally{}
	for _, u := range all {
		day := words.StartOfDay(u.Due)
		if day.Before(from) {
			day = from // overdue: it is charged today
		}
		if of[day] == nil {
			of[day] = &tally{}
		}
		charge := idempotency.Record{Amount: u.Amount, Currency: u.Currency}
		of[day].add(charge)
		total.add(charge)
	}
	for day, t := range of {
		v.Days = append(v.Days, calendarDay{stamp{day}, words.count(t.n).Text, t.sums(words)})
	}
	slices.SortFunc(v.Days, func(a, b calendarDay) int { return a.Day.Compare(b.Day.Time) })
	v.Sums = total.sums(words)
	p.render(w, r, http.StatusOK, "calendar", words.Pages.Subscriptions.Calendar, v)
}

// upcoming reads what falls due at all providers at once.
func (p *pages) upcoming(ctx context.Context, before time.Time) (all []billing.Upcoming, cut bool, err error) {
	names := catalog.Names()
	found, more, errs := make([][]billing.Upcoming, len(names)), make([]bool, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { found[i], more[i], errs[i] = p.Billing.Upcoming(ctx, name, before, calendarReads) })
	}
	wg.Wait()
	return slices.Concat(found...), slices.Contains(more, true), errors.Join(errs...)
}
