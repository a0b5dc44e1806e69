package i18n

var pagesEnglish = Pages{
	Layout: PagesLayout{
		Skip: "Skip to the content", Main: "Main", Overview: "Payments", Lists: "Lists", Groups: "Groups", Subscriptions: "Subscriptions",
		Rejected: "Rejected", Halts: "Halts", Queues: "Queues", Search: "Payment", Find: "Find",
		AsOf:     func(at string) string { return "As of " + at + "." },
		Writable: "Steps by hand can be taken here.", ReadOnly: "Read-only.", Language: "Language", Never: "never",
	},
	Problem: PagesProblem{
		Away: "The ledger cannot be read", AwayText: "Redis does not answer. Nothing new is sent while it does not.",
		Unread: "The ledger cannot be read", UnreadText: "Redis does not answer, or this payment's record cannot be read. " +
			"The log says which. Payments are not affected by this page.",
		NoPayment:     "No such payment",
		NoSuchPayment: func(key string) string { return "The ledger has no payment " + key + "." },
		Moved:         "The payment moved on",
		MovedText: "Since you opened it, something else happened to this payment. Nothing of what you sent was done. Look at what it is now, and " +
			"decide again.",
		Refused: "Refused", NotOurForm: "Not a form of ours", NotOurFormText: "What was sent could not be read. Nothing was changed.",
		NothingChanged: func(why string) string { return "Nothing was changed: " + why + "." },
		NotAllowedNow:  "the ledger does not allow it now", BoxBelow: "the box below the note takes that risk",
		LookAt: func(key string) string { return "Look at " + key }, AllPayments: "All payments",
		Sealed: "sealed; this worker has no key", SealedChanged: "sealed; changed or moved since", NotSealedNotUsed: "not sealed, so not used",
		Partial: "Not everything could be read: what is shown may be incomplete. The log says why.",
	},
	Filter: PagesFilter{
		Title: "Filter", Provider: "Provider", All: "all", Account: "Account", Code: "Code", Reference: "Reference begins with", Fingerprint: "Fingerprint begins with", Currency: "Currency",
		Least: "Amount from", Most: "Amount to", From: "From (date)", To: "To (date)", Sort: "Order", Oldest: "oldest first", Newest: "newest first",
		Apply: "Filter", Clear: "Clear the filter", Largest: "largest amount first", Smallest: "smallest amount first",
		NotByAmount: "Payments that moved money cannot be ordered by amount: no index has them.",
		BadProvider: "There is no such provider.", BadAccount: "An account's name has small letters, digits and dashes.", BadCode: "The code is too long.",
		BadReference: "A reference has letters, digits, points, dashes and underscores.", BadFingerprint: "A fingerprint has letters, digits, colons, dashes and underscores.", BadCurrency: "A currency is three capital letters, such as CLP.",
		BadAmount: "Write amounts as 12500 or 149.50, without separators of thousands.", BadDate: "Write dates as 2026-05-15.",
		BadPlace: "This page's address is not complete: the list begins anew.",
	},
	List: PagesList{
		Title: func(state string) string { return "Payments: " + state }, States: "States", Payment: "Payment", Amount: "Amount", For: "For",
		Next: "Next step", Code: "Code", Chose: "Choose", Since: func(at string) string { return "since " + at }, Sum: "Sum of this page",
		None: "None.", NoneMatches: "None matches the filter.", NextPage: "Next page", Continue: "Continue to search",
		Searched: func(n Number) string { return "Searched so far on this page: " + n.of("payment", "payments") + "." },
		Unsorted: func(most Number) string {
			return "Not ordered by amount: that can be done with at most " + most.of("payment", "payments") + ", and this list has more. It is ordered by time. " +
				"Choose a provider, or dates."
		},
		First: "To the beginning", Export: "Export as CSV", GroupThem: "Group by code",
		Settled:       "Read from the outcomes, which are kept for a time (REMESA_OUTCOMES_RETENTION); find older payments by their key.",
		SumUnread:     "without those whose amount cannot be read",
		WithoutUnread: func(n Number) string { return "without " + n.Text + " whose amount cannot be read" },
	},
	Groups: PagesGroups{
		Title: func(state string) string { return "Groups: " + state }, About: "Payments with the same provider and code. Open a group to settle it.",
		Provider: "Provider", Code: "Code", Reason: "Reason", Count: "Number", Sum: "Sum", NoCode: "no code", None: "None.",
		Cut: func(n Number) string {
			return "Only the first " + n.of("payment", "payments") + " were read: narrow the filter."
		}, All: "The whole list",
	},
	Bulk: PagesBulk{
		Title: "One step for many", Which: "Which payments", Selected: "those chosen above", OnPage: func(n Number) string { return "all on this page: " + n.of("payment", "payments") },
		Matching: "all that match the filter, also on other pages",
		What:     "What is to be done", Button: "Go on",
		ConfirmTitle: func(what string, n Number) string { return what + ": " + n.of("payment", "payments") + "?" },
		Count:        "Number", Sum: "Sum", Filter: "Filter", FilterNone: "all in this state", First: "The first of them",
		More: func(n Number) string {
			return "More match. One step takes at most " + n.Text + " at a time: these are the first. Do it again for the rest."
		},
		Type: func(n Number) string { return "To confirm, type the number of payments (" + n.Text + ")" },
		Yes:  func(n Number) string { return "Yes, for " + n.of("payment", "payments") },
		No:   "No, go back to the list", NoneLeft: "No payment is left", NoneLeftText: "None of those that you chose is in this state any more. Nothing was changed.",
		Changed: "The payments have changed",
		ChangedText: "Since you were asked to confirm, payments came, went or moved on: number, sum or versions are not what you confirmed. Nothing was " +
			"done. Look at the list, and confirm again.",
		NotTyped: "What you typed is not the number of payments. Nothing was done.", NoStep: "Choose what is to be done. Nothing was changed.",
		NoneChosen: "Choose payments in the list, or all that match. Nothing was changed.",
		Running:    "Each line is done when it appears. If this page is cut off, open the list again: what was not done is still there.",
		Done:       "done", NotDone: "not done", Moved: "it moved on meanwhile", Result: "Result",
		Ended: func(done, all Number) string { return "Ended: " + done.Text + " of " + all.Text + " were done." },
		Cut:   "Stopped before the end. What was not done is still in the list.", Again: "Back to the list", Reread: "To the list",
	},
	Step: PagesStep{
		SettleTitle: "Settle this payment", AnomalyTitle: "Clear the anomaly", ReleaseTitle: "Release this payment", CancelTitle: "Cancel this payment",
		RetryTitle: "Begin this payment again", CloseTitle: "Close its attempts",
		Settle: "Settle", Clear: "Clear", Release: "Release", Cancel: "Cancel the payment", Retry: "Begin again", Close: "Close",
		Found: "What you found out", Succeeded: "Succeeded: it was executed", Failed: "Failed: it was refused",
		NotReceived: "Not received: the provider says that it never got it", Accept: "Accept: the payment stays as it is",
		AcceptPaid: "Accept: it was paid after all, so it becomes succeeded", Reverse: "Reverse: the money was taken back",
		NotExecuted: "Failed: it was not executed",
		ProviderID:  "Provider's id, if you know it", Decline: "If it was refused: may another attempt succeed?", Unknown: "not known", Soft: "soft: perhaps",
		Hard: "hard: no", Name: "Your name", Note: "Why (what you saw, and where)",
		NoteHint:   "Name and note are kept in the history; leave out people's data and account numbers.",
		RiskFailed: "If it failed: I know that nothing was executed: close the attempts too",
		RiskStays:  "It stays failed: I know that nothing was executed: close the attempts too",
		RiskTwice:  "I take the risk that it is paid twice: the first attempt may have been executed",
		Problems:   "Nothing was changed:", NoChoice: "Choose what became of the payment.",
		IDContradicts:     "A provider id contradicts that the provider never received it.",
		DeclineWithFailed: "The kind of refusal goes with Failed only.", CloseWithFailed: "Closing the attempts goes with Failed only.",
		BadDecline: "The kind of refusal is soft or hard.", NoAnomaly: "Choose whether to accept or to reverse.",
		LongID: "The provider's id has at most 128 characters.", NoName: "Give your name: it is kept in the payment's history.",
		Brackets: "Give your name without brackets: what stands in them is your login.", NoNote: "Say why: it is kept in the payment's history.",
		LongNote:    "Name, login and note together take at most 500 bytes.",
		DoneResolve: "The payment was settled.", DoneAnomaly: "The anomaly was cleared.", DoneRelease: "The payment was released.",
		DoneCancel: "The payment was cancelled.", DoneRetry: "The payment begins again.", CLI: "Steps by hand:",
	},
	Confirm: PagesConfirm{
		Title: func(key string) string { return "Confirm: " + key }, Reference: "Reference", Provider: "Provider", Type: "Type", Now: "Now", Step: "Step",
		Name: "Your name", Why: "Why", No: "No, go back", Account: func(provider, account string) string { return provider + ", account " + account },
		ProviderID: "Provider's id", Decline: "Kind of refusal",
		CloseWhat: "Settle it as failed, and close its attempts",
		CloseFollow: "remesa reports it as not paid, and takes no attempt for executed any more: it can be begun again, " +
			"and a subscription charges again. If one was executed after all, it is paid twice.",
		CloseYes: "Yes, nothing was executed", SucceededWhat: "Settle it as succeeded", SucceededFollow: "remesa reports it as paid. It is never sent again.",
		SucceededYes: "Yes, it was paid", FailedWhat: "Settle it as failed",
		FailedFollow: "remesa reports it as not paid. If it was executed, the money has left all the same.", FailedYes: "Yes, it was refused",
		NotReceivedWhat:   "Settle it as not received",
		NotReceivedFollow: "remesa reports it as not paid. It can then be begun again, at the risk that the first attempt is still executed.",
		NotReceivedYes:    "Yes, it was never received", AcceptWhat: "Accept the anomaly", AcceptPaidFollow: "The payment becomes succeeded.",
		AcceptPaidYes: "Yes, it was paid after all", AcceptYes: "Yes, clear it", AcceptFollow: func(state string) string { return "The payment stays " + state + "." },
		LateFollow: func(state string) string { return "The payment stays " + state + "." }, ReverseWhat: "Reverse the payment",
		ReverseFollow: "The payment becomes reversed: its money was taken back.", LateWhat: "Reverse the late execution",
		ReverseYes: "Yes, the money was taken back", ReleaseWhat: "Release it", ReleaseFollow: "remesa will send it.", ReleaseYes: "Yes, release it",
		CancelWhat: "Cancel it", CancelFollow: "The payment fails with the code cancelled. It was never sent.", CancelYes: "Yes, cancel the payment",
		RetryWhat: "Begin it again", RetryFollow: "remesa will send it.", RetryYes: "Yes, begin again",
		RiskWhat:   "Begin it again, although the first attempt may have been executed",
		RiskFollow: "remesa asks the provider once more, then sends it. If the first attempt is executed after all, it is paid twice.",
		RiskYes:    "Yes, take the risk",
	},
	Payment: PagesPayment{
		Unreadable: func(why string) string { return "Not all of this payment's texts can be read here: " + why + "." },
		Next:       "Next step", Who: "Who acts next", Known: "What is known", Type: "Type", Anomaly: "Anomaly", Attempts: "Attempts",
		MayHaveLeft: ", at least one of which may have been executed", ProviderID: "Provider's id", Code: "Code", Message: "Message",
		Decline: "Kind of refusal", Registered: "Registered", Changed: "Last change", Waits: "Waits for", Looked: "Looked at next",
		Subscription: "Subscription", Link: "Payer's link", LinkText: "there is one;", Metadata: "Metadata", Values: "values:",
		Period: func(id, period string) string { return id + ", period " + period }, Lease: "An attempt owns it until", Queries: "Status queries",
		QueriesText: func(polls, notFounds Number) string {
			return polls.Text + " decided nothing; " + notFounds.Text + " of \"not found\" count"
		},
		Story: "What happened", History: "History", Attempt: "attempt",
		NotKept: "Equal answers to status queries that decided nothing are one entry, with their number, the time of the first and of the last, and the " +
			"duration of the last.",
	},
	Find: PagesFind{
		Several: "Several payments have this reference", NotAKey: "Not a key",
		NotAKeyText: "A key is provider/reference, such as virtualpos/tef-0001, or provider/account/reference. A reference alone is looked " +
			"for at every provider, under the account default.",
		None:     "No such payment",
		NoneText: "No provider's default account has a payment with this reference. For another account search for provider/account/reference.",
	},
	Subscriptions: PagesSubscriptions{
		Title: "Subscriptions", Calendar: "Due in the next 30 days", State: "State", All: "all", Active: "active", Paused: "paused", Ended: "ended",
		None: "None matches.", NoneYet: "None so far on this page.", Subscription: "Subscription", Amount: "Amount", NextDue: "Next due", Reason: "Reason",
		NotHere: "This worker does not show subscriptions.", NoSuch: "No such subscription", Provider: "Provider", Account: "Account", Added: "Added",
		Periods: "Periods and charges", Period: "Period", Due: "Due", Charges: "Charges", Dunning: "dunning", NextCharge: "next charge", History: "History",
		By: "by", Itself: "by itself", CalendarAbout: "What active subscriptions will charge, by day in this page's zone. New charges after declines are not in it.",
		Day: "Day", Count: "Charges", Sum: "Sum", NoneDue: "Nothing falls due.", Skipped: "skipped", Missed: "missed", Unknown: "unknown",
		CalendarCut: func(n Number) string {
			return "Only the first " + n.of("subscription", "subscriptions") + " of each provider were read."
		},
		NoSuchText: func(id string) string { return "There is no subscription " + id + "." },
		Reasons: map[string]string{
			"person": "an operator paused it", "hard_decline": "the card or its holder was refused for good",
			"refused": "the charge was refused without a kind of decline", "dunning_exhausted": "every charge of its dunning was declined",
			"card_expired": "the card has expired", "anomaly": "a charge contradicts what is on record", "conflict": "another payment has its charge's reference",
			"unreadable": "its content cannot be read", "completed": "no period falls due any more", "cancelled": "an operator ended it",
		},
		Actions: map[string]string{
			"added": "added", "paused": "paused", "resumed": "resumed", "changed": "changed", "cancelled": "cancelled", "ended": "ended",
		},
	},
	Rejected: PagesRejected{
		Title: "Rejected tasks", About: "Tasks of plain asynq clients that became no payment, in the last 30 days. Whoever sent them must correct them and " +
			"send them again.",
		Reason: "Reason", Payment: "Payment", Message: "Message", Since: "Since", Task: "Queue and task", None: "None.",
		Sealed: "sealed with a key that is not here",
		Shown:  func(shown, all Number) string { return "The newest " + shown.Text + " of " + all.Text + " are shown." },
		Reasons: map[string]string{
			"invalid": "a field is wrong", "conflict": "another payment has its reference", "unreadable": "it is no JSON object",
			"unsealed": "it is not sealed, and must be", "undecryptable": "the key does not open it",
		},
	},
	Halts: PagesHalts{
		Title: "Halts", About: "Nothing new is sent for these; status queries go on.", Provider: "Provider", Account: "Account", AllAccounts: "all accounts",
		Entry: "Who, when and why", None: "None.", Halt: "Halt a provider", HaltAbout: "Nothing new is sent from the moment on; what has begun ends.",
		Unhalt: "Let it go on", UnhaltOf: "Let it go on:", Hint: "empty for all accounts", Done: "Halted: nothing new is sent.", Undone: "It goes on.",
		BadAccount: "An account's name has small letters, digits and dashes.", BadProvider: "Choose a provider.",
	},
	AnomalyState: "Anomaly",
}
