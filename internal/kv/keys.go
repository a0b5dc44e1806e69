// Package kv is the Redis code that the ledger, subscriptions, tokens and the preflight share: key
// names, scripts, the compare-and-set that writes decisions, the clock, and the entries of the
// outcome stream. It decides nothing about payments.
package kv

import "time"

// Prefix is how all keys of a provider, or of an account's tokens, begin. Its braces are a hash
// tag, which keeps the keys on one node of a cluster.
func Prefix(owner string) string { return "remesa:{" + owner + "}:" }

// OutcomesKey is the stream of a provider's outcome events.
func OutcomesKey(provider string) string { return Prefix(provider) + "outcomes" }

// HandledKey is the index of the outcome events that a group of consumers has handled: members
// event ids by time in ms.
func HandledKey(provider, group string) string { return OutcomesKey(provider) + ":handled:" + group }

// ChargeUpdatesKey is the index of charge updates: members "subscription|id" by time in ms.
func ChargeUpdatesKey(provider string) string {
	return Prefix(provider) + "subscriptions:charge-updates"
}

// TotalsKey says how far an outcome stream has been counted; TotalsHourKey and TotalsDayKey have
// what was counted of one hour and of one day of UTC.
func TotalsKey(owner string) string { return Prefix(owner) + "totals" }

// TotalsHourKey is named after the hour: "…totals:2026-11-27T13".
func TotalsHourKey(owner string, at time.Time) string {
	return TotalsKey(owner) + ":" + at.UTC().Format("2006-01-02T15")
}

// TotalsDayKey is named after the day: "…totals:2026-11-27".
func TotalsDayKey(owner string, at time.Time) string {
	return TotalsKey(owner) + ":" + at.UTC().Format(time.DateOnly)
}

// clockKey holds the time of tests, in Unix ms.
func clockKey(owner string) string { return Prefix(owner) + "clock" }

// APIKeysKey is the hash of the keys of the HTTP interface: each by its public id, without its
// secret.
func APIKeysKey() string { return Prefix("api") + "keys" }
