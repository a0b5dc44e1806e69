//go:build race

package main

// underRace is whether the race detector looks on, with which a seed takes several times as long.
const underRace = true
