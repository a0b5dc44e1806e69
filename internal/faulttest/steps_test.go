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

// How a payment is led past a step.
const (
	plain    = ""              // it is sent and paid
	refused  = "throttled"     // its first request is refused before execution
	doubtful = "hang_up_after" // it is paid, and the answer is lost: it must be asked about
)

// faultPath is how a payment comes to a step, and what becomes of it under hold when the worker dies there.
type faultPath struct {
	fault string
	// full: the task comes from a plain asynq client, with all its data.
	full bool
	// unwoken: registered by a process that died before it woke anybody.
	unwoken bool
	// Without the worker that died nobody can tell whether anything was sent: held, if the provider does not know it.
	mayBeHeld bool
	// rewake is how long the payment waits for its next wake-up, where the worker died after it took the last one.
	rewake time.Duration
}

func paths() map[engine.FaultPoint]faultPath {
	return map[engine.FaultPoint]faultPath{
		engine.PointRegister:       {full: true},
		engine.PointRegistered:     {full: true},
		engine.PointDue:            {unwoken: true},
		engine.PointWake:           {unwoken: true, rewake: wakeUpDelay},
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

// faultRun is one worker that fails at one step, and another that takes over.
type faultRun struct {
	*fixture
	step      engine.FaultPoint
	path      faultPath
	file      string
	faulty    *processtest.Process
	reference string
}

// newStumble returns once the doomed worker has reached its step.
func newStumble(t *testing.T, b *simulatorProcess, step engine.FaultPoint, signal, policy string) *faultRun {
	t.Helper()
	w := newFixtureIn(t, fastTiming(), redistest.Start(t, redistest.Appendonly("always")), b, "REMESA_ON_NOT_FOUND", policy)
	s := &faultRun{fixture: w, step: step, path: paths()[step], file: w.faultFile()}
	if policy == resend {
		s.proveLookup()
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

// proveLookup lets a first payment succeed and be asked about: under resend nothing is sent again before that.
func (s *faultRun) proveLookup() {
	s.t.Helper()
	s.submit(s.newPayment("proof"))
	p := s.startWorker(worker)
	s.awaitSettled(testTimeout)
	eventually.NoError(s.t, testTimeout, func() error {
		proof, err := s.rdb.HGet(context.Background(), "remesa:{virtualpos}:lookup", idempotency.DefaultAccount).Result()
		if err == nil && proof != "proven" {
			err = fmt.Errorf("the lookup is %q", proof)
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

// awaitFault is where a step that is never reached fails the test.
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

// forgetAsynqLease is the minute that asynq waits before it takes a dead worker's task for lost: without a record of the payment yet,
// nothing but asynq knows of it.
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
	s := newStumble(t, b, step, "kill", policy)
	s.faulty.Exit(testTimeout)
	s.forgetAsynqLease()
	s.work(1)
	s.awaitSettled(s.certainty() + s.path.rewake)
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
			// With the check of the clock right before the write, a worker that stops at any step cannot send late.
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

// stopAt: what the late worker learns is adopted, so nothing stays held.
func stopAt(t *testing.T, b *simulatorProcess, step engine.FaultPoint, policy string, stall time.Duration) {
	s := newStumble(t, b, step, "stop", policy)
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
