package engine

import "github.com/remesa/remesa/providers/wire"

// FaultPoint is a named point of a payment's path, at which tests kill or stop a worker. Wherever a
// process dies or stalls, no payment is executed twice and none is forgotten.
type FaultPoint string

// The fault points of the send lane, the query lane, the janitor and registration, each in the
// order in which a payment passes them. PointWrite, PointWritten and PointRead are those of each
// exchange with the provider, in either lane.
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
	PointQuery          FaultPoint = "query"
	PointQuerySend      FaultPoint = "query_send"
	PointQueryDone      FaultPoint = "query_done"
	PointStatusRecord   FaultPoint = "status_record"
	PointStatusRecorded FaultPoint = "status_recorded"
	PointDue            FaultPoint = "due"
	PointWake           FaultPoint = "wake"
	PointRegister       FaultPoint = "register"
	PointRegistered     FaultPoint = "registered"
)

// FaultPoints lists all fault points.
func FaultPoints() []FaultPoint {
	return []FaultPoint{
		PointRegister, PointRegistered, PointDue, PointWake, PointWoken, PointBegin, PointBegun, PointSend,
		PointWrite, PointWritten, PointRead, PointSent, PointFinish, PointFinished,
		PointRelease, PointReleased, PointQuery, PointQuerySend, PointQueryDone, PointStatusRecord, PointStatusRecorded,
	}
}
