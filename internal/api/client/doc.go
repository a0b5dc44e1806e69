// Package client is a client of the HTTP interface, generated from docs/openapi.json: it shows that
// the description is one that generators understand, and pays through it. It is a module of its
// own, so that neither the generator nor what generated code stands on enters the module of remesa.
//
// A program of yours generates its own, in this or another language.
package client

//go:generate go tool oapi-codegen -config oapi-codegen.yaml ../../../docs/openapi.json
//go:generate sh -c "sha256sum ../../../docs/openapi.json | cut -d' ' -f1 > openapi.sha256"
