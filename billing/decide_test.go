package billing

import (
	"errors"
	"testing"
	"time"
)

var ana = Actor{By: "ana", Note: "asked for by mail"}

// Each row is a story: what happens, and exactly what is reported, closed and done.
func TestWhatComesNext(t *testing.T) {
	t.Parallel()
	for sentence, tell := range map[string]func(*fixture){
		"nothing is done before the first due time": func(l *fixture) {
			l.step("active, due again 01-31 09:00:00")
			l.at("01-31 08:59:59").step("active, due again 01-31 09:00:00")
		},
		"a charge that succeeds": func(l *fixture) {
			l.charged(ended(succeeded))
			l.at("01-31 09:00:04").step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
		},
		"a charge that is reversed": func(l *fixture) {
			l.charged(ended(reversed))
			l.at("01-31 09:00:04").step("closed 1.0 reversed, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
		},
		"a claim that was not registered is registered again, with the same charge": func(l *fixture) {
			l.charged(Charge{})
			l.at("01-31 09:00:30").step("register", "active, open 1.0, due again 01-31 09:01:00")
			l.at("04-30 09:00:30").step("register", "active, open 1.0, due again 04-30 09:01:00")
		},
		"a charge that is under way is waited for, and so is the next period": func(l *fixture) {
			l.charged(moving("sending"))
			l.at("01-31 09:00:30").step("active, open 1.0, due again 01-31 09:15:30")
			l.ledger["1.0"] = moving("pending")
			l.at("03-01 00:00:00").step("active, open 1.0, due again 03-01 00:15:00")
			l.ledger["1.0"] = ended(succeeded)
			l.at("03-01 00:00:01").step("closed 1.0 succeeded, due 01-31 09:00:00", "claim", "register", "drop frozen",
				"active, open 2.0, due again 03-01 00:00:31")
		},
		"a soft decline, then a success": func(l *fixture) {
			l.dunned()
			l.at("02-01 09:00:04").step("active, open 1.0, due again 02-01 09:00:05")
			l.at("02-01 09:00:05").step("claim", "register", "active, open 1.1, due again 02-01 09:00:35")
			l.ledger["1.1"] = ended(succeeded)
			l.at("02-01 09:00:09").step("closed 1.1 succeeded, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
		},
		"a dunning that is exhausted": func(l *fixture) {
			l.dunnedAgain()
			l.ledger["1.1"] = l.declined("soft", "02-01 09:00:10")
			l.at("02-01 09:00:11").step("event dunning_scheduled active 1.1 soft next charge 2026-02-04T09:00:10Z",
				"active, open 1.1, due again 02-04 09:00:10")
			l.at("02-04 09:00:10").step("claim", "register", "active, open 1.2, due again 02-04 09:00:40")
			l.ledger["1.2"] = l.declined("soft", "02-04 09:00:12")
			l.at("02-04 09:00:13").step("event dunning_exhausted paused 1.2 soft", "closed 1.2 failed, due 01-31 09:00:00", "drop frozen",
				"paused dunning_exhausted, due again 02-28 09:00:00")
			l.at("02-28 09:00:00").step("event period_skipped paused 2.0 due 2026-02-28T09:00:00Z", "closed 2.0 skipped, due 02-28 09:00:00",
				"paused dunning_exhausted, due again 03-31 09:00:00")
		},
		"a soft decline where no dunning was agreed on": func(l *fixture) {
			l.terms.Dunning = nil
			l.charged(l.declined("soft", "01-31 09:00:05"))
			l.at("01-31 09:00:06").step("event dunning_exhausted paused 1.0 soft", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"paused dunning_exhausted, due again 02-28 09:00:00")
		},
		"a dunning of which the sweeper hears late begins late": func(l *fixture) {
			l.charged(l.declined("soft", "01-31 09:00:05"))
			l.at("02-05 00:00:00").step("event dunning_scheduled active 1.0 soft next charge 2026-02-01T09:00:05Z",
				"active, open 1.0, due again 02-01 09:00:05")
			l.at("02-05 00:00:01").step("claim", "register", "active, open 1.1, due again 02-05 00:00:31")
		},
		"a hard decline": func(l *fixture) {
			l.charged(l.declined("hard", "01-31 09:00:05"))
			l.at("01-31 09:00:06").step("event hard_decline paused 1.0 hard", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"paused hard_decline, due again 02-28 09:00:00")
		},
		"a hard decline in the dunning": func(l *fixture) {
			l.dunnedAgain()
			l.ledger["1.1"] = l.declined("hard", "02-01 09:00:10")
			l.at("02-01 09:00:11").step("event hard_decline paused 1.1 hard", "closed 1.1 failed, due 01-31 09:00:00", "drop frozen",
				"paused hard_decline, due again 02-28 09:00:00")
		},
		"a refusal that does not say whether trying again may help": func(l *fixture) {
			l.charged(l.declined("", "01-31 09:00:05"))
			l.at("01-31 09:00:06").step("event refused paused 1.0", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"paused refused, due again 02-28 09:00:00")
		},
		"a time-out is waited for until a person says that it succeeded": func(l *fixture) {
			l.charged(moving("in_doubt"))
			l.at("01-31 09:00:30").step("active, open 1.0, due again 01-31 09:15:30")
			l.ledger["1.0"] = moving("held")
			l.at("02-03 09:15:30").step("active, open 1.0, due again 02-03 09:30:30")
			l.ledger["1.0"] = Charge{Known: true, Final: true, State: succeeded, Code: "resolved", MayHaveLeft: true}
			l.at("02-03 10:00:00").step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
		},
		"a time-out that a person says was declined softly": func(l *fixture) {
			c := l.declined("soft", "02-03 10:00:00")
			c.Code = "resolved"
			l.charged(c)
			l.at("02-03 10:00:01").step("event dunning_scheduled active 1.0 soft next charge 2026-02-04T10:00:00Z",
				"active, open 1.0, due again 02-04 10:00:00")
		},
		"a time-out that a person says was declined, and that may have left all the same": func(l *fixture) {
			c := l.declined("soft", "02-03 10:00:00")
			c.MayHaveLeft = true
			l.charged(c)
			l.at("02-03 10:00:01").step("event period_unclear active 1.0", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"active, due again 02-28 09:00:00")
		},
		"a time-out that a person says was not received, and that may have left": func(l *fixture) {
			c := ended(failed)
			c.Code, c.MayHaveLeft = "not_received", true
			l.charged(c)
			l.at("02-03 10:00:01").step("event period_unclear active 1.0", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"active, due again 02-28 09:00:00")
			l.at("02-28 09:00:00").step("claim", "register", "active, open 2.0, due again 02-28 09:00:30")
		},
		"a time-out in the dunning that a person says was not received": func(l *fixture) {
			l.dunnedAgain()
			c := ended(failed)
			c.Code, c.MayHaveLeft = "not_received", true
			l.ledger["1.1"] = c
			l.at("02-03 10:00:01").step("event period_unclear active 1.1", "closed 1.1 failed, due 01-31 09:00:00", "drop frozen",
				"active, due again 02-28 09:00:00")
		},
		"a card that expired before the period waits for another card": func(l *fixture) {
			l.terms.CardExpires = stampOf(l.t, "2026-02-01 00:00:00")
			l.charged(ended(succeeded))
			l.at("01-31 09:00:04").step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
			l.at("02-28 09:00:00").step("event card_expired paused", "paused card_expired, never due")
			l.at("04-02 10:00:00").byHand(l.r.Resume(l.now, ana))("event resumed active", "active, due again 04-02 10:00:00")
			l.step("event card_expired paused", "paused card_expired, never due")
			l.at("04-03 10:00:00").byHand(l.r.Change(l.now, "32900", ana))("event changed paused", "paused card_expired, due again 04-03 10:00:00")
			l.terms.CardExpires = time.Time{}
			l.step("paused card_expired, never due")
			l.at("04-03 10:05:00").byHand(l.r.Resume(l.now, ana))("event resumed active", "active, due again 04-03 10:05:00")
			l.step("claim", "register", "active, open 2.0, due again 04-03 10:05:30")
			l.ledger["2.0"] = ended(succeeded)
			l.at("04-03 10:05:04").step("event period_skipped active 3.0 due 2026-03-31T09:00:00Z",
				"closed 2.0 succeeded, due 02-28 09:00:00", "closed 3.0 skipped, due 03-31 09:00:00", "drop frozen", "active, due again 04-30 09:00:00")
		},
		"a card that expires at the very instant of the charge": func(l *fixture) {
			l.terms.CardExpires = stampOf(l.t, "2026-01-31 09:00:00")
			l.at("01-31 09:00:00").step("event card_expired paused", "paused card_expired, never due")
		},
		"a card that expires in the middle of a dunning": func(l *fixture) {
			l.terms.CardExpires = stampOf(l.t, "2026-02-01 00:00:00")
			l.dunned()
			l.at("02-01 09:00:05").step("event card_expired paused 1.0", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"paused card_expired, due again 02-28 09:00:00")
			l.at("02-10 09:00:00").byHand(l.r.Change(l.now, "32900", ana))("event changed paused", "paused card_expired, due again 02-10 09:00:00")
			l.terms.CardExpires = stampOf(l.t, "2029-02-01 00:00:00")
			l.step("paused card_expired, due again 02-28 09:00:00")
			l.byHand(l.r.Resume(l.now, ana))("event resumed active", "active, due again 02-10 09:00:00")
			l.step("active, due again 02-28 09:00:00")
			l.at("02-28 09:00:00").step("claim", "register", "active, open 2.0, due again 02-28 09:00:30")
		},
		"dunning goes by the card that the period was claimed with": func(l *fixture) {
			l.dunned()
			old := l.terms
			old.CardExpires = stampOf(l.t, "2026-02-01 00:00:00")
			l.open = &old
			l.at("02-01 09:00:05").step("event card_expired paused 1.0", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"paused card_expired, due again 02-28 09:00:00")
		},
		"a pause in the middle of a dunning ends it": func(l *fixture) {
			l.dunned()
			l.at("01-31 20:00:00").byHand(l.r.Pause(l.now, ana))("event person paused 1.0", "paused person, open 1.0, due again 01-31 20:00:00")
			l.step("event dunning_ended paused 1.0 soft", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen", "paused person, due again 02-28 09:00:00")
			l.at("02-01 09:00:05").byHand(l.r.Resume(l.now, ana))("event resumed active", "active, due again 02-01 09:00:05")
			l.step("active, due again 02-28 09:00:00")
		},
		"a pause lets a charge go on that is claimed, but no dunning follows it": func(l *fixture) {
			l.charged(Charge{})
			l.at("01-31 09:00:01").byHand(l.r.Pause(l.now, ana))("event person paused 1.0", "paused person, open 1.0, due again 01-31 09:00:01")
			l.step("register", "paused person, open 1.0, due again 01-31 09:00:31")
			l.ledger["1.0"] = moving("queued")
			l.at("01-31 09:00:31").step("paused person, open 1.0, due again 01-31 09:15:31")
			l.ledger["1.0"] = l.declined("soft", "01-31 09:00:40")
			l.at("01-31 09:00:41").step("event dunning_ended paused 1.0 soft", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"paused person, due again 02-28 09:00:00")
		},
		"a pause with a claimed charge that succeeds": func(l *fixture) {
			l.charged(ended(succeeded))
			l.at("01-31 09:00:01").byHand(l.r.Pause(l.now, ana))("event person paused 1.0", "paused person, open 1.0, due again 01-31 09:00:01")
			l.step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "paused person, due again 02-28 09:00:00")
		},
		"what falls due in a pause is skipped, not what falls due at its end": func(l *fixture) {
			l.at("01-31 09:00:00").byHand(l.r.Pause(l.now, ana))("event person paused", "paused person, due again 01-31 09:00:00")
			l.step("event period_skipped paused 1.0 due 2026-01-31T09:00:00Z", "closed 1.0 skipped, due 01-31 09:00:00",
				"paused person, due again 02-28 09:00:00")
			l.at("02-28 09:00:00").byHand(l.r.Resume(l.now, ana))("event resumed active", "active, due again 02-28 09:00:00")
			l.step("claim", "register", "active, open 2.0, due again 02-28 09:00:30")
		},
		"a pause with a backlog: it waits, is charged after the pause, and what lies behind it is skipped": func(l *fixture) {
			daily(l)
			l.r = newRecord("sub-1", l.terms, l.now) // 12:00 on 1 January: period 2 is the first
			l.at("01-04 10:00:00").byHand(l.r.Pause(l.now, ana))("event person paused", "paused person, due again 01-04 10:00:00")
			l.step("paused person, never due")
			l.at("01-07 10:00:00").byHand(l.r.Resume(l.now, ana))("event resumed active", "active, due again 01-07 10:00:00")
			l.step("claim", "register", "active, open 2.0, due again 01-07 10:00:30")
			l.ledger["2.0"], l.ledger["3.0"], l.ledger["4.0"] = ended(succeeded), ended(succeeded), ended(succeeded)
			l.step("closed 2.0 succeeded, due 01-02 09:00:00", "claim", "register", "drop frozen", "active, open 3.0, due again 01-07 10:00:30")
			l.step("closed 3.0 succeeded, due 01-03 09:00:00", "claim", "register", "drop frozen", "active, open 4.0, due again 01-07 10:00:30")
			l.step("event period_skipped active 5.0 due 2026-01-05T09:00:00Z", "event period_skipped active 6.0 due 2026-01-06T09:00:00Z",
				"event period_skipped active 7.0 due 2026-01-07T09:00:00Z", "closed 4.0 succeeded, due 01-04 09:00:00",
				"closed 5.0 skipped, due 01-05 09:00:00", "closed 6.0 skipped, due 01-06 09:00:00", "closed 7.0 skipped, due 01-07 09:00:00",
				"drop frozen", "active, due again 01-08 09:00:00")
		},
		"two pauses with a backlog before each": func(l *fixture) {
			daily(l)
			l.r = newRecord("sub-1", l.terms, l.now)
			l.at("01-02 10:00:00").byHand(l.r.Pause(l.now, ana))("event person paused", "paused person, due again 01-02 10:00:00")
			l.at("01-03 10:00:00").byHand(l.r.Resume(l.now, ana))("event resumed active", "active, due again 01-03 10:00:00")
			l.at("01-04 10:00:00").byHand(l.r.Pause(l.now, ana))("event person paused", "paused person, due again 01-04 10:00:00")
			l.at("01-05 10:00:00").byHand(l.r.Resume(l.now, ana))("event resumed active", "active, due again 01-05 10:00:00")
			l.step("claim", "register", "active, open 2.0, due again 01-05 10:00:30")
			l.ledger["2.0"], l.ledger["4.0"] = ended(succeeded), ended(succeeded)
			l.step("event period_skipped active 3.0 due 2026-01-03T09:00:00Z", "closed 2.0 succeeded, due 01-02 09:00:00",
				"closed 3.0 skipped, due 01-03 09:00:00", "claim", "register", "drop frozen", "active, open 4.0, due again 01-05 10:00:30")
			l.step("event period_skipped active 5.0 due 2026-01-05T09:00:00Z", "closed 4.0 succeeded, due 01-04 09:00:00",
				"closed 5.0 skipped, due 01-05 09:00:00", "drop frozen", "active, due again 01-06 09:00:00")
			if len(l.r.Pauses) != 0 {
				l.t.Errorf("pauses that are over and done with are kept: %v", l.r.Pauses)
			}
		},
		"cancel before anything was claimed": func(l *fixture) {
			l.byHand(l.r.Cancel(l.now, ana))("event cancelled ended", "ended cancelled, due again 01-01 12:00:00")
			l.step("ended cancelled, never due")
			l.at("12-31 09:00:00").step("ended cancelled, never due")
		},
		"cancel with a claim that was not registered": func(l *fixture) {
			l.charged(Charge{})
			l.byHand(l.r.Cancel(l.now, ana))("event cancelled ended", "ended cancelled, open 1.0 to be stopped, due again 01-31 09:00:00")
			l.step("event period_cancelled ended 1.0", "closed 1.0 cancelled, due 01-31 09:00:00", "drop frozen", "ended cancelled, never due")
		},
		"cancel with a queued charge": func(l *fixture) {
			l.charged(moving("queued"))
			l.byHand(l.r.Cancel(l.now, ana))("event cancelled ended", "ended cancelled, open 1.0 to be stopped, due again 01-31 09:00:00")
			l.step("cancel", "ended cancelled, open 1.0 to be stopped, due again 01-31 09:00:10")
			l.at("01-31 09:00:10").step("cancel", "ended cancelled, open 1.0 to be stopped, due again 01-31 09:00:20")
			c := ended(failed)
			c.Code = chargeCancelled
			l.ledger["1.0"] = c
			l.step("event period_cancelled ended 1.0", "closed 1.0 cancelled, due 01-31 09:00:00", "drop frozen", "ended cancelled, never due")
		},
		"cancel with a charge that is being sent: its outcome counts": func(l *fixture) {
			l.charged(moving("sending"))
			l.byHand(l.r.Cancel(l.now, ana))("event cancelled ended", "ended cancelled, open 1.0 to be stopped, due again 01-31 09:00:00")
			l.step("cancel", "ended cancelled, open 1.0 to be stopped, due again 01-31 09:00:10")
			l.ledger["1.0"] = ended(succeeded)
			l.step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "ended cancelled, never due")
		},
		"cancel with a charge that is being sent and is declined softly": func(l *fixture) {
			l.charged(moving("sending"))
			l.byHand(l.r.Cancel(l.now, ana))("event cancelled ended", "ended cancelled, open 1.0 to be stopped, due again 01-31 09:00:00")
			l.ledger["1.0"] = l.declined("soft", "01-31 09:00:05")
			l.step("event dunning_ended ended 1.0 soft", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen", "ended cancelled, never due")
		},
		"cancel in the middle of a dunning": func(l *fixture) {
			l.dunned()
			l.byHand(l.r.Cancel(l.now, ana))("event cancelled ended", "ended cancelled, open 1.0 to be stopped, due again 01-31 09:00:06")
			l.step("event dunning_ended ended 1.0 soft", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen", "ended cancelled, never due")
		},
		"a charge that a person cancels in the ledger is not charged again": func(l *fixture) {
			c := ended(failed)
			c.Code = chargeCancelled
			l.charged(c)
			l.step("event period_cancelled active 1.0", "closed 1.0 cancelled, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
		},
		"an anomaly of the earlier charge, before the next one is claimed": func(l *fixture) {
			l.dunned()
			c := l.ledger["1.0"]
			c.Anomaly = true
			l.ledger["1.0"] = c
			l.at("02-01 09:00:05").step("event anomaly paused 1.0 a charge contradicts what is on record", "event period_unclear paused 1.0",
				"closed 1.0 failed, due 01-31 09:00:00", "drop frozen", "paused anomaly, due again 02-28 09:00:00")
		},
		"the earlier charge is found to be paid, before the next one is claimed": func(l *fixture) {
			l.dunned()
			l.ledger["1.0"] = ended(succeeded)
			l.at("02-01 09:00:05").step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
		},
		"an anomaly of the earlier charge, when the next one is claimed and not registered": func(l *fixture) {
			l.dunnedAgain()
			c := l.ledger["1.0"]
			c.Anomaly = true
			l.ledger["1.0"] = c
			l.at("02-01 09:00:06").step("event anomaly paused 1.1 a charge contradicts what is on record",
				"paused anomaly, open 1.1 to be stopped, due again 02-01 09:00:06")
			l.step("event period_unclear paused 1.1", "closed 1.1 failed, due 01-31 09:00:00", "drop frozen",
				"paused anomaly, due again 02-28 09:00:00")
		},
		"an anomaly of the earlier charge, when the next one is queued": func(l *fixture) {
			l.dunnedAgain()
			c := l.ledger["1.0"]
			c.Anomaly = true
			l.ledger["1.0"], l.ledger["1.1"] = c, moving("queued")
			l.at("02-01 09:00:06").step("event anomaly paused 1.1 a charge contradicts what is on record", "cancel",
				"paused anomaly, open 1.1 to be stopped, due again 02-01 09:00:16")
			stopped := ended(failed)
			stopped.Code = chargeCancelled
			l.ledger["1.1"] = stopped
			l.step("event period_unclear paused 1.1", "closed 1.1 failed, due 01-31 09:00:00", "drop frozen",
				"paused anomaly, due again 02-28 09:00:00")
		},
		"the earlier charge is found to be paid when the next one is claimed and not registered": func(l *fixture) {
			l.dunnedAgain()
			l.ledger["1.0"] = ended(succeeded)
			l.at("02-01 09:00:06").step("active, open 1.1 to be stopped, due again 02-01 09:00:06")
			l.step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
		},
		"the earlier charge is found to be paid when the next one is queued": func(l *fixture) {
			l.dunnedAgain()
			l.ledger["1.0"], l.ledger["1.1"] = ended(succeeded), moving("queued")
			l.at("02-01 09:00:06").step("cancel", "active, open 1.1 to be stopped, due again 02-01 09:00:16")
			stopped := ended(failed)
			stopped.Code = chargeCancelled
			l.ledger["1.1"] = stopped
			l.step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
		},
		"the record of the earlier charge is gone: the next one is stopped": func(l *fixture) {
			l.dunnedAgain()
			delete(l.ledger, "1.0")
			l.at("02-01 09:00:06").step("active, open 1.1 to be stopped, due again 02-01 09:00:06")
		},
		"the record of the charge is gone before its dunning: it is not made again": func(l *fixture) {
			l.dunned()
			delete(l.ledger, "1.0")
			l.at("02-01 09:00:05").step("event period_unclear active 1.0", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"active, due again 02-28 09:00:00")
		},
		"an anomaly of the charge that is being sent pauses and waits for its end": func(l *fixture) {
			c := moving("pending")
			c.Anomaly = true
			l.charged(c)
			l.at("01-31 09:00:06").step("event anomaly paused 1.0 a charge contradicts what is on record", "paused anomaly, open 1.0, due again 01-31 09:15:06")
			l.step("paused anomaly, open 1.0, due again 01-31 09:15:06")
		},
		"an anomaly of a charge that succeeded": func(l *fixture) {
			c := ended(succeeded)
			c.Anomaly = true
			l.charged(c)
			l.at("01-31 09:00:06").step("event anomaly paused 1.0 a charge contradicts what is on record", "closed 1.0 succeeded, due 01-31 09:00:00",
				"drop frozen", "paused anomaly, due again 02-28 09:00:00")
		},
		"an anomaly on an older period, between two periods": func(l *fixture) {
			l.charged(ended(succeeded))
			l.at("01-31 09:00:04").step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
			l.others = []Charge{ended(succeeded), {Known: true, Final: true, State: failed, Anomaly: true}}
			l.at("02-10 00:00:00").step("event anomaly paused a charge contradicts what is on record", "paused anomaly, due again 02-28 09:00:00")
			l.at("02-11 00:00:00").byHand(l.r.Resume(l.now, ana))("event resumed active", "active, due again 02-11 00:00:00")
			l.step("active, due again 02-28 09:00:00")
		},
		"an anomaly on an older period while another is open, which goes on without dunning": func(l *fixture) {
			l.charged(moving("sending"))
			l.others = []Charge{{Known: true, Final: true, State: failed, Anomaly: true}}
			l.at("01-31 09:00:04").step("event anomaly paused a charge contradicts what is on record", "paused anomaly, open 1.0, due again 01-31 09:15:04")
			l.ledger["1.0"] = l.declined("soft", "01-31 09:00:05")
			l.at("01-31 09:00:06").step("event dunning_ended paused 1.0 soft", "closed 1.0 failed, due 01-31 09:00:00", "drop frozen",
				"paused anomaly, due again 02-28 09:00:00")
		},
		"an anomaly on an older period at the moment of a claim": func(l *fixture) {
			l.others = []Charge{{Known: true, Final: true, State: failed, Anomaly: true}}
			l.at("01-31 09:00:01").step("event anomaly paused a charge contradicts what is on record", "paused anomaly, never due")
		},
		"a payment of somebody else has the reference": func(l *fixture) {
			l.charged(Charge{Known: true, Foreign: true, Final: true, State: succeeded})
			l.at("01-31 09:00:01").step("event conflict paused 1.0 another payment has the reference of this period's charge",
				"closed 1.0 failed, due 01-31 09:00:00", "drop frozen", "paused conflict, due again 02-28 09:00:00")
		},
		"a payment of somebody else has the reference of the dunning's charge": func(l *fixture) {
			l.dunnedAgain()
			l.ledger["1.1"] = Charge{Known: true, Foreign: true, State: "queued"}
			l.at("02-01 09:00:06").step("event conflict paused 1.1 another payment has the reference of this period's charge",
				"closed 1.1 failed, due 01-31 09:00:00", "drop frozen", "paused conflict, due again 02-28 09:00:00")
		},
		"a change keeps the content of an open period, not of one that is not claimed": func(l *fixture) {
			l.byHand(l.r.Change(l.now, "40000", ana))("event changed active", "active, due again 01-01 12:00:00")
			l.charged(moving("sending"))
			l.byHand(l.r.Change(l.now, "50000", ana))("event changed active", "freeze", "active, open 1.0, due again 01-31 09:00:00")
			if l.r.Amount != "50000" {
				l.t.Errorf("the amount of the next period is %s", l.r.Amount)
			}
			l.ledger["1.0"] = ended(succeeded)
			l.step("closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "active, due again 02-28 09:00:00")
		},
		"the last period, and the end": func(l *fixture) {
			l.terms.End = date(2026, 1, 31)
			l.charged(ended(succeeded))
			if l.r.NextDue != 0 {
				l.t.Errorf("behind the last period something is due at %d", l.r.NextDue)
			}
			l.at("01-31 09:00:04").step("event completed ended", "closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "ended completed, never due")
		},
		"an end the day before a period": func(l *fixture) {
			l.terms.End = date(2026, 2, 27)
			l.charged(ended(succeeded))
			l.at("01-31 09:00:04").step("event completed ended", "closed 1.0 succeeded, due 01-31 09:00:00", "drop frozen", "ended completed, never due")
		},
		"an end before the first period that is left": func(l *fixture) {
			l.terms.Calendar.Start, l.terms.End = date(2025, 1, 31), date(2025, 12, 31)
			l.r = newRecord("sub-1", l.terms, l.now)
			l.step("event completed ended", "ended completed, never due")
		},
		"what cannot be read pauses, and is due only while a charge is open": func(l *fixture) {
			l.charged(moving("sending"))
			l.byHand(l.r.Suspend(l.now, Unreadable), nil)("event unreadable paused 1.0", "paused unreadable, open 1.0, due again 01-31 09:15:00")
			l.byHand(l.r.Suspend(l.now, Unreadable), nil)("paused unreadable, open 1.0, due again 01-31 09:15:00")
			l.r.Open = nil
			l.byHand(l.r.Suspend(l.now, Unreadable), nil)("paused unreadable, never due")
			l.r.State, l.r.Reason = Ended, Cancelled
			l.byHand(l.r.Suspend(l.now, Unreadable), nil)("ended cancelled, never due")
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			tell(newFixture(t))
		})
	}
}

func TestWhatAPersonMayNotDo(t *testing.T) {
	t.Parallel()
	now := stampOf(t, "2026-01-02 00:00:00")
	for sentence, row := range map[string]struct {
		state State
		step  func(Record) (Decision, error)
		why   string
	}{
		"pause what is paused":   {Paused, func(r Record) (Decision, error) { return r.Pause(now, ana) }, "refused: only an active subscription can be paused; this one is paused"},
		"pause what has ended":   {Ended, func(r Record) (Decision, error) { return r.Pause(now, ana) }, "refused: only an active subscription can be paused; this one is ended"},
		"resume what is active":  {Active, func(r Record) (Decision, error) { return r.Resume(now, ana) }, "refused: only a paused subscription can be resumed; this one is active"},
		"resume what has ended":  {Ended, func(r Record) (Decision, error) { return r.Resume(now, ana) }, "refused: only a paused subscription can be resumed; this one is ended"},
		"cancel what has ended":  {Ended, func(r Record) (Decision, error) { return r.Cancel(now, ana) }, "refused: it has ended already"},
		"change what has ended":  {Ended, func(r Record) (Decision, error) { return r.Change(now, "1", ana) }, "refused: it has ended"},
		"change what is paused":  {Paused, func(r Record) (Decision, error) { return r.Change(now, "1", ana) }, ""},
		"cancel what is paused":  {Paused, func(r Record) (Decision, error) { return r.Cancel(now, ana) }, ""},
		"resume what was paused": {Paused, func(r Record) (Decision, error) { return r.Resume(now, ana) }, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			r := newFixture(t).r
			r.State = row.state
			_, err := row.step(r)
			var refusal Refusal
			if row.why == "" && err != nil || row.why != "" && (!errors.As(err, &refusal) || err.Error() != row.why) {
				t.Errorf("%v, want %q", err, row.why)
			}
		})
	}
}
