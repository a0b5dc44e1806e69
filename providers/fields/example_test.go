package fields_test

import (
	"fmt"
	"regexp"

	"github.com/remesa/remesa/providers/fields"
)

// A RUT may be written with or without dots and dash; its check digit must be right.
func ExampleCanonicalRUT() {
	fmt.Println(fields.CanonicalRUT("12.345.678-5"))
	fmt.Println(fields.CanonicalRUT("12.345.678-6"))
	// Output:
	// 12345678-5 true
	//  false
}

// A provider's package lists the fields of a task in such tables.
func ExamplePattern() {
	f := fields.Need(fields.Pattern("bank.code", "must be the bank's code of 3 digits, such as 012", regexp.MustCompile(`^[0-9]{3}$`)))
	fmt.Println(f.Path, f.Required, f.Valid("012"), f.Valid("12"))
	// Output: bank.code true true false
}
