package explain

import (
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
)

// words are all texts of this package in one language.
type words struct {
	// Notes are the notes that the rules write by themselves.
	Notes map[noted]string
	// Steps are the interventions of operators. Which one it was follows from the change. Their
	// sentences end with who and why.
	Steps map[change]string
	// Changes are the changes that the rules make without a note, or with a provider's; # stands
	// for the number of the attempt that begins; of other entries the history says only how many
	// had begun by then.
	Changes map[change]string
	// Plain are the words where no more is known than the state.
	Plain map[idempotency.State]string
	// Meanings say what a state means.
	Meanings map[idempotency.State]string
	// Codes are the codes that remesa gives by itself.
	Codes map[string]string
	// Anomalies are the kinds of contradiction.
	Anomalies map[string]string
	Who       map[Who]string
	Phrases   phrases
	Advice    advice
	Waits     waits
}

// phrases put the texts together.
type phrases struct {
	// ReadyOpen is the meaning of ready where an attempt may have been executed.
	ReadyOpen      string
	Gap            string
	Anomaly        func(kind, words string) string
	AnomalyUnknown func(kind string) string
	// Difference tells an anomaly that an operator recorded.
	Difference     func(kind, by string) string
	AnomalyCleared func(by string) string
	By             func(note string) string
	Note           func(note string) string
	State          func(state idempotency.State, label, meaning string) string
	NoAttempt      string
	Attempts       func(n i18n.Number) string
	AttemptsOpen   func(n i18n.Number) string
	AttemptsClosed func(n i18n.Number) string
	ProviderID     func(id string) string
	Code           func(code, words, message string) string
	Sealed         string
	Parked         func(reason string) string
	Quoted         func(message string) string
}

// advice is what must happen next.
type advice struct {
	Queued, Sending, InDoubt, Pending, PendingPayer, Failed, None string
	// Blocked is by the brake that stopped it; the empty one stands for any other.
	Blocked map[idempotency.Brake]string
	// Held is by the code; the empty one stands for any other.
	Held map[string]string
	// Anomaly is by its kind; "refused_after" stands for all that begin so, the empty one for any
	// other.
	Anomaly map[string]string
}

// waits say what a parked payment waits for.
type waits struct {
	Halt                                string
	HaltOfAccount                       func(account string) string
	AccountFor                          func(account, paymentType string) string
	Account, Circuit, Throttled         func(account string) string
	FingerprintKeyed, FingerprintPlain  string
	NoKeys, Key, Rate, RateQuery, Queue string
}
