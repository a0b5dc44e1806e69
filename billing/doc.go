// Package billing charges subscriptions: charges that recur on a calendar (package schedule).
//
// A Client adds subscriptions, reads them, and pauses, resumes, changes and cancels them. A
// Sweeper, which every worker runs, any number at a time, charges what falls due:
//
//	due subscriptions, charge updates -> the ledger's records of the open period's charges
//	    -> Record.Decide -> Store.Commit -> register the charge and wake a worker
//
// A decision follows from the records alone. A process that dies anywhere in between leaves a
// record from which the same decision follows again, with the same references; a commit made from
// an older record is refused; and a charge is registered only while the charge guard of its
// period's claim names it. So no period is charged twice, and none is forgotten.
package billing
