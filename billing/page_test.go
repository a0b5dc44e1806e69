package billing_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/remesa/remesa/billing"
)

func TestSubscriptionsAreListedPageByPage(t *testing.T) {
	o := newSweepFixture(t)
	c := o.billing()
	var want []string
	for n := range 7 {
		id := fmt.Sprintf("sub-%d", n)
		if n == 4 {
			o.wait(time.Second)
		}
		o.add(line(t, id, nil))
		want = append(want, id)
	}
	_, err := c.Pause(t.Context(), "sub-5", asked)
	o.must(err)
	for _, row := range []struct {
		filter billing.Filter
		want   []string
	}{
		{billing.Filter{}, want}, {billing.Filter{Provider: provider}, want}, {billing.Filter{Provider: "etpay"}, nil},
		{billing.Filter{State: billing.Paused}, want[5:6]},
	} {
		q := billing.PageQuery{Filter: row.filter, Limit: 2}
		var got []string
		for more := true; more; {
			subs, last, again, err := c.Page(t.Context(), q)
			o.must(err)
			for _, s := range subs {
				got = append(got, s.ID)
			}
			q.After, more = last, again
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%+v: %v", row.filter, got)
		}
	}
}

func TestUpcomingChargesAreThoseOfActiveSubscriptions(t *testing.T) {
	o := newSweepFixture(t) // it is January 2026
	c := o.billing()
	o.add(line(t, "monthly", nil))
	o.add(line(t, "weekly", map[string]any{"start": "2026-02-01", "schedule": map[string]any{"every": "week", "at": "09:00", "timezone": "America/Bogota"},
		"end": "2026-02-14"}))
	o.add(line(t, "paused", nil))
	_, err := c.Pause(t.Context(), "paused", asked)
	o.must(err)
	before := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	got, more, err := c.Upcoming(t.Context(), provider, before, 100)
	o.must(err)
	var texts []string
	for _, u := range got {
		texts = append(texts, fmt.Sprintf("%s %d %s %s %s", u.Subscription, u.Period, u.Due.Format(time.DateOnly), u.Amount, u.Currency))
	}
	slices.Sort(texts)
	same(t, "upcoming", texts, []string{
		"monthly 1 2026-01-31 32900 COP", "monthly 2 2026-02-28 32900 COP", "weekly 1 2026-02-01 32900 COP", "weekly 2 2026-02-08 32900 COP",
	})
	if more {
		t.Error("there are no more")
	}
	if _, more, err := c.Upcoming(t.Context(), provider, before, 1); err != nil || !more {
		t.Errorf("a cut list: %t %v", more, err)
	}
}
