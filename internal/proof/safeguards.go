package main

// safeguard is one without which a payment can be sent twice, forgotten, or recorded falsely, and
// that stands outside the rules: those of the rules are idempotency/rules' own list.
type safeguard string

const (
	intentBeforeSend     safeguard = "an attempt is recorded before its first byte"
	fence                safeguard = "a decision is written only onto the record from which it was made"
	staleDecision        safeguard = "a decision from an old reading is not written"
	wholeOrNothing       safeguard = "a decision is written whole or not at all"
	guardHalted          safeguard = "a halt is checked in the step that begins an attempt"
	guardObject          safeguard = "an exclusive object is claimed in the step that registers its payment"
	guardOfPeriod        safeguard = "a period's charge is registered only while its guard names it"
	eventInTheSameStep   safeguard = "an outcome event is written in the same step as the change that it tells"
	replicasBeforeSend   safeguard = "the replicas that must acknowledge an attempt do so before it sends"
	payloadAsRegistered  safeguard = "what is sent is held against what was registered"
	timeLeftAfterBegin   safeguard = "an attempt that has no time left for its request sends nothing"
	timeLeftAtTheWrite   safeguard = "the time left is looked at once more right before the bytes go out"
	bytesDecide          safeguard = "not sent is proven by counted bytes"
	nothingAfterTheEnd   safeguard = "an exchange that counts as not sent hands over no byte afterwards"
	neverRepeated        safeguard = "net/http cannot send a request a second time"
	panicIsDoubt         safeguard = "after a panic of an adapter the payment is in doubt"
	echoesAreCompared    safeguard = "what a status result repeats must be ours"
	answersAreCompared   safeguard = "what the answer to a send repeats must be ours"
	lostRecordIsRestored safeguard = "a result whose record the store lost is recorded again"
	resultsArePersisted  safeguard = "a result is written however long it takes"
	checkpointFirst      safeguard = "a checkpoint that fails stops the step that can move money"
	compareAndRenew      safeguard = "a slow holder overwrites no successor's token"
	oneRenewal           safeguard = "one worker renews a token at a time"
	refusedTokenOnce     safeguard = "a refused token is offered no second time"
	epochInTheSameStep   safeguard = "an attempt begins only in the store's present epoch and run"
	forgottenBeforeSend  safeguard = "the first send after a loss that its worker can prove is not made"
	reportedAgain        safeguard = "workers report again to a store that has forgotten"
	otherNumberRefused   safeguard = "a process with another number of partitions is refused"
	numberInTheEpoch     safeguard = "what makes a record holds the number of partitions in the same step"
	numberOfAHalt        safeguard = "a halt holds the number of partitions in the same step"
	numberOfUsedStore    safeguard = "a store with payments from before takes no other number of partitions"
	nothingMovedMidSend  safeguard = "no payment is moved while it is being sent"
	leavesFirst          safeguard = "a payment leaves its partition before it comes into another"
	broughtBackByNobody  safeguard = "a move that stood still brings no payment back"
	haltsMoveFirst       safeguard = "halts come into a new partition before its payments"
	wrongPartition       safeguard = "what is recorded in a wrong partition is reported and not sent"
	oneStepElsewhere     safeguard = "what must change in one step is refused in another partition"
)

// safeguards lists all safeguards.
func safeguards() []safeguard {
	return []safeguard{
		intentBeforeSend, fence, staleDecision, wholeOrNothing, guardHalted, guardObject, guardOfPeriod, eventInTheSameStep, replicasBeforeSend,
		payloadAsRegistered, timeLeftAfterBegin, timeLeftAtTheWrite, bytesDecide, nothingAfterTheEnd, neverRepeated, panicIsDoubt,
		echoesAreCompared, answersAreCompared, lostRecordIsRestored, resultsArePersisted, checkpointFirst, compareAndRenew, oneRenewal,
		refusedTokenOnce, epochInTheSameStep, forgottenBeforeSend, reportedAgain,
		otherNumberRefused, numberInTheEpoch, numberOfAHalt, numberOfUsedStore, nothingMovedMidSend, leavesFirst, broughtBackByNobody, haltsMoveFirst,
		wrongPartition, oneStepElsewhere,
	}
}

// mutant leaves one safeguard out: a build in which one text of one file is another.
type mutant struct {
	safeguard
	file, was, is string
	// folder and test name what must fail then; without a test a seed of the simulation must.
	folder, test string
}

