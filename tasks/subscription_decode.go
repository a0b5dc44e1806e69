package tasks

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/schedule"
)

// subscriptionJSON is a subscription as it is written: a charge without its reference and its
// times, and the terms of its return.
type subscriptionJSON struct {
	ID          string             `json:"id"`
	Provider    string             `json:"provider"`
	Account     string             `json:"account,omitempty"`
	Amount      string             `json:"amount"`
	Currency    string             `json:"currency"`
	Description string             `json:"description,omitempty"`
	Start       string             `json:"start"`
	Schedule    scheduleJSON       `json:"schedule"`
	End         string             `json:"end,omitempty"`
	Backfill    bool               `json:"backfill,omitempty"`
	CatchUp     string             `json:"catch_up"`
	Dunning     []string           `json:"dunning,omitempty"`
	Customer    providers.Customer `json:"customer,omitzero"`
	Card        Card               `json:"card,omitzero"`
	Agreement   string             `json:"agreement,omitempty"`
	Details     providers.Details  `json:"details,omitzero"`
	Metadata    map[string]string  `json:"metadata,omitempty"`
}

type scheduleJSON struct {
	Every    string `json:"every"`
	Interval int    `json:"interval,omitempty"`
	At       string `json:"at"`
	Timezone string `json:"timezone"`
}

func (w subscriptionJSON) charge(txnid string) Charge {
	return Charge{
		Provider: w.Provider, TxnID: txnid, Amount: w.Amount, Currency: w.Currency, Description: w.Description, Customer: w.Customer,
		Card: w.Card, Agreement: w.Agreement, Details: w.Details, Common: Common{Account: w.Account, Metadata: w.Metadata},
	}
}

// Bounds of a subscription's terms.
const (
	defaultCatchUp = "35d"
	mostDunning    = 20
	mostInterval   = 1000
	aDay           = 24 * time.Hour
)

// subscriptionShapes has a table for each provider that takes charges: the fields of its charge,
// and those of every subscription.
var subscriptionShapes = newSubscriptionShapes()

func newSubscriptionShapes() map[string]*shape {
	shapes := map[string]*shape{}
	for provider := range byProvider {
		if r, ok := rulesFor(provider, typeCharge); ok {
			shapes[provider] = newShape(append(terms(), recurring(r)...)...)
		}
	}
	return shapes
}

// recurring are the fields of a charge that are the same in each period.
func recurring(r rules) []fields.Field {
	return slices.DeleteFunc(slices.Clone(r.payment.fields), func(f fields.Field) bool {
		return slices.Contains([]string{"type", "txnid", "not_before", "deadline", "priority"}, f.Path)
	})
}

// terms are the fields that only a subscription has.
func terms() []fields.Field {
	var units []string
	for _, u := range schedule.Units() {
		units = append(units, string(u))
	}
	return []fields.Field{
		fields.Need(fields.Reference("id", 64)),
		fields.Need(fields.TextOf("start", "must be a date from 1970 to 2199 such as 2026-08-31", isStart)),
		fields.Need(fields.TextOf("schedule.every", "must be one of "+strings.Join(units, ", "), func(s string) bool { return schedule.Unit(s).Valid() })),
		fields.IntegerOf("schedule.interval", 1, mostInterval),
		fields.Need(fields.TextOf("schedule.at", "must be a time of day such as 09:00", isTimeOfDay)),
		fields.Need(fields.TextOf("schedule.timezone", "must be a time zone of the IANA database, such as America/Bogota", isZone)),
		fields.OrNull(fields.TextOf("end", "must be a date such as 2027-08-31, or null", isDate)),
		fields.BooleanOf("backfill"),
		fields.TextOf("catch_up", "must be a duration from 1m to 3660d, such as 35d", between(time.Minute, 3660*aDay)),
		fields.TextsOf("dunning", mostDunning, "must be a duration above zero and up to 366d, such as 24h or 3d", between(time.Millisecond, 366*aDay)),
	}
}

func isDate(s string) bool {
	_, err := schedule.ParseDate(s)
	return err == nil
}

// isStart leaves room for the years in which the periods of a start fall due.
func isStart(s string) bool {
	d, err := schedule.ParseDate(s)
	return err == nil && d.Year >= 1970 && d.Year < 2200
}

func isTimeOfDay(s string) bool {
	_, err := schedule.ParseTimeOfDay(s)
	return err == nil
}

func isZone(s string) bool {
	_, err := schedule.LoadZone(s)
	return err == nil
}

