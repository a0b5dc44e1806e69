// Package tutorialtest runs docs/tutorial.md as it stands, but for the ports, and the client that
// is generated from docs/openapi.json.
package tutorialtest
