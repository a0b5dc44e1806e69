package faulttest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/engine"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/tasks"
)

// How a payment passes a fault point.
const (
	plain    = ""              // it is sent and paid
	refused  = "throttled"     // its first request is refused before execution
	doubtful = "hang_up_after" // it is paid, and the response is lost: it must be queried
)

// faultPath is how a payment comes to a fault point, and what becomes of it under hold when the
// worker dies there.
type faultPath struct {
	fault string
	// full: the task comes from a plain asynq client, with all its data.
	full bool
	// unwoken: registered by a process that died before it enqueued a wake-up.
	unwoken bool
	// mayBeHeld: only the dead worker knew whether anything was sent. It is held, if the provider
	// does not know it.
	mayBeHeld bool
	// nextWake is how long the payment waits for its next wake-up, where the worker died after it
	// took the last one.
	nextWake time.Duration
}

func paths() map[engine.FaultPoint]faultPath {
	return map[engine.FaultPoint]faultPath{
		engine.PointRegister:       {full: true},
		engine.PointRegistered:     {full: true},
		engine.PointDue:            {unwoken: true},
		engine.PointWake:           {unwoken: true, nextWake: wakeUpDelay},
		engine.PointWoken:          {},
		engine.PointBegin:          {},
		engine.PointBegun:          {mayBeHeld: true},
		engine.PointSend:           {mayBeHeld: true},
		engine.PointWrite:          {mayBeHeld: true},
		engine.PointWritten:        {mayBeHeld: true}, // the socket may die before the provider has read from it
		engine.PointRead:           {},
		engine.PointSent:           {},
		engine.PointFinish:         {},
		engine.PointFinished:       {},
		engine.PointRelease:        {fault: refused, mayBeHeld: true},
		engine.PointReleased:       {fault: refused},
		engine.PointQuery:          {fault: doubtful},
		engine.PointQuerySend:      {fault: doubtful},
		engine.PointQueryDone:      {fault: doubtful},
		engine.PointStatusRecord:   {fault: doubtful},
		engine.PointStatusRecorded: {fault: doubtful},
	}
}

func TestEveryStepHasAPath(t *testing.T) {
	t.Parallel()
	for _, s := range engine.FaultPoints() {
		if _, ok := paths()[s]; !ok {
			t.Errorf("no payment is led past %q", s)
		}
	}
	for s := range paths() {
		if !slices.Contains(engine.FaultPoints(), s) {
			t.Errorf("%q is no step", s)
		}
	}
}

// faultRun is one worker that fails at one fault point, and another that takes over.
type faultRun struct {
	*fixture
	step      engine.FaultPoint
	path      faultPath
	file      string
	faulty    *processtest.Process
	reference string
}

// newFaultRun returns once the faulty worker has reached its fault point.
func newFaultRun(t *testing.T, b *simulatorProcess, step engine.FaultPoint, signal, policy string) *faultRun {
	t.Helper()
	w := newFixtureIn(t, fastTiming(), redistest.Start(t, redistest.Appendonly("always")), b, "REMESA_ON_NOT_FOUND", policy)
	s := &faultRun{fixture: w, step: step, path: paths()[step], file: w.faultFile()}
	if policy == resend {
		s.proveQuery()
	}
	task := s.newPayment("fault")
	s.reference = task.Reference()
	if s.path.fault != plain {
		b.setFaults(sandbox.Fault{Kind: s.path.fault, Operation: sandbox.SendOperation, Reference: s.reference, Next: 1})
	}
	if !s.path.unwoken && !s.path.full {
		s.submit(task)
	}
	s.faulty = w.startWorker(faulty, "REMESA_FAULT", fmt.Sprintf("%s:%s:1", step, signal), "REMESA_FAULT_FILE", s.file)
	switch {
	case s.path.unwoken:
		s.registerOnly(task)
	case s.path.full:
		s.enqueueFull(task)
	}
	s.awaitFault()
	return s
}

// proveQuery lets a first payment succeed and be queried, as the query proof: under resend nothing
// is sent again without it.
func (s *faultRun) proveQuery() {
	s.t.Helper()
	s.submit(s.newPayment("proof"))
	p := s.startWorker(worker)
	s.awaitSettled(testTimeout)
	eventually.NoError(s.t, testTimeout, func() error {
		proof, err := s.rdb.HGet(context.Background(), "remesa:{virtualpos}:query-proof", idempotency.DefaultAccount).Result()
		if err == nil && proof != "proven" {
			err = fmt.Errorf("the query proof is %q", proof)
		}
		return err
	})
	drain(p)
}

