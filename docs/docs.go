// Package docs holds the one page of this folder that a program serves.
package docs

import _ "embed"

//go:embed openapi.json
var openAPI []byte

// OpenAPI is the description of the HTTP interface, openapi.json in this folder: OpenAPI 3.1, in
// JSON. It must not be changed.
func OpenAPI() []byte { return openAPI }
