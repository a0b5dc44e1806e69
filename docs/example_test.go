package docs_test

import (
	"encoding/json"
	"fmt"

	"github.com/remesa/remesa/docs"
)

// `enqueue serve` serves the description at /openapi.json.
func ExampleOpenAPI() {
	var d struct{ OpenAPI string }
	fmt.Println(json.Unmarshal(docs.OpenAPI(), &d), d.OpenAPI)
	// Output: <nil> 3.1.0
}
