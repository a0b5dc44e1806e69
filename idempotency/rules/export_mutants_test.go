//go:build mutants

package rules

import "slices"

// LeaveOut leaves a safeguard out, by its sentence; empty: none.
func LeaveOut(name string) { leftOut = safeguard(name) }

// Update: what catches each safeguard's absence is to be found anew. It takes some minutes.
func Update() bool { return *update }

// Safeguards are the sentences of all.
func Safeguards() []string {
	var out []string
	for _, s := range safeguards() {
		out = append(out, string(s))
	}
	return out
}

// SearchedRows are the names of the search's rows that promise something.
func SearchedRows() []string {
	var out []string
	for _, r := range searchRows() {
		if len(r.shows) == 0 {
			out = append(out, r.name)
		}
	}
	return out
}

// Search searches a row, and says what it broke, if anything.
func Search(name string, states int) (broken string, trace []string) {
	rows := searchRows()
	r := rows[slices.IndexFunc(rows, func(r *row) bool { return r.name == name })]
	f := r.search(states)
	if r.wrong(f) == "" {
		return "", nil
	}
	return f.broken, f.trace
}
