package idempotencytest

import (
	"cmp"
	"slices"
	"time"

	"github.com/remesa/remesa/idempotency"
)

func listRows() []row {
	return []row{
		{does: "each state lists its payments", run: func(e *suite) {
			refs := map[idempotency.State]string{}
			for _, s := range idempotency.States() {
				refs[s] = e.reach(s).key.Reference
			}
			for s, ref := range refs {
				if got := e.list(idempotency.Filter{Provider: e.Provider, State: s}); !slices.Equal(got, []string{ref}) {
					e.t.Errorf("%s lists %v, want %s", s, got, ref)
				}
			}
		}},
		{does: "without a state all open payments are listed", run: func(e *suite) {
			var want []string
			for _, s := range idempotency.States() {
				if p := e.reach(s); !s.Final() {
					want = append(want, p.key.Reference)
				}
			}
			got := e.list(idempotency.Filter{Provider: e.Provider})
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				e.t.Fatalf("got %v, want %v", got, want)
			}
		}},
		{does: "a state lists its oldest first, over many pages", run: func(e *suite) {
			const n = 505
			var rs []idempotency.Registration
			for range n {
				e.Advance(time.Millisecond)
				rs = append(rs, e.registration(idempotency.NewAttempt()))
				e.register(rs[len(rs)-1])
			}
			got := e.list(idempotency.Filter{Provider: e.Provider, State: idempotency.Queued})
			if len(got) != n {
				e.t.Fatalf("%d listed, want %d", len(got), n)
			}
			for i := range rs {
				if got[i] != rs[i].Key.Reference {
					e.t.Fatalf("entry %d is %s, want %s", i, got[i], rs[i].Key.Reference)
				}
			}
		}},
		{does: "a state's list goes on from an instant, and says whether there is more", run: func(e *suite) {
			var keys []idempotency.Key
			var at []time.Time
			for i := range 6 {
				e.Advance(time.Second)
				p := e.queued()
				if i%2 == 1 {
					e.Advance(time.Second)
					_, err := p.cancel()
					e.must(err)
				}
				keys = append(keys, p.key)
				at = append(at, p.show().ListedAt())
			}
			for _, row := range []struct {
				state idempotency.State
				since int
				limit int
				want  []int
				more  bool
			}{
				{idempotency.Queued, 0, 10, []int{0, 2, 4}, false}, {idempotency.Queued, 2, 10, []int{2, 4}, false},
				{idempotency.Queued, 2, 1, []int{2}, true}, {failed, 3, 2, []int{3, 5}, true}, {failed, 5, 2, []int{5}, false},
			} {
				rs, more, err := e.Ledger.ListFrom(e.ctx(), idempotency.Filter{Provider: e.Provider, State: row.state}, at[row.since], row.limit)
				e.must(err)
				var got, want []idempotency.Key
				for _, r := range rs {
					got = append(got, r.Key)
				}
				for _, i := range row.want {
					want = append(want, keys[i])
				}
				if !slices.Equal(got, want) || more != row.more {
					e.t.Errorf("%s from %d on: %v %t, want %v %t", row.state, row.since, got, more, want, row.more)
				}
			}
		}},
		{does: "a state's list is read page by page, in both directions, also where many came at one instant", run: func(e *suite) {
			var at []time.Time
			for i := range 24 {
				if i%8 == 0 {
					e.Advance(time.Second)
				}
				at = append(at, e.queued().show().ListedAt())
			}
			for _, row := range []struct {
				newest   bool
				from, to time.Time
				want     int
			}{{want: 24}, {newest: true, want: 24}, {from: at[8], want: 16}, {to: at[16], want: 16}, {newest: true, from: at[8], to: at[16], want: 8}} {
				q := idempotency.PageQuery{Provider: e.Provider, State: idempotency.Queued, Newest: row.newest, From: row.from, To: row.to, Limit: 5}
				got := e.pages(q)
				sorted := slices.IsSortedFunc(got, func(a, b idempotency.Place) int {
					if row.newest {
						a, b = b, a
					}
					return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
				})
				if len(slices.Compact(got)) != row.want || !sorted {
					e.t.Errorf("%+v: sorted %t, %v", row, sorted, got)
				}
			}
		}},
		{does: "a page goes on where its place has left the list", run: func(e *suite) {
			var ps []*payment
			for range 3 {
				ps = append(ps, e.queued())
				e.Advance(time.Second)
			}
			q := idempotency.PageQuery{Provider: e.Provider, State: idempotency.Queued, Limit: 2}
			_, last, more, err := e.Ledger.Page(e.ctx(), q)
			e.must(err)
			_, err = ps[1].cancel()
			e.must(err)
			q.After = last
			rs, _, _, err := e.Ledger.Page(e.ctx(), q)
			e.must(err)
			if !more || len(rs) != 1 || rs[0].Key != ps[2].key {
				e.t.Fatalf("more %t, then %v", more, rs)
			}
		}},
		{does: "several records are read in the order of their keys", run: func(e *suite) {
			a, b := e.queued(), e.reach(succeeded)
			unknown := idempotency.Key{Provider: e.Provider, Account: "default", Reference: "nobody-knows-it"}
			rs, err := e.Ledger.ShowAll(e.ctx(), e.Provider, []idempotency.Key{b.key, unknown, a.key}, nil)
			e.must(err)
			if len(rs) != 2 || rs[0].Key != b.key || rs[1].Key != a.key || rs[0].State != succeeded {
				e.t.Fatalf("got %v", rs)
			}
		}},
		{does: "a scan finds what no index has", run: func(e *suite) {
			want := e.reach(succeeded).key
			e.queued()
			f := idempotency.Filter{Provider: e.Provider, State: succeeded}
			found := 0
			for cursor, more := "", true; more; more = cursor != "" {
				rs, next, err := e.Ledger.Scan(e.ctx(), f, cursor)
				e.must(err)
				for _, r := range rs {
					if found++; r.Key != want {
						e.t.Errorf("found %s, want %s", r.Key, want)
					}
				}
				cursor = next
			}
			if found == 0 {
				e.t.Error("found nothing")
			}
		}},
		{does: "a list ends when the reader has enough", run: func(e *suite) {
			for range 5 {
				e.queued()
			}
			n := 0
			e.must(e.Ledger.List(e.ctx(), idempotency.Filter{Provider: e.Provider}, func(idempotency.Record) bool { n++; return n < 2 }))
			if n != 2 {
				e.t.Fatalf("read %d", n)
			}
		}},
		{does: "anomalies are listed whatever the state, until they are cleared", run: func(e *suite) {
			p, q := failedOpen(e), pendingFromIt(e)
			p.finish("a", paid("X"))
			e.Advance(time.Second)
			q.finish("a", declined())
			f := idempotency.Filter{Provider: e.Provider, Anomalies: true}
			if got := e.list(f); !slices.Equal(got, []string{p.key.Reference, q.key.Reference}) {
				e.t.Fatalf("got %v", got)
			}
			_, err := p.clearAnomaly(false)
			e.must(err)
			if got := e.list(f); !slices.Equal(got, []string{q.key.Reference}) {
				e.t.Fatalf("got %v", got)
			}
		}},
		{does: "open payments and what failed are counted by state", run: func(e *suite) {
			for range 3 {
				e.queued()
			}
			e.reach(held)
			e.reach(failed)
			e.reach(succeeded)
			got, err := e.Ledger.Counts(e.ctx(), e.Provider)
			e.must(err)
			if got[idempotency.Queued] != 3 || got[held] != 1 || got[failed] != 1 || got[sending] != 0 {
				e.t.Fatalf("got %v", got)
			}
		}},
		{does: "another account's payments are listed with their key", run: func(e *suite) {
			p := e.queued(func(r *idempotency.Registration) { r.Key.Account = "second" })
			for _, s := range []idempotency.State{idempotency.Queued, succeeded} {
				if s == succeeded {
					p.send("a").finish("a", paid("X"))
				}
				var got idempotency.Key
				e.must(e.Ledger.List(e.ctx(), idempotency.Filter{Provider: e.Provider, State: s}, func(r idempotency.Record) bool {
					got = r.Key
					return true
				}))
				if got != p.key {
					e.t.Fatalf("listed as %v", got)
				}
			}
		}},
		{does: "a record shows what was registered", run: func(e *suite) {
			p := e.queued(func(r *idempotency.Registration) {
				r.Type, r.Metadata, r.Subscription, r.Period = "charge", `{"order":"7"}`, "sub-1", "2026-08"
			})
			r := p.show()
			if r.Type != "charge" || r.Metadata["order"] != "7" || r.Subscription != "sub-1" || r.Period != "2026-08" ||
				r.Amount != "12500" || r.Currency != "CLP" || r.Key != p.key || r.Attempts != 0 || r.Created.IsZero() {
				e.t.Fatalf("got %+v", r)
			}
		}},
		{does: "an endless outage bounds history and attempts, and counts them all", run: func(e *suite) {
			p := e.queued()
			for range 80 {
				id := idempotency.NewAttempt()
				p.send(id).release(id)
			}
			r := p.show()
			if r.Attempts != 80 || len(r.History) > 64 || r.History[0].State != idempotency.Queued {
				e.t.Fatalf("%d attempts, %d entries from %s", r.Attempts, len(r.History), r.History[0].State)
			}
			e.payments = nil // the history no longer tells every change
		}},
	}
}

// pages are the places of all payments that a query finds page by page.
func (e *suite) pages(q idempotency.PageQuery) []idempotency.Place {
	e.t.Helper()
	var all []idempotency.Place
	for range 100 {
		rs, last, more, err := e.Ledger.Page(e.ctx(), q)
		e.must(err)
		for _, r := range rs {
			all = append(all, idempotency.Place{At: r.ListedAt().UnixMilli(), ID: r.Key.ID()})
		}
		if q.After = last; !more {
			return all
		}
	}
	e.t.Fatal("the pages have no end")
	return nil
}
