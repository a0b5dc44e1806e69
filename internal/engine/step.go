package engine

import "github.com/remesa/remesa/providers/wire"

// Step is a named step of a payment's path. A process that dies or stalls at any of them pays nobody twice and forgets nobody: the
// fault tests do both at each.
type Step string

// The steps of the send lane, of the ask lane and of the janitor, in the order in which a payment passes them. Write, written and read
// are those of each exchange with the provider, in either lane.
const (
	StepWoken      Step = "woken"
	StepBegin      Step = "begin"
	StepBegun      Step = "begun"
	StepSend       Step = "send"
	StepWrite      Step = wire.Write
	StepWritten    Step = wire.Written
	StepRead       Step = wire.Read
	StepSent       Step = "sent"
	StepFinish     Step = "finish"
	StepFinished   Step = "finished"
	StepRelease    Step = "release"
	StepReleased   Step = "released"
	StepAsk        Step = "ask"
	StepQuestion   Step = "question"
	StepStatus     Step = "status"
	StepAnswer     Step = "answer"
	StepAnswered   Step = "answered"
	StepDue        Step = "due"
	StepWake       Step = "wake"
	StepRegister   Step = "register"
	StepRegistered Step = "registered"
)

// Steps lists them all.
func Steps() []Step {
	return []Step{
		StepRegister, StepRegistered, StepDue, StepWake, StepWoken, StepBegin, StepBegun, StepSend,
		StepWrite, StepWritten, StepRead, StepSent, StepFinish, StepFinished,
		StepRelease, StepReleased, StepAsk, StepQuestion, StepStatus, StepAnswer, StepAnswered,
	}
}
