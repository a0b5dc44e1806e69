package rules

// safeguard names a rule without which a payment can be sent twice, forgotten, or recorded falsely.
// A build with the tag "mutants" can leave one out, and a test then requires that the search or a
// row of the conformance suite fails. In the ordinary build leftOutInTest is always false.
type safeguard string

const (
	reportedFateIsFinal           safeguard = "a report of an attempt that has reported changes nothing"
	lapsedIsInDoubt               safeguard = "an attempt whose lease lapsed is in doubt, not ready"
	refusalNeedsNoOther           safeguard = "a refusal fails the payment only if no other attempt may have left"
	knownCountsAsOpen             safeguard = "an attempt that the provider knows counts like an open one"
	notFoundAfterSettleTime       safeguard = "not found counts only when queried settle time after the last attempt's end"
	notFoundConfirmed             safeguard = "not found counts only when it is confirmed"
	refusalReadTwice              safeguard = "a refusal is believed only when it is read twice"
	statusResultCarriesItsVersion safeguard = "a status result for an older version changes nothing"
	oneOwner                      safeguard = "while an attempt is sending no other begins"
	queryBeforeSendingAgain       safeguard = "a payment that may have left is queried, never begun"
	checkpointNeedsTheLease       safeguard = "a checkpoint after the lease, or of another attempt, is refused"
	expiryHoldsOpenAttempts       safeguard = "a deadline fails no payment that may have left"
	expiryNeedsAStatusResult      safeguard = "a payer's time ends a payment only by a status result that found it unpaid"
	twoSuccessesAreTwo            safeguard = "two attempts that succeeded are an anomaly"
	watchLaterExecution           safeguard = "a payment that may be executed later is watched"
	contradictionIsAnomaly        safeguard = "a success of a failed payment is an anomaly"
	differenceTakesNoPlace        safeguard = "a statement's difference takes no other anomaly's place"
	cancelNeedsNothingLeft        safeguard = "what may have left is not cancelled"
	retryNeedsNothingLeft         safeguard = "what may have left is not retried without accepting the risk"
	unknownAttemptIsKept          safeguard = "a result of an attempt that the record lacks is kept"
	tombstoneStopsLateBegin       safeguard = "an attempt released before its Begin never begins"
	resendIsBounded               safeguard = "a payment is sent again at most as often as the policy says"
	foreignIsNotAccepted          safeguard = "what was there before our first attempt is not taken for ours"
	settleTimeBeforeNotReceived   safeguard = "not received is declared only after the settle time"
	lateDoubtRestartsTheCounts    safeguard = "a late doubt moves the attempt's end and restarts the counts"
	otherSuccessStopsTheNextSend  safeguard = "another attempt's success stops a checkpoint and decides at the owner's end"
	queryFirstAfterLatePending    safeguard = "a late pending is queried when the owner ends"
	moneyStepReachedIsOpen        safeguard = "a report that the money step was reached opens the attempt, with or without a checkpoint"
	countsRestartWithEachBegin    safeguard = "the counts of status results begin anew with each attempt"
	quietTimeInANewEpoch          safeguard = "in a new epoch of the store nothing is sent until workers have reported"
	sequenceProvesLoss            safeguard = "a store that counts fewer sends than a worker has seen has forgotten sends"
	suspectIsQueriedFirst         safeguard = "what the store may have forgotten is queried before it is sent"
)

// safeguards lists all safeguards.
func safeguards() []safeguard {
	return []safeguard{
		reportedFateIsFinal, lapsedIsInDoubt, refusalNeedsNoOther, knownCountsAsOpen, notFoundAfterSettleTime, notFoundConfirmed,
		refusalReadTwice, statusResultCarriesItsVersion, oneOwner, queryBeforeSendingAgain, checkpointNeedsTheLease, expiryHoldsOpenAttempts,
		expiryNeedsAStatusResult, twoSuccessesAreTwo, watchLaterExecution, contradictionIsAnomaly, differenceTakesNoPlace, cancelNeedsNothingLeft,
		retryNeedsNothingLeft, unknownAttemptIsKept, tombstoneStopsLateBegin, resendIsBounded, foreignIsNotAccepted,
		settleTimeBeforeNotReceived, lateDoubtRestartsTheCounts, otherSuccessStopsTheNextSend, queryFirstAfterLatePending,
		moneyStepReachedIsOpen, countsRestartWithEachBegin, quietTimeInANewEpoch, sequenceProvesLoss, suspectIsQueriedFirst,
	}
}
