package faulttest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"syscall"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/tasks"
)

// The test binary runs itself as a billing system that imports tasks.Client: a process that can be
// killed.
const (
	roleVariable = "REMESA_FAULTTEST_ROLE"
	addrVariable = "REMESA_FAULTTEST_REDIS"
	// dieBeforeWake submits the tasks of stdin and is killed after registering, before it enqueued
	// a wake-up.
	dieBeforeWake = "die-unwoken"
)

func runRole() int {
	rdb := redistest.Client(os.Getenv(addrVariable))
	defer rdb.Close()
	ledger := idempotency.NewRedis(rdb, idempotency.Options{})
	var ts []tasks.Task
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		task, err := tasks.Decode(lines.Bytes())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		ts = append(ts, task)
	}
	_, err := tasks.NewClient(dyingLedger{ledger}, rdb, tasks.ClientOptions{}).Submit(context.Background(), ts...)
	fmt.Fprintln(os.Stderr, "outlived its own death:", err)
	return 1
}

// dyingLedger is a ledger that kills its process as soon as the payments are registered.
type dyingLedger struct{ tasks.Ledger }

func (d dyingLedger) Register(ctx context.Context, rs ...idempotency.Registration) ([]idempotency.Registered, error) {
	registered, err := d.Ledger.Register(ctx, rs...)
	if err == nil {
		err = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return registered, err
}
