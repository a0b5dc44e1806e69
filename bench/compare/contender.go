package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/remesa/remesa/bench/process"
)

// What a contender needs beside Redis.
const (
	needsPostgres = "postgres"
	needsNode     = "node"
)

// contender is one way to pay.
type contender struct {
	name string
	// title is its row, promise what it guarantees of a payout.
	title, promise string
	needs          string
	system
	// steady: its latency is measured too.
	steady bool
	// bare: throughput is not measured; the row is there for another part.
	unmeasured bool
}

// system is how a contender is driven.
type system interface {
	// load queues payouts 0 to n-1 of a run, before any worker runs.
	load(ctx context.Context, s *stage, n int) error
	// work starts the workers, which serve once it returns.
	work(ctx context.Context, s *stage, inFlight int) ([]*process.Process, error)
	// settled reports whether the store holds no payout that is not done.
	settled(ctx context.Context, s *stage) (bool, error)
	// produce enqueues n payouts at a steady rate, one by one, and returns when each was due, in
	// Unix ns, by merchant id.
	produce(ctx context.Context, s *stage, rate, n int) (map[string]int64, error)
}

// Names of contenders that targets speak of.
const (
	nameRemesa    = "remesa"
	nameAsynq     = "asynq"
	nameAsynq8    = "asynq-8"
	nameAsynqFast = "asynq-5ms"
	nameNaive     = "asynq-naive"
	nameLedger    = "asynq-ledger"
	nameRiver     = "river"
	nameRiverTx   = "river-tx"
	nameBull      = "bullmq"
	nameBullMany  = "bullmq-cores"
)

func known(before string) []contender {
	cores := runtime.NumCPU()
	all := []contender{
		{name: nameRemesa, title: "**remesa**", system: remesa{}, steady: true,
			promise: "at most one send without a query between two; outcome and event in one step; intents survive what the store survives"},
		{name: nameAsynq, title: "asynq, bare", system: asynqPeer{}, steady: true,
			promise: "at least once: a crash or a lost reply pays again"},
		{name: nameAsynq8, title: "asynq, 8 servers in one process", system: asynqPeer{"-servers", "8"},
			promise: "at least once"},
		{name: nameAsynqFast, title: "asynq, bare, checking every 5 ms", system: asynqPeer{"-check", "5ms"}, steady: true, unmeasured: true,
			promise: "at least once"},
		{name: nameNaive, title: "asynq, SETNX before, SET after", system: asynqPeer{"-guard", "naive"},
			promise: "at most once; a payout whose worker dies is lost without a word"},
		{name: nameLedger, title: "asynq, a ledger in two Lua scripts", system: asynqPeer{"-guard", "ledger"},
			promise: "at most once; a payout whose worker dies is found, and left to a person"},
		{name: nameRiver, title: "River, payments table, batch completer", system: riverPeer{"batch"}, needs: needsPostgres, steady: true,
			promise: "at most once by the table; the outcome is committed before the job is done"},
		{name: nameRiverTx, title: "River, payments table, JobCompleteTx", system: riverPeer{"tx"}, needs: needsPostgres,
			promise: "as above, and outcome and job are done in one transaction"},
		{name: nameBull, title: "BullMQ, SETNX before, SET after", system: bullPeer{1}, needs: needsNode, steady: true,
			promise: "as asynq with this guard"},
		{name: nameBullMany, title: fmt.Sprintf("BullMQ, the same, %d processes", cores), system: bullPeer{cores}, needs: needsNode,
			promise: "as asynq with this guard"},
	}
	if before != "" {
		all = append(all, contender{name: before, title: "remesa at " + before, system: remesa{before}, steady: true, promise: "as remesa"})
	}
	return all
}

func names(cs []contender) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.name
	}
	return out
}
