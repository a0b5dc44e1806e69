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

// path is how a payment comes to a step, and what becomes of it under hold when the worker dies there.
type path struct {
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

func paths() map[engine.Step]path {
	return map[engine.Step]path{
		engine.StepRegister:   {full: true},
		engine.StepRegistered: {full: true},
		engine.StepDue:        {unwoken: true},
		engine.StepWake:       {unwoken: true, rewake: rewake},
		engine.StepWoken:      {},
		engine.StepBegin:      {},
		engine.StepBegun:      {mayBeHeld: true},
		engine.StepSend:       {mayBeHeld: true},
		engine.StepWrite:      {mayBeHeld: true},
		engine.StepWritten:    {mayBeHeld: true}, // the socket may die before the provider has read from it
		engine.StepRead:       {},
		engine.StepSent:       {},
		engine.StepFinish:     {},
		engine.StepFinished:   {},
		engine.StepRelease:    {fault: refused, mayBeHeld: true},
		engine.StepReleased:   {fault: refused},
		engine.StepAsk:        {fault: doubtful},
		engine.StepQuestion:   {fault: doubtful},
		engine.StepStatus:     {fault: doubtful},
		engine.StepAnswer:     {fault: doubtful},
		engine.StepAnswered:   {fault: doubtful},
	}
}

func TestEveryStepHasAPath(t *testing.T) {
	t.Parallel()
	for _, s := range engine.Steps() {
		if _, ok := paths()[s]; !ok {
			t.Errorf("no payment is led past %q", s)
		}
	}
	for s := range paths() {
		if !slices.Contains(engine.Steps(), s) {
			t.Errorf("%q is no step", s)
		}
	}
}

// stumble is one worker that fails at one step, and another that takes over.
type stumble struct {
	*world
	step      engine.Step
	path      path
	file      string
	doomed    *processtest.Process
	reference string
}

// newStumble returns once the doomed worker has reached its step.
func newStumble(t *testing.T, b *bank, step engine.Step, signal, policy string) *stumble {
	t.Helper()
	w := newWorldIn(t, brisk(), redistest.Start(t, redistest.Appendonly("always")), b, "REMESA_ON_NOT_FOUND", policy)
	s := &stumble{world: w, step: step, path: paths()[step], file: w.faultFile()}
	if policy == resend {
		s.proveLookup()
	}
	task := s.newPayment("fault")
	s.reference = task.Reference()
	if s.path.fault != plain {
		b.misbehave(sandbox.Fault{Kind: s.path.fault, Operation: sandbox.Send, Reference: s.reference, Next: 1})
	}
	if !s.path.unwoken && !s.path.full {
		s.submit(task)
	}
	s.doomed = w.hire(faulty, "REMESA_FAULT", fmt.Sprintf("%s:%s:1", step, signal), "REMESA_FAULT_FILE", s.file)
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
func (s *stumble) proveLookup() {
	s.t.Helper()
	s.submit(s.newPayment("proof"))
	p := s.hire(worker)
	s.awaitSettled(patience)
	eventually.NoError(s.t, patience, func() error {
		proof, err := s.rdb.HGet(context.Background(), "remesa:{virtualpos}:lookup", idempotency.DefaultAccount).Result()
		if err == nil && proof != "proven" {
			err = fmt.Errorf("the lookup is %q", proof)
		}
		return err
	})
	drain(p)
}

func (s *stumble) registerOnly(task tasks.Task) {
	s.t.Helper()
	ledger := idempotency.NewRedis(s.rdb, idempotency.Options{FirstWake: 100 * time.Millisecond})
	if _, err := ledger.Register(context.Background(), task.Registration(nil)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stumble) enqueueFull(task tasks.Task) {
	s.t.Helper()
	s.enqueueRaw(task.Type(), task.Payload())
}

// awaitFault is where a step that is never reached fails the test.
func (s *stumble) awaitFault() {
	s.t.Helper()
	eventually.NoError(s.t, patience, func() error {
		if _, err := os.Stat(s.file); err != nil {
			return fmt.Errorf("step %q was never reached", s.step)
		}
		return nil
	})
	s.strike()
}

// forgetAsynqLease is the minute that asynq waits before it takes a dead worker's task for lost: without a record of the payment yet,
// nothing but asynq knows of it.
func (s *stumble) forgetAsynqLease() {
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

func (s *stumble) fate(r rules) fate {
	s.t.Helper()
	return s.audit(r)[s.reference]
}

func TestAWorkerDiesAtEachStep(t *testing.T) {
	t.Parallel()
	b := openBank(t)
	t.Run("steps", func(t *testing.T) {
		for _, policy := range either([]string{hold}, []string{hold, resend}) {
			for _, step := range engine.Steps() {
				t.Run(policy+" "+string(step), func(t *testing.T) {
					t.Parallel()
					dieAt(t, b, step, policy)
				})
			}
		}
	})
}

func dieAt(t *testing.T, b *bank, step engine.Step, policy string) {
	s := newStumble(t, b, step, "kill", policy)
	s.doomed.Exit(patience)
	s.forgetAsynqLease()
	s.work(1)
	s.awaitSettled(s.certainty() + s.path.rewake)
	s.drain()
	r := rules{}
	if s.path.mayBeHeld && policy == hold {
		r.mayHold = s.onlyWhereStruck
	}
	s.fate(r)
}

func TestAWorkerStopsAtEachStep(t *testing.T) {
	t.Parallel()
	short, longer := brisk().lease+800*time.Millisecond, brisk().doubt()+1500*time.Millisecond
	b := openBank(t)
	t.Run("steps", func(t *testing.T) {
		for name, stalls := range map[string]map[time.Duration][]engine.Step{
			hold: {short: engine.Steps(), longer: engine.Steps()},
			// With the check of the clock right before the write, a worker that stops at any step cannot send late.
			resend: {
				short:  either(nil, engine.Steps()),
				longer: either([]engine.Step{engine.StepBegun, engine.StepSend, engine.StepWrite}, engine.Steps()),
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
func stopAt(t *testing.T, b *bank, step engine.Step, policy string, stall time.Duration) {
	s := newStumble(t, b, step, "stop", policy)
	s.work(1)
	pause(stall)
	s.doomed.Cont()
	drain(s.doomed)
	s.awaitSettled(s.certainty())
	s.drain()
	if f := s.fate(rules{}); f.record.State != idempotency.Succeeded {
		t.Errorf("%s, want succeeded\n%s", f.record.State, f)
	}
}
