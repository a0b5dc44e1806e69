package billing

// SweepPoints lists the fault points of a sweep.
func SweepPoints() []SweepPoint {
	return []SweepPoint{SweepDue, SweepCommit, SweepClaimed, SweepCharged, SweepCancel, SweepFinished}
}
