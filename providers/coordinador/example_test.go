package coordinador_test

import (
	"fmt"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/coordinador"
)

// A client dials nothing before it is used, and names a setting that is wrong.
func ExampleNew() {
	c, err := coordinador.New(coordinador.Config{
		Auth: auth.Options{Account: "coordinador/default"}, PortalURL: "https://portal.example", GatewayURL: "https://gateway.example/v1",
		Username: "ops@example.cl", Password: "secret",
	})
	var _ providers.Payer = c
	fmt.Println(c != nil, err)
	_, err = coordinador.New(coordinador.Config{Auth: auth.Options{Account: "coordinador/default"}, PortalURL: "https://portal.example", Username: "ops@example.cl", Password: "secret"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// REMESA_COORDINADOR_GATEWAY_URL: does not begin with https://
}
