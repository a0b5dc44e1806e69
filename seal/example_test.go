package seal_test

import (
	"errors"
	"fmt"

	"github.com/remesa/remesa/seal"
)

func Example() {
	text, err := seal.NewKey("2026") // as `worker key` prints it
	if err != nil {
		fmt.Println(err)
		return
	}
	ring, err := seal.Parse(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed := ring.Seal([]byte("Ana Ruiz"), "name", "virtualpos/tef-0001")
	opened, err := ring.Open(sealed, "name", "virtualpos/tef-0001")
	fmt.Println(string(opened), err)
	// Moved to another payment it does not open.
	_, err = ring.Open(sealed, "name", "virtualpos/tef-0002")
	fmt.Println(errors.Is(err, seal.ErrTampered))
	// Output:
	// Ana Ruiz <nil>
	// true
}

// A key is changed by putting the new one first; what the old one sealed still opens.
func ExampleParse_rotation() {
	old, _ := seal.NewKey("2025")
	before, _ := seal.Parse(old)
	sealed := before.Seal([]byte("12345678"), "account")

	fresh, _ := seal.NewKey("2026")
	ring, err := seal.Parse(fresh + "," + old)
	if err != nil {
		fmt.Println(err)
		return
	}
	opened, err := ring.Open(sealed, "account")
	fmt.Println(string(opened), err)
	fmt.Println("sealed with the first key:", ring.Current(sealed))
	_, err = (&seal.Ring{}).Open(sealed, "account")
	fmt.Println("without the key it waits:", errors.Is(err, seal.ErrUnknownKey))
	// Output:
	// 12345678 <nil>
	// sealed with the first key: false
	// without the key it waits: true
}
