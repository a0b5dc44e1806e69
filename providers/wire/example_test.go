package wire_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/remesa/remesa/providers/wire"
)

// A reply is returned whatever its status: what it means is for the adapter to say.
func ExampleClient_Do() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = fmt.Fprint(w, `{"code":"E-040"}`)
	}))
	defer server.Close()
	client, err := wire.New(wire.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	reply, err := client.Do(context.Background(), wire.Request{
		Method: http.MethodPost, URL: server.URL + "/payout",
		Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{}`),
	})
	fmt.Println(reply.Status, string(reply.Body), err)
	// Output: 422 {"code":"E-040"} <nil>
}

// Whether a byte of the request may have left decides between an error, which can be tried again,
// and doubt.
func ExampleOutcomeOfFailure() {
	hangsUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer hangsUp.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	client, err := wire.New(wire.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for _, url := range []string{closed.URL, hangsUp.URL} {
		_, err := client.Do(context.Background(), wire.Request{Method: http.MethodPost, URL: url, Body: []byte(`{}`)})
		outcome, notSent := wire.OutcomeOfFailure(err)
		fmt.Printf("not sent: %t, outcome: %q\n", notSent != nil, outcome.Class)
	}
	// Output:
	// not sent: true, outcome: ""
	// not sent: false, outcome: "in_doubt"
}

func ExampleJoin() {
	base, err := wire.ParseBase("https://api.example.com/prefix")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(wire.Join(base, "/v3/payout/{id}", "id", "a/b"))
	// Output: https://api.example.com/prefix/v3/payout/a%2Fb <nil>
}
