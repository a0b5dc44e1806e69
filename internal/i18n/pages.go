package i18n

// Pages is the texts of the pages.
type Pages struct {
	Layout        PagesLayout
	Problem       PagesProblem
	Filter        PagesFilter
	List          PagesList
	Groups        PagesGroups
	Bulk          PagesBulk
	Step          PagesStep
	Confirm       PagesConfirm
	Payment       PagesPayment
	Find          PagesFind
	Subscriptions PagesSubscriptions
	Rejected      PagesRejected
	Halts         PagesHalts
	// AnomalyState stands among the states for what has an anomaly.
	AnomalyState string
}

// PagesLayout is around every page.
type PagesLayout struct {
	Skip, Main, Overview, Lists, Groups, Subscriptions, Rejected, Halts, Queues string
	Search, Find                                                                string
	AsOf                                                                        func(at string) string
	Writable, ReadOnly, Language, Never                                         string
}

// PagesProblem is why a page cannot show what was asked for.
type PagesProblem struct {
	Away, AwayText, Unread, UnreadText      string
	NoPayment                               string
	NoSuchPayment                           func(key string) string
	Moved, MovedText, Refused               string
	NotOurForm, NotOurFormText              string
	NothingChanged                          func(why string) string
	NotAllowedNow, BoxBelow                 string
	LookAt                                  func(key string) string
	AllPayments                             string
	Sealed, SealedChanged, NotSealedNotUsed string
	Partial                                 string
}

// PagesFilter is the form over a list.
type PagesFilter struct {
	Title, Provider, All, Account, Code, Reference, Fingerprint, Currency, Least, Most, From, To, Sort, Oldest, Newest, Apply, Clear string
	Largest, Smallest, NotByAmount                                                                                                   string
	BadProvider, BadAccount, BadCode, BadReference, BadFingerprint, BadCurrency, BadAmount, BadDate, BadPlace                        string
}

// PagesList is a list of payments.
type PagesList struct {
	Title                                           func(state string) string
	States, Payment, Amount, For, Next, Code, Chose string
	Since                                           func(at string) string
	Sum, None, NoneMatches, NextPage, Continue      string
	Searched                                        func(n Number) string
	// Unsorted is about a list that is too long to be sorted by amount.
	Unsorted                                     func(most Number) string
	First, Export, GroupThem, Settled, SumUnread string
	WithoutUnread                                func(n Number) string
}

// PagesGroups is what payments have in common.
type PagesGroups struct {
	Title                         func(state string) string
	About, Provider, Code, Reason string
	Count, Sum, NoCode, None      string
	Cut                           func(n Number) string
	All                           string
}

// PagesBulk is one step for many payments.
type PagesBulk struct {
	Title, Which, Selected, Matching, What, Button     string
	OnPage                                             func(n Number) string
	ConfirmTitle                                       func(what string, n Number) string
	Count, Sum, Filter, FilterNone, First              string
	More                                               func(n Number) string
	Type                                               func(n Number) string
	Yes                                                func(n Number) string
	No, NoneLeft, NoneLeftText                         string
	Changed, ChangedText, NotTyped, NoStep, NoneChosen string
	Running, Done, NotDone, Moved, Result              string
	Ended                                              func(done, all Number) string
	Cut, Again, Reread                                 string
}

// PagesStep is what an operator can do with a payment.
type PagesStep struct {
	SettleTitle, AnomalyTitle, ReleaseTitle, CancelTitle, RetryTitle, CloseTitle                 string
	Settle, Clear, Release, Cancel, Retry, Close                                                 string
	Found, Succeeded, Failed, NotReceived, Accept, AcceptPaid, Reverse, NotExecuted              string
	ProviderID, Decline, Unknown, Soft, Hard, Name, Note, NoteHint                               string
	RiskFailed, RiskStays, RiskTwice                                                             string
	Problems, NoChoice, IDContradicts, DeclineWithFailed, CloseWithFailed, BadDecline, NoAnomaly string
	LongID, NoName, Brackets, NoNote, LongNote                                                   string
	DoneResolve, DoneAnomaly, DoneRelease, DoneCancel, DoneRetry                                 string
	CLI                                                                                          string
}

// PagesConfirm is what a step comes to: what it does, what follows, and the words of its button.
type PagesConfirm struct {
	Title                                                           func(key string) string
	Reference, Provider, Type, Now, Step, Name, Why, No             string
	Account                                                         func(provider, account string) string
	ProviderID, Decline                                             string
	CloseWhat, CloseFollow, CloseYes                                string
	SucceededWhat, SucceededFollow, SucceededYes                    string
	FailedWhat, FailedFollow, FailedYes                             string
	NotReceivedWhat, NotReceivedFollow, NotReceivedYes              string
	AcceptWhat, AcceptPaidFollow, AcceptPaidYes, AcceptYes          string
	AcceptFollow, LateFollow                                        func(state string) string
	ReverseWhat, ReverseFollow, LateWhat, ReverseYes                string
	ReleaseWhat, ReleaseFollow, ReleaseYes                          string
	CancelWhat, CancelFollow, CancelYes                             string
	RetryWhat, RetryFollow, RetryYes, RiskWhat, RiskFollow, RiskYes string
}

// PagesPayment is one payment's page.
type PagesPayment struct {
	Unreadable                                                                                 func(why string) string
	Next, Who, Known, Type, Anomaly, Attempts, MayHaveLeft, ProviderID, Code, Message, Decline string
	Registered, Changed, Waits, Looked, Subscription, Link, LinkText, Metadata, Values         string
	Period                                                                                     func(id, period string) string
	Lease, Queries                                                                             string
	QueriesText                                                                                func(polls, notFounds Number) string
	Story, History, Attempt, NotKept                                                           string
}

// PagesFind is where a reference has several payments, or none.
type PagesFind struct {
	Several, NotAKey, NotAKeyText, None, NoneText string
}

// PagesSubscriptions is subscriptions and their calendar.
type PagesSubscriptions struct {
	Title, Calendar, State, All, Active, Paused, Ended, None, NoneYet, Subscription, Amount, NextDue, Reason string
	NotHere, NoSuch                                                                                          string
	Provider, Account, Added, Periods, Period, Due, Charges, Dunning, NextCharge, History, By, Itself        string
	CalendarAbout, Day, Count, Sum, NoneDue, Skipped, Missed, Unknown                                        string
	CalendarCut                                                                                              func(n Number) string
	NoSuchText                                                                                               func(id string) string
	Reasons, Actions                                                                                         map[string]string
}

// PagesRejected is tasks that became no payment.
type PagesRejected struct {
	Title, About, Reason, Payment, Message, Since, Task, None, Sealed string
	Shown                                                             func(shown, all Number) string
	Reasons                                                           map[string]string
}

// PagesHalts is providers to which nothing new is sent.
type PagesHalts struct {
	Title, About, Provider, Account, AllAccounts, Entry, None, Halt, HaltAbout, Unhalt, UnhaltOf, Hint, Done, Undone string
	BadAccount, BadProvider                                                                                          string
}
