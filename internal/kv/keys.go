// Package kv is what the ledger, subscriptions, tokens and the preflight share of Redis: the names
// of keys, scripts and how they are loaded, the one compare-and-set with which decisions are
// written, the clock, and the form of an entry of the outcome stream. It decides nothing.
package kv

// Prefix is the beginning of all keys of a provider, or of an account's tokens; its braces keep
// them on one node of a cluster.
func Prefix(owner string) string { return "remesa:{" + owner + "}:" }

// OutcomesKey is the stream of a provider's outcome events.
func OutcomesKey(provider string) string { return Prefix(provider) + "outcomes" }

// HandledKey is where a group of consumers notes which events of the outcome stream it has handled:
// members event ids by time in ms.
func HandledKey(provider, group string) string { return OutcomesKey(provider) + ":handled:" + group }

// ChargeUpdatesKey is the index of changes of subscriptions' charges: members "subscription|id" by
// time in ms.
func ChargeUpdatesKey(provider string) string { return Prefix(provider) + "subscriptions:news" }

// clockKey holds the time of tests, in ms since 1970.
func clockKey(owner string) string { return Prefix(owner) + "clock" }
