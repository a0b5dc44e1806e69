package i18n

var overviewEnglish = Overview{
	StartLive: "Renew this page every 15 seconds", StopLive: "Stop renewing", Live: "This page renews itself every 15 seconds.",
	Paid: OverviewPaid{
		Title: "Paid", About: "What succeeded, less what was reversed, when it was recorded.", None: "Nothing was paid in the last 30 days.",
		Provider: "Provider", Currency: "Currency", Today: "Today", Week: "7 days", Month: "30 days", Total: "all", FailedMonth: "Failed, 30 days",
		Count: "Number", Sum: "Sum",
		Unsummed: func(n Number) string { return "without " + n.Text + " that cannot be summed" },
		Until:    func(at string) string { return "Counted up to " + at + "." },
		Since: func(provider, at string) string {
			return provider + ": these figures begin on " + at + "; earlier events had been trimmed by then."
		},
		Missed: func(provider string, n Number) string {
			return provider + ": these figures lack " + n.of("event", "events") + ", trimmed before anybody counted them."
		},
		Ahead: func(provider string) string {
			return provider + ": the outcome stream is shorter than what was counted: somebody deleted or replaced it."
		},
		Unread: func(provider string) string { return provider + ": the figures could not be read. The log says why." },
		NotYet: "Nothing is counted yet.", Meaning: "Days begin and end in the time zone of this page and include today.",
	},
	Now: OverviewNow{
		Title: "By provider and state", State: "State", Sum: "Sum", Anomalies: "with an anomaly", InFlight: "in flight",
		FailedMonth: "; of the last 30 days", MoreThan: func(sum string) string { return "more than " + sum },
		Counting:    "the exact sum is being counted; load the page again",
		Counted:     func(from, to string) string { return "counted from " + from + " to " + to },
		None:        "There is no open payment, and none that failed in the last 30 days.",
		NonePartial: "There is no open payment among those that could be read, and none that failed in the last 30 days.",
	},
	Charts: OverviewCharts{
		Title: "Figures", Numbers: "As numbers", Empty: "Nothing happened in this time.",
		Throughput: "Taken in and settled by the hour, last 24 hours", TakenIn: "taken in", Settled: "settled",
		Outcomes: "Outcomes by day, last 30 days", Times: "Time to the outcome, last 7 days", Payments: "payments", Hour: "Hour", Day: "Day", Took: "Took",
		Rate: "Share of outcomes that succeeded, by provider and day", NoOutcome: "none",
		Percent: func(number string) string { return number + "%" },
		Within:  func(time string) string { return "≤ " + time }, Above: func(time string) string { return "over " + time },
	},
	Health: OverviewHealth{
		Title: "Providers",
		About: func(worker string) string {
			return "Circuit, token and rate limit are those of this worker (" + worker + "); the rest is of all workers."
		},
		Account: "Provider and account", Circuit: "Circuit", Token: "Token", LastSuccess: "Last success", Failures: "Last 24 hours", Rate: "Rate limit",
		Halted: "Halted by", Closed: "closed", Open: "open: nothing is sent", Probing: "open: probing", NoToken: "none yet", NoRate: "none", NotHalted: "no",
		NoOutcome: "no outcome", NoneYet: "none",
		LastAt:       func(at, age string) string { return at + ", " + age + " ago" },
		TokenRenewed: func(age, renews string) string { return age + " old, renewed " + renews },
		Failed: func(failed, of Number, share string) string {
			return failed.Text + " of " + of.Text + " failed (" + share + ")"
		},
		Doubts:    func(n Number) string { return n.of("doubt", "doubts") },
		PerSecond: func(rate string) string { return rate + " a second" },
	},
	Attention: OverviewAttention{
		Anomalies: "With an anomaly", AnomaliesAbout: "Two contradicting facts about one payment. An operator decides which holds.",
		Held: "Held", HeldAbout: "No machine could find out whether these were executed. An operator decides.",
		InDoubt: "In doubt", InDoubtAbout: "These may have been executed. The provider is being queried; most doubts end by themselves.",
		Blocked: "Blocked", BlockedAbout: "Stopped before their first send, until an operator releases or cancels them.",
		MoreThan: func(text string) string { return "more than " + text }, AtLeast: func(text string) string { return "at least " + text },
		Sum: "Sum", Payment: "Payment", Amount: "Amount", For: "For", Next: "Next step", None: "None.", NonePartial: "None among those that could be read.",
		Since: "since",
		Shown: func(shown Number, rest string) string {
			return "The " + shown.Text + " oldest are shown. " + rest + " more are not."
		}, All: "All of them, with filters and steps for many",
		Partial: func(provider string) string {
			return "The payments of " + provider + " could not all be read: what is shown of it may be incomplete. The log says why."
		},
		SubscriptionsUnread: "The subscriptions could not be read. The log says why.",
		Forgot:              "The store forgot sends",
		ForgotAbout: "A backup was restored, a server took over without the last writes, or the data was deleted. What waits to be sent is queried first; " +
			"what the provider does not know is held. `enqueue forgot show` says what became of it, and `enqueue forgot close` ends it.",
		Declared: "declared by", Missing: func(n Number) string { return n.of("send is missing", "sends are missing") },
		MissingUnknown: "nobody knows how many sends are missing",
		Rejected:       "Rejected tasks",
		RejectedAbout: "Tasks of plain asynq clients that became no payment, in the last 30 days. Whoever sent them must correct them and send them " +
			"again.",
		Reason: "Reason", Task: "Queue and task", RejectedNewest: "The newest are shown.", RejectedMore: "All rejected tasks",
		Halts: "Halted providers", HaltsAbout: "Nothing new is sent for these; status queries go on.",
		HaltedAccount: func(name string) string { return "account " + name }, AllAccounts: "all accounts",
		Due: "Subscriptions due", DueSince: func(at, age string) string { return "The oldest is due since " + at + " (" + age + ")." },
	},
}
