package i18n

var cliEnglish = CLI{
	Show: CLIShow{
		Title: func(key, paymentType, money string) string { return key + ": " + paymentType + " of " + money },
		TitleState: func(key, paymentType, money, state string) string {
			return key + ": " + paymentType + " of " + money + ", " + state
		},
		Anomaly: "anomaly", Code: "code", Message: "message", Decline: "decline", ProviderID: "provider's id", Subscription: "subscription",
		Period: "period", WaitsFor: "waits for",
		Attempt:    func(n Number) string { return "attempt " + n.Text },
		Now:        func(text string) string { return "Now:  " + text },
		Next:       func(who, text string) string { return "Next (" + who + "): " + text },
		LooksAgain: func(at string) string { return "remesa looks at it again at " + at + "." },
		Why:        func(key string) string { return "Why: enqueue explain " + key + "." },
		UTC:        "All times are in UTC.",
	},
	List: CLIList{
		State: func(name, _ string) string { return name },
		Key:   "KEY", StateHead: "STATE", Amount: "AMOUNT", Currency: "CUR", Created: "CREATED", Updated: "UPDATED", Age: "AGE", Tries: "TRIES", Code: "CODE",
		Anomaly: func(kind, code string) string { return "anomaly: " + kind + " " + code },
		Damaged: func(key string) string {
			return "warning: " + key + " is not listed: its record is damaged, and nobody looks after it; see the runbook"
		},
		At: "AT", Reason: "REASON", Queue: "QUEUE", Task: "TASK", Message: "MESSAGE",
	},
	Subscription: CLISubscription{
		ID: "ID", State: "STATE", Reason: "REASON", Provider: "PROVIDER", Amount: "AMOUNT", Currency: "CUR", NextDue: "NEXT DUE",
		Active: "active", Paused: "paused", Ended: "ended",
		StillPaused: func(id, reason string) string {
			return id + " is still paused (" + reason + "): `enqueue subscription resume " + id + "` lets it go on"
		},
		Deferred: func(id, problem string) string {
			return id + ": this is written; what follows from it is left to the workers: " + problem
		},
	},
	Keys: CLIKeys{
		ID: "ID", Name: "NAME", Created: "CREATED", Revoked: "REVOKED", Scopes: "SCOPES",
		ShownOnce: "this is the only time that the key is shown: keep it as you keep a password",
		None:      "there is no key of that id",
	},
	Bulk: CLIBulk{
		NoneBlocked: "no such payment is blocked", NoneNamed: "no such payment is named",
		RepeatBlocked: func(n Number, _, flags string) string {
			return n.Text + " payments are blocked; nothing was done. To go on, repeat: " + flags
		},
		RepeatNamed: func(n Number, _, flags string) string {
			return n.Text + " payments are named; nothing was done. To go on, repeat: " + flags
		},
		Damaged:   func(n Number) string { return "warning: " + n.Text + " damaged records are left out" },
		MendFirst: "nothing was done: mend these lines first",
		Line:      "line", And: " and ",
	},
	Submit: CLISubmit{
		Summary: func(lines Number, file, results string) string {
			return lines.Text + " lines of " + file + ": " + results
		},
		Results: map[string]CLIResult{
			"enqueued": {"enqueued", "enqueued"}, "added": {"added", "added"}, "valid": {"valid", "valid"}, "duplicate": {"duplicate", "duplicate"},
			"conflict": {"conflict", "conflict"}, "invalid": {"invalid", "invalid"},
		},
		Sum:             func(plain, _ string) string { return "sum " + plain },
		Empty:           func(file string) string { return file + " is empty: nothing to do" },
		Problem:         func(line, path, problem string) string { return "line " + line + ": " + path + ": " + problem },
		Conflict:        func(line, about string) string { return "line " + line + ": conflict: " + about },
		MoreProblems:    func(n Number) string { return "and " + n.of("more line like these", "more lines like these") },
		NothingEnqueued: "nothing was enqueued",
		InvalidLines:    func(n Number) string { return n.Text + " invalid lines, expected none" },
		OtherCount:      func(got, want Number) string { return got.Text + " payments, expected " + want.Text },
		OtherSum:        func(currency, got, want string) string { return currency + " sums up to " + got + ", expected " + want },
		OtherCurrency:   func(currency string) string { return "payments in " + currency + ", expected none" },
		Unserved: func(provider, redis string) string {
			return "warning: no worker has ever served " + provider + " on redis at " + redis + ": what is taken in waits there until one does; " +
				"is REMESA_REDIS_URL the workers'?"
		},
		Incomplete: func(problem string) string {
			return "warning: the providers' settings in this environment are not complete, so the input is not compared with them: " + problem
		},
		Again:            "lines without a result were not reported as taken in; sending the same file again is safe",
		Stopped:          "stopped by a signal",
		Full:             "has no room for new payments, and workers need what is left",
		Lines:            func(n Number) string { return n.Text + " lines" },
		Pace:             func(lines Number) string { return lines.Text + " a second" },
		Left:             func(time string) string { return time + " left" },
		InputUnreadable:  "the input cannot be read on",
		OutputUnwritable: "the results cannot be written",
		ChangedWhileRead: "the file changed while it was read: it may still be being written", ChangedWhileSubmitted: "the file changed between counting and submitting",
	},
	Halt: CLIHalt{
		Halted: func(provider, accounts string) string { return "halted for " + provider + ": " + accounts },
		All:    "*",
	},
	Forgot: CLIForgot{
		Open: func(provider string) string {
			return provider + ": what waits to be sent is queried first; end this with: enqueue forgot close --provider " + provider
		},
		WouldSend: func(n Number, sums, flags string) string {
			return "this would send " + n.Text + " payments, " + sums + "; nothing was sent and nothing closed. If that is right, repeat it with: " + flags
		},
		Changed: "some payments changed meanwhile; nothing was closed",
	},
	Export: CLIExport{
		Exported:       func(n Number) string { return n.Text + " payments exported" },
		NothingMissing: "no day is missing",
		Damaged: func(key string) string {
			return "warning: " + key + " is not exported: its record is damaged; see the runbook"
		},
	},
	Reconcile: CLIReconcile{
		NoneDiffers: "no such difference is of one payment: nothing is to be recorded",
		RepeatDiffering: func(n Number, sums, flags string) string {
			return n.of("payment", "payments") + " of " + sums + " would be flagged; nothing was recorded. To go on, repeat: " + flags
		},
		OnlyReported: func(n Number) string {
			return n.of("difference is of no one payment, and is only reported", "differences are of no one payment, and are only reported")
		},
		TooMany: func(n Number) string {
			return "more than " + n.Text + " payments differ; nothing was recorded. Is it the right statement, and read as it should be?"
		},
	},
	Help: HelpWords{
		Usage: "Usage: ", FlagsPlace: "[flags]", CommandPlace: "<command>", Arguments: "Arguments:", Flags: "Flags:", Commands: "Commands:", Examples: "Examples:",
		More:             func(command string) string { return `Run "` + command + `" for more information on a command.` },
		See:              func(command string) string { return " (see " + command + ")" },
		ProviderSettings: func(command string) string { return "A provider's settings: " + command },
		NoSection:        func(sections string) string { return "no section is called so; there are: " + sections },
	},
	Check: CLICheck{
		Check: "CHECK", Found: "FOUND", Wanted: "WANTED", OK: "OK", Warn: "WARN", Fail: "FAIL",
		On:       func(check, server string) string { return check + " on " + server },
		Recorded: func(account, before string) string { return account + ": identity recorded; it was: " + before },
		None:     "none",
	},
	Demo: CLIDemo{
		Title:    "remesa demo: an embedded Redis, simulated providers, sample payments",
		Progress: func(done, all string) string { return "[" + done + " of " + all + "]" },
		Payment:  "PAYMENT", Happens: "WHAT HAPPENS", Submitted: "SUBMITTED", State: "STATE", Attempts: "ATTEMPTS", Paid: "PAID BY THE PROVIDER",
		Subscription: func(id string) string { return "SUBSCRIPTION " + id }, Due: "DUE", Charges: "CHARGES",
		Period: func(n string) string { return "period " + n },
		StaysUp: "The demo stays up until Ctrl-C. Some payments are held on purpose: no machine could find out whether they were executed. " +
			"In a browser:",
		Login: func(user, password string) string {
			return "user " + user + ", password " + password + " (made for this run)"
		},
		Open: func(key string) string {
			return "Open " + key + ` under "Held", settle it, and read in its history who decided what. The page "Queues" shows asynq's` + "\n" +
				"side: try its buttons, no payment will mind. The same in another terminal:"
		},
		Metrics: "has the metrics.", By: "you", Note: "checked with the bank",
	},
	Sandbox: CLISandbox{
		Serving: func(url string) string { return "simulated providers on " + url },
		Book:    "GET PREFIX/_book shows what was executed; POST PREFIX/_faults makes it fail (see docs/sandbox.md)",
	},
	Password: CLIPassword{Ask: "password: ", Again: "the same again: "},
	Card:     CLICard{Number: "card number: ", SecurityCode: "security code: "},
	Errors: CLIErrors{
		NoPayment: "no such payment", NoSubscription: "no such subscription", VersionChanged: "the payment has changed meanwhile", Refused: "refused",
		Damaged: "the record is damaged", OfDefaultAccount: "of the default account; name provider and account",
		Redis: func(address string) string { return "redis at " + address },
		Sealed: func(problem string) string {
			return "warning: what cannot be opened with the REMESA_PAYLOAD_KEYS at hand is printed as it is stored, or not at all: " + problem
		},
		TryingAgain:      func(provider, problem string) string { return "watch " + provider + ": " + problem + "; trying again" },
		NamedTwice:       func(key string) string { return key + " is named twice" },
		AmountUnreadable: func(key string) string { return key + " has an amount that cannot be read" },
	},
}
