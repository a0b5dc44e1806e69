// Package browsertest opens the pages of a running demo in a real browser.
package browsertest
