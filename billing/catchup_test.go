package billing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/schedule"
)

// live lets time pass until the given instant, with a sweeper that decides whenever it must; each
// charge succeeds after a while. It returns what became of the periods, such as "1-10 succeeded,
// 11-15 missed".
func (l *fixture) live(until string, takes time.Duration) string {
	l.t.Helper()
	end := stampOf(l.t, until)
	var closed []ClosedPeriod
	for decisions := 0; ; decisions++ {
		if decisions > 5000 {
			l.t.Fatal("it is due for ever")
		}
		p := l.decide()
		reported := 0
		for _, e := range p.Events {
			if e.Code == PeriodMissed || e.Code == PeriodSkipped {
				reported++
			}
		}
		for _, s := range p.Closed {
			if s.State == PeriodStateMissed || s.State == PeriodStateSkipped {
				reported--
			}
		}
		if reported != 0 || len(p.Closed) > mostPassedOver+1 {
			l.t.Fatalf("%d periods in one step, events %v", len(p.Closed), p.Events)
		}
		closed = append(closed, p.Closed...)
		next := p.Due
		if p.Claimed {
			l.ledger[fmt.Sprintf("%d.%d", p.Record.Open.Period, p.Record.Open.Attempt)] = ended(succeeded)
			next = l.now.Add(takes)
		}
		if next.IsZero() || next.After(end) {
			l.now = end
			return ranges(closed)
		}
		if next.After(l.now) {
			l.now = next
		}
	}
}

func (l *fixture) decide() Decision {
	var charges []Charge
	if o := l.r.Open; o != nil {
		for attempt := range o.Attempt + 1 {
			charges = append(charges, l.ledger[fmt.Sprintf("%d.%d", o.Period, attempt)])
		}
	}
	p := l.r.Decide(Facts{Now: l.now, Terms: l.terms, OpenTerms: l.terms, Charges: charges})
	l.r = p.Record
	return p
}

// ranges writes periods that follow one another with one state as "11-15 missed".
func ranges(ps []ClosedPeriod) string {
	var out []string
	for len(ps) > 0 {
		n := 1
		for n < len(ps) && ps[n].State == ps[0].State && ps[n].Number == ps[n-1].Number+1 {
			n++
		}
		name := fmt.Sprint(ps[0].Number)
		if n > 1 {
			name = fmt.Sprintf("%d-%d", ps[0].Number, ps[n-1].Number)
		}
		out = append(out, name+" "+ps[0].State)
		ps = ps[n:]
	}
	return strings.Join(out, ", ")
}

