package explain

import (
	"strconv"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
)

const (
	askedFirstEn = " The provider is queried before anything is sent again."
	cannotAskEn  = " The provider cannot be queried about it, so it is held: an operator decides, and it is not sent again."
	refusedEn    = "Status queries found that the provider refused it, and no other attempt may have been executed, so it failed."
	foundEn      = "A status query found that it was executed, so it succeeded."
	foundWaitEn  = "A status query found that the provider has it and decides later. It is not sent again."
	unusableEn   = "A worker could not use its details as they are stored. It was not failed, because an attempt may have been executed, or be forgotten, or the " +
		"details may have been tampered with: it is held for an operator."
	rejectedEn = "A worker could not use its details as they are stored, and no attempt on record may have been executed, so it failed."

	checkAtProviderEn      = "look the reference up at the provider or the bank, then settle it."
	checkAtProviderAloneEn = "Look the reference up at the provider or the bank, then settle it."
	releaseOrCancelEn      = ", then release or cancel it."
)

var english = words{
	Notes: map[noted]string{
		{idempotency.Failed, "deadline passed"}: "Its deadline passed while no attempt on record might have been executed, so it failed.",
		{idempotency.Held, "deadline passed"}:   "Its deadline passed while an attempt may have been executed, so it was not failed, and is held for an operator.",

		{idempotency.Ready, "lease lapsed"}: "The attempt did not report back while it owned the payment. It had not come to the step that moves money, " +
			"so the payment may be sent again.",
		{idempotency.InDoubt, "lease lapsed"}: "The attempt did not report back while it owned the payment, which may have been executed." + askedFirstEn,
		{idempotency.Held, "lease lapsed"}:    "The attempt did not report back while it owned the payment, which may have been executed." + cannotAskEn,

		{idempotency.Succeeded, "late result"}: "A late report said that the payment was executed, so it succeeded.",
		{idempotency.Failed, "late result"}: "A late report said that the provider refused the attempt. No other attempt may have been executed, " +
			"so the payment failed.",
		{idempotency.Pending, "late result"}:                       "A late report said that the provider has the payment and decides later. It is not sent again.",
		{idempotency.Ready, "late result: not sent"}:               "A late report said that the attempt had sent nothing. No other may have left, so the payment may be sent again.",
		{idempotency.Held, "late result: pending"}:                 "A late report said that the provider has the payment. It stays held.",
		{"", "late success of another attempt"}:                    "While this attempt was sending, a success of another one became known.",
		{"", "provider id recorded"}:                               "The provider's id of the payment became known.",
		{"", "the payer's time is over"}:                           "The payer's time is over, and the payer's link was withdrawn.",
		{"", "the provider says: pending"}:                         "A status query found that the provider has it and decides later. It stays held.",
		{idempotency.Failed, "nobody paid in time"}:                "The payer's time was over, and a status query then found it unpaid, so it failed.",
		{idempotency.Ready, "not found"}:                           "Status queries did not find it at the provider, as often as the settings want, so it may be sent again.",
		{idempotency.Held, "no final answer by the poll deadline"}: "The provider gave no final answer by the deadline for that, so it is held for an operator, and not sent again.",
		{idempotency.Held, "the provider does not know it"}: "Status queries did not find it at the provider, as often as the settings want. It is not sent " +
			"again by itself: an operator decides.",
		{idempotency.Ready, "not found; double risk accepted"}: "A status query did not find it. An operator had accepted the risk of a double " +
			"execution, so it may be sent again.",
		{idempotency.Held, "not found, but no status query of this account has ever found a payment"}: "Status queries did not find it. But no status " +
			"query of this account has ever found a payment, so that proves nothing: it is not sent again, and is held for an operator.",
		{idempotency.Held, "the provider has a payment under this reference that is not proven to be ours"}: "A status query found a payment under its " +
			"reference that is not proven to be ours, so it is held for an operator.",
		{idempotency.Held, "the payer's time is over, and the provider did not say that nobody paid"}: "The payer's time is over, and the provider did " +
			"not say that nobody paid, so it is held for an operator.",
		{idempotency.Held, "refused, but another attempt may have been executed"}: "Status queries found a refusal, but another attempt may have been " +
			"executed, so it is held for an operator.",

		{"", "the record did not show that this attempt was sent"}: "An attempt reported of which the record did not show that it was sent.",
		{idempotency.InDoubt, "it must be queried first"}:          "What the attempt reported leaves open whether the payment was executed." + askedFirstEn,
		{idempotency.Held, "it must be queried first"}:             "What the attempt reported leaves open whether the payment was executed." + cannotAskEn,
		{idempotency.InDoubt, "a late result must be queried"}:     "This attempt sent nothing, but another one's report is open." + askedFirstEn,
		{idempotency.Held, "a late result must be queried"}:        "This attempt sent nothing, but another one's report is open." + cannotAskEn,

		{idempotency.InDoubt, "the store forgot sends; this may be one of them"}: "The store is known to have forgotten sends, and this may be one " +
			"of them." + askedFirstEn,
		{idempotency.Held, "the store forgot sends; this may be one of them"}: "The store is known to have forgotten sends, and this may be one of " +
			"them." + cannotAskEn,
		{idempotency.InDoubt, "recorded again: the store had lost it"}: "The store had lost the payment, and a worker that held it recorded it again: it " +
			"may have been executed." + askedFirstEn,
		{idempotency.Held, "recorded again: the store had lost it"}: "The store had lost the payment, and a worker that held it recorded it again: it " +
			"may have been executed." + cannotAskEn,
	},
	Steps: map[change]string{
		{idempotency.Blocked, idempotency.Queued}:     "An operator released it: what had blocked it stops it no more",
		{idempotency.Queued, idempotency.Failed}:      "An operator cancelled it before it was sent",
		{idempotency.Ready, idempotency.Failed}:       "An operator cancelled it, while no attempt on record might have been executed",
		{idempotency.Blocked, idempotency.Failed}:     "An operator cancelled it before it was sent",
		{idempotency.Ready, idempotency.Ready}:        "An operator let it go before its time",
		{idempotency.Failed, idempotency.Ready}:       "An operator had it begin again",
		{idempotency.Failed, idempotency.InDoubt}:     "An operator had it begin again and accepted the risk of a double execution; the provider is queried first",
		{idempotency.Held, idempotency.Ready}:         "An operator had it sent although the store may have forgotten a send of it",
		{idempotency.InDoubt, idempotency.Succeeded}:  "An operator settled it as succeeded",
		{idempotency.Pending, idempotency.Succeeded}:  "An operator settled it as succeeded",
		{idempotency.Held, idempotency.Succeeded}:     "An operator settled it as succeeded",
		{idempotency.InDoubt, idempotency.Failed}:     "An operator settled it as failed",
		{idempotency.Pending, idempotency.Failed}:     "An operator settled it as failed",
		{idempotency.Held, idempotency.Failed}:        "An operator settled it as failed, or as not received",
		{idempotency.Failed, idempotency.Failed}:      "An operator closed its attempts: nothing was executed",
		{idempotency.Failed, idempotency.Succeeded}:   "An operator cleared the anomaly: it was executed after all",
		{idempotency.Succeeded, idempotency.Reversed}: "An operator cleared the anomaly: the money was taken back",
	},
	Changes: map[change]string{
		{"", idempotency.Queued}:                     "It was registered, and waits to be sent.",
		{idempotency.Queued, idempotency.Sending}:    "Attempt # began: from here on its request may leave.",
		{idempotency.Ready, idempotency.Sending}:     "Attempt # began: from here on its request may leave.",
		{idempotency.Queued, idempotency.Blocked}:    "It was blocked before it was sent. It is not sent until an operator releases it.",
		{idempotency.Queued, idempotency.Failed}:     rejectedEn,
		{idempotency.Ready, idempotency.Failed}:      rejectedEn,
		{idempotency.Ready, idempotency.Blocked}:     "It was blocked before it was sent again. It is not sent until an operator releases it.",
		{idempotency.Queued, idempotency.Held}:       unusableEn,
		{idempotency.Ready, idempotency.Held}:        unusableEn,
		{idempotency.Sending, idempotency.Ready}:     "The attempt was not executed, so the payment may be sent again.",
		{idempotency.Sending, idempotency.Succeeded}: "The attempt reported that the payment was executed, so it succeeded.",
		{idempotency.Sending, idempotency.Failed}:    "The attempt reported that the provider refused it, and no other may have been executed, so it failed.",
		{idempotency.Sending, idempotency.Pending}:   "The attempt reported that the provider has the payment and decides later. It is not sent again.",
		{idempotency.Sending, idempotency.InDoubt}:   "The attempt ended, and it is open whether the payment was executed." + askedFirstEn,
		{idempotency.Sending, idempotency.Held}:      "The attempt ended, and no machine can decide what became of the payment: it is held for an operator.",
		{idempotency.InDoubt, idempotency.Held}:      "No machine can decide what became of it: it is held for an operator, and not sent again.",
		{idempotency.Pending, idempotency.Held}:      "No machine can decide what became of it: it is held for an operator, and not sent again.",
		{idempotency.Ready, idempotency.Succeeded}:   foundEn,
		{idempotency.InDoubt, idempotency.Succeeded}: foundEn,
		{idempotency.Pending, idempotency.Succeeded}: foundEn,
		{idempotency.Held, idempotency.Succeeded}:    foundEn,
		{idempotency.InDoubt, idempotency.Failed}:    refusedEn,
		{idempotency.Pending, idempotency.Failed}:    refusedEn,
		{idempotency.Held, idempotency.Failed}:       refusedEn,
		{idempotency.Ready, idempotency.Pending}:     foundWaitEn,
		{idempotency.InDoubt, idempotency.Pending}:   foundWaitEn,
	},
	Plain: map[idempotency.State]string{
		idempotency.Queued:    "It waits to be sent.",
		idempotency.Sending:   "An attempt has the payment.",
		idempotency.Ready:     "It may be sent again.",
		idempotency.InDoubt:   "It is open whether it was executed." + askedFirstEn,
		idempotency.Pending:   "The provider has it and decides later.",
		idempotency.Held:      "It is held for an operator.",
		idempotency.Blocked:   "It is blocked.",
		idempotency.Succeeded: "It succeeded.",
		idempotency.Failed:    "It failed.",
		idempotency.Reversed:  "It was reversed.",
	},
	Meanings: map[idempotency.State]string{
		idempotency.Queued:    "registered, never begun",
		idempotency.Sending:   "an attempt owns it; its request may have left",
		idempotency.Ready:     "begun before, provably not executed; will begin again",
		idempotency.InDoubt:   "may have been executed; the provider is being queried",
		idempotency.Pending:   "the provider decides later, or the payer must act",
		idempotency.Held:      "in doubt, and an operator decides",
		idempotency.Blocked:   "stopped before its first send",
		idempotency.Succeeded: "executed",
		idempotency.Failed:    "not executed, as far as is known",
		idempotency.Reversed:  "executed, and taken back",
	},
	Codes: map[string]string{
		"already_registered":               "somebody else registered it before",
		"cancelled":                        "an operator cancelled it before it was sent",
		"expired":                          "its deadline passed",
		"expired_unpaid":                   "nobody paid in time",
		"expiry_unclear":                   "the payer's time is over, and the provider did not say that nobody paid",
		"forgotten_send":                   "the store forgot sends, and this may be one of them",
		"lease_lapsed":                     "an attempt did not report back in time",
		"mismatch":                         "what the provider has or said does not match it",
		"no_status_query":                  "the provider has no status query for it",
		"not_found":                        "the provider does not know it",
		"lookup_unproven":                  "not found, but no status query of this account has ever found a payment",
		"not_received":                     "an operator found out that the provider never received it",
		"payload_changed":                  "its details are not what was registered",
		"payload_unreadable":               "its details cannot be read",
		"poll_deadline":                    "the provider gave no final answer in time",
		"query_first":                      "another attempt's report must be queried before anything is sent again",
		"record_lost":                      "the store had lost its record",
		"reference_taken":                  "the provider has a payment under this reference that is not proven to be ours",
		"refusal_unclear":                  "it was refused, but another attempt may have been executed",
		"resolved":                         "an operator settled it",
		"result_unrecorded":                "an attempt reported that the store had lost",
		string(idempotency.AmountBrake):    "its amount is above the account's limit for one payment",
		string(idempotency.HourBrake):      "it would have exceeded what may begin in an hour",
		string(idempotency.DayBrake):       "it would have exceeded what may begin in 24 hours",
		string(idempotency.DoubtBrake):     "too much money is in doubt",
		string(idempotency.LookalikeBrake): "another payment with the same beneficiary and amount began shortly before",
	},
	Anomalies: map[string]string{
		"late_doubt":                "one more attempt may have been executed, and the provider cannot be queried",
		"late_pending":              "it had ended without a payment, and the provider still has it",
		"late_success":              "it had failed, and the provider says that it was executed",
		"mismatch":                  "it had succeeded, and the provider has something else under its reference",
		"not_found_after_succeeded": "it had succeeded, and the provider does not know it",
		"not_sent_but_known":        "an attempt says that it sent nothing, and the provider knows the payment",
		"refused_after_pending":     "an attempt reports a refusal, and the provider had said that it has the payment",
		"refused_after_succeeded":   "it had succeeded, and the provider says that it was refused",
		"second_success":            "two executions are on record, or the same one under two ids of the provider",
		"statement_difference":      "a statement says something else than the ledger",
	},
	Who: map[Who]string{Nobody: "nobody", Remesa: "remesa", Operator: "operator", Payer: "payer", Provider: "provider"},
	Phrases: phrases{
		ReadyOpen: "begun before, and will begin again",
		Gap:       "Entries before this one may have been left out, because the history is full. ",
		Anomaly: func(kind, words string) string {
			return "A contradiction came up (anomaly " + kind + "): " + words + "."
		},
		AnomalyUnknown: func(kind string) string { return "A contradiction came up (anomaly " + kind + ")." },
		Difference: func(kind, by string) string {
			return "An operator recorded that a statement says something else (anomaly " + kind + "), which changed nothing else (" + by + ")."
		},
		AnomalyCleared: func(by string) string { return "An operator cleared the anomaly (" + by + ")." },
		By:             func(note string) string { return note },
		Note:           func(note string) string { return " The note says: " + note + "." },
		State: func(state idempotency.State, _, meaning string) string {
			return "It is " + string(state) + ": " + meaning + "."
		},
		NoAttempt:      "No attempt is on record.",
		Attempts:       func(n i18n.Number) string { return attemptsEn(n) + "." },
		AttemptsOpen:   func(n i18n.Number) string { return attemptsEn(n) + ", and it may have been executed." },
		AttemptsClosed: func(n i18n.Number) string { return attemptsEn(n) + ", and none of them may still have been executed." },
		ProviderID:     func(id string) string { return "The provider's id is " + id + "." },
		Code: func(code, words, message string) string {
			return "Its code is " + code + words + message + "."
		},
		Quoted: func(message string) string { return " (" + strconv.Quote(message) + ")" },
		Sealed: "sealed, and cannot be read here",
		Parked: func(reason string) string { return "It is parked, and waits for " + reason + ". " },
	},
	Advice: advice{
		Queued:       "Wait: remesa will send it.",
		Sending:      "Wait: it is being sent.",
		InDoubt:      "Wait: remesa is querying the provider.",
		Pending:      "Wait: the provider has it and decides later.",
		PendingPayer: "Wait: the payer must act, on the page that their link opens.",
		Failed:       "None. If it shall be paid after all: retry it, never submit it under a new reference before you know that it was not executed.",
		None:         "None.",
		Blocked: map[idempotency.Brake]string{
			idempotency.AmountBrake:    "Its amount is above the account's limit: find out whether it is right" + releaseOrCancelEn,
			idempotency.HourBrake:      "It would have exceeded what may begin in an hour: find out whether so many are right" + releaseOrCancelEn,
			idempotency.DayBrake:       "It would have exceeded what may begin in 24 hours: find out whether so many are right" + releaseOrCancelEn,
			idempotency.DoubtBrake:     "Too much money is in doubt: find out what the provider lacks" + releaseOrCancelEn,
			idempotency.LookalikeBrake: "Another payment, begun shortly before, has the same beneficiary and amount: find out whether both are meant" + releaseOrCancelEn,
			"":                         "Find out why it was stopped" + releaseOrCancelEn, // by an operator, or an earlier version
		},
		Held: map[string]string{
			"not_found":          "The provider does not know it: ask its support, " + checkAtProviderEn,
			"lookup_unproven":    "No status query of this account ever found a payment, so \"not found\" proves nothing: " + checkAtProviderEn,
			"poll_deadline":      "The provider gave no final answer in time: " + checkAtProviderEn,
			"expiry_unclear":     "The payer's time is over, and the provider did not say that nobody paid: " + checkAtProviderEn,
			"refusal_unclear":    "It was refused, but an earlier attempt may have been executed: " + checkAtProviderEn,
			"payload_unreadable": "Its details cannot be read any more, and it may have left: " + checkAtProviderEn,
			"expired":            "Its deadline passed while an attempt may have been executed: " + checkAtProviderEn,
			"no_status_query":    "It may have been executed, and the provider has no status query for it: " + checkAtProviderEn,
			"mismatch":           "The provider has something else under this reference: compare amount and beneficiary, then settle it.",
			"reference_taken": "The provider knew this reference before any attempt of ours, or does not say whom it pays: compare all of it. Failed if it is " +
				"somebody else's (then submit the payment under another reference), succeeded if it is ours.",
			"payload_changed": "What it says is not what was registered: somebody changed it in Redis. Halt the provider, find out who writes there, compare with " +
				"billing; settle it as failed and submit it anew. It was not sent as it stands.",
			"record_lost":        "Redis had lost it, and it was recorded again from a worker that held it: it may have been executed, also by others. " + checkAtProviderAloneEn,
			"result_unrecorded":  "An attempt reported back that the record did not know, because Redis had lost it: it may have been executed. " + checkAtProviderAloneEn,
			"forgotten_send":     "The store forgot sends, and this may be one of them; the provider cannot be queried (see: enqueue forgot show). " + checkAtProviderAloneEn,
			"already_registered": "Somebody registered it before remesa could: compare with that registration, then settle it.",
			"":                   checkAtProviderAloneEn,
		},
		Anomaly: map[string]string{
			"second_success": "Two executions are known: compare both at the provider. Reverse if the money was taken back, accept if there was only one.",
			"late_success":   "It was given up, and executed all the same: accept if it was paid, reverse if the money was taken back.",
			"late_pending":   "It was given up, but the provider still has it: have it stopped there, or wait for its end.",
			"not_found_after_succeeded": "It was reported as paid, and the provider now does not know it: look at the transaction there and at the bank. Accept if the money " +
				"arrived, reverse if it did not or came back.",
			"not_sent_but_known": "The provider knows it although nothing was sent: find out who sent it.",
			"late_doubt":         "One more attempt may have been executed, and the provider has no status query: look for a second transaction at the provider.",
			"refused_after":      "The provider refused it after it had said otherwise: look at the transaction there.",
			"statement_difference": "A statement says something else; the history says which one and where. Ask whoever made it. Accept if the money moved and stays moved, " +
				"reverse if it never arrived or came back.",
			"": "Look at the transactions at the provider, then accept or reverse.",
		},
	},
	Waits: waits{
		Halt:          "the end of the halt of the provider (enqueue unhalt)",
		HaltOfAccount: func(account string) string { return "the end of the halt of account " + account + " (enqueue unhalt)" },
		Account:       func(account string) string { return "a worker with credentials for account " + account },
		AccountFor: func(account, paymentType string) string {
			return "a worker whose account " + account + " makes a " + paymentType
		},
		Circuit: func(account string) string {
			return "account " + account + ": connections fail, or its credentials are refused"
		},
		Throttled:        func(account string) string { return "account " + account + ": the provider told it to wait" },
		FingerprintKeyed: "a worker with REMESA_FINGERPRINT_KEY",
		FingerprintPlain: "a worker without REMESA_FINGERPRINT_KEY: it was registered without one, or somebody wrote to Redis",
		NoKeys:           "a worker without REMESA_PAYLOAD_KEYS: it is not sealed",
		Key:              "a worker with the key that sealed it (REMESA_PAYLOAD_KEYS)",
		Rate:             "room under the provider's rate limit",
		RateQuery:        "room under the provider's rate limit, to be queried",
		Queue:            "room in the queue",
	},
}

func attemptsEn(n i18n.Number) string {
	if n.N == 1 {
		return "One attempt is on record"
	}
	return n.Text + " attempts are on record"
}
