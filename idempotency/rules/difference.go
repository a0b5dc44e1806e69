package rules

// StatementDifference is the kind of the anomaly that an operator records: a statement of a bank or
// a provider says something else than the ledger.
const StatementDifference = "statement_difference"

// DifferenceParams is what an operator found on a statement.
type DifferenceParams struct {
	Intervention
	// ID names the difference: two with the same ID are one, found twice. It is never empty.
	ID string
}

// RecordDifference flags a payment with an anomaly, because a statement says something else of it.
// It changes no state and no attempt. What is on record already, or was cleared, is not recorded
// again, whatever changed since. It takes no other anomaly's place.
func RecordDifference(r Record, p Policy, f Facts, now Time, d DifferenceParams) (Change, error) {
	if d.ID == r.ClearedDifference || r.Anomaly != nil && d.ID == r.Anomaly.Difference {
		return noChange(r), nil
	}
	t, err := newIntervention(r, p, f, now, d.Intervention)
	switch {
	case err != nil:
		return Change{}, err
	case r.Anomaly != nil && !leftOutInTest(differenceTakesNoPlace):
		return r.refuse(RefusedAnomaly, "it has an anomaly; clear that first")
	}
	t.flag(Anomaly{Kind: StatementDifference, Difference: d.ID}, " "+d.Text)
	return t.applied(), nil
}
