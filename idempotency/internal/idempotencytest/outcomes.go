package idempotencytest

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/remesa/remesa/idempotency"
)

// fields of every entry, as consumers rely on them.
var fields = []string{
	"account", "action_url", "amount", "at", "attempt", "code", "currency", "decline", "event", "event_id", "key", "message", "metadata",
	"period", "provider_id", "reference", "state", "subscription", "type",
}

// always are never left out.
var always = []string{"account", "amount", "at", "currency", "event", "event_id", "key", "reference", "state", "type"}

func outcomeRows() []row {
	return []row{
		{does: "an entry has the fields that consumers rely on and no other", run: func(e *suite) {
			e.reach(succeeded)
			p := failedOpen(e)
			p.finish("a", paid("X"))
			for _, x := range e.Outcomes(e.t) {
				for name := range x {
					if !slices.Contains(fields, name) {
						e.t.Fatalf("field %q in %v", name, x)
					}
				}
				for _, name := range always {
					if x[name] == "" {
						e.t.Fatalf("no %s in %v", name, x)
					}
				}
			}
		}},
		{does: "the entries show the payment's life", run: func(e *suite) {
			p := e.queued(func(r *idempotency.Registration) {
				r.Type, r.Metadata, r.Subscription, r.Period = "charge", `{"order":"7"}`, "sub-1", "2026-08"
			})
			o := declined()
			o.ProviderID = "X"
			p.send("a").finish("a", o)
			x := e.Outcomes(e.t)
			last := x[len(x)-1]
			want := map[string]string{
				"key": p.key.String(), "type": "charge", "state": "failed", "reference": p.key.Reference, "provider_id": "X", "code": "E-051",
				"message": "insufficient funds", "decline": "soft", "amount": "12500", "currency": "CLP", "attempt": "1", "event": "state",
				"metadata": `{"order":"7"}`, "account": "default", "subscription": "sub-1", "period": "2026-08",
				"event_id": p.key.String() + ":1:" + strconv.FormatInt(p.show().Version, 10), "at": last["at"],
			}
			if !maps.Equal(last, want) {
				e.t.Fatalf("got  %v\nwant %v", last, want)
			}
			if at, err := time.Parse(time.RFC3339, last["at"]); err != nil || !at.Equal(p.now()) {
				e.t.Fatalf("at %q, want %s", last["at"], p.now())
			}
		}},
		{does: "an anomaly has an entry of its own beside the state's", run: func(e *suite) {
			p := failedOpen(e)
			before := e.Outcomes(e.t)
			p.finish("a", paid("X"))
			added := e.Outcomes(e.t)[len(before):]
			if len(added) != 1 || added[0]["event"] != "anomaly" || added[0]["state"] != "failed" {
				e.t.Fatalf("added %v", added)
			}
		}},
		{does: "a transition that changes nothing adds no entry", run: func(e *suite) {
			p := e.reach(succeeded)
			before := len(e.Outcomes(e.t))
			p.finish("a", paid("X"))
			p.begin("z")
			p.query()
			p.statusResult(paid("X"))
			e.register(p.reg)
			_, err := p.cancel()
			e.refused(err)
			e.due()
			if after := len(e.Outcomes(e.t)); after != before {
				e.t.Fatalf("%d entries became %d", before, after)
			}
		}},
		{does: "an action URL is published with the pending entry", run: func(e *suite) {
			p := e.queued().send("a")
			o := accepted("X")
			o.ActionURL, o.ActionWithin = "https://pay.example/1", day
			p.finish("a", o)
			x := e.Outcomes(e.t)
			if got := x[len(x)-1]; got["state"] != "pending" || got["action_url"] != o.ActionURL {
				e.t.Fatalf("got %v", got)
			}
		}},
		{does: "another account's entries name it", run: func(e *suite) {
			e.queued(func(r *idempotency.Registration) { r.Key.Account = "second" })
			if x := e.Outcomes(e.t)[0]; x["account"] != "second" || x["key"] != e.Provider+"/second/ref-1" {
				e.t.Fatalf("got %v", x)
			}
		}},
	}
}