func TestCatchUp(t *testing.T) {
	t.Parallel()
	const soon = 5 * time.Second
	calendar := func(every schedule.Unit, start schedule.Date) func(*fixture) {
		return func(l *fixture) { l.terms.Calendar.Every, l.terms.Calendar.Start = every, start }
	}
	backfill := func(l *fixture) { l.terms.Backfill = true }
	for sentence, row := range map[string]struct {
		vary []func(*fixture)
		tell func(*fixture) string
		want string
	}{
		"no standstill": {
			[]func(*fixture){daily},
			func(l *fixture) string { return l.live("2026-12-31 12:00:00", soon) },
			"2-365 succeeded",
		},
		"a standstill of 40 days with catch_up 35d, daily: the oldest five are reported": {
			[]func(*fixture){daily},
			func(l *fixture) string {
				before := l.live("2026-01-10 12:00:00", soon)
				l.at("02-19 12:00:00")
				return before + "; " + l.live("2026-02-22 00:00:00", soon)
			},
			"2-10 succeeded; 11-15 missed, 16-52 succeeded",
		},
		"what is exactly as old as catch_up is charged": {
			[]func(*fixture){daily},
			func(l *fixture) string {
				before := l.live("2026-01-10 12:00:00", soon)
				l.at("02-19 09:00:00")
				return before + "; " + l.live("2026-02-20 00:00:00", soon)
			},
			"2-10 succeeded; 11-14 missed, 15-50 succeeded",
		},
		"a standstill of 40 days with catch_up 35d, monthly: both are charged": {
			nil,
			func(l *fixture) string {
				before := l.live("2026-02-20 12:00:00", soon)
				l.at("04-01 12:00:00")
				return before + "; " + l.live("2026-04-01 13:00:00", soon)
			},
			"1 succeeded; 2-3 succeeded",
		},
		"a standstill of 40 days with catch_up 35d, monthly: the one of the first five days is reported": {
			nil,
			func(l *fixture) string {
				l.at("01-30 12:00:00").decide()
				l.at("03-11 12:00:00")
				return l.live("2026-03-12 00:00:00", soon)
			},
			"1 missed, 2 succeeded",
		},
		"a short catch_up": {
			[]func(*fixture){daily, func(l *fixture) { l.terms.CatchUp = time.Minute }},
			func(l *fixture) string {
				l.at("01-10 09:00:30")
				return l.live("2026-01-10 10:00:00", soon)
			},
			"2-9 missed, 10 succeeded",
		},
		"a catch-up of half a day loses nothing on the way": {
			[]func(*fixture){daily},
			func(l *fixture) string {
				l.at("02-05 12:00:00")
				return l.live("2026-02-06 08:00:00", 20*time.Minute)
			},
			"2-36 succeeded",
		},
		"charges that take longer than the days that they charge are bounded anew": {
			[]func(*fixture){daily, func(l *fixture) { l.terms.CatchUp = 3 * aDay }},
			func(l *fixture) string {
				l.at("01-05 09:00:00")
				return l.live("2026-01-20 12:00:00", 48*time.Hour)
			},
			"2 succeeded, 3 missed, 4 succeeded, 5 missed, 6 succeeded, 7 missed, 8 succeeded, 9 missed, 10 succeeded, 11 missed, 12 succeeded," +
				" 13 missed, 14 succeeded, 15 missed",
		},
		"more than a hundred periods come to be reported": {
			[]func(*fixture){daily},
			func(l *fixture) string {
				l.at("11-01 09:00:00")
				return l.live("2026-11-01 10:00:00", soon)
			},
			"2-269 missed, 270-305 succeeded",
		},
		"backfill charges what lies before the subscription, however old, and then catches up": {
			[]func(*fixture){calendar(schedule.Month, date(2024, 10, 31)), backfill},
			func(l *fixture) string { return l.live("2026-02-01 00:00:00", soon) },
			"1-16 succeeded",
		},
		"backfill does not bound, what fell due since does": {
			[]func(*fixture){calendar(schedule.Day, date(2025, 12, 20)), backfill},
			func(l *fixture) string {
				l.at("03-01 12:00:00")
				return l.live("2026-03-02 00:00:00", soon)
			},
			"1-13 succeeded, 14-37 missed, 38-72 succeeded",
		},
		"without backfill the first period is the first one behind the addition": {
			[]func(*fixture){calendar(schedule.Month, date(2024, 10, 31))},
			func(l *fixture) string { return l.live("2026-03-01 00:00:00", soon) },
			"16-17 succeeded",
		},
		"an end in the past of a catch-up": {
			[]func(*fixture){daily, func(l *fixture) { l.terms.End = date(2026, 1, 20) }},
			func(l *fixture) string {
				l.at("02-19 12:00:00")
				return l.live("2026-03-01 00:00:00", soon) + "; " + string(l.r.State) + " " + l.r.Reason
			},
			"2-15 missed, 16-20 succeeded; ended completed",
		},
		"an end in a pause": {
			[]func(*fixture){daily, func(l *fixture) { l.terms.End = date(2026, 1, 5) }},
			func(l *fixture) string {
				p, err := l.r.Pause(l.now, ana)
				if err != nil {
					l.t.Fatal(err)
				}
				l.r = p.Record
				return l.live("2026-03-01 00:00:00", soon) + "; " + string(l.r.State) + " " + l.r.Reason
			},
			"2-5 skipped; ended completed",
		},
		"a leap day": {
			[]func(*fixture){calendar(schedule.Year, date(2024, 2, 29)), backfill},
			func(l *fixture) string { return l.live("2032-03-01 00:00:00", soon) },
			"1-9 succeeded",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			l := newFixture(t, row.vary...)
			if got := row.tell(l); got != row.want {
				t.Errorf("%s\nwant\n%s", got, row.want)
			}
		})
	}
}

// A report of more than a hundred periods takes more than one step; the time that passes in between
// does not move the bound.
func TestTheBoundOfACatchUpStaysBetweenItsSteps(t *testing.T) {
	t.Parallel()
	l := newFixture(t, daily, func(l *fixture) { l.terms.CatchUp = 20 * aDay })
	l.at("05-21 09:00:00")
	first := l.decide() // period 121 is exactly as old as catch_up
	if got := ranges(first.Closed); got != "2-101 missed" || !first.Due.Equal(l.now) {
		t.Fatalf("the first step: %s, due again %s", got, first.Due)
	}
	l.now = l.now.Add(time.Minute)
	if second := l.decide(); ranges(second.Closed) != "102-120 missed" || !second.Claimed || second.Record.Open.Period != 121 {
		t.Fatalf("the second step: %s, then %+v", ranges(second.Closed), second.Record.Open)
	}
}

// The history of a subscription keeps its beginning and its end.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	l := newFixture(t)
	for n := range 100 {
		p, err := l.r.Change(l.now, fmt.Sprint(n), Actor{By: "ana", Note: fmt.Sprint(n)})
		if err != nil {
			t.Fatal(err)
		}
		l.r = p.Record
	}
	var notes []string
	for _, h := range l.r.History {
		notes = append(notes, h[strings.LastIndex(h, "|")+1:])
	}
	if len(notes) != 32 || notes[0] != "0" || notes[1] != "69" || notes[31] != "99" || !slices.IsSortedFunc(notes[1:], strings.Compare) {
		t.Errorf("%d entries: %v", len(notes), notes)
	}
}