func (s *faultRun) registerOnly(task tasks.Task) {
	s.t.Helper()
	ledger := idempotency.NewRedis(s.rdb, idempotency.Options{FirstWake: 100 * time.Millisecond})
	if _, err := ledger.Register(context.Background(), task.Registration(nil)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *faultRun) enqueueFull(task tasks.Task) {
	s.t.Helper()
	s.enqueueRaw(task.Type(), task.Payload())
}

// awaitFault fails the test where the fault point is never reached.
func (s *faultRun) awaitFault() {
	s.t.Helper()
	eventually.NoError(s.t, testTimeout, func() error {
		if _, err := os.Stat(s.file); err != nil {
			return fmt.Errorf("step %q was never reached", s.step)
		}
		return nil
	})
	s.injectFault()
}

// forgetAsynqLease shortens the minute after which asynq gives up a dead worker's task: before the
// payment is registered, only asynq has it.
func (s *faultRun) forgetAsynqLease() {
	s.t.Helper()
	ctx, leases := context.Background(), "asynq:{virtualpos}:lease"
	ids, err := s.rdb.ZRange(ctx, leases, 0, -1).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, id := range ids {
		past := redisZ(id, time.Now().Add(-time.Minute))
		if err := s.rdb.ZAdd(ctx, leases, past).Err(); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *faultRun) fate(r allowances) auditedPayment {
	s.t.Helper()
	return s.audit(r)[s.reference]
}

func TestAWorkerDiesAtEachStep(t *testing.T) {
	t.Parallel()
	b := startSimulator(t)
	t.Run("steps", func(t *testing.T) {
		for _, policy := range either([]string{hold}, []string{hold, resend}) {
			for _, step := range engine.FaultPoints() {
				t.Run(policy+" "+string(step), func(t *testing.T) {
					t.Parallel()
					killAt(t, b, step, policy)
				})
			}
		}
	})
}

func killAt(t *testing.T, b *simulatorProcess, step engine.FaultPoint, policy string) {
	s := newFaultRun(t, b, step, "kill", policy)
	s.faulty.Exit(testTimeout)
	s.forgetAsynqLease()
	s.work(1)
	s.awaitSettled(s.certainty() + s.path.nextWake)
	s.drain()
	r := allowances{}
	if s.path.mayBeHeld && policy == hold {
		r.mayHold = s.faultsOnlyWhereInjected
	}
	s.fate(r)
}

func TestAWorkerStopsAtEachStep(t *testing.T) {
	t.Parallel()
	short, longer := fastTiming().lease+800*time.Millisecond, fastTiming().doubt()+1500*time.Millisecond
	b := startSimulator(t)
	t.Run("steps", func(t *testing.T) {
		for name, stalls := range map[string]map[time.Duration][]engine.FaultPoint{
			hold: {short: engine.FaultPoints(), longer: engine.FaultPoints()},
			// The clock is checked right before the write, so that a worker that stops at any fault
			// point cannot send late.
			resend: {
				short:  either(nil, engine.FaultPoints()),
				longer: either([]engine.FaultPoint{engine.PointBegun, engine.PointSend, engine.PointWrite}, engine.FaultPoints()),
			},
		} {
			for _, stall := range slices.Sorted(maps.Keys(stalls)) {
				for _, step := range stalls[stall] {
					t.Run(fmt.Sprintf("%s %s for %s", name, step, stall), func(t *testing.T) {
						t.Parallel()
						stopAt(t, b, step, name, stall)
					})
				}
			}
		}
	})
}

// stopAt: the late worker's result is accepted, so nothing stays held.
func stopAt(t *testing.T, b *simulatorProcess, step engine.FaultPoint, policy string, stall time.Duration) {
	s := newFaultRun(t, b, step, "stop", policy)
	s.work(1)
	pause(stall)
	s.faulty.Cont()
	drain(s.faulty)
	s.awaitSettled(s.certainty())
	s.drain()
	if f := s.fate(allowances{}); f.record.State != idempotency.Succeeded {
		t.Errorf("%s, want succeeded\n%s", f.record.State, f)
	}
}
