package engine

import "github.com/remesa/remesa/providers/wire"

// FaultPoint is a named step of a payment's path. A process that dies or stalls at any of them pays nobody twice and forgets nobody: the
// fault tests do both at each.
type FaultPoint string

// The steps of the send lane, of the ask lane and of the janitor, in the order in which a payment passes them. Write, written and read
// are those of each exchange with the provider, in either lane.
const (
	PointWoken          FaultPoint = "woken"
	PointBegin          FaultPoint = "begin"
	PointBegun          FaultPoint = "begun"
	PointSend           FaultPoint = "send"
	PointWrite          FaultPoint = wire.Write
	PointWritten        FaultPoint = wire.Written
	PointRead           FaultPoint = wire.Read
	PointSent           FaultPoint = "sent"
	PointFinish         FaultPoint = "finish"
	PointFinished       FaultPoint = "finished"
	PointRelease        FaultPoint = "release"
	PointReleased       FaultPoint = "released"
	PointQuery          FaultPoint = "ask"
	PointQuerySend      FaultPoint = "question"
	PointQueryDone      FaultPoint = "status"
	PointStatusRecord   FaultPoint = "answer"
	PointStatusRecorded FaultPoint = "answered"
	PointDue            FaultPoint = "due"
	PointWake           FaultPoint = "wake"
	PointRegister       FaultPoint = "register"
	PointRegistered     FaultPoint = "registered"
)

// FaultPoints lists them all.
func FaultPoints() []FaultPoint {
	return []FaultPoint{
		PointRegister, PointRegistered, PointDue, PointWake, PointWoken, PointBegin, PointBegun, PointSend,
		PointWrite, PointWritten, PointRead, PointSent, PointFinish, PointFinished,
		PointRelease, PointReleased, PointQuery, PointQuerySend, PointQueryDone, PointStatusRecord, PointStatusRecorded,
	}
}
