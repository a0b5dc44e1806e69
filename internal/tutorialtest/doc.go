// Package tutorialtest runs docs/tutorial.md and every other line that a page shows in a block of
// shell as they stand, but for the ports, and the client that is generated from docs/openapi.json.
package tutorialtest
