package i18n

var statesEnglish = States{
	Payment: "payment", Payout: "payout", Charge: "charge",
	Label: StateLabels{
		Queued: "Queued", Sending: "Sending", Ready: "Ready", InDoubt: "In doubt", Pending: "Pending", PendingPayer: "Waiting for the payer",
		Held: "Held", Blocked: "Blocked", Succeeded: "Succeeded", Paid: "Paid", Charged: "Charged", Failed: "Failed", Reversed: "Reversed",
	},
	Sentence: StateSentences{
		Queued:           "Registered, and not sent yet. It can be cancelled.",
		Sending:          "An attempt is under way; wait for its result.",
		Ready:            "The attempt before ended without being executed; it will be sent again.",
		ReadyMayHaveLeft: "It will be sent again. It is not certain that no earlier attempt was executed.",
		InDoubt:          "It may have been executed. It is not sent again while the provider is being queried.",
		Pending:          "The provider has it and will decide.",
		PendingPayer:     "The payer must authorize it.",
		Held:             "The system could not find out whether it was executed. A person must resolve it, with evidence.",
		Blocked:          "Stopped before its first send, by a limit. Release it or cancel it.",
		Succeeded:        "Confirmed by the provider.",
		SucceededAt:      func(at string) string { return "Confirmed by the provider on " + at + "." },
		SucceededByHand:  func(by string) string { return "Resolved as executed by " + by + "." },
		Failed:           func(reason string) string { return "Not executed: " + reason + "." },
		FailedMayHaveLeft: func(reason string) string {
			return "Given up: " + reason + ". It is not certain that no attempt was executed."
		},
		FailedByHand: func(by string) string {
			return "Resolved as failed by " + by + "; nothing on record proves that it was not executed."
		},
		Reversed: "It was executed and then taken back.",
		Anomaly:  "There is an anomaly: a person must decide.",
		Somebody: "an operator",
		Unknown:  "This version does not know the state.",
	},
	Reason: FailureReasons{
		Cancelled: "cancelled", Expired: "expired", Unpaid: "the payer did not pay in time", InvalidDetails: "invalid details", Refused: "refused",
	},
	Answer: Answers{
		Pay: "Payout request", Charge: "Charge request", Status: "Status query", NoResponse: "no HTTP response",
		Class: map[string]string{
			"succeeded": "executed", "pending": "the provider decides later", "refused": "refused", "not_found": "not found",
			"in_doubt": "it does not say what happened", "duplicate": "the reference is known already", "mismatch": "it is about something else",
			"not_sent": "nothing was executed", "credentials": "the credentials were refused", "unknown": "of an unknown class",
		},
		After: func(milliseconds Number) string { return "after " + milliseconds.Text + " ms" },
		Same: func(times Number, last string) string {
			return "; the same answer came " + times.Text + " times, last at " + last
		},
	},
}
