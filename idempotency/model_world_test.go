package idempotency

import (
	"pgregory.net/rapid"

	"github.com/remesa/remesa/providers"
)

// modelWorld is a provider that honours no duplicate reference, and the workers that send to it. It knows what really happened.
type modelWorld struct {
	settle   int64
	stalls   bool // workers may hand bytes over after their lease
	nameless bool // the provider gives no ids
	tries    []*modelTry
}

// modelTry is one attempt as its worker and the provider see it.
type modelTry struct {
	id        uint8
	opensLate bool
	told      bool // its worker was told: send
	moves     bool // it came to the step that moves money
	leaseEnd  int64
	bytes     int64 // when its bytes were handed over, -1 before
	at        place
	report    *modelOutcome // what its worker says, again and again where the reply is lost
	after     int64
	excused   bool // a person accepted that it may be a double
}

// place is where a request is.
type place string

const (
	nowhere   place = "nowhere"
	inFlight  place = "in flight"
	accepted  place = "accepted" // the provider has it and decides later
	executed  place = "executed"
	declined  place = "declined"
	throttled place = "throttled" // refused before execution
	lost      place = "lost"
)

func (w *modelWorld) pid(y *modelTry) uint8 {
	if w.nameless {
		return 0
	}
	return y.id
}

func (w *modelWorld) executions() (all, unexcused int) {
	for _, y := range w.tries {
		if y.at == executed {
			all++
			if !y.excused {
				unexcused++
			}
		}
	}
	return all, unexcused
}

func (w *modelWorld) excuseAll() {
	for _, y := range w.tries {
		y.excused = true
	}
}

// mayWrite: the worker was told to send, has not given up, and its deadline has not passed.
func (w *modelWorld) mayWrite(y *modelTry, now int64) bool {
	return y.told && y.moves && y.bytes < 0 && y.report == nil && (now < y.leaseEnd || w.stalls)
}

// next is where a request may go from where it is; end is its attempt's end, beyond settle time of which nothing is executed that the
// provider had not accepted.
func (w *modelWorld) next(y *modelTry, now, end int64) []place {
	switch {
	case y.at == inFlight && now <= max(end, y.bytes)+w.settle:
		return []place{executed, executed, executed, accepted, declined, throttled, lost}
	case y.at == inFlight:
		return []place{lost}
	case y.at == accepted:
		return []place{executed, executed, declined}
	}
	return nil
}

// word draws what the worker says of its attempt: the truth, or that it does not know.
func (w *modelWorld) word(t *rapid.T, y *modelTry) modelOutcome {
	pid := w.pid(y)
	doubt := modelOutcome{class: providers.InDoubt}
	truth := map[place][]modelOutcome{
		nowhere:   {{class: notSent}, {class: notSent}, doubt},
		inFlight:  {doubt},
		lost:      {doubt},
		accepted:  {{providers.Pending, pid}, doubt},
		executed:  {{providers.Succeeded, pid}, {providers.Pending, pid}, doubt},
		declined:  {{providers.Refused, pid}, {class: providers.Refused}, doubt},
		throttled: {{class: notSent}, doubt},
	}
	return rapid.SampledFrom(truth[y.at]).Draw(t, "word")
}

// lookup draws a truthful answer to a question by reference: of what the provider has it may show any, and nothing of what is younger
// than the settle time must be visible yet.
func (w *modelWorld) lookup(t *rapid.T, now int64, end func(uint8) int64) modelOutcome {
	var answers []modelOutcome
	for _, y := range w.tries {
		class, has := shown(y.at)
		visible := now >= max(end(y.id), y.bytes)+w.settle
		if has && (visible || rapid.Bool().Draw(t, "visible")) {
			answers = append(answers, modelOutcome{class, w.pid(y)})
		}
	}
	if len(answers) == 0 {
		return modelOutcome{class: providers.NotFound}
	}
	return rapid.SampledFrom(answers).Draw(t, "found")
}
