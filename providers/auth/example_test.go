package auth_test

import (
	"context"
	"fmt"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
)

// One token serves any number of payments, and is renewed once when the provider rejects it.
func ExampleSource_Do() {
	logins := 0
	source := auth.New(auth.Options{
		Account: "bank/default",
		Login: func(context.Context, auth.Token) (auth.Token, error) {
			logins++
			return auth.Token{Value: providers.Secret(fmt.Sprintf("token-%d", logins)), Expires: time.Now().Add(time.Hour)}, nil
		},
	})
	exchange := func(t auth.Token) auth.Refusal {
		if t.Value.Reveal() == "token-1" { // it was revoked at the provider
			fmt.Println("401")
			return auth.Refusal{Code: "401"}
		}
		fmt.Println("200")
		return auth.Refusal{}
	}
	fmt.Println(source.Do(context.Background(), exchange), logins)
	fmt.Println(source.Do(context.Background(), exchange), logins)
	// Output:
	// 401
	// 200
	// <nil> 2
	// 200
	// <nil> 2
}

// Refused credentials are an error that opens the account's circuit; they are not tried again
// before the cooldown.
func ExampleSource_Token() {
	source := auth.New(auth.Options{
		Account: "bank/default",
		Login: func(context.Context, auth.Token) (auth.Token, error) {
			fmt.Println("login")
			return auth.Token{}, &providers.CredentialsError{Code: "109"}
		},
	})
	for range 2 {
		_, err := source.Token(context.Background())
		fmt.Println(err)
	}
	// Output:
	// login
	// credentials refused, code 109
	// credentials refused, code 109
}
