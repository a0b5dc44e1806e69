//go:build mutants

package rules

// leftOut is the safeguard that this build leaves out; tests set it.
var leftOut safeguard

func leftOutInTest(s safeguard) bool { return s == leftOut }