func between(low, high time.Duration) func(string) bool {
	return func(s string) bool {
		d, err := schedule.ParseDuration(s)
		return err == nil && low <= d && d <= high
	}
}

// DecodeSubscription reads one subscription from its JSON, as strictly as Decode reads a task; the
// error is a *FieldError.
func DecodeSubscription(line []byte) (Subscription, error) {
	return decodeBy(line, parseNew, decodeSubscription)
}

// DecodeStoredSubscription reads a subscription that was added, as DecodeStored does a payment.
func DecodeStoredSubscription(content []byte) (Subscription, error) {
	return decodeBy(content, parse, decodeSubscription)
}

func decodeSubscription(line []byte, root node) (Subscription, error) {
	provider, err := oneOf(root, "provider", charging())
	if err != nil {
		return Subscription{}, err
	}
	if err := subscriptionShapes[provider].check(root); err != nil {
		return Subscription{}, err
	}
	r, _ := rulesFor(provider, typeCharge)
	amount, err := r.money(root)
	if err != nil {
		return Subscription{}, err
	}
	if err := r.needs(root); err != nil {
		return Subscription{}, err
	}
	w := subscriptionJSON{Details: r.details()}
	if err := json.Unmarshal(line, &w); err != nil {
		return Subscription{}, fieldError("line", "cannot be read")
	}
	return newSubscription(w, amount, r)
}

// charging lists the providers that take charges.
func charging() []string {
	return slices.DeleteFunc(catalog.Names(), func(name string) bool { return subscriptionShapes[name] == nil })
}

// newSubscription makes a subscription of fields that are valid each for itself.
func newSubscription(w subscriptionJSON, amount providers.Money, r rules) (Subscription, error) {
	c := w.charge("")
	if err := c.canonical(r); err != nil {
		return Subscription{}, err
	}
	w.Account, w.Customer = c.Account, c.Customer
	s := Subscription{wire: w, amount: shortest(amount)}
	if err := s.readTerms(); err != nil {
		return Subscription{}, err
	}
	if !s.end.IsZero() && s.end.Before(s.calendar.Start) {
		return Subscription{}, fieldError("end", "must not be before start")
	}
	s.writeTerms()
	payload, err := compact(s.wire)
	s.payload = payload
	return s, err
}

// readTerms reads texts that the table has found to be valid; its error says that table and reading
// disagree.
func (s *Subscription) readTerms() error {
	w := s.wire
	start, noStart := schedule.ParseDate(w.Start)
	at, noTime := schedule.ParseTimeOfDay(w.Schedule.At)
	zone, noZone := schedule.LoadZone(w.Schedule.Timezone)
	catchUp, noCatchUp := schedule.ParseDuration(cmp.Or(w.CatchUp, defaultCatchUp))
	if err := errors.Join(noStart, noTime, noZone, noCatchUp, s.readEnd(), s.readDunning()); err != nil {
		return fieldError("line", "cannot be read")
	}
	s.calendar = schedule.Calendar{
		Every: schedule.Unit(w.Schedule.Every), Interval: max(1, w.Schedule.Interval), Start: start, At: at, Zone: zone,
	}
	s.catchUp = catchUp
	return nil
}

func (s *Subscription) readEnd() (err error) {
	if s.wire.End != "" {
		s.end, err = schedule.ParseDate(s.wire.End)
	}
	return err
}

func (s *Subscription) readDunning() error {
	for _, text := range s.wire.Dunning {
		delay, err := schedule.ParseDuration(text)
		if err != nil {
			return err
		}
		s.dunning = append(s.dunning, delay)
	}
	return nil
}

// writeTerms gives equal terms equal texts. The default of catch_up, which may once change, is
// written out.
func (s *Subscription) writeTerms() {
	s.wire.Amount = s.amount.Text()
	if s.wire.Schedule.Interval == 1 {
		s.wire.Schedule.Interval = 0
	}
	s.wire.CatchUp = durationText(s.catchUp)
	s.wire.Dunning = nil
	for _, delay := range s.dunning {
		s.wire.Dunning = append(s.wire.Dunning, durationText(delay))
	}
}

// shortest is the amount without the zeros that its currency can do without.
func shortest(m providers.Money) providers.Money {
	if short, err := providers.ParseMoney(m.Trimmed(), m.Currency()); err == nil {
		return short
	}
	return m
}

func durationText(d time.Duration) string {
	if d%aDay == 0 {
		return fmt.Sprintf("%dd", d/aDay)
	}
	return d.String()
}
