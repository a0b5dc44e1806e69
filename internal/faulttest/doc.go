// Package faulttest tests that no payment is executed twice or lost: with real worker processes, a
// real redis-server and a simulator that executes every request, duplicates too. The tests kill,
// stop, restart and cut off all of them, and then compare the provider's book with the ledger and
// the outcome stream, entry by entry.
//
// The ordinary suite has the short form of each scenario; REMESA_TEST_LONG=1 runs the long ones,
// with processes under the race detector.
package faulttest