func mutants() []mutant {
	return []mutant{
		{intentBeforeSend, "idempotency/ledger.go", "if err != nil || change.Empty() {", "if err != nil || change.Empty() || change.Record.State == rules.Sending {", "", ""},
		{fence, "internal/kv/commit.lua", "if (call('GET', KEYS[d[1]]) or '') ~= d[2] then", "if false then", "internal/kv", "TestADecisionIsWrittenWholeOrNotAtAll"},
		{staleDecision, "internal/kv/commit.lua", "if math.abs(now - d[3]) > ARGV[4] + 0 then", "if false then", "idempotency", "TestAProcessThatStoodStill"},
		{
			wholeOrNothing, "internal/kv/commit.lua", "then return {n, answer} end", "then return 0 end",
			"internal/kv", "TestADecisionIsWrittenWholeOrNotAtAll",
		},
		{
			guardHalted, "idempotency/redis.go", `out.Neither(p.halted(), AllAccounts, d.Key.Account)`, `out.Neither(p.halted(), d.Key.Account, d.Key.Account)`,
			"idempotency", "TestConformance",
		},
		{
			guardObject, "idempotency/redis.go", `out.Guard("GET", p.object(d.Key.Account, d.Object), "", "", id)`, `_ = id`,
			"idempotency", "TestConformance",
		},
		{
			guardOfPeriod, "idempotency/redis.go", `out.Guard("GET", d.ChargeGuard, "", id, id)`, `_ = id`,
			"idempotency", "TestAPaymentIsRecordedOnlyWhileItsPermitNamesIt",
		},
		{
			eventInTheSameStep, "idempotency/redis.go", "out.Append(entry(d.Key, e, d.EpochNumber), d.OutcomesRetention)", "_ = e",
			"idempotency", "TestConformance",
		},
		{
			replicasBeforeSend, "idempotency/attempts.go", "if errors.Is(err, ErrReplicas) || errors.Is(err, ErrForgot) {",
			"if errors.Is(err, ErrReplicas) {\n\t\treturn l.beginResult(k, t, begun, b.Attempt), nil\n\t}\n\tif errors.Is(err, ErrForgot) {",
			"idempotency", "TestReplicasMustAcknowledge",
		},
		{
			payloadAsRegistered, "internal/engine/verify.go", "return t, e.matchRegistered(t, b.Registered)", "return t, nil",
			"internal/engine", "TestWhatIsNotAsRegisteredIsHeldUnsent",
		},
		{
			timeLeftAfterBegin, "internal/engine/send.go", "if pastDeadline(e.Now(), sendBy) {", "if false {",
			"internal/engine", "TestTheDeadlineOfAnAttempt",
		},
		{timeLeftAtTheWrite, "providers/wire/exchange.go", "	if x.late() {\n", "	if false {\n", "providers/wire", "TestNothingLeavesAfterSendBy"},
		{bytesDecide, "providers/wire/exchange.go", "return x.writing || x.bytes > 0\n}\n\n// listening", "return false\n}\n\n// listening", "", ""},
		{
			nothingAfterTheEnd, "providers/wire/exchange.go", "	if x.over {\n		return errOver\n	}\n	if x.late()", "	if x.late()",
			"providers/wire", "TestNothingLeavesOnceAnExchangeCountsAsNotSent",
		},
		{
			neverRepeated, "providers/wire/wire.go", "	req.GetBody = nil\n", "",
			"providers/wire", "TestARequestCannotBeRepeatedByItsMaking",
		},
		{
			panicIsDoubt, "internal/engine/send.go", `r = attemptResult{outcome: providers.Outcome{Class: providers.InDoubt, Code: "panic"}`,
			`r = attemptResult{err: &providers.NotSent{Reason: "panic"}, outcome: providers.Outcome{Class: providers.InDoubt, Code: "panic"}`,
			"internal/engine", "TestAPaymentEndsAsItsProviderSays",
		},
		{
			echoesAreCompared, "internal/engine/query.go", "if field := differs(q, o.Echo); field != \"\" {", "if field := differs(q, o.Echo); false {",
			"internal/engine", "TestAPaymentEndsAsItsProviderSays",
		},
		{
			answersAreCompared, "internal/engine/send.go", "if field := differs(q, o.Echo); field != \"\" {", "if field := differs(q, o.Echo); false {",
			"internal/engine", "TestAnOutcomeOfAnotherPaymentGivesNoID",
		},
		{
			lostRecordIsRestored, "internal/engine/send.go", "if !errors.Is(err, idempotency.ErrUnknown) || !report.MoneyStepReached", "if true || !report.MoneyStepReached",
			"internal/engine", "TestAResultThatTheStoreForgotIsKept",
		},
		{
			resultsArePersisted, "internal/engine/persist.go", "if !e.pause(exponential(firstRetryDelay, maxRetryDelay, n)) {\n			logLost(e.Log.Error(), k, operation, o).Err(err).Msg(\"RESULT NOT",
			"if n > 3 {\n			logLost(e.Log.Error(), k, operation, o).Err(err).Msg(\"RESULT NOT", "internal/engine", "TestAResultIsWrittenHoweverLongItTakes",
		},
		{
			checkpointFirst, "providers/pagandocheck/twostep.go", `true); err != nil {`, `true); false && err != nil {`,
			"providers/pagandocheck", "TestAnAttemptThatOwnsThePaymentNoMoreSendsNothing",
		},
		{
			compareAndRenew, "providers/auth/lua/keep.lua", "if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end", "",
			"providers/auth", "TestASlowFormerHolderOverwritesNothing",
		},
		{oneRenewal, "providers/auth/lua/claim.lua", "return {'busy'}", "lock = nil", "providers/auth", "TestAClaimReturnsOneOfFour"},
		{
			refusedTokenOnce, "providers/auth/source.go", "	s.current.rejected = true\n", "",
			"providers/auth", "TestOneExchangeRenewsOnceAndRepeatsOnce",
		},
		{
			epochInTheSameStep, "idempotency/redis.go", "	out.InEpoch(d.inEpoch())\n", "",
			"idempotency", "TestConformance",
		},
		{
			forgottenBeforeSend, "idempotency/epoch.go", "	if sequence <= before.sequence {\n", "	if false {\n",
			"idempotency", "TestConformanceInMemory",
		},
		{
			reportedAgain, "internal/engine/epoch.go", "	if len(again) == 0 {\n		return nil", "	if len(again) >= 0 {\n		return nil",
			"internal/engine", "TestAnEmptiedStoreIsFilledAgainByItsWorkers",
		},
		{
			otherNumberRefused, "idempotency/redis_partitions.go", "		if number != \"\" && number != strconv.Itoa(want) {\n", "		if false {\n",
			"idempotency", "TestAnotherNumberOfPartitionsIsRefused",
		},
		{
			numberInTheEpoch, "idempotency/redis_partitions.go", "		c.Write(\"SET\", key, e.Text())\n", "",
			"idempotency", "TestAProcessThatRunsOnWithTheOldNumberRecordsNothing",
		},
		{
			numberOfAHalt, "idempotency/redis_partitions.go", "		c.Guard(\"EXISTS\", key, \"\", \"0\", \"0\")\n		return\n", "		return\n",
			"idempotency", "TestAProcessThatRunsOnWithTheOldNumberRecordsNothing",
		},
		{
			numberOfUsedStore, "idempotency/redis_partitions.go", "append(used, keys.states(), kv.OutcomesKey(p.Provider))", "used[:0]",
			"idempotency", "TestPaymentsFromBeforeThereWerePartitionsAreNotOverlooked",
		},
		{
			nothingMovedMidSend, "idempotency/raise.go", "r.LeaseEnd > rules.Time(now)", "r.LeaseEnd > rules.Time(now) && false",
			"idempotency", "TestRaisingRefusesWhatItMust",
		},
		{
			leavesFirst, "idempotency/raise.go", "			c.Write(\"DEL\", keys.record(f.ID))\n", "",
			"idempotency", "TestRaisingThePartitionsLosesNothing",
		},
		{
			broughtBackByNobody, "idempotency/raise.go", "		c.Guard(\"GET\", keys.partitions(), \"\", m.mark, m.mark)\n		c.Write(\"SET\", keys.record(f.ID)",
			"		c.Write(\"SET\", keys.record(f.ID)", "idempotency", "TestAMoveThatStoodStillBringsNothingBack",
		},
		{
			haltsMoveFirst, "idempotency/raise.go", "c.Write(\"HSET\", keys.halted(), account, entry)", "_, _ = account, entry",
			"idempotency", "TestRaisingThePartitionsLosesNothing",
		},
		{
			wrongPartition, "idempotency/attempts.go", "got.Text != \"\" && l.PartitionOf(k) != part:", "false:",
			"idempotency", "TestAPaymentInTheWrongPartitionIsReported",
		},
		{
			oneStepElsewhere, "idempotency/attempts.go", "err = l.placeable(r)", "_ = l.placeable(r)",
			"idempotency", "TestWhatMustChangeInOneStepIsRefusedElsewhere",
		},
	}
}
