package i18n

// CLI is what the commands tell people on a terminal and on stderr. Flags, keys, codes and what is
// to be typed stay as they are in every language. Texts of stderr begin without a capital: the
// command's name stands before them.
type CLI struct {
	Show         CLIShow
	List         CLIList
	Subscription CLISubscription
	Keys         CLIKeys
	Bulk         CLIBulk
	Submit       CLISubmit
	Halt         CLIHalt
	Forgot       CLIForgot
	Export       CLIExport
	Reconcile    CLIReconcile
	Card         CLICard
	Help         HelpWords
	Check        CLICheck
	Demo         CLIDemo
	Sandbox      CLISandbox
	Password     CLIPassword
	Errors       CLIErrors
}

// CLIShow is of show and explain.
type CLIShow struct {
	// Title is the first line of explain, TitleState that of show.
	Title                                                                       func(key, paymentType, money string) string
	TitleState                                                                  func(key, paymentType, money, state string) string
	Anomaly, Code, Message, Decline, ProviderID, Subscription, Period, WaitsFor string
	Attempt                                                                     func(n Number) string
	Now                                                                         func(text string) string
	Next                                                                        func(who, text string) string
	LooksAgain                                                                  func(at string) string
	Why                                                                         func(key string) string
	// UTC is said where times stand without their offset.
	UTC string
}

// CLIList is of list.
type CLIList struct {
	// State is how a state stands in a column, by its name and its label.
	State                                                                func(name, label string) string
	Key, StateHead, Amount, Currency, Created, Updated, Age, Tries, Code string
	Anomaly                                                              func(kind, code string) string
	Damaged                                                              func(key string) string
	At, Reason, Queue, Task, Message                                     string
}

// CLISubscription is of subscription.
type CLISubscription struct {
	ID, State, Reason, Provider, Amount, Currency, NextDue string
	Active, Paused, Ended                                  string
	StillPaused                                            func(id, reason string) string
	Deferred                                               func(id, problem string) string
}

// CLIKeys is of apikey.
type CLIKeys struct{ ID, Name, Created, Revoked, Scopes, ShownOnce, None string }

// CLIBulk is of a step for many payments at once.
type CLIBulk struct {
	NoneBlocked, NoneNamed string
	// RepeatBlocked and RepeatNamed say what to repeat; sums are for people, flags to be typed.
	RepeatBlocked, RepeatNamed func(n Number, sums, flags string) string
	Damaged                    func(n Number) string
	MendFirst                  string
	// Line stands before a line's number.
	Line string
	// And joins the last two of several sums.
	And string
}

// CLISubmit is of submit and subscription add.
type CLISubmit struct {
	Summary func(lines Number, file, results string) string
	// Results are the words of a result, as they are counted.
	Results map[string]CLIResult
	// Sum names a sum in the summary: plain is without grouping.
	Sum                                     func(plain, money string) string
	Empty                                   func(file string) string
	Problem                                 func(line, path, problem string) string
	Conflict                                func(line, about string) string
	MoreProblems                            func(n Number) string
	NothingEnqueued                         string
	InvalidLines                            func(n Number) string
	OtherCount                              func(got, want Number) string
	OtherSum                                func(currency, got, want string) string
	OtherCurrency                           func(currency string) string
	Unserved                                func(provider, redis string) string
	Incomplete                              func(problem string) string
	Again, Stopped, Full                    string
	Lines                                   func(n Number) string
	Pace                                    func(lines Number) string
	Left                                    func(time string) string
	InputUnreadable, OutputUnwritable       string
	ChangedWhileRead, ChangedWhileSubmitted string
}

// CLIResult is a result as one line has it, and as many have.
type CLIResult struct{ One, Many string }

// Of is the word for as many lines.
func (r CLIResult) Of(n Number) string {
	if n.N == 1 {
		return r.One
	}
	return r.Many
}

// CLIHalt is of halt and unhalt.
type CLIHalt struct {
	Halted func(provider, accounts string) string
	// All is how all accounts of a provider stand among them.
	All string
}

// CLIForgot is of forgot.
type CLIForgot struct {
	Open      func(provider string) string
	WouldSend func(n Number, sums, flags string) string
	Changed   string
}

// CLIExport is of export.
type CLIExport struct {
	Exported       func(n Number) string
	NothingMissing string
	Damaged        func(key string) string
}

// CLIReconcile is of reconcile.
type CLIReconcile struct {
	NoneDiffers string
	// RepeatDiffering says what to repeat; sums are for people, flags to be typed.
	RepeatDiffering func(n Number, sums, flags string) string
	OnlyReported    func(n Number) string
	TooMany         func(n Number) string
}

// CLICard is of hashcard.
type CLICard struct{ Number, SecurityCode string }

// CLICheck is of worker check.
type CLICheck struct {
	// Check, Found and Wanted are the heads of its table; OK, Warn and Fail the levels.
	Check, Found, Wanted string
	OK, Warn, Fail       string
	// On names the server behind a check.
	On func(check, server string) string
	// Recorded says that an identity was accepted; before is None where there was none.
	Recorded func(account, before string) string
	None     string
}

// CLIDemo is of worker demo.
type CLIDemo struct {
	Title string
	// Progress stands before each change.
	Progress                                     func(done, all string) string
	Payment, Happens, Submitted, State, Attempts string
	// Paid is how often the provider executed it.
	Paid         string
	Subscription func(id string) string
	Due, Charges string
	Period       func(n string) string
	StaysUp      string
	Login        func(user, password string) string
	Open         func(key string) string
	Metrics      string
	// By and Note are who decides, and why, in a command line to be typed.
	By, Note string
}

// CLISandbox is of worker sandbox.
type CLISandbox struct {
	Serving func(url string) string
	Book    string
}

// CLIPassword is of worker password.
type CLIPassword struct{ Ask, Again string }

// CLIErrors are errors, and what else may go wrong with any command.
type CLIErrors struct {
	NoPayment, NoSubscription, VersionChanged, Refused, Damaged string
	OfDefaultAccount                                            string
	Redis                                                       func(address string) string
	Sealed                                                      func(problem string) string
	TryingAgain                                                 func(provider, problem string) string
	NamedTwice, AmountUnreadable                                func(key string) string
}
