package i18n

// Overview is the first page: what was paid, what is under way, and what needs a person.
type Overview struct {
	Paid      OverviewPaid
	Now       OverviewNow
	Charts    OverviewCharts
	Health    OverviewHealth
	Attention OverviewAttention
	// StartLive and StopLive are links; Live says that the page renews itself.
	StartLive, StopLive, Live string
}

// OverviewPaid is the table of what was paid.
type OverviewPaid struct {
	Title, About, None                            string
	Provider, Currency, Today, Week, Month, Total string
	FailedMonth                                   string
	Count, Sum                                    string
	// Unsummed says how many are not in a sum.
	Unsummed func(n Number) string
	// Until, Since, Missed, Ahead and Unread say what the figures are worth.
	Until           func(at string) string
	Since           func(provider, at string) string
	Missed          func(provider string, n Number) string
	Ahead           func(provider string) string
	Unread          func(provider string) string
	NotYet, Meaning string
}

// OverviewNow is the table of the payments in each state.
type OverviewNow struct {
	Title, State, Sum, Anomalies, InFlight string
	FailedMonth                            string
	MoreThan                               func(sum string) string
	// Counting and Counted are about a sum that the page did not read by itself.
	Counting          string
	Counted           func(from, to string) string
	None, NonePartial string
}

// OverviewCharts are the charts.
type OverviewCharts struct {
	Title, Numbers, Empty            string
	Throughput, TakenIn, Settled     string
	Outcomes                         string
	Times, Payments, Hour, Day, Took string
	Rate, NoOutcome                  string
	Percent                          func(number string) string
	// Within is a time at most, Above one that is longer.
	Within, Above func(time string) string
}

// OverviewHealth is the table of the providers.
type OverviewHealth struct {
	Title                                                                 string
	About                                                                 func(worker string) string
	Account, Circuit, Token, LastSuccess, Failures, Rate, Halted          string
	Closed, Open, Probing, NoToken, NoRate, NotHalted, NoOutcome, NoneYet string
	TokenRenewed                                                          func(age, renews string) string
	LastAt                                                                func(at, age string) string
	Failed                                                                func(failed, of Number, share string) string
	Doubts                                                                func(n Number) string
	PerSecond                                                             func(rate string) string
}

// OverviewAttention is what needs a person.
type OverviewAttention struct {
	Anomalies, AnomaliesAbout, Held, HeldAbout, InDoubt, InDoubtAbout, Blocked, BlockedAbout string
	// MoreThan and AtLeast qualify a count or a sum.
	MoreThan, AtLeast               func(text string) string
	Sum, Payment, Amount, For, Next string
	None, NonePartial, Since        string
	// Shown says how many of a long list are shown, and how many are not.
	Shown                              func(shown Number, rest string) string
	All                                string
	Partial                            func(provider string) string
	SubscriptionsUnread                string
	Forgot, ForgotAbout, Declared      string
	Missing                            func(n Number) string
	MissingUnknown                     string
	Rejected, RejectedAbout, Reason    string
	Task, RejectedNewest, RejectedMore string
	Halts, HaltsAbout                  string
	HaltedAccount                      func(name string) string
	AllAccounts                        string
	Due                                string
	DueSince                           func(at, age string) string
}
