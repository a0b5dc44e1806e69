package explain

import (
	"fmt"
	"strings"

	"github.com/remesa/remesa/idempotency"
)

// unknown is the state before a gap in the history.
const unknown idempotency.State = "unknown"

// tell returns the words for an entry of the history. before is the state of the entry before it,
// empty for the first.
func tell(before idempotency.State, e idempotency.AuditEntry) string {
	if kind, is := strings.CutPrefix(e.Note, "anomaly: "); is {
		if words := anomalyWords[kind]; words != "" {
			return "A contradiction came up (anomaly " + kind + "): " + words + "."
		}
		return "A contradiction came up (anomaly " + kind + ")."
	}
	if by, is := strings.CutPrefix(e.Note, "anomaly cleared "); is {
		return "An operator cleared the anomaly (" + readable(by) + ")."
	}
	if words := noteWords[noted{e.State, e.Note}]; words != "" {
		return words
	}
	if words := noteWords[noted{"", e.Note}]; words != "" && e.Note != "" {
		return words
	}
	note := readable(e.Note)
	if note != "" && (note == sealedText || strings.HasPrefix(note, "by ")) {
		if words := stepByHand[change{before, e.State}]; words != "" {
			return words + " (" + note + ")."
		}
	}
	words := changeWords[change{before, e.State}]
	if words == "" {
		words = plain[e.State]
	}
	words = strings.ReplaceAll(words, "#", fmt.Sprint(e.Attempt))
	if note != "" {
		words += fmt.Sprintf(" The note says: %s.", strings.TrimSuffix(note, "."))
	}
	return words
}

// noted is a state and a note that the rules write with it; an empty state stands for any.
type noted struct {
	state idempotency.State
	note  string
}

const (
	askedFirst = " The provider is queried before anything is sent again."
	cannotAsk  = " The provider cannot be queried about it, so it is held: an operator decides, and it is not sent again."
)

// noteWords are the notes that the rules write by themselves.
var noteWords = map[noted]string{
	{idempotency.Failed, "deadline passed"}: "Its deadline passed while no attempt on record might have been executed, so it failed.",
	{idempotency.Held, "deadline passed"}:   "Its deadline passed while an attempt may have been executed, so it was not failed, and is held for an operator.",

	{idempotency.Ready, "lease lapsed"}: "The attempt did not report back while it owned the payment. It had not come to the step that moves money, " +
		"so the payment may be sent again.",
	{idempotency.InDoubt, "lease lapsed"}: "The attempt did not report back while it owned the payment, which may have been executed." + askedFirst,
	{idempotency.Held, "lease lapsed"}:    "The attempt did not report back while it owned the payment, which may have been executed." + cannotAsk,

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
	{idempotency.InDoubt, "it must be queried first"}:          "What the attempt reported leaves open whether the payment was executed." + askedFirst,
	{idempotency.Held, "it must be queried first"}:             "What the attempt reported leaves open whether the payment was executed." + cannotAsk,
	{idempotency.InDoubt, "a late result must be queried"}:     "This attempt sent nothing, but another one's report is open." + askedFirst,
	{idempotency.Held, "a late result must be queried"}:        "This attempt sent nothing, but another one's report is open." + cannotAsk,

	{idempotency.InDoubt, "the store forgot sends; this may be one of them"}: "The store is known to have forgotten sends, and this may be one " +
		"of them." + askedFirst,
	{idempotency.Held, "the store forgot sends; this may be one of them"}: "The store is known to have forgotten sends, and this may be one of " +
		"them." + cannotAsk,
	{idempotency.InDoubt, "recorded again: the store had lost it"}: "The store had lost the payment, and a worker that held it recorded it again: it " +
		"may have been executed." + askedFirst,
	{idempotency.Held, "recorded again: the store had lost it"}: "The store had lost the payment, and a worker that held it recorded it again: it " +
		"may have been executed." + cannotAsk,
}

// change is from one state to another, or an entry in the same state.
type change struct{ from, to idempotency.State }

