package idempotency

import (
	"encoding/json"
	"strings"

	"github.com/remesa/remesa/providers"
)

// observe reads the record after a step and compares it with the model and with what it was before.
func (c *modelCase) observe() {
	c.t.Helper()
	before := c.raw
	r, err := c.store.modelRead(c.ctx, c.key)
	c.must(err)
	c.raw = r
	if d := modelDiff(c.m, r); d != "" {
		c.fail("the store differs from the model:\n%s\n%s", d, r.text)
	}
	changed := before.essence() != r.essence()
	switch {
	case before.text == "":
	case r.Version < before.Version:
		c.fail("the version went back from %d to %d", before.Version, r.Version)
	case changed && r.Version == before.Version:
		c.fail("the record changed and its version did not:\n%s\n%s", before.text, r.text)
	}
	c.checkFates(before)
}

// checkFates: a fate never reopens, and what an attempt said of itself never changes but by the provider's word on a known payment.
func (c *modelCase) checkFates(before modelRaw) {
	c.t.Helper()
	for i := range before.Attempts {
		id, _, old := before.attempt(i)
		if i >= len(c.raw.Attempts) {
			c.fail("attempt %s is gone", id)
		}
		_, _, now := c.raw.attempt(i)
		known := strings.HasPrefix(old, "=") && now == string(rune(fateRefused))
		if old != now && (now == "i" || (now == "o" && old != "i") || (modelFate(old[0]).recorded() && !known)) {
			c.fail("the fate of %s went from %s to %s", id, old, now)
		}
	}
}

// check holds what matters more than the model.
func (c *modelCase) check() {
	c.t.Helper()
	c.flagged = c.flagged || c.m.anomaly
	if err := c.raw.roundTrips(); err != nil {
		c.fail("%v: %s", err, c.raw.text)
	}
	c.checkPromise()
	c.checkDue()
	c.checkOwner()
}

// checkPromise compares the record with what really happened.
func (c *modelCase) checkPromise() {
	c.t.Helper()
	all, unexcused := c.w.executions()
	told := c.person || c.flagged
	watched := c.raw.WatchTill > 0 && c.raw.due >= 0
	switch {
	case unexcused > 1:
		c.fail("executed %d times, %d of them without anybody's accepting the risk:\n%s", all, unexcused, c.raw.text)
	case c.m.state == Failed && all > 0 && !told && !watched:
		c.fail("failed, but executed, and nobody looks:\n%s", c.raw.text)
	case c.m.state == Succeeded && all == 0 && !told:
		c.fail("succeeded, but never executed:\n%s", c.raw.text)
	}
}

// checkDue: nothing open lacks a due time, but what only a person can move on.
func (c *modelCase) checkDue() {
	c.t.Helper()
	due := c.raw.due >= 0
	switch s := c.m.state; s {
	case Blocked:
		if due {
			c.fail("blocked, but due")
		}
	case Held:
		if c.p.askable && c.m.n > 0 && !due {
			c.fail("held, can be asked about, and not due")
		}
	case Sending:
		if c.raw.due > c.m.leaseEnd {
			c.fail("sending, and due %d ms after its lease", c.raw.due-c.m.leaseEnd)
		}
		fallthrough
	case Queued, Ready, InDoubt, Pending:
		if !due {
			c.fail("%s, and not due:\n%s", s, c.raw.text)
		}
	case Succeeded, Failed, Reversed:
		if due != (c.raw.WatchTill > 0) {
			c.fail("%s: due: %t, watched until %d", s, due, c.raw.WatchTill)
		}
	}
}

// checkOwner: only a sending payment has one; may_have_left says that an attempt is open.
func (c *modelCase) checkOwner() {
	c.t.Helper()
	if (c.m.state == Sending) != (c.raw.Owner != "") {
		c.fail("%s, owner %q", c.m.state, c.raw.Owner)
	}
	var s stored
	c.must(json.Unmarshal([]byte(c.raw.text), &s))
	if shown := s.record(c.key); shown.MayHaveLeft != c.m.mayHaveLeft() {
		c.fail("may_have_left: model %t, store %t", c.m.mayHaveLeft(), shown.MayHaveLeft)
	}
}

// settle lets the world come to rest with the workers dead: what is due is looked at, and the provider answers everything truthfully. After
// that everything executed is settled, or in a list that a person sees.
func (c *modelCase) settle() {
	for _, y := range c.w.tries {
		if y.at == inFlight {
			y.at = lost
		}
	}
	for range 12 {
		if c.m.state == Queued || c.m.state == Ready || c.raw.due < 0 {
			break
		}
		c.tick(max(c.raw.due-c.now, 0))
		for _, w := range c.wake() {
			if w.Ask && c.p.askable {
				c.askTruthfully()
			}
		}
		c.check()
	}
	_, unexcused := c.w.executions()
	if s := c.m.state; unexcused > 0 && s != Succeeded && s != Held && s != Pending && !c.person && !c.flagged {
		c.fail("executed, at rest and %s:\n%s", s, c.raw.text)
	}
	if s := c.m.state; s == Sending || s == InDoubt {
		c.fail("at rest and still %s:\n%s", s, c.raw.text)
	}
}

func (c *modelCase) askTruthfully() {
	q, err := c.store.Ask(c.ctx, c.key)
	c.must(err)
	if !q.Ask {
		return
	}
	c.tick(c.p.settle)
	o := c.w.lookup(c.t, c.now, c.endOf)
	if o.class == providers.NotFound {
		o = modelOutcome{class: providers.NotFound}
	}
	c.give(modelQuestion{q, &o})
}

// checkStream: each change of state has its event, in order, and so has the anomaly; ids are never used twice.
func (c *modelCase) checkStream() {
	c.t.Helper()
	entries, err := c.rdb.XRange(c.ctx, OutcomesKey(c.key.Provider), "-", "+").Result()
	c.must(err)
	ids := map[any]bool{}
	states, anomalies, last := 0, 0, ""
	for _, e := range entries {
		if ids[e.Values["event_id"]] {
			c.fail("event id %v is used twice", e.Values["event_id"])
		}
		ids[e.Values["event_id"]] = true
		switch e.Values["event"] {
		case "state":
			states++
			last = e.Values["state"].(string)
		case "anomaly":
			anomalies++
		}
	}
	if states != c.m.moves || last != string(c.m.state) {
		c.fail("%d events for %d changes of state, the last %q in %s", states, c.m.moves, last, c.m.state)
	}
	if c.flagged != (anomalies > 0) {
		c.fail("anomaly: %t, %d events of it", c.flagged, anomalies)
	}
	listed, err := c.rdb.ZScore(c.ctx, prefix(c.key.Provider)+"anomalies", c.key.id()).Result()
	if (err == nil && listed > 0) != c.m.anomaly {
		c.fail("anomaly: %t, listed: %v %v", c.m.anomaly, listed, err)
	}
}
