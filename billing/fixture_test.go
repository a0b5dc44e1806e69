package billing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/schedule"
)

// fixture is one subscription under test, without a store: what a step decides is its record from
// then on. Times are of 2026 and UTC.
type fixture struct {
	t     *testing.T
	now   time.Time
	r     Record
	terms Terms
	// open are the terms that the open period was claimed with; the present ones where nil.
	open *Terms
	// ledger has what is known of each charge, by "period.attempt".
	ledger map[string]Charge
	others []Charge
}

const stampForm = "01-02 15:04:05"

func stampOf(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// newFixture is a subscription of 09:00 UTC on the last day of each month, with two new charges
// after a soft decline, added on 1 January.
func newFixture(t *testing.T, vary ...func(*fixture)) *fixture {
	t.Helper()
	l := &fixture{
		t: t, now: stampOf(t, "2026-01-01 12:00:00"), ledger: map[string]Charge{},
		terms: Terms{
			Calendar: schedule.Calendar{Every: schedule.Month, Start: date(2026, 1, 31), At: schedule.TimeOfDay{Hour: 9}, Zone: time.UTC},
			CatchUp:  35 * aDay, Dunning: []time.Duration{24 * time.Hour, 72 * time.Hour},
		},
	}
	for _, v := range vary {
		v(l)
	}
	l.r = newRecord("sub-1", l.terms, l.now)
	return l
}

func daily(l *fixture) {
	l.terms.Calendar.Every, l.terms.Calendar.Start = schedule.Day, date(2026, 1, 1)
}

// at moves the clock to "01-31 09:00:00".
func (l *fixture) at(text string) *fixture {
	l.t.Helper()
	l.now = stampOf(l.t, "2026-"+text)
	return l
}

// step decides about the subscription; want are the lines of describe.
func (l *fixture) step(want ...string) {
	l.t.Helper()
	open := l.terms
	if l.open != nil {
		open = *l.open
	}
	var charges []Charge
	if l.r.Open != nil {
		for attempt := range l.r.Open.Attempt + 1 {
			charges = append(charges, l.ledger[fmt.Sprintf("%d.%d", l.r.Open.Period, attempt)])
		}
	}
	l.follow(l.r.Decide(Facts{Now: l.now, Terms: l.terms, OpenTerms: open, Charges: charges, Others: l.others}), want)
	l.others = nil
}

// byHand takes a step by hand.
func (l *fixture) byHand(p Decision, err error) func(want ...string) {
	return func(want ...string) {
		l.t.Helper()
		if err != nil {
			l.t.Fatal(err)
		}
		l.follow(p, want)
	}
}

func (l *fixture) follow(p Decision, want []string) {
	l.t.Helper()
	if got := describe(p); !slices.Equal(got, want) {
		l.t.Fatalf("at %s:\n  %s\nwant\n  %s", l.now.Format(stampForm), strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	l.r = p.Record
	l.r.Version++
}

// describe writes a decision down: events, periods that are closed, what is to be done, then the
// state and when it is due again.
func describe(p Decision) []string {
	var out []string
	for _, e := range p.Events {
		line := fmt.Sprintf("event %s %s", e.Code, e.State)
		if e.Period > 0 {
			line += fmt.Sprintf(" %d.%d", e.Period, e.Attempt)
		}
		out = append(out, strings.Join(strings.Fields(line+" "+e.Decline+" "+e.Message), " "))
	}
	for _, s := range p.Closed {
		out = append(out, fmt.Sprintf("closed %d.%d %s, due %s", s.Number, s.Attempt, s.State, time.UnixMilli(s.Due).UTC().Format(stampForm)))
	}
	for _, f := range []struct {
		set  bool
		name string
	}{{p.Claimed, "claim"}, {p.Register, "register"}, {p.Cancel, "cancel"}, {p.FreezeContent, "freeze"}, {p.DropFrozen, "drop frozen"}} {
		if f.set {
			out = append(out, f.name)
		}
	}
	state := strings.TrimSpace(fmt.Sprintf("%s %s", p.Record.State, p.Record.Reason))
	if o := p.Record.Open; o != nil {
		state += fmt.Sprintf(", open %d.%d", o.Period, o.Attempt)
		if o.Stop {
			state += " to be stopped"
		}
	}
	if p.Due.IsZero() {
		return append(out, state+", never due")
	}
	return append(out, state+", due again "+p.Due.UTC().Format(stampForm))
}

// Charges as the ledger knows them.
func ended(state string) Charge  { return Charge{Known: true, Final: true, State: state} }
func moving(state string) Charge { return Charge{Known: true, State: state} }

// declined at "01-31 09:00:05" in a soft or hard way, or without saying which.
func (l *fixture) declined(kind, at string) Charge {
	l.t.Helper()
	c := ended(failed)
	c.Decline, c.FinalAt = kind, stampOf(l.t, "2026-"+at)
	return c
}

// charged claims period 1 at its time and gives its charge.
func (l *fixture) charged(c Charge) {
	l.t.Helper()
	l.at("01-31 09:00:00").step("claim", "register", "active, open 1.0, due again 01-31 09:00:30")
	l.ledger["1.0"] = c
}

// dunned waits for the second charge of period 1.
func (l *fixture) dunned() {
	l.t.Helper()
	l.charged(l.declined("soft", "01-31 09:00:05"))
	l.at("01-31 09:00:06").step("event dunning_scheduled active 1.0 soft next charge 2026-02-01T09:00:05Z",
		"active, open 1.0, due again 02-01 09:00:05")
}

// dunnedAgain has the second charge of period 1 claimed.
func (l *fixture) dunnedAgain() {
	l.t.Helper()
	l.dunned()
	l.at("02-01 09:00:05").step("claim", "register", "active, open 1.1, due again 02-01 09:00:35")
}

// newRecord is a subscription that was just added.
func newRecord(id string, t Terms, added time.Time) Record {
	return NewRecord(Enrollment{
		ID: id, Provider: "pagoseguro", Account: "default", Amount: "32900", Currency: "COP", Fingerprint: "v1:f", Terms: t, Added: added,
	})
}

func date(year int, month time.Month, day int) schedule.Date {
	return schedule.Date{Year: year, Month: month, Day: day}
}