// stepByHand are the interventions of operators. Which one it was follows from the change.
var stepByHand = map[change]string{
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
}

const (
	refused   = "Status queries found that the provider refused it, and no other attempt may have been executed, so it failed."
	found     = "A status query found that it was executed, so it succeeded."
	foundWait = "A status query found that the provider has it and decides later. It is not sent again."
	unusable  = "A worker could not use its details as they are stored. It was not failed, because an attempt may have been executed, or be forgotten, or the " +
		"details may have been tampered with: it is held for an operator."
	rejected = "A worker could not use its details as they are stored, and no attempt on record may have been executed, so it failed."
)

// changeWords are the changes that the rules make without a note, or with a provider's; # stands
// for the number of the attempt that begins; of other entries the history says only how many had
// begun by then.
var changeWords = map[change]string{
	{"", idempotency.Queued}:                     "It was registered, and waits to be sent.",
	{idempotency.Queued, idempotency.Sending}:    "Attempt # began: from here on its request may leave.",
	{idempotency.Ready, idempotency.Sending}:     "Attempt # began: from here on its request may leave.",
	{idempotency.Queued, idempotency.Blocked}:    "It was blocked before it was sent. It is not sent until an operator releases it.",
	{idempotency.Queued, idempotency.Failed}:     rejected,
	{idempotency.Ready, idempotency.Failed}:      rejected,
	{idempotency.Ready, idempotency.Blocked}:     "It was blocked before it was sent again. It is not sent until an operator releases it.",
	{idempotency.Queued, idempotency.Held}:       unusable,
	{idempotency.Ready, idempotency.Held}:        unusable,
	{idempotency.Sending, idempotency.Ready}:     "The attempt was not executed, so the payment may be sent again.",
	{idempotency.Sending, idempotency.Succeeded}: "The attempt reported that the payment was executed, so it succeeded.",
	{idempotency.Sending, idempotency.Failed}:    "The attempt reported that the provider refused it, and no other may have been executed, so it failed.",
	{idempotency.Sending, idempotency.Pending}:   "The attempt reported that the provider has the payment and decides later. It is not sent again.",
	{idempotency.Sending, idempotency.InDoubt}:   "The attempt ended, and it is open whether the payment was executed." + askedFirst,
	{idempotency.Sending, idempotency.Held}:      "The attempt ended, and no machine can decide what became of the payment: it is held for an operator.",
	{idempotency.InDoubt, idempotency.Held}:      "No machine can decide what became of it: it is held for an operator, and not sent again.",
	{idempotency.Pending, idempotency.Held}:      "No machine can decide what became of it: it is held for an operator, and not sent again.",
	{idempotency.Ready, idempotency.Succeeded}:   found,
	{idempotency.InDoubt, idempotency.Succeeded}: found,
	{idempotency.Pending, idempotency.Succeeded}: found,
	{idempotency.Held, idempotency.Succeeded}:    found,
	{idempotency.InDoubt, idempotency.Failed}:    refused,
	{idempotency.Pending, idempotency.Failed}:    refused,
	{idempotency.Held, idempotency.Failed}:       refused,
	{idempotency.Ready, idempotency.Pending}:     foundWait,
	{idempotency.InDoubt, idempotency.Pending}:   foundWait,
}

// plain are the words where no more is known than the state.
var plain = map[idempotency.State]string{
	idempotency.Queued:    "It waits to be sent.",
	idempotency.Sending:   "An attempt has the payment.",
	idempotency.Ready:     "It may be sent again.",
	idempotency.InDoubt:   "It is open whether it was executed." + askedFirst,
	idempotency.Pending:   "The provider has it and decides later.",
	idempotency.Held:      "It is held for an operator.",
	idempotency.Blocked:   "It is blocked.",
	idempotency.Succeeded: "It succeeded.",
	idempotency.Failed:    "It failed.",
	idempotency.Reversed:  "It was reversed.",
}
