package explain

import "github.com/remesa/remesa/idempotency"

// Explain is Teller.Explain in English.
func Explain(r idempotency.Record) Story { return InEnglish().Explain(r) }

// Meaning is Teller.Meaning in English.
func Meaning(s idempotency.State) string { return InEnglish().Meaning(s) }

// Advice is Teller.Advice in English.
func Advice(r idempotency.Record) string { return InEnglish().Advice(r) }

// WaitsFor is Teller.WaitsFor in English.
func WaitsFor(reason string) string { return InEnglish().WaitsFor(reason) }
